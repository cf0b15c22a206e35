"""The recent past of probabilities and gestures, and which snapshot may follow which. No Qt."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.results import FloatArray, GestureEvent

KEPT_S = 600.0  # what can be scrolled back to
_MOST_ROWS_BYTES = 8_000_000  # of probabilities that are kept, where labels are many
RESTART_S = 1.0  # a step further back than this is a clock that began anew, not a late frame


class History:
    """Probabilities of the last while of the source's clock, and the gestures decided in it.

    span_s: how much is shown at a time; kept_s: how far back. What ends at `end_s` (None: now) is
    returned by `times_s`, `probabilities` and `leading`.
    Rows are written twice, half a buffer apart, so the past is always one contiguous view.
    """

    def __init__(
        self, labels: int, fps_hz: float, span_s: float = 15.0, kept_s: float = KEPT_S
    ) -> None:
        self.span_s = span_s
        most_s = _MOST_ROWS_BYTES / (4 * max(labels, 1) * fps_hz)
        self.kept_s = max(span_s, min(kept_s, most_s))
        self._capacity = int(self.kept_s * fps_hz * 1.1) + 2  # room for a grid a tenth too fast
        self._times = np.zeros(2 * self._capacity)
        self._rows = np.zeros((2 * self._capacity, labels), np.float32)
        self._max_gap_s = max(RESTART_S, 4 / fps_hz)
        self.clear()

    def clear(self) -> None:
        """Forget everything: a seek, or a new stream."""
        self._count = 0
        self._next = 0
        self.events: deque[GestureEvent] = deque()

    def add(self, timestamp_s: float, probabilities: FloatArray) -> None:
        """Append one step. A step back, or a long silence, starts a new past."""
        newest = self.newest_s
        if newest is not None and not newest <= timestamp_s <= newest + self._max_gap_s:
            self.clear()
        for at in (self._next, self._next + self._capacity):
            self._times[at] = timestamp_s
            self._rows[at] = probabilities
        self._next = (self._next + 1) % self._capacity
        self._count = min(self._count + 1, self._capacity)

    def mark(self, event: GestureEvent) -> None:
        """Remember a recognised gesture, as long as there is something to show of its time."""
        self.events.append(event)
        oldest = self.oldest_s
        while oldest is not None and self.events and self.events[0].decided_s < oldest:
            self.events.popleft()

    @property
    def newest_s(self) -> float | None:
        """The source's time of the newest step, or None where there is none."""
        return float(self._times[self._next - 1 + self._capacity]) if self._count else None

    @property
    def oldest_s(self) -> float | None:
        """The source's time of the oldest step that is kept, or None where there is none."""
        if not self._count:
            return None
        kept = self._part(float(self._times[self._next - 1 + self._capacity]), self.kept_s)
        return float(self._times[kept.start])

    def _part(self, end_s: float, span_s: float) -> slice:
        last = self._next + self._capacity
        first = last - self._count
        times = self._times[first:last]
        start = int(np.searchsorted(times, end_s - span_s))
        end = int(np.searchsorted(times, end_s, side="right"))
        return slice(first + start, first + end)

    def _shown(self, end_s: float | None) -> slice:
        newest = self.newest_s
        if newest is None:
            return slice(0, 0)
        return self._part(newest if end_s is None else end_s, self.span_s)

    def times_s(self, end_s: float | None = None) -> NDArray[np.float64]:
        """Return float64 (n,), oldest first."""
        return self._times[self._shown(end_s)]

    def probabilities(self, end_s: float | None = None) -> FloatArray:
        """Return float32 (n, K), beside `times_s`."""
        return self._rows[self._shown(end_s)]

    def leading(self, count: int = 6, floor: float = 0.15, end_s: float | None = None) -> list[int]:
        """Return, in label order, the labels that came to `floor` and were likely for longest."""
        rows = self.probabilities(end_s)
        if not len(rows):
            return []
        best = np.argsort(-rows.sum(axis=0), kind="stable")[:count]
        return sorted(int(k) for k in best if rows[:, k].max() >= floor)


class LabelSlots:
    """Which of very many labels have a row: those that led lately, each staying where it is.

    A label takes the row of the weakest one once it was clearly stronger in the recent past.
    """

    _DECAY = 0.99  # a peak fades to a third in 110 steps, some four seconds at 30 Hz
    _CLEARLY = 0.02

    def __init__(self, labels: int, rows: int) -> None:
        self._peaks = np.zeros(labels, np.float32)
        self.rows = list(range(min(labels, rows)))

    def update(self, probabilities: FloatArray) -> bool:
        """Take one step in; say whether a row has changed."""
        if len(self.rows) == len(self._peaks):
            return False
        self._peaks = np.maximum(self._peaks * np.float32(self._DECAY), probabilities)
        waiting = self._peaks.copy()
        waiting[self.rows] = -1
        changed = False
        for _ in self.rows:
            best = int(waiting.argmax())
            weakest = int(self._peaks[self.rows].argmin())
            if waiting[best] <= self._peaks[self.rows[weakest]] + self._CLEARLY:
                break
            waiting[best] = -1
            self.rows[weakest] = best
            changed = True
        return changed


class FrameOrder:
    """Lets snapshots through in the source's order: never an older picture after a newer one."""

    def __init__(self, fps_hz: float) -> None:
        self._near_s = 2.5 / fps_hz  # a seek lands on the first frame at or after its target
        self._shown_s: float | None = None
        self._target_s: float | None = None

    def seek(self, timestamp_s: float) -> None:
        """Expect a jump: until a snapshot near the target comes, any time is let through."""
        self._target_s = timestamp_s

    def accepts(self, timestamp_s: float) -> bool:
        """Say whether a snapshot may be shown, and if so take it for the newest."""
        if self._target_s is not None:
            if abs(timestamp_s - self._target_s) <= self._near_s:
                self._target_s = None
        elif self._shown_s is not None and -RESTART_S < timestamp_s - self._shown_s < 0:
            return False
        self._shown_s = timestamp_s
        return True
