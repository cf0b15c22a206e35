"""How actions are doing, in the window: every state of the panel, on real actions and sinks."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from on_screen import shows, wait_for
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from motionrgbd.app.actions import RunActions
from motionrgbd.app.gui import actions_texts, theme
from motionrgbd.app.gui.actions_panel import ActionsPanel
from motionrgbd.app.gui.actions_presenter import ActionsPresenter
from motionrgbd.app.gui.run import join_actions
from motionrgbd.app.gui.window import MainWindow
from motionrgbd.core.actions import worker
from motionrgbd.core.actions.dispatcher import Dispatcher
from motionrgbd.core.actions.entry import Entry, Outcome
from motionrgbd.core.actions.log import ActionLog
from motionrgbd.core.actions.mapping import parse_mapping
from motionrgbd.core.actions.status import ActionsStatus
from motionrgbd.core.actions.worker import WorkerStatus
from motionrgbd.core.results import GestureEvent

LABELS = ("wave", "push")
CELL = Qt.MouseButton.LeftButton


pytestmark = pytest.mark.usefixtures("app")


class Shown:
    """The panel on a mapping: a wave makes a file, and undoing it removes the file."""

    def __init__(self, folder: Path, more: str = "", limits: str = "") -> None:
        self.made = folder / "made"
        self.text = (
            'modes = ["room", "hall"]\n[states]\nparked = ["files", "page"]\ndriving = ["page"]\n'
            f'[sinks.files]\nkind = "command"\n{limits}\ntimeout_s = 20\n{more}\n[[action]]\n'
            'gesture = "wave"\nsink = "files"\ncommand = ["touch", "made"]\n'
            'undo = { command = ["rm", "made"] }\n'
        )
        if "sinks.page" not in more:
            self.text = self.text.replace(', "page"', "").replace('"page"', "")
        self.dispatcher = Dispatcher(
            parse_mapping("deadline_s = 10\n" + self.text, LABELS), ActionLog(folder / "log.jsonl")
        )
        self.actions = RunActions(LABELS, folder / "log.jsonl", dispatcher=self.dispatcher)
        self.panel = ActionsPanel()
        self.panel.set_low(False)
        self.panel.resize(1004, 148)
        self.presenter = ActionsPresenter(self.actions, self.panel)
        self.panel.show()

    def gesture(self, label: str = "wave", now_s: float = 1.0) -> None:
        self.dispatcher.handle(GestureEvent(label, 0.9, now_s - 0.5, now_s, now_s))

    def arm(self) -> None:
        QTest.mouseClick(self.panel.switch.arm_button, CELL)
        QTest.mouseClick(self.panel.switch.yes_button, CELL)

    def results(self) -> list[tuple[str, ...]]:
        self.presenter.poll()
        return [line.cells for line in self.panel.last.lines()]

    def health(self, sink: str) -> actions_texts.Line:
        self.presenter.poll()
        return next(line for line in self.panel.sinks.lines() if line.cells[0] == sink)

    def close(self) -> None:
        self.panel.close()
        self.panel.deleteLater()
        assert self.dispatcher.close() == ()


Show = Callable[..., Shown]


@pytest.fixture
def show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Show]:
    monkeypatch.setattr(worker, "_CHECK_S", 0.1)
    monkeypatch.chdir(tmp_path)  # where programs run
    shown: list[Shown] = []

    def show_one(more: str = "", limits: str = "") -> Shown:
        shown.append(Shown(tmp_path, more, limits))
        return shown[-1]

    yield show_one
    for one in shown:
        one.close()


def test_without_actions_it_says_how_to_have_some() -> None:
    panel = ActionsPanel()
    assert panel.switch.texts() == ("No actions", "Open or write a mapping (Ctrl+E)")
    assert not panel.switch.arm_button.isEnabled()
    assert not panel.undo_button.isEnabled()
    panel.switch.ask()
    assert not panel.switch.asking()
    panel.deleteLater()


def test_a_dry_run_is_said_and_what_it_would_send(show: Show) -> None:
    shown = show()
    assert shown.panel.switch.texts() == ("Dry run", "Nothing is sent")
    assert shown.health("files").cells == ("files", "not connected")
    shown.gesture()
    shown.gesture("push")  # means nothing
    assert shown.results() == [("wave", "files: touch made", "dry run")]
    assert not shown.panel.undo_button.isEnabled()
    assert shown.panel.undo_button.toolTip() == "nothing was sent"
    assert not shows(shown.panel, theme.LIGHT.warning)


def test_arming_is_asked_once_more(show: Show) -> None:
    shown = show()
    switch = shown.panel.switch
    QTest.mouseClick(switch.arm_button, CELL)
    assert switch.asking()
    assert switch.texts()[0] == "Really send?"
    shown.presenter.poll()  # what else is new does not answer it
    assert switch.asking()
    QTest.mouseClick(switch.no_button, CELL)
    assert not switch.asking()
    assert not shown.dispatcher.armed
    shown.arm()
    assert shown.dispatcher.armed
    assert switch.texts() == ("Armed", "Actions are really sent")
    assert shows(switch, theme.LIGHT.warning)
    QTest.mouseClick(switch.disarm_button, CELL)
    assert not shown.dispatcher.armed
    assert switch.texts()[0] == "Dry run"


def test_what_is_sent_is_shown_and_can_be_undone(show: Show) -> None:
    shown = show()
    shown.arm()
    wait_for(lambda: shown.health("files").cells == ("files", "fine"))
    shown.gesture()
    wait_for(shown.panel.undo_button.isEnabled)
    assert shown.made.exists()
    assert shown.results()[0] == ("wave", "files: touch made", "sent")
    assert shown.panel.undo_button.toolTip() == "Take back wave (Ctrl+Z)"
    QTest.mouseClick(shown.panel.undo_button, CELL)
    wait_for(lambda: not shown.made.exists())
    wait_for(lambda: len(shown.results()) == 2)
    assert shown.results()[0] == ("wave", "files: rm made", "sent: undoes wave")
    assert not shown.panel.undo_button.isEnabled()


def test_the_state_is_chosen_here_and_decides(show: Show) -> None:
    shown = show()
    combo = shown.panel.state
    assert [combo.itemText(n) for n in range(combo.count())] == ["parked", "driving"]
    QTest.keyClick(combo, Qt.Key.Key_Down)
    combo.textActivated.emit("driving")
    assert shown.dispatcher.state == "driving"
    assert combo.currentText() == "driving"
    shown.gesture()
    assert shown.results()[0][2] == "not allowed: state driving allows no files"
    assert shows(shown.panel.last, theme.LIGHT.warning)
    shown.dispatcher.enter_state("parked")  # by somebody else
    shown.presenter.poll()
    assert combo.currentText() == "parked"


def test_a_rejection_is_told_with_its_reason(show: Show) -> None:
    shown = show()
    shown.arm()
    shown.made.mkdir()  # rm removes no folder
    shown.gesture()
    wait_for(shown.panel.undo_button.isEnabled)
    shown.panel.undo()
    wait_for(lambda: len(shown.results()) == 2)
    assert shown.results()[0][2].startswith("rejected: undoes wave; rm ended with code 1")
    assert shows(shown.panel.last, theme.LIGHT.error)


def test_what_the_limit_drops_is_counted(show: Show) -> None:
    shown = show(limits="rate_per_s = 0.01\nburst = 1")
    for _ in range(3):
        shown.gesture()
    assert shown.results()[0][2] == "too many, dropped"
    line = shown.health("files")
    assert line.cells[1] == "not connected · 2 over the limit, dropped"
    assert line.tone == "warning"


def test_a_sink_that_is_down_says_why_and_when_it_is_tried_again(show: Show) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        port = occupied.getsockname()[1]
        shown = show(f'[sinks.page]\nkind = "websocket"\nport = {port}')
        shown.arm()
        wait_for(lambda: shown.health("page").cells[1].startswith("down, "))
        line = shown.health("page")
        assert f"cannot listen on 127.0.0.1:{port}" in line.cells[1]
        wait_for(lambda: " again in " in shown.health("page").cells[1])
        assert line.tone == "error"
        assert shows(shown.panel.sinks, theme.LIGHT.error)
        assert shown.health("files").cells[1] == "fine"
    wait_for(lambda: shown.health("page").cells[1] == "fine")


def test_what_this_machine_cannot_is_told_and_nothing_armed(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    shown = show('[sinks.page]\nkind = "keys"')
    shown.arm()
    assert not shown.dispatcher.armed
    headline, told = shown.panel.switch.texts()
    assert headline == "Dry run"
    assert "Wayland" in told
    assert shows(shown.panel.switch, theme.LIGHT.error)


def test_another_mapping_brings_its_states_and_sinks(show: Show) -> None:
    shown = show()
    shown.arm()
    shown.actions.apply(parse_mapping("[states]\nasleep = []\n", LABELS))
    shown.presenter.poll()
    assert shown.panel.state.currentText() == "asleep"
    assert shown.panel.sinks.lines() == ()
    assert shown.panel.switch.texts()[0] == "Dry run"
    shown.actions.apply(parse_mapping("", LABELS))
    shown.presenter.poll()
    assert shown.panel.state.isHidden()


def test_dark_colours_are_taken(show: Show, app: QApplication) -> None:
    shown = show()
    shown.arm()
    theme.apply(app, dark=True)
    app.processEvents()
    shown.presenter.poll()
    assert shows(shown.panel.switch, theme.DARK.warning)
    assert not shows(shown.panel, theme.LIGHT.card)


def test_nothing_is_cut_off_for_good(show: Show) -> None:
    shown = show()
    shown.dispatcher.undo_last()
    assert shown.results() == [("", "nothing to undo: nothing was sent", "")]
    item = shown.panel.last.item(0, 1)
    assert item is not None
    assert item.toolTip() == "nothing to undo: nothing was sent"


@pytest.mark.parametrize(
    ("status", "text", "tone"),
    [
        (WorkerStatus("off", "", 0, 0.0, 0.0), "not connected", "muted"),
        (WorkerStatus("connecting", "", 0, 0.0, 0.0), "connecting …", "muted"),
        (WorkerStatus("up", "", 0, 0.0, 0.0), "fine", "calm"),
        (WorkerStatus("up", "", 2, 0.0, 0.0), "fine, 2 waiting", "calm"),
        (WorkerStatus("up", "", 2, 3.2, 0.0), "slow: busy for 3 s, 2 waiting", "warning"),
        (WorkerStatus("down", "no broker", 0, 0.0, 2.1), "down, again in 3 s: no broker", "error"),
        (WorkerStatus("down", "no broker", 0, 0.5, 0.0), "down, trying again: no broker", "error"),
    ],
)
def test_the_health_of_a_sink(status: WorkerStatus, text: str, tone: str) -> None:
    whole = ActionsStatus(True, None, None, {"s": status}, {}, {}, 0, None, None, "")
    (line,) = actions_texts.sink_lines(whole)
    assert line == actions_texts.Line(("s", text), tone)  # type: ignore[arg-type]


def test_every_outcome_has_words() -> None:
    event = GestureEvent("wave", 0.9, 0.0, 1.0, 1.0)
    said = set()
    for outcome in get_args(Outcome):
        entry = Entry(datetime.now(UTC), True, None, None, event, 1, "s", {"do": "x"}, outcome)
        line = actions_texts.entry_line(entry)
        assert (line is None) == (outcome == "unmapped")
        if line is not None:
            assert line.cells[:2] == ("wave", "s: x")
            said.add(line.cells[2])
    assert len(said) == len(get_args(Outcome)) - 1


def test_lost_lines_of_the_log_are_said() -> None:
    status = ActionsStatus(True, None, None, {}, {}, {}, 3, "No space left", None, "")
    assert actions_texts.sub_headline(status) == "3 lines of the log are lost: No space left"


def test_a_key_disarms_at_once_whatever_is_shown(show: Show) -> None:
    shown = show()
    window = MainWindow(LABELS)
    join_actions(window, shown.actions)
    window.show()
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window, 5000)
    assert window.actions_panel.isVisible()
    QTest.keyClick(window, Qt.Key.Key_A)
    assert not window.actions_panel.isVisible()
    shown.dispatcher.arm()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not shown.dispatcher.armed
    window.arm_actions()  # brings the panel, and asks
    assert window.actions_panel.isVisible()
    assert window.actions_panel.switch.asking()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not window.actions_panel.switch.asking()
    assert not shown.dispatcher.armed
    window.close()
    window.deleteLater()


def test_keys_arm_only_where_yes_is_chosen(show: Show) -> None:
    shown = show()
    window = MainWindow(LABELS)
    join_actions(window, shown.actions)
    played: list[int] = []
    window.play_toggled.connect(lambda: played.append(1))
    window.show()
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window, 5000)
    switch = window.actions_panel.switch

    def press(key: Qt.Key, with_: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(window.focusWidget() or window, key, with_)

    arm = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    press(Qt.Key.Key_A, arm)
    assert switch.no_button.hasFocus()
    press(Qt.Key.Key_Space)
    assert not switch.asking()
    press(Qt.Key.Key_Space)  # is for the recording again
    assert played == [1]
    press(Qt.Key.Key_A, arm)
    press(Qt.Key.Key_Backtab)
    assert switch.yes_button.hasFocus()
    press(Qt.Key.Key_Space)
    assert shown.dispatcher.armed
    press(Qt.Key.Key_Space)
    QTest.mouseClick(switch.disarm_button, CELL)
    press(Qt.Key.Key_Space)
    assert not switch.asking()
    assert not shown.dispatcher.armed
    assert played == [1, 1, 1]
    window.close()
    window.deleteLater()


def test_a_window_without_actions_offers_none() -> None:
    window = MainWindow(LABELS)
    assert join_actions(window, None) is None
    window.show()
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window, 5000)
    assert not window.menus.menu("Actions").isVisible()
    assert window.actions_panel.isHidden()
    QTest.keyClick(window, Qt.Key.Key_A)
    assert window.actions_panel.isHidden()
    window.close()
    window.deleteLater()
