"""How actions are doing: armed or dry, the state, every sink, and what was done last."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from motionrgbd.app.gui import actions_texts
from motionrgbd.app.gui.own_keys import OwnKeys
from motionrgbd.app.gui.panels import Card, ElidedLabel, push_button, scaled_font
from motionrgbd.app.gui.quiet_list import QuietList
from motionrgbd.app.gui.theme import theme_of
from motionrgbd.core.actions.entry import Entry
from motionrgbd.core.actions.status import ActionsStatus

_HEIGHT_PX = 132
_SHOWN = 50  # entries


class ArmSwitch(QWidget):
    """Dry run or armed. Arming asks once more; disarming does not."""

    armed_wanted = Signal()
    disarm_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._status: ActionsStatus | None = None
        self._error = ""
        self._armed = False
        self._tone: actions_texts.Tone = "muted"
        self._headline = QLabel("")
        self._headline.setFont(scaled_font(self, 1.25, bold=True))
        self._sub = ElidedLabel("", role=QPalette.ColorRole.PlaceholderText)
        self.arm_button = push_button("Arm …", "Really send actions (Ctrl+Shift+A)")
        self.disarm_button = push_button("Disarm", "Send nothing from now on (Esc)")
        self.yes_button = push_button("Yes, arm", "Really send actions")
        self.no_button = push_button("No", "Stay with the dry run (Esc)")
        self._buttons = QStackedWidget()
        question = (self.yes_button, self.no_button)
        for buttons in ((self.arm_button,), (self.disarm_button,), question):
            self._buttons.addWidget(_row(*buttons))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        top = QHBoxLayout()
        top.addWidget(self._headline, 1)
        top.addWidget(self._buttons)
        layout.addLayout(top)
        layout.addWidget(self._sub)
        self.arm_button.clicked.connect(self.ask)
        self.yes_button.clicked.connect(self._arm)
        self.no_button.clicked.connect(self.disarm)
        self.disarm_button.clicked.connect(self.disarm)

    def set_status(self, status: ActionsStatus | None) -> None:
        """Show whether anything is sent; None: there is nothing to be sent."""
        self._status = status
        self.arm_button.setEnabled(status is not None)
        armed = status is not None and status.armed
        if armed != self._armed or status is None:
            self._armed = armed
            self._turn_to(int(armed))
        else:
            self._say()

    def set_error(self, text: str) -> None:
        """Say why what was asked did not happen; empty: all is well."""
        self._error = text
        self._say()

    def _say(self) -> None:
        text, self._tone = actions_texts.headline(self._status)
        self._headline.setText("Really send?" if self.asking() else text)
        roles = QPalette.ColorRole
        self._sub.setText(self._error or actions_texts.sub_headline(self._status))
        self._sub.set_role(roles.BrightText if self._error else roles.PlaceholderText)
        self._colour()

    def ask(self) -> None:
        """Ask whether it is meant."""
        if self.arm_button.isEnabled() and not self._armed:
            self._turn_to(2)
            self.no_button.setFocus()  # Space twice arms nothing

    def disarm(self) -> None:
        """Ask for a dry run, at once."""
        self._turn_to(int(self._armed))
        self.disarm_wanted.emit()  # whatever was shown

    def _arm(self) -> None:
        self._turn_to(0)
        self.armed_wanted.emit()

    def _turn_to(self, buttons: int) -> None:
        """Show other buttons; none has the focus: keys may be meant for what went before."""
        focus = self.focusWidget()
        if focus is not None:
            focus.clearFocus()
        self._buttons.setCurrentIndex(buttons)
        self._say()

    def asking(self) -> bool:
        """Whether it waits for an answer."""
        return self._buttons.currentIndex() == 2

    def texts(self) -> tuple[str, str]:
        """Return what is said."""
        return self._headline.text(), self._sub.text()

    def _colour(self) -> None:
        theme = theme_of(self)
        colours = {"warning": theme.warning, "muted": theme.muted}
        palette = self._headline.palette()
        colour = QColor(colours.get(self._tone, theme.text))
        if palette.color(QPalette.ColorRole.WindowText) != colour:
            palette.setColor(QPalette.ColorRole.WindowText, colour)
            self._headline.setPalette(palette)


class ActionsPanel(OwnKeys):
    """Setters for what it shows, signals for what is asked.

    state_chosen: by its name. undo_wanted: of what was sent last.
    """

    state_chosen = Signal(str)
    undo_wanted = Signal()
    edit_wanted = Signal()
    own_keys = (Qt.Key.Key_Space, Qt.Key.Key_Up, Qt.Key.Key_Down)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.switch = ArmSwitch()
        self.state = QComboBox()
        self.state.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.state.setToolTip("What is allowed now; no gesture can change it")
        self.state.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.state.setMinimumContentsLength(8)
        self.state.textActivated.connect(self.state_chosen)
        self._mode = ElidedLabel("", role=QPalette.ColorRole.PlaceholderText)
        self.edit_button = push_button("Edit …", "What gestures do (Ctrl+E)")
        self.edit_button.clicked.connect(self.edit_wanted)
        self.sinks = QuietList({"Sink": 1, "Health": 2})
        self.last = QuietList({"Gesture": 2, "Action": 3, "Result": 3})
        self.undo_button = push_button("Undo", "")
        self.undo_button.clicked.connect(self.undo_wanted)
        self._lay_out()
        self.setFixedHeight(_HEIGHT_PX)
        self.set_states(())
        self.set_status(None, ())

    def _lay_out(self) -> None:
        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(4)
        grid.addWidget(self.switch, 0, 0, 1, 2)
        grid.addWidget(self.state, 1, 0)
        grid.addWidget(self._mode, 1, 1)
        grid.addWidget(_row(self.undo_button, self.edit_button), 2, 0, 1, 2)
        grid.setRowStretch(2, 1)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)
        control = Card("Actions", body)
        control.setFixedWidth(290)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(control)
        whole.addWidget(Card("Sinks", self.sinks), 2)
        whole.addWidget(Card("Last actions", self.last), 3)

    # ---- setters ----

    def set_states(self, states: Sequence[str]) -> None:
        """Offer the states of the mapping."""
        with QSignalBlocker(self.state):
            self.state.clear()
            self.state.addItems(list(states))
        self.state.setVisible(bool(states))

    def set_status(self, status: ActionsStatus | None, entries: Sequence[Entry]) -> None:
        """Show how things are. entries: the last ones, oldest first."""
        self.switch.set_status(status)
        self._mode.setText("" if status is None or status.mode is None else f"mode {status.mode}")
        if status is not None and status.state is not None:
            with QSignalBlocker(self.state):
                self.state.setCurrentText(status.state)
        self.sinks.set_lines(() if status is None else actions_texts.sink_lines(status))
        lines = [actions_texts.entry_line(entry) for entry in reversed(entries)]
        self.last.set_lines([line for line in lines if line is not None][:_SHOWN])
        undoes = None if status is None else status.undoes
        self.undo_button.setEnabled(undoes is not None)
        why_not = "" if status is None else status.why_not_undone
        what = f"Take back {undoes.label} (Ctrl+Z)" if undoes is not None else why_not
        self.undo_button.setToolTip(what)

    # ---- what menus and keys call ----

    def arm(self) -> None:
        """Ask whether actions are to be sent."""
        self.switch.ask()

    def disarm(self) -> None:
        """Send nothing from now on."""
        self.switch.disarm()

    def undo(self) -> None:
        """Ask to take back what was sent last."""
        if self.undo_button.isEnabled():
            self.undo_wanted.emit()


def _row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addStretch(1)
    for widget in widgets:
        layout.addWidget(widget)
    return row
