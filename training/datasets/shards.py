"""Sets as `webdataset` shards: tar files of whole clips, which a cluster streams.

A sample is a clip: `0000012.json` says what it is, `0000012.color.000000.jpg` and so on are its
pictures, byte for byte as in the set's folder.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import webdataset  # type: ignore[import-untyped]
from PIL import Image
from tqdm import tqdm
from webdataset.shardlists import expand_urls  # type: ignore[import-untyped]
from webdataset.tariterators import (  # type: ignore[import-untyped]
    group_by_keys,
    tar_file_iterator,
)

from motionrgbd.core.errors import ModalityError, SourceError
from motionrgbd.models.recipe import MODALITIES, Modality
from motionrgbd.training.datasets.benchmark import Benchmark
from motionrgbd.training.datasets.download import FreeBytes, check_space, disk_free, make_folder
from motionrgbd.training.datasets.plan import replacing
from motionrgbd.training.datasets.reader import (
    Picture,
    packed_depth,
    picture_decoder,
    read_bytes,
    read_records,
)
from motionrgbd.training.datasets.records import ClipRecord
from motionrgbd.training.datasets.table import BENCHMARKS

CLIPS_PER_SHARD = 100


@dataclass(frozen=True, slots=True)
class ShardClip:
    """A clip out of a shard. files: its pictures as stored, by `color.000000.jpg` and so on."""

    benchmark: Benchmark
    name: str
    frames: int
    label: int
    files: Mapping[str, bytes]

    def pictures(self, modality: Modality, indices: Sequence[int]) -> list[Picture]:
        """Return frames as `read_pictures` does for the same clip of the folder."""
        stored = {int(name.split(".")[1]): name for name in self.files if name.startswith(modality)}
        if not stored:
            raise ModalityError(f"clip {self.name} has no {modality}: choose another modality")
        decode = picture_decoder(self.benchmark.pictures[modality].names)
        missing = [i for i in indices if i not in stored]
        if missing:
            raise SourceError(f"clip {self.name} has no frame {missing[0]}: make its shard again")
        return [decode(self.files[stored[i]], Path(self.name) / stored[i]) for i in indices]


def shard_files(destination: Path, split: str) -> list[str]:
    """Return the shards of a split in a folder. Raises `SourceError` where they are not whole."""
    index = destination / f"{_stem(split)}.json"
    try:
        shards = [destination / name for name in json.loads(index.read_text())["shards"]]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise SourceError(
            f"{index} is missing or damaged ({problem}); it is written when all shards are: make "
            "them with `motionrgbd data shard`"
        ) from None
    for shard in shards:
        if not shard.is_file():
            raise SourceError(f"{shard} is missing; make it again with `motionrgbd data shard`")
    return [str(shard) for shard in shards]


def shard_records(shards: str | Sequence[str]) -> Iterator[ShardClip]:
    """Yield the clips of shards in their order; each rank and each loader's worker gets its share.

    shards: paths or addresses that `webdataset` opens, or one pattern such as
    `https://store/train-{000000..000349}.tar`. They are split between ranks first, then between
    the workers of a rank: make at least as many shards as there are workers in all. Raises
    `SourceError` for a shard that is missing or damaged.
    """
    urls = expand_urls(shards) if isinstance(shards, str) else shards
    for url in webdataset.split_by_worker(webdataset.split_by_node(urls)):
        for sample in _samples(url):
            facts = json.loads(sample["json"])
            files = {name: data for name, data in sample.items() if name.startswith(MODALITIES)}
            benchmark = BENCHMARKS[facts["benchmark"]]
            yield ShardClip(benchmark, facts["name"], facts["frames"], facts["label"], files)


def _samples(url: str) -> Iterator[dict[str, Any]]:
    """The samples of one shard; `WebDataset` itself leaves its files open."""
    try:
        with webdataset.gopen(url, "rb") as stream:
            files = tar_file_iterator(stream)
            yield from group_by_keys(file | {"__url__": url} for file in files)
    except (OSError, tarfile.TarError) as problem:
        raise SourceError(
            f"{url} is missing or damaged ({problem}); delete it and run `motionrgbd data shard` "
            "again"
        ) from None


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
    stopped; shards of another cut of the split are deleted. Raises
    `SourceError` for a picture that is missing, `OutputError` where the disk is too small.
    """
    records = read_records(benchmark, root, split)
    make_folder(destination)
    groups = [records[i : i + clips_per_shard] for i in range(0, len(records), clips_per_shard)]
    names = [f"{_stem(split)}-{i:06d}.tar" for i in range(len(groups))]
    index = destination / f"{_stem(split)}.json"
    index.unlink(missing_ok=True)
    _drop_others(destination, split, _fingerprint(records, clips_per_shard))
    bar = tqdm(total=len(groups), unit="shard", disable=None if show_progress else True)
    with bar:
        for number, (name, group) in enumerate(zip(names, groups, strict=True)):
            if not (destination / name).is_file():
                check_space(destination, sum(map(_size, group)), free_bytes)
                _write_shard(benchmark, group, number * clips_per_shard, destination / name)
            bar.update()
    facts = {"benchmark": benchmark.key, "split": split, "clips": len(records), "shards": names}
    with replacing(index) as part:
        part.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return shard_files(destination, split)


def _fingerprint(records: Sequence[ClipRecord], clips_per_shard: int) -> str:
    """What tells one cut of a split into shards from another."""
    clips = [(record.name, record.frames, record.label) for record in records]
    return hashlib.sha256(json.dumps([clips_per_shard, clips]).encode()).hexdigest()


def _drop_others(destination: Path, split: str, fingerprint: str) -> None:
    """Delete what an earlier run left of this split, unless it made the same shards."""
    note = destination / f".{_stem(split)}.cut"
    if not note.is_file() or note.read_text() != fingerprint:
        for shard in destination.glob(f"{_stem(split)}-??????.tar"):
            shard.unlink()
        with replacing(note) as part:
            part.write_text(fingerprint)


def _stem(split: str) -> str:
    return split.replace("/", "-")


def _write_shard(
    benchmark: Benchmark, records: Sequence[ClipRecord], first: int, path: Path
) -> None:
    # bytes as they are, and no times: the same clips give the same shard
    with (
        replacing(path) as part,
        part.open("wb") as file,
        webdataset.TarWriter(file, encoder=False, mtime=0) as tar,
    ):
        for i, record in enumerate(records, first):
            facts = {
                "benchmark": benchmark.key,
                "name": record.name,
                "frames": record.frames,
                "label": record.label,
            }
            sample: dict[str, str | bytes] = {
                "__key__": f"{i:07d}",
                "json": json.dumps(facts).encode(),
            }
            tar.write(sample | dict(_stored(record)))


def _stored(record: ClipRecord) -> Iterator[tuple[str, bytes]]:
    """A clip's pictures as they are stored, by their names in the shard."""
    for modality in MODALITIES:
        place = record.color if modality == "color" else record.depth
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
