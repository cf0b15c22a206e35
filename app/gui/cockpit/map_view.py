"""The map: the city drawn north up, moving smoothly to where it is wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPolygonF,
    QTransform,
)
from PySide6.QtWidgets import QWidget

from motionrgbd.app.cockpit.city import Turn, city
from motionrgbd.app.cockpit.state import VIEW_HEIGHTS_KM, CockpitState, PointKm
from motionrgbd.app.gui.cockpit.city_painting import CityPainter
from motionrgbd.app.gui.cockpit.look import Panel

_EASE_S = 0.18  # time constant of every movement: calm, and over within a second
_OVERVIEW_ROOM = 1.12  # around the whole route
_MARGIN = 0.3  # of the view, kept painted on each side
_ZOOMING = 2e-3  # of the logarithm: less than a pixel at the edge


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """A painted part of the city. key: what it was painted for."""

    key: tuple[object, ...]
    seen: QRectF
    pixmap: QPixmap


class MapView(Panel):
    """Draws the map of a state. `tick` moves it; when settled, nothing is painted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._state: CockpitState | None = None
        self._chosen = False
        self._whole = True
        self._car: tuple[float, float, float] | None = None  # east, south, heading
        self._view: tuple[float, float, float] | None = None  # east, south, log of the height
        self._painted: tuple[float, ...] | None = None
        self._layer: _Layer | None = None

    def set_state(self, state: CockpitState, *, whole: bool, chosen: bool = False) -> None:
        """Show a state. whole: with directions; chosen: framed as a card is."""
        before, self._state = self._state, state
        if before is None or before.display != state.display:
            self.update()
        if (whole, chosen) != (self._whole, self._chosen):
            self._whole, self._chosen = whole, chosen
            self.update()

    def view(self) -> tuple[PointKm, float]:
        """Return what is shown now: the middle and the height, in km."""
        assert self._view is not None
        return (self._view[0], self._view[1]), math.exp(self._view[2])

    def tick(self, elapsed_s: float) -> None:
        """Move on by so much time of the screen."""
        if self._state is None:
            return
        share = 1.0 - math.exp(-elapsed_s / _EASE_S)
        (east, south), heading = city().place(self._state.driven_m(self._state.now_s))
        car, view = self._car, self._view
        if car is None:
            self._car = (east, south, heading)
        else:
            turn = (heading - car[2] + 180.0) % 360.0 - 180.0
            self._car = (
                car[0] + share * (east - car[0]),
                car[1] + share * (south - car[1]),
                car[2] + share * turn,
            )
        target = self._target()
        if view is None:
            self._view = target
        else:
            x, y, z = (v + share * (t - v) for v, t in zip(view, target, strict=True))
            if abs(z - target[2]) < _ZOOMING:
                z = target[2]
            self._view = (x, y, z)
        if self._moved():
            self.update()

    def _moved(self) -> bool:
        """Say whether what was painted last differs by what can be seen."""
        if self._painted is None or self._car is None or self._view is None:
            return True
        pixel_km = math.exp(self._view[2]) / max(self.height(), 1)
        car_x, car_y, heading, x, y, zoom = self._painted
        steps = (self._car[0] - car_x, self._car[1] - car_y, self._view[0] - x, self._view[1] - y)
        return (
            max(map(abs, steps)) > 0.5 * pixel_km
            or abs(self._car[2] - heading) > 0.5
            or self._view[2] != zoom
        )

    def _target(self) -> tuple[float, float, float]:
        assert self._state is not None
        assert self._car is not None
        display = self._state.display
        if display.overview:
            low, high = city().route.min(axis=0), city().route.max(axis=0)
            wide, high_km = (high - low).tolist()
            aspect = self.width() / max(self.height(), 1)
            height_km = _OVERVIEW_ROOM * max(high_km, wide / max(aspect, 0.1))
            east, south = ((low + high) / 2).tolist()
        else:
            height_km = VIEW_HEIGHTS_KM[display.zoom]
            east, south = display.centre_km or self._car[:2]
        return east, south, math.log(height_km)

    def draw(self, painter: QPainter) -> None:
        look, scale = self.look, self.scale
        painter.fillRect(self.rect(), QColor(look.back))
        if self._state is None or self._view is None or self._car is None:
            return
        self._painted = (*self._car, *self._view)
        width = (4 if self._chosen else 1) * scale
        frame = QRectF(self.rect()).adjusted(width / 2, width / 2, -width / 2, -width / 2)
        layer = self._current_layer()
        px_per_km = self.height() / self.view()[1]
        corner = self._seen(0.0).topLeft()
        at = (layer.seen.topLeft() - corner) * px_per_km
        brush = QBrush(layer.pixmap)
        ratio = self.devicePixelRatioF()
        brush.setTransform(QTransform.fromTranslate(at.x(), at.y()).scale(1 / ratio, 1 / ratio))
        painter.setBrush(brush)
        painter.setPen(QPen(QColor(look.accent if self._chosen else look.edge), width))
        painter.drawRoundedRect(frame, 14 * scale, 14 * scale)
        painter.save()
        painter.setClipRect(frame.adjusted(width, width, -width, -width))
        to_screen = QTransform.fromScale(px_per_km, px_per_km).translate(-corner.x(), -corner.y())
        self._draw_pins(painter, to_screen)
        self._draw_car(painter, to_screen)
        painter.restore()
        if self._whole and self._state.display.guidance:
            self._draw_turn(painter)

    def _seen(self, margin: float) -> QRectF:
        """Return what is seen, in km, with a share of it added on each side."""
        (east, south), height = self.view()
        width = height * self.width() / max(self.height(), 1)
        half = (width * (0.5 + margin), height * (0.5 + margin))
        return QRectF(east - half[0], south - half[1], 2 * half[0], 2 * half[1])

    def _current_layer(self) -> _Layer:
        """Return the picture of the city here: kept while it is only moved about, at rest sharp.

        Streets cost 20 ms, moving their picture one. While the zoom changes, names stay away.
        """
        assert self._state is not None
        assert self._view is not None
        zooming = abs(self._view[2] - self._target()[2]) > _ZOOMING
        key: tuple[object, ...] = (
            self._view[2],
            self.size(),
            self.look,
            self.scale,
            self.devicePixelRatioF(),
        )
        key += (self._state.display.guidance, zooming)
        layer = self._layer
        if layer is None or layer.key != key or not layer.seen.contains(self._seen(0.0)):
            layer = self._layer = self._paint_layer(key, zooming)
        return layer

    def _paint_layer(self, key: tuple[object, ...], zooming: bool) -> _Layer:
        assert self._state is not None
        seen = self._seen(0.0 if zooming else _MARGIN)
        px_per_km = self.height() / self.view()[1]
        ratio = self.devicePixelRatioF()
        size = seen.size() * px_per_km * ratio
        pixmap = QPixmap(math.ceil(size.width()), math.ceil(size.height()))
        pixmap.setDevicePixelRatio(ratio)
        city_painter = CityPainter(self.look, self.scale, seen, self._seen(0.0), px_per_km)
        painter = QPainter(pixmap)
        route = self._state.display.guidance
        city_painter.paint(painter, route=route, names=not zooming, font=self.font())
        painter.end()
        pixmap.setDevicePixelRatio(1.0)  # the brush that paints it has the ratio in its transform
        return _Layer(key, seen, pixmap)

    def _draw_pins(self, painter: QPainter, to_screen: QTransform) -> None:
        assert self._state is not None
        size = 11 * self.scale
        for x, y in self._state.display.pins:
            at = to_screen.map(QPointF(x, y))
            path = QPainterPath(at)
            path.lineTo(at + QPointF(-0.8 * size, -1.5 * size))
            path.arcTo(QRectF(at.x() - size, at.y() - 3 * size, 2 * size, 2 * size), 217, -254)
            path.closeSubpath()
            painter.setPen(QPen(QColor(self.look.on_mark), 1.5 * self.scale))
            painter.setBrush(QColor(self.look.bad))
            painter.drawPath(path)

    def _draw_car(self, painter: QPainter, to_screen: QTransform) -> None:
        assert self._car is not None
        size = 15 * self.scale
        painter.save()
        painter.translate(to_screen.map(QPointF(self._car[0], self._car[1])))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.look.route if self.look.dark else "#ffffff"))
        painter.setOpacity(0.35 if self.look.dark else 0.75)
        painter.drawEllipse(QPointF(0, 0), 1.6 * size, 1.6 * size)
        painter.setOpacity(1.0)
        painter.rotate(self._car[2])
        arrow = [(0, -1.0), (0.75, 0.9), (0, 0.5), (-0.75, 0.9)]
        painter.setPen(QPen(QColor("#ffffff"), 2 * self.scale))
        painter.setBrush(QColor("#1753a0"))
        painter.drawPolygon(QPolygonF([QPointF(x * size, y * size) for x, y in arrow]))
        painter.restore()

    def turn_box(self) -> QRectF:
        """Return where it says what comes next on the route."""
        scale = self.scale
        return QRectF(12 * scale, 12 * scale, 236 * scale, 84 * scale)

    def _draw_turn(self, painter: QPainter) -> None:
        """Say what comes next on the route."""
        assert self._state is not None
        scale, look = self.scale, self.look
        turn = city().next_turn(self._state.driven_m(self._state.now_s))
        box = self.turn_box()
        self.card(painter, box)
        _draw_bend(painter, QRectF(box.x(), box.y(), 76 * scale, box.height()), turn, look.accent)
        left, width = box.x() + 78 * scale, box.width() - 88 * scale
        line = QRectF(left, box.y() + 8 * scale, width, 38 * scale)
        self.text(painter, line, distance_text(turn.distance_m), 29, look.text, bold=True)
        line = QRectF(left, box.y() + 46 * scale, width, 26 * scale)
        self.text(painter, line, turn.street, 18, look.muted)


def distance_text(metres: float) -> str:
    """Return a distance as it is said: coarser when farther."""
    if metres < 15:
        return "Now"
    if metres < 1000:
        step = 10 if metres < 300 else 50
        rounded = round(metres / step) * step
        return f"{rounded:.0f} m" if rounded < 1000 else "1.0 km"
    return f"{metres / 1000:.1f} km"


def _draw_bend(painter: QPainter, where: QRectF, turn: Turn, colour: str) -> None:
    """Draw the arrow of a corner."""
    half = 0.28 * where.height()
    sign = 1 if turn.side == "right" else -1
    painter.save()
    painter.translate(where.center())
    painter.scale(sign * half, half)
    pen = QPen(QColor(colour), 0.34)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    path = QPainterPath(QPointF(-0.6, 1.0))
    path.lineTo(-0.6, 0.0)
    path.quadTo(-0.6, -0.4, -0.2, -0.4)
    path.lineTo(0.85, -0.4)
    path.moveTo(0.35, -0.95)
    path.lineTo(0.9, -0.4)
    path.lineTo(0.35, 0.15)
    painter.drawPath(path)
    painter.restore()
