"""Marking what happens when in a recording: spans with a label, edited, undone, checked. No Qt.

Times are seconds from the recording's first frame. A span lasts from its first frame to before its
end, which is the time of the first frame that no longer belongs to it.
"""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from motionrgbd.core.errors import UsageError
from motionrgbd.core.labels import NamedSpan

_TICKS_PER_S = 1_000  # edges are whole milliseconds, as tables of labels hold them
MOST_UNDONE = 200  # steps back
_LONGEST_LABEL = 60  # letters; longer ones are sentences
_LONG_LABEL = 24  # letters; of longer ones, messages show the beginning


class FrameTimes:
    """When the frames of a recording are, as far as it was read; beyond that, its nominal rate.

    duration_s: of the whole recording, its last frame's period included; infinite where it is not
    known before the recording was read.
    """

    def __init__(self, fps_hz: float, duration_s: float, times_s: Sequence[float] = ()) -> None:
        self.fps_hz = fps_hz
        self.duration_s = duration_s
        self._times_s = list(times_s)

    def add(self, time_s: float) -> None:
        """Take the next frame's time; one that does not go on from the last is left out."""
        if not self._times_s or time_s > self._times_s[-1]:
            self._times_s.append(time_s)

    def finish(self) -> None:
        """Tell that there are no more frames: the recording ends a period after the last."""
        if self._times_s:
            self.duration_s = self._times_s[-1] + 1 / self.fps_hz

    @property
    def end_s(self) -> float:
        """The last edge that a span may have."""
        return _whole_ticks(self.duration_s)

    def edge(self, time_s: float) -> float:
        """Return the nearest place where a span may begin or end: a frame, or the recording's end.

        Rounded down to whole ticks: a span from there still begins with that frame.
        """
        edges = [t for t in self._around(time_s) if t < self.duration_s]
        nearest = min((*edges, self.duration_s), key=lambda t: abs(t - time_s))
        return _whole_ticks(max(0.0, nearest))

    def frame(self, time_s: float) -> float:
        """Return the time of the frame that is shown at `time_s`, exactly."""
        before = [t for t in self._around(time_s) if t <= time_s + 0.5 / _TICKS_PER_S]
        return max(0.0, min(max(before, default=0.0), self.duration_s))

    def beside(self, time_s: float, steps: int) -> float:
        """Return the time of the frame some steps after (or before) the one at `time_s`."""
        at, last = self.frame(time_s), self._times_s[-1] if self._times_s else -1.0
        if at <= last:
            here = bisect.bisect_left(self._times_s, at - 1e-9) + steps
            if here < len(self._times_s):
                return self._times_s[max(here, 0)]
        return min(max(0.0, at + steps / self.fps_hz), self._last_frame_s())

    def after(self, time_s: float) -> float:
        """Return the edge behind the frame that is shown at `time_s`."""
        here = self.frame(time_s)
        later = self.beside(time_s, 1)
        return _whole_ticks(later) if later > here else self.end_s

    def _around(self, time_s: float) -> list[float]:
        """The frames next to a time, known or expected."""
        known, last = self._times_s, self._times_s[-1] if self._times_s else None
        if last is not None and time_s <= last:
            at = bisect.bisect_right(known, time_s)
            return known[max(at - 1, 0) : at + 1]
        origin = 0.0 if last is None else last
        step = math.floor((time_s - origin) * self.fps_hz)
        return [origin + (step + n) / self.fps_hz for n in (0, 1) if step + n >= 0]

    def _last_frame_s(self) -> float:
        return max(0.0, self.duration_s - 1 / self.fps_hz)


def _whole_ticks(time_s: float) -> float:
    return time_s if math.isinf(time_s) else math.floor(time_s * _TICKS_PER_S) / _TICKS_PER_S


