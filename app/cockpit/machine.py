"""The cockpit through time: gestures as they are recognised, and what happens to the car meanwhile.

Time is the events' own: a recording gives the same happenings at any pace, and in every run.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from motionrgbd.app.cockpit.offers import offers, refusal
from motionrgbd.app.cockpit.state import TRACKS, Call, CockpitState, Display, Undo
from motionrgbd.core.results import GestureEvent

Cause = Literal["gesture", "car"]

IDLE_RETURN_S = 25.0  # without a gesture that does something, the display goes back to the map
RINGS_S = 20.0
TALKS_S = 45.0  # then the caller hangs up
HISTORY = 10  # changes that can be taken back; nobody remembers more
_NEVER_S = math.inf


@dataclass(frozen=True, slots=True)
class Trip:
    """What the simulated car does by itself, in seconds from the first frame, over and over.

    It stands, drives off, and parks again at the end of each round; calls come at their own pace.
    """

    round_s: float = 120.0
    drives_off_s: float = 36.0
    parks_s: float = 100.0
    first_call_s: float = 27.0
    calls_every_s: float = 75.0
    callers: tuple[str, ...] = ("Grace Hopper", "Workshop", "Mira")


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened: a gesture, or something of the car's.

    effect: the hint that came true; None where the gesture did nothing, which `text` explains.
    """

    time_s: float
    cause: Cause
    text: str
    effect: str | None
    before: CockpitState
    after: CockpitState
    gesture: str = ""
    score: float = 0.0


class StepLike(Protocol):
    """One grid step of the engine, as far as the cockpit reads it."""

    @property
    def timestamp_s(self) -> float: ...
    @property
    def events(self) -> tuple[GestureEvent, ...]: ...


_Due = tuple[float, Callable[[CockpitState], tuple[str, CockpitState]]]


class Cockpit:
    """The simulated display. Used by one thread, the engine's, where `observe` is its observer.

    tell: gets each happening, in order. `state` and `latest` may be read by any thread: both are
    immutable values that are replaced.
    """

    def __init__(self, trip: Trip | None = None, tell: Callable[[Happening], None] | None = None):
        self._trip = Trip() if trip is None else trip
        self._tell = tell
        self._start_s: float | None = None
        self.state = _fresh(0.0)
        self.latest: Happening | None = None

    def observe(self, step: StepLike) -> None:
        """Take one step in. Runs in the engine's thread."""
        self.advance(step.timestamp_s)
        for event in step.events:
            if event.kind != "arm":
                self.gesture(event.label, event.score)

    def advance(self, now_s: float) -> None:
        """Let everything happen that is due until now; the first call sets the start."""
        if self._start_s is None:
            self._start_s = now_s
            self.state = _fresh(now_s)
        while (due := self._next())[0] <= now_s:
            time_s, happen = due
            before = self._at(time_s)
            text, after = happen(before)
            self._take(Happening(time_s, "car", text, text, before, after))
        self.state = self._at(max(now_s, self.state.now_s))

    def gesture(self, label: str, score: float = 1.0) -> Happening:
        """Take a gesture in, now; return what came of it."""
        before = self.state
        now_s = before.now_s
        offer = next((o for o in offers(before) if o.gesture == label), None)
        if offer is None:
            why = refusal(before, label)
            happening = Happening(now_s, "gesture", why, None, before, before, label, score)
        else:
            history = before.history[:-1] if offer.undoes else before.history
            if not offer.undoes and offer.after.display != before.display:
                undo = Undo(before.display, offer.after.display, offer.done)
                history = (*history, undo)[-HISTORY:]
            after = dataclasses.replace(offer.after, history=history, used_s=now_s)
            happening = Happening(
                now_s, "gesture", offer.done, offer.hint, before, after, label, score
            )
        return self._take(happening)

    def _take(self, happening: Happening) -> Happening:
        after = _settled(happening.before, happening.after)
        happening = dataclasses.replace(happening, after=after)
        self.state, self.latest = after, happening
        if self._tell is not None:
            self._tell(happening)
        return happening

    def _at(self, now_s: float) -> CockpitState:
        return dataclasses.replace(self.state, now_s=now_s)

    # what the car does, whichever is due first; at the same moment in this order

    def _next(self) -> _Due:
        return min(
            (self._driving(), self._calling(), self._call_ends(), self._track_ends(), self._idle()),
            key=lambda due: due[0],
        )

    def _driving(self) -> _Due:
        trip = self._trip
        if self.state.parked:
            return self._following(trip.drives_off_s, trip.round_s), _drive_off
        return self._following(trip.parks_s, trip.round_s), _park

    def _calling(self) -> _Due:
        trip = self._trip
        time_s = self._following(trip.first_call_s, trip.calls_every_s)
        while self.state.call is not None and time_s <= self._call_ends()[0]:
            time_s += trip.calls_every_s  # the line is busy
        assert self._start_s is not None
        k = round((time_s - self._start_s - trip.first_call_s) / trip.calls_every_s)
        caller = trip.callers[k % len(trip.callers)]

        def ring(state: CockpitState) -> tuple[str, CockpitState]:
            call = Call(caller, False, state.now_s)
            return f"{caller} is calling", dataclasses.replace(state, call=call)

        return time_s, ring

    def _following(self, first_s: float, every_s: float) -> float:
        """Return the first moment after now of those that repeat."""
        assert self._start_s is not None
        rounds = max(0, math.floor((self.state.now_s - self._start_s - first_s) / every_s) + 1)
        return self._start_s + first_s + rounds * every_s

    def _call_ends(self) -> _Due:
        call = self.state.call
        if call is None:
            return _NEVER_S, _no_call
        return call.since_s + (TALKS_S if call.answered else RINGS_S), _no_call

    def _track_ends(self) -> _Due:
        since_s = self.state.played.since_s
        if since_s is None:
            return _NEVER_S, _next_track
        left_s = TRACKS[self.state.display.track].duration_s - self.state.played.before_s
        return since_s + left_s, _next_track

    def _idle(self) -> _Due:
        display = self.state.display
        at_rest = Display().page == display.page and display.centre_km is None
        if self.state.ringing or (at_rest and not display.overview):
            return _NEVER_S, _return
        return self.state.used_s + IDLE_RETURN_S, _return


