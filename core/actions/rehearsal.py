"""What an action would do, without a sink, a thread or a limit: to try one while it is written."""

from __future__ import annotations

from datetime import UTC, datetime

from motionrgbd.core.actions.entry import Entry, Outcome
from motionrgbd.core.actions.filling import filled
from motionrgbd.core.actions.gates import AllowList
from motionrgbd.core.actions.mapping import (
    ANY_GESTURE,
    MODE,
    UNDO,
    ActionMap,
    ActionRule,
    in_state,
)
from motionrgbd.core.errors import MotionRGBDError
from motionrgbd.core.results import GestureEvent


def rehearse(
    mapping: ActionMap, rule: ActionRule, gesture: str, state: str | None, mode: str | None
) -> Entry:
    """Return what a dry run would tell of one action.

    gesture: stands for `*`. state, mode: those to try it in; other than the file's: its first.
    """
    if state not in mapping.states:
        state = next(iter(mapping.states), None)
    if mode not in mapping.modes:
        mode = next(iter(mapping.modes), None)
    label = gesture if rule.gesture == ANY_GESTURE else rule.gesture
    event = GestureEvent(label, 1.0, 0.0, 1.0, 1.0, rule.events[0])
    outcome, detail = _outcome(mapping, rule, state, mode)
    request = filled(rule.request, event, state, mode)
    return Entry(
        datetime.now(UTC), False, state, mode, event, rule.line, rule.sink, request, outcome, detail
    )


def _outcome(
    mapping: ActionMap, rule: ActionRule, state: str | None, mode: str | None
) -> tuple[Outcome, str]:
    if rule.modes and mode not in rule.modes:
        return "unmapped", f"in mode {mode}"
    if rule.states and state not in rule.states:
        return "not-allowed", in_state(state, "is not for")
    if rule.sink == MODE:
        return "switched", ""
    if rule.sink == UNDO:
        return "dry-run", "would take back what was sent last"
    if not AllowList(mapping.states).allows(rule.sink, state):
        return "not-allowed", in_state(state, f"allows no {rule.sink}")
    sink = mapping.sinks[rule.sink]
    try:
        sink.kind.check_here(sink.options)
    except MotionRGBDError as error:
        return "dry-run", f"but it could not be armed: {error}"
    return "dry-run", ""
