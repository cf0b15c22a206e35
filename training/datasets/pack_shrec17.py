"""SHREC'17 as it is handed out, made into one packed file of hand crops."""

from __future__ import annotations

import csv
import lzma
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.errors import SourceError
from motionrgbd.training.datasets.clip_files import BrokenClipError, check_numbers, read_image
from motionrgbd.training.datasets.download import Download, Member
from motionrgbd.training.datasets.plan import Plan
from motionrgbd.training.datasets.shrec17 import (
    AUX_FILE,
    CLIPS_FILE,
    CROP_PX,
    DEPTH_FILE,
    FRAME_PX,
    OFFICIAL_LISTS,
    SAMPLES,
    STEP_MM,
    VALIDATION_SUBJECTS,
)
from motionrgbd.training.whole_files import replacing

CLIPS_FOLDER = ".clips"  # of clips made before the package is
_IDENTITY = ("gesture", "finger", "subject", "essai")
_COLUMNS = ("split", "label14", "label28", *_IDENTITY, "orig_frames")
_REGIONS = r"general_informations?\.txt"  # the track's spelling and DHG's
_XZ_END = b"YZ"  # of every xz file
_DAMAGED = (OSError, EOFError, ValueError, LookupError, TypeError, LZMAError, BadZipFile)
_DEPTH = r"(?:\d+_depth|depth_\d+)\.png"
_ORDER = ("train", "test", "val")  # of the clips in the package


@dataclass(frozen=True, slots=True)
class Sequence17:
    """One line of the official lists: gesture finger subject essai label14 label28 frames."""

    gesture: int
    finger: int
    subject: int
    essai: int
    label14: int
    label28: int
    frames: int
    official: str

    @property
    def split(self) -> str:
        """The split here: some subjects of the official training set are held back."""
        if self.official == "train" and self.subject in VALIDATION_SUBJECTS:
            return "val"
        return self.official

    @property
    def folder(self) -> str:
        """Where it lies in the download."""
        return (
            f"gesture_{self.gesture}/finger_{self.finger}/subject_{self.subject}/essai_{self.essai}"
        )

    @property
    def target(self) -> str:
        """Where its crops lie until all are packed."""
        return f"{CLIPS_FOLDER}/{self.folder.replace('/', '-')}"

    @property
    def identity(self) -> tuple[int, ...]:
        """What tells it from the others."""
        return self.gesture, self.finger, self.subject, self.essai

    @property
    def row(self) -> tuple[str | int, ...]:
        """Its line of the package's table, after the index."""
        return self.split, self.label14, self.label28, *self.identity, self.frames


@dataclass(frozen=True, slots=True)
class HandCrops:
    """Makes `clip.npz` of one sequence: 32 equally spaced hand regions, 50x50, in 8 bits.

    members: the text of hand regions, then the depth pictures in order. frames: how many pictures
    the official list counts.
    """

    frames: int

    def __call__(self, members: Sequence[Member], folder: Path) -> None:
        regions_file, *pictures = members
        check_numbers(pictures)
        if len(pictures) != self.frames:
            raise BrokenClipError(
                f"{pictures[0]} is one of {len(pictures)} pictures, the list counts {self.frames}"
            )
        regions = _read_regions(regions_file)
        if len(regions) < self.frames:
            raise BrokenClipError(
                f"{regions_file} has {len(regions)} lines for {self.frames} pictures"
            )
        chosen = [self.frames * i // SAMPLES for i in range(SAMPLES)]
        boxes = np.array([_box(regions[i]) for i in chosen], np.int16)
        images = {i: read_image(pictures[i]) for i in sorted(set(chosen))}
        crops = [crop(images[i], box) for i, box in zip(chosen, boxes, strict=True)]
        depth, offset_mm = encode(np.stack(crops))
        np.savez(folder / "clip.npz", depth=depth, offset=np.int16(offset_mm), boxes=boxes)


def crop(image: NDArray[Any], box: NDArray[np.int16]) -> NDArray[np.uint16]:
    """Return the region (y0, x0, y1, x1) of a depth picture at 50x50, nearest pixels.

    Depth is never blended: between hand and background lies nothing. An empty region is 0.
    """
    if image.shape != FRAME_PX[::-1]:
        raise BrokenClipError(f"a depth picture is {image.shape}, {FRAME_PX[::-1]} is expected")
    y0, x0, y1, x1 = (int(v) for v in box)
    if y1 <= y0 or x1 <= x0:
        return np.zeros((CROP_PX, CROP_PX), np.uint16)
    steps = np.arange(CROP_PX)
    rows, columns = y0 + steps * (y1 - y0) // CROP_PX, x0 + steps * (x1 - x0) // CROP_PX
    return np.asarray(image[np.ix_(rows, columns)], np.uint16)


def encode(depth_mm: NDArray[np.uint16]) -> tuple[NDArray[np.uint8], int]:
    """Return a clip's 8-bit codes and its offset: mm = code * 3 + offset, code 0 = no depth.

    The clip's nearest pixel gets code 1; what lies beyond the last code gets 255.
    """
    seen = depth_mm > 0
    if not seen.any():
        return np.zeros(depth_mm.shape, np.uint8), 0
    offset = int(depth_mm[seen].min()) - STEP_MM
    codes = np.rint((depth_mm.astype(np.float32) - offset) / STEP_MM)
    return np.where(seen, np.clip(codes, 1, 255), 0).astype(np.uint8), offset


def plan_shrec17(download: Download) -> Plan:
    """Folders `gesture_1/finger_1/subject_1/essai_1` of depth pictures and hand regions."""
    plan = Plan()
    sequences = _read_sequences(download)
    pattern = r"(gesture_\d+/finger_\d+/subject_\d+/essai_\d+)"
    pictures = {match[1]: files for match, files in download.folders(pattern, _DEPTH)}
    regions = {match[1]: member for match, member in download.files(rf"{pattern}/{_REGIONS}")}
    for sequence in sequences:
        here = sequence.folder
        if here in pictures and here in regions:
            maker = HandCrops(sequence.frames)
            plan.add(sequence.target, maker, regions[here], pictures[here])
        else:
            what = "general_informations.txt" if here in pictures else "its depth pictures"
            plan.missing.append(f"{here}: {what}")
    plan.finisher = Packer(tuple(sequences))
    return plan


@dataclass(frozen=True, slots=True)
class Packer:
    """Packs the clips that were made; what is missing is left out, never filled."""

    sequences: tuple[Sequence17, ...]

    def is_whole(self, root: Path) -> bool:
        """Whether all three files are there, with every sequence."""
        try:
            with (root / CLIPS_FILE).open(newline="") as table:
                rows = [tuple(int(row[c]) for c in _IDENTITY) for row in csv.DictReader(table)]
            counts = {len(rows), _packed_clips(root / DEPTH_FILE), _boxed_clips(root / AUX_FILE)}
        except _DAMAGED:
            return False
        return len(counts) == 1 and sorted(rows) == sorted(s.identity for s in self.sequences)

    def finish(self, root: Path, complete: bool) -> None:
        """Write the three files of the package; with `complete`, remove the clips it is made of."""
        ordered = sorted(self.sequences, key=lambda s: _ORDER.index(s.split))
        made = [s for s in ordered if (root / s.target / "clip.npz").is_file()]
        if not made:
            raise SourceError(f"{root}: no sequence of SHREC'17 could be made; nothing is packed")
        (root / CLIPS_FILE).unlink(missing_ok=True)
        clips = [dict(np.load(root / s.target / "clip.npz")) for s in made]
        with replacing(root / DEPTH_FILE) as part, lzma.open(part, "wb") as file:
            np.save(file, np.stack([clip["depth"] for clip in clips]))
        with replacing(root / AUX_FILE) as part, part.open("wb") as file:
            np.savez_compressed(
                file,
                depth_offset_mm=np.stack([clip["offset"] for clip in clips]).astype(np.int16),
                depth_step_mm=np.int16(STEP_MM),
                bbox_y0x0y1x1=np.stack([clip["boxes"] for clip in clips]),
            )
        with replacing(root / CLIPS_FILE) as part, part.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("index", *_COLUMNS))
            writer.writerows((i, *s.row) for i, s in enumerate(made))
        if complete:  # else the others need not be made again
            shutil.rmtree(root / CLIPS_FOLDER)


