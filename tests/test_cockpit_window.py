"""The cockpit's pages: each shows its state, fits every display, and hints what has an effect."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from on_screen import pixels, wait_for
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from motionrgbd.app.actions import RunActions
from motionrgbd.app.cockpit.city import city
from motionrgbd.app.cockpit.machine import Cockpit
from motionrgbd.app.cockpit.offers import offers
from motionrgbd.app.cockpit.state import VIEW_HEIGHTS_KM
from motionrgbd.app.gui.cockpit.frame import Hint, hints_of
from motionrgbd.app.gui.cockpit.gesture_icons import draw_gesture
from motionrgbd.app.gui.cockpit.look import DAY, NIGHT, Look, Panel
from motionrgbd.app.gui.cockpit.map_view import distance_text
from motionrgbd.app.gui.cockpit.run import CockpitPresenter, progress
from motionrgbd.app.gui.cockpit.window import SMALLEST_PX, CockpitWindow
from motionrgbd.app.overlay import Scene
from motionrgbd.core.actions import worker
from motionrgbd.core.actions.dispatcher import Dispatcher
from motionrgbd.core.actions.log import ActionLog
from motionrgbd.core.actions.mapping import parse_mapping
from motionrgbd.core.actions.status import ActionsStatus
from motionrgbd.core.actions.worker import SinkState, WorkerStatus
from motionrgbd.core.engine import Engine
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.results import Box, Prediction
from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.models.bundle import load_bundle

SIZES = ((1280, 480), (1024, 640), SMALLEST_PX, (2560, 960))
HOME = ("Grab",)
MEDIA = ("Grab", "Tap")
CLIMATE = ("Grab", "Swipe Right", "Tap")
# name -> when, and what was done then: every page in each of its states
STATES: dict[str, tuple[float, tuple[str, ...]]] = {
    "map": (1.0, ()),
    "map moved": (1.0, ("Swipe Right", "Expand", "Expand", "Swipe +", "Expand")),
    "whole route": (1.0, ("Tap",)),
    "map without guidance": (1.0, ("Swipe X", "Pinch", "Pinch", "Pinch")),
    "map while driving": (60.0, ()),
    "home": (1.0, HOME),
    "home, map chosen": (1.0, (*HOME, "Swipe Left")),
    "home, climate chosen": (1.0, (*HOME, "Swipe Right")),
    "music": (1.0, (*MEDIA, "Swipe +")),
    "music, another row": (1.0, (*MEDIA, "Swipe Left", "Tap", "Swipe Down")),
    "music while driving": (70.0, MEDIA),
    "climate": (1.0, (*CLIMATE, "Swipe Right", "Rotation CW", "Swipe Up")),
    "climate off": (1.0, (*CLIMATE, "Tap")),
    "ringing": (30.0, ()),
    "talking": (30.0, ("Swipe V", *MEDIA)),
    "talking, no guidance": (30.0, ("Swipe X", "Swipe X", "Swipe Up", "Rotation CW")),
}


pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def open_window() -> Iterator[Callable[..., CockpitWindow]]:
    windows = []

    def opened(size: tuple[int, int] = SIZES[0], *, night: bool = False) -> CockpitWindow:
        window = CockpitWindow(GESTURES)
        windows.append(window)
        window.resize(*size)
        window.set_night(night)
        window.show()
        return window

    yield opened
    for window in windows:
        window.close()
        window.deleteLater()


def state_of(name: str) -> Cockpit:
    at_s, gestures = STATES[name]
    cockpit = Cockpit()
    cockpit.advance(0.0)
    cockpit.advance(at_s)
    for gesture in gestures:
        assert cockpit.gesture(gesture).effect is not None, gesture
    return cockpit


def show(window: CockpitWindow, cockpit: Cockpit) -> None:
    window.set_state(cockpit.state)
    latest = cockpit.latest
    if latest is not None:
        window.set_confirmation(latest.gesture, latest.text, done=latest.effect is not None)
    settle(window)


def settle(window: CockpitWindow) -> None:
    """Let every movement come to its end."""
    for _ in range(3):
        window.tick(10.0)


def has(picture: np.ndarray, colour: str) -> int:
    """Return how many pixels have exactly this colour."""
    wanted = QColor(colour)
    rgb = (wanted.red(), wanted.green(), wanted.blue())
    return int((picture == rgb).all(axis=2).sum())


# ---- every page ----


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_text_is_cut_off_in_any_state(
    size: tuple[int, int], open_window: Callable[..., CockpitWindow]
) -> None:
    window = open_window(size)
    for name in STATES:
        show(window, state_of(name))
        window.set_progress("Rotation CCW", 0.5)
        window.grab()
        visible = [panel for panel in window.panels() if panel.isVisible()]
        cut = [(type(panel).__name__, panel.cut_texts) for panel in visible if panel.cut_texts]
        assert not cut, name


@pytest.mark.parametrize("right_hand_drive", [False, True], ids=["left", "right"])
@pytest.mark.parametrize("size", SIZES[:3], ids=str)
def test_parts_stand_side_by_side_within_the_window(
    size: tuple[int, int], right_hand_drive: bool, open_window: Callable[..., CockpitWindow]
) -> None:
    window = open_window(size)
    window.set_right_hand_drive(right_hand_drive)
    for name in STATES:
        show(window, state_of(name))
        floating = (window.call, window.confirmation)
        parts = [p for p in window.panels() if p.isVisible() and p not in floating]
        for part in (*parts, *floating):
            assert window.rect().contains(part.geometry()), (name, type(part).__name__)
        for one, other in itertools.combinations(parts, 2):
            assert not one.geometry().intersects(other.geometry()), (name, one, other)
        assert window.hint_bar in parts
        assert window.hand in parts
        pages = (window.map, window.media, window.climate)
        for page in pages:  # a confirmation covers nothing of a page
            assert not window.confirmation.geometry().intersects(page.geometry())


@pytest.mark.parametrize("name", STATES)
def test_the_page_is_on_the_driver_s_side(
    name: str, open_window: Callable[..., CockpitWindow]
) -> None:
    window = open_window()
    show(window, state_of(name))
    pages = [part for part in (window.map, window.media, window.climate) if part.isVisible()]

    def places() -> tuple[list[QRect], QRect]:
        return [page.geometry() for page in pages], window.hand.geometry()

    left = places()
    assert all(page.right() < left[1].left() for page in left[0])
    QTest.keyClick(window, Qt.Key.Key_D)
    right = places()
    assert all(page.left() > right[1].right() for page in right[0])
    away = right[0][0].left() - left[0][0].left()
    assert right[0] == [page.translated(away, 0) for page in left[0]]  # swipes choose as before
    QTest.keyClick(window, Qt.Key.Key_D)
    assert places() == left


@pytest.mark.parametrize("name", STATES)
def test_each_state_looks_different_and_hints_all_that_has_an_effect(
    name: str, open_window: Callable[..., CockpitWindow]
) -> None:
    window, cockpit = open_window(), state_of(name)
    window.set_state(cockpit.state)
    settle(window)
    hinted = [gesture for hint in window.hint_bar.hints() for gesture in hint.gestures]
    assert sorted(hinted) == sorted(offer.gesture for offer in offers(cockpit.state))
    before = pixels(window)
    for offer in offers(cockpit.state):
        trial = state_of(name)
        trial.gesture(offer.gesture)
        window.set_state(trial.state)
        settle(window)
        assert (pixels(window) != before).any(), f"{offer.gesture} shows nothing"
        window.set_state(cockpit.state)
        settle(window)


def test_a_gesture_the_model_does_not_know_is_not_hinted() -> None:
    offered = offers(state_of("map").state)
    assert hints_of(offered, ["Pinch", "Expand", "Swipe Up"]) == (
        Hint(("Expand", "Pinch"), "Zoom"),
        Hint(("Swipe Up",), "Move map"),
    )


@pytest.mark.parametrize("look", [DAY, NIGHT], ids=["day", "night"])
def test_texts_have_contrast(look: Look) -> None:
    """WCAG's 4.5 : 1 for all texts on what they stand on."""
    pairs = [
        *itertools.product((look.text, look.muted), (look.panel, look.back)),
        (look.text, look.land),
        (look.on_accent, look.accent),
        *itertools.product((look.accent, look.bad), (look.panel,)),
        *itertools.product((look.on_mark,), (look.good, look.bad)),
        *itertools.product((look.good, look.bad), (look.back,)),
    ]
    for ink, ground in pairs:
        light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def luminance(name: str) -> float:
    colour = QColor(name)
    parts = np.array([colour.redF(), colour.greenF(), colour.blueF()])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_the_night_is_dark_and_n_changes_it(open_window: Callable[..., CockpitWindow]) -> None:
    window = open_window(night=False)
    show(window, state_of("music"))
    day = pixels(window).mean()
    QTest.keyClick(window, Qt.Key.Key_N)
    night = pixels(window).mean()
    assert day > 150
    assert night < 80


