"""The last while: probabilities of the leading labels, and the gestures decided from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QScrollBar, QSizePolicy, QVBoxLayout, QWidget

from motionrgbd.app.gui import texts
from motionrgbd.app.gui.elided import elided_name
from motionrgbd.app.gui.history import History
from motionrgbd.app.gui.theme import Theme, theme_of
from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.results import GestureEvent

TICK_S = 5
SCROLL_S = 3.0  # of one turn of the wheel, or one key
_BAR_TICKS_PER_S = 10  # of the scroll bar
SHORT_LABEL_PX = 100  # some fourteen letters


@dataclass(frozen=True, slots=True)
class Axes:
    """Where the plot lies, and the span of time it shows."""

    plot: QRectF
    start_s: float
    end_s: float

    def x(self, at_s: float) -> float:
        """Return the place of a time."""
        share = (at_s - self.start_s) / (self.end_s - self.start_s)
        return self.plot.left() + share * self.plot.width()


class Timeline(QWidget):
    """Draws a `History`. Filled spans are recognised gestures; underlined ones were scripted.

    It shows the newest seconds, or, scrolled back, those that end at a certain moment.
    scrolled: another part is shown.
    """

    scrolled = Signal()

    def __init__(self, labels: Sequence[str] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setToolTip(
            "Probabilities of the leading labels. Filled spans: recognised gestures, dashed where "
            "decided. Underlined spans: gestures scripted in the recording. Turn the wheel or drag "
            "to look back; double-click for now."
        )
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._labels = tuple(labels)
        self._history: History | None = None
        self._script: tuple[ScriptedGesture, ...] = ()
        self._origin_s = 0.0
        self._end_s: float | None = None  # of what is shown, where it was scrolled back
        self._held: tuple[float, float] | None = None  # x and end_s where a drag began

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(220, 170 if self._script else 155)  # what was scripted has a lane of its own

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(480, 190)

    def set_script(self, script: Sequence[ScriptedGesture]) -> None:
        """Set the gestures known to be in a recording."""
        self._script = tuple(script)
        self.updateGeometry()
        self.update()

    def set_history(self, history: History, origin_s: float) -> None:
        """Show a history; origin_s is the source's time that reads 0:00."""
        self._history, self._origin_s = history, origin_s
        if self._end_s is not None:
            self._end_s = self._within(self._end_s)
        self.update()

    def newest_end_s(self) -> float:
        """Return where the part ends that shows the newest moment."""
        span = self._history.span_s if self._history is not None else 15.0
        newest = self._history.newest_s if self._history is not None else None
        return max(self._origin_s + span, self._origin_s if newest is None else newest)

    def earliest_end_s(self) -> float:
        """Return where the oldest part ends that is kept."""
        oldest = self._history.oldest_s if self._history is not None else None
        if self._history is None or oldest is None:
            return self.newest_end_s()
        return min(max(oldest, self._origin_s) + self._history.span_s, self.newest_end_s())

    def end_s(self) -> float:
        """Return where the part ends that is shown."""
        return self.newest_end_s() if self._end_s is None else self._end_s

    def span_s(self) -> tuple[float, float]:
        """Return the part that is shown, in seconds from the first moment."""
        span = self._history.span_s if self._history is not None else 15.0
        end = self.end_s() - self._origin_s
        return end - span, end

    def is_back(self) -> bool:
        """Return whether an earlier part is shown."""
        return self._end_s is not None

    def scroll_to(self, end_s: float | None) -> None:
        """Show the part that ends there; None, or now, follows the newest moment."""
        self._end_s = None if end_s is None else self._within(end_s)
        self.scrolled.emit()
        self.update()

    def scroll_by(self, change_s: float) -> None:
        """Show an earlier (below 0) or later part."""
        self.scroll_to(self.end_s() + change_s)

    def _within(self, end_s: float) -> float | None:
        if end_s >= self.newest_end_s():
            return None
        return max(end_s, self.earliest_end_s())

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        turned = event.angleDelta().y() or event.angleDelta().x()
        self.scroll_by(-SCROLL_S * turned / 120)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._held = event.position().x(), self.end_s()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._held is not None and self._history is not None:
            x, end_s = self._held
            seconds = (event.position().x() - x) / max(self.width(), 1) * self._history.span_s
            self.scroll_to(end_s - seconds)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._held = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._held = None
        self.scroll_to(None)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.palette().color(QPalette.ColorRole.Base))
        theme, metrics = theme_of(self), QFontMetricsF(self.font())
        line = metrics.height()
        lanes = 2 * (line + 2) + (line + 4 if self._script else 0)
        plot = QRectF(0, line + 6, self.width(), self.height() - 2 * line - 12 - lanes)
        newest = self._history.newest_s if self._history is not None else None
        span = self._history.span_s if self._history is not None else 15.0
        end = self.end_s()
        axes = Axes(plot, end - span, end)
        self._paint_grid(painter, axes, theme, metrics)
        if self._history is None or newest is None:
            return
        painter.save()
        painter.setClipRect(QRectF(0, 0, self.width(), self.height()))
        leading = self._history.leading(end_s=end)
        self._paint_curves(painter, axes, theme, self._history, leading)
        self._paint_legend(painter, theme, metrics, leading)
        lane_y = plot.bottom() + 4
        self._paint_events(painter, axes, theme, metrics, list(self._history.events), lane_y)
        if self._script:
            self._paint_script(painter, axes, theme, metrics, lane_y + 2 * (line + 2) + 2)
        painter.restore()

    def _paint_grid(
        self, painter: QPainter, axes: Axes, theme: Theme, metrics: QFontMetricsF
    ) -> None:
        plot = axes.plot
        painter.setPen(QPen(QColor(theme.line), 1))
        for share in (0.0, 0.5, 1.0):
            y = round(plot.bottom() - share * plot.height()) + 0.5
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        first = int(np.ceil((axes.start_s - self._origin_s) / TICK_S)) * TICK_S
        for tick in range(first, int(np.ceil(axes.end_s - self._origin_s)) + 1, TICK_S):
            x = axes.x(self._origin_s + tick)
            if x > plot.right():
                break
            painter.setPen(QPen(QColor(theme.line), 1))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
            painter.setPen(QColor(theme.muted))
            text = texts.clock(tick, tenths=False)
            wide = metrics.horizontalAdvance(text)
            left = min(max(x - wide / 2, plot.left()), plot.right() - wide)
            painter.drawText(QPointF(left, self.height() - metrics.descent()), text)

    def _paint_curves(
        self, painter: QPainter, axes: Axes, theme: Theme, history: History, leading: list[int]
    ) -> None:
        times, rows = history.times_s(axes.end_s), history.probabilities(axes.end_s)
        if not len(times):
            return
        columns = _one_per_pixel(times, axes)
        x = axes.plot.left() + (times[columns] - axes.start_s) * (
            axes.plot.width() / (axes.end_s - axes.start_s)
        )
        top, ratio = int(rows[-1].argmax()), self.devicePixelRatioF()
        for k in leading:
            colour = QColor(theme.series[k % len(theme.series)])
            y = axes.plot.bottom() - rows[columns, k] * axes.plot.height()
            points = [QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
            if k == top and points:
                area = QColor(colour)
                area.setAlpha(36)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(area)
                ends = [QPointF(v.x(), axes.plot.bottom()) for v in (points[-1], points[0])]
                # its curve covers the edge: smoothed, the area costs six times as much
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
                painter.drawPolygon(QPolygonF(points + ends))
                painter.setBrush(Qt.BrushStyle.NoBrush)
            pen = QPen(colour, 1)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            curve = QPolygonF(points)
            # some lines of one pixel: a wider pen takes another way and costs nine times as much
            for line in range(round(2 * ratio)):
                painter.drawPolyline(curve.translated(0, 0.6 * line / ratio))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_legend(
        self, painter: QPainter, theme: Theme, metrics: QFontMetricsF, leading: list[int]
    ) -> None:
        x = 0.0
        names = [metrics.horizontalAdvance(self._labels[k]) for k in leading]
        for k, room in zip(leading, shares(names, self.width() - 22 * len(leading)), strict=True):
            painter.fillRect(
                QRectF(x, metrics.height() / 2 - 2, 7, 7),
                QColor(theme.series[k % len(theme.series)]),
            )
            name = elided_name(metrics, self._labels[k], room + 1)
            painter.setPen(QColor(theme.muted))
            painter.drawText(QPointF(x + 11, metrics.ascent()), name)
            x += metrics.horizontalAdvance(name) + 22

    def _paint_events(
        self,
        painter: QPainter,
        axes: Axes,
        theme: Theme,
        metrics: QFontMetricsF,
        events: Sequence[GestureEvent],
        y: float,
    ) -> None:
        lane_px = metrics.height() + 2
        free = [axes.plot.left()] * 2  # where each lane's text has ended
        for number, event in enumerate(events):
            if max(event.end_s, event.decided_s) < axes.start_s or event.start_s > axes.end_s:
                continue
            # two lanes in turn, so that a label may run on to where the next but one starts
            lane = number % 2
            lane_y = y + lane * lane_px
            colour = QColor(self._colour(event.label, theme))
            start, end = axes.x(event.start_s), axes.x(event.end_s)
            left = max(start, axes.plot.left())
            tint = QColor(colour)
            tint.setAlpha(60)
            painter.fillRect(QRectF(left, lane_y, max(end - left, 3), metrics.height()), tint)
            if start >= left:
                painter.fillRect(QRectF(left, lane_y, 3, metrics.height()), colour)
            following = events[number + 2].start_s if number + 2 < len(events) else axes.end_s
            room = (max(free[lane], axes.plot.left()), left + 6, axes.x(following) - 4)
            free[lane] = _paint_label(painter, metrics, event.label, room, lane_y, colour)
            if axes.start_s <= event.decided_s <= axes.end_s:
                x = axes.x(event.decided_s)
                painter.setPen(QPen(colour, 1, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(x, axes.plot.top()), QPointF(x, lane_y))

    def _paint_script(
        self, painter: QPainter, axes: Axes, theme: Theme, metrics: QFontMetricsF, y: float
    ) -> None:
        shown = [g for g in self._script if g.end_s >= axes.start_s and g.start_s <= axes.end_s]
        colour, bottom = QColor(theme.muted), y + metrics.height()
        for number, gesture in enumerate(shown):
            start, end = axes.x(gesture.start_s), axes.x(gesture.end_s)
            left = max(start, axes.plot.left())
            painter.fillRect(QRectF(left, bottom, max(end - left, 3), 1), colour)
            if start >= left:
                painter.fillRect(QRectF(left, y + 3, 1, bottom - y - 2), colour)
            following = shown[number + 1].start_s if number + 1 < len(shown) else axes.end_s
            room = (left + 6, left + 6, axes.x(following) - 4)
            _paint_label(painter, metrics, gesture.label, room, y, colour)

    def _colour(self, label: str, theme: Theme) -> str:
        if label not in self._labels:
            return theme.accent
        return theme.series[self._labels.index(label) % len(theme.series)]


class ScrolledTimeline(QWidget):
    """A timeline above a bar to scroll it."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline = timeline
        self.bar = QScrollBar(Qt.Orientation.Horizontal)
        self.bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.bar.setSingleStep(round(SCROLL_S * _BAR_TICKS_PER_S))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(timeline, 1)
        layout.addWidget(self.bar)
        self.bar.valueChanged.connect(self._moved)
        timeline.scrolled.connect(self.show_part)
        self.show_part()

    def show_part(self) -> None:
        """Set the bar as the timeline is."""
        first, last = self._timeline.earliest_end_s(), self._timeline.newest_end_s()
        with QSignalBlocker(self.bar):
            self.bar.setRange(0, round((last - first) * _BAR_TICKS_PER_S))
            self.bar.setPageStep(15 * _BAR_TICKS_PER_S)
            self.bar.setValue(round((self._timeline.end_s() - first) * _BAR_TICKS_PER_S))
            self.bar.setEnabled(last > first)

    def _moved(self, value: int) -> None:
        at_end = value >= self.bar.maximum()
        end_s = self._timeline.earliest_end_s() + value / _BAR_TICKS_PER_S
        self._timeline.scroll_to(None if at_end else end_s)


def _paint_label(
    painter: QPainter,
    metrics: QFontMetricsF,
    label: str,
    room: tuple[float, float, float],
    y: float,
    colour: QColor,
) -> float:
    """Write a label and return where it ends.

    room: from where it may start, from where it should, and where it must end. A gesture at the
    newest edge has hardly any: its label starts earlier, by as much as a short one needs.
    """
    earliest, wanted, end = room
    needed = min(metrics.horizontalAdvance(label) + 1, SHORT_LABEL_PX)
    left = max(min(wanted, end - needed), min(earliest, wanted))
    text = elided_name(metrics, label, end - left)
    if len(text) > 1:
        painter.setPen(colour)
        painter.drawText(QPointF(left, y + metrics.ascent()), text)
    return left + metrics.horizontalAdvance(text) + 8


def shares(wanted: Sequence[float], room: float) -> list[float]:
    """Divide a room: who wants less than an equal share keeps what it wants, the rest share."""
    given = [0.0] * len(wanted)
    for done, i in enumerate(sorted(range(len(wanted)), key=lambda i: wanted[i])):
        given[i] = min(wanted[i], (room - sum(given)) / (len(wanted) - done))
    return given


def _one_per_pixel(times_s: NDArray[np.float64], axes: Axes) -> NDArray[np.intp]:
    """Return the steps worth drawing: the newest of each pixel column."""
    pixel = np.floor((times_s - axes.start_s) * axes.plot.width() / (axes.end_s - axes.start_s))
    return np.flatnonzero(np.append(np.diff(pixel) > 0, True))
