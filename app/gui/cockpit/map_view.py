"""The map: the city drawn north up, moving smoothly to where it is wanted."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF, QTransform
from PySide6.QtWidgets import QWidget

from motionrgbd.app.cockpit.city import City, Line, Street, Turn, city
from motionrgbd.app.cockpit.state import VIEW_HEIGHTS_KM, CockpitState, PointKm
from motionrgbd.app.gui.cockpit.look import Panel

_EASE_S = 0.18  # time constant of every movement: calm, and over within half a second
_BUILDINGS_KM = 1.5  # from this height of the view on they are drawn
_SMALL_STREETS_KM = 6.5
_MAIN_KM, _SMALL_KM, _ROUTE_KM = 0.026, 0.013, 0.02  # widths
_LEAST_PX = {"main": 3.0, "small": 1.0, "route": 5.0}
_OVERVIEW_ROOM = 1.12  # around the whole route


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

    def set_state(self, state: CockpitState, *, whole: bool, chosen: bool = False) -> None:
        """Show a state. whole: with directions; chosen: framed as a card is."""
        self._state = state
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
            self._view = (x, y, z)
        if car is None or view is None or self._moved(car, view):
            self.update()

    def _moved(self, car: tuple[float, ...], view: tuple[float, ...]) -> bool:
        """Say whether the last tick can be seen: a tenth of a pixel, or of a degree."""
        assert self._car is not None
        assert self._view is not None
        pixel_km = math.exp(view[2]) / max(self.height(), 1)
        steps = [self._car[k] - car[k] for k in (0, 1)]
        steps += [self._view[k] - view[k] for k in (0, 1)]
        return (
            max(map(abs, steps)) > 0.1 * pixel_km
            or abs(self._car[2] - car[2]) > 0.1
            or abs(self._view[2] - view[2]) > 1e-4
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
        if self._state is None or self._view is None:
            return
        inset = (4 if self._chosen else 1) * scale
        frame = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        clip = QPainterPath()
        clip.addRoundedRect(frame, 13 * scale, 13 * scale)
        painter.save()
        painter.setClipPath(clip)
        painter.fillRect(self.rect(), QColor(look.land))
        (east, south), height_km = self.view()
        px_per_km = self.height() / height_km
        to_screen = QTransform()
        to_screen.translate(self.width() / 2, self.height() / 2)
        to_screen.scale(px_per_km, px_per_km)
        to_screen.translate(-east, -south)
        half_km = (self.width() / px_per_km / 2, height_km / 2)
        seen = QRectF(east - half_km[0], south - half_km[1], 2 * half_km[0], 2 * half_km[1])
        painter.setWorldTransform(to_screen, True)
        self._draw_land(painter, seen, height_km)
        self._draw_streets(painter, seen, px_per_km, height_km)
        painter.resetTransform()
        self._draw_names(painter, to_screen, seen, height_km)
        self._draw_pins(painter, to_screen)
        self._draw_car(painter, to_screen)
        painter.restore()
        painter.setPen(QPen(QColor(look.accent if self._chosen else look.edge), inset))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        edge = frame.adjusted(-inset / 2, -inset / 2, inset / 2, inset / 2)
        painter.drawRoundedRect(edge, 14 * scale, 14 * scale)
        if self._whole and self._state.display.guidance:
            self._draw_turn(painter)

    # ---- in kilometres ----

    def _draw_land(self, painter: QPainter, seen: QRectF, height_km: float) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.look.park))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # no seams between them
        for polygon in city().parks:
            painter.drawPolygon(_polygon(polygon))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(_pen(self.look.water, 0.19))
        painter.drawPath(_river_path())
        if height_km <= _BUILDINGS_KM:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self.look.building))
            painter.drawPath(_path_of(city().buildings[_within(city(), seen)]))

    def _draw_streets(
        self, painter: QPainter, seen: QRectF, px_per_km: float, height_km: float
    ) -> None:
        assert self._state is not None
        look, scale = self.look, self.scale
        painter.setBrush(Qt.BrushStyle.NoBrush)
        paths = [(path, street) for path, street in _street_paths() if _near(path, seen)]
        small = [path for path, street in paths if not street.main]
        main = [path for path, street in paths if street.main]
        least = {name: px * scale / px_per_km for name, px in _LEAST_PX.items()}
        if height_km <= _SMALL_STREETS_KM:
            painter.setPen(_pen(look.street, max(_SMALL_KM, least["small"])))
            for path in small:
                painter.drawPath(path)
        width = max(_MAIN_KM, least["main"])
        for colour, wide in ((look.street_edge, 1.4 * width), (look.main_street, width)):
            painter.setPen(_pen(colour, wide))
            for path in main:
                painter.drawPath(path)
        if self._state.display.guidance:
            painter.setPen(_pen(look.route, max(_ROUTE_KM, least["route"])))
            painter.drawPath(_route_path())

    # ---- in pixels ----

    def _draw_names(
        self, painter: QPainter, to_screen: QTransform, seen: QRectF, height_km: float
    ) -> None:
        if height_km > 2.6:
            for name, (x, y) in city().districts:
                self._halo(painter, to_screen.map(QPointF(x, y)), 0.0, name, 18, self.look.text)
            return
        taken: list[QPointF] = []
        for street in city().streets:
            if street.main:
                self._draw_street_name(painter, to_screen, seen, street, taken)

    def _draw_street_name(
        self,
        painter: QPainter,
        to_screen: QTransform,
        seen: QRectF,
        street: Street,
        taken: list[QPointF],
    ) -> None:
        """Write the name along its street, where nothing is drawn; add its place to `taken`."""
        assert self._car is not None
        km_per_px = seen.height() / self.height()
        margin = 60 * self.scale * km_per_px  # half a name
        inner = seen.adjusted(margin, margin, -margin, -margin)
        for k in range(1, len(street.line) - 1):
            x, y = street.line[k]
            if not inner.contains(QPointF(x, y)):
                continue
            here = to_screen.map(QPointF(x, y))
            if self._whole and here.x() < 330 * self.scale and here.y() < 150 * self.scale:
                continue  # the next turn is said there
            if np.hypot(x - self._car[0], y - self._car[1]) < 1.4 * margin:
                continue
            if np.hypot(*(city().route - (x, y)).T).min() < margin:
                continue
            if any(QLineF(here, other).length() < 130 * self.scale for other in taken):
                continue
            a, b = (to_screen.map(QPointF(*street.line[i])) for i in (k - 1, k + 1))
            angle = math.degrees(math.atan2(b.y() - a.y(), b.x() - a.x()))
            angle = (angle + 90.0) % 180.0 - 90.0  # never upside down
            self._halo(painter, here, angle, street.name, 14, self.look.muted)
            taken.append(here)
            return

    def _halo(
        self, painter: QPainter, at: QPointF, angle: float, text: str, size: float, colour: str
    ) -> None:
        """Write a text around a point, with the land's colour behind it."""
        font = self.font()
        font.setPixelSize(round(size * self.scale))
        font.setBold(size > 15)
        path = QPainterPath()
        path.addText(QPointF(0, 0), font, text)
        box = path.boundingRect()
        painter.save()
        painter.translate(at)
        painter.rotate(angle)
        painter.translate(-box.center())
        halo = QPen(QColor(self.look.land), 4 * self.scale)
        halo.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.strokePath(path, halo)
        painter.fillPath(path, QColor(colour))
        painter.restore()

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

    def _draw_turn(self, painter: QPainter) -> None:
        """Say what comes next on the route."""
        assert self._state is not None
        scale, look = self.scale, self.look
        turn = city().next_turn(self._state.driven_m(self._state.now_s))
        box = QRectF(12 * scale, 12 * scale, 236 * scale, 84 * scale)
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


