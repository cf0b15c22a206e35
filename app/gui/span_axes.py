"""Which part of a recording a timeline shows, and where a moment lies in it. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

CLOSEST_S = 0.5  # shown at the strongest zoom: fifteen frames
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True, slots=True)
class SpanAxes:
    """The part from `start_s` to `end_s` of a recording of `whole_s`, `width_px` wide."""

    width_px: float
    whole_s: float
    start_s: float
    end_s: float

    @classmethod
    def all_of(cls, whole_s: float, width_px: float) -> SpanAxes:
        """Return a view of everything."""
        whole_s = max(whole_s, CLOSEST_S)
        return cls(max(width_px, 1.0), whole_s, 0.0, whole_s)

    @property
    def shown_s(self) -> float:
        """How much is shown."""
        return self.end_s - self.start_s

    @property
    def zoomed(self) -> bool:
        """Whether something is not shown."""
        return self.shown_s < self.whole_s - 1e-6

    def x(self, time_s: float) -> float:
        """Return the place of a time; outside of 0 to `width_px` where it is not shown."""
        return (time_s - self.start_s) / self.shown_s * self.width_px

    def time_s(self, x: float) -> float:
        """Return the time at a place, within the recording."""
        return min(max(0.0, self.start_s + x / self.width_px * self.shown_s), self.whole_s)

    def resized(self, width_px: float) -> SpanAxes:
        """Return the same part in another width."""
        return replace(self, width_px=max(width_px, 1.0))

    def of_length(self, whole_s: float) -> SpanAxes:
        """Return this view of a recording that turns out longer or shorter."""
        if not self.zoomed:
            return SpanAxes.all_of(whole_s, self.width_px)
        return replace(self, whole_s=max(whole_s, CLOSEST_S)).moved_to(self.start_s)

    def zoomed_by(self, factor: float, around_s: float) -> SpanAxes:
        """Return a view `factor` times as close; what is at `around_s` stays in its place."""
        shown_s = min(max(self.shown_s / factor, min(CLOSEST_S, self.whole_s)), self.whole_s)
        share = (around_s - self.start_s) / self.shown_s
        start_s = around_s - share * shown_s
        return replace(self, start_s=start_s, end_s=start_s + shown_s).moved_to(start_s)

    def moved_to(self, start_s: float) -> SpanAxes:
        """Return as much, from another time on."""
        shown_s = min(self.shown_s, self.whole_s)
        start_s = min(max(0.0, start_s), self.whole_s - shown_s)
        return replace(self, start_s=start_s, end_s=start_s + shown_s)

    def showing(self, time_s: float) -> SpanAxes:
        """Return a view in which a time is not outside, moved by a page where it was."""
        if self.start_s <= time_s <= self.end_s:
            return self
        return self.moved_to(time_s - 0.1 * self.shown_s)

    def ticks(self, least_px: float) -> tuple[float, list[float]]:
        """Return the step between round times at least `least_px` apart, and those times."""
        least_s = least_px / self.width_px * self.shown_s
        step_s = next((s for s in _STEPS_S if s >= least_s), math.ceil(least_s / 3600) * 3600)
        first, last = math.ceil(self.start_s / step_s - 1e-9), self.end_s / step_s + 1e-9
        return step_s, [n * step_s for n in range(first, math.floor(last) + 1)]
