"""The editor of what gestures do: what is filled in, what is refused, and what is applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit

from motionrgbd.app.actions import RunActions
from motionrgbd.app.gui.actions_editor import UNSAVED, ActionsEditor
from motionrgbd.app.gui.actions_fields import FieldForm, FieldRow, shown, typed
from motionrgbd.app.gui.actions_page import ACTIONS, SINKS, STATES, TEXT
from motionrgbd.app.gui.actions_rows import NAME
from motionrgbd.app.gui.run import join_actions
from motionrgbd.app.gui.window import MainWindow
from motionrgbd.app.my_settings import config_folder
from motionrgbd.core.actions.dispatcher import Dispatcher
from motionrgbd.core.actions.fields import Field, Number, Text, Texts, Values, YesNo
from motionrgbd.core.actions.log import ActionLog
from motionrgbd.core.actions.mapping import read_mapping
from motionrgbd.core.results import GestureEvent

LABELS = ("wave", "push")
CLICK = Qt.MouseButton.LeftButton
WHOLE = """deadline_s = 10
[states]
parked = ["notes", "lamp"]
driving = []

[sinks.notes]                    # a program
kind = "command"

[sinks.lamp]
kind = "mqtt"

[[action]]
gesture = "wave"                 # hello
sink = "notes"
command = ["touch", "{label}"]

