"""Which event answers which gesture, and what the other events are."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.results import GestureEvent
from motionrgbd.training.online.streams import OnlineStream

_ROUNDING_S = 1e-9


class Outcome(enum.StrEnum):
    """What an event is worth."""

    HIT = "hit"
    DUPLICATE = "duplicate"
    SUBSTITUTION = "substitution"
    FALSE = "false"
    ORDER_ONLY = "order only"


OUTCOMES = {
    Outcome.HIT: "the first right event of a gesture, decided between the gesture's start and its "
    "end plus the tolerance; one event for one gesture, in order of time",
    Outcome.DUPLICATE: "a further right event of a gesture that was hit",
    Outcome.SUBSTITUTION: "an event within a gesture (and the tolerance) with a wrong label",
    Outcome.FALSE: "an event outside all gestures and their tolerance",
    Outcome.ORDER_ONLY: "an event of a stream of which only the order of gestures is known",
}


@dataclass(frozen=True, slots=True)
class JudgedEvent:
    """An event and its worth. gesture: its number in the stream, None of a false event."""

    event: GestureEvent
    outcome: Outcome
    gesture: int | None


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
    """Match events with gestures, see `OUTCOMES`.

    Events are taken in order of their decisions; each goes to the earliest gesture that it is right
    for, whose span plus tolerance holds the decision, and which has none yet. Spans and deadlines
    are in the same order, so no other matching of the same labels has more hits. What finds no free
    gesture is a duplicate if it is right for one, else a substitution if it lies within one.
    """
    ordered = sorted(events, key=lambda event: event.decided_s)
    if not stream.timed:
        return JudgedStream(
            stream, tuple(JudgedEvent(e, Outcome.ORDER_ONLY, None) for e in ordered), tolerance_s
        )
    answered: set[int] = set()
    judged = []
    for event in ordered:
        outcome, gesture = _worth(stream, event, tolerance_s, answered)
        if outcome is Outcome.HIT and gesture is not None:
            answered.add(gesture)
        judged.append(JudgedEvent(event, outcome, gesture))
    return JudgedStream(stream, tuple(judged), tolerance_s)


def _worth(
    stream: OnlineStream, event: GestureEvent, tolerance_s: float, answered: set[int]
) -> tuple[Outcome, int | None]:
    within = [i for i, g in enumerate(stream.gestures) if _holds(g, event.decided_s, tolerance_s)]
    right = [i for i in within if stream.is_right(stream.gestures[i].label, event.label)]
    free = [i for i in right if i not in answered]
    if free:
        return Outcome.HIT, free[0]
    if right:
        return Outcome.DUPLICATE, right[-1]
    if within:  # the gesture that is being made, rather than one whose tolerance still runs
        return Outcome.SUBSTITUTION, within[-1]
    return Outcome.FALSE, None


def _holds(gesture: ScriptedGesture, at_s: float, tolerance_s: float) -> bool:
    return gesture.start_s - _ROUNDING_S <= at_s <= gesture.end_s + tolerance_s + _ROUNDING_S


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
