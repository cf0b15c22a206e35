"""The cockpit's look: colours by day and by night, one size for everything, texts that fit."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

_DESIGN_PX = (1024, 480)  # the smallest display: everything is drawn larger on larger ones
_SMALLEST_TEXT = 0.72  # of the wanted size, where a text is long; below that it would be cut


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of the day or the night, each tried for contrast on `panel` and on `land`."""

    dark: bool
    back: str
    panel: str
    edge: str
    text: str
    muted: str
    accent: str
    on_accent: str
    good: str
    bad: str
    on_mark: str
    land: str
    building: str
    park: str
    water: str
    street: str
    main_street: str
    street_edge: str
    route: str


DAY = Look(
    dark=False,
    back="#dfe3e8", panel="#fafbfc", edge="#c9cfd8", text="#14181f", muted="#525c6b",
    accent="#1f62b0", on_accent="#ffffff", good="#14663d", bad="#a82a24", on_mark="#ffffff",
    land="#eeebe4", building="#dcd6cb", park="#cbe0bb", water="#a9cde6",
    street="#ffffff", main_street="#ffffff", street_edge="#c8c0b2", route="#2470c8",
)  # fmt: skip
NIGHT = Look(
    dark=True,
    back="#0b0d10", panel="#161a20", edge="#2d343e", text="#eef1f5", muted="#a3adba",
    accent="#7fb0ee", on_accent="#0b1017", good="#63c793", bad="#f0857c", on_mark="#0b1017",
    land="#171b21", building="#222831", park="#1b3226", water="#15303f",
    street="#2f3742", main_street="#465160", street_edge="#11151a", route="#6aa5f0",
)  # fmt: skip


def scale_of(width: int, height: int) -> float:
    """Return how much larger than designed everything is drawn on a display of this size."""
    return max(0.5, min(width / _DESIGN_PX[0], height / _DESIGN_PX[1]))


class Panel(QWidget):
    """A part of the cockpit: draws itself in one look and one scale.

    cut_texts: what did not fit when it was painted last; nothing ever should be in it.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.look = DAY
        self.scale = 1.0
        self.cut_texts: list[str] = []

    def set_look(self, look: Look) -> None:
        """Draw by day or by night."""
        if look is not self.look:
            self.look = look
            self.update()

    def set_scale(self, scale: float) -> None:
        """Draw everything so much larger than designed."""
        if scale != self.scale:
            self.scale = scale
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        self.cut_texts.clear()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.draw(painter)

    def draw(self, painter: QPainter) -> None:
        """Draw everything; each panel its own."""
        raise NotImplementedError

    def text(
        self,
        painter: QPainter,
        where: QRectF,
        text: str,
        size: float,
        colour: str,
        *,
        bold: bool = False,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    ) -> None:
        """Draw one line, `size` design pixels high, smaller where it is too long for its place."""
        font, width = self._fitting(text, where.width(), size, bold)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        if width > where.width() + 0.5:
            self.cut_texts.append(text)
            text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, where.width())
        if metrics.height() > where.height() + 0.5 * metrics.descent():
            self.cut_texts.append(text)
        painter.setPen(QColor(colour))
        painter.drawText(where, int(align | Qt.AlignmentFlag.AlignVCenter), text)

    def _fitting(self, text: str, room: float, size: float, bold: bool) -> tuple[QFont, float]:
        font = QFont(self.font())
        font.setBold(bold)
        wanted = size * self.scale
        for share in (1.0, 0.93, 0.86, 0.79, _SMALLEST_TEXT):
            font.setPixelSize(max(8, round(wanted * share)))
            width = QFontMetricsF(font).horizontalAdvance(text)
            if width <= room:
                break
        return font, width

    def card(self, painter: QPainter, where: QRectF, *, chosen: bool = False) -> None:
        """Draw a card's ground, framed where it is the chosen one."""
        width = (4 if chosen else 1) * self.scale
        painter.setPen(QPen(QColor(self.look.accent if chosen else self.look.edge), width))
        painter.setBrush(QColor(self.look.panel))
        inset = width / 2
        radius = 14 * self.scale
        painter.drawRoundedRect(where.adjusted(inset, inset, -inset, -inset), radius, radius)

    def bar(
        self, painter: QPainter, where: QRectF, share: float, colour: str | None = None
    ) -> None:
        """Draw a level from 0 to 1."""
        radius = where.height() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.look.edge))
        painter.drawRoundedRect(where, radius, radius)
        filled = QRectF(where)
        filled.setWidth(max(where.height(), where.width() * min(max(share, 0.0), 1.0)))
        if share > 0:
            painter.setBrush(QColor(colour or self.look.accent))
            painter.drawRoundedRect(filled, radius, radius)
