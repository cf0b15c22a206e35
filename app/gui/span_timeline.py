"""A recording's timeline: what moves when, the spans marked in it, and the moment shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QMouseEvent,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QScrollBar, QSizePolicy, QVBoxLayout, QWidget

from motionrgbd.app.activity import Activity
from motionrgbd.app.gui.span_axes import SpanAxes
from motionrgbd.app.gui.span_painting import SpanPainter, TimelineScene
from motionrgbd.core.labels import NamedSpan

ZOOM_STEP = 1.5
_GRAB_PX = 6  # from an edge that still takes hold of it
_TICKS_PER_S = 1000  # of the scroll bar, which knows whole numbers only

Edge = Literal["start", "end"]
_EDGES: tuple[Edge, Edge] = ("start", "end")


@dataclass(frozen=True, slots=True)
class _Hold:
    """An edge in the user's hand: the span as it was and as it is, and how far the edge may go."""

    before: NamedSpan
    span: NamedSpan
    edge: Edge
    room_s: tuple[float, float]


class SpanTimeline(QWidget):
    """Shows spans and activity; asks for moments and changes through signals.

    scrubbed: a moment is wanted, while dragging. chosen: a span was clicked, or None.
    edges_moved: a span, its new start and its new end; given once, when the edge is let go.
    named: a span was double-clicked: its name is to be typed.
    """

    scrubbed = Signal(float)
    chosen = Signal(object)
    edges_moved = Signal(object, float, float)
    named = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.canvas = SpanCanvas()
        self._bar = QScrollBar(Qt.Orientation.Horizontal)
        self._bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self._bar)
        self.canvas.scrubbed.connect(self.scrubbed)
        self.canvas.chosen.connect(self.chosen)
        self.canvas.edges_moved.connect(self.edges_moved)
        self.canvas.named.connect(self.named)
        self.canvas.moved.connect(self._show_part)
        self._bar.valueChanged.connect(self._scrolled)
        self._show_part()

    def set_recording(
        self, duration_s: float, room: Callable[[NamedSpan], tuple[float, float]]
    ) -> None:
        """Show another recording from its start; room: how far a span's edges may go."""
        self.canvas.set_recording(duration_s, room)

    def clear(self) -> None:
        """Show that there is no recording."""
        self.canvas.clear()

    def set_duration(self, duration_s: float) -> None:
        """Show that the recording is longer or shorter than it seemed."""
        self.canvas.set_axes(self.canvas.axes.of_length(duration_s))

    def set_spans(
        self, spans: Sequence[NamedSpan], chosen: NamedSpan | None, colours: Mapping[str, int]
    ) -> None:
        """Show the spans; colours: the number of each label's colour."""
        self.canvas.set_scene(spans=tuple(spans), chosen=chosen, colours=dict(colours))

    def set_wrong(self, spans: Sequence[NamedSpan]) -> None:
        """Show which spans cannot be taught as they are."""
        self.canvas.set_scene(wrong=frozenset(spans))

    def set_mark(self, start_s: float | None, end_s: float | None = None) -> None:
        """Show the edges marked so far of a span that does not exist yet."""
        self.canvas.set_scene(mark=None if start_s is None else (start_s, end_s))

    def set_activity(self, activity: Activity) -> None:
        """Show what is known of the motion so far."""
        self.canvas.set_scene(activity=activity)

    def set_playhead(self, time_s: float) -> None:
        """Show which moment the pictures show; the view follows it."""
        self.canvas.set_scene(playhead_s=time_s)
        self.canvas.set_axes(self.canvas.axes.showing(time_s))

    def zoom_in(self) -> None:
        """Show less, larger, around the playhead."""
        self.canvas.zoom(ZOOM_STEP)

    def zoom_out(self) -> None:
        """Show more."""
        self.canvas.zoom(1 / ZOOM_STEP)

    def zoom_all(self) -> None:
        """Show everything."""
        axes = self.canvas.axes
        self.canvas.set_axes(SpanAxes.all_of(axes.whole_s, axes.width_px))

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


