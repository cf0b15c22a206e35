"""Sets as `webdataset` shards: tar files of whole clips, which a cluster streams.

A sample is a clip: `0000012.json` says what it is, `0000012.color.000000.jpg` and so on are its
pictures, byte for byte as in the set's folder; 12 is its place in the official list. Training
splits are stored in one fixed random order: a stream of them is not one class after another.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import webdataset  # type: ignore[import-untyped]
from PIL import Image
from tqdm import tqdm

from motionrgbd.models.recipe import MODALITIES, Modality
from motionrgbd.training.datasets.benchmark import Benchmark
from motionrgbd.training.datasets.download import FreeBytes, check_space, disk_free, make_folder
from motionrgbd.training.datasets.reader import (
    Picture,
    packed_depth,
    read_bytes,
    read_records,
)
from motionrgbd.training.datasets.records import ClipRecord
from motionrgbd.training.datasets.shard_reader import stem
from motionrgbd.training.whole_files import replacing

CLIPS_PER_SHARD = 100

Numbered = tuple[int, ClipRecord]  # a clip and its place in the official list


def write_shards(
    benchmark: Benchmark,
    root: Path,
    split: str,
    destination: Path,
    *,
    clips_per_shard: int = CLIPS_PER_SHARD,
    free_bytes: FreeBytes = disk_free,
    show_progress: bool = False,
) -> list[str]:
    """Write a split's shards and, last, their index; return the shards.

    A shard of the same clips that is there is kept, so an interrupted run goes on where it
    stopped; shards of another cut of the split are deleted. Raises `SourceError` for a picture that
    is missing, `OutputError` where the disk is too small.
    """
    records = list(enumerate(read_records(benchmark, root, split)))
    if split.endswith("train"):
        random.Random(0).shuffle(records)
    make_folder(destination)
    groups = [records[i : i + clips_per_shard] for i in range(0, len(records), clips_per_shard)]
    shards = [destination / f"{stem(split)}-{i:06d}.tar" for i in range(len(groups))]
    index = destination / f"{stem(split)}.json"
    index.unlink(missing_ok=True)
    modalities = [m for m in MODALITIES if _place(records[0][1], m) is not None]
    cut = json.dumps([clips_per_shard, modalities, [_facts(*clip) for clip in records]])
    _drop_others(destination, split, hashlib.sha256(cut.encode()).hexdigest())
    bar = tqdm(total=len(groups), unit="shard", disable=None if show_progress else True)
    with bar:
        for shard, group in zip(shards, groups, strict=True):
            if not shard.is_file():
                check_space(destination, sum(_size(record) for _, record in group), free_bytes)
                _write_shard(benchmark, group, shard)
            bar.update()
    facts = {
        "benchmark": benchmark.key,
        "split": split,
        "modalities": modalities,
        "shards": [
            {
                "file": shard.name,
                "bytes": shard.stat().st_size,
                "clips": [_facts(*clip) for clip in group],
            }
            for shard, group in zip(shards, groups, strict=True)
        ],
    }
    with replacing(index) as part:
        part.write_text(json.dumps(facts) + "\n", encoding="utf-8")
    return [str(shard) for shard in shards]


def _place(record: ClipRecord, modality: Modality) -> Path | None:
    return record.color if modality == "color" else record.depth


def _facts(place: int, record: ClipRecord) -> tuple[int, str, int, int]:
    """A clip as the index lists it."""
    return place, record.name, record.frames, record.label


def _drop_others(destination: Path, split: str, fingerprint: str) -> None:
    """Delete what an earlier run left of this split, unless it made the same shards."""
    note = destination / f".{stem(split)}.cut"
    if not note.is_file() or note.read_text() != fingerprint:
        for shard in destination.glob(f"{stem(split)}-??????.tar"):
            shard.unlink()
        with replacing(note) as part:
            part.write_text(fingerprint)


def _write_shard(benchmark: Benchmark, clips: Sequence[Numbered], path: Path) -> None:
    # bytes as they are, and no times: the same clips give the same shard
    with (
        replacing(path) as part,
        part.open("wb") as file,
        webdataset.TarWriter(file, encoder=False, mtime=0) as tar,
    ):
        for place, record in clips:
            facts = {
                "benchmark": benchmark.key,
                "name": record.name,
                "frames": record.frames,
                "label": record.label,
            }
            sample: dict[str, str | bytes] = {
                "__key__": f"{place:07d}",
                "json": json.dumps(facts).encode(),
            }
            tar.write(sample | dict(_stored(record)))


def _stored(record: ClipRecord) -> Iterator[tuple[str, bytes]]:
    """A clip's pictures as they are stored, by their names in the shard."""
    for modality in MODALITIES:
        place = _place(record, modality)
        names = record.color_names if modality == "color" else record.depth_names
        if place is None:
            continue
        for i in range(record.frames):
            if place.is_file():  # packed: the pictures have no files of their own
                data, suffix = _png(packed_depth(place)[int(record.name), i]), ".png"
            else:
                path = place / names(i)
                data, suffix = read_bytes(path), path.suffix
            yield f"{modality}.{i:06d}{suffix}", data


def _png(picture: Picture) -> bytes:
    file = BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def _size(record: ClipRecord) -> int:
    """About how many bytes a clip takes: its first picture's, for all of them."""
    total = 0
    for place, names in (
        (record.color, record.color_names),
        (record.depth, record.depth_names),
    ):
        if place is not None and place.is_dir():
            first = place / names(0)
            total += record.frames * (first.stat().st_size + 1024 if first.is_file() else 0)
    return total
