"""Which frames enter the network: the released bin rule for clips, its live form for streams."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


def bin_indices(count: int, window: int) -> NDArray[np.int64]:
    """Return the `window` frame indices that evaluation takes from a clip of `count` frames.

    Bin i covers range(int(n i / T), max(int(n i / T) + 1, int(n (i+1) / T))) and gives the integer
    part of its mean; with fewer frames than bins, frames repeat.
    """
    if count < 1 or window < 1:
        raise ValueError(f"cannot take {window} of {count} frames")
    starts = [count * i // window for i in range(window)]
    stops = [max(start + 1, count * (i + 1) // window) for i, start in enumerate(starts)]
    return np.array([(a + b - 1) // 2 for a, b in zip(starts, stops, strict=True)])


class GridSampler:
    """Holds a stream of frames to the recipe's steady rate, without waiting for the next frame.

    Grid point k lies at start + k / grid_hz. A frame is repeated once per grid point that falls
    into its share of time, [t, t + period) moved ahead by half the distance between the phases that
    the two rates can have (half a period for equal rates, an eighth for 24 in 30), so that stamps
    that jitter do not flip frames; a frame without a grid point is passed over. On an undisturbed
    30 Hz stream and a 24 Hz grid this is the bin rule of an 80-frame clip.
    Points that a gap left empty are filled by repeating the last frame before it.
    """

    def __init__(self, grid_hz: float, source_hz: float) -> None:
        for name, value in (("grid rate", grid_hz), ("source rate", source_hz)):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"the {name} must be positive, got {value}")
        self._grid_hz = grid_hz
        self._period_s = 1.0 / source_hz
        # Grid points fall on multiples of 1/q of a period; beyond a dozen they fall anywhere.
        phases = Fraction(source_hz / grid_hz).limit_denominator(12).denominator
        self._early = max(0.1, 0.5 / phases)
        self.reset()

    def reset(self) -> None:
        """Start a new grid at the next frame."""
        self._start_s: float | None = None
        self._next = 0

    def late_points(self, timestamp_s: float) -> int:
        """Return how many grid points the previous frame must still fill before this one."""
        if self._start_s is None:
            return 0
        return self._advance_to(timestamp_s - self._early * self._period_s)

    def points(self, timestamp_s: float) -> int:
        """Return how many grid points this frame fills; call after `late_points`."""
        if self._start_s is None:
            self._start_s = timestamp_s
        return self._advance_to(timestamp_s + (1.0 - self._early) * self._period_s)

    def _advance_to(self, end_s: float) -> int:
        """Count the grid points before `end_s` that are still open, and close them."""
        assert self._start_s is not None
        # 1e-6 grid steps: stamps are sums of binary fractions
        stop = math.ceil((end_s - self._start_s) * self._grid_hz - 1e-6)
        count = max(0, stop - self._next)
        self._next += count
        return count
