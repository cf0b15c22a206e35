"""The city on paper: land, streets, route and names of any part of it, at any scale."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from motionrgbd.app.cockpit.city import City, Line, Street, city
from motionrgbd.app.gui.cockpit.look import Look

_BUILDINGS_KM = 1.5  # from this height of the view on they are drawn
_SMALL_STREETS_KM = 6.5
_STREET_NAMES_KM = 2.6  # above it, districts are named instead
_MAIN_KM, _SMALL_KM, _ROUTE_KM, _RIVER_KM = 0.026, 0.013, 0.02, 0.19  # widths
_LEAST_PX = {"main": 3.0, "small": 1.0, "route": 5.0}
_HALF_NAME_PX = 58.0
_NAME_ROOM_PX = (60.0, 150.0)  # to the route, and to the next name


class CityPainter:
    """Paints what `seen` (km) holds of the city, `px_per_km` large, in one look and text scale.

    view: the part of it that is shown now: its height decides how much detail there is, and no name
    lies across its edge.
    """

    def __init__(
        self, look: Look, scale: float, seen: QRectF, view: QRectF, px_per_km: float
    ) -> None:
        self._look, self._scale, self._seen, self._px_per_km = look, scale, seen, px_per_km
        self._height_km = view.height()
        edge = _HALF_NAME_PX * scale / px_per_km
        self._well_inside = view.adjusted(edge, edge, -edge, -edge)
        self._not_outside = view.adjusted(-edge, -edge, edge, edge)

    def to_screen(self) -> QTransform:
        """Return the transform from kilometres to pixels from the corner of `seen`."""
        transform = QTransform.fromScale(self._px_per_km, self._px_per_km)
        return transform.translate(-self._seen.left(), -self._seen.top())

    def paint(self, painter: QPainter, *, route: bool, names: bool, font: QFont) -> None:
        """Paint from the painter's origin on."""
        size = self._seen.size() * self._px_per_km
        painter.fillRect(QRectF(QPointF(0, 0), size), QColor(self._look.land))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setWorldTransform(self.to_screen(), True)
        self._land(painter)
        self._streets(painter, route)
        painter.restore()
        if names:
            self._names(painter, font)

    def _land(self, painter: QPainter) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._look.park))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # no seams between them
        painter.drawPath(_path_of(city().parks))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(_pen(self._look.water, _RIVER_KM))
        painter.drawPath(_river_path())
        if self._height_km <= _BUILDINGS_KM:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._look.building))
            painter.drawPath(_path_of(city().buildings[_within(city(), self._seen)]))

    def _streets(self, painter: QPainter, route: bool) -> None:
        look = self._look
        least = {name: px * self._scale / self._px_per_km for name, px in _LEAST_PX.items()}
        painter.setBrush(Qt.BrushStyle.NoBrush)
        near = [(path, street) for path, street in _street_paths() if _near(path, self._seen)]
        if self._height_km <= _SMALL_STREETS_KM:
            painter.setPen(_pen(look.street, max(_SMALL_KM, least["small"])))
            for path, street in near:
                if not street.main:
                    painter.drawPath(path)
        width = max(_MAIN_KM, least["main"])
        for colour, wide in ((look.street_edge, 1.4 * width), (look.main_street, width)):
            painter.setPen(_pen(colour, wide))
            for path, street in near:
                if street.main:
                    painter.drawPath(path)
        if route:
            painter.setPen(_pen(look.route, max(_ROUTE_KM, least["route"])))
            painter.drawPath(_route_path())

    def _names(self, painter: QPainter, font: QFont) -> None:
        to_screen = self.to_screen()
        if self._height_km > _STREET_NAMES_KM:
            for name, place in city().districts:
                self._write(painter, to_screen.map(QPointF(*place)), 0.0, name, font, big=True)
            return
        taken: list[QPointF] = []
        for street in city().streets:
            if street.main:
                for here, angle in self._name_places(street, to_screen, taken):
                    self._write(painter, here, angle, street.name, font, big=False)

    def _name_places(
        self, street: Street, to_screen: QTransform, taken: list[QPointF]
    ) -> Iterator[tuple[QPointF, float]]:
        """Yield where a street's name fits: off the route, and away from the names in `taken`."""
        to_route, to_name = (room * self._scale for room in _NAME_ROOM_PX)
        own: list[QPointF] = []  # the same name comes again, but not soon
        middle = self._seen.center()
        away = np.hypot(*(street.line[1:-1] - (middle.x(), middle.y())).T)
        for k in (1 + np.argsort(away, kind="stable")).tolist():
            x, y = street.line[k]
            at = QPointF(x, y)
            across = self._not_outside.contains(at) and not self._well_inside.contains(at)
            if across or not self._seen.contains(at):
                continue
            here = to_screen.map(at)
            if any(QLineF(here, other).length() < 3.5 * to_name for other in own):
                continue
            if np.hypot(*(city().route - (x, y)).T).min() * self._px_per_km < to_route:
                continue
            if any(QLineF(here, other).length() < to_name for other in taken):
                continue
            a, b = (to_screen.map(QPointF(*street.line[i])) for i in (k - 1, k + 1))
            angle = math.degrees(math.atan2(b.y() - a.y(), b.x() - a.x()))
            taken.append(here)
            own.append(here)
            yield here, (angle + 90.0) % 180.0 - 90.0  # never upside down

    def _write(
        self, painter: QPainter, at: QPointF, angle: float, text: str, font: QFont, *, big: bool
    ) -> None:
        """Write a text around a point, with the land's colour behind it."""
        font = QFont(font)
        font.setPixelSize(round((18 if big else 14) * self._scale))
        font.setBold(big)
        path = QPainterPath()
        path.addText(QPointF(0, 0), font, text)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(at)
        painter.rotate(angle)
        painter.translate(-path.boundingRect().center())
        halo = QPen(QColor(self._look.land), 4 * self._scale)
        halo.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.strokePath(path, halo)
        painter.fillPath(path, QColor(self._look.text if big else self._look.muted))
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
