"""How the decision designer's timeline is drawn: probabilities, thresholds, events, the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from motionrgbd.app.gui import texts
from motionrgbd.app.gui.span_axes import SpanAxes
from motionrgbd.app.gui.theme import Theme, theme_of
from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.matching import JudgedEvent, Outcome
from motionrgbd.core.results import FloatArray

_TICK_PX = 64  # between two times on the ruler, at least
_LEAST_PLOT_PX = 90
_WRAPPED_PX = 200  # narrower, a sentence is no column of words
_NO_ROWS = np.zeros((0, 1), np.float32)
_WRONG = (Outcome.FALSE, Outcome.SUBSTITUTION, Outcome.DUPLICATE)


@dataclass(frozen=True, slots=True, eq=False)
class DesignScene:
    """Everything that the designer's timeline shows. Times are the source's.

    probabilities: float32 (n, K) after smoothing, beside times_s. curves: the classes drawn.
    on, off: the thresholds. events, missed: what is decided, and the gestures without an answer.
    truth: what was gestured. colours: the number of each label's colour. origin_s: the time that
    reads 0:00. playhead_s: the moment that the pictures show. reading: what is still to come.
    """

    times_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    probabilities: FloatArray = field(default_factory=lambda: _NO_ROWS)
    curves: tuple[int, ...] = ()
    on: float = 0.6
    off: float = 0.35
    events: tuple[JudgedEvent, ...] = ()
    missed: tuple[ScriptedGesture, ...] = ()
    truth: tuple[ScriptedGesture, ...] = ()
    colours: Mapping[str, int] = field(default_factory=dict)
    origin_s: float = 0.0
    playhead_s: float = 0.0
    reading: str = ""


def rows_of(font: QFont, whole: QRectF) -> tuple[QRectF, QRectF, QRectF, QRectF]:
    """Divide the timeline: the ruler, the plot, the events, the truth."""
    line = QFontMetricsF(font).height()
    ruler = QRectF(whole.left(), whole.top(), whole.width(), line + 8)
    truth = QRectF(whole.left(), whole.bottom() - line - 6, whole.width(), line + 6)
    events = QRectF(whole.left(), truth.top() - line - 10, whole.width(), line + 8)
    plot = QRectF(whole.left(), ruler.bottom(), whole.width(), events.top() - ruler.bottom() - 6)
    return ruler, plot, events, truth


def least_height_px(font: QFont) -> int:
    """Return how high the timeline must be."""
    _, plot, _, _ = rows_of(font, QRectF(0, 0, 100, 400))
    return round(400 - plot.height()) + _LEAST_PLOT_PX


class DesignPainter:
    """Draws a `DesignScene` on a widget, once."""

    def __init__(self, widget: QWidget, axes: SpanAxes, scene: DesignScene) -> None:
        self._widget, self._axes, self._scene = widget, axes, scene
        self._theme: Theme = theme_of(widget)
        self._metrics = QFontMetricsF(widget.font())
        self._ruler, self._plot, self._events, self._truth = rows_of(
            widget.font(), QRectF(widget.rect())
        )

    def paint(self, lit: str = "") -> None:
        """Draw everything; lit: the threshold under the mouse."""
        painter = QPainter(self._widget)
        painter.fillRect(self._widget.rect(), self._widget.palette().color(QPalette.ColorRole.Base))
        self._paint_ruler(painter)
        self._paint_truth(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for k in self._scene.curves:
            self._paint_curve(painter, k)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._paint_threshold(painter, "off", self._scene.off, lit == "off")
        self._paint_threshold(painter, "on", self._scene.on, lit == "on")
        self._paint_events(painter)
        self._paint_reading(painter)
        x = self._x(self._scene.playhead_s)
        painter.setPen(QPen(QColor(self._theme.text), 1))
        painter.drawLine(QPointF(x, self._ruler.bottom()), QPointF(x, self._truth.bottom()))

    def _x(self, time_s: float) -> float:
        return self._axes.x(time_s - self._scene.origin_s)

    def _paint_ruler(self, painter: QPainter) -> None:
        step_s, ticks = self._axes.ticks(_TICK_PX)
        for tick in ticks:
            x = self._axes.x(tick)
            painter.setPen(QPen(QColor(self._theme.line), 1))
            painter.drawLine(QPointF(x, self._plot.top()), QPointF(x, self._plot.bottom()))
            painter.setPen(QColor(self._theme.muted))
            text = texts.clock(tick, tenths=step_s < 1)
            wide = self._metrics.horizontalAdvance(text)
            left = min(max(x - wide / 2, 0.0), self._ruler.right() - wide)
            painter.drawText(QPointF(left, self._metrics.ascent()), text)

    def _paint_truth(self, painter: QPainter) -> None:
        missed = set(self._scene.missed)
        for gesture in self._scene.truth:
            left, right = self._x(gesture.start_s), self._x(gesture.end_s)
            if right < 0 or left > self._truth.right():
                continue
            colour = QColor(self._theme.error if gesture in missed else self._theme.muted)
            tint = QColor(colour)
            tint.setAlpha(36 if gesture in missed else 20)
            wide = max(right - left, 3.0)
            painter.fillRect(QRectF(left, self._plot.top(), wide, self._plot.height()), tint)
            painter.fillRect(QRectF(left, self._truth.top(), wide, 2), colour)
            self._write(painter, gesture.label, left, self._next_s(gesture), self._truth, colour)

    def _next_s(self, gesture: ScriptedGesture) -> float:
        after = (g.start_s for g in self._scene.truth if g.start_s >= gesture.end_s)
        return self._x(min(after, default=self._scene.origin_s + self._axes.end_s))

    def _write(
        self, painter: QPainter, text: str, left: float, right: float, row: QRectF, colour: QColor
    ) -> None:
        """Write as much of a text as has room, from its place on."""
        left = max(left, 0.0)
        room = min(right - 4, row.right()) - left
        shown = self._metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        if len(shown) > 1:
            painter.setPen(colour)
            y = row.bottom() - self._metrics.descent() - 1
            painter.drawText(QPointF(left, y), shown)

    def _paint_curve(self, painter: QPainter, k: int) -> None:
        scene = self._scene
        times = scene.times_s - scene.origin_s
        first = max(int(np.searchsorted(times, self._axes.start_s)) - 1, 0)
        last = min(int(np.searchsorted(times, self._axes.end_s)) + 1, len(times))
        x = (times[first:last] - self._axes.start_s) * (self._axes.width_px / self._axes.shown_s)
        if not len(x):
            return
        # the highest of each pixel column: a peak that crosses a threshold is always seen
        starts = np.flatnonzero(np.append(True, np.diff(np.floor(x)) > 0))
        peaks = np.maximum.reduceat(scene.probabilities[first:last, k], starts)
        y = self._y(peaks)
        points = [QPointF(a, b) for a, b in zip(x[starts].tolist(), y.tolist(), strict=True)]
        pen = QPen(QColor(self._theme.series[k % len(self._theme.series)]), 1)
        pen.setCosmetic(True)
        painter.setPen(pen)
        curve = QPolygonF(points)
        for line in range(round(2 * self._widget.devicePixelRatioF())):  # a wider pen is slow
            painter.drawPolyline(curve.translated(0, 0.6 * line / self._widget.devicePixelRatioF()))

    def _y(self, value: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self._plot.bottom() - value * self._plot.height())

    def _paint_threshold(self, painter: QPainter, name: str, value: float, lit: bool) -> None:
        y = round(self._plot.bottom() - value * self._plot.height()) + 0.5
        colour = QColor(self._theme.accent)
        style = Qt.PenStyle.SolidLine if name == "on" else Qt.PenStyle.DashLine
        painter.setPen(QPen(colour, 2 if lit else 1, style))
        painter.drawLine(QPointF(0, y), QPointF(self._plot.right(), y))
        text = f"{'starts at' if name == 'on' else 'ends below'} {value:.2f}"
        wide, high = self._metrics.horizontalAdvance(text) + 10, self._metrics.height() + 2
        # the two never cover each other: one stands on its line, the other hangs from its own
        top = y - high if name == "on" else y
        top = min(max(top, self._ruler.top()), self._events.top() - high)
        place = QRectF(self._plot.right() - wide, top, wide, high)
        painter.fillRect(place, colour if lit else QColor(self._theme.card))
        painter.setPen(QColor(self._theme.on_accent) if lit else colour)
        painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), text)

    def _paint_events(self, painter: QPainter) -> None:
        theme, events = self._theme, self._scene.events
        for n, judged in enumerate(events):
            x = self._x(judged.event.decided_s)
            following = self._x(events[n + 1].event.decided_s) if n + 1 < len(events) else 1e9
            if following < 0 or x > self._events.right():
                continue
            wrong = judged.outcome in _WRONG
            number = self._scene.colours.get(judged.event.label, 0)
            colour = QColor(theme.error if wrong else theme.series[number % len(theme.series)])
            painter.setPen(QPen(colour, 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, self._plot.top()), QPointF(x, self._events.top()))
            painter.fillRect(QRectF(x, self._events.top(), 3, self._events.height() - 2), colour)
            words = {
                Outcome.FALSE: " (false)",
                Outcome.SUBSTITUTION: " (wrong)",
                Outcome.DUPLICATE: " (again)",
            }
            text = judged.event.label + words.get(judged.outcome, "")
            self._write(painter, text, x + 6, following, self._events, colour)

    def _paint_reading(self, painter: QPainter) -> None:
        """Say what is still missing where it will be."""
        if not self._scene.reading:
            return
        times = self._scene.times_s
        left = max(self._x(float(times[-1])), 0.0) + 8 if len(times) else 8.0
        text, room = self._scene.reading, QRectF(self._plot)
        room.setLeft(min(left, room.right()))
        if room.width() < _WRAPPED_PX:
            text = self._metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
        if len(text) > 1:
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
            painter.setPen(QColor(self._theme.muted))
            painter.drawText(room, int(flags), text)
