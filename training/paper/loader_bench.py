"""`motionrgbd bench loader`: clips per second of the loader alone, and of training."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from motionrgbd.training.augmentation import DepthNoise
from motionrgbd.training.clip_loader import ClipBatch
from motionrgbd.training.loop import fit
from motionrgbd.training.paper.drawn_set import DrawnSet
from motionrgbd.training.paper.recipes import RECIPES, TrainingRecipe, resized, with_labels
from motionrgbd.training.paper.run import SIZES
from motionrgbd.training.paper.task import BenchmarkTask
from motionrgbd.training.schedule import Schedule

_LABELS = ("Swipe Right", "Swipe Left")
_BATCH = 2


def bench_loader(workers: int, batches: int, size_name: str) -> int:
    """Draw a few clips in NvGesture's format, load them and train on them; print clips/s.

    workers: processes that load. batches: of two clips, to be timed. size_name: of the network.
    """
    fusion = RECIPES["nvgesture-fusion"]
    assert isinstance(fusion, TrainingRecipe)
    full = replace(with_labels(fusion, _LABELS), batch=_BATCH, begins_with=())
    size = SIZES[size_name]
    trained = full if size is None else resized(full, size)
    noise = replace(full.augmentation, depth_noise=DepthNoise(share=1.0))
    with tempfile.TemporaryDirectory() as scratch:
        folder = DrawnSet(_LABELS).write(Path(scratch) / "nvgesture")
        print("80 frames of 320x240, colour and depth; read, augmented, with guidance\n")
        print("| what | clips/s |\n| --- | --- |")
        rows = [
            ("loader, full size", full),
            ("loader, full size, depth noise", replace(full, augmentation=noise)),
            (f"loader, {size_name}", trained),
        ]
        for text, recipe in rows:
            task = BenchmarkTask(recipe, folder, seed=1, workers=workers)
            print(f"| {text}, {workers} processes | {loading(task, batches):.2f} |")
        timed = _Timed(trained, folder, workers)
        fit(timed, _schedule(trained, batches), Path(scratch) / "run", accelerator="auto")
        print(f"| training, {size_name}, {workers} processes | {timed.rate():.2f} |")
    return 0


def _schedule(recipe: TrainingRecipe, batches: int) -> Schedule:
    return replace(
        recipe.schedule, epochs=1, steps_per_epoch=batches, kind="one_cycle", warmup_epochs=0.0
    )


def loading(task: BenchmarkTask, batches: int) -> float:
    """Return clips per second once the processes have started."""
    source = _repeated(task)
    for _ in range(4):  # the processes start and fill their queues
        next(source)
    begun = time.perf_counter()
    clips = sum(len(next(source).labels) for _ in range(batches))
    return clips / (time.perf_counter() - begun)


def _repeated(task: BenchmarkTask) -> Iterator[ClipBatch]:
    epoch = 0
    while True:
        yield from task.batches(epoch)
        epoch += 1


class _Timed(BenchmarkTask):
    """Notes when each step begins."""

    def __init__(self, recipe: TrainingRecipe, folder: Path, workers: int) -> None:
        super().__init__(recipe, folder, seed=1, workers=workers)
        self._times: list[float] = []

    def batches(self, epoch: int) -> Iterator[ClipBatch]:
        while True:
            yield from super().batches(epoch)

    def loss(self, network: Any, batch: ClipBatch, epoch: int) -> dict[str, Tensor]:
        self._times.append(time.perf_counter())
        return super().loss(network, batch, epoch)

    def rate(self) -> float:
        """Clips per second between the first and the last step."""
        return _BATCH * (len(self._times) - 1) / (self._times[-1] - self._times[0])