# ---- the map ----


def test_the_map_moves_smoothly_to_where_it_is_wanted_and_then_rests(
    open_window: Callable[..., CockpitWindow],
) -> None:
    window, cockpit = open_window(), state_of("map")
    show(window, cockpit)
    cockpit.gesture("Expand")
    cockpit.gesture("Swipe Right")
    window.set_state(cockpit.state)
    heights, easts = [], []
    for _ in range(60):
        window.tick(1 / 30)
        (east, _), height = window.map.view()
        heights.append(height)
        easts.append(east)
    assert max(np.abs(np.diff(heights))) < 0.2 * (VIEW_HEIGHTS_KM[3] - VIEW_HEIGHTS_KM[4])
    assert (np.diff(heights) <= 0).all()
    assert (np.diff(easts) >= 0).all()
    assert heights[-1] == pytest.approx(VIEW_HEIGHTS_KM[4], rel=1e-3)
    assert cockpit.state.display.centre_km is not None
    assert easts[-1] == pytest.approx(cockpit.state.display.centre_km[0], abs=1e-3)


def test_the_whole_route_is_in_the_picture(open_window: Callable[..., CockpitWindow]) -> None:
    for size in SIZES[:2]:
        window = open_window(size)
        show(window, state_of("whole route"))
        (east, south), height = window.map.view()
        half = np.array([height * window.map.width() / window.map.height(), height]) / 2
        assert (np.abs(city().route - (east, south)) < half).all()


