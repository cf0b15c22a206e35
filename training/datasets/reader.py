"""From a benchmark's folder to its clips and their pictures."""

from __future__ import annotations

import csv
import lzma
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from motionrgbd.core.errors import ModalityError, SourceError
from motionrgbd.core.person_crop import PersonCrop
from motionrgbd.models.recipe import MaskedJetDepth, Modality
from motionrgbd.training.datasets.benchmark import SHORTEST_CLIP, Benchmark
from motionrgbd.training.datasets.records import NUMBERED, ClipRecord, PictureNames
from motionrgbd.training.datasets.shrec17 import (
    CLIPS_FILE,
    DEPTH_FILE,
    LABEL_COLUMNS,
    SAMPLES,
)

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ListLine:
    """One line of an official list: `folder frame_count label`."""

    name: str
    frames: int
    label: int


def read_records(benchmark: Benchmark, root: Path, split: str) -> list[ClipRecord]:
    """Return the clips of a split, in the order of its official list.

    root: the set's own folder, as `motionrgbd data prepare` writes it. Clips of 16 frames or fewer
    are left out, as the released loader does. Nothing but the list is opened: `data check` looks
    at the pictures. Raises `UsageError` for an unknown split, `SourceError` for a list that is
    missing, damaged, empty, or has labels out of range.
    """
    benchmark.split(split)
    if not root.is_dir():
        raise SourceError(
            f"{root}: no such folder; prepare the set with `motionrgbd data prepare "
            f"{benchmark.key}`, or name its folder with --root or MOTIONRGBD_DATA"
        )
    if benchmark.packed:
        return _packed_records(benchmark, root, split)
    modalities = [m for m in benchmark.modalities if (root / benchmark.pictures[m].folder).is_dir()]
    if not modalities:
        folders = " or ".join(benchmark.pictures[m].folder for m in benchmark.modalities)
        raise SourceError(f"{root} is no {benchmark.name}: it holds no folder {folders}")
    lines = read_list(_list_file(benchmark, root, split), len(benchmark.labels))
    return [
        _record(benchmark, root, line, modalities) for line in lines if line.frames >= SHORTEST_CLIP
    ]


def read_list(file: Path, classes: int) -> list[ListLine]:
    """Return every line of a list. Raises `SourceError` that names the file and the line."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise SourceError(f"{file} cannot be read ({problem})") from None
    lines = [
        _parse_line(f"{file}, line {number}", line, classes)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip()
    ]
    if not lines:
        raise SourceError(f"{file} is empty: it should hold lines 'folder frame_count label'")
    return lines


def read_pictures(record: ClipRecord, modality: Modality, indices: Sequence[int]) -> list[Picture]:
    """Return frames of a clip at their original size, uint8 (H, W, 3), in the given order.

    indices: of frames, from 0. Colour is RGB. Grey depth has three equal channels; NTU's masked
    depth is cropped around the person and coloured, as its released networks take it.
    Raises `ModalityError` where the clip lacks the modality, `SourceError` that names a picture
    which is missing or damaged.
    """
    place = record.color if modality == "color" else record.depth
    if place is None:
        raise ModalityError(f"clip {record.name} has no {modality}: choose another modality")
    if place.name == DEPTH_FILE:
        pictures = packed_depth(place)[int(record.name), list(indices)]
        return [np.repeat(picture[..., None], 3, axis=2) for picture in pictures]
    names = record.color_names if modality == "color" else record.depth_names
    decode = picture_decoder(names)
    return [decode(read_bytes(place / names(i)), place / names(i)) for i in indices]


def picture_decoder(names: PictureNames) -> Callable[[bytes, Path], Picture]:
    """Return what turns the files of one clip, in order, into pictures uint8 (H, W, 3)."""
    if not names.masked:
        return _decode
    person = PersonCrop(MaskedJetDepth())
    return lambda data, path: person.picture(_decode_masked(data, path))


@lru_cache(maxsize=2)
def packed_depth(file: Path) -> Picture:
    """Return all clips of a packed set, uint8 (n, 32, 50, 50): 190 MB, read once a process."""
    try:
        with lzma.open(file) as stream:
            depth: Picture = np.load(stream)
    except (OSError, lzma.LZMAError, ValueError, EOFError) as problem:
        raise SourceError(
            f"{file} is missing or damaged ({problem}); make it again with `motionrgbd data "
            "prepare shrec17`"
        ) from None
    depth.flags.writeable = False
    return depth


def _list_file(benchmark: Benchmark, root: Path, split: str) -> Path:
    """The first modality's list that is there: all of them name the same clips."""
    files = [benchmark.list_file(root, split, m) for m in benchmark.modalities]
    known = [file for file in files if file is not None]
    for file in known:
        if file.is_file():
            return file
    raise SourceError(
        f"{known[0]} is missing: the official list of {benchmark.name} {split}; "
        f"`motionrgbd data prepare {benchmark.key}` writes it"
    )