class SpanEditor:
    """The spans of one recording, in order of time, never overlapping; every change can be undone.

    What cannot be is refused with `UsageError` that says why, and changes nothing.
    """

    def __init__(self, times: FrameTimes, spans: Sequence[NamedSpan] = ()) -> None:
        self.times = times
        self._spans: tuple[NamedSpan, ...] = ()
        for span in spans:
            self._spans = self._with(replace(span, line=0), self._spans)
        self._past: list[tuple[NamedSpan, ...]] = []
        self._future: list[tuple[NamedSpan, ...]] = []
        self._saved = self._spans

    @property
    def spans(self) -> tuple[NamedSpan, ...]:
        """All of them, in order of time."""
        return self._spans

    @property
    def changed(self) -> bool:
        """Whether there is something to save."""
        return self._spans != self._saved

    def saved(self) -> None:
        """Tell that what is here now has been saved."""
        self._saved = self._spans

    def at(self, time_s: float) -> NamedSpan | None:
        """Return the span that holds a time."""
        return next((s for s in self._spans if s.start_s <= time_s < s.end_s), None)

    def room(self, span: NamedSpan) -> tuple[float, float]:
        """Return from where to where a span could reach without touching its neighbours."""
        before = [s.end_s for s in self._spans if s.end_s <= span.start_s and s != span]
        after = [s.start_s for s in self._spans if s.start_s >= span.end_s and s != span]
        return max(before, default=0.0), min(after, default=self.times.end_s)

    def add(self, start_s: float, end_s: float, label: str) -> NamedSpan:
        """Mark a span between the frames nearest to its ends."""
        span = NamedSpan(self.times.edge(start_s), self.times.edge(end_s), _checked_label(label))
        self._become(self._with(span, self._spans))
        return span

    def move(
        self, span: NamedSpan, *, start_s: float | None = None, end_s: float | None = None
    ) -> NamedSpan:
        """Set one edge of a span, or both."""
        start_s = span.start_s if start_s is None else self.times.edge(start_s)
        end_s = span.end_s if end_s is None else self.times.edge(end_s)
        return self._exchange(span, replace(span, start_s=start_s, end_s=end_s))

    def rename(self, span: NamedSpan, label: str) -> NamedSpan:
        """Give a span another label."""
        return self._exchange(span, replace(span, label=_checked_label(label)))

    def delete(self, span: NamedSpan) -> None:
        """Remove a span."""
        self._become(tuple(s for s in self._spans if s != span))

    def undo(self) -> bool:
        """Take the last change back; False where there is none."""
        return self._step(self._past, self._future)

    def redo(self) -> bool:
        """Make the change again that was taken back last; False where there is none."""
        return self._step(self._future, self._past)

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._past)

    def _exchange(self, old: NamedSpan, new: NamedSpan) -> NamedSpan:
        others = tuple(s for s in self._spans if s != old)
        self._become(self._with(new, others))
        return new

    def _with(self, span: NamedSpan, others: tuple[NamedSpan, ...]) -> tuple[NamedSpan, ...]:
        end_s = self.times.end_s
        at = f"{span.start_s:.2f} to {span.end_s:.2f} s"
        if span.end_s <= span.start_s:
            raise UsageError(f"{at} ends before or as it starts: mark the end later")
        if span.start_s < 0 or span.end_s > end_s + 1 / _TICKS_PER_S:
            raise UsageError(f"{at} does not lie in the recording, which lasts {end_s:.2f} s")
        for other in others:
            if span.start_s < other.end_s and other.start_s < span.end_s:
                raise UsageError(
                    f"{at} overlaps ‘{_short(other.label)}’ "
                    f"({other.start_s:.2f} to {other.end_s:.2f} s): move an edge"
                )
        return tuple(sorted((*others, span), key=lambda s: s.start_s))

    def _become(self, spans: tuple[NamedSpan, ...]) -> None:
        if spans == self._spans:
            return
        self._past = [*self._past, self._spans][-MOST_UNDONE:]
        self._future.clear()
        self._spans = spans

    def _step(self, take: list[tuple[NamedSpan, ...]], keep: list[tuple[NamedSpan, ...]]) -> bool:
        if not take:
            return False
        keep.append(self._spans)
        self._spans = take.pop()
        return True


def label_counts(spans: Sequence[NamedSpan]) -> dict[str, int]:
    """Return how many examples each label has, in the order of their names."""
    counts = Counter(span.label for span in spans)
    return dict(sorted(counts.items(), key=lambda item: item[0].casefold()))


def completions(typed: str, labels: Sequence[str]) -> list[str]:
    """Return the labels that go on from what was typed; those that begin with it come first."""
    wanted = typed.strip().casefold()
    begin = [x for x in labels if x.casefold().startswith(wanted)]
    return begin + [x for x in labels if wanted in x.casefold() and x not in begin]


def _checked_label(label: str) -> str:
    plain = " ".join(label.split())
    if not plain:
        raise UsageError("the span has no name: type which gesture it is")
    if len(plain) > _LONGEST_LABEL:
        raise UsageError(f"a gesture's name has {_LONGEST_LABEL} letters at most, this one more")
    return plain


def _short(label: str) -> str:
    return label if len(label) <= _LONG_LABEL else label[: _LONG_LABEL - 1].rstrip() + "…"
