"""A line whose colour says how it is meant, in both themes."""

from __future__ import annotations

from PySide6.QtGui import QColor

from motionrgbd.app.gui.actions_texts import Tone
from motionrgbd.app.gui.elided import ElidedLabel
from motionrgbd.app.gui.theme import theme_of


class ToneLabel(ElidedLabel):
    """Calm, muted, a warning or an error."""

    _tone: Tone = "calm"

    def say(self, text: str, tone: Tone) -> None:
        """Show a text in the colour of a tone."""
        self.setText(text)
        if tone != self._tone:
            self._tone = tone
            self.update()

    def tone(self) -> Tone:
        """Return how it is meant."""
        return self._tone

    def colour(self) -> QColor:
        theme = theme_of(self)
        colours = {"muted": theme.muted, "warning": theme.warning, "error": theme.error}
        return QColor(colours.get(self._tone, theme.text))