def _parse_line(where: str, line: str, classes: int) -> ListLine:
    fields = line.split()
    try:
        name, frames, label = fields[0], int(fields[1]), int(fields[2])
    except (ValueError, IndexError):
        raise SourceError(f"{where}: '{line.strip()}' is not 'folder frame_count label'") from None
    if frames < 1:
        raise SourceError(f"{where}: {name} has {frames} frames; correct the list")
    if not 0 <= label < classes:
        raise SourceError(
            f"{where}: label {label} is out of range, there are {classes} classes "
            f"(0 to {classes - 1}); is it the list of another set?"
        )
    return ListLine(name, frames, label)


def _record(
    benchmark: Benchmark, root: Path, line: ListLine, modalities: Sequence[Modality]
) -> ClipRecord:
    folders = {
        m: root / benchmark.pictures[m].folder / benchmark.pictures[m].clip(line.name)
        for m in modalities
    }
    names = {m: benchmark.pictures[m].names for m in modalities}
    return ClipRecord(
        line.name,
        line.frames,
        line.label,
        folders.get("color"),
        folders.get("depth"),
        names.get("color", NUMBERED),
        names.get("depth", NUMBERED),
    )


def _packed_records(benchmark: Benchmark, root: Path, split: str) -> list[ClipRecord]:
    file = root / CLIPS_FILE
    column = LABEL_COLUMNS[benchmark.key]
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            rows = [
                ListLine(str(int(row["index"])), SAMPLES, int(row[column]) - 1)
                for row in csv.DictReader(stream)
                if row["split"] == split
            ]
    except (OSError, KeyError, ValueError, TypeError) as problem:
        raise SourceError(
            f"{file} is missing or damaged ({problem}); make it with `motionrgbd data prepare "
            "shrec17`"
        ) from None
    if not rows:
        raise SourceError(f"{file} has no clips of split '{split}'")
    for row in rows:
        if not 0 <= row.label < len(benchmark.labels):
            raise SourceError(f"{file}: {column} of clip {row.name} is out of range")
    return [ClipRecord(row.name, row.frames, row.label, None, root / DEPTH_FILE) for row in rows]


def read_bytes(path: Path) -> bytes:
    """Return a picture file. Raises `SourceError` that names it where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise SourceError(
            f"{path} cannot be read ({problem.strerror}); `motionrgbd data check` lists what is "
            "missing, `motionrgbd data prepare` makes it again"
        ) from None


def _decode(data: bytes, path: Path) -> Picture:
    # Pillow: the decoder of the released loader
    image = _open_image(data, path)
    if image.mode in ("I;16", "I;16B", "I", "F"):
        raise SourceError(f"{path} has {image.mode} pixels; a picture of 8 bits is expected here")
    return np.asarray(image.convert("RGB"))


def _decode_masked(data: bytes, path: Path) -> NDArray[np.uint16]:
    image = np.asarray(_open_image(data, path))
    if image.ndim != 2:
        raise SourceError(f"{path} has {image.ndim} axes; masked depth has one channel")
    return image.astype(np.uint16)


def _open_image(data: bytes, path: Path) -> Image.Image:
    try:
        image = Image.open(BytesIO(data))
        image.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise SourceError(
            f"{path} is damaged or no picture; delete its folder and run `motionrgbd data "
            "prepare` again"
        ) from None
    return image
