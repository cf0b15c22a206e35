"""The window at its smallest size with every bar open, and the strip of actions that makes way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from on_screen import cut_texts, shows, squeezed
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

from motionrgbd.app.gui import actions_texts, texts, theme
from motionrgbd.app.gui.actions_texts import Line
from motionrgbd.app.gui.window import LOW_PX, SMALLEST_PX, MainWindow
from motionrgbd.app.tapped_source import RecordingCount
from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.actions.entry import Entry
from motionrgbd.core.actions.status import ActionsStatus
from motionrgbd.core.actions.worker import WorkerStatus
from motionrgbd.core.frames import ScriptedGesture, SourceInfo
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.results import GestureEvent, Health, Percentiles

FEW = ("wave", "push", "swipe left", "swipe right")
MANY = tuple(f"swipe with two fingers slowly to the {side} {k}" for k in range(14) for side in "ab")
LENS = Intrinsics(640, 480, 550.0, 550.0, 319.5, 239.5)
REGION = RegionOfInterest((-2.25, 2.25), (-1.75, 1.75), (0.1, 4.0))
LONG_NAME = "a take with a name that nobody would choose and somebody will have " * 4
LEAST_TIMELINE_PX, LEAST_PICTURE_PX = 150, 120
TROUBLE = WorkerStatus("down", "cannot listen on 127.0.0.1:8765: address already in use", 0, 0, 3.2)
WAVE = GestureEvent(MANY[0], 0.9, 1.0, 2.0, 2.0)

pytestmark = pytest.mark.usefixtures("app")


def status(armed: bool = True, sinks: dict[str, WorkerStatus] | None = None) -> ActionsStatus:
    if sinks is None:
        sinks = {f"a sink that has a long name {k}": TROUBLE for k in range(5)}
    state, mode = "driving on a motorway in the rain", "the mode for long evenings"
    return ActionsStatus(armed, state, mode, sinks, {}, {}, 0, None, WAVE, "")


def entry() -> Entry:
    asked = {"do": "an action of many words", "with": "and many values"}
    return Entry(
        datetime.now(UTC), True, None, None, WAVE, 1, "a sink", asked, "rejected", "no " * 60
    )


def crowded(labels: tuple[str, ...], live: bool) -> MainWindow:
    """Return a window with everything open that can be, and everything said at length."""
    script = () if live else (ScriptedGesture(labels[0], 1.0, 2.0),)
    info = SourceInfo(
        LONG_NAME, live, 30, True, True, LENS, duration_s=None if live else 5e4, script=script
    )
    window = MainWindow(labels)
    window.set_source(info, LONG_NAME, "CUDA")
    window.set_designable(True)
    window.watch.set_region(REGION, LENS)
    window.watch.region_bar.set_region(REGION)
    if live:
        window.set_recordable()
        window.set_recording(RecordingCount(3_700_000, 120_000, 300_000, 123_456.7))
        window.set_recording_said(f"into /home/somebody/{LONG_NAME}")
    stages = {f"stage number {k}": Percentiles(1234, 12345, 123456) for k in range(6)}
    window.set_health(Health(10**6, 10**5, 10**4, 0, 30.0, 15.0, stages, "CUDA"))
    window.set_actionable(shown=True)
    window.actions_panel.set_states(("parked", "driving on a motorway in the rain"))
    window.actions_panel.set_status(status(), (entry(),))
    window.resize(*SMALLEST_PX)
    return window


@pytest.fixture
def show() -> Iterator[Callable[..., MainWindow]]:
    windows: list[MainWindow] = []

    def shown(labels: tuple[str, ...] = FEW, live: bool = True) -> MainWindow:
        windows.append(crowded(labels, live))
        windows[-1].show()
        lay_out()
        return windows[-1]

    yield shown
    for window in windows:
        window.close()
        window.deleteLater()


def lay_out() -> None:
    """Let what was moved to another place be shown and laid out there."""
    for _ in range(3):
        QApplication.processEvents()


def assert_fits(window: MainWindow) -> None:
    lay_out()
    hint = window.minimumSizeHint()
    assert (hint.width() <= SMALLEST_PX[0], hint.height() <= SMALLEST_PX[1]) == (True, True), hint
    assert window.size().toTuple() == SMALLEST_PX
    assert cut_texts(window) == []
    assert squeezed(window) == []


@pytest.mark.parametrize("labels", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("live", [True, False], ids=["camera", "recording"])
def test_with_every_bar_open_everything_can_be_read(
    show: Callable[..., MainWindow], labels: tuple[str, ...], live: bool
) -> None:
    window = show(labels, live)
    assert_fits(window)
    for part in (window.watch.region_bar, window.actions_panel.switch, window.watch.heat):
        assert part.isVisible()
    assert (window.record_bar if live else window.transport).isVisible()
    assert window.watch.timeline.height() >= LEAST_TIMELINE_PX
    for view in (window.watch.color_view, window.watch.depth_view):
        assert view.height() >= LEAST_PICTURE_PX
    window.actions_panel.set_status(status(armed=False), ())
    window.arm_actions()
    assert_fits(window)  # with the question
    window.set_notice(texts.Notice("error", "Failed", LONG_NAME))
    assert_fits(window)
    window.menus.action("show_designer").setChecked(True)
    assert_fits(window)
    window.menus.action("edit_actions").setChecked(True)
    assert_fits(window)


@pytest.fixture
def large_letters(app: QApplication) -> Iterator[None]:
    """Letters as desktops have them, larger than Qt's own."""
    font = QFont(app.font())
    larger = QFont(font)
    larger.setPointSizeF(10.0)
    app.setFont(larger)
    yield
    app.setFont(font)