def _fresh(now_s: float) -> CockpitState:
    state = CockpitState(now_s, used_s=now_s)
    return dataclasses.replace(state, played=state.played.turned(state.audible, now_s))


def _settled(before: CockpitState, after: CockpitState) -> CockpitState:
    """Return `after` with its clocks right, and without changes that are nothing to take back."""
    now_s = after.now_s
    played = after.played
    if (
        after.display.track != before.display.track
        or played.at(now_s) >= TRACKS[after.display.track].duration_s
    ):
        played = type(played)()
    history = after.history
    while history and history[-1].taken_back(after.display) == after.display:
        history = history[:-1]
    return dataclasses.replace(
        after,
        played=played.turned(after.audible, now_s),
        driven=after.driven.turned(not after.parked, now_s),
        history=history,
    )


def _drive_off(state: CockpitState) -> tuple[str, CockpitState]:
    """Drive: what is for parking only closes, and nothing of it comes back by undoing."""
    display = dataclasses.replace(state.display, row=state.display.track)
    return "Driving", dataclasses.replace(state, parked=False, display=display, history=())


def _park(state: CockpitState) -> tuple[str, CockpitState]:
    return "Parked", dataclasses.replace(state, parked=True)


def _no_call(state: CockpitState) -> tuple[str, CockpitState]:
    assert state.call is not None
    what = "Call ended" if state.call.answered else f"Missed call from {state.call.caller}"
    # who let it ring has looked at the call: the page stays for its full time
    return what, dataclasses.replace(state, call=None, used_s=state.now_s)


def _next_track(state: CockpitState) -> tuple[str, CockpitState]:
    track = (state.display.track + 1) % len(TRACKS)
    followed = state.display.row == state.display.track
    row = track if followed else state.display.row
    display = dataclasses.replace(state.display, track=track, row=row)
    return f"Now: {TRACKS[track].title}", dataclasses.replace(state, display=display)


def _return(state: CockpitState) -> tuple[str, CockpitState]:
    rest: dict[str, Any] = {"page": "navigation", "centre_km": None, "overview": False}
    display = dataclasses.replace(state.display, row=state.display.track, **rest)
    return "Back to the map", dataclasses.replace(state, display=display, history=())
