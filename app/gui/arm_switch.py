"""Dry run or armed: the switch that decides whether actions are really sent."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from motionrgbd.app.gui import actions_texts
from motionrgbd.app.gui.elided import ElidedLabel
from motionrgbd.app.gui.panels import scaled_font, short_button
from motionrgbd.app.gui.tone_label import ToneLabel
from motionrgbd.core.actions.status import ActionsStatus

_QUESTION = "Really send?"
_DRY, _ARMED, _ASKING = range(3)


class ArmSwitch(QWidget):
    """Dry run or armed. Arming asks once more; disarming does not."""

    armed_wanted = Signal()
    disarm_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._status: ActionsStatus | None = None
        self._error = ""
        self._armed = False
        self._turned = _DRY
        self._headline = ToneLabel()
        self._headline.setFont(scaled_font(self, 1.25, bold=True))
        widest = self._headline.fontMetrics().horizontalAdvance(_QUESTION)
        self._headline.setMinimumWidth(widest + 8)
        self._sub = ElidedLabel("", role=QPalette.ColorRole.PlaceholderText, lines=2)
        self.arm_button = short_button("Arm …", "Really send actions (Ctrl+Shift+A)")
        self.disarm_button = short_button("Disarm", "Send nothing from now on (Esc)")
        self.yes_button = short_button("Yes, arm", "Really send actions")
        self.no_button = short_button("No", "Stay with the dry run (Esc)")
        self._lay_out()
        self.arm_button.clicked.connect(self.ask)
        self.yes_button.clicked.connect(self._arm)
        self.no_button.clicked.connect(self.disarm)
        self.disarm_button.clicked.connect(self.disarm)
        self._turn_to(_DRY)

    def _lay_out(self) -> None:
        self._top = QHBoxLayout()
        self._top.addWidget(self._headline, 1)
        for button in self._all_buttons():
            self._top.addWidget(button)
        self._top.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(self._top)
        layout.addWidget(self._sub)

    def _all_buttons(self) -> tuple[QPushButton, ...]:
        return self.arm_button, self.disarm_button, self.yes_button, self.no_button

    def set_brief(self, brief: bool) -> None:
        """Take one row, or two with what it means below; what is left to say, the strip says."""
        self._sub.setVisible(not brief)
        self._top.setStretch(0, int(not brief))
        self._top.setStretch(self._top.count() - 1, int(brief))

    def set_status(self, status: ActionsStatus | None) -> None:
        """Show whether anything is sent; None: there is nothing to be sent."""
        self._status = status
        self.arm_button.setEnabled(status is not None)
        armed = status is not None and status.armed
        if armed != self._armed or status is None:
            self._armed = armed
            self._turn_to(_ARMED if armed else _DRY)
        else:
            self._say()

    def set_error(self, text: str) -> None:
        """Say why what was asked did not happen; empty: all is well."""
        self._error = text
        self._say()

    def error(self) -> str:
        """Return why what was asked did not happen."""
        return self._error

    def _say(self) -> None:
        text, tone = actions_texts.headline(self._status)
        self._headline.say(_QUESTION if self.asking() else text, tone)
        roles = QPalette.ColorRole
        sub = actions_texts.sub_headline(self._status)
        self.setToolTip(sub)
        self._sub.setText(self._error or sub)
        self._sub.set_role(roles.BrightText if self._error else roles.PlaceholderText)

    def ask(self) -> None:
        """Ask whether it is meant."""
        if self.arm_button.isEnabled() and not self._armed:
            self._turn_to(_ASKING)
            self.no_button.setFocus()  # Space twice arms nothing

    def disarm(self) -> None:
        """Ask for a dry run, at once."""
        self._turn_to(_ARMED if self._armed else _DRY)
        self.disarm_wanted.emit()  # whatever was shown

    def _arm(self) -> None:
        self._turn_to(_DRY)
        self.armed_wanted.emit()

    def _turn_to(self, turned: int) -> None:
        """Show other buttons; none has the focus: keys may be meant for what went before."""
        focus = self.focusWidget()
        if focus is not None:
            focus.clearFocus()
        self._turned = turned
        shown = ((self.arm_button,), (self.disarm_button,), (self.yes_button, self.no_button))
        for button in self._all_buttons():
            button.setVisible(button in shown[turned])
        self._say()

    def asking(self) -> bool:
        """Whether it waits for an answer."""
        return self._turned == _ASKING

    def texts(self) -> tuple[str, str]:
        """Return what is said."""
        return self._headline.text(), self._sub.text()