def test_route_and_buildings_and_pins_are_drawn_where_they_belong(
    open_window: Callable[..., CockpitWindow],
) -> None:
    window = open_window()
    picture = {}
    for name in ("map", "map moved", "map without guidance"):
        show(window, state_of(name))
        picture[name] = pixels(window.map)
    assert has(picture["map"], DAY.route) > 500
    assert has(picture["map without guidance"], DAY.route) == 0
    assert has(picture["map moved"], DAY.building) > 2000
    assert has(picture["map"], DAY.building) < 20
    assert has(picture["map"], DAY.bad) == 0
    assert has(picture["map moved"], DAY.bad) > 20


def test_the_car_stays_in_the_middle_while_it_drives(
    open_window: Callable[..., CockpitWindow],
) -> None:
    window, cockpit = open_window(), state_of("map while driving")
    for k in range(20):
        cockpit.advance(60.0 + k / 15)
        window.set_state(cockpit.state)
        window.tick(1 / 15)
    (east, south), _ = window.map.view()
    place, _ = city().place(cockpit.state.driven_m(cockpit.state.now_s))
    assert (east, south) == pytest.approx(place, abs=0.01)  # ten metres
    assert place != city().place(0.0)[0]
    fresh = open_window()
    show(fresh, cockpit)
    for part in (window.map, fresh.map):  # what was kept of the city is where it belongs
        part.repaint()
    kept, new = (route_column(pixels(part)) for part in (window.map, fresh.map))
    assert kept == pytest.approx(new, abs=2.0)


def route_column(picture: np.ndarray) -> float:
    """Return where the route crosses the upper part of the map."""
    row = picture[int(0.2 * len(picture))]
    return float(np.flatnonzero((row == pixels_of(DAY.route)).all(axis=1)).mean())


