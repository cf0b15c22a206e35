"""The editor of what gestures do: lists with their forms, and the text behind them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal, SignalInstance
from PySide6.QtGui import QColor, QFontDatabase, QPalette, QTextCursor, QTextFormat
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from motionrgbd.app.gui.actions_fields import FieldForm
from motionrgbd.app.gui.elided import ElidedLabel
from motionrgbd.app.gui.own_keys import OwnKeys
from motionrgbd.app.gui.panels import Card, Tabs
from motionrgbd.app.gui.quiet_list import QuietList
from motionrgbd.app.gui.theme import theme_of

TABS = ("Actions", "Sinks", "States and limits", "Text")
ACTIONS, SINKS, STATES, TEXT = range(len(TABS))
_FORM_PX = 400


class ListAndForm(QWidget):
    """A list, and a form for the chosen line of it."""

    add_wanted = Signal()
    remove_wanted = Signal()

    def __init__(self, columns: dict[str, float], what: str) -> None:
        super().__init__()
        self.list = QuietList(columns, choosable=True, heads=True)
        self.form = FieldForm()
        self.add_button = QPushButton(f"Add {what}")
        self.remove_button = QPushButton("Remove")
        self.add_button.clicked.connect(self.add_wanted)
        self.remove_button.clicked.connect(self.remove_wanted)
        self.buttons = QHBoxLayout()
        for button in (self.add_button, self.remove_button):
            self.buttons.addWidget(button)
        self.buttons.addStretch(1)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.list, 1)
        column.addLayout(self.buttons)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(left, 1)
        layout.addWidget(_scrolled(self.form))


class ActionsPage(OwnKeys):
    """Setters for what it shows, signals for what is asked.

    text_edited: by hand. state_added, state_removed: by name. asked: new, open, save, save_as, try,
    apply, done, or show (what is wrong).
    """

    asked = Signal(str)
    text_edited = Signal(str)
    state_added = Signal(str)
    state_removed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.actions_tab = ListAndForm(
            {"Gesture": 3, "Events": 2, "Action": 5, "States": 2}, "action"
        )
        self.sinks_tab = ListAndForm({"Sink": 2, "Kind": 3}, "sink")
        self.new_kind = QComboBox()
        self.new_kind.setToolTip("The kind of sink that is added")
        self.sinks_tab.buttons.insertWidget(0, self.new_kind)
        self.states_form = FieldForm()
        self.text = QPlainTextEdit()
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.setTabChangesFocus(True)
        self.text.textChanged.connect(lambda: self.text_edited.emit(self.text.toPlainText()))
        self.tabs = Tabs(TABS)
        self._file = ElidedLabel("")
        self._said = ElidedLabel("")
        self._error_line: int | None = None
        self.buttons: dict[str, QPushButton] = {}
        self._lay_out()

    def _lay_out(self) -> None:
        self._pages = QStackedWidget()
        for page in (self.actions_tab, self.sinks_tab, self._states_tab(), self.text):
            self._pages.addWidget(page)
        self.tabs.chosen.connect(self._pages.setCurrentIndex)
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self._file, 1)
        for name, text, tip in _BUTTONS:
            top.addWidget(self._button(name, text, tip))
        said = QHBoxLayout()
        said.addWidget(self._said, 1)
        said.addWidget(self._button("show", "Show", "Go to what is wrong"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(Card(self.tabs, self._pages), 1)
        layout.addLayout(said)

    def _button(self, name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda: self.asked.emit(name))
        self.buttons[name] = button
        return button

    def _states_tab(self) -> QWidget:
        self.state_name = QComboBox()
        self.state_name.setEditable(True)
        self.state_name.setMinimumContentsLength(16)
        add, remove = QPushButton("Add state"), QPushButton("Remove")
        add.clicked.connect(lambda: self._tell_state(self.state_added))
        remove.clicked.connect(lambda: self._tell_state(self.state_removed))
        self.state_buttons = (add, remove)
        row = QHBoxLayout()
        for widget in (QLabel("State"), self.state_name, add, remove):
            row.addWidget(widget)
        row.addStretch(1)
        tab = QWidget()
        column = QVBoxLayout(tab)
        column.setContentsMargins(0, 0, 0, 0)
        hint = QLabel(
            "In each state only what is checked is allowed. The first is that of a start."
        )
        hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        column.addWidget(hint)
        column.addWidget(_scrolled(self.states_form, fixed=False), 1)
        column.addLayout(row)
        return tab

    def _tell_state(self, signal: SignalInstance) -> None:
        name = self.state_name.currentText().strip()
        if name:
            signal.emit(name)

    # ---- setters ----

    def set_file(self, name: str, changed: bool) -> None:
        """Name the mapping; changed: it is not saved."""
        self._file.setText(f"{name} – not saved" if changed else name)

    def set_said(self, text: str, *, bad: bool = False) -> None:
        """Say how the mapping is, or what was done; bad: it is refused."""
        self._said.setText(text)
        roles = QPalette.ColorRole
        self._said.set_role(roles.BrightText if bad else roles.PlaceholderText)
        self.buttons["show"].setVisible(bad)

    def set_usable(self, usable: bool) -> None:
        """Let it be tried and applied, or not."""
        for name in ("try", "apply"):
            self.buttons[name].setEnabled(usable)

    def set_tables_usable(self, usable: bool) -> None:
        """Let the tables be changed, or only the text."""
        for number in (ACTIONS, SINKS, STATES):
            widget = self._pages.widget(number)
            if widget is not None:
                widget.setEnabled(usable)

    def set_states(self, names: Sequence[str]) -> None:
        """Offer the states there are."""
        with QSignalBlocker(self.state_name):
            self.state_name.clear()
            self.state_name.addItems(list(names))
            self.state_name.setEditText("")

    def set_text(self, text: str) -> None:
        """Show the text behind the tables."""
        if text != self.text.toPlainText():
            with QSignalBlocker(self.text):
                self.text.setPlainText(text)

    def set_error_line(self, line: int | None) -> None:
        """Mark a line of the text, from 1."""
        self._error_line = line
        marks = []
        if line is not None and line <= self.text.blockCount():
            mark = QTextEdit.ExtraSelection()
            colour = QColor(theme_of(self).error)
            colour.setAlpha(50)
            mark.format.setBackground(colour)
            mark.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
            mark.cursor = QTextCursor(self.text.document().findBlockByNumber(line - 1))
            marks.append(mark)
        self.text.setExtraSelections(marks)

    def show_line(self, line: int) -> None:
        """Go to a line of the text."""
        self.tabs.choose(TEXT)
        cursor = QTextCursor(self.text.document().findBlockByNumber(line - 1))
        self.text.setTextCursor(cursor)
        self.text.setFocus()

    # ---- what is shown, and what menus and keys call ----

    def tab(self) -> int:
        """Return which part is shown."""
        return self._pages.currentIndex()

    def said(self) -> str:
        """Return how the mapping is said to be."""
        return self._said.text()

    def file_text(self) -> str:
        """Return what the mapping is called."""
        return self._file.text()

    def error_line(self) -> int | None:
        """Return the line that is marked."""
        return self._error_line

    def save(self) -> None:
        """Ask to save."""
        self.asked.emit("save")

    def apply(self) -> None:
        """Ask to have the running program go by it."""
        self.asked.emit("apply")

    def try_one(self) -> None:
        """Ask what the chosen action would do."""
        self.asked.emit("try")


_BUTTONS: Sequence[tuple[str, str, str]] = (
    ("new", "New", "Begin another mapping"),
    ("open", "Open …", "Open a mapping file"),
    ("save", "Save", "Save it (Ctrl+Shift+S)"),
    ("save_as", "Save as …", "Save it under another name"),
    ("try", "Try", "Say what the chosen action would do; nothing is sent (Ctrl+Shift+T)"),
    ("apply", "Apply", "Let the running program go by it, as a dry run (Ctrl+Return)"),
    ("done", "Done", "Go back to watching (Ctrl+E)"),
)


def _scrolled(widget: QWidget, *, fixed: bool = True) -> QScrollArea:
    scroll = QScrollArea()
    scroll.setWidget(widget)
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.viewport().setBackgroundRole(QPalette.ColorRole.Base)
    if fixed:
        scroll.setFixedWidth(_FORM_PX)
    return scroll
