"""`motionrgbd bench`: figures of one run on one machine; only ratios within a run compare."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from motionrgbd.app.gui.available import why_no_window
from motionrgbd.app.live import open_session
from motionrgbd.app.settings import Settings
from motionrgbd.core.guidance import GuidanceSettings, GuidanceStream, plain_guidance
from motionrgbd.core.results import Percentiles

_SIZE_PX = 224
_WINDOWS = (4, 10, 30)


def machine() -> str:
    """Return what a table of timings must name."""
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
        cpu = names[0] if names else cpu
    except OSError:
        pass  # not Linux
    return f"{cpu}, {_usable_cores()} cores, Python {platform.python_version()}"


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, aligned."""
    widths = [max(len(row[n]) for row in [header, *rows]) for n in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    return "\n".join([line(header), line(["-" * w for w in widths]), *map(line, rows)])


def percentiles(durations_s: Sequence[float]) -> Percentiles:
    """Return milliseconds at the 50th, 95th and 99th percentile."""
    return Percentiles(*(1000.0 * np.percentile(durations_s, (50, 95, 99))).tolist())


def bench_guidance(frames: int = 200) -> int:
    """Print the cost of one map, incremental and by definition, on one core."""
    print(f"Guidance of one frame and modality, {_SIZE_PX}x{_SIZE_PX} RGB, one core.")
    print(f"{machine()}\n")
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        rows = [_guidance_row(window, frames) for window in _WINDOWS]
    finally:
        cv2.setNumThreads(threads)
    print(table(["w", "definition ms", "incremental ms", "p95 ms", "ratio"], rows))
    return 0


def _guidance_row(window: int, frames: int) -> list[str]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (frames + window, _SIZE_PX, _SIZE_PX, 3), np.uint8)
    settings = GuidanceSettings(window)
    stream = GuidanceStream(settings)
    for image in images[:window]:
        stream.push(image)
    fast_s, plain_s = [], []
    for n in range(window, frames + window):  # in turns: both meet the same other load
        fast_s.append(_timed(stream.push, images[n]))
        plain_s.append(_timed(plain_guidance, images[n - window + 1 : n + 1], settings))
    fast, plain = percentiles(fast_s), percentiles(plain_s)
    ratio = f"{plain.p50_ms / fast.p50_ms:.1f}x"
    cells = (plain.p50_ms, fast.p50_ms, fast.p95_ms)
    return [str(window), *(f"{ms:.3f}" for ms in cells), ratio]


def _timed(action: Callable[..., object], *arguments: Any) -> float:
    start = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - start


def bench_live(settings: Settings) -> int:
    """Print the latency of a model over a source at its own rate, with the window open."""
    reason = "--headless" if settings.headless else why_no_window()
    shown = "window open" if reason is None else f"no window ({reason})"
    session = open_session(settings, window=reason is None)
    engine = session.engine
    try:
        if reason is None:
            from motionrgbd.app.gui.run import run_window

            run_window(engine, close_when_finished=True)
        else:
            engine.start()
            engine.wait()
    finally:
        engine.stop()
    health = engine.health()
    print(f"{engine.model_name} on {engine.info.name}, {engine.info.fps_hz:g} Hz, {shown}.")
    print(f"{machine()}, {health.provider}; {health.frames} frames, {health.skipped} skipped\n")
    rows = [
        [stage, f"{p.p50_ms:.2f}", f"{p.p95_ms:.2f}", f"{p.p99_ms:.2f}"]
        for stage, p in health.stages.items()
    ]
    print(table(["stage", "p50 ms", "p95 ms", "p99 ms"], rows))
    return 0