def _packed_clips(path: Path) -> int:
    """How many clips the packed depth has, by its first bytes; 0 where its last ones are lost."""
    with path.open("rb") as file:
        file.seek(-len(_XZ_END), os.SEEK_END)
        if file.read() != _XZ_END:
            return 0
    with lzma.open(path) as file:
        np.lib.format.read_magic(file)
        shape, _, _ = np.lib.format.read_array_header_1_0(file)
    return int(shape[0])


def _boxed_clips(path: Path) -> int:
    with path.open("rb") as file, np.load(file) as aux:
        counts = {len(aux[name]) for name in ("bbox_y0x0y1x1", "depth_offset_mm")}
    return counts.pop() if len(counts) == 1 else 0


def _read_sequences(download: Download) -> list[Sequence17]:
    sequences = []
    for official, file in OFFICIAL_LISTS.items():
        text = next((m.read().decode() for _, m in download.files(re.escape(file))), None)
        if text is None:
            raise SourceError(f"{file} is not in the download; it comes with the set")
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                sequences.append(_sequence(f"{file}, line {number}", line, official))
    return sequences


def _sequence(where: str, line: str, official: str) -> Sequence17:
    try:
        numbers = [int(field) for field in line.split()]
        sequence = Sequence17(*numbers, official=official)  # type: ignore[misc,arg-type]
    except (ValueError, TypeError):
        raise SourceError(
            f"{where}: '{line}' is not 'gesture finger subject essai label14 label28 frames'"
        ) from None
    if not (
        1 <= sequence.gesture <= 14
        and sequence.finger in (1, 2)
        and sequence.label14 == sequence.gesture
        and sequence.label28 == 2 * (sequence.gesture - 1) + sequence.finger
        and sequence.frames > 0
    ):
        raise SourceError(f"{where}: labels of '{line}' do not fit its gesture and finger")
    return sequence


def _read_regions(member: Member) -> NDArray[np.int64]:
    """One line a picture: time or number, then x, y, width, height in pixels."""
    try:
        rows = [[float(v) for v in line.split()] for line in member.read().decode().splitlines()]
        table = np.array([row for row in rows if row])
        if table.ndim != 2 or table.shape[1] != 5:
            raise ValueError("lines of five numbers are expected")
    except (OSError, ValueError) as problem:
        raise BrokenClipError(f"{member} is damaged ({problem})") from None
    return table[:, 1:].astype(np.int64)


def _box(region: NDArray[np.int64]) -> tuple[int, int, int, int]:
    """y0, x0, y1, x1 of x, y, width, height, within the picture."""
    x, y, width, height = (int(v) for v in region)
    y0, y1 = (min(max(v, 0), FRAME_PX[1]) for v in (y, y + height))
    x0, x1 = (min(max(v, 0), FRAME_PX[0]) for v in (x, x + width))
    return y0, x0, y1, x1
