"""The teaching window: setters for what it shows, signals for what is asked of it, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from motionrgbd.app import overlay
from motionrgbd.app.gui import teach_texts, texts
from motionrgbd.app.gui.menus import ShortcutDialog
from motionrgbd.app.gui.panels import Card, NoticeBar
from motionrgbd.app.gui.picture import PicturePair, PictureView
from motionrgbd.app.gui.span_timeline import SpanTimeline
from motionrgbd.app.gui.teach_keys import TEACH_MENUS
from motionrgbd.app.gui.teach_panels import LessonPanel, MarkRow, ReportPanel
from motionrgbd.app.gui.transport import TransportBar
from motionrgbd.app.gui.window import SMALLEST_PX, size_on
from motionrgbd.app.teaching_session import Standing
from motionrgbd.core.frames import SourceInfo
from motionrgbd.core.results import Snapshot

if TYPE_CHECKING:
    from motionrgbd.core.teaching import TeachReport

_FILES = "Recordings (*.bag *.db3 *.avi *.mp4 *.mkv *.mov *.webm);;All files (*)"
_COLUMN_PX = 320


class TeachWindow(QMainWindow):
    """Shows one recording with its spans, the gestures, and what teaching found out.

    source_wanted: a recording or camera, as `--replay` and `--camera` spell it.
    take_chosen: the number of one of the recordings that are there already.
    """

    source_wanted = Signal(str)
    take_chosen = Signal(int)
    leave_out_wanted = Signal()
    record_toggled = Signal()
    play_toggled = Signal()
    moment_wanted = Signal(float)
    frames_wanted = Signal(int)
    seconds_wanted = Signal(float)
    span_wanted = Signal(int)
    speed_changed = Signal(float)
    mark_in = Signal()
    mark_out = Signal()
    mark_forgotten = Signal()
    named = Signal(str)
    delete_wanted = Signal()
    undo_wanted = Signal()
    redo_wanted = Signal()
    teach_wanted = Signal()
    cancel_wanted = Signal()
    save_wanted = Signal(str)
    use_wanted = Signal()
    back_wanted = Signal()
    closing = Signal()  # while everything is still shown
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Teach own gestures – motionrgbd-live")
        self.setMinimumSize(*SMALLEST_PX)
        self.resize(1360, 850)
        if QApplication.platformName() != "offscreen":  # whose 800x800 pixels are no screen
            self.resize(size_on(self.screen().availableSize()))
        self._depth_range = overlay.DepthRange()
        self._unsaved = False
        self._suggested = "taught.mrgbd"
        self.notice_bar = NoticeBar()
        self.color_view = PictureView("Add a recording of the gesture, or record one")
        self.depth_view = PictureView("")
        self.timeline = SpanTimeline()
        self.transport = TransportBar()
        self.transport.slider.hide()  # the timeline is the slider
        self.marks = MarkRow()
        self.lesson = LessonPanel()
        self.report_panel = ReportPanel()
        self._lay_out()
        self._add_menus()
        self._join_signals()
        self.set_playing(False)
        self.set_editable(False)
        self.set_camera(False, False, "")

    # ---- layout ----

    def _lay_out(self) -> None:
        self._color_card = Card("Colour", self.color_view)
        self._depth_card = Card("Depth", self.depth_view)
        self._pictures = PicturePair(self._color_card, self._depth_card)
        timeline = QWidget()
        inner = QVBoxLayout(timeline)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(6)
        inner.addWidget(self.timeline, 1)
        inner.addWidget(self.marks)
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addLayout(self._source_row())
        left.addWidget(self._pictures, 3)
        left.addLayout(self._transport_row())
        left.addWidget(Card("When is the gesture made?", timeline), 2)
        self._column = QStackedWidget()
        self._column.addWidget(self.lesson)
        self._column.addWidget(self.report_panel)
        self._column.setFixedWidth(_COLUMN_PX)
        upper = QHBoxLayout()
        upper.setSpacing(8)
        upper.addLayout(left, 1)
        upper.addWidget(self._column)
        central = QWidget()
        whole = QVBoxLayout(central)
        whole.setContentsMargins(10, 8, 10, 8)
        whole.setSpacing(8)
        whole.addWidget(self.notice_bar)
        whole.addLayout(upper, 1)
        self.setCentralWidget(central)

    def _source_row(self) -> QHBoxLayout:
        self._takes = QComboBox()
        self._takes.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._takes.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._takes.setMinimumContentsLength(12)
        self._takes.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._takes.setPlaceholderText("no recording yet")
        self._add = QPushButton("Add …")
        self._add.setToolTip("Open a recording, or show a camera to record one")
        self._record = QPushButton("Record")
        self._record.setToolTip("Record what the camera sees, or end it (R)")
        self._counted = QLabel("")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(QLabel("Recording"))
        for widget in (self._takes, self._add, self._record, self._counted):
            row.addWidget(widget, 1 if widget is self._takes else 0)
        return row

    def _transport_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self.transport)
        row.addStretch(1)
        for text, tip, method in (
            ("−", "Zoom out (-)", self.zoom_out),
            ("+", "Zoom in (+)", self.zoom_in),
            ("All", "Show the whole recording (0)", self.zoom_all),
        ):
            button = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.setAutoRaise(True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(lambda _=False, call=method: call())
            row.addWidget(button)
        return row

    def _add_menus(self) -> None:
        add = QMenu(self._add)
        for title, items in TEACH_MENUS:
            menu = self.menuBar().addMenu(title)
            for item in items:
                action = menu.addAction(item.text)
                action.setShortcuts([QKeySequence(keys) for keys in item.keys])
                method = getattr(self, item.method)
                action.triggered.connect(lambda _=False, call=method: call())
                if item.method in ("ask_file", "ask_folder", "ask_realsense", "ask_webcam"):
                    add.addAction(action)
        self._add.setMenu(add)

    def _join_signals(self) -> None:
        self._takes.activated.connect(self.take_chosen)
        self._record.clicked.connect(lambda _=False: self.record_toggled.emit())
        self.transport.play_toggled.connect(self.play_toggled)
        self.transport.step_requested.connect(self.frame_on)
        self.transport.speed_changed.connect(self.speed_changed)
        self.timeline.scrubbed.connect(self.moment_wanted)
        self.timeline.named.connect(lambda _span: self.ask_label())
        self.marks.mark_in.connect(self.mark_in)
        self.marks.mark_out.connect(self.mark_out)
        self.marks.named.connect(self.named)
        self.marks.delete_wanted.connect(self.delete_wanted)
        self.marks.undo_wanted.connect(self.undo_wanted)
        self.lesson.teach_wanted.connect(self.teach_wanted)
        self.lesson.cancel_wanted.connect(self.cancel_wanted)
        self.report_panel.save_wanted.connect(self.ask_save)
        self.report_panel.use_wanted.connect(self.use_wanted)
        self.report_panel.back_wanted.connect(self.back_wanted)

    # ---- setters ----

    def set_notice(self, notice: texts.Notice) -> None:
        """Show how things stand."""
        self.notice_bar.set_notice(notice)

    def set_takes(self, names: Sequence[str], current: int) -> None:
        """Show which recordings there are, and which one is shown."""
        with QSignalBlocker(self._takes):
            self._takes.clear()
            self._takes.addItems(list(names))
            self._takes.setCurrentIndex(current)
        self._takes.setToolTip(names[current] if 0 <= current < len(names) else "")

    def set_source(self, info: SourceInfo | None) -> None:
        """Empty the pictures: another source's come."""
        self._depth_range = overlay.DepthRange()
        for view, word in ((self.color_view, "colour"), (self.depth_view, "depth")):
            view.set_scene(None)
            view.set_placeholder(texts.missing_picture(word, info))  # type: ignore[arg-type]
        self.transport.set_duration(None if info is None else info.duration_s)
        self.transport.set_elapsed(0.0)
        self.notice_bar.set_badges(() if info is None else texts.source_badges(info))

    def set_camera(self, shown: bool, recording: bool, counted: str) -> None:
        """Show whether a camera is shown, and how its recording is going."""
        self._record.setVisible(shown)
        self._record.setText("End recording" if recording else "Record")
        self._counted.setText(counted)
        self._counted.setVisible(bool(counted))

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
            )
            view.set_scene(scene)

    def set_moment(self, time_s: float, duration_s: float | None) -> None:
        """Show which moment of the recording is shown."""
        if duration_s is not None:
            self.transport.set_duration(duration_s)
            self.timeline.set_duration(duration_s)
        self.transport.set_elapsed(time_s)
        self.timeline.set_playhead(time_s)

    def set_playing(self, playing: bool) -> None:
        """Show whether the recording runs."""
        self.transport.set_playing(playing)

    def set_editable(self, editable: bool) -> None:
        """Let spans be marked, or not: there is no recording, or it is being taught."""
        self.timeline.setEnabled(editable)
        self.transport.setEnabled(editable)
        self.marks.setEnabled(editable)

    def set_busy(self, busy: bool) -> None:
        """Let recordings come and go, or not: they are being taught."""
        self._takes.setEnabled(not busy)
        self._add.setEnabled(not busy)

    def set_standing(
        self, standing: Standing, colours: Mapping[str, int], refused: str | None
    ) -> None:
        """Show the gestures and what is still to be done; refused: why this model is not taught."""
        self.lesson.gestures.set_maker(
            lambda theme: teach_texts.gesture_list(standing, colours, theme)
        )
        ready = standing.ready and refused is None
        self.lesson.set_todo(teach_texts.todo(standing, refused), ready)
        self.timeline.set_wrong(standing.wrong)

    def set_progress(self, share: float | None, text: str = "") -> None:
        """Show how far teaching is; None: it is not going on."""
        self.lesson.set_progress(share, text)

    def set_report(self, report: TeachReport | None) -> None:
        """Show what teaching found out; None: go back to marking."""
        self._column.setCurrentIndex(0 if report is None else 1)
        if report is not None:
            self.report_panel.report.set_maker(lambda theme: teach_texts.report(report, theme))

    def set_saved(
        self, text: str, usable: bool, suggested: str = "", *, savable: bool = True
    ) -> None:
        """Say where the taught model is, and whether it may be kept; suggested: a name for it."""
        self.report_panel.set_saved(text, usable, savable)
        self._suggested = suggested or self._suggested

    def set_unsaved(self, unsaved: bool) -> None:
        """Ask before closing, or not."""
        self._unsaved = unsaved

    def counted(self) -> str:
        """Return what is said of the recording that goes on."""
        return self._counted.text()

    # ---- what menus and keys call ----

    def ask_file(self) -> None:
        """Let the user choose a file."""
        name, _ = QFileDialog.getOpenFileName(self, "Open a recording", "", _FILES)
        if name:
            self.source_wanted.emit(name)

    def ask_folder(self) -> None:
        """Let the user choose a folder of pictures."""
        name = QFileDialog.getExistingDirectory(self, "Open a folder of pictures")
        if name:
            self.source_wanted.emit(name)

    def ask_realsense(self) -> None:
        """Ask for a RealSense camera."""
        self.source_wanted.emit("realsense")

    def ask_webcam(self) -> None:
        """Ask for a webcam."""
        self.source_wanted.emit("webcam")

    def ask_save(self) -> None:
        """Let the user choose where the taught model goes."""
        if self._column.currentWidget() is not self.report_panel:
            return
        name, _ = QFileDialog.getSaveFileName(
            self, "Save the taught model", self._suggested, "Models (*.mrgbd)"
        )
        if name:
            self.save_wanted.emit(str(Path(name).with_suffix(".mrgbd")))

    def toggle_recording(self) -> None:
        """Ask for recording to begin or end."""
        if self._record.isVisible() and self._record.isEnabled():
            self.record_toggled.emit()

    def leave_out(self) -> None:
        """Ask for the recording to be left out."""
        self.leave_out_wanted.emit()

    def toggle_play(self) -> None:
        """Ask for play or pause."""
        self.play_toggled.emit()

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

    def zoom_in(self) -> None:
        """Show less of the recording, larger."""
        self.timeline.zoom_in()

    def zoom_out(self) -> None:
        """Show more of the recording."""
        self.timeline.zoom_out()

    def zoom_all(self) -> None:
        """Show all of the recording."""
        self.timeline.zoom_all()

    def mark_start(self) -> None:
        """Mark where a gesture begins."""
        self.mark_in.emit()

    def mark_end(self) -> None:
        """Mark where it ends."""
        self.mark_out.emit()

    def ask_label(self) -> None:
        """Let the user type a name."""
        if self.marks.isEnabled():
            self.marks.ask_label()

    def delete_span(self) -> None:
        """Ask for the chosen span to go."""
        self.delete_wanted.emit()

    def forget_mark(self) -> None:
        """Ask for the mark, or the choice, to go."""
        self.mark_forgotten.emit()

    def undo(self) -> None:
        """Ask for the last change to be taken back."""
        self.undo_wanted.emit()

    def redo(self) -> None:
        """Ask for it to be made again."""
        self.redo_wanted.emit()

    def teach(self) -> None:
        """Ask for teaching to begin."""
        if self.lesson.ready():
            self.teach_wanted.emit()

    def show_shortcuts(self) -> None:
        """List every key, read from the menus' table."""
        ShortcutDialog(self, TEACH_MENUS).show()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        if self._unsaved and not self.may_discard():
            event.ignore()
            return
        self.closing.emit()
        self.closed.emit()
        super().closeEvent(event)

    def may_discard(self) -> bool:
        """Ask whether a taught model that was not saved may go."""
        answer = QMessageBox.question(
            self,
            "Close without saving?",
            "The taught model is not saved. The marked examples are kept.",
            QMessageBox.StandardButton.Discard | QMessageBox.StandardButton.Cancel,
            QMessageBox.StandardButton.Cancel,
        )
        return answer == QMessageBox.StandardButton.Discard
