"""Music, climate and calls, as whole pages and as cards of the home page."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from motionrgbd.app.cockpit.offers import is_allowed
from motionrgbd.app.cockpit.state import (
    FANS,
    SEATS,
    TEMPERATURES_C,
    TRACKS,
    Call,
    CockpitState,
)
from motionrgbd.app.gui.cockpit.gesture_icons import draw_gesture
from motionrgbd.app.gui.cockpit.look import Panel

_CENTRE = Qt.AlignmentFlag.AlignHCenter
_RIGHT = Qt.AlignmentFlag.AlignRight


class Page(Panel):
    """A panel that shows a state, as a page or, smaller, as a card of the home page."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state: CockpitState | None = None
        self.as_card = False
        self.chosen = False

    def set_state(
        self, state: CockpitState, *, as_card: bool = False, chosen: bool = False
    ) -> None:
        """Show a state. chosen: framed, as the card that a tap opens."""
        self.state, self.as_card, self.chosen = state, as_card, chosen
        self.update()

    def draw(self, painter: QPainter) -> None:
        if self.state is None:
            return
        self.card(painter, QRectF(self.rect()), chosen=self.chosen)
        margin = (14 if self.as_card else 24) * self.scale
        inner = QRectF(self.rect()).adjusted(margin, margin, -margin, -margin)
        if self.as_card:
            self.draw_card(painter, inner, self.state)
        else:
            self.draw_page(painter, inner, self.state)

    def draw_card(self, painter: QPainter, inner: QRectF, state: CockpitState) -> None:
        """Draw the little that a card says."""
        raise NotImplementedError

    def draw_page(self, painter: QPainter, inner: QRectF, state: CockpitState) -> None:
        """Draw everything."""
        raise NotImplementedError


class MediaPage(Page):
    """The track with its cover and, where that may be operated, the list."""

    def draw_card(self, painter: QPainter, inner: QRectF, state: CockpitState) -> None:
        s = self.scale
        side = min(inner.height(), 0.34 * inner.width())
        cover = QRectF(inner.x(), inner.center().y() - side / 2, side, side)
        _draw_cover(painter, cover, state.display.track)
        left = cover.right() + 14 * s
        lines = QRectF(left, inner.y(), inner.right() - left, inner.height())
        self._draw_track(painter, lines, state, 22)

    def draw_page(self, painter: QPainter, inner: QRectF, state: CockpitState) -> None:
        s = self.scale
        listed = is_allowed(state, "list")
        left = QRectF(inner)
        if listed:
            left.setWidth(0.56 * inner.width())
        side = min(0.46 * left.width(), left.height(), 260 * s)
        cover = QRectF(left.x(), left.center().y() - side / 2, side, side)
        _draw_cover(painter, cover, state.display.track)
        x = cover.right() + 20 * s
        lines = QRectF(x, cover.y(), left.right() - x - (20 * s if listed else 0), side)
        self._draw_track(painter, lines, state, 30)
        if listed:
            lines = QRectF(left.right(), inner.y(), inner.right() - left.right(), inner.height())
            self._draw_list(painter, lines, state)

    def _draw_track(
        self, painter: QPainter, lines: QRectF, state: CockpitState, size: float
    ) -> None:
        """Draw title, artist, how far it has played, and what is the matter."""
        s, look, display = self.scale, self.look, state.display
        track = TRACKS[display.track]
        height = 1.35 * size * s
        middle = lines.center().y()
        row = QRectF(lines.x(), middle - 1.75 * height, lines.width(), height)
        self.text(painter, row, track.title, size, look.text, bold=True)
        row.translate(0, height)
        self.text(painter, row, track.artist, 0.72 * size, look.muted)
        row.translate(0, height)
        played_s = min(state.played.at(state.now_s), track.duration_s)
        bar = QRectF(row.x(), row.center().y() - 4 * s, row.width(), 8 * s)
        self.bar(painter, bar, played_s / track.duration_s)
        row.translate(0, 0.85 * height)
        liked = display.track in display.favourites
        if liked:
            heart = QRectF(row.right() - 0.8 * height, row.y(), 0.8 * height, row.height())
            _draw_heart(painter, heart, look.bad)
        row.setWidth(row.width() - (0.9 * height if liked else 0))
        clock = f"{_minutes(played_s)} / {_minutes(track.duration_s)}"
        said = _playing_text(state)
        text = f"{said}  ·  {clock}" if said else clock
        self.text(painter, row, text, 0.62 * size, look.text if said else look.muted)

    def _draw_list(self, painter: QPainter, where: QRectF, state: CockpitState) -> None:
        s, look, display = self.scale, self.look, state.display
        height = min(where.height() / len(TRACKS), 54 * s)
        top = where.center().y() - len(TRACKS) * height / 2
        for k, track in enumerate(TRACKS):
            row = QRectF(where.x(), top + k * height, where.width(), height)
            marked = k == display.row
            if marked:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(look.accent))
                painter.drawRoundedRect(row.adjusted(0, 2 * s, 0, -2 * s), 10 * s, 10 * s)
            colour = look.on_accent if marked else look.text
            if k == display.track:
                note = QRectF(row.x() + 10 * s, row.y(), 20 * s, row.height())
                _draw_playing(painter, note, colour, moving=state.audible)
            text = row.adjusted(40 * s, 0, -78 * s, 0)
            self.text(painter, text, track.title, 20, colour, bold=k == display.track)
            text = QRectF(row.right() - 70 * s, row.y(), 58 * s, row.height())
            muted = look.on_accent if marked else look.muted
            self.text(painter, text, _minutes(track.duration_s), 17, muted, align=_RIGHT)


