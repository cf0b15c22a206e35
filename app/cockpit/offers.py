"""What each gesture does now: the one table behind effects, hints and refusals.

A gesture has an effect where an offer names it, and nowhere else; hints are the offers. What may be
operated while the car drives says an allow-list, as that of a mapping of actions. The hand says
where the view goes: Swipe Right shows what lies to the right, and the next track.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from motionrgbd.app.cockpit.city import HALF_KM, city
from motionrgbd.app.cockpit.state import (
    CARDS,
    FANS,
    SEATS,
    TEMPERATURE_STEP_C,
    TEMPERATURES_C,
    TRACKS,
    VIEW_HEIGHTS_KM,
    VOLUMES,
    CockpitState,
    PointKm,
)
from motionrgbd.core.actions.gates import AllowList

CONTROLS = ("pages", "map", "marks", "music", "list", "climate", "volume", "call", "undo")
ALLOWED = AllowList(
    {
        "parked": CONTROLS,
        "driving": tuple(c for c in CONTROLS if c not in ("marks", "list")),  # these need a look
    }
)
NOTHING = "Nothing to do here"
PAGE_TITLES = {"home": "Home", "navigation": "Map", "media": "Music", "climate": "Climate"}

_PAN_SHARE = 0.4  # of the map's height: what was at the edge is then near the middle
_DIRECTIONS = {
    "Swipe Right": ("right", 1, 0),
    "Swipe Left": ("left", -1, 0),
    "Swipe Up": ("up", 0, -1),
    "Swipe Down": ("down", 0, 1),
}
_TURNS = {"Rotation CW": 1, "Rotation CCW": -1}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a gesture would do. hint: its few words, shared by gestures that belong together.

    control: what is operated, for the allow-list. done: what is said afterwards. after: the state
    it leads to. undoes: it takes a change back.
    """

    gesture: str
    control: str
    hint: str
    done: str
    after: CockpitState
    undoes: bool = False


def offers(state: CockpitState) -> tuple[Offer, ...]:
    """Return every gesture that does something now; each gesture once."""
    found: dict[str, Offer] = {}
    for offer in _changing(state):
        if is_allowed(state, offer.control):
            found.setdefault(offer.gesture, offer)  # calls come before pages
    return tuple(found.values())


def is_allowed(state: CockpitState, control: str) -> bool:
    """Whether something may be operated now."""
    return ALLOWED.allows(control, state.name)


def refusal(state: CockpitState, gesture: str) -> str:
    """Say why a gesture that is not offered does nothing."""
    for offer in _changing(state):
        if offer.gesture == gesture:
            when = [name for name in ALLOWED.states if ALLOWED.allows(offer.control, name)]
            return f"Only when {' or '.join(when)}"
    return NOTHING


def _changing(state: CockpitState) -> Iterator[Offer]:
    """Give every offer that changes something, allowed or not."""
    for offer in _all(state):
        if offer.after.display != state.display or offer.after.call != state.call:
            yield offer


def _all(state: CockpitState) -> Iterator[Offer]:
    yield from _call(state)
    if state.ringing:  # nothing else until it is answered, but for how loud it rings
        yield from _volume(state)
        return
    yield from _PAGES[state.display.page](state)
    if state.display.page != "climate":
        yield from _volume(state)
    yield from _undo(state)
    if state.display.page != "home":
        card = CARDS.index(state.display.page)
        # the map is on the home page anyway: there the other card used last is chosen
        chosen = state.display.card if card == 0 else card
        yield _shown(state, "Grab", "pages", "Home", "Home", page="home", card=chosen)


def _shown(
    state: CockpitState, gesture: str, control: str, hint: str, done: str, **fields: Any
) -> Offer:
    display = dataclasses.replace(state.display, **fields)
    return Offer(gesture, control, hint, done, dataclasses.replace(state, display=display))


def _call(state: CockpitState) -> Iterator[Offer]:
    call = state.call
    if call is None:
        return
    ended = dataclasses.replace(state, call=None)
    if call.answered:
        yield Offer("Swipe X", "call", "Hang up", "Call ended", ended)
        return
    answered = dataclasses.replace(call, answered=True, since_s=state.now_s)
    talking = dataclasses.replace(state, call=answered)
    yield Offer("Swipe V", "call", "Accept call", f"Talking to {call.caller}", talking)
    yield Offer("Swipe X", "call", "Reject call", f"Call from {call.caller} rejected", ended)


def _volume(state: CockpitState) -> Iterator[Offer]:
    for gesture, turn in _TURNS.items():
        volume = _clipped(state.display.volume + turn, VOLUMES)
        yield _shown(state, gesture, "volume", "Volume", f"Volume {volume}", volume=volume)


def _undo(state: CockpitState) -> Iterator[Offer]:
    if state.history:
        last = state.history[-1]
        display = last.taken_back(state.display)
        after = dataclasses.replace(state, display=display)
        yield Offer("Shake", "undo", "Undo", f"Undone: {last.done}", after, undoes=True)


def _home(state: CockpitState) -> Iterator[Offer]:
    card = state.display.card
    for gesture in ("Swipe Left", "Swipe Right"):
        chosen = _clipped(card + _DIRECTIONS[gesture][1], (0, len(CARDS) - 1))
        title = PAGE_TITLES[CARDS[chosen]]
        yield _shown(state, gesture, "pages", "Choose", f"{title} chosen", card=chosen)
    title = PAGE_TITLES[CARDS[card]]
    yield _shown(
        state, "Tap", "pages", f"Open {title.lower()}", f"{title} opened", page=CARDS[card]
    )
    yield from _zoom(state)


