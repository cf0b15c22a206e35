"""Streams of the synthetic hand as the network sees them live, with a target for every frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.preprocess import make_preparer
from motionrgbd.core.synthetic.domain import TRAINING_DOMAIN
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.models.recipe import Recipe

IGNORED = -1  # frames at which neither idle nor the gesture would be wrong


@dataclass(frozen=True)
class Stream:
    """One recording on the recipe's grid.

    color uint8 (L, h, w, 3), depth uint8 (L, h, w), trajectory float32 (L, 7), targets int64 (L,).
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.uint8]
    trajectory: NDArray[np.float32]
    targets: NDArray[np.int64]


@dataclass(frozen=True)
class TargetRule:
    """Which class a window that ends at time t has.

    The gesture's, from `known` of its duration until `after_s` past its end; idle outside the
    span from `begun` of its duration until `over_s` past its end; between, either is right.
    """

    begun: float = 0.25
    known: float = 0.60
    after_s: float = 0.25
    over_s: float = 0.45

    def target(
        self, time_s: float, script: Sequence[ScriptedGesture], labels: Sequence[str]
    ) -> int:
        """Return the class at `time_s`, or IGNORED."""
        ignored = False
        for gesture in script:
            span = gesture.end_s - gesture.start_s
            if gesture.start_s + self.known * span <= time_s <= gesture.end_s + self.after_s:
                return labels.index(gesture.label)
            if gesture.start_s + self.begun * span < time_s < gesture.end_s + self.over_s:
                ignored = True
        return IGNORED if ignored else labels.index("idle")


def prepared_stream(seed: int, recipe: Recipe, labels: Sequence[str], rule: TargetRule) -> Stream:
    """Render the training recording of this seed and take the live path's view of it."""
    source = SyntheticRecording(seed, domain=TRAINING_DOMAIN, fps_hz=recipe.fps_hz)
    preparer = make_preparer(recipe, source.info.intrinsics)
    color, depth, trajectory, targets = [], [], [], []
    while (frame := source.read()) is not None:
        view = preparer.prepare(frame)
        assert view.color is not None
        assert view.depth is not None
        color.append(view.color)
        depth.append(view.depth)
        trajectory.append(view.trajectory)
        targets.append(rule.target(frame.timestamp_s, source.info.script, labels))
    return Stream(np.stack(color), np.stack(depth), np.stack(trajectory), np.array(targets))


def _cache(job: tuple[int, Recipe, Sequence[str], TargetRule, Path]) -> Path:
    seed, recipe, labels, rule, folder = job
    path = folder / f"{seed:06d}.npz"
    if not path.exists():
        stream = prepared_stream(seed, recipe, labels, rule)
        part = path.with_suffix(".part.npz")
        np.savez(part, **vars(stream))
        part.rename(path)  # a half-written file is never taken for whole
    return path


def cached_streams(
    seeds: Sequence[int],
    recipe: Recipe,
    labels: Sequence[str],
    folder: Path,
    *,
    rule: TargetRule | None = None,
    workers: int = 2,
) -> Iterator[Stream]:
    """Yield the streams of these seeds, rendering in parallel what the folder does not hold."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(seed, recipe, labels, rule or TargetRule(), folder) for seed in seeds]
    # a fork of a process with threads (torch has some) may wait for a lock that nobody holds
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for path in pool.map(_cache, jobs):
            with np.load(path) as saved:
                yield Stream(**{name: saved[name] for name in saved.files})
