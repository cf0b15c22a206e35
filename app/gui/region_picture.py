"""A picture with the region of interest over it, which can be drawn there as a rectangle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF

from motionrgbd.app.gui.picture import PictureView
from motionrgbd.app.gui.theme import DARK
from motionrgbd.core.results import Box

Line = NDArray[np.float64]

_LEAST_PX = 4.0  # a shorter drag is a click
_NEAR_PX, _FAR_PX = 2.0, 1.2


class RegionPicture(PictureView):
    """Draws a region's outlines, and a rectangle while the mouse drags it.

    drawn: a rectangle was dragged, a `Box` in the picture's pixels.
    """

    drawn = Signal(object)

    def __init__(self, placeholder: str = "") -> None:
        super().__init__(placeholder)
        self._lines: Sequence[Line] | None = None
        self._ends: tuple[QPointF, QPointF] | None = None

    def set_region(self, lines: Sequence[Line] | None) -> None:
        """Show a region, which can be drawn anew; None shows none, and none can be drawn.

        lines: as `RegionOfInterest.outlines` gives them, in the picture's pixels.
        """
        if lines is self._lines:
            return
        self._lines, self._ends = lines, None
        drawable = lines is not None
        self.setCursor(Qt.CursorShape.CrossCursor if drawable else Qt.CursorShape.ArrowCursor)
        self.update()

    def outlines(self) -> list[QPolygonF]:
        """Return the region's lines, near face first, where they are painted."""
        lines = self._lines or ()
        return [QPolygonF([self.widget_point(x, y) for x, y in line]) for line in lines]

    def widget_point(self, x_px: float, y_px: float) -> QPointF:
        """Return where a pixel's centre is painted."""
        where, (height, width) = self.picture_rect(), self._size()
        right = (x_px + 0.5) / width * where.width()
        x = where.right() - right if self.mirrored() else where.left() + right
        return QPointF(x, where.top() + (y_px + 0.5) / height * where.height())

    def picture_point(self, point: QPointF) -> tuple[float, float]:
        """Return the pixel that is painted at a point of the picture, or the nearest one."""
        where, (height, width) = self.picture_rect(), self._size()
        x = min(max(point.x(), where.left()), where.right())
        y = min(max(point.y(), where.top()), where.bottom())
        right = where.right() - x if self.mirrored() else x - where.left()
        return (
            right / where.width() * width - 0.5,
            (y - where.top()) / where.height() * height - 0.5,
        )

    def _size(self) -> tuple[int, int]:
        scene = self.scene()
        return (1, 1) if scene is None else (scene.image.shape[0], scene.image.shape[1])

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        left = event.button() == Qt.MouseButton.LeftButton
        if left and self._lines is not None and self.picture_rect().contains(event.position()):
            self._ends = (event.position(), event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._ends is not None:
            self._ends = (self._ends[0], event.position())
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._ends is None or event.button() != Qt.MouseButton.LeftButton:
            return
        (start, _), self._ends = self._ends, None
        self.update()
        away = event.position() - start
        if min(abs(away.x()), abs(away.y())) >= _LEAST_PX:
            (x0, y0), (x1, y1) = self.picture_point(start), self.picture_point(event.position())
            self.drawn.emit(Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        if self.scene() is None or not self._lines:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(self.picture_rect())
        near, *others = self.outlines()
        # light over dark: seen on every picture, in both themes
        for colour, wider in ((QColor(0, 0, 0, 150), 2.0), (QColor(DARK.warning), 0.0)):
            painter.setPen(QPen(colour, _FAR_PX + wider))
            for line in others:
                painter.drawPolyline(line)
            painter.setPen(QPen(colour, _NEAR_PX + wider))
            painter.drawPolyline(near)
        if self._ends is not None:
            painter.setPen(QPen(Qt.GlobalColor.white, 1.5, Qt.PenStyle.DashLine))
            painter.drawRect(QRectF(*self._ends))
