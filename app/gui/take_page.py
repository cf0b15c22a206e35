"""The part of the teaching window that shows a recording: its pictures, its moments, its spans."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from motionrgbd.app import overlay
from motionrgbd.app.gui import texts
from motionrgbd.app.gui.panels import Card
from motionrgbd.app.gui.picture import PicturePair, PictureView
from motionrgbd.app.gui.span_timeline import SpanTimeline
from motionrgbd.app.gui.teach_panels import MarkRow
from motionrgbd.app.gui.transport import TransportBar
from motionrgbd.app.region_shade import RegionShade
from motionrgbd.core.frames import SourceInfo
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.results import Snapshot


class TakePage(QWidget):
    """Shows a recording moment by moment; asks for others through signals.

    moment_wanted: seconds from its start. frames_wanted, seconds_wanted: so many on, or back.
    span_wanted: the next marked one, or the one before.
    """

    moment_wanted = Signal(float)
    frames_wanted = Signal(int)
    seconds_wanted = Signal(float)
    span_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._depth_range = overlay.DepthRange()
        self._shade: RegionShade | None = None
        self.color_view = PictureView("Add a recording of the gesture, or record one")
        self.depth_view = PictureView("")
        self.timeline = SpanTimeline()
        self.transport = TransportBar()
        self.transport.slider.hide()  # the timeline is the slider
        self.marks = MarkRow()
        self._lay_out()
        self.transport.step_requested.connect(self.frame_on)
        self.timeline.scrubbed.connect(self.moment_wanted)
        self.timeline.named.connect(lambda _span: self.ask_label())
        self.transport.set_playing(False)
        self.set_editable(False)

    def _lay_out(self) -> None:
        self._pictures = PicturePair(
            Card("Colour", self.color_view), Card("Depth", self.depth_view)
        )
        spans = QWidget()
        inner = QVBoxLayout(spans)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(6)
        inner.addWidget(self.timeline, 1)
        inner.addWidget(self.marks)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(self._pictures, 3)
        whole.addLayout(self._transport_row())
        whole.addWidget(Card("When is the gesture made?", spans), 2)

    def _transport_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self.transport)
        row.addStretch(1)
        for text, tip, method in (
            ("−", "Zoom out (-)", self.timeline.zoom_out),
            ("+", "Zoom in (+)", self.timeline.zoom_in),
            ("All", "Show the whole recording (0)", self.timeline.zoom_all),
        ):
            button = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.setAutoRaise(True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(lambda _=False, call=method: call())
            row.addWidget(button)
        return row

    def set_source(self, info: SourceInfo | None, region: RegionOfInterest | None = None) -> None:
        """Empty the pictures: another source's come. region: the rest of them is drawn darker."""
        self._depth_range = overlay.DepthRange()
        camera = None if info is None else info.intrinsics
        self._shade = None
        if region is not None and camera is not None:
            self._shade = RegionShade(region, camera)
        for view, word in ((self.color_view, "colour"), (self.depth_view, "depth")):
            view.set_scene(None)
            view.set_placeholder(texts.missing_picture(word, info))  # type: ignore[arg-type]
        self.transport.set_duration(None if info is None else info.duration_s)
        self.transport.set_elapsed(0.0)

    def set_snapshot(self, snapshot: Snapshot) -> None:
        """Show a moment's pictures."""
        range_mm = overlay.DEFAULT_RANGE_MM
        if snapshot.frame.depth is not None:
            range_mm = self._depth_range.update(snapshot.frame.depth)
        some = snapshot.frame.color if snapshot.frame.color is not None else snapshot.frame.depth
        if some is not None:
            self._pictures.set_aspect(some.shape[0] / some.shape[1])
        for view, modality in ((self.color_view, "color"), (self.depth_view, "depth")):
            scene = overlay.scene(
                snapshot,
                modality,  # type: ignore[arg-type]
                heat=None,
                opacity=0.0,
                range_mm=range_mm,
                hidden=self._shade and self._shade.of(snapshot.frame, modality),  # type: ignore[arg-type]
            )
            view.set_scene(scene)

    def set_moment(self, time_s: float, duration_s: float | None) -> None:
        """Show which moment of the recording is shown."""
        if duration_s is not None:
            self.transport.set_duration(duration_s)
            self.timeline.set_duration(duration_s)
        self.transport.set_elapsed(time_s)
        self.timeline.set_playhead(time_s)

    def set_editable(self, editable: bool) -> None:
        """Let spans be marked, or not: there is no recording, or it is being taught."""
        self.timeline.setEnabled(editable)
        self.transport.setEnabled(editable)
        self.marks.setEnabled(editable)

    # ---- what menus and keys call ----

    def frame_back(self) -> None:
        """Ask for the frame before."""
        self.frames_wanted.emit(-1)

    def frame_on(self) -> None:
        """Ask for the next frame."""
        self.frames_wanted.emit(1)

    def second_back(self) -> None:
        """Ask for a second earlier."""
        self.seconds_wanted.emit(-1.0)

    def second_on(self) -> None:
        """Ask for a second later."""
        self.seconds_wanted.emit(1.0)

    def to_start(self) -> None:
        """Ask for the start of the recording."""
        self.moment_wanted.emit(0.0)

    def next_span(self) -> None:
        """Ask for the next example."""
        self.span_wanted.emit(1)

    def previous_span(self) -> None:
        """Ask for the example before."""
        self.span_wanted.emit(-1)

    def ask_label(self) -> None:
        """Let the user type a name."""
        if self.marks.isEnabled():
            self.marks.ask_label()
