"""How a timeline of spans is drawn: a ruler, the motion, the spans and the moment shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from motionrgbd.app.activity import NOTHING, Activity
from motionrgbd.app.gui import texts
from motionrgbd.app.gui.span_axes import SpanAxes
from motionrgbd.app.gui.theme import Theme, theme_of
from motionrgbd.core.labels import NamedSpan

_LEAST_MOTION_PX = 40
_TICK_PX = 64  # between two times on the ruler, at least


@dataclass(frozen=True, slots=True)
class TimelineScene:
    """Everything that a timeline shows.

    colours: the number of each label's colour. wrong: spans that cannot be taught as they are.
    mark: the edges of a span that is being marked; the second may be missing still. empty: there
    is no recording.
    """

    spans: tuple[NamedSpan, ...] = ()
    chosen: NamedSpan | None = None
    wrong: frozenset[NamedSpan] = frozenset()
    colours: Mapping[str, int] = field(default_factory=dict)
    mark: tuple[float, float | None] | None = None
    activity: Activity = NOTHING
    playhead_s: float = 0.0
    empty: bool = False


class SpanPainter:
    """Draws a `TimelineScene` on a widget, once."""

    def __init__(self, widget: QWidget, axes: SpanAxes) -> None:
        self._widget, self._axes = widget, axes
        self._theme: Theme = theme_of(widget)
        self._metrics = QFontMetricsF(widget.font())
        self._ruler, self._motion, self._lane = _rows(widget.font(), QRectF(widget.rect()))

    @staticmethod
    def least_height_px(font: QFont) -> int:
        """Return how high a timeline must be."""
        ruler, _, lane = _rows(font, QRectF(0, 0, 100, 400))
        return round(ruler.height() + lane.height() + _LEAST_MOTION_PX)

    @staticmethod
    def lane(font: QFont, whole: QRectF) -> QRectF:
        """Return where the spans are."""
        return _rows(font, whole)[2]

    def paint(self, scene: TimelineScene) -> None:
        """Draw everything."""
        painter = QPainter(self._widget)
        painter.fillRect(self._widget.rect(), self._widget.palette().color(QPalette.ColorRole.Base))
        if scene.empty:
            return
        self._paint_ruler(painter)
        self._paint_behind(painter, scene)
        self._paint_motion(painter, scene.activity)
        painter.fillRect(self._lane, QColor(self._theme.window))
        for span in scene.spans:
            self._paint_span(painter, scene, span)
        self._paint_mark(painter, scene)
        self._paint_playhead(painter, scene.playhead_s)

    def _paint_ruler(self, painter: QPainter) -> None:
        step_s, ticks = self._axes.ticks(_TICK_PX)
        for tick in ticks:
            x = self._axes.x(tick)
            painter.setPen(QPen(QColor(self._theme.line), 1))
            painter.drawLine(QPointF(x, self._ruler.bottom() - 4), QPointF(x, self._lane.top()))
            painter.setPen(QColor(self._theme.muted))
            text = texts.clock(tick, tenths=step_s < 1)
            wide = self._metrics.horizontalAdvance(text)
            left = min(max(x - wide / 2, 0.0), self._ruler.right() - wide)
            painter.drawText(QPointF(left, self._metrics.ascent()), text)

    def _paint_behind(self, painter: QPainter, scene: TimelineScene) -> None:
        """Tint the motion that lies within spans, so that both are seen to fit."""
        for span in scene.spans:
            tint = self._colour(scene, span.label)
            tint.setAlpha(40 if span == scene.chosen else 22)
            x = self._axes.x(span.start_s)
            height = self._motion.height()
            wide = self._axes.x(span.end_s) - x
            painter.fillRect(QRectF(x, self._motion.top(), wide, height), tint)

    def _paint_motion(self, painter: QPainter, activity: Activity) -> None:
        shown = _shown(activity.times_s, self._axes)
        x = (activity.times_s[shown] - self._axes.start_s) * (
            self._axes.width_px / self._axes.shown_s
        )
        if len(x) > 1:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            area = QColor(self._theme.bar)
            area.setAlpha(150)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(area)
            ends = [QPointF(v, self._motion.bottom()) for v in (x[-1], x[0])]
            painter.drawPolygon(QPolygonF(self._points(x, activity.motion[shown]) + ends))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(self._theme.accent), 1.5))
            known = np.isfinite(activity.gesture[shown])
            painter.drawPolyline(QPolygonF(self._points(x[known], activity.gesture[shown][known])))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._paint_unread(painter, activity)

    def _points(self, x: NDArray[np.float64], share: NDArray[np.float32]) -> list[QPointF]:
        room = self._motion.height() - 4
        y = self._motion.bottom() - share * room
        return [QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]

    def _paint_unread(self, painter: QPainter, activity: Activity) -> None:
        """Say that the motion is still being looked for, or why not, where it would be."""
        if activity.finished:
            return
        text = "looking for motion …" if activity.error is None else str(activity.error)
        done_s = float(activity.times_s[-1]) if len(activity.times_s) else 0.0
        left = max(self._axes.x(done_s), 0.0) + 6
        room = self._motion.right() - left
        text = self._metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        if len(text) > 1:
            painter.setPen(QColor(self._theme.muted))
            painter.drawText(QPointF(left, self._motion.bottom() - 6), text)

    def _paint_span(self, painter: QPainter, scene: TimelineScene, span: NamedSpan) -> None:
        x, right = self._axes.x(span.start_s), self._axes.x(span.end_s)
        if right < 0 or x > self._lane.right():
            return
        colour = self._colour(scene, span.label)
        bar = QRectF(x, self._lane.top() + 2, max(right - x, 3.0), self._lane.height() - 4)
        chosen = span == scene.chosen
        fill = QColor(colour)
        fill.setAlpha(120 if chosen else 60)
        painter.fillRect(bar, fill)
        for edge in (bar.left(), bar.right() - 3):
            painter.fillRect(QRectF(edge, bar.top(), 3, bar.height()), colour)
        if chosen:
            painter.setPen(QPen(QColor(self._theme.text), 1))
            painter.drawRect(bar.adjusted(0.5, 0.5, -0.5, -0.5))
        left = max(bar.left(), 0.0) + 6
        room = min(bar.right(), self._lane.right()) - 6 - left
        if span in scene.wrong:
            self._paint_cross(painter, bar)
        text = self._metrics.elidedText(span.label, Qt.TextElideMode.ElideRight, room)
        if len(text) > 1 or text == span.label:
            painter.setPen(QColor(self._theme.text))
            y = bar.center().y() + (self._metrics.ascent() - self._metrics.descent()) / 2
            painter.drawText(QPointF(left, y), text)

    def _paint_cross(self, painter: QPainter, bar: QRectF) -> None:
        """Underline what cannot be taught as it is."""
        painter.fillRect(
            QRectF(bar.left(), bar.bottom() - 3, bar.width(), 3), QColor(self._theme.error)
        )

    def _paint_mark(self, painter: QPainter, scene: TimelineScene) -> None:
        if scene.mark is None:
            return
        start_s, end_s = scene.mark
        x = self._axes.x(start_s)
        right = self._axes.x(max(start_s, scene.playhead_s if end_s is None else end_s))
        tint = QColor(self._theme.accent)
        painter.setPen(QPen(tint, 2))
        top, bottom = self._motion.top(), self._lane.bottom()
        painter.drawLine(QPointF(x, top), QPointF(x, bottom))
        if end_s is not None:
            painter.drawLine(QPointF(right, top), QPointF(right, bottom))
        tint.setAlpha(50)
        painter.fillRect(QRectF(x, top, right - x, bottom - top), tint)

    def _paint_playhead(self, painter: QPainter, playhead_s: float) -> None:
        x = self._axes.x(playhead_s)
        colour = QColor(self._theme.error)
        painter.setPen(QPen(colour, 1))
        painter.drawLine(QPointF(x, self._ruler.bottom()), QPointF(x, self._lane.bottom()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        y = self._ruler.bottom()
        painter.drawPolygon(
            QPolygonF([QPointF(x - 5, y - 6), QPointF(x + 5, y - 6), QPointF(x, y + 2)])
        )

    def _colour(self, scene: TimelineScene, label: str) -> QColor:
        series = self._theme.series
        return QColor(series[scene.colours.get(label, 0) % len(series)])


def _rows(font: QFont, whole: QRectF) -> tuple[QRectF, QRectF, QRectF]:
    """Divide a timeline: the ruler, the motion, the spans."""
    line = QFontMetricsF(font).height()
    ruler = QRectF(whole.left(), whole.top(), whole.width(), line + 8)
    lane_px = line + 14
    lane = QRectF(whole.left(), whole.bottom() - lane_px, whole.width(), lane_px)
    motion = QRectF(whole.left(), ruler.bottom(), whole.width(), lane.top() - ruler.bottom() - 2)
    return ruler, motion, lane


def _shown(times_s: NDArray[np.float64], axes: SpanAxes) -> NDArray[np.intp]:
    """Return the steps worth drawing: the newest of each pixel column, and one beyond each end."""
    first = max(int(np.searchsorted(times_s, axes.start_s)) - 1, 0)
    last = min(int(np.searchsorted(times_s, axes.end_s)) + 1, len(times_s))
    pixel = np.floor((times_s[first:last] - axes.start_s) * (axes.width_px / axes.shown_s))
    if not len(pixel):
        return np.empty(0, np.intp)
    return first + np.flatnonzero(np.append(np.diff(pixel) > 0, True))
