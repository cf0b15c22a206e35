"""Labelled clips to evaluate on: frames as a source delivers them, and pictures for the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import DepthImage, RGBDFrame, SourceInfo
from motionrgbd.core.preprocess import Picture, Preparer
from motionrgbd.core.sampling import bin_indices
from motionrgbd.models.recipe import Modality, Recipe

STRIP_HEIGHT_PX = 96
_MARGIN_PX = 8

FrameReader = Callable[[Sequence[Modality]], Iterable[RGBDFrame]]


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationClip:
    """One labelled clip.

    name: unique in its set. label: index into the set's classes. info: of a recording that holds
    this clip alone; its frame_count is the clip's.
    frames: called with the modalities that are needed, yields the clip's frames in order, each
    with these modalities and perhaps others. Several readers may take turns.
    strip: returns so many RGB pictures uint8 (h, w, 3) of the clip; None: made of its frames.
    preparer: returns what prepares the clip's frames for a recipe where the set knows better than
    the application, such as annotated boxes; None: as the application does.
    """

    name: str
    label: int
    info: SourceInfo
    frames: FrameReader
    strip: Callable[[int], list[Picture]] | None = None
    preparer: Callable[[Recipe], Preparer] | None = None

    @property
    def frame_count(self) -> int:
        """How many frames there are."""
        assert self.info.frame_count is not None  # an `EvaluationSet` refuses others
        return self.info.frame_count


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationSet:
    """Clips and the names of their classes, checked at birth.

    name, split: for the report. classes: in the order of the labels. notes: what a reader must
    know of the set, one sentence each. redistributable: whether pictures of it may be passed on.
    Raises SourceError for a set without clips, clips of one name and labels out of range.
    """

    name: str
    split: str
    classes: tuple[str, ...]
    clips: tuple[EvaluationClip, ...]
    notes: tuple[str, ...] = ()
    redistributable: bool = False

    def __post_init__(self) -> None:
        where = f"{self.name}, split {self.split}"
        if not self.clips:
            raise SourceError(f"{where}: there are no clips — check --root and --split")
        names: set[str] = set()
        for clip in self.clips:
            if not 0 <= clip.label < len(self.classes):
                raise SourceError(
                    f"{where}: clip {clip.name!r} has label {clip.label}; the set has "
                    f"{len(self.classes)} classes, 0 to {len(self.classes) - 1} — mend its list"
                )
            if clip.name in names:
                raise SourceError(f"{where}: two clips are called {clip.name!r} — mend its list")
            if not clip.info.frame_count:
                raise SourceError(f"{where}: clip {clip.name!r} has no frames — check its files")
            names.add(clip.name)

    @property
    def empty_classes(self) -> tuple[str, ...]:
        """Names of the classes that no clip has."""
        present = {clip.label for clip in self.clips}
        return tuple(name for c, name in enumerate(self.classes) if c not in present)

    def limited(self, count: int | None) -> EvaluationSet:
        """Return at most `count` clips, spread evenly over the list: lists are often sorted."""
        if count is None or count >= len(self.clips):
            return self
        chosen = tuple(self.clips[i] for i in bin_indices(len(self.clips), count))
        note = f"{count} of the {len(self.clips)} clips, spread evenly over the list"
        return EvaluationSet(
            self.name,
            self.split,
            self.classes,
            chosen,
            (*self.notes, note),
            self.redistributable,
        )


@dataclass(frozen=True, slots=True)
class SetRequest:
    """What a set is read for.

    root: its folder, or None where none was given. split: as the set names it. recipe and
    modalities: the model's. options: further choices by name, as `KnownSet.options` lists them.
    """

    root: Path | None
    split: str
    recipe: Recipe
    modalities: tuple[Modality, ...]
    options: Mapping[str, str] = field(default_factory=dict)

    def folder(self, name: str) -> Path:
        """Return the root. Raises SourceError where none was given or there is no such folder."""
        if self.root is None:
            raise SourceError(f"{name} is read from a folder: name it with --root")
        if not self.root.is_dir():
            raise SourceError(f"{self.root}: no such folder — name the one that holds {name}")
        return self.root


def clip_strip(
    clip: EvaluationClip, count: int, modalities: Sequence[Modality]
) -> list[NDArray[np.uint8]]:
    """Return `count` RGB pictures of a clip, all of one small height, spread over its length.

    Colour where there is some, else depth, cut to where there is anything in the whole clip.
    """
    if clip.strip is not None:
        return [_small(picture) for picture in clip.strip(count)]
    wanted = bin_indices(clip.frame_count, count).tolist()
    last = max(wanted)
    chosen = {}
    for i, frame in enumerate(clip.frames(modalities)):
        if i in wanted:
            chosen[i] = frame
        if i >= last:
            break
    frames = [chosen[i] for i in wanted if i in chosen]
    images = _cut([frame.depth for frame in frames if frame.depth is not None])
    if frames[0].color is None:
        near, far = _range(images)
        return [_small(depth_picture(image, near, far)) for image in images]
    return [_small(frame.color) for frame in frames if frame.color is not None]


def numbered(frames: Iterable[RGBDFrame], clip: EvaluationClip) -> Iterator[RGBDFrame]:
    """Pass frames on. Raises SourceError where there are fewer than the clip says."""
    count = 0
    for frame in frames:
        yield frame
        count += 1
    if count < clip.frame_count:
        raise SourceError(
            f"clip {clip.name!r} should have {clip.frame_count} frames, but {count} were found — "
            "copy or prepare it again"
        )


def _cut(images: Sequence[DepthImage]) -> list[DepthImage]:
    """Cut images to the rows and columns in which any of them has a reading, and a little more."""
    if len({image.shape for image in images}) != 1:
        return list(images)
    seen = np.logical_or.reduce([image > 0 for image in images])
    spans = [slice(None), slice(None)]
    for axis in (0, 1):
        places = np.flatnonzero(seen.any(1 - axis))
        if len(places):
            spans[axis] = slice(max(0, int(places[0]) - _MARGIN_PX), int(places[-1]) + _MARGIN_PX)
    return [image[spans[0], spans[1]] for image in images]


def _range(images: Sequence[DepthImage]) -> tuple[float, float]:
    """Return the 2nd and 98th percentile of all readings: a few odd ones would darken the rest."""
    seen = np.concatenate([image[image > 0] for image in images])
    near, far = np.percentile(seen, (2, 98)) if len(seen) else (0.0, 1.0)
    return float(near), float(far)


def depth_picture(depth: DepthImage, near_mm: float, far_mm: float) -> Picture:
    """Return depth (h, w) as grey RGB, near is bright, no reading black."""
    grey = 255 - 215 * np.clip((depth - near_mm) / max(1.0, far_mm - near_mm), 0, 1)
    return np.repeat(np.where(depth > 0, grey, 0).astype(np.uint8)[..., None], 3, axis=2)


def _small(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    size = (max(1, round(width * STRIP_HEIGHT_PX / height)), STRIP_HEIGHT_PX)
    how = cv2.INTER_AREA if height > STRIP_HEIGHT_PX else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)
