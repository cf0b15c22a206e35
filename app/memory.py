"""How much memory this process holds over time, and whether that grows."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motionrgbd.core.errors import LibraryError

_STATM = Path("/proc/self/statm")
_MB = 1e6
_Z = 1.959964  # of a 95 % interval
_EDGE_S = 300.0  # the first and the last five minutes are compared


def resident_mb() -> float:
    """Return the process's resident memory. Raises LibraryError where the system does not say."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        raise LibraryError(
            f"{_STATM} does not tell this process's memory: run the soak on Linux"
        ) from None
    return pages * os.sysconf("SC_PAGE_SIZE") / _MB


@dataclass(frozen=True, slots=True)
class Growth:
    """What samples of memory say.

    slope_mb_per_hour with its 95 % interval, by least squares (neighbouring samples resemble each
    other, so that the interval is narrower than it should be). first_mb, last_mb: means over the
    first and the last five minutes, or thirds where that is less.
    """

    slope_mb_per_hour: float
    low_mb_per_hour: float
    high_mb_per_hour: float
    first_mb: float
    last_mb: float

    @property
    def grown_mb(self) -> float:
        """How much more there is at the end than at the beginning."""
        return self.last_mb - self.first_mb


def growth(times_s: Sequence[float], memory_mb: Sequence[float]) -> Growth:
    """Return what at least three samples say."""
    t, y = np.array(times_s) / 3600.0, np.array(memory_mb)
    if len(t) < 3:
        raise ValueError(f"growth needs three samples, got {len(t)}")
    centred = t - t.mean()
    slope = float(centred @ y / (centred @ centred))
    residual = y - y.mean() - slope * centred
    freedom = len(t) - 2
    error = math.sqrt(float(residual @ residual) / freedom / float(centred @ centred))
    reach = _student(freedom) * error
    edge = min(_EDGE_S / 3600.0, (t[-1] - t[0]) / 3)
    first, last = y[t <= t[0] + edge], y[t >= t[-1] - edge]
    return Growth(slope, slope - reach, slope + reach, float(first.mean()), float(last.mean()))


def _student(freedom: int) -> float:
    """97.5 % quantile of Student's t: exact for 1 and 2, else expanded in 1 / freedom."""
    if freedom <= 2:
        return (12.7062, 4.3027)[freedom - 1]
    z = _Z
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
