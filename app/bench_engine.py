"""`motionrgbd bench engine`: what one new frame costs from its pixels to the decision."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from motionrgbd.app.bench import machine, percentiles, table
from motionrgbd.app.modalities import words
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.synthetic.recording import DEMO_SEED, SyntheticRecording
from motionrgbd.core.timing import StageClock
from motionrgbd.models.bundle import Bundle, Precision, load_bundle
from motionrgbd.models.recipe import Modality

CORES = 2
_SIZE_PX = (640, 480)  # what cameras deliver
_WARM_UP = 10  # frames after the window is full: ONNX Runtime's first runs are slow
_STAGES = ("prepare", "guidance", "features", "window")


def bench_engine(model: Path, precision: Precision | None = None, frames: int = 150) -> int:
    """Print the cost of a frame of the demo, by precision and by what it is recognised from.

    One thread of control, at most two cores, frames at the recipe's rate: each is one step.
    Raises BundleError where the model lacks the precision.
    """
    bundle = load_bundle(model)
    recording = SyntheticRecording(DEMO_SEED, fps_hz=bundle.recipe.fps_hz, size_px=_SIZE_PX)
    count = bundle.recipe.window + _WARM_UP + frames
    given = [frame for _ in range(count) if (frame := recording.read()) is not None]
    with _cores(CORES) as used:
        rows = [
            _row(bundle, each, recording.info, given, there)
            for each in ((precision,) if precision else bundle.precisions)
            for there in _presences(bundle)
        ]
    print(f"{bundle.recipe.name}: one new frame of {recording.info.name}, {used} cores.")
    print(f"{machine()}; {frames} frames a row\n")
    print(table(["precision", "from", *(f"{s} ms" for s in _STAGES), "p50 ms", "p95 ms"], rows))
    return 0


def _presences(bundle: Bundle) -> tuple[tuple[Modality, ...], ...]:
    if not bundle.falls_back:
        return (bundle.modalities,)
    return (bundle.modalities, ("depth",), ("color",))


def _row(
    bundle: Bundle,
    precision: Precision,
    info: SourceInfo,
    given: Sequence[RGBDFrame],
    there: tuple[Modality, ...],
) -> list[str]:
    recogniser = Recogniser(bundle, device="cpu", precision=precision)
    absent: dict[str, Any] = {m: None for m in bundle.modalities if m not in there}
    lacks: dict[str, Any] = {f"has_{m}": False for m in absent}
    recogniser.open(dataclasses.replace(info, **lacks))
    durations_s: list[float] = []
    try:
        for n, frame in enumerate(given):
            if n == bundle.recipe.window + _WARM_UP:
                recogniser.clock = StageClock()
                durations_s.clear()
            frame = dataclasses.replace(frame, **absent)
            start = time.perf_counter()
            recogniser.push(frame)
            durations_s.append(time.perf_counter() - start)
    finally:
        recogniser.close()
    stages, total = recogniser.clock.percentiles(), percentiles(durations_s)
    cells = [*(stages[stage].p50_ms for stage in _STAGES), total.p50_ms, total.p95_ms]
    return [precision, words(there), *(f"{ms:.2f}" for ms in cells)]


@contextlib.contextmanager
def _cores(count: int) -> Iterator[int]:
    """Keep to some of the usable cores, where the system allows it; yields how many they are."""
    if not hasattr(os, "sched_setaffinity"):  # not Linux
        yield os.cpu_count() or 1
        return
    before = os.sched_getaffinity(0)
    kept = set(sorted(before)[:count])
    os.sched_setaffinity(0, kept)
    try:
        yield len(kept)
    finally:
        os.sched_setaffinity(0, before)
