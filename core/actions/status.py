"""How the actions are doing, for a view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from motionrgbd.core.actions.entry import Outcome
from motionrgbd.core.actions.worker import WorkerStatus
from motionrgbd.core.results import GestureEvent


@dataclass(frozen=True)
class ActionsStatus:
    """One moment of a dispatcher.

    sinks: by name. outcomes: how often each; rate_limited: how often, by sink. log_lost: lines not
    written; log_error: why. undoes: the event whose action can be taken back now; why_not_undone:
    where none can.
    """

    armed: bool
    state: str | None
    mode: str | None
    sinks: Mapping[str, WorkerStatus]
    outcomes: Mapping[Outcome, int]
    rate_limited: Mapping[str, int]
    log_lost: int
    log_error: str | None
    undoes: GestureEvent | None
    why_not_undone: str