class SpanCanvas(QWidget):
    """The drawn part of `SpanTimeline`, with what the mouse does on it."""

    scrubbed = Signal(float)
    chosen = Signal(object)
    edges_moved = Signal(object, float, float)
    named = Signal(object)
    moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setToolTip(
            "Grey: motion of the hand. Line: the model sees a gesture it knows. "
            "Drag to look at a moment, drag an edge to move it, turn the wheel to zoom."
        )
        self.axes = SpanAxes.all_of(0.0, 1.0)
        self._scene = TimelineScene(empty=True)
        self._room: Callable[[NamedSpan], tuple[float, float]] | None = None
        self._hold: _Hold | None = None
        self._scrubbing = False

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(240, SpanPainter.least_height_px(self.font()))

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(640, self.minimumSizeHint().height() + 30)

    def scene(self) -> TimelineScene:
        """Return what is shown."""
        return self._scene

    def set_scene(self, **changes: object) -> None:
        """Show something else of the recording; see `TimelineScene`."""
        scene = replace(self._scene, **changes)  # type: ignore[arg-type]
        if scene != self._scene:
            self._scene = scene
            self.update()

    def set_recording(
        self, duration_s: float, room: Callable[[NamedSpan], tuple[float, float]]
    ) -> None:
        """Show an empty timeline of this length."""
        self._scene, self._room, self._hold = TimelineScene(), room, None
        self.set_axes(SpanAxes.all_of(duration_s, self.width()))
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self._scene, self._room, self._hold = TimelineScene(empty=True), None, None
        self.set_axes(SpanAxes.all_of(0.0, self.width()))
        self.update()

    def set_axes(self, axes: SpanAxes) -> None:
        """Show another part."""
        if axes != self.axes:
            self.axes = axes
            self.moved.emit()
            self.update()

    def zoom(self, factor: float) -> None:
        """Zoom around the playhead where it is in view, else around the middle."""
        axes, at_s = self.axes, self._scene.playhead_s
        if not axes.start_s <= at_s <= axes.end_s:
            at_s = (axes.start_s + axes.end_s) / 2
        self.set_axes(axes.zoomed_by(factor, at_s))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self.set_axes(self.axes.resized(self.width()))
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        SpanPainter(self, self.axes).paint(self._held_scene())

    # ---- the mouse ----

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() != Qt.MouseButton.LeftButton or self._room is None:
            return
        at = event.position()
        found = self._edge_at(at)
        if found is not None:
            span, edge = found
            self._hold = _Hold(span, span, edge, self._room(span))
            self.chosen.emit(span)
            return
        in_lane = self._lane().contains(at)
        self.chosen.emit(self._span_at(at) if in_lane else None)
        self._scrubbing = True
        self.scrubbed.emit(self.axes.time_s(at.x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        at = event.position()
        if self._hold is not None:
            self._hold = self._moved_hold(self._hold, self.axes.time_s(at.x()))
            self.update()
        elif self._scrubbing:
            self.scrubbed.emit(self.axes.time_s(at.x()))
        else:
            shape = (
                Qt.CursorShape.SizeHorCursor if self._edge_at(at) else Qt.CursorShape.ArrowCursor
            )
            self.setCursor(shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._scrubbing = False
        if self._hold is None:
            return
        hold, self._hold = self._hold, None
        if hold.span != hold.before:
            self.edges_moved.emit(hold.before, hold.span.start_s, hold.span.end_s)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        span = self._span_at(event.position())
        if span is not None:
            self.named.emit(span)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        turned, sideways = event.angleDelta().y() / 120, event.angleDelta().x() / 120
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            turned, sideways = 0.0, turned or sideways
        if turned:
            around_s = self.axes.time_s(event.position().x())
            self.set_axes(self.axes.zoomed_by(ZOOM_STEP**turned, around_s))
        elif sideways:
            self.set_axes(
                self.axes.moved_to(self.axes.start_s - 0.2 * sideways * self.axes.shown_s)
            )
        event.accept()

    def _lane(self) -> QRectF:
        return SpanPainter.lane(self.font(), QRectF(self.rect()))

    def _span_at(self, at: QPointF) -> NamedSpan | None:
        if not self._lane().contains(at):
            return None
        time_s = self.axes.time_s(at.x())
        return next((s for s in self._scene.spans if s.start_s <= time_s < s.end_s), None)

    def _edge_at(self, at: QPointF) -> tuple[NamedSpan, Edge] | None:
        """The edge under the mouse; of two that touch, the one whose span the mouse is in."""
        if not self._lane().contains(at):
            return None
        found: tuple[float, NamedSpan, Edge] | None = None
        for span in self._scene.spans:
            left, right = self.axes.x(span.start_s), self.axes.x(span.end_s)
            outside_px = min(max(left - at.x(), at.x() - right, 0.0), 1.0)
            for edge, x in zip(_EDGES, (left, right), strict=True):
                distance_px = abs(at.x() - x) + outside_px
                if distance_px <= _GRAB_PX and (found is None or distance_px < found[0]):
                    found = distance_px, span, edge
        return None if found is None else found[1:]

    def _moved_hold(self, hold: _Hold, time_s: float) -> _Hold:
        time_s = min(max(hold.room_s[0], time_s), hold.room_s[1])
        if hold.edge == "start":
            span = replace(hold.span, start_s=min(time_s, hold.span.end_s))
        else:
            span = replace(hold.span, end_s=max(time_s, hold.span.start_s))
        return replace(hold, span=span)

    def _held_scene(self) -> TimelineScene:
        """The scene with the edge where the hand is now."""
        hold, scene = self._hold, self._scene
        if hold is None:
            return scene
        spans = tuple(hold.span if s == hold.before else s for s in scene.spans)
        return replace(scene, spans=spans, chosen=hold.span)
