"""A part of the window that keeps keys to itself which the menus would take."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

_KEYS_OF_ALL = (Qt.Key.Key_Escape, Qt.Key.Key_F1, Qt.Key.Key_F11)
_PLAIN = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.KeypadModifier,
)


class OwnKeys(QWidget):
    """While the focus is in it, plain keys are its own: Space checks a box, and pauses nothing.

    own_keys: only these; None: all but Esc and function keys.
    """

    own_keys: Collection[Qt.Key] | None = None

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            known = event.key() not in _KEYS_OF_ALL
            own = known if self.own_keys is None else event.key() in self.own_keys
            if own and event.modifiers() in _PLAIN:
                event.accept()
                return True
        return super().event(event)