@pytest.mark.parametrize(
    ("metres", "text"),
    [(3, "Now"), (47, "50 m"), (296, "300 m"), (440, "450 m"), (990, "1.0 km"), (1463, "1.5 km")],
)
def test_distances_are_said_as_people_say_them(metres: float, text: str) -> None:
    assert distance_text(metres) == text


# ---- around the page ----


def test_the_call_asks_over_the_page_until_it_is_answered(
    open_window: Callable[..., CockpitWindow],
) -> None:
    window, cockpit = open_window(), state_of("ringing")
    show(window, cockpit)
    assert window.call.isVisible()
    picture = pixels(window.call)
    assert has(picture, DAY.good) > 1000
    assert has(picture, DAY.bad) > 1000
    cockpit.gesture("Swipe V")
    show(window, cockpit)
    assert not window.call.isVisible()
    window.set_confirmation("", "", done=True)
    assert has(pixels(window.status), DAY.good) > 50


@pytest.mark.parametrize("right_hand_drive", [False, True], ids=["left", "right"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_call_leaves_the_next_turn_in_sight(
    size: tuple[int, int], right_hand_drive: bool, open_window: Callable[..., CockpitWindow]
) -> None:
    window = open_window(size)
    window.set_right_hand_drive(right_hand_drive)
    show(window, state_of("ringing"))
    turn = window.map.turn_box().toAlignedRect().translated(window.map.pos())
    assert not window.call.geometry().intersects(turn)
    assert window.map.geometry().contains(window.call.geometry())


def test_a_confirmation_tells_what_was_done_from_what_was_not(
    open_window: Callable[..., CockpitWindow],
) -> None:
    window, cockpit = open_window(), state_of("map")
    show(window, cockpit)
    assert not window.confirmation.isVisible()
    for gesture, done in (("Expand", True), ("Swipe V", False)):
        happening = cockpit.gesture(gesture)
        window.set_confirmation(gesture, happening.text, done=done)
        assert window.confirmation.isVisible()
        assert window.confirmation.said() == happening.text
        lit = has(pixels(window.confirmation), DAY.accent) > 1000
        assert lit == done


def test_trouble_is_said_in_the_status_line(open_window: Callable[..., CockpitWindow]) -> None:
    window, cockpit = open_window(), state_of("map")
    window.set_state(cockpit.state)
    assert has(pixels(window.status), DAY.bad) == 0
    window.set_state(cockpit.state, "The camera is silent")
    assert has(pixels(window.status), DAY.bad) > 50


HANDLED: tuple[tuple[bool | None, dict[str, SinkState], str, str], ...] = (
    (None, {}, "", DAY.panel),
    (False, {"lights": "off"}, "Actions: dry run", DAY.muted),
    (True, {"lights": "up"}, "Actions: armed", DAY.accent),
    (True, {"lights": "down", "page": "up"}, "Armed, lights down", DAY.bad),
    (True, {"living room lights": "down"}, "Armed, 1 sink down", DAY.bad),
    (True, {"a": "down", "b": "down"}, "Armed, 2 sinks down", DAY.bad),
)


@pytest.mark.parametrize("size", [SIZES[0], SMALLEST_PX], ids=str)
def test_how_actions_are_handled_is_said_under_the_hand(
    size: tuple[int, int], open_window: Callable[..., CockpitWindow]
) -> None:
    window = open_window(size)
    show(window, state_of("map"))
    window.set_progress("Rotation CCW", 0.5)
    for armed, sinks, said, colour in HANDLED:
        workers = {n: WorkerStatus(state, "refused", 0, 0.0, 0.0) for n, state in sinks.items()}
        status = None
        if armed is not None:
            status = ActionsStatus(armed, None, None, workers, {}, {}, 0, None, None, "")
        window.set_actions(status)
        assert window.hand.said_of_actions() == said
        bottom = pixels(window.hand)[-round(24 * window.hand.scale) : -4]
        lit = [other for other in (DAY.muted, DAY.accent, DAY.bad) if has(bottom, other)]
        assert lit == ([colour] if said else [])
        assert not window.hand.cut_texts


def test_what_actions_do_is_followed_and_escape_disarms_them(
    open_window: Callable[..., CockpitWindow],
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "LONGEST_PAUSE_S", 0.3)
    source = SyntheticRecording(1_000_018, labels=("Grab",))
    engine = Engine(source, Recogniser(load_bundle(tiny_model), device="cpu"))
    log = tmp_path / "log.jsonl"
    window = open_window()
    with socket.create_server(("127.0.0.1", 0)) as occupied, ExitStack() as last:
        last.callback(engine.stop)
        text = f'[sinks.page]\nkind = "websocket"\nport = {occupied.getsockname()[1]}\n'
        dispatcher = Dispatcher(parse_mapping(text, GESTURES), ActionLog(log))
        last.callback(dispatcher.close)
        actions = RunActions(GESTURES, log, dispatcher=dispatcher)
        CockpitPresenter(engine, Cockpit(), window, {}, actions)
        said = window.hand.said_of_actions
        assert said() == "Actions: dry run"
        dispatcher.arm()
        wait_for(lambda: said() == "Armed, page down", "a sink that is down")
        occupied.close()
        wait_for(lambda: said() == "Actions: armed", "the sink again")
        QTest.keyClick(window, Qt.Key.Key_Escape)
        assert not dispatcher.armed
        wait_for(lambda: said() == "Actions: dry run", "the dry run")


def test_a_gesture_under_way_fills_its_hint_and_no_other(
    open_window: Callable[..., CockpitWindow],
) -> None:
    window = open_window()
    show(window, state_of("map"))
    lit = []
    for share in (0.0, 0.3, 0.9):
        window.set_progress("Swipe Up" if share else "", share)
        picture = pixels(window.hint_bar)
        columns = (picture == pixels_of(DAY.accent)).all(axis=2).any(axis=0)
        lit.append(int(columns.sum()))
    assert lit[0] == 0
    assert 0 < lit[1] < lit[2]
    window.set_progress("Swipe V", 0.9)  # does nothing here
    assert has(pixels(window.hint_bar), DAY.accent) == 0


def pixels_of(name: str) -> tuple[int, int, int]:
    colour = QColor(name)
    return colour.red(), colour.green(), colour.blue()


def test_the_hand_is_seen_and_what_it_is_taken_for(
    open_window: Callable[..., CockpitWindow],
) -> None:
    window = open_window()
    show(window, state_of("map"))
    window.set_scene(Scene(np.full((48, 64, 3), (10, 200, 30), np.uint8), Box(16, 8, 48, 40)))
    assert has(pixels(window.hand), "#0ac81e") > 5000
    window.set_progress("", 0.0)
    empty = pixels(window.hand)
    window.set_progress("Shake", 0.5)
    assert has(pixels(window.hand), DAY.accent) > 200
    assert (pixels(window.hand) != empty).any()


def test_progress_is_a_share_of_what_decides() -> None:
    labels, on = ("idle", "Tap", "Grab"), {"Tap": 0.5, "Grab": 0.8}

    def told(*p: float) -> tuple[str, float]:
        return progress(Prediction(np.array(p, np.float32), {}, 0, 0.0), labels, on)

    assert told(0.1, 0.2, 0.7) == ("Grab", pytest.approx(0.875))
    assert told(0.0, 0.9, 0.1) == ("Tap", 1.0)
    assert told(0.9, 0.1, 0.0) == ("", 0.0)
    assert progress(None, labels, on) == ("", 0.0)


def test_every_gesture_has_a_picture_of_its_own() -> None:
    class Icon(Panel):
        gesture = ""

        def draw(self, painter: object) -> None:
            draw_gesture(painter, self.rect().toRectF(), self.gesture, "#000000")  # type: ignore[arg-type]

    icon = Icon()
    icon.resize(40, 40)
    seen = []
    for gesture in (*GESTURES, "Wave"):
        icon.gesture = gesture
        seen.append(pixels(icon).tobytes())
    icon.deleteLater()
    assert len(set(seen)) == len(GESTURES) + 1
