"""The main window: setters for what it shows, signals for what is asked of it, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

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
from motionrgbd.app.gui.controls import HeatControls, TransportBar
from motionrgbd.app.gui.history import History
from motionrgbd.app.gui.menus import MENUS, ShortcutDialog
from motionrgbd.app.gui.panels import (
    Card,
    ElidedLabel,
    GestureList,
    HealthView,
    NoticeBar,
    Tabs,
    scaled_font,
)
from motionrgbd.app.gui.picture import PicturePair, PictureView
from motionrgbd.app.gui.timeline import Timeline
from motionrgbd.core.frames import SourceInfo
from motionrgbd.core.results import GestureEvent, Health, Prediction, Snapshot

SIZE_PX, SMALLEST_PX = (1360, 850), (1024, 640)
FEW_LABELS = 15  # so many leave room for the pipeline below them in the smallest window


class MainWindow(QMainWindow):
    """Shows snapshots of one source; asks for playback through signals.

    teach_wanted: own gestures are to be taught, which takes another window.
    """

    teach_wanted = Signal()
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
        self._labels = tuple(labels)
        self._few_labels = len(self._labels) <= FEW_LABELS
        self._tabs: Tabs | None = None
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
        self.transport = TransportBar()
        self._top_label = ElidedLabel("–")
        self._top_score = QLabel("")
        self._lay_out()
        self._playback_actions: list[QAction] = []
        self._teach_actions: list[QAction] = []
        self._add_menus()
        self._join_signals()

    # ---- layout ----

    def _lay_out(self) -> None:
        self._color_card = Card("Colour", self.color_view)
        self._depth_card = Card("Depth", self.depth_view)
        self._pictures = PicturePair(self._color_card, self._depth_card)
        details = self._details_card()
        lower = _row(Card("Last 15 seconds", self.timeline), details, stretch=(1, 0))
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self._pictures, 5)
        left.addWidget(self.heat)
        left.addLayout(lower, 3)
        left.addWidget(self.transport)
        upper = QHBoxLayout()
        upper.setSpacing(8)
        upper.addLayout(left, 5)
        upper.addLayout(self._right_column(), 2)
        whole = QVBoxLayout()
        whole.setContentsMargins(10, 8, 10, 6)
        whole.setSpacing(8)
        whole.addWidget(self.notice_bar)
        whole.addLayout(upper, 1)
        whole.addLayout(self._status_row())
        central = QWidget()
        central.setLayout(whole)
        self.setCentralWidget(central)

    def _details_card(self) -> Card:
        """Return the gestures, with the pipeline behind a tab where the right column is full."""
        if self._few_labels:
            card = Card("Recognised", self.gestures)
        else:
            self._tabs = Tabs(("Recognised", "Pipeline"))
            pages = QStackedWidget()
            pages.addWidget(self.gestures)
            pages.addWidget(self.health_view)
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
                if title == "&Playback":
                    self._playback_actions.append(action)
                elif item.method == "teach":
                    self._teach_actions.append(action)
                    action.setVisible(False)
                elif item.method in ("show_gestures", "show_pipeline"):
                    action.setVisible(self._tabs is not None)
            if title == "&Playback":
                self._playback_actions.append(menu.menuAction())

    def _join_signals(self) -> None:
        self.heat.changed.connect(self._show_pictures)
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
        for action in self._teach_actions:
            action.setVisible(True)
            action.setEnabled(not why_not)
            action.setText("&Teach own gestures …" + (f" ({why_not})" if why_not else ""))

    def set_snapshot(self, snapshot: Snapshot, elapsed_s: float) -> None:
        """Show a moment: pictures, probabilities and where the recording is."""
        self._snapshot = snapshot
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
                )
            )

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

    def show_outline(self, visible: bool) -> None:
        """Outline what the network sees, or not."""
        self.color_view.set_outline(visible)
        self.depth_view.set_outline(visible)

    def show_gestures(self) -> None:
        """Show the recognised gestures, where they share their place."""
        if self._tabs is not None:
            self._tabs.choose(0)

    def show_pipeline(self) -> None:
        """Show rates, losses and latencies, where they share their place."""
        if self._tabs is not None:
            self._tabs.choose(1)

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
