"""What gestures do in the cockpit, what happens by itself, and that hints keep their word."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from motionrgbd.app.cockpit.city import HALF_KM, city
from motionrgbd.app.cockpit.log import happening_line
from motionrgbd.app.cockpit.machine import HISTORY, IDLE_RETURN_S, Cockpit, Happening, Trip
from motionrgbd.app.cockpit.offers import (
    ALLOWED,
    CONTROLS,
    NOTHING,
    map_centre_km,
    offers,
)
from motionrgbd.app.cockpit.state import TRACKS, VIEW_HEIGHTS_KM, CockpitState, Display
from motionrgbd.core.actions.gates import AllowList
from motionrgbd.core.synthetic.gestures import GESTURES

QUIET = Trip(1e6, drives_off_s=9e5, parks_s=9.5e5, first_call_s=9e5)  # nothing by itself
DRIVING = dataclasses.replace(QUIET, drives_off_s=0.5)
START_S = 1_700_000_000.0  # a camera's stamps may be of the year


def cockpit(trip: Trip = QUIET, *gestures: str, at_s: float = 1.0) -> Cockpit:
    """A cockpit at `at_s`, after gestures that all did something."""
    made = Cockpit(trip)
    made.advance(0.0)
    made.advance(at_s)
    for gesture in gestures:
        happening = made.gesture(gesture)
        assert happening.effect is not None, (gesture, happening.text)
    return made


def hinted(state: CockpitState) -> set[str]:
    return {offer.gesture for offer in offers(state)}


def shown(trip: Trip = QUIET, *gestures: str, at_s: float = 1.0) -> Display:
    return cockpit(trip, *gestures, at_s=at_s).state.display


HOME = ("Grab",)
MEDIA = ("Grab", "Tap")
CLIMATE = ("Grab", "Swipe Right", "Tap")

# pages, gestures -> what is then shown
EFFECTS: list[tuple[tuple[str, ...], dict[str, object]]] = [
    (("Expand",), {"zoom": 4}),
    (("Pinch",), {"zoom": 2}),
    (("Tap",), {"overview": True}),
    (("Tap", "Tap"), {"overview": False}),
    (("Swipe Up", "Tap"), {"centre_km": None}),
    (("Swipe X",), {"guidance": False}),
    (("Tap", "Swipe X"), {"guidance": False, "overview": False}),
    (("Swipe X", "Swipe V"), {"guidance": True}),
    (("Rotation CW",), {"volume": 9}),
    (("Rotation CCW",), {"volume": 7}),
    (HOME, {"page": "home", "card": 1}),
    ((*HOME, "Swipe Left"), {"card": 0}),
    ((*HOME, "Swipe Right"), {"card": 2}),
    ((*HOME, "Swipe Left", "Tap"), {"page": "navigation"}),
    ((*HOME, "Expand"), {"page": "home", "zoom": 4}),
    (MEDIA, {"page": "media"}),
    ((*MEDIA, "Tap"), {"playing": False}),
    ((*MEDIA, "Tap", "Tap"), {"playing": True}),
    ((*MEDIA, "Swipe Right"), {"track": 3, "row": 3}),
    ((*MEDIA, "Swipe Left"), {"track": 1, "row": 1}),
    ((*MEDIA, *["Swipe Right"] * 4), {"track": 0, "row": 0}),
    ((*MEDIA, "Swipe Up"), {"row": 1, "track": 2}),
    ((*MEDIA, "Swipe Down", "Tap"), {"row": 3, "track": 3, "playing": True}),
    ((*MEDIA, "Swipe +"), {"favourites": (2,)}),
    ((*MEDIA, "Swipe +", "Swipe X"), {"favourites": ()}),
    ((*MEDIA, "Grab"), {"page": "home", "card": 1}),
    (CLIMATE, {"page": "climate"}),
    ((*CLIMATE, "Rotation CW"), {"temperatures_c": (21.5, 21.5), "volume": 8}),
    ((*CLIMATE, "Swipe Right", "Rotation CCW"), {"temperatures_c": (21.0, 21.0), "seat": 1}),
    ((*CLIMATE, "Swipe Up"), {"fan": 3}),
    ((*CLIMATE, "Swipe Down"), {"fan": 1}),
    ((*CLIMATE, "Tap"), {"air_on": False}),
    ((*CLIMATE, "Tap", "Tap"), {"air_on": True}),
    ((*CLIMATE, "Grab"), {"page": "home", "card": 2}),
]


@pytest.mark.parametrize(("gestures", "expected"), EFFECTS, ids=lambda x: "-".join(x))
def test_a_gesture_sets_what_it_should_and_nothing_else(
    gestures: tuple[str, ...], expected: dict[str, object]
) -> None:
    before, after = shown(QUIET, *gestures[:-1]), shown(QUIET, *gestures)
    assert {name: getattr(after, name) for name in expected} == expected
    for name in {field.name for field in dataclasses.fields(Display)} - set(expected):
        assert getattr(after, name) == getattr(before, name), name


@pytest.mark.parametrize("gestures", [gestures for gestures, _ in EFFECTS], ids="-".join)
def test_each_of_them_can_be_taken_back(gestures: tuple[str, ...]) -> None:
    before = cockpit(QUIET, *gestures[:-1])
    after = cockpit(QUIET, *gestures)
    done = after.latest
    assert done is not None
    undone = after.gesture("Shake")
    assert after.state.display == before.state.display
    assert undone.text == f"Undone: {done.text}"


@pytest.mark.parametrize(
    ("gesture", "east", "south"),
    [("Swipe Right", 1, 0), ("Swipe Left", -1, 0), ("Swipe Up", 0, -1), ("Swipe Down", 0, 1)],
)
def test_the_map_moves_where_the_hand_goes(gesture: str, east: int, south: int) -> None:
    x, y = map_centre_km(cockpit().state)
    moved = shown(QUIET, gesture).centre_km
    step = 0.4 * VIEW_HEIGHTS_KM[Display().zoom]
    assert moved == pytest.approx((x + east * step, y + south * step))


def test_at_an_end_nothing_more_is_hinted() -> None:
    nearest = cockpit(QUIET, *["Expand"] * (len(VIEW_HEIGHTS_KM) - 1 - Display().zoom))
    assert "Expand" not in hinted(nearest.state)
    assert nearest.gesture("Expand").text == NOTHING
    assert "Rotation CW" not in hinted(cockpit(QUIET, *["Rotation CW"] * 12).state)
    assert "Swipe Left" not in hinted(cockpit(QUIET, *HOME, "Swipe Left").state)
    coldest = cockpit(QUIET, *CLIMATE, *["Rotation CCW"] * 10)
    assert "Rotation CCW" not in hinted(coldest.state)
    edge = cockpit(QUIET, *["Pinch"] * 3, *["Swipe Right"] * 2)
    assert edge.state.display.centre_km is not None
    assert edge.state.display.centre_km[0] == HALF_KM
    assert "Swipe Right" not in hinted(edge.state)


def test_a_place_is_marked_once_and_only_when_parked() -> None:
    parked = cockpit(QUIET, "Swipe +")
    assert parked.state.display.pins == (map_centre_km(parked.state),)
    assert "Swipe +" not in hinted(parked.state)
    driving = cockpit(DRIVING)
    assert "Swipe +" not in hinted(driving.state)
    assert driving.gesture("Swipe +").text == "Only when parked"


def test_the_list_is_for_parking() -> None:
    driving = cockpit(DRIVING, *MEDIA)
    assert not {"Swipe Up", "Swipe Down"} & hinted(driving.state)
    assert driving.gesture("Swipe Up").text == "Only when parked"
    assert driving.gesture("Swipe V").text == NOTHING
    assert {"Swipe Left", "Swipe Right", "Tap"} <= hinted(driving.state)


def test_everything_that_is_offered_is_on_the_allow_list() -> None:
    assert set(ALLOWED.states["parked"]) == set(CONTROLS)
    for trip in (QUIET, DRIVING):
        controls = set()
        for gestures in ((), HOME, MEDIA, CLIMATE):
            state = cockpit(trip, *gestures).state
            offered = {offer.control for offer in offers(state)}
            assert offered <= set(ALLOWED.states[state.name])
            controls |= offered
        assert controls | {"call"} == set(ALLOWED.states[state.name])


def test_the_allow_list_alone_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = {**ALLOWED.states, "driving": ("map", "pages")}
    monkeypatch.setattr("motionrgbd.app.cockpit.offers.ALLOWED", AllowList(silent))
    driving = cockpit(DRIVING, *MEDIA)
    assert hinted(driving.state) == {"Grab"}
    assert driving.gesture("Tap").text == "Only when parked"
    assert cockpit(QUIET, *MEDIA, "Tap").state.display.playing is False


def test_driving_off_closes_the_list_and_forgets_what_it_did() -> None:
    made = cockpit(dataclasses.replace(QUIET, drives_off_s=5.0), *MEDIA, "Swipe Down")
    made.advance(5.0)
    assert not made.state.parked
    assert made.state.display.row == made.state.display.track == 2
    assert made.state.history == ()
    assert made.latest is not None
    assert made.latest.text == "Driving"


def test_the_car_follows_its_route_while_it_drives_only() -> None:
    made = cockpit(Trip(100.0, drives_off_s=10.0, parks_s=20.0, first_call_s=9e5))
    metres = []
    for now_s in (9.0, 10.0, 15.0, 20.0, 60.0, 111.0):
        made.advance(now_s)
        metres.append(made.state.driven_m(now_s))
    assert metres == pytest.approx([0, 0, 70, 140, 140, 154])


# ---- calls ----

CALLS = Trip(1e6, drives_off_s=9e5, parks_s=9.5e5, first_call_s=10.0, calls_every_s=100.0)


def test_a_ringing_call_asks_for_an_answer_and_nothing_else() -> None:
    made = cockpit(CALLS, "Expand", at_s=2.0)
    made.advance(12.0)
    assert made.state.ringing
    assert hinted(made.state) == {"Swipe V", "Swipe X", "Rotation CW", "Rotation CCW"}
    assert made.gesture("Tap").text == NOTHING
    assert made.gesture("Shake").effect is None


def test_an_accepted_call_holds_the_music_until_it_ends() -> None:
    made = cockpit(CALLS, at_s=12.0)
    held_s = made.state.played.at(12.0)
    assert held_s == 10.0
    made.gesture("Swipe V")
    made.advance(20.0)
    assert made.state.call is not None
    assert made.state.call.answered
    assert not made.state.audible
    assert made.state.played.at(20.0) == held_s
    assert made.gesture("Swipe X").text == "Call ended"
    assert made.state.call is None
    made.advance(25.0)
    assert made.state.played.at(25.0) == held_s + 5.0


@pytest.mark.parametrize(
    ("gesture", "end_s", "text"),
    [("Swipe X", 12.0, "Call from {} rejected"), ("", 30.0, "Missed call from {}")],
)
def test_an_unanswered_call_ends(gesture: str, end_s: float, text: str) -> None:
    made = cockpit(CALLS, at_s=12.0)
    if gesture:
        made.gesture(gesture)
    made.advance(end_s)
    assert made.state.call is None
    assert made.latest is not None
    assert made.latest.text == text.format(CALLS.callers[0])


def test_the_caller_hangs_up_and_another_one_calls_later() -> None:
    made = cockpit(CALLS, at_s=12.0)
    made.gesture("Swipe V")
    made.advance(57.0)
    assert made.state.call is None
    made.advance(110.0)
    assert made.state.call is not None
    assert made.state.call.caller == CALLS.callers[1]


def test_whoever_calls_during_a_call_is_not_put_through() -> None:
    made = cockpit(dataclasses.replace(CALLS, calls_every_s=15.0), at_s=12.0)
    made.gesture("Swipe V")
    made.advance(50.0)
    assert made.state.call is not None
    assert made.state.call.caller == CALLS.callers[0]


# ---- by itself ----


def test_the_display_goes_back_to_the_map_when_nobody_uses_it() -> None:
    made = cockpit(QUIET, "Swipe Right", *MEDIA, "Swipe Down", at_s=3.0)
    made.gesture("Swipe V")  # does nothing, so it is no use
    made.advance(3.0 + IDLE_RETURN_S - 0.01)
    assert made.state.display.page == "media"
    made.advance(3.0 + IDLE_RETURN_S)
    display = made.state.display
    assert (display.page, display.centre_km, display.row) == ("navigation", None, 2)
    assert made.state.history == ()
    assert made.latest is not None
    assert made.latest.time_s == 3.0 + IDLE_RETURN_S


def test_at_rest_nothing_returns() -> None:
    told: list[Happening] = []
    made = Cockpit(QUIET, told.append)
    made.advance(0.0)
    made.advance(100.0)
    assert told == []


def test_a_track_is_followed_by_the_next_and_undo_leaves_that_alone() -> None:
    made = cockpit(QUIET, "Rotation CW")
    end_s = TRACKS[2].duration_s
    made.advance(end_s - 0.1)
    assert made.state.display.track == 2
    made.advance(end_s + 5.0)
    assert (made.state.display.track, made.state.display.row) == (3, 3)
    assert made.state.played.at(end_s + 5.0) == pytest.approx(5.0)
    made.gesture("Shake")
    assert (made.state.display.volume, made.state.display.track) == (8, 3)


def test_what_can_be_taken_back_has_an_end() -> None:
    made = cockpit()
    for _ in range(HISTORY):
        made.gesture("Rotation CW")
        made.gesture("Rotation CCW")
    assert len(made.state.history) == HISTORY
    for _ in range(HISTORY):
        assert made.gesture("Shake").effect is not None
    assert made.gesture("Shake").text == NOTHING


# ---- whatever comes ----

moves = st.lists(st.tuples(st.floats(0.0, 40.0), st.sampled_from([*GESTURES, "Wave"])), max_size=25)


@settings(max_examples=40, deadline=None)
@given(moves)
@example([(30.0, "Swipe V"), (8.0, "Shake"), (0.0, "Swipe +")])
def test_hints_are_exactly_what_has_an_effect(sequence: list[tuple[float, str]]) -> None:
    """Every hinted gesture changes what is shown or the call; no other one changes anything."""
    made = Cockpit()
    now_s = START_S
    made.advance(now_s)
    for pause_s, chosen in sequence:
        now_s += pause_s
        made.advance(now_s)
        state = made.state
        for gesture in (*GESTURES, "Wave"):
            trial = Cockpit()
            trial.advance(START_S)
            trial.state = state
            happening = trial.gesture(gesture)
            changed = (trial.state.display, trial.state.call) != (state.display, state.call)
            assert changed == (gesture in hinted(state)) == (happening.effect is not None), gesture
            if not changed:
                assert trial.state == state
        made.gesture(chosen)
        assert_sound(made.state)


def assert_sound(state: CockpitState) -> None:
    """What holds in every state."""
    display = state.display
    assert 0 <= display.zoom < len(VIEW_HEIGHTS_KM)
    assert 0 <= display.track < len(TRACKS)
    assert all(abs(km) <= HALF_KM for km in map_centre_km(state))
    assert state.parked or display.row == display.track
    assert 0 <= state.played.at(state.now_s) <= TRACKS[display.track].duration_s
    assert len({offer.gesture for offer in offers(state)}) == len(offers(state))


@settings(max_examples=40, deadline=None)
@given(moves, st.floats(0.05, 3.0))
def test_it_does_not_matter_how_often_time_is_told(
    sequence: list[tuple[float, str]], step_s: float
) -> None:
    """The same gestures give the same log at 15 steps a second and at two."""
    logs = []
    for fine in (False, True):
        told: list[str] = []
        made = Cockpit(tell=lambda h, told=told: told.append(happening_line(h)))  # type: ignore[misc]
        made.advance(0.0)
        now_s = 0.0
        for pause_s, gesture in sequence:
            between_s = now_s + step_s
            now_s += pause_s
            while fine and between_s < now_s:
                made.advance(between_s)
                between_s += step_s
            made.advance(now_s)
            made.gesture(gesture)
        logs.append(told)
    assert logs[0] == logs[1]


def test_a_line_of_the_log_says_what_changed() -> None:
    made = cockpit()
    line = json.loads(happening_line(made.gesture("Expand", 0.875)))
    assert line == {
        "time_s": 1.0,
        "cause": "gesture",
        "gesture": "Expand",
        "score": 0.875,
        "effect": "Zoom",
        "text": "Zoomed in",
        "page": "navigation",
        "changed": {"zoom": 4},
    }
    nothing = json.loads(happening_line(made.gesture("Swipe V")))
    assert (nothing["effect"], nothing["text"], nothing["changed"]) == (None, NOTHING, {})


# ---- the route ----


def test_the_route_is_closed_and_driven_without_jumps() -> None:
    length = city().route_m
    here, _ = city().place(0.0)
    assert city().place(length)[0] == pytest.approx(here, abs=1e-3)
    for metres in range(0, int(length), 50):
        (x0, y0), heading = city().place(metres)
        (x1, y1), _ = city().place(metres + 5)
        step_m = 1000 * ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        assert 3.0 < step_m < 6.0
        assert 0 <= heading < 360


def test_the_next_turn_comes_nearer_and_turns_the_way_it_says() -> None:
    turn = city().next_turn(0.0)
    assert city().next_turn(100.0).distance_m == pytest.approx(turn.distance_m - 100.0)
    for _ in range(10):
        at = turn.distance_m
        before, after = city().place(at - 150)[1], city().place(at + 150)[1]
        angle = (after - before + 180) % 360 - 180
        assert (angle > 30) if turn.side == "right" else (angle < -30)
        following = city().next_turn(at + 1)
        turn = dataclasses.replace(following, distance_m=at + 1 + following.distance_m)