class ClimatePage(Page):
    """Two seats' temperatures, the fan, and whether it is on."""

    def draw_card(self, painter: QPainter, inner: QRectF, state: CockpitState) -> None:
        look, display = self.look, state.display
        half = inner.width() / 2
        for k, warmth in enumerate(display.temperatures_c):
            place = QRectF(inner.x() + k * half, inner.y(), half, inner.height() * 0.62)
            colour = look.text if display.air_on else look.muted
            self.text(painter, place, f"{warmth:.1f}°", 36, colour, bold=True, align=_CENTRE)
        place = QRectF(
            inner.x(), inner.y() + 0.6 * inner.height(), inner.width(), 0.36 * inner.height()
        )
        text = f"Fan {display.fan}" if display.air_on else "Air off"
        self.text(painter, place, text, 19, look.muted, align=_CENTRE)

    def draw_page(self, painter: QPainter, inner: QRectF, state: CockpitState) -> None:
        s = self.scale
        third = inner.width() / 3
        for k in range(len(SEATS)):
            place = QRectF(inner.x() + 2 * k * third, inner.y(), third, inner.height())
            self._draw_seat(painter, place, state, k)
        place = QRectF(inner.x() + third, inner.y(), third, inner.height())
        self._draw_fan(painter, place.adjusted(20 * s, 0, -20 * s, 0), state)

    def _draw_seat(self, painter: QPainter, where: QRectF, state: CockpitState, seat: int) -> None:
        s, look, display = self.scale, self.look, state.display
        chosen = seat == display.seat
        high = min(where.height(), 300 * s)
        box = QRectF(where.x(), where.center().y() - high / 2, where.width(), high)
        self.card(painter, box, chosen=chosen)
        colour = look.text if display.air_on else look.muted
        title = QRectF(box.x(), box.y() + 12 * s, box.width(), 34 * s)
        name = f"{SEATS[seat].capitalize()} seat"
        self.text(painter, title, name, 20, look.muted, align=_CENTRE)
        warmth = display.temperatures_c[seat]
        middle = QRectF(box.x(), box.center().y() - 48 * s, box.width(), 96 * s)
        self.text(painter, middle, f"{warmth:.1f}°", 72, colour, bold=True, align=_CENTRE)
        low, top = TEMPERATURES_C
        bar = QRectF(box.x() + 24 * s, box.bottom() - 36 * s, box.width() - 48 * s, 10 * s)
        warm = look.accent if display.air_on else look.muted
        self.bar(painter, bar, (warmth - low) / (top - low), warm)

    def _draw_fan(self, painter: QPainter, where: QRectF, state: CockpitState) -> None:
        s, look, display = self.scale, self.look, state.display
        on = display.air_on
        middle = where.center().y()
        line = QRectF(where.x(), middle - 84 * s, where.width(), 40 * s)
        self.text(painter, line, "Fan", 22, look.muted, align=_CENTRE)
        count = FANS[1]
        step = where.width() / count
        for k in range(count):
            high = (26 + 10 * k) * s
            bar = QRectF(
                where.x() + k * step + 0.18 * step, middle + 40 * s - high, 0.64 * step, high
            )
            painter.setPen(Qt.PenStyle.NoPen)
            lit = on and k < display.fan
            painter.setBrush(QColor(look.accent if lit else look.edge))
            painter.drawRoundedRect(bar, 5 * s, 5 * s)
        line = QRectF(where.x(), middle + 52 * s, where.width(), 40 * s)
        text, colour = ("Air on", look.good) if on else ("Air off", look.muted)
        self.text(painter, line, text, 24, colour, bold=True, align=_CENTRE)