@pytest.mark.usefixtures("large_letters")
@pytest.mark.parametrize("labels", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("live", [True, False], ids=["camera", "recording"])
def test_large_letters_fit_too(
    show: Callable[..., MainWindow], labels: tuple[str, ...], live: bool
) -> None:
    window = show(labels, live)
    assert window.font().pointSizeF() == 10.0
    assert_fits(window)
    window.actions_panel.set_status(status(armed=False), ())
    window.arm_actions()
    assert_fits(window)


def test_the_same_holds_at_twice_the_pixels() -> None:
    """A screen's scale is read once, when Qt starts."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
    one = f"{Path(__file__)}::test_with_every_bar_open_everything_can_be_read[camera-many]"
    run = subprocess.run(
        [*command, one],
        env=os.environ | {"QT_SCALE_FACTOR": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert "1 passed" in run.stdout


def test_what_is_cut_is_found() -> None:
    """Otherwise the tests above would hold for ever."""
    parent = QWidget()
    layout = QVBoxLayout(parent)
    label = QLabel("long enough to be cut")
    layout.addWidget(label)
    parent.show()
    assert cut_texts(parent) == []
    label.setFixedWidth(40)
    QApplication.processEvents()
    assert len(cut_texts(parent)) == 1
    parent.close()


# ---- the strip of actions ----


def test_it_is_one_row_only_where_the_window_is_low(show: Callable[..., MainWindow]) -> None:
    window = show()
    panel = window.actions_panel
    low_px = panel.height()
    kept = (panel.switch, panel.state, panel.undo_button, panel.edit_button)
    assert panel.is_low()
    assert not panel.last.isVisible()
    window.resize(1360, LOW_PX)
    lay_out()
    assert not panel.is_low()
    assert panel.height() > 2 * low_px
    assert (panel.last.isVisible(), panel.sinks.isVisible()) == (True, True)
    assert all(widget.isVisible() for widget in kept)
    assert cut_texts(window) == []
    window.resize(*SMALLEST_PX)
    lay_out()
    assert panel.is_low()
    assert all(widget.isVisible() for widget in kept)
    assert_fits(window)


def test_both_forms_arm_and_undo(show: Callable[..., MainWindow]) -> None:
    window = show()
    panel = window.actions_panel
    asked: list[str] = []
    panel.switch.armed_wanted.connect(lambda: asked.append("arm"))
    panel.undo_wanted.connect(lambda: asked.append("undo"))
    for low in (True, False):
        panel.set_low(low)
        panel.set_status(status(armed=False), ())
        panel.switch.arm_button.click()
        assert panel.switch.asking()
        panel.switch.yes_button.click()
        panel.undo_button.click()
    assert asked == ["arm", "undo"] * 2


def test_the_row_says_what_needs_a_look(show: Callable[..., MainWindow]) -> None:
    panel = show().actions_panel
    assert panel.sinks_in_brief.text().startswith("5 of 5 sinks, a sink that has a long name 0: do")
    assert panel.last_in_brief.text().startswith("rejected · swipe with two")
    assert shows(panel, theme.LIGHT.error)
    assert shows(panel, theme.LIGHT.warning)  # armed
    panel.set_status(status(False, {"page": WorkerStatus("up", "", 0, 0.0, 0.0)}), ())
    assert panel.sinks_in_brief.text() == "page: fine"
    assert not shows(panel, theme.LIGHT.error)
    panel.switch.set_error("no keys on Wayland")
    panel.set_status(status(False, {}), (entry(),))
    assert panel.sinks_in_brief.text() == "no keys on Wayland"
    assert not panel.last_in_brief.isVisible()
    assert shows(panel, theme.LIGHT.error)


UP, OFF = WorkerStatus("up", "", 0, 0.0, 0.0), WorkerStatus("off", "", 0, 0.0, 0.0)
SLOW = WorkerStatus("up", "", 0, 3.0, 0.0)


@pytest.mark.parametrize(
    ("sinks", "brief"),
    [
        ({}, ("", "muted")),
        ({"a": UP}, ("a: fine", "calm")),
        ({"a": UP, "b": UP}, ("2 sinks: fine", "muted")),
        ({"a": UP, "b": OFF, "c": UP}, ("3 sinks: fine, not connected", "muted")),
        ({"a": UP, "b": SLOW}, ("b: slow: busy for 3 s", "warning")),
        (
            {"a": SLOW, "b": WorkerStatus("down", "gone", 0, 0.0, 2.0), "c": UP},
            ("2 of 3 sinks, b: down, again in 2 s: gone", "error"),
        ),
    ],
)
def test_sinks_in_brief(sinks: dict[str, WorkerStatus], brief: tuple[str, str]) -> None:
    assert actions_texts.in_brief(status(sinks=sinks)) == brief


def test_the_last_action_in_brief_begins_with_its_result() -> None:
    line = Line(("wave", "page: zoom", "rejected: the page is closed"), "error")
    said = "rejected · wave · page: zoom · the page is closed"
    assert actions_texts.last_in_brief([line, line]) == (said, "error")
    assert actions_texts.last_in_brief([Line(("", "nothing to undo", ""))])[0] == "nothing to undo"
    assert actions_texts.last_in_brief([]) == ("", "muted")