def _navigation(state: CockpitState) -> Iterator[Offer]:
    display = state.display
    if not display.overview:
        yield from _zoom(state)
        yield from _pan(state)
    if display.centre_km is not None or display.overview:
        back: dict[str, Any] = {"centre_km": None, "overview": False}
        yield _shown(state, "Tap", "map", "Back to the car", "Following the car", **back)
    elif display.guidance:
        yield _shown(state, "Tap", "map", "Whole route", "Whole route", overview=True)
    if display.guidance:
        off = {"guidance": False, "overview": False}
        yield _shown(state, "Swipe X", "map", "End guidance", "Guidance ended", **off)
    else:
        yield _shown(state, "Swipe V", "map", "Start guidance", "Guidance started", guidance=True)
    if not display.overview:
        middle = map_centre_km(state)
        if middle not in display.pins:
            pins = (*display.pins, middle)
            yield _shown(state, "Swipe +", "marks", "Mark this place", "Place marked", pins=pins)


def _zoom(state: CockpitState) -> Iterator[Offer]:
    zoom, most = state.display.zoom, len(VIEW_HEIGHTS_KM) - 1
    nearer, farther = _clipped(zoom + 1, (0, most)), _clipped(zoom - 1, (0, most))
    yield _shown(state, "Expand", "map", "Zoom", "Zoomed in", zoom=nearer)
    yield _shown(state, "Pinch", "map", "Zoom", "Zoomed out", zoom=farther)


def _pan(state: CockpitState) -> Iterator[Offer]:
    step_km = _PAN_SHARE * VIEW_HEIGHTS_KM[state.display.zoom]
    x, y = map_centre_km(state)
    for gesture, (word, east, south) in _DIRECTIONS.items():
        moved = (_within(x + east * step_km), _within(y + south * step_km))
        if moved != (x, y):
            yield _shown(state, gesture, "map", "Move map", f"Map moved {word}", centre_km=moved)


def _media(state: CockpitState) -> Iterator[Offer]:
    display = state.display
    for gesture, word in (("Swipe Left", "Previous"), ("Swipe Right", "Next")):
        track = (display.track + _DIRECTIONS[gesture][1]) % len(TRACKS)
        fields: dict[str, Any] = {"track": track, "row": track, "playing": True}
        yield _shown(state, gesture, "music", "Track", f"{word}: {TRACKS[track].title}", **fields)
    for gesture in ("Swipe Up", "Swipe Down"):
        row = _clipped(display.row + _DIRECTIONS[gesture][2], (0, len(TRACKS) - 1))
        yield _shown(state, gesture, "list", "List", TRACKS[row].title, row=row)
    if display.row != display.track:
        fields = {"track": display.row, "playing": True}
        done = f"Playing {TRACKS[display.row].title}"
        yield _shown(state, "Tap", "music", "Play this", done, **fields)
    elif display.playing:
        yield _shown(state, "Tap", "music", "Pause", "Paused", playing=False)
    else:
        yield _shown(state, "Tap", "music", "Play", "Playing", playing=True)
    favourites = set(display.favourites)
    more, fewer = (
        tuple(sorted(s)) for s in (favourites | {display.track}, favourites - {display.track})
    )
    done = "Added to favourites"
    yield _shown(state, "Swipe +", "music", "Favourite", done, favourites=more)
    done = "Removed from favourites"
    yield _shown(state, "Swipe X", "music", "No favourite", done, favourites=fewer)


def _climate(state: CockpitState) -> Iterator[Offer]:
    display = state.display
    for gesture, seat in (("Swipe Left", 0), ("Swipe Right", 1)):
        yield _shown(
            state, gesture, "climate", "Seat", f"{SEATS[seat].capitalize()} seat", seat=seat
        )
    if display.air_on:
        yield from _air(state)
        yield _shown(state, "Tap", "climate", "Air off", "Air off", air_on=False)
    else:
        yield _shown(state, "Tap", "climate", "Air on", "Air on", air_on=True)


def _air(state: CockpitState) -> Iterator[Offer]:
    display = state.display
    for gesture, turn in _TURNS.items():
        warmth = list(display.temperatures_c)
        wanted_c = warmth[display.seat] + turn * TEMPERATURE_STEP_C
        warmth[display.seat] = min(max(wanted_c, TEMPERATURES_C[0]), TEMPERATURES_C[1])
        done = f"{SEATS[display.seat].capitalize()} seat {warmth[display.seat]:.1f} °C"
        warm = tuple(warmth)
        yield _shown(state, gesture, "climate", "Temperature", done, temperatures_c=warm)
    for gesture, step in (("Swipe Up", 1), ("Swipe Down", -1)):
        fan = _clipped(display.fan + step, FANS)
        yield _shown(state, gesture, "climate", "Fan", f"Fan {fan}", fan=fan)


_PAGES = {"home": _home, "navigation": _navigation, "media": _media, "climate": _climate}


def map_centre_km(state: CockpitState) -> PointKm:
    """Return the middle of the map: where it was moved to, else the car."""
    if state.display.centre_km is not None:
        return state.display.centre_km
    place, _ = city().place(state.driven_m(state.now_s))
    return place


def _within(km: float) -> float:
    return round(min(max(km, -HALF_KM), HALF_KM), 4)


def _clipped(value: int, ends: tuple[int, int]) -> int:
    return min(max(value, ends[0]), ends[1])
