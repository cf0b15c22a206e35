"""How actions are doing: armed or dry, the state, every sink, and what was done last."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from motionrgbd.app.gui import actions_texts
from motionrgbd.app.gui.arm_switch import ArmSwitch
from motionrgbd.app.gui.elided import ElidedCombo, ElidedLabel
from motionrgbd.app.gui.own_keys import OwnKeys
from motionrgbd.app.gui.panels import Card, Outlined, short_button
from motionrgbd.app.gui.quiet_list import QuietList
from motionrgbd.app.gui.tone_label import ToneLabel
from motionrgbd.core.actions.entry import Entry
from motionrgbd.core.actions.status import ActionsStatus

_HEIGHT_PX = 148
_MODE_PX = 90  # "mode" and some eight letters, however little room there is
_BRIEF_PX = 140  # of a sentence in the row, as far as it is that long
_SHOWN = 50  # entries


class ActionsPanel(OwnKeys):
    """Setters for what it shows, signals for what is asked.

    Where the window is low it is one row: the same switch, state and buttons, the sink that needs
    a look, and the last action. state_chosen: by its name. undo_wanted: of what was sent last.
    """

    state_chosen = Signal(str)
    undo_wanted = Signal()
    edit_wanted = Signal()
    own_keys = (Qt.Key.Key_Space, Qt.Key.Key_Up, Qt.Key.Key_Down)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.switch = ArmSwitch()
        self.state = ElidedCombo()
        self.state.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.state.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.state.setMinimumContentsLength(8)
        self.state.textActivated.connect(self.state_chosen)
        self._mode = ElidedLabel("", role=QPalette.ColorRole.PlaceholderText)
        self._mode.setMaximumWidth(2 * _MODE_PX)
        self.edit_button = short_button("Edit …", "What gestures do (Ctrl+E)")
        self.edit_button.clicked.connect(self.edit_wanted)
        self.sinks = QuietList({"Sink": 1, "Health": 2})
        self.last = QuietList({"Gesture": 2, "Action": 3, "Result": 3})
        self.sinks_in_brief, self.last_in_brief = ToneLabel(lines=2), ToneLabel(lines=2)
        self.last_in_brief.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.undo_button = short_button("Undo", "")
        self.undo_button.clicked.connect(self.undo_wanted)
        self._low: bool | None = None
        self._lay_out()
        self.set_low(True)
        self.set_states(())
        self.set_status(None, ())

    def _lay_out(self) -> None:
        body = QWidget()
        self._grid = QGridLayout(body)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(4)
        self._grid.setRowStretch(2, 1)
        self._grid.setColumnStretch(0, 3)
        self._grid.setColumnStretch(1, 2)
        self._buttons = QHBoxLayout()
        self._buttons.addStretch(1)
        self._grid.addLayout(self._buttons, 2, 0, 1, 2)
        control = Card("Actions", body)
        control.setFixedWidth(290)
        self._cards = QWidget()
        cards = QHBoxLayout(self._cards)
        cards.setContentsMargins(0, 0, 0, 0)
        cards.setSpacing(8)
        cards.addWidget(control)
        cards.addWidget(Card("Sinks", self.sinks), 2)
        cards.addWidget(Card("Last actions", self.last), 3)
        self._strip = Outlined()
        self._row = QHBoxLayout(self._strip)
        self._row.setContentsMargins(10, 0, 8, 0)
        self._row.setSpacing(10)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._cards)
        whole.addWidget(self._strip)

    def set_low(self, low: bool) -> None:
        """Take one row, or as much room as lists need."""
        if low == self._low:
            return
        self._low = low
        self.switch.set_brief(low)
        if low:
            for widget in (self.switch, self.state, self._mode, self.sinks_in_brief):
                self._row.addWidget(widget)
            self._row.addWidget(self.last_in_brief, 1)
            self._row.addWidget(self.undo_button)
            self._row.addWidget(self.edit_button)
        else:
            self._grid.addWidget(self.switch, 0, 0, 1, 2)
            self._grid.addWidget(self.state, 1, 0)
            self._grid.addWidget(self._mode, 1, 1)
            self._buttons.addWidget(self.undo_button)
            self._buttons.addWidget(self.edit_button)
        self._cards.setVisible(not low)
        self._strip.setVisible(low)
        self.setFixedHeight(2 * self.fontMetrics().lineSpacing() + 12 if low else _HEIGHT_PX)

    def is_low(self) -> bool:
        """Return whether it is one row."""
        return bool(self._low)

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
        mode = None if status is None else status.mode
        self._mode.setText("" if mode is None else f"mode {mode}")
        _keep(self._mode, _MODE_PX)
        self._mode.setVisible(mode is not None)
        if status is not None and status.state is not None:
            with QSignalBlocker(self.state):
                self.state.setCurrentText(status.state)
            self.state.setToolTip(f"{status.state}: what is allowed now; no gesture can change it")
        self.sinks.set_lines(() if status is None else actions_texts.sink_lines(status))
        lines = [actions_texts.entry_line(entry) for entry in reversed(entries)]
        last = [line for line in lines if line is not None][:_SHOWN]
        self.last.set_lines(last)
        error = self.switch.error()
        self.sinks_in_brief.say(*actions_texts.in_brief(status, error))
        self.last_in_brief.say(*actions_texts.last_in_brief(last))
        self.last_in_brief.setVisible(not error)
        for label in (self.sinks_in_brief, self.last_in_brief):
            _keep(label, _BRIEF_PX)
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


def _keep(label: ElidedLabel, room_px: int) -> None:
    """Let a label keep so much room, or what its text needs."""
    label.setMinimumWidth(min(label.sizeHint().width(), room_px))
