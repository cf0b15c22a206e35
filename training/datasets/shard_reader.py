"""Shards as training reads them: an index that says what there is, and clips as a stream."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import webdataset  # type: ignore[import-untyped]
from webdataset.tariterators import (  # type: ignore[import-untyped]
    group_by_keys,
    tar_file_iterator,
)

from motionrgbd.core.errors import ModalityError, SourceError
from motionrgbd.models.recipe import MODALITIES, Modality
from motionrgbd.training.datasets.benchmark import Benchmark
from motionrgbd.training.datasets.reader import Picture, picture_decoder

_FILE = re.compile(r"[\w-]+\.tar")  # the name may end up in a shell: see `pipe:`


@dataclass(frozen=True, slots=True)
class ListedClip:
    """A clip as the index lists it. place: in the official list, from 0."""

    place: int
    name: str
    frames: int
    label: int


@dataclass(frozen=True, slots=True)
class ShardClip:
    """A clip out of a shard. files: its pictures as stored, by `color.000000.jpg` and so on."""

    benchmark: Benchmark
    listed: ListedClip
    files: Mapping[str, bytes]

    @property
    def name(self) -> str:
        return self.listed.name

    @property
    def frames(self) -> int:
        return self.listed.frames

    @property
    def label(self) -> int:
        return self.listed.label

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


@dataclass(frozen=True, slots=True)
class Shard:
    """A tar file. url: path or address that `webdataset` opens. clips: in the file's order."""

    url: str
    clips: tuple[ListedClip, ...]


@dataclass(frozen=True, slots=True)
class ShardSet:
    """A split in shards, as its index has it."""

    benchmark: Benchmark
    split: str
    modalities: tuple[Modality, ...]
    shards: tuple[Shard, ...]

    @property
    def listed(self) -> list[ListedClip]:
        """Every clip, in the order of the official list."""
        return sorted((c for shard in self.shards for c in shard.clips), key=lambda c: c.place)

    def clips(self, shard: Shard, places: Collection[int] | None = None) -> Generator[ShardClip]:
        """Stream clips of a shard in its order, those of some places or all.

        Raises `SourceError` for a shard that is missing, damaged or not the one of the index.
        """
        listed = {clip.place: clip for clip in shard.clips}
        waiting = set(listed if places is None else places)
        with closing(_samples(shard.url)) as samples:
            for sample in samples:
                clip = _listed(listed, sample)
                if clip is None:
                    break
                if clip.place in waiting:
                    waiting.discard(clip.place)
                    files = {k: data for k, data in sample.items() if k.startswith(MODALITIES)}
                    yield ShardClip(self.benchmark, clip, files)
                if not waiting:
                    return
        raise SourceError(
            f"{shard.url} does not hold the clips that its index says; delete both and make them "
            "again with `motionrgbd data shard`"
        )


def read_shard_set(place: str, benchmark: Benchmark, split: str) -> ShardSet:
    """Return a split's shards as their index lists them; local ones are looked for.

    place: the folder that `motionrgbd data shard` wrote, or where its copy is: the start of an
    address (`https://store/nvgesture`), or an address or `pipe:` command with `{}` for the file.
    Raises `UsageError` for an unknown split, `SourceError` where the shards are not whole.
    """
    benchmark.split(split)
    index = address(place, f"{stem(split)}.json")
    try:
        facts = json.loads(_fetched(index))
        if (facts["benchmark"], facts["split"]) != (benchmark.key, split):
            raise ValueError(f"it is of {facts['benchmark']} {facts['split']}")
        modalities = tuple(m for m in MODALITIES if m in facts["modalities"])
        shards = tuple(_shard(place, benchmark, shard) for shard in facts["shards"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise SourceError(
            f"{index} is missing or damaged ({_reason(problem)}); it is written when all shards "
            f"are: make them with `motionrgbd data shard {benchmark.key}`, which keeps whole ones"
        ) from None
    return ShardSet(benchmark, split, modalities, shards)


def stem(split: str) -> str:
    """Return how the files of a split begin."""
    return split.replace("/", "-")


def address(place: str, file: str) -> str:
    """Return where a file of a place is."""
    if "{}" in place:
        return place.replace("{}", file)
    if is_remote(place):
        return f"{place.rstrip('/')}/{file}"
    return str(Path(place).expanduser() / file)


def below(place: str, folder: str) -> str:
    """Return the place of one of the folders of a place."""
    return place.replace("{}", f"{folder}/{{}}") if "{}" in place else address(place, folder)


def is_remote(place: str) -> bool:
    """Tell whether a place is no folder of this machine."""
    return "://" in place or place.startswith("pipe:")


def _shard(place: str, benchmark: Benchmark, facts: Mapping[str, Any]) -> Shard:
    if not _FILE.fullmatch(facts["file"]):
        raise ValueError(f"'{facts['file']}' is no shard's name")
    clips = tuple(ListedClip(*clip) for clip in facts["clips"])
    wrong = [clip.name for clip in clips if not 0 <= clip.label < len(benchmark.labels)]
    if wrong or not clips:
        raise ValueError(f"clip {wrong[0]} has no known label" if wrong else "an empty shard")
    url = address(place, facts["file"])
    if not is_remote(place):
        there = Path(url).stat().st_size if Path(url).is_file() else 0
        if there != facts["bytes"]:
            raise ValueError(f"{url} has {there} of {facts['bytes']} bytes")
    return Shard(url, clips)


def _listed(clips: Mapping[int, ListedClip], sample: Mapping[str, Any]) -> ListedClip | None:
    """The clip that a sample is, None where the index has no such clip."""
    try:
        facts = json.loads(sample["json"])
        place, name = int(sample["__key__"]), facts["name"]
        clip = ListedClip(place, name, facts["frames"], facts["label"])
    except (ValueError, KeyError, TypeError):
        return None
    return clip if clips.get(place) == clip else None


def _fetched(url: str) -> bytes:
    with webdataset.gopen(url, "rb") as stream:
        return bytes(stream.read())


def _samples(url: str) -> Generator[dict[str, Any]]:
    """The samples of one shard; `WebDataset` itself leaves its files open."""
    whole = False
    try:
        stream = webdataset.gopen(url, "rb")
        try:
            files = tar_file_iterator(stream)
            yield from group_by_keys(file | {"__url__": url} for file in files)
            whole = True
        finally:  # a command that reads complains when nobody takes the rest
            with suppress(*(() if whole else (OSError,))):
                stream.close()
    except (OSError, tarfile.TarError) as problem:
        raise SourceError(
            f"{url} is missing or damaged ({_reason(problem)}); delete it and run `motionrgbd "
            "data shard` again"
        ) from None


def _reason(problem: Exception) -> str:
    """What went wrong, in one line; `webdataset` says a command's exit among all it knows of it."""
    ended = re.search(r"\bexit (-?\d+) \(read\)", str(problem))
    return f"the command that reads it ended with {ended[1]}" if ended else str(problem)