class CallCard(Panel):
    """A call that waits for an answer: nothing else is asked until it has one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._call: Call | None = None
        self._answers: tuple[str, ...] = ()

    def set_call(self, call: Call | None, answers: Sequence[str]) -> None:
        """Show who calls. answers: the gestures that answer, as far as the model knows them."""
        self._call, self._answers = call, tuple(answers)
        self.update()

    def draw(self, painter: QPainter) -> None:
        if self._call is None:
            return
        s, look = self.scale, self.look
        inner = QRectF(self.rect())
        self.card(painter, inner, chosen=True)
        line = QRectF(inner.x() + 24 * s, inner.y() + 16 * s, inner.width() - 48 * s, 32 * s)
        self.text(painter, line, "Incoming call", 20, look.muted, align=_CENTRE)
        line.translate(0, 36 * s)
        line.setHeight(52 * s)
        self.text(painter, line, self._call.caller, 38, look.text, bold=True, align=_CENTRE)
        half = (inner.width() - 60 * s) / 2
        answers = (("Swipe X", "Reject", look.bad), ("Swipe V", "Accept", look.good))
        for k, (gesture, word, colour) in enumerate(answers):
            if gesture not in self._answers:
                continue
            x = inner.x() + 24 * s + k * (half + 12 * s)
            button = QRectF(x, inner.bottom() - 86 * s, half, 64 * s)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(button, 14 * s, 14 * s)
            icon = QRectF(button.x() + 14 * s, button.y() + 12 * s, 40 * s, 40 * s)
            draw_gesture(painter, icon, gesture, look.on_mark)
            text = button.adjusted(64 * s, 0, -12 * s, 0)
            self.text(painter, text, word, 24, look.on_mark, bold=True)


def _playing_text(state: CockpitState) -> str:
    if state.audible:
        return ""
    return "On hold" if state.display.playing else "Paused"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _draw_cover(painter: QPainter, where: QRectF, track: int) -> None:
    """Draw a record's cover: rings of two colours that belong to the track."""
    hue = (0.58 + 0.17 * track) % 1.0
    low, high = (
        QColor.fromRgbF(*colorsys.hsv_to_rgb(hue + shift, sat, value))
        for shift, sat, value in ((0.0, 0.62, 0.42), (0.09, 0.42, 0.86))
    )
    ground = QLinearGradient(where.topLeft(), where.bottomRight())
    ground.setColorAt(0.0, low)
    ground.setColorAt(1.0, high)
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(where, 0.06 * where.width(), 0.06 * where.width())
    painter.setClipRect(where)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    middle = where.center() + QPointF(0.16 * where.width(), 0.12 * where.height())
    for k in range(4):
        painter.setPen(QPen(QColor(255, 255, 255, 130 - 25 * k), 0.022 * where.width()))
        radius = (0.12 + 0.15 * k) * where.width()
        painter.drawEllipse(middle, radius, radius)
    painter.restore()


def _draw_playing(painter: QPainter, where: QRectF, colour: str, *, moving: bool) -> None:
    """Draw what plays as a triangle, what is held as two bars."""
    half = 0.4 * where.width()
    x, y = where.center().x(), where.center().y()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    if moving:
        corners = ((x - half, y - half), (x + half, y), (x - half, y + half))
        painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
        return
    for side in (-0.6, 0.6):
        painter.drawRect(QRectF(x + (side - 0.3) * half, y - half, 0.6 * half, 2 * half))


def _draw_heart(painter: QPainter, where: QRectF, colour: str) -> None:
    size = 0.42 * min(where.width(), where.height())
    x, y = where.center().x(), where.center().y()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawEllipse(QPointF(x - 0.48 * size, y - 0.25 * size), 0.55 * size, 0.55 * size)
    painter.drawEllipse(QPointF(x + 0.48 * size, y - 0.25 * size), 0.55 * size, 0.55 * size)
    corners = ((x - 0.98 * size, y), (x + 0.98 * size, y), (x, y + 1.05 * size))
    painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