def _pen(colour: str, width_km: float) -> QPen:
    pen = QPen(QColor(colour), width_km)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return pen


def _line_path(line: Line) -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(_polygon(line))
    return path


def _polygon(line: Line) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in line.tolist()])


def _path_of(polygons: Line) -> QPainterPath:
    path = QPainterPath()
    for polygon in polygons:
        path.addPolygon(_polygon(polygon))
        path.closeSubpath()
    return path


@lru_cache(maxsize=1)
def _street_paths() -> tuple[tuple[QPainterPath, Street], ...]:
    return tuple((_line_path(street.line), street) for street in city().streets)


@lru_cache(maxsize=1)
def _river_path() -> QPainterPath:
    return _line_path(city().river)


@lru_cache(maxsize=1)
def _route_path() -> QPainterPath:
    return _line_path(city().route)


def _near(path: QPainterPath, seen: QRectF) -> bool:
    return path.controlPointRect().adjusted(-0.03, -0.03, 0.03, 0.03).intersects(seen)


def _within(where: City, seen: QRectF) -> np.ndarray:  # bool (buildings,)
    corner = where.buildings[:, 0]
    room = 0.2
    inside: np.ndarray = (
        (corner[:, 0] > seen.left() - room)
        & (corner[:, 0] < seen.right() + room)
        & (corner[:, 1] > seen.top() - room)
        & (corner[:, 1] < seen.bottom() + room)
    )
    return inside
