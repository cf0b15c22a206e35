"""What the timelines of recordings share: a part of it that zooms and moves, and a scroll bar."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QScrollBar, QSizePolicy, QVBoxLayout, QWidget

from motionrgbd.app.gui.span_axes import SpanAxes

_TICKS_PER_S = 1000  # of the scroll bar, which knows whole numbers only


class ZoomedCanvas(QWidget):
    """The drawn part of a `ZoomedTimeline`. Subclasses paint it and say where the playhead is.

    axes: which part of the recording is shown. moved: it is another one now. zoom_step: how much
    closer one turn of the wheel goes.
    """

    moved = Signal()
    zoom_step: ClassVar[float]

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.axes = SpanAxes.all_of(0.0, 1.0)

    def playhead_s(self) -> float:
        """Return the moment that the pictures show, from the recording's start."""
        raise NotImplementedError

    def set_axes(self, axes: SpanAxes) -> None:
        """Show another part of the recording."""
        if axes != self.axes:
            self.axes = axes
            self.moved.emit()
            self.update()

    def zoom(self, factor: float) -> None:
        """Zoom around the playhead where it is in view, else around the middle."""
        axes, at_s = self.axes, self.playhead_s()
        if not axes.start_s <= at_s <= axes.end_s:
            at_s = (axes.start_s + axes.end_s) / 2
        self.set_axes(axes.zoomed_by(factor, at_s))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self.set_axes(self.axes.resized(self.width()))
        super().resizeEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        turned, sideways = event.angleDelta().y() / 120, event.angleDelta().x() / 120
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            turned, sideways = 0.0, turned or sideways
        if turned:
            around_s = self.axes.time_s(event.position().x())
            self.set_axes(self.axes.zoomed_by(self.zoom_step**turned, around_s))
        elif sideways:
            start_s = self.axes.start_s - 0.2 * sideways * self.axes.shown_s
            self.set_axes(self.axes.moved_to(start_s))
        event.accept()


class ZoomedTimeline(QWidget):
    """A canvas with a bar to scroll it."""

    canvas: ZoomedCanvas

    def __init__(self, canvas: ZoomedCanvas, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas = canvas
        self._bar = QScrollBar(Qt.Orientation.Horizontal)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(canvas, 1)
        layout.addWidget(self._bar)
        canvas.moved.connect(self._show_part)
        self._bar.valueChanged.connect(self._scrolled)
        self._show_part()

    def set_duration(self, duration_s: float) -> None:
        """Show that the recording is longer or shorter than it seemed."""
        self.canvas.set_axes(self.canvas.axes.of_length(duration_s))

    def follow(self, elapsed_s: float) -> None:
        """Keep a moment in view."""
        self.canvas.set_axes(self.canvas.axes.showing(elapsed_s))

    def zoom_in(self) -> None:
        """Show less, larger, around the playhead."""
        self.canvas.zoom(self.canvas.zoom_step)

    def zoom_out(self) -> None:
        """Show more."""
        self.canvas.zoom(1 / self.canvas.zoom_step)

    def _show_part(self) -> None:
        axes = self.canvas.axes
        start, shown = round(axes.start_s * _TICKS_PER_S), round(axes.shown_s * _TICKS_PER_S)
        self._bar.blockSignals(True)
        self._bar.setRange(0, max(0, round(axes.whole_s * _TICKS_PER_S) - shown))
        self._bar.setPageStep(shown)
        self._bar.setSingleStep(max(1, shown // 10))
        self._bar.setValue(start)
        self._bar.setEnabled(axes.zoomed)
        self._bar.blockSignals(False)

    def _scrolled(self, value: int) -> None:
        self.canvas.set_axes(self.canvas.axes.moved_to(value / _TICKS_PER_S))
