"""What a hand does, as a line drawing of one stroke width: one picture per gesture."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

Point = tuple[float, float]  # both -1..1, y down
Stroke = Sequence[Point]

_HEAD = 0.42  # length of an arrow's head


def draw_gesture(painter: QPainter, where: QRectF, gesture: str, colour: str) -> None:
    """Draw a gesture's picture in the largest square that `where` holds.

    One that has no picture of its own is a ring: models may know other gestures.
    """
    side = min(where.width(), where.height())
    half = 0.40 * side
    pen = QPen(QColor(colour), max(1.5, side * 0.085))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.save()
    painter.translate(where.center())
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    path = QPainterPath()
    for stroke in _STROKES.get(gesture, (_arc(0.8, 0.0, 2 * pi),)):
        path.moveTo(_at(stroke[0], half))
        for point in stroke[1:]:
            path.lineTo(_at(point, half))
    painter.drawPath(path)
    if gesture in _DOTS:
        painter.setBrush(QColor(colour))
        painter.drawEllipse(QPointF(0, 0), _DOTS[gesture] * half, _DOTS[gesture] * half)
    painter.restore()


def _at(point: Point, half: float) -> QPointF:
    return QPointF(point[0] * half, point[1] * half)


def _arrow(start: Point, end: Point, head: float = _HEAD) -> list[Stroke]:
    """Return a line and the two sides of its head."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = (dx * dx + dy * dy) ** 0.5
    ux, uy = dx / length * head, dy / length * head
    left = (end[0] - ux + uy, end[1] - uy - ux)
    right = (end[0] - ux - uy, end[1] - uy + ux)
    return [(start, end), (left, end, right)]


def _arc(radius: float, start_rad: float, end_rad: float, count: int = 24) -> Stroke:
    angles = [start_rad + (end_rad - start_rad) * k / count for k in range(count + 1)]
    return [(radius * cos(a), radius * sin(a)) for a in angles]


def _turning(clockwise: bool) -> list[Stroke]:
    """Most of a circle, open at the top right or left, with a head at its end."""
    turn = 1 if clockwise else -1
    arc = _arc(0.8, -pi / 2 + 0.55 * turn, -pi / 2 + (2 * pi - 0.35) * turn)
    x, y = arc[-1]
    return [arc, ((x - 0.55 * turn, y - 0.12), (x, y), (x - 0.02 * turn, y + 0.58))]


def _corners(inwards: bool) -> list[Stroke]:
    """Two arrows along the diagonal, together or apart."""
    near, far = (0.14, 0.14), (0.86, 0.86)
    strokes: list[Stroke] = []
    for sign in (1, -1):
        a = (sign * near[0], -sign * near[1])
        b = (sign * far[0], -sign * far[1])
        strokes += _arrow(b, a) if inwards else _arrow(a, b)
    return strokes


_STROKES: dict[str, Sequence[Stroke]] = {
    "Grab": [  # a fist: its outline, between the fingers, the thumb
        ((-0.8, -0.5), (0.8, -0.5), (0.8, 0.35), (0.45, 0.85), (-0.5, 0.85), (-0.8, 0.45),
         (-0.8, -0.5)),
        ((-0.4, -0.5), (-0.4, 0.05)), ((0.0, -0.5), (0.0, 0.05)), ((0.4, -0.5), (0.4, 0.05)),
        ((-0.8, 0.3), (0.2, 0.3)),
    ],
    "Tap": [_arc(0.85, 0.0, 2 * pi)],
    "Expand": _corners(inwards=False),
    "Pinch": _corners(inwards=True),
    "Rotation CW": _turning(clockwise=True),
    "Rotation CCW": _turning(clockwise=False),
    "Swipe Right": _arrow((-0.9, 0), (0.9, 0), 0.55),
    "Swipe Left": _arrow((0.9, 0), (-0.9, 0), 0.55),
    "Swipe Up": _arrow((0, 0.9), (0, -0.9), 0.55),
    "Swipe Down": _arrow((0, -0.9), (0, 0.9), 0.55),
    "Swipe X": [((-0.75, -0.75), (0.75, 0.75)), ((0.75, -0.75), (-0.75, 0.75))],
    "Swipe +": [((-0.85, 0), (0.85, 0)), ((0, -0.85), (0, 0.85))],
    "Swipe V": [((-0.75, -0.7), (0, 0.75), (0.75, -0.7))],
    "Shake": [((-0.95, 0), (-0.6, -0.6), (-0.2, 0.6), (0.2, -0.6), (0.6, 0.6), (0.95, 0))],
}  # fmt: skip
_DOTS = {"Tap": 0.3}
