"""Which event answers which gesture, and what the other events are."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.results import GestureEvent

_ROUNDING_S = 1e-9

IsRight = Callable[[str, str], bool]


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


def same_label(truth: str, answer: str) -> bool:
    """Whether the answer is the gesture's own label."""
    return truth == answer


def match(
    gestures: Sequence[ScriptedGesture],
    events: Sequence[GestureEvent],
    tolerance_s: float,
    is_right: IsRight = same_label,
) -> tuple[JudgedEvent, ...]:
    """Match events with gestures that are in order of time, see `OUTCOMES`.

    is_right: whether an event's label (second) answers a gesture's (first).

    Events are taken in order of their decisions; each goes to the earliest gesture that it is right
    for, whose span plus tolerance holds the decision, and which has none yet. Spans and deadlines
    are in the same order, so no other matching of the same labels has more hits. What finds no free
    gesture is a duplicate if it is right for one, else a substitution if it lies within one.
    """
    answered: set[int] = set()
    judged = []
    for event in sorted(events, key=lambda event: event.decided_s):
        outcome, gesture = _worth(gestures, event, tolerance_s, is_right, answered)
        if outcome is Outcome.HIT and gesture is not None:
            answered.add(gesture)
        judged.append(JudgedEvent(event, outcome, gesture))
    return tuple(judged)


def _worth(
    gestures: Sequence[ScriptedGesture],
    event: GestureEvent,
    tolerance_s: float,
    is_right: IsRight,
    answered: set[int],
) -> tuple[Outcome, int | None]:
    within = [i for i, g in enumerate(gestures) if _holds(g, event.decided_s, tolerance_s)]
    right = [i for i in within if is_right(gestures[i].label, event.label)]
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
