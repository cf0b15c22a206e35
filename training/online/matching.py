"""Streams whose events are matched with their gestures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from motionrgbd.core.matching import JudgedEvent, Outcome, match
from motionrgbd.core.results import GestureEvent
from motionrgbd.training.online.streams import OnlineStream


@dataclass(frozen=True, slots=True, eq=False)
class JudgedStream:
    """A stream, its events in order of time, and what each is worth."""

    stream: OnlineStream
    events: tuple[JudgedEvent, ...]
    tolerance_s: float

    @property
    def hits(self) -> dict[int, GestureEvent]:
        """The event that answers each gesture that was hit, by the gesture's number."""
        return {
            judged.gesture: judged.event
            for judged in self.events
            if judged.outcome is Outcome.HIT and judged.gesture is not None
        }

    def count(self, outcome: Outcome) -> int:
        """How many events are this."""
        return sum(judged.outcome is outcome for judged in self.events)

    @property
    def idle_spans(self) -> tuple[tuple[float, float], ...]:
        """Where an event is false: outside of every gesture and its tolerance, in seconds."""
        return idle_spans(self.stream, self.tolerance_s)

    @property
    def idle_s(self) -> float:
        """How long that is."""
        return sum(end - start for start, end in self.idle_spans)


def judge(stream: OnlineStream, events: Sequence[GestureEvent], tolerance_s: float) -> JudgedStream:
    """Match events with a stream's gestures, see `motionrgbd.core.matching`."""
    if stream.timed:
        judged = match(stream.gestures, events, tolerance_s, stream.is_right)
    else:
        ordered = sorted(events, key=lambda event: event.decided_s)
        judged = tuple(JudgedEvent(event, Outcome.ORDER_ONLY, None) for event in ordered)
    return JudgedStream(stream, judged, tolerance_s)


def idle_spans(stream: OnlineStream, tolerance_s: float) -> tuple[tuple[float, float], ...]:
    """Return what is left of a timed stream outside of gestures and their tolerance, in seconds."""
    spans, at_s = [], 0.0
    for gesture in stream.gestures:
        if gesture.start_s > at_s:
            spans.append((at_s, gesture.start_s))
        at_s = max(at_s, gesture.end_s + tolerance_s)
    if stream.duration_s > at_s:
        spans.append((at_s, stream.duration_s))
    return tuple(spans)
