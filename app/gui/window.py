"""The main window: setters for what it shows, signals for what is asked of it, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from motionrgbd.app import overlay
from motionrgbd.app.gui import texts
from motionrgbd.app.gui.bars import ProbabilityBars
from motionrgbd.app.gui.controls import HeatControls, RecordBar, TransportBar
from motionrgbd.app.gui.designer import DesignerPage
from motionrgbd.app.gui.history import History
from motionrgbd.app.gui.menus import MENUS, ShortcutDialog
from motionrgbd.app.gui.panels import (
    Card,
    ElidedLabel,
    GestureList,
    HealthView,
    NoticeBar,
    SensorView,
    Tabs,
    scaled_font,
)
from motionrgbd.app.gui.picture import PicturePair, PictureView
from motionrgbd.app.gui.timeline import SCROLL_S, ScrolledTimeline, Timeline
from motionrgbd.app.modality_health import ModalityHealth
from motionrgbd.app.my_settings import WindowMemory
from motionrgbd.app.tapped_source import RecordingCount
from motionrgbd.core.frames import SourceInfo
from motionrgbd.core.results import GestureEvent, Health, Prediction, Snapshot

_DESIGN_METHODS = (
    "show_designer",
    "start_up",
    "start_down",
    "end_up",
    "end_down",
    "design_zoom_in",
    "design_zoom_out",
    "save_decisions",
)
SIZE_PX, SMALLEST_PX = (1360, 850), (1024, 640)
STEP = 0.01  # of a threshold, by one key
FEW_LABELS = 15  # so many leave room for the pipeline below them in the smallest window


class MainWindow(QMainWindow):
    """Shows snapshots of one source; asks for playback through signals.

    open_wanted: another source or model is to be chosen.
    teach_wanted: own gestures are to be taught, which takes another window. designer_shown: the
    decision designer was opened or closed. threshold_nudged: `on` or `off`, by how much.
    """

    teach_wanted = Signal()
    open_wanted = Signal()
    designer_shown = Signal(bool)
    threshold_nudged = Signal(str, float)
    record_toggled = Signal()
    play_toggled = Signal()
    step_requested = Signal()
    seek_requested = Signal(float)  # seconds from the start of the recording
    speed_changed = Signal(float)
    closed = Signal()

    def __init__(self, labels: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("motionrgbd-live")
        self.setMinimumSize(*SMALLEST_PX)
        self.resize(*SIZE_PX)
        if QApplication.platformName() != "offscreen":  # whose 800x800 pixels are no screen
            self.resize(size_on(self.screen().availableSize()))
        self._info: SourceInfo | None = None
        self._snapshot: Snapshot | None = None
        self.shown_moments = 0
        self._labels = tuple(labels)
        self._few_labels = len(self._labels) <= FEW_LABELS
        self._depth_range = overlay.DepthRange()
        self._range_mm = overlay.DEFAULT_RANGE_MM
        self.notice_bar = NoticeBar()
        self.color_view = PictureView(texts.missing_picture("colour", None))
        self.depth_view = PictureView(texts.missing_picture("depth", None))
        self.heat = HeatControls()
        self.bars = ProbabilityBars(labels)
        self.timeline = Timeline(labels)
        self.gestures = GestureList()
        self.health_view = HealthView()
        self.sensor_view = SensorView()
        self.transport = TransportBar()
        self.record_bar = RecordBar()
        self.designer = DesignerPage()
        self._top_label = ElidedLabel("–")
        self._top_score = QLabel("")
        self._lay_out()
        self._playback_actions: list[QAction] = []
        self._actions: dict[str, QAction] = {}
        self._add_menus()
        self._join_signals()

    # ---- layout ----

    def _lay_out(self) -> None:
        self._color_card = Card("Colour", self.color_view)
        self._depth_card = Card("Depth", self.depth_view)
        self._pictures = PicturePair(self._color_card, self._depth_card)
        details = self._details_card()
        self._scrolled = ScrolledTimeline(self.timeline)
        self._timeline_card = Card("Last 15 seconds", self._scrolled)
        lower = _row(self._timeline_card, details, stretch=(1, 0))
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self._pictures, 5)
        left.addWidget(self.heat)
        left.addLayout(lower, 3)
        self._bottom = QWidget()  # of both pages: it moves along
        bottom = QHBoxLayout(self._bottom)
        bottom.setContentsMargins(0, 0, 0, 0)
        bottom.addWidget(self.transport, 1)
        bottom.addWidget(self.record_bar, 1)
        self._bottoms = (left, self.designer.below)
        left.addWidget(self._bottom)
        watch = QWidget()
        upper = QHBoxLayout(watch)
        upper.setContentsMargins(0, 0, 0, 0)
        upper.setSpacing(8)
        upper.addLayout(left, 5)
        upper.addLayout(self._right_column(), 2)
        whole = QVBoxLayout()
        whole.setContentsMargins(10, 8, 10, 6)
        whole.setSpacing(8)
        whole.addWidget(self.notice_bar)
        self._pages = QStackedWidget()
        self._pages.addWidget(watch)
        self._pages.addWidget(self.designer)
        whole.addWidget(self._pages, 1)
        self.record_bar.hide()
        whole.addLayout(self._status_row())
        central = QWidget()
        central.setLayout(whole)
        self.setCentralWidget(central)

    def _details_card(self) -> Card:
        """Return the gestures, with the pipeline behind a tab where the right column is full."""
        names = ("Recognised", "Sensor", "Pipeline")[: 2 if self._few_labels else 3]
        self._tabs = Tabs(names)
        pages = QStackedWidget()
        for page in (self.gestures, self.sensor_view, self.health_view)[: len(names)]:
            pages.addWidget(page)
        self._tabs.chosen.connect(pages.setCurrentIndex)
        card = Card(self._tabs, pages)
        card.setFixedWidth(270)
        return card

    def _right_column(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(self._probability_card(), 1)
        if self._few_labels:
            pipeline = Card("Pipeline", self.health_view)
            pipeline.setMaximumWidth(420)
            column.addWidget(pipeline)
        return column

    def _probability_card(self) -> Card:
        body = QWidget()
        self._top_label.setFont(scaled_font(self, 1.5, bold=True))
        self._top_score.setFont(scaled_font(self, 1.5))
        scroll = QScrollArea()
        scroll.setWidget(self.bars)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.viewport().setBackgroundRole(QPalette.ColorRole.Base)
        top = QHBoxLayout()
        top.addWidget(self._top_label, 1)
        top.addWidget(self._top_score)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addWidget(scroll, 1)
        self._probabilities = Card("Now", body)
        if len(self.bars.rows()) < len(self._labels):
            self._probabilities.set_note(f"{len(self.bars.rows())} of {len(self._labels)} labels")
        self._probabilities.setMinimumWidth(250)
        self._probabilities.setMaximumWidth(420)
        return self._probabilities

    def _status_row(self) -> QHBoxLayout:
        muted = QPalette.ColorRole.PlaceholderText
        self._identity = ElidedLabel("", role=muted)
        self._summary = ElidedLabel("", role=muted)
        self._summary.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._identity.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        return _row(self._identity, self._summary, stretch=(1, 0))

    def _add_menus(self) -> None:
        for title, items in MENUS:
            menu = self.menuBar().addMenu(title)
            for item in items:
                action = menu.addAction(item.text)
                action.setShortcuts([QKeySequence(keys) for keys in item.keys])
                method = getattr(self, item.method)
                if item.checked is None:
                    action.triggered.connect(lambda _=False, call=method: call())
                else:
                    action.setCheckable(True)
                    action.setChecked(item.checked)
                    action.toggled.connect(method)
                self._actions[item.method] = action
                if title == "&Playback":
                    self._playback_actions.append(action)
            if title == "&Playback":
                self._playback_actions.append(menu.menuAction())
            elif title == "&Decisions":
                self._decisions_menu = menu.menuAction()
        for method in ("open_other", "teach", "toggle_recording"):
            self._offer(method, False)
        self._actions["show_pipeline"].setVisible(not self._few_labels)
        self.set_designable(False)

    def _offer(self, method: str, offered: bool) -> None:
        self._actions[method].setVisible(offered)
        self._actions[method].setEnabled(offered)

    def _join_signals(self) -> None:
        self.heat.changed.connect(self._show_pictures)
        self.heat.pictures_changed.connect(self._choose_pictures)
        self.timeline.scrolled.connect(self._note_timeline)
        self.record_bar.toggled.connect(self.record_toggled)
        self.transport.play_toggled.connect(self.play_toggled)
        self.transport.step_requested.connect(self.step_requested)
        self.transport.seek_requested.connect(self.seek_requested)
        self.transport.speed_changed.connect(self.speed_changed)

    # ---- setters ----

    def set_source(self, info: SourceInfo, model: str, provider: str) -> None:
        """Name the source and the model; a live source has no transport."""
        self._info = info
        self.setWindowTitle(f"{info.name} – motionrgbd-live")
        self._identity.setText("   ·   ".join(t for t in (info.name, model, provider) if t))
        self.notice_bar.set_badges(texts.source_badges(info))
        self.transport.setVisible(not info.live)
        self.transport.set_duration(info.duration_s)
        for action in self._playback_actions:
            action.setVisible(not info.live)
            action.setEnabled(not info.live)
        self.timeline.set_script(info.script)
        if not info.has_color:
            self.color_view.set_placeholder(texts.missing_picture("colour", info))
        if not info.has_depth:
            self.depth_view.set_placeholder(texts.missing_picture("depth", info))

    def set_notice(self, notice: texts.Notice) -> None:
        """Show how things stand."""
        self.notice_bar.set_notice(notice)

    def set_teachable(self, why_not: str) -> None:
        """Offer to teach own gestures; greyed out, with the reason, where the model cannot."""
        action = self._actions["teach"]
        action.setVisible(True)
        action.setEnabled(not why_not)
        action.setText("&Teach own gestures …" + (f" ({why_not})" if why_not else ""))

    def set_designable(self, possible: bool) -> None:
        """Offer the decision designer, or not."""
        self._decisions_menu.setVisible(possible)
        for method in _DESIGN_METHODS:
            self._actions[method].setEnabled(possible and method == "show_designer")

    def set_openable(self) -> None:
        """Offer to open another source or model."""
        self._offer("open_other", True)

    def set_memory(self, memory: WindowMemory) -> None:
        """Show everything as it was left."""
        if QApplication.platformName() != "offscreen":
            screen = self.screen().availableSize()
            self.resize(QSize(memory.width_px, memory.height_px).boundedTo(screen))
        else:
            self.resize(memory.width_px, memory.height_px)
        self.heat.set_choice(memory.heat)  # type: ignore[arg-type]
        self.heat.set_opacity(memory.opacity)
        self.heat.set_threshold(memory.threshold)
        self.heat.set_pictures(memory.pictures)  # type: ignore[arg-type]
        self._actions["show_outline"].setChecked(memory.outline)
        self._actions["show_mirrored"].setChecked(memory.mirror)

    def memory(self, before: WindowMemory) -> WindowMemory:
        """Return what was remembered with how everything is now."""
        full = self.isFullScreen() or self.isMaximized()
        return replace(
            before,
            width_px=before.width_px if full else self.width(),
            height_px=before.height_px if full else self.height(),
            heat=self.heat.choice(),
            opacity=self.heat.opacity(),
            threshold=self.heat.threshold(),
            pictures=self.heat.pictures(),
            outline=self._actions["show_outline"].isChecked(),
            mirror=self._actions["show_mirrored"].isChecked(),
        )

    def set_recordable(self) -> None:
        """Offer to record what a camera shows."""
        self.record_bar.show()
        self._offer("toggle_recording", True)

    def set_recording(self, count: RecordingCount | None) -> None:
        """Show how a recording is going; None: nothing is being recorded."""
        self.record_bar.set_count(count)

    def set_recording_said(self, text: str) -> None:
        """Say where a recording is, or why there is none."""
        self.record_bar.set_said(text)

    def set_sensor(self, health: ModalityHealth) -> None:
        """Show how good the pictures are."""
        self.sensor_view.set_health(health)

    def set_snapshot(self, snapshot: Snapshot, elapsed_s: float) -> None:
        """Show a moment: pictures, probabilities and where the recording is."""
        self._snapshot = snapshot
        self.shown_moments += 1
        if snapshot.frame.depth is not None:
            self._range_mm = self._depth_range.update(snapshot.frame.depth)
            self._depth_card.set_note(texts.metres(self._range_mm))
        some = snapshot.frame.color if snapshot.frame.color is not None else snapshot.frame.depth
        if some is not None:
            self._pictures.set_aspect(some.shape[0] / some.shape[1])
        self._show_pictures()
        self._show_prediction(snapshot.prediction)
        self.transport.set_elapsed(elapsed_s)

    def set_history(self, history: History, origin_s: float) -> None:
        """Show the recent past."""
        self.timeline.set_history(history, origin_s)
        self._scrolled.show_part()
        self._note_timeline()
        self.bars.set_dots(history.leading())

    def set_health(self, health: Health) -> None:
        """Show how the pipeline is doing."""
        self.health_view.set_health(health)
        self._summary.setText(texts.summary(health))

    def set_playing(self, playing: bool) -> None:
        """Show whether the recording runs."""
        self.transport.set_playing(playing)

    def add_event(self, event: GestureEvent, origin_s: float) -> None:
        """Put a recognised gesture on top of the list."""
        self.gestures.add(event, origin_s)

    def _show_pictures(self) -> None:
        snapshot = self._snapshot
        if snapshot is None:
            return
        opacity = self.heat.opacity()
        for view, modality in ((self.color_view, "color"), (self.depth_view, "depth")):
            view.set_scene(
                overlay.scene(
                    snapshot,
                    modality,  # type: ignore[arg-type]
                    heat=self.heat.heat_on(modality),  # type: ignore[arg-type]
                    opacity=opacity,
                    range_mm=self._range_mm,
                    threshold=self.heat.threshold(),
                )
            )

    def _choose_pictures(self) -> None:
        choice = self.heat.pictures()
        self._pictures.show_only(choice != "depth", choice != "color")

    def _note_timeline(self) -> None:
        if self.timeline.is_back():
            start, end = self.timeline.span_s()
            self._timeline_card.set_title("Looking back")
            shown = f"{texts.clock(start, False)} to {texts.clock(end, False)} (End: now)"
            self._timeline_card.set_note(shown)
        else:
            self._timeline_card.set_title("Last 15 seconds")
            self._timeline_card.set_note("")

    def _show_prediction(self, prediction: Prediction | None) -> None:
        self.bars.set_prediction(prediction)
        top = self.bars.top()
        if prediction is None or top is None:
            self._top_label.setText("–")
            self._top_score.setText("")
        else:
            self._top_label.setText(self._labels[top])
            self._top_score.setText(f"{prediction.probabilities[top]:.2f}")

    def identity(self) -> str:
        """Return the words that name source, model and provider."""
        return self._identity.text()

    def summary(self) -> str:
        """Return the words about rates and losses."""
        return self._summary.text()

    # ---- what menus and keys call ----

    def teach(self) -> None:
        """Ask for the window that teaches own gestures."""
        self.teach_wanted.emit()

    def next_heat(self) -> None:
        """Draw the next choice of guidance map."""
        self.heat.next_choice()

    def stronger_heat(self) -> None:
        """Draw the guidance more opaque."""
        self.heat.add_opacity(0.1)

    def weaker_heat(self) -> None:
        """Draw the guidance less opaque."""
        self.heat.add_opacity(-0.1)

    def raise_heat_threshold(self) -> None:
        """Draw less of the weak guidance."""
        self.heat.set_threshold(self.heat.threshold() + 0.05)

    def lower_heat_threshold(self) -> None:
        """Draw more of the weak guidance."""
        self.heat.set_threshold(self.heat.threshold() - 0.05)

    def next_pictures(self) -> None:
        """Show the next choice of pictures."""
        self.heat.next_pictures()

    def show_mirrored(self, mirrored: bool) -> None:
        """Show pictures as in a mirror, or not."""
        for view in (self.color_view, self.depth_view, self.designer.picture):
            view.set_mirrored(mirrored)

    def show_outline(self, visible: bool) -> None:
        """Outline what the network sees, or not."""
        self.color_view.set_outline(visible)
        self.depth_view.set_outline(visible)

    def show_gestures(self) -> None:
        """Show the recognised gestures, where they share their place."""
        self._tabs.choose(0)

    def show_sensor(self) -> None:
        """Show how good the sensor's pictures are."""
        self._tabs.choose(1)

    def show_pipeline(self) -> None:
        """Show rates, losses and latencies, where they share their place."""
        if not self._few_labels:
            self._tabs.choose(2)

    def timeline_back(self) -> None:
        """Look at an earlier part of the timeline."""
        self.timeline.scroll_by(-SCROLL_S)

    def timeline_on(self) -> None:
        """Look at a later part of the timeline."""
        self.timeline.scroll_by(SCROLL_S)

    def timeline_now(self) -> None:
        """Follow the newest moment in the timeline."""
        self.timeline.scroll_to(None)

    def show_designer(self, shown: bool) -> None:
        """Design decisions, or go back to watching."""
        self._bottoms[shown].addWidget(self._bottom)
        self._pages.setCurrentIndex(int(shown))
        for method in _DESIGN_METHODS[1:]:
            self._actions[method].setEnabled(shown)
        self.designer_shown.emit(shown)
        if shown:
            self.designer.table.setFocus()

    def start_up(self) -> None:
        """Ask for a higher probability at which gestures start."""
        self.threshold_nudged.emit("on", STEP)

    def start_down(self) -> None:
        """Ask for a lower one."""
        self.threshold_nudged.emit("on", -STEP)

    def end_up(self) -> None:
        """Ask for a higher probability below which gestures end."""
        self.threshold_nudged.emit("off", STEP)

    def end_down(self) -> None:
        """Ask for a lower one."""
        self.threshold_nudged.emit("off", -STEP)

    def design_zoom_in(self) -> None:
        """Show less of the designer's timeline, larger."""
        self.designer.timeline.zoom_in()

    def design_zoom_out(self) -> None:
        """Show more of it."""
        self.designer.timeline.zoom_out()

    def save_decisions(self) -> None:
        """Ask to keep the thresholds."""
        self.designer.save_wanted.emit()

    def open_other(self) -> None:
        """Ask for another camera, recording or model."""
        self.open_wanted.emit()

    def toggle_recording(self) -> None:
        """Ask to record, or to end that."""
        self.record_toggled.emit()

    def show_full_screen(self, full: bool) -> None:
        """Fill the screen, or not."""
        if full:
            self.showFullScreen()
        else:
            self.showNormal()

    def toggle_play(self) -> None:
        """Ask for play or pause."""
        self.play_toggled.emit()

    def step_once(self) -> None:
        """Ask for one frame."""
        self.step_requested.emit()

    def _seek_by(self, change_s: float) -> None:
        end = self._info.duration_s if self._info and self._info.duration_s else float("inf")
        self.seek_requested.emit(min(max(0.0, self.transport.elapsed_s() + change_s), end))

    def back_1_s(self) -> None:
        """Ask for a second earlier."""
        self._seek_by(-1.0)

    def back_5_s(self) -> None:
        """Ask for five seconds earlier."""
        self._seek_by(-5.0)

    def forward_5_s(self) -> None:
        """Ask for five seconds later."""
        self._seek_by(5.0)

    def to_start(self) -> None:
        """Ask for the start of the recording."""
        self.seek_requested.emit(0.0)

    def slower(self) -> None:
        """Choose the next slower speed."""
        self.transport.change_speed(-1)

    def faster(self) -> None:
        """Choose the next faster speed."""
        self.transport.change_speed(1)

    def show_shortcuts(self) -> None:
        """List every key, read from the menus' table."""
        ShortcutDialog(self).show()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.closed.emit()
        super().closeEvent(event)


def size_on(screen: QSize) -> QSize:
    """Return how large the window opens: no larger than the screen, where it fits at all."""
    return QSize(*SIZE_PX).boundedTo(screen).expandedTo(QSize(*SMALLEST_PX))


def _row(*widgets: QWidget, stretch: Sequence[int]) -> QHBoxLayout:
    layout = QHBoxLayout()
    layout.setSpacing(8)
    for widget, share in zip(widgets, stretch, strict=True):
        layout.addWidget(widget, share)
    return layout
