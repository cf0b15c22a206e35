"""A recording's timeline: what moves when, the spans marked in it, and the moment shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from motionrgbd.app.activity import Activity
from motionrgbd.app.gui.span_axes import SpanAxes
from motionrgbd.app.gui.span_painting import SpanPainter, TimelineScene
from motionrgbd.app.gui.zoomed_timeline import ZoomedCanvas, ZoomedTimeline
from motionrgbd.core.labels import NamedSpan

_GRAB_PX = 6  # from an edge that still takes hold of it

Edge = Literal["start", "end"]
_EDGES: tuple[Edge, Edge] = ("start", "end")


@dataclass(frozen=True, slots=True)
class _Hold:
    """An edge in the user's hand: the span as it was and as it is, and how far the edge may go."""

    before: NamedSpan
    span: NamedSpan
    edge: Edge
    room_s: tuple[float, float]


class SpanTimeline(ZoomedTimeline):
    """Shows spans and activity; asks for moments and changes through signals.

    scrubbed: a moment is wanted, while dragging. chosen: a span was clicked, or None.
    edges_moved: a span, its new start and its new end; given once, when the edge is let go.
    named: a span was double-clicked: its name is to be typed.
    """

    canvas: SpanCanvas
    scrubbed = Signal(float)
    chosen = Signal(object)
    edges_moved = Signal(object, float, float)
    named = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(SpanCanvas(), parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.canvas.scrubbed.connect(self.scrubbed)
        self.canvas.chosen.connect(self.chosen)
        self.canvas.edges_moved.connect(self.edges_moved)
        self.canvas.named.connect(self.named)

    def set_recording(
        self, duration_s: float, room: Callable[[NamedSpan], tuple[float, float]]
    ) -> None:
        """Show another recording from its start; room: how far a span's edges may go."""
        self.canvas.set_recording(duration_s, room)

    def clear(self) -> None:
        """Show that there is no recording."""
        self.canvas.clear()

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
        self.follow(time_s)

    def zoom_all(self) -> None:
        """Show everything."""
        axes = self.canvas.axes
        self.canvas.set_axes(SpanAxes.all_of(axes.whole_s, axes.width_px))


class SpanCanvas(ZoomedCanvas):
    """The drawn part of `SpanTimeline`, with what the mouse does on it."""

    scrubbed = Signal(float)
    chosen = Signal(object)
    edges_moved = Signal(object, float, float)
    named = Signal(object)
    zoom_step = 1.5

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip(
            "Grey: motion of the hand. Line: the model sees a gesture it knows. "
            "Drag to look at a moment, drag an edge to move it, turn the wheel to zoom."
        )
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

    def playhead_s(self) -> float:
        """Return the moment that the pictures show."""
        return self._scene.playhead_s

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
