"""Actions on their way to their sinks, and those that can be taken back."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from motionrgbd.core.actions.entry import Outcome
from motionrgbd.core.actions.mapping import ActionRule
from motionrgbd.core.actions.sink import Request
from motionrgbd.core.results import GestureEvent

_REMEMBERED = 16  # actions that can be undone, one after the other


@dataclass(eq=False)
class Job:
    """An action on its way to its sink. arming: of which time; undoes: the one it takes back."""

    rule: ActionRule
    sink: str
    event: GestureEvent
    request: Request
    deadline_s: float
    arming: int
    undoes: Job | None = None
    outcome: Outcome | None = None
    undo: Request | None = None
    done_s: float = 0.0


class SentJobs:
    """The actions that were sent, the newest last; used under a lock."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque(maxlen=_REMEMBERED)

    def add(self, job: Job) -> None:
        """Remember one."""
        self._jobs.append(job)

    def remove(self, job: Job) -> None:
        """Forget one: nothing was done, or it is taken back."""
        if job in self._jobs:
            self._jobs.remove(job)

    def clear(self) -> None:
        """Forget all."""
        self._jobs.clear()

    def undoable(self, within_s: float) -> tuple[Job | None, str]:
        """Return the newest, where it can be taken back, else the reason why not."""
        job = self._jobs[-1] if self._jobs else None
        if job is None:
            return None, "nothing was sent"
        if job.outcome is None:
            return None, "the last action is still being sent"
        if job.undo is None:
            return None, f"the last action, of {job.sink}, cannot be undone"
        if time.monotonic() - job.done_s > within_s:
            return None, "the last action was too long ago"
        return job, ""
