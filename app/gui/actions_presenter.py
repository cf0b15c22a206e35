"""Between a run's actions and the panel that shows them."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from motionrgbd.app.actions import RunActions
from motionrgbd.app.gui.actions_panel import ActionsPanel
from motionrgbd.core.errors import MotionRGBDError

_POLL_MS = 250  # words that change faster cannot be read


class ActionsPresenter(QObject):
    """Shows how actions are doing, and carries the panel's wishes to them. Window's thread."""

    def __init__(self, actions: RunActions, panel: ActionsPanel) -> None:
        super().__init__(panel)
        self._actions, self._panel = actions, panel
        self._states: tuple[str, ...] | None = None
        panel.switch.armed_wanted.connect(self._arm)
        panel.switch.disarm_wanted.connect(self._disarm)
        panel.state_chosen.connect(self._enter_state)
        panel.undo_wanted.connect(self._undo)
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self.poll)
        self._timer.start()
        self.poll()

    def poll(self) -> None:
        """Show what is new."""
        dispatcher = self._actions.dispatcher
        if dispatcher is None:
            self._panel.set_status(None, ())
            return
        states = tuple(dispatcher.mapping.states)
        if states != self._states:
            self._states = states
            self._panel.set_states(states)
        self._panel.set_status(dispatcher.status(), self._actions.recent())

    def _arm(self) -> None:
        self._panel.switch.set_error("")
        if self._actions.dispatcher is not None:
            try:
                self._actions.dispatcher.arm()
            except MotionRGBDError as error:
                self._panel.switch.set_error(str(error))
        self.poll()

    def _disarm(self) -> None:
        if self._actions.dispatcher is not None:
            self._actions.dispatcher.disarm()
        self.poll()

    def _enter_state(self, name: str) -> None:
        if self._actions.dispatcher is not None:
            try:
                self._actions.dispatcher.enter_state(name)
            except MotionRGBDError as error:  # the mapping was changed meanwhile
                self._panel.switch.set_error(str(error))
        self.poll()

    def _undo(self) -> None:
        if self._actions.dispatcher is not None:
            self._actions.dispatcher.undo_last()
        self.poll()
