"""`motionrgbd bench window`: what the window costs beside the engine, in percent of one core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motionrgbd.app.bench import machine, table
from motionrgbd.app.gui.available import why_no_window
from motionrgbd.app.settings import Settings
from motionrgbd.core.errors import UsageError

WANTED_PERCENT = 15.0
RATE_HZ = 30.0
_LEAST_RATE = 0.6  # share of RATE_HZ below which what is scaled to it is no measurement


@dataclass(frozen=True, slots=True)
class Slice:
    """One second: CPU time of the window's thread, and moments that it showed."""

    wall_s: float
    cpu_s: float
    shown: int

    @property
    def percent(self) -> float:
        """Of one core."""
        return 100.0 * self.cpu_s / self.wall_s

    @property
    def rate_hz(self) -> float:
        """Moments shown a second."""
        return self.shown / self.wall_s

    @property
    def at_rate_percent(self) -> float:
        """Of one core, had it shown as many as a second has (where the engine came late)."""
        return self.percent * max(1.0, RATE_HZ / max(self.rate_hz, 1.0))


def bench_window(settings: Settings, seconds: float) -> int:
    """Print the cost of the window over a recording; 1 where it is above the limit."""
    if not seconds >= 1:
        raise UsageError(f"--seconds must be at least 1, got {seconds:g}")
    reason = why_no_window()
    if reason is not None:
        raise UsageError(f"the window's cost needs a window: {reason}")
    from motionrgbd.app.gui.window_cost import measure

    slices, platform, size = measure(settings, seconds)
    print(_text(slices, platform, size))
    cost = float(np.median([each.at_rate_percent for each in slices]))
    rate_hz = float(np.median([each.rate_hz for each in slices]))
    if rate_hz < _LEAST_RATE * RATE_HZ:
        print(
            f"\nThe engine came late: {rate_hz:.1f} moments a second instead of {RATE_HZ:g}. "
            "This machine is too busy, or too slow, for a figure: run it again without other work."
        )
        return 1
    print(f"\nMedian at {RATE_HZ:g} Hz: {cost:.1f} %; at most {WANTED_PERCENT:g} % is wanted.")
    return int(cost > WANTED_PERCENT)


def _text(slices: Sequence[Slice], platform: str, size: str) -> str:
    rows = []
    for name, values in (
        ("percent of one core", [each.percent for each in slices]),
        ("moments shown a second", [each.rate_hz for each in slices]),
        (f"percent at {RATE_HZ:g} Hz", [each.at_rate_percent for each in slices]),
    ):
        p10, p50, p90 = np.percentile(values, (10, 50, 90)).tolist()
        rows.append([name, f"{p50:.1f}", f"{p10:.1f} to {p90:.1f}"])
    return (
        f"CPU time of the window's thread beside the engine: both views with guidance, bars, "
        f"timeline, health, at {RATE_HZ:g} moments a second; {size}, {platform}, "
        f"{len(slices)} slices of a second.\n"
        f"{machine()}\n\n{table(['', 'median', 'p10 to p90'], rows)}"
    )
