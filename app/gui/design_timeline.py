"""The timeline of the decision designer, whose thresholds are dragged."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QScrollBar, QSizePolicy, QVBoxLayout, QWidget

from motionrgbd.app.decision_design import Threshold
from motionrgbd.app.gui.design_painting import (
    DesignPainter,
    DesignScene,
    least_height_px,
    rows_of,
)
from motionrgbd.app.gui.span_axes import SpanAxes

_GRAB_PX = 7
_ZOOM_STEP = 1.3
_TICKS_PER_S = 1000  # of the scroll bar


class DesignTimeline(QWidget):
    """Thresholds over the probabilities of a recording, with a bar to scroll.

    threshold_moved: one was dragged to this probability. sought: a moment was chosen, in seconds
    from the recording's start.
    """

    threshold_moved = Signal(str, float)
    sought = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas = DesignCanvas()
        self._bar = QScrollBar(Qt.Orientation.Horizontal)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self._bar)
        self.canvas.threshold_moved.connect(self.threshold_moved)
        self.canvas.sought.connect(self.sought)
        self.canvas.moved.connect(self._show_part)
        self._bar.valueChanged.connect(self._scrolled)
        self._show_part()

    def set_scene(self, **changes: object) -> None:
        """Show something else; see `DesignScene`."""
        self.canvas.set_scene(**changes)

    def set_length(self, whole_s: float) -> None:
        """Set how long the recording is."""
        self.canvas.set_axes(self.canvas.axes.of_length(whole_s))

    def follow(self, elapsed_s: float) -> None:
        """Keep a moment in view."""
        self.canvas.set_axes(self.canvas.axes.showing(elapsed_s))

    def zoom_in(self) -> None:
        """Show less, larger."""
        self.canvas.zoom(_ZOOM_STEP)

    def zoom_out(self) -> None:
        """Show more."""
        self.canvas.zoom(1 / _ZOOM_STEP)

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


class DesignCanvas(QWidget):
    """The drawn part of `DesignTimeline`, with what the mouse does on it."""

    threshold_moved = Signal(str, float)
    sought = Signal(float)
    moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setToolTip(
            "Drag a threshold up or down. Click at a moment to look at it, turn the wheel to zoom. "
            "Red: missed gestures, and events that should not be."
        )
        self.axes = SpanAxes.all_of(0.0, 1.0)
        self._scene = DesignScene()
        self._held: Threshold | Literal["moment", ""] = ""
        self._lit: Threshold | Literal[""] = ""

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(300, least_height_px(self.font()))

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(640, self.minimumSizeHint().height() + 120)

    def scene(self) -> DesignScene:
        """Return what is shown."""
        return self._scene

    def set_scene(self, **changes: object) -> None:
        """Show something else; see `DesignScene`."""
        self._scene = replace(self._scene, **changes)  # type: ignore[arg-type]
        self.update()

    def set_axes(self, axes: SpanAxes) -> None:
        """Show another part of the recording."""
        if axes != self.axes:
            self.axes = axes
            self.moved.emit()
            self.update()

    def zoom(self, factor: float) -> None:
        """Zoom around the playhead where it is in view, else around the middle."""
        axes, at_s = self.axes, self._scene.playhead_s - self._scene.origin_s
        if not axes.start_s <= at_s <= axes.end_s:
            at_s = (axes.start_s + axes.end_s) / 2
        self.set_axes(axes.zoomed_by(factor, at_s))

    def threshold_y(self, name: Threshold) -> float:
        """Return where a threshold lies."""
        plot = self._plot()
        value = self._scene.on if name == "on" else self._scene.off
        return plot.bottom() - value * plot.height()

    def _plot(self) -> QRectF:
        return rows_of(self.font(), QRectF(self.rect()))[1]

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self.set_axes(self.axes.resized(self.width()))
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        lit = self._held if self._held in ("on", "off") else self._lit
        DesignPainter(self, self.axes, self._scene).paint(lit)

    def _threshold_at(self, y: float) -> Threshold | Literal[""]:
        near: list[tuple[float, Threshold]] = [
            (abs(y - self.threshold_y("on")), "on"),
            (abs(y - self.threshold_y("off")), "off"),
        ]
        distance, name = min(near)
        if distance > _GRAB_PX:
            return ""
        if self._scene.on == self._scene.off:  # from above the upper one, from below the lower
            return "on" if y <= self.threshold_y("on") else "off"
        return name

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._held = self._threshold_at(event.position().y()) or "moment"
        self._drag(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._held:
            self._drag(event)
            return
        lit = self._threshold_at(event.position().y())
        shape = Qt.CursorShape.SizeVerCursor if lit else Qt.CursorShape.ArrowCursor
        self.setCursor(shape)
        if lit != self._lit:
            self._lit = lit
            self.update()

    def _drag(self, event: QMouseEvent) -> None:
        if self._held == "moment":
            self.sought.emit(self.axes.time_s(event.position().x()))
            return
        plot = self._plot()
        value = (plot.bottom() - event.position().y()) / plot.height()
        self.threshold_moved.emit(self._held, min(max(value, 0.0), 1.0))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._held = ""
        self.update()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        self._lit = ""
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        turned, sideways = event.angleDelta().y() / 120, event.angleDelta().x() / 120
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            turned, sideways = 0.0, turned or sideways
        if turned:
            around_s = self.axes.time_s(event.position().x())
            self.set_axes(self.axes.zoomed_by(_ZOOM_STEP**turned, around_s))
        elif sideways:
            start_s = self.axes.start_s - 0.2 * sideways * self.axes.shown_s
            self.set_axes(self.axes.moved_to(start_s))
        event.accept()
