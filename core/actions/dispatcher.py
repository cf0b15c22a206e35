"""From events to sinks: what the mapping says, what is allowed, how often, armed or dry-run.

| hop | thread | when late |
|---|---|---|
| event -> rules, gates -> a sink's queue | engine, or whoever calls `handle` | never waits |
| queue -> peer | `actions-NAME`, one per sink | dropped after the deadline, and counted |
| every outcome -> log | `actions-log` | lines lost are counted |
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from motionrgbd.core.actions.entry import Entry, Outcome
from motionrgbd.core.actions.filling import filled
from motionrgbd.core.actions.gates import AllowList, Rates
from motionrgbd.core.actions.jobs import Job, SentJobs
from motionrgbd.core.actions.log import ActionLog
from motionrgbd.core.actions.mapping import (
    ANY_GESTURE,
    MODE,
    UNDO,
    ActionMap,
    ActionRule,
    SinkSpec,
    in_state,
)
from motionrgbd.core.actions.sink import Request
from motionrgbd.core.actions.status import ActionsStatus
from motionrgbd.core.actions.worker import SinkState, SinkWorker
from motionrgbd.core.errors import UsageError
from motionrgbd.core.results import GestureEvent

Listener = Callable[[Entry], None]
_STOP_S = 1.5  # for a call to a peer that runs when the program ends


class Dispatcher:
    """Turns events into actions; dry-run until `arm` is called.

    All methods are any thread's; none waits for a sink or a disk, but for `close`. Nothing is
    connected to before it is armed. listeners are told of every entry of the log, in the thread
    where it comes about: they must not wait, and not call back.
    """

    def __init__(self, mapping: ActionMap, log: ActionLog, *, state: str | None = None) -> None:
        """Start the threads. state: of the file's; None: its first. Raises UsageError."""
        self._log = log
        self._lock = threading.RLock()
        self._listeners: list[Listener] = []
        self._armed = False
        self._arming = 0  # how often it was
        self._state: str | None = None
        self._mode: str | None = None
        self._outcomes: Counter[Outcome] = Counter()
        self._sent = SentJobs()
        self._leaving: list[SinkWorker[Job]] = []  # of mappings before
        self._take_in(mapping)
        if state is not None:
            self._state = self._known_state(state)
        for worker in self._workers.values():
            worker.start()

    def _take_in(self, mapping: ActionMap) -> None:
        """Go by a mapping; state and mode stay where it has them, else they are its first."""
        self._workers = {n: self._worker(s, mapping.deadline_s) for n, s in mapping.sinks.items()}
        self._map, self._allowed, self._rates = mapping, AllowList(mapping.states), Rates(mapping)
        self._rate_limited: Counter[str] = Counter()
        if self._state not in mapping.states:
            self._state = next(iter(mapping.states), None)
        if self._mode not in mapping.modes:
            self._mode = next(iter(mapping.modes), None)

    def _worker(self, spec: SinkSpec, deadline_s: float) -> SinkWorker[Job]:
        return SinkWorker(
            spec.name,
            spec.kind.make(spec.options),
            # what the rate limit lets through within one deadline: more would be late anyway
            room=spec.burst + math.ceil(spec.rate_per_s * deadline_s),
            may=self._why_not_now,
            report=self._done,
            changed=self._sink_changed,
        )

    def change(self, mapping: ActionMap) -> None:
        """Go by another mapping from now on, as a dry run: nobody has armed this one."""
        with self._lock:
            self.disarm()
            self._leaving += self._workers.values()
            self._take_in(mapping)
            for worker in self._workers.values():
                worker.start()
            self._note(f"mapping {mapping.file}")
        # not waited for: they may hang in a call to their peer
        self._leaving = [worker for worker in self._leaving if not worker.stop(0.0)]

    @property
    def mapping(self) -> ActionMap:
        """What it goes by."""
        return self._map

    def add_listener(self, listener: Listener) -> None:
        """Have entries told; before the first event."""
        self._listeners.append(listener)

    @property
    def armed(self) -> bool:
        """Whether actions are really sent."""
        return self._armed

    @property
    def state(self) -> str | None:
        """The state that the allow-list goes by; None where the file has none."""
        return self._state

    @property
    def mode(self) -> str | None:
        """What gestures are about now; None where the file has no modes."""
        return self._mode

    def arm(self) -> None:
        """Connect to the sinks and send from now on.

        Raises LibraryError or UsageError where a sink cannot be used on this machine at all; then
        nothing is armed.
        """
        self.check_here()
        self._use(armed=True)

    def check_here(self) -> None:
        """Raise LibraryError or UsageError where a sink cannot be used on this machine at all."""
        for spec in self._map.sinks.values():
            spec.kind.check_here(spec.options)

    def disarm(self) -> None:
        """Let go of the sinks; what waits is not sent."""
        self._use(armed=False)

    def _use(self, *, armed: bool) -> None:
        with self._lock:
            if armed == self._armed:
                return
            self._armed = armed
            self._arming += armed
            self._sent.clear()
            self._rates = Rates(self._map)  # dry-run and armed go by different clocks
            self._note("armed" if armed else "not armed: dry-run")
            for worker in self._workers.values():
                worker.use(armed)

    def enter_state(self, name: str) -> None:
        """Go by another state's allow-list, for what waits too. Raises UsageError."""
        with self._lock:
            self._state = self._known_state(name)
            self._note(f"state {name}")

    def enter_mode(self, name: str) -> None:
        """Have gestures mean something else. Raises UsageError."""
        if name not in self._map.modes:
            known = ", ".join(self._map.modes) or "none"
            raise UsageError(f"unknown mode {name!r} — {self._map.file} has {known}")
        with self._lock:
            self._mode = name
            self._note(f"mode {name}")

    def _known_state(self, name: str) -> str:
        if name not in self._map.states:
            known = ", ".join(self._map.states) or "none"
            raise UsageError(f"unknown state {name!r} — {self._map.file} has {known}")
        return name

    def status(self) -> ActionsStatus:
        """Return how it is doing now."""
        sinks = {name: worker.status() for name, worker in self._workers.items()}
        with self._lock:
            newest, why_not = self._sent.undoable(self._map.undo_for_s)
            return ActionsStatus(
                armed=self._armed,
                state=self._state,
                mode=self._mode,
                sinks=sinks,
                outcomes=dict(self._outcomes),
                rate_limited=dict(self._rate_limited),
                log_lost=self._log.lost,
                log_error=self._log.error,
                undoes=None if newest is None else newest.event,
                why_not_undone=why_not,
            )

    def handle(self, event: GestureEvent) -> None:
        """Do what the mapping says of an event."""
        with self._lock:
            rules = [rule for rule in self._map.rules if self._is_for(rule, event)]
            here = [rule for rule in rules if not rule.states or self._state in rule.states]
            for rule in here:
                self._act(rule, event)
            for rule in rules if not here else ():
                self._tell(rule, event, "not-allowed", in_state(self._state, "is not for"))
            if not rules:
                self._tell(None, event, "unmapped")

    def undo_last(self) -> None:
        """Take back what was sent last, as an `undo` action does; the log says why not."""
        with self._lock:
            newest, why_not = self._sent.undoable(self._map.undo_for_s)
            if newest is None:
                self._note("nothing to undo", why_not)
            else:
                self._take_back(newest, newest.rule, newest.event)

    def close(self) -> tuple[str, ...]:
        """End the threads and close the log; return the sinks whose peer did not let go in time."""
        workers = [*self._leaving, *self._workers.values()]
        for worker in workers:
            worker.stop(0.0)  # all at the same time
        end_s = time.monotonic() + _STOP_S
        late = tuple(
            worker.name for worker in workers if not worker.stop(max(0.0, end_s - time.monotonic()))
        )
        self._log.close()
        return late

    # under the lock

    def _is_for(self, rule: ActionRule, event: GestureEvent) -> bool:
        in_mode = not rule.modes or self._mode in rule.modes
        return rule.gesture in (event.label, ANY_GESTURE) and event.kind in rule.events and in_mode

    def _act(self, rule: ActionRule, event: GestureEvent) -> None:
        if rule.sink == MODE:
            self._switch(rule, event)
        elif rule.sink == UNDO:
            self._undo(rule, event)
        else:
            request = filled(rule.request, event, self._state, self._mode)
            self._pass(self._job(rule, rule.sink, event, request))

    def _switch(self, rule: ActionRule, event: GestureEvent) -> None:
        if self._has_token(rule, None, event):
            self._mode = str(rule.request["to"])
            self._tell(rule, event, "switched")

    def _undo(self, rule: ActionRule, event: GestureEvent) -> None:
        newest, why_not = self._sent.undoable(self._map.undo_for_s)
        if newest is None:
            self._tell(rule, event, "nothing-to-undo", why_not)
        else:
            self._take_back(newest, rule, event)

    def _take_back(self, newest: Job, rule: ActionRule, event: GestureEvent) -> None:
        assert newest.undo is not None
        if self._pass(self._job(rule, newest.sink, event, newest.undo, undoes=newest)):
            self._sent.remove(newest)

    def _pass(self, job: Job) -> bool:
        """Send a job through the gates to its sink's queue; False where one is closed."""
        if not self._allowed.allows(job.sink, self._state):
            self._tell_of(job, "not-allowed", in_state(self._state, f"allows no {job.sink}"))
            return False
        if not self._has_token(job.rule, job.sink, job.event):
            return False
        if not self._armed:
            self._tell_of(job, "dry-run")
            return False
        if job.undoes is None:
            self._sent.add(job)
        self._workers[job.sink].put(job)
        return True

    def _has_token(self, rule: ActionRule, sink: str | None, event: GestureEvent) -> bool:
        # A dry run of a recording tells what it would be at its own speed, however fast it plays.
        now_s = time.monotonic() if self._armed else event.decided_s
        if self._rates.take(rule, sink, now_s):
            return True
        self._rate_limited[sink or rule.sink] += 1
        self._tell(rule, event, "rate-limited")
        return False

    def _job(
        self,
        rule: ActionRule,
        sink: str,
        event: GestureEvent,
        request: Request,
        undoes: Job | None = None,
    ) -> Job:
        deadline_s = time.monotonic() + self._map.deadline_s
        return Job(rule, sink, event, request, deadline_s, self._arming, undoes)

    # called by the workers

    def _why_not_now(self, job: Job) -> str | None:
        with self._lock:
            if not self._armed or job.arming != self._arming:
                return "actions are not armed any more"
            states = job.rule.states
            allowed = self._allowed.allows(job.sink, self._state)
            if not allowed or (states and self._state not in states):
                return in_state(self._state, f"allows no {job.sink}")
            return None

    def _done(self, job: Job, outcome: Outcome, detail: str, undo: Request | None) -> None:
        with self._lock:
            job.outcome, job.done_s = outcome, time.monotonic()
            if outcome == "sent":
                own = job.rule.undo
                job.undo = filled(own, job.event, self._state, self._mode) if own else undo
            elif outcome != "unsure":
                self._sent.remove(job)  # nothing was done
            self._tell_of(job, outcome, detail)

    def _sink_changed(self, name: str, state: SinkState, reason: str) -> None:
        with self._lock:
            self._note(f"{name} {state}", reason)

    # entries

    def _tell(
        self, rule: ActionRule | None, event: GestureEvent, outcome: Outcome, detail: str = ""
    ) -> None:
        what = () if rule is None else (rule.line, rule.sink, rule.request)
        self._write(event, outcome, detail, *what)

    def _tell_of(self, job: Job, outcome: Outcome, detail: str = "") -> None:
        text = f"undoes {job.undoes.event.label}" if job.undoes is not None else ""
        detail = "; ".join(part for part in (text, detail) if part)
        self._write(job.event, outcome, detail, job.rule.line, job.sink, job.request)

    def _write(
        self,
        event: GestureEvent,
        outcome: Outcome,
        detail: str,
        line: int | None = None,
        sink: str | None = None,
        request: Request | None = None,
    ) -> None:
        self._outcomes[outcome] += 1
        now = datetime.now(UTC)
        state = (self._armed, self._state, self._mode)
        self._publish(Entry(now, *state, event, line, sink, request, outcome, detail))

    def _note(self, text: str, detail: str = "") -> None:
        state = (self._armed, self._state, self._mode)
        self._publish(Entry(datetime.now(UTC), *state, note=text, detail=detail))

    def _publish(self, entry: Entry) -> None:
        self._log.add(entry)
        for listener in self._listeners:
            listener(entry)
