"""How long the stages take: percentiles over the recent past, rates over the last seconds."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from motionrgbd.core.results import Percentiles

_KEPT = 300  # samples per stage: ten seconds at 30 Hz


class StageClock:
    """Collects durations by stage. Written by one thread, read by any."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Time the body of a with statement."""
        start = time.perf_counter()
        yield
        self.add(stage, time.perf_counter() - start)

    def add(self, stage: str, duration_s: float) -> None:
        """Record one duration."""
        with self._lock:
            self._samples.setdefault(stage, deque(maxlen=_KEPT)).append(duration_s)

    def percentiles(self) -> Mapping[str, Percentiles]:
        """Return the percentiles by stage, in milliseconds."""
        with self._lock:
            copies = {stage: np.array(kept) for stage, kept in self._samples.items()}
        return {
            stage: Percentiles(*(1000.0 * np.percentile(kept, (50, 95, 99))).tolist())
            for stage, kept in copies.items()
        }


class RateMeter:
    """Events per second over the last two seconds. Written by one thread, read by any."""

    _SPAN_S = 2.0

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=512)

    def tick(self) -> None:
        """Count one event now."""
        self._times.append(time.monotonic())

    def hz(self) -> float:
        """Return the present rate."""
        since = time.monotonic() - self._SPAN_S
        recent = [t for t in list(self._times) if t >= since]
        if len(recent) < 2:
            return 0.0
        return (len(recent) - 1) / max(1e-6, recent[-1] - recent[0])
