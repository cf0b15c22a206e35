"""From a clip to what a network takes of it: sampled, prepared, with its guidance. torch-free."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from motionrgbd.core.errors import ModalityError, SourceError
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.guidance import GuidanceSettings, GuidanceStream
from motionrgbd.core.preprocess import Prepared, Preparer, make_preparer
from motionrgbd.core.recogniser import network_input
from motionrgbd.core.results import FloatArray
from motionrgbd.core.runner import NetworkInput
from motionrgbd.core.sampling import GridSampler, bin_indices
from motionrgbd.models.bundle import Card
from motionrgbd.models.grouping import Temperatures
from motionrgbd.models.recipe import FrameView, Modality, Recipe
from motionrgbd.training.evaluation.clips import EvaluationClip, numbered

_WORDS = {"color": "colour", "depth": "depth"}


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a model before it scores anything.

    file: its name, without the folder. kind: in words. sha256: of the file. device: what it runs
    on, in words. stretched: whether clips are sampled by the released bin rule, not by time.
    falls_back: whether one modality of two is enough. temperatures: what scores are divided by.
    """

    file: str
    kind: str
    sha256: str
    labels: tuple[str, ...]
    recipe: Recipe
    modalities: tuple[Modality, ...]
    card: Card
    device: str
    stretched: bool
    falls_back: bool = False
    temperatures: Temperatures = field(default_factory=Temperatures)

    def used(self, clip: EvaluationClip) -> tuple[Modality, ...]:
        """Return what the model sees of a clip. Raises ModalityError where that is too little."""
        has = {"color": clip.info.has_color, "depth": clip.info.has_depth}
        there = tuple(m for m in self.modalities if has[m])
        if len(there) == len(self.modalities) or (there and self.falls_back):
            return there
        lacking = " and ".join(_WORDS[m] for m in self.modalities if m not in there)
        raise ModalityError(
            f"{self.file} needs {lacking}, which clip {clip.name!r} does not have — choose another "
            "model, or a copy of the set that has it"
        )

    def calibrated(self, logits: FloatArray, used: tuple[Modality, ...]) -> FloatArray:
        """Return logits (K,) of these modalities, divided by their temperature."""
        alone = len(used) < len(self.modalities)
        temperature = getattr(self.temperatures, used[0] if alone else "fused")
        return np.asarray(logits / np.float32(temperature), np.float32)


def is_stretched(recipe: Recipe, kind: str) -> bool:
    """Whether clips of this model are sampled by the bin rule: released ones, and sets without a
    rate."""
    return recipe.span_s is not None or kind.startswith("released")


def network_inputs(clip: EvaluationClip, model: Model) -> Iterator[NetworkInput | None]:
    """Yield a clip's sampled frames as the network takes them; None where a gap starts anew.

    Raises ModalityError where the clip lacks what the model needs.
    """
    recipe, modalities = model.recipe, model.used(clip)
    settings = GuidanceSettings.of(recipe)
    streams = {m: GuidanceStream(settings) for m in modalities}
    for prepared in _prepared(clip, model, modalities):
        if prepared is None:
            for stream in streams.values():
                stream.reset()
            yield None
            continue
        pictures = {"color": prepared.color, "depth": prepared.depth}
        maps = {}
        for modality, stream in streams.items():
            picture = pictures[modality]
            if picture is None:
                raise SourceError(f"clip {clip.name!r} has a frame without {_WORDS[modality]}")
            maps[modality] = stream.push(picture)
        yield network_input(recipe, prepared, maps)


def too_short(clip: EvaluationClip, recipe: Recipe) -> SourceError:
    """Return the error of a clip that does not fill the window of a model that does not pad."""
    return SourceError(
        f"clip {clip.name!r}: its {clip.frame_count} frames at {clip.info.fps_hz:g} Hz do not fill "
        f"the model's window of {recipe.window} frames at {recipe.fps_hz:g} Hz — leave it out"
    )


def sampled_frames(
    clip: EvaluationClip, model: Model, modalities: Sequence[Modality]
) -> Iterator[RGBDFrame | None]:
    """Yield the frames that enter the network, by the model's rule; None where a gap starts anew.

    Released networks and sets without a rate take the window's bins of the clip; all others hold
    it to the recipe's grid, as the live path does.
    """
    frames = numbered(clip.frames(modalities), clip)
    if model.stretched:
        yield from _binned(frames, clip.frame_count, model.recipe.window)
    else:
        yield from frames_on_grid(frames, clip.info.fps_hz, model.recipe)


def _binned(frames: Iterable[RGBDFrame], count: int, window: int) -> Iterator[RGBDFrame]:
    times = np.bincount(bin_indices(count, window), minlength=count)
    for frame, repeat in zip(frames, times, strict=False):  # what follows the count is not listed
        for _ in range(int(repeat)):
            yield frame


def frames_on_grid(
    frames: Iterable[RGBDFrame], source_hz: float, recipe: Recipe
) -> Iterator[RGBDFrame | None]:
    """Yield the frame of each point of the recipe's grid; None where a gap starts anew."""
    sampler = GridSampler(recipe.fps_hz, source_hz)
    last: RGBDFrame | None = None
    for frame in frames:
        if last is not None:
            silence = frame.timestamp_s - last.timestamp_s
            if silence > recipe.max_gap_s or silence <= 0:
                sampler.reset()
                last = None
                yield None
        late = sampler.late_points(frame.timestamp_s)
        if last is not None:
            for _ in range(late):
                yield last
        for _ in range(sampler.points(frame.timestamp_s)):
            yield frame
        last = frame


def _prepared(
    clip: EvaluationClip, model: Model, modalities: tuple[Modality, ...]
) -> Iterator[Prepared | None]:
    """Yield the network's view of each sampled frame.

    Whole pictures are prepared one modality at a time: in some sets the two are not aligned.
    """
    if clip.preparer is not None or not isinstance(model.recipe.view, FrameView):
        preparer = _preparer(clip, model.recipe)
        yield from _prepare(sampled_frames(clip, model, modalities), preparer)
        return
    streams = [
        _prepare(_only(m, sampled_frames(clip, model, (m,))), _preparer(clip, model.recipe))
        for m in modalities
    ]
    for parts in zip(*streams, strict=True):
        first = parts[0]
        if first is None or len(parts) == 1:
            yield first
        else:
            assert parts[1] is not None
            yield dataclasses.replace(first, depth=parts[1].depth)


def _prepare(frames: Iterable[RGBDFrame | None], preparer: Preparer) -> Iterator[Prepared | None]:
    for frame in frames:
        if frame is None:
            preparer.reset()
            yield None
        else:
            yield preparer.prepare(frame)


def _only(modality: Modality, frames: Iterable[RGBDFrame | None]) -> Iterator[RGBDFrame | None]:
    """Leave out of frames what would be prepared for nothing."""
    for frame in frames:
        if frame is None or frame.color is None or frame.depth is None:
            yield frame
        elif modality == "color":
            yield dataclasses.replace(frame, depth=None)
        else:
            yield dataclasses.replace(frame, color=None)


def _preparer(clip: EvaluationClip, recipe: Recipe) -> Preparer:
    if clip.preparer is not None:
        return clip.preparer(recipe)
    return make_preparer(recipe, clip.info.intrinsics, clip.info.eight_bit)
