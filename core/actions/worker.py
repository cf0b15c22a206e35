"""A thread per sink: connects, sends in order, tries again with growing pauses, drops what is late.

A sink that is down, slow or broken holds up nothing but its own queue.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from motionrgbd.core.actions.entry import Outcome
from motionrgbd.core.actions.sink import (
    Request,
    Sink,
    SinkDownError,
    SinkError,
    SinkRejectedError,
)

SinkState = Literal["off", "connecting", "up", "down"]

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0  # between two tries to connect
_CHECK_S = 1.0  # between two looks at an idle peer


class Job(Protocol):
    """What a worker must know of an action. deadline_s: by `time.monotonic`."""

    @property
    def request(self) -> Request: ...

    @property
    def deadline_s(self) -> float: ...


J = TypeVar("J", bound=Job)
Report = Callable[[J, Outcome, str, Request | None], None]  # outcome, reason, how to undo it


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """How a sink is doing.

    reason: of `down`; retry_s: then, until the next try. waiting: actions. busy_s: of the call
    that runs.
    """

    state: SinkState
    reason: str
    waiting: int
    busy_s: float
    retry_s: float


class SinkWorker(Generic[J]):
    """Sends jobs to one sink. `put`, `use`, `stop` and `status` are any thread's.

    may: gives the reason why a job must not be sent (any more), or None; asked right before.
    report: told of every job once; changed: of every change of the sink's state. Both are called
    in the worker's thread, outside its lock.
    room: jobs that may wait; beyond them the oldest goes.
    """

    def __init__(
        self,
        name: str,
        sink: Sink,
        *,
        room: int,
        may: Callable[[J], str | None],
        report: Report[J],
        changed: Callable[[str, SinkState, str], None],
    ) -> None:
        self.name = name
        self._sink, self._room = sink, room
        self._may, self._report, self._changed = may, report, changed
        self._condition = threading.Condition()
        self._jobs: deque[J] = deque()
        self._wanted = self._stopping = False
        self._state: SinkState = "off"
        self._reason = ""
        self._busy_since_s: float | None = None
        self._failures = 0
        self._retry_s = self._check_s = 0.0
        # A plug-in's call that never returns must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name=f"actions-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread; nothing is connected before `use(True)`."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """End the thread and let go of the peer; False where a call still runs after the time."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def use(self, wanted: bool) -> None:
        """Connect, or let go."""
        with self._condition:
            self._wanted = wanted
            self._retry_s = 0.0
            self._condition.notify_all()

    def put(self, job: J) -> None:
        """Have a job done; returns at once."""
        lost = None
        with self._condition:
            if len(self._jobs) >= self._room:
                lost = self._jobs.popleft()
            self._jobs.append(job)
            self._condition.notify_all()
        if lost is not None:
            self._report(lost, "lost", "too many actions were waiting", None)

    def status(self) -> WorkerStatus:
        """Return how the sink is doing now."""
        with self._condition:
            since = self._busy_since_s
            now = time.monotonic()
            busy_s = 0.0 if since is None else now - since
            retry_s = max(0.0, self._retry_s - now) if self._state == "down" else 0.0
            return WorkerStatus(self._state, self._reason, len(self._jobs), busy_s, retry_s)

    # the worker's thread

    def _run(self) -> None:
        while self._wait():
            if not self._wanted:
                self._let_go()
                self._drop_all("actions are not armed any more")
                continue
            self._drop_late()
            if self._state != "up":
                self._connect()
            job = self._take() if self._state == "up" else None
            if job is not None:
                self._send(job)
            elif self._state == "up" and time.monotonic() >= self._check_s:
                self._attempt(self._sink.check)
        self._let_go()
        self._drop_all("the sink is given up")

    def _wait(self) -> bool:
        """Wait until there is something to do; False when the thread is to end."""
        with self._condition:
            while not self._stopping:
                pause_s = self._idle_s()
                if pause_s is not None and pause_s <= 0.0:
                    return True
                self._condition.wait(pause_s)
            return False

    def _idle_s(self) -> float | None:
        """Return for how long there is nothing to do; None: until someone calls."""
        if not self._wanted:
            return 0.0 if self._state != "off" or self._jobs else None
        now = time.monotonic()
        if self._state == "up":
            return 0.0 if self._jobs else self._check_s - now
        late = [job.deadline_s for job in self._jobs]
        return min([self._retry_s, *late]) - now

    def _connect(self) -> None:
        if time.monotonic() < self._retry_s:
            return
        if self._state == "off":
            self._enter("connecting", "")
        if self._attempt(self._sink.open, proves=False):
            self._enter("up", "")

    def _take(self) -> J | None:
        with self._condition:
            return self._jobs.popleft() if self._jobs and not self._stopping else None

    def _send(self, job: J) -> None:
        why_not = self._may(job)
        if why_not is not None:
            self._report(job, "not-allowed", why_not, None)
            return
        if time.monotonic() > job.deadline_s:  # what went before took its time
            self._report(job, "late", "another action held it up", None)
            return
        undo: list[Request | None] = []
        try:
            self._call(lambda: undo.append(self._sink.send(job.request)))
        except SinkRejectedError as error:
            self._report(job, "rejected", str(error), None)
        except SinkDownError as error:
            with self._condition:  # it received nothing: once more, until it is late
                self._jobs.appendleft(job)
            self._lose(error)
        except Exception as error:
            self._report(job, "unsure", _words(error), None)
            self._lose(error)
        else:
            self._failures = 0
            self._report(job, "sent", "", undo[0])

    def _attempt(self, call: Callable[[], None], *, proves: bool = True) -> bool:
        """Call the sink; see a failure as a loss. proves: success shows that the peer is there."""
        try:
            self._call(call)
        except Exception as error:
            self._lose(error)
            return False
        if proves:
            self._failures = 0
        return True

    def _call(self, call: Callable[[], None]) -> None:
        with self._condition:
            self._busy_since_s = time.monotonic()
        try:
            call()
        finally:
            with self._condition:
                self._busy_since_s = None
                self._check_s = time.monotonic() + _CHECK_S

    def _lose(self, error: Exception) -> None:
        self._close()
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self._failures, 16))
        self._failures += 1
        with self._condition:
            self._retry_s = time.monotonic() + pause_s
        self._enter("down", _words(error))

    def _let_go(self) -> None:
        if self._state != "off":
            self._close()
            self._failures = 0
            self._enter("off", "")

    def _close(self) -> None:
        try:
            self._call(self._sink.close)
        except Exception:  # it is gone, whatever its farewell was
            return

    def _enter(self, state: SinkState, reason: str) -> None:
        with self._condition:
            if (state, reason) == (self._state, self._reason):
                return
            self._state, self._reason = state, reason
        self._changed(self.name, state, reason)

    def _drop_late(self) -> None:
        now = time.monotonic()
        with self._condition:
            late = [job for job in self._jobs if job.deadline_s < now]
            self._jobs = deque(job for job in self._jobs if job.deadline_s >= now)
        for job in late:
            self._report(job, "late", self._reason or "the sink was busy", None)

    def _drop_all(self, why: str) -> None:
        with self._condition:
            jobs, self._jobs = self._jobs, deque()
        for job in jobs:
            self._report(job, "not-allowed", why, None)


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, SinkError) else f"{type(error).__name__}: {text}"