[[action]]
gesture = "push"
sink = "lamp"
topic = "home/lamp"
"""


pytestmark = pytest.mark.usefixtures("app")


class Opened:
    """A window whose editor is open, on a mapping file or on nothing."""

    def __init__(self, folder: Path, text: str | None) -> None:
        self.path, log = folder / "map.toml", folder / "log.jsonl"
        dispatcher = None
        if text is not None:
            self.path.write_text(text)
            dispatcher = Dispatcher(read_mapping(self.path, LABELS), ActionLog(log))
        file = None if text is None else self.path
        self.actions = RunActions(LABELS, log, dispatcher=dispatcher, file=file)
        self.window = MainWindow(LABELS)
        editor = join_actions(self.window, self.actions)
        assert editor is not None
        self.editor: ActionsEditor = editor
        self.page = self.window.actions_page
        self.window.menus.action("edit_actions").setChecked(True)
        self.window.show()

    @property
    def draft(self) -> Any:
        return self.editor.draft

    def actions_of(self, column: int) -> list[str]:
        return [line.cells[column] for line in self.page.actions_tab.list.lines()]

    def choose(self, row: int) -> None:
        self.page.actions_tab.list.setCurrentCell(row, 0)

    def field(self, key: str, form: FieldForm | None = None) -> Any:
        return (form or self.page.actions_tab.form).editors[key]

    def type(self, key: str, text: str, form: FieldForm | None = None) -> None:
        edit = self.field(key, form)
        edit.selectAll()
        QTest.keyClicks(edit, text) if text else QTest.keyClick(edit, Qt.Key.Key_Delete)
        self.editor.check()

    def pick(self, key: str, text: str, form: FieldForm | None = None) -> None:
        combo = self.field(key, form)
        combo.setCurrentIndex(combo.findText(text))
        combo.activated.emit(combo.currentIndex())
        self.editor.check()

    def press(self, name: str) -> None:
        QTest.mouseClick(self.page.buttons[name], CLICK)

    def close(self) -> None:
        self.editor.stop()
        self.window.close()
        self.window.deleteLater()
        self.actions.close()


Open = Callable[..., Opened]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)  # where programs run
    opened: list[Opened] = []

    def open_one(text: str | None = WHOLE) -> Opened:
        opened.append(Opened(tmp_path, text))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


# ---- one field ----


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (Text(""), "a b", "a b"),
        (Text(""), "", None),
        (Number(""), "2.5", 2.5),
        (Number("", whole=True), "3", 3),
        (Number(""), "loud", "loud"),
        (Texts(""), '["a", "b"]', ["a", "b"]),
        (Texts(""), "rm -r", "rm -r"),
        (Values(""), '["a", 1, true]', ["a", 1, True]),
        (None, '{ turn = "off", by = 1 }', {"turn": "off", "by": 1}),
        (None, "nothing", "nothing"),
    ],
)
def test_what_is_typed_is_meant_and_shown_again(
    field: Field | None, text: str, value: object
) -> None:
    assert typed(field, text) == value
    assert typed(field, shown(field, value)) == value


def test_every_kind_of_field_has_an_editor_that_tells() -> None:
    form = FieldForm()
    told: list[tuple[str, object]] = []
    form.edited.connect(lambda key, value: told.append((key, value)))
    form.set_rows(
        (
            FieldRow("text", "text", Text("words"), None),
            FieldRow("choice", "choice", Text("", choices=("a", "b"), default="a"), "c"),
            FieldRow("yes", "yes", YesNo("", default=False), None),
            FieldRow("some", "some", Texts("", choices=("a", "b"), default=("a",)), None),
            FieldRow("only", "only", Texts("", choices=("a", "b"), default=()), ["b", "x"]),
            FieldRow("lines", "lines", Text(""), "one\ntwo"),
        )
    )
    text, choice, yes = (form.editors[key] for key in ("text", "choice", "yes"))
    some, only = form.editors["some"], form.editors["only"]
    assert isinstance(text, QLineEdit)
    assert text.placeholderText() == "words"
    QTest.keyClicks(text, "x")
    assert isinstance(choice, QComboBox)
    assert choice.currentText() == "c"  # wrong, and seen
    assert [choice.itemText(n) for n in range(4)] == ["(a)", "a", "b", "c"]
    choice.activated.emit(0)
    assert isinstance(yes, QComboBox)
    assert yes.currentText() == "(no)"
    yes.activated.emit(1)
    boxes = {box.text(): box for box in some.findChildren(QCheckBox)}
    assert [box.isChecked() for box in boxes.values()] == [True, False]
    boxes["b"].click()
    boxes["a"].click()
    boxes["b"].click()
    for box in only.findChildren(QCheckBox):
        if box.isChecked():
            box.click()
    assert told == [
        ("text", "x"),
        ("choice", None),
        ("yes", True),
        ("some", ["a", "b"]),
        ("some", ["b"]),
        ("some", []),  # no default in disguise: it is refused, and said
        ("only", ["x"]),
        ("only", None),
    ]
    lines = form.editors["lines"]
    assert isinstance(lines, QLineEdit)
    assert lines.isReadOnly()  # a line would swallow its end
    form.deleteLater()


# ---- the whole page ----


def test_it_opens_with_what_the_program_goes_by(opened: Open) -> None:
    one = opened()
    assert one.window.watch.isHidden()
    assert one.page.file_text() == "map.toml"
    assert one.page.said() == "Actions: 2. Comments of the file are kept."
    assert [line.cells for line in one.page.actions_tab.list.lines()] == [
        ("wave", "gesture", "notes: touch {label}", "all"),
        ("push", "gesture", "lamp: home/lamp", "all"),
    ]
    assert [line.cells for line in one.page.sinks_tab.list.lines()] == [
        ("notes", "command"),
        ("lamp", "mqtt"),
    ]
    assert one.page.text.toPlainText() == WHOLE


def test_the_models_gestures_are_offered(opened: Open) -> None:
    combo = opened().field("gesture")
    assert [combo.itemText(n) for n in range(combo.count())] == ["wave", "push", "*"]


def test_a_wrong_field_is_told_beside_it_with_its_line(opened: Open) -> None:
    one = opened()
    form = one.page.actions_tab.form
    one.type("command", "rm -r")
    reason = 'command must be a list of texts, such as ["one", "two"], got \'rm -r\''
    assert form.problem("command") == reason
    assert one.page.said() == f"line 15: {reason}"
    assert one.page.error_line() == 15
    assert one.page.actions_tab.list.lines()[0].tone == "error"
    for name in ("try", "apply"):
        assert not one.page.buttons[name].isEnabled()
    assert one.page.buttons["show"].isVisible()
    one.choose(1)
    assert one.page.actions_tab.form.problem("topic") == ""
    one.press("show")
    assert one.page.actions_tab.form.problem("command") == reason
    one.type("command", '["true"]')
    assert one.page.actions_tab.form.problem("command") == ""
    assert not one.page.buttons["show"].isVisible()
    assert one.page.buttons["apply"].isEnabled()
    assert one.page.file_text() == "map.toml – not saved"


def test_a_field_is_written_into_the_text_beside_its_comments(opened: Open) -> None:
    one = opened()
    one.pick("gesture", "push")
    one.type("undo", '{ command = ["rm", "x"] }')
    assert one.page.actions_tab.form.problem("undo") == ""
    one.field("states").boxes["driving"].click()
    one.field("events").boxes["repeat"].click()
    one.type("rate_per_s", "2")
    text = one.page.text.toPlainText()
    assert 'gesture = "push"                 # hello\n' in text
    assert one.draft.actions[0] == {
        "gesture": "push",
        "sink": "notes",
        "command": ["touch", "{label}"],
        "undo": {"command": ["rm", "x"]},
        "states": ["driving"],
        "events": ["gesture", "repeat"],
        "rate_per_s": 2,
    }
    assert one.actions_of(3) == ["driving", "all"]


def test_another_sink_has_other_fields(opened: Open) -> None:
    one = opened()
    assert "topic" not in one.page.actions_tab.form.editors
    one.pick("sink", "lamp")
    assert one.draft.actions[0] == {"gesture": "wave", "sink": "lamp"}
    assert one.page.actions_tab.form.problem("topic").startswith("topic is missing")
    one.type("topic", "a")
    one.pick("retain", "yes")
    assert one.editor.draft is not None
    assert one.page.actions_tab.form.problem("topic") == ""
    assert one.draft.actions[0]["retain"] is True
    one.pick("sink", "undo")
    assert one.draft.actions[0] == {"gesture": "wave", "sink": "undo"}


def test_what_the_file_has_beside_is_shown_and_can_go(opened: Open) -> None:
    one = opened()
    one.page.text.setPlainText(WHOLE.replace('sink = "lamp"', 'sink = "lamp"\nwhat = 1'))
    one.editor.check()
    one.choose(1)
    assert one.page.actions_tab.form.problem("what").startswith("unknown key 'what'")
    one.type("what", "")
    assert one.editor.draft is not None
    assert one.page.said().startswith("Actions: 2")


def test_actions_come_and_go(opened: Open) -> None:
    one = opened()
    QTest.mouseClick(one.page.actions_tab.add_button, CLICK)
    assert one.page.actions_tab.list.currentRow() == 2
    assert one.actions_of(0) == ["wave", "push", "wave"]
    for _ in range(4):
        QTest.mouseClick(one.page.actions_tab.remove_button, CLICK)
    assert one.actions_of(0) == []
    assert one.page.actions_tab.form.rows() == ()
    assert one.page.said().startswith("No action yet")
    one.press("try")  # there is none
    assert one.page.said().startswith("No action yet")


def test_sinks_come_and_go_with_their_fields(opened: Open) -> None:
    one = opened()
    tab = one.page.sinks_tab
    one.page.tabs.choose(SINKS)
    one.page.new_kind.setCurrentText("osc")
    QTest.mouseClick(tab.add_button, CLICK)
    assert tab.list.lines()[2].cells == ("osc", "osc")
    assert tab.list.lines()[2].tone == "error"
    assert tab.form.problem("port").startswith("port is missing")
    one.type("port", "9000", tab.form)
    assert tab.form.problem("port") == ""
    one.pick("kind", "websocket", tab.form)
    assert "origins" in tab.form.editors
    one.pick("kind", "command", tab.form)
    assert one.draft.sinks["osc"] == {"kind": "command"}
    QTest.mouseClick(tab.remove_button, CLICK)
    assert [line.cells[0] for line in tab.list.lines()] == ["notes", "lamp"]


def test_a_sink_is_renamed_and_all_that_uses_it_follows(opened: Open) -> None:
    one = opened()
    tab = one.page.sinks_tab
    one.page.tabs.choose(SINKS)
    tab.list.setCurrentCell(1, 0)
    assert one.field(NAME, tab.form).text() == "lamp"
    one.type(NAME, "light", tab.form)
    assert list(one.draft.sinks) == ["notes", "lamp"]  # while it is typed
    QTest.keyClick(one.field(NAME, tab.form), Qt.Key.Key_Return)
    one.editor.check()
    assert [line.cells[0] for line in tab.list.lines()] == ["notes", "light"]
    assert one.actions_of(2)[1] == "light: home/lamp"
    assert list(one.field("parked", one.page.states_form).boxes) == ["notes", "light"]
    assert one.field("sink").findText("light") >= 0
    assert one.draft.text == WHOLE.replace("sinks.lamp", "sinks.light").replace('"lamp"', '"light"')
    assert one.page.buttons["apply"].isEnabled()
    one.press("apply")
    assert list(one.actions.dispatcher.mapping.sinks) == ["notes", "light"]


def test_a_sink_s_name_that_is_taken_is_refused_and_the_old_one_shown(opened: Open) -> None:
    one = opened()
    form = one.page.sinks_tab.form
    one.page.tabs.choose(SINKS)
    one.window.activateWindow()
    assert QTest.qWaitForWindowActive(one.window, 5000)
    one.field(NAME, form).setFocus()
    one.type(NAME, "lamp", form)
    one.field("timeout_s", form).setFocus()  # leaving it is the end of it, too
    assert one.page.said() == "there is a sink 'lamp' already — choose another name"
    assert one.field(NAME, form).text() == "notes"
    assert one.draft.text == WHOLE


def test_a_name_that_is_being_typed_is_saved(opened: Open) -> None:
    one = opened()
    form = one.page.sinks_tab.form
    one.page.tabs.choose(SINKS)
    one.type(NAME, "files", form)
    one.page.save()
    assert "[sinks.files]" in one.path.read_text()
    assert list(one.draft.sinks) == ["files", "lamp"]


def test_states_say_what_is_allowed(opened: Open) -> None:
    one = opened()
    form = one.page.states_form
    one.field("driving", form).boxes["notes"].click()
    assert one.draft.states["driving"] == ["notes"]
    one.field("driving", form).boxes["notes"].click()
    assert one.draft.states["driving"] == []
    add, remove = one.page.state_buttons
    one.page.state_name.setEditText("asleep")
    QTest.mouseClick(add, CLICK)
    assert one.draft.states["asleep"] == []
    one.page.state_name.setEditText("driving")
    QTest.mouseClick(remove, CLICK)
    assert list(one.draft.states) == ["parked", "asleep"]
    one.type("deadline_s", "0", form)
    assert form.problem("deadline_s").startswith("deadline_s must be a number from 0.05 to 10")
    one.page.tabs.choose(TEXT)
    one.press("show")
    assert one.page.tab() == STATES


def test_a_rehearsal_says_what_would_be_sent_and_sends_nothing(
    opened: Open, tmp_path: Path
) -> None:
    one = opened()
    one.press("try")
    assert one.page.said() == "wave → notes: command=touch wave — dry-run"
    assert one.actions.dispatcher is not None
    one.actions.dispatcher.enter_state("driving")
    one.window.actions_page.try_one()
    assert one.page.said().endswith("— not-allowed (state driving allows no notes)")
    assert not (tmp_path / "wave").exists()
    assert one.actions.dispatcher.status().outcomes == {}


def test_what_is_applied_holds_at_once_and_lays_down_the_arms(opened: Open) -> None:
    one = opened()
    dispatcher = one.actions.dispatcher
    assert dispatcher is not None
    dispatcher.arm()
    one.pick("gesture", "push")
    one.window.actions_page.apply()
    assert one.page.said() == "Applied: a dry run until it is armed. It is not saved."
    assert not dispatcher.armed
    dispatcher.handle(GestureEvent("push", 0.9, 0.5, 1.0, 1.0))
    assert [entry.line for entry in one.actions.recent() if entry.outcome == "dry-run"] == [13, 18]


def test_a_first_mapping_can_be_written_here(opened: Open) -> None:
    one = opened(None)
    assert not one.window.actions_panel.isVisible()
    assert one.page.file_text() == "new mapping"
    one.page.new_kind.setCurrentText("command")
    QTest.mouseClick(one.page.sinks_tab.add_button, CLICK)
    QTest.mouseClick(one.page.actions_tab.add_button, CLICK)
    one.field("parked", one.page.states_form).boxes["command"].click()
    one.type("command", '["true"]')
    one.press("apply")
    assert one.window.actions_panel.isVisible()
    assert one.actions.dispatcher is not None
    one.actions.dispatcher.handle(GestureEvent("wave", 0.9, 0.5, 1.0, 1.0))
    assert one.actions.recent()[-1].to_text() == "command: command=true — dry-run"


def test_a_file_is_saved_and_another_opened(opened: Open, tmp_path: Path) -> None:
    one = opened()
    one.pick("gesture", "push")
    one.page.save()
    assert one.page.said() == f"Saved as {one.path}"
    assert "# hello" in one.path.read_text()
    assert 'gesture = "push"  ' in one.path.read_text()
    assert one.page.file_text() == "map.toml"
    one.editor.ask_save = lambda: None  # cancelled
    one.press("save_as")
    assert one.page.file_text() == "map.toml"
    other = tmp_path / "other.toml"
    one.editor.ask_save = lambda: other
    one.type("command", "x")
    one.press("save_as")
    assert one.page.said().startswith(f"Saved as {other}; it is refused: line 15: command")
    one.editor.ask_save = lambda: tmp_path / "map.toml" / "below"
    one.press("save_as")
    assert "cannot be written" in one.page.said()
    one.editor.ask_open = lambda: one.path
    one.press("open")
    assert one.page.file_text() == "map.toml"
    assert one.page.said().startswith("Actions: 2")


def test_changes_are_not_thrown_away_without_a_word(opened: Open) -> None:
    one = opened()
    one.pick("gesture", "push")
    one.editor.ask_open = lambda: None
    one.press("new")
    assert "not saved" in one.page.said()
    one.press("open")  # is something else
    assert one.page.file_text() == "map.toml – not saved"
    one.press("open")
    one.press("new")
    assert one.page.file_text() == "map.toml – not saved"
    one.press("new")
    assert one.page.file_text() == "new mapping"


def test_what_is_not_saved_at_the_end_is_kept(
    opened: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    one = opened()
    one.editor.stop()
    kept = config_folder() / UNSAVED
    assert not kept.exists()
    one.pick("gesture", "push")
    one.editor.stop()
    assert str(kept) in capsys.readouterr().err
    assert 'gesture = "push"  ' in kept.read_text()


def test_a_broken_file_opens_with_its_error(opened: Open, tmp_path: Path) -> None:
    one = opened()
    broken = tmp_path / "broken.toml"
    broken.write_text("a = 1\n[[action]\n")
    one.editor.ask_open = lambda: broken
    one.press("open")
    assert one.page.tab() == TEXT
    assert one.page.said().startswith("line 2: not a TOML file")
    assert one.page.error_line() == 2
    assert not one.page.actions_tab.isEnabled()
    assert one.page.text.extraSelections()[0].cursor.blockNumber() == 1
    one.page.tabs.choose(ACTIONS)
    one.press("show")
    assert one.page.tab() == TEXT
    one.page.text.setPlainText(WHOLE)
    one.editor.check()
    assert one.page.actions_tab.isEnabled()
    assert one.actions_of(0) == ["wave", "push"]
    assert one.page.text.extraSelections() == []


def test_a_file_that_cannot_be_read_is_told(opened: Open, tmp_path: Path) -> None:
    one = opened()
    one.editor.ask_open = lambda: tmp_path / "none.toml"
    one.press("open")
    assert "cannot be read" in one.page.said()
    assert one.page.file_text() == "map.toml"


def test_what_only_the_text_can_change_is_left_as_it_is(opened: Open) -> None:
    one = opened()
    text = 'action = [{gesture = "wave", sink = "undo"}]\n'
    one.page.text.setPlainText(text)
    one.editor.check()
    QTest.mouseClick(one.page.actions_tab.add_button, CLICK)
    assert "only be changed in the text" in one.page.said()
    assert one.page.text.toPlainText() == text


def test_plain_keys_are_the_fields_own(opened: Open) -> None:
    one = opened()
    asked: list[str] = []
    one.window.play_toggled.connect(lambda: asked.append("play"))
    one.window.activateWindow()
    assert QTest.qWaitForWindowActive(one.window, 5000)
    box = one.field("states").boxes["driving"]
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Space)
    assert box.isChecked()
    assert asked == []
    assert one.draft.actions[0]["states"] == ["driving"]
    one.press("done")
    QTest.keyClick(one.window, Qt.Key.Key_Space)
    assert asked == ["play"]


def test_watching_designing_and_editing_take_turns(opened: Open) -> None:
    one = opened()
    window = one.window
    window.set_designable(True)
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window, 5000)
    window.menus.action("show_designer").setChecked(True)
    assert window.designer.isVisible()
    assert not window.menus.action("edit_actions").isChecked()
    QTest.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    assert one.page.isVisible()
    assert not window.menus.action("show_designer").isChecked()
    assert not window.menus.action("save_decisions").isEnabled()
    assert window.menus.action("actions_page.save").isEnabled()
    one.press("done")
    assert window.watch.isVisible()
    assert window.transport.isVisible()
    assert not window.menus.action("actions_page.save").isEnabled()
