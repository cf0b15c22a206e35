"""From shards to batches: every process of every rank streams its own part of an epoch."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Iterator
from itertools import groupby, islice

import numpy as np
import webdataset  # type: ignore[import-untyped]
from torch.utils.data import IterableDataset, get_worker_info

from motionrgbd.core.errors import MotionRGBDError
from motionrgbd.training.clip_loader import (
    ClipBatch,
    ClipReader,
    checked,
    in_processes,
    joined,
    read_seeded,
)
from motionrgbd.training.datasets.shard_reader import ShardClip, ShardSet

_BUFFER = 32  # clips, of about 2 MB, that a process holds to draw from; shards are shuffled already


class _Streams(IterableDataset[ClipBatch | MotionRGBDError]):
    """What the loading processes hold; each yields its batches of the epoch that `epoch` says."""

    def __init__(
        self,
        clips: ShardSet,
        reader: ClipReader,
        batch: int,
        seed: int | None,
        rank: int,
        world: int,
    ) -> None:
        self._clips, self._reader, self._batch, self._seed = clips, reader, batch, seed
        self._rank, self._world = rank, world
        self._count = sum(len(shard.clips) for shard in clips.shards)
        whole = batch * world
        self.batches = -(-self._count // whole) if seed is None else max(1, self._count // whole)
        # shared: the processes outlive an epoch
        self.epoch = multiprocessing.get_context("spawn").Value("q", 0)

    def __iter__(self) -> Iterator[ClipBatch | MotionRGBDError]:
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        epoch = self.epoch.value
        clips = self._stream(epoch, worker, workers)
        if self._seed is not None:
            rng = random.Random(f"{self._seed} {epoch} {self._rank} {worker}")
            clips = webdataset.shuffle(_BUFFER, initial=_BUFFER, rng=rng)(clips)
        try:
            while batch := list(islice(self._read(clips, epoch), self._batch)):
                yield joined(batch)
        except MotionRGBDError as error:  # raised in a worker it would lose its one line
            yield error

    def _read(self, clips: Iterator[ShardClip], epoch: int) -> Iterator[ClipBatch]:
        for clip in clips:
            yield read_seeded(self._reader, clip, (self._seed or 0, epoch, clip.listed.place))

    def _stream(self, epoch: int, worker: int, workers: int) -> Iterator[ShardClip]:
        """The clips of one process, in the order in which they are stored."""
        for number, places in self._parts(epoch, worker, workers):
            yield from self._clips.clips(self._clips.shards[number], places)

    def _parts(self, epoch: int, worker: int, workers: int) -> Iterator[tuple[int, list[int]]]:
        """Which clips of which shards one process takes, shard by shard.

        The shards of an epoch, in its order, are one row of clips, cut into equal runs for the
        ranks and those into whole batches for the workers: all have the same number of batches,
        however many shards there are, and a shard is read twice only where a cut goes through it.
        """
        order, first = np.arange(len(self._clips.shards)), 0
        if self._seed is not None:
            rng = np.random.default_rng((self._seed, epoch))
            order, first = rng.permutation(order), int(rng.integers(self._count))
        row = [(int(n), clip.place) for n in order for clip in self._clips.shards[n].clips]
        row = row[first:] + row[:first]  # what is left over is not always the end of a shard
        # batch n of a rank is the (n // workers)-th of worker n % workers, as DataLoader asks them
        counts = [len(range(w, self.batches, workers)) for w in range(worker + 1)]
        start = (self._rank * self.batches + sum(counts[:-1])) * self._batch
        stop = start + counts[-1] * self._batch
        if self._seed is None:
            stop = min(stop, self._count)
        laps = ((i // self._count, *row[i % self._count]) for i in range(start, stop))
        for (_, number), part in groupby(laps, key=lambda clip: clip[:2]):
            yield number, [place for _, _, place in part]


class ShardLoader:
    """Batches of `batch` clips out of shards, this process's share of them.

    With a seed the shards are shuffled in every epoch, and clips within a buffer; clips get the
    same pictures as from `ClipLoader`. Batches depend on seed, epoch, rank and `workers`. Without
    a seed each clip comes once and the batches are those of the list, in an order of their own
    where there are several workers: `places` tells. workers: processes that read; 0 reads in the
    calling thread.
    """

    def __init__(
        self,
        clips: ShardSet,
        reader: ClipReader,
        batch: int,
        *,
        seed: int | None = None,
        workers: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self._streams = _Streams(clips, reader, batch, seed, rank, world)
        self._loader = in_processes(workers, self._streams, batch_size=None)

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return self._streams.batches

    def epoch(self, epoch: int) -> Iterator[ClipBatch]:
        """Yield an epoch's batches. Raises what reading a clip raises."""
        self._streams.epoch.value = epoch
        yield from checked(self._loader)
