"""A recipe's clips, in folders or in shards: listed, checked before training, loaded."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from motionrgbd.core.errors import SourceError
from motionrgbd.models.recipe import Modality
from motionrgbd.training.clip_loader import Clip, ClipLoader, ClipReader
from motionrgbd.training.datasets.benchmark import Benchmark
from motionrgbd.training.datasets.reader import read_records
from motionrgbd.training.datasets.records import ClipRecord
from motionrgbd.training.datasets.shard_reader import ListedClip, ShardSet, below, read_shard_set
from motionrgbd.training.shard_loader import ShardLoader

Loader = ClipLoader | ShardLoader


@dataclass(frozen=True, slots=True)
class Shards:
    """Where shards are, of one set or below it of several: what `read_shard_set` takes."""

    place: str

    def __truediv__(self, folder: str) -> Shards:
        return Shards(below(self.place, folder))

    def __str__(self) -> str:
        return self.place


class ClipSet(Protocol):
    """The clips of one split, wherever they are stored.

    check(modalities): raises SourceError for an empty class, a missing modality, or a clip that is
    not all there. loader: takes what `ClipLoader` takes after its list.
    """

    @property
    def listed(self) -> Sequence[ClipRecord | ListedClip]: ...

    def check(self, modalities: Sequence[Modality]) -> None: ...

    def first(self) -> Clip: ...

    def loader(self, reader: ClipReader, batch: int, **share: Any) -> Loader: ...


def open_clips(benchmark: Benchmark, split: str, root: Path | Shards) -> ClipSet:
    """Return a split. Raises SourceError for lists or an index that are not in order."""
    if isinstance(root, Shards):
        return _StoredInShards(read_shard_set(root.place, benchmark, split))
    return _StoredInFolders(benchmark, split, read_records(benchmark, root, split))


@dataclass(frozen=True, slots=True)
class _StoredInFolders:
    benchmark: Benchmark
    split: str
    listed: list[ClipRecord]

    def check(self, modalities: Sequence[Modality]) -> None:
        _check_classes(self.benchmark, self.split, self.listed)
        for record in self.listed:
            for modality in modalities:
                self._check_pictures(record, modality)

    def _check_pictures(self, record: ClipRecord, modality: Modality) -> None:
        where = f"{self.benchmark.name} {self.split}"
        folder = record.color if modality == "color" else record.depth
        names = record.color_names if modality == "color" else record.depth_names
        if folder is None:
            raise SourceError(
                f"{where}: clip {record.name} has no {modality} — prepare that modality with "
                f"`motionrgbd data prepare {self.benchmark.key}`"
            )
        last = folder / names(record.frames - 1)
        if not (folder.is_dir() and last.is_file()):
            raise SourceError(
                f"{where}: {last} is missing, the last of {record.frames} pictures — "
                f"`motionrgbd data check {self.benchmark.key}` lists all that is"
            )

    def first(self) -> Clip:
        return self.listed[0]

    def loader(self, reader: ClipReader, batch: int, **share: Any) -> Loader:
        return ClipLoader(self.listed, reader, batch, **share)


@dataclass(frozen=True, slots=True)
class _StoredInShards:
    clips: ShardSet

    @property
    def listed(self) -> list[ListedClip]:
        return self.clips.listed

    def check(self, modalities: Sequence[Modality]) -> None:
        benchmark, split = self.clips.benchmark, self.clips.split
        _check_classes(benchmark, split, self.listed)
        for modality in modalities:
            if modality not in self.clips.modalities:
                raise SourceError(
                    f"{benchmark.name} {split}: the shards hold no {modality} — make them of a "
                    f"folder that does with `motionrgbd data shard {benchmark.key}`"
                )

    def first(self) -> Clip:
        with closing(self.clips.clips(self.clips.shards[0])) as clips:
            return next(clips)

    def loader(self, reader: ClipReader, batch: int, **share: Any) -> Loader:
        return ShardLoader(self.clips, reader, batch, **share)


def _check_classes(
    benchmark: Benchmark, split: str, listed: Sequence[ClipRecord | ListedClip]
) -> None:
    present = {clip.label for clip in listed}
    empty = [name for i, name in enumerate(benchmark.labels) if i not in present]
    if empty:
        raise SourceError(
            f"{benchmark.name} {split}: no clip of {', '.join(empty[:5])}"
            f"{' and more' * (len(empty) > 5)} ({len(empty)} of {len(benchmark.labels)} classes) — "
            f"the list is not whole; `motionrgbd data check {benchmark.key}` compares it with the "
            "official one"
        )
