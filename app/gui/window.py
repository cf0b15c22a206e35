"""The main window: setters for what it shows, signals for what is asked of it, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMainWindow,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from motionrgbd.app.gui import texts
from motionrgbd.app.gui.actions_page import ActionsPage
from motionrgbd.app.gui.actions_panel import ActionsPanel
from motionrgbd.app.gui.controls import RecordBar
from motionrgbd.app.gui.designer import DesignerPage
from motionrgbd.app.gui.elided import ElidedLabel
from motionrgbd.app.gui.menus import ShortcutDialog
from motionrgbd.app.gui.panels import NoticeBar
from motionrgbd.app.gui.transport import TransportBar
from motionrgbd.app.gui.watch_page import WatchPage
from motionrgbd.app.gui.window_menus import WindowMenus
from motionrgbd.app.my_settings import WindowMemory
from motionrgbd.app.tapped_source import RecordingCount
from motionrgbd.core.frames import SourceInfo
from motionrgbd.core.results import Health, Snapshot

_WHILE_DESIGNING = (
    "start_up",
    "start_down",
    "end_up",
    "end_down",
    "design_zoom_in",
    "design_zoom_out",
    "save_decisions",
)
_OF_ACTIONS = (
    "show_actions",
    "edit_actions",
    "arm_actions",
    "actions_panel.disarm",
    "actions_panel.undo",
)
_WHILE_EDITING = ("actions_page.try_one", "actions_page.apply", "actions_page.save")
SIZE_PX, SMALLEST_PX = (1360, 850), (1024, 640)
LOW_PX = 780  # below it how actions are doing takes one row: pictures and timeline need the rest
STEP = 0.01  # of a threshold, by one key


class MainWindow(QMainWindow):
    """Shows snapshots of one source; asks for playback through signals.

    watch, designer, actions_page: its pages. open_wanted: another source or model is to be chosen.
    teach_wanted: own gestures are to be taught, which takes another window. designer_shown: the
    decision designer was opened or closed; actions_edited: the same of what gestures do.
    threshold_nudged: `on` or `off`, by how much.
    """

    teach_wanted = Signal()
    open_wanted = Signal()
    designer_shown = Signal(bool)
    actions_edited = Signal(bool)
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
        self.shown_moments = 0
        self.notice_bar = NoticeBar()
        self.watch = WatchPage(labels)
        self.designer = DesignerPage()
        self.actions_page = ActionsPage()
        self.actions_panel = ActionsPanel()
        self.transport = TransportBar()
        self.record_bar = RecordBar()
        self._lay_out()
        self.menus = WindowMenus(self)
        for method in ("open_other", "teach", "toggle_recording"):
            self.menus.offer(method, False)
        self.menus.action("watch.show_pipeline").setVisible(not self.watch.few_labels)
        self.set_designable(False)
        self.menus.show_menu("Actions", False, ())
        self.actions_panel.edit_wanted.connect(self.menus.action("edit_actions").toggle)
        self.actions_page.buttons["done"].clicked.connect(self.menus.action("edit_actions").toggle)
        self.record_bar.toggled.connect(self.record_toggled)
        self.transport.play_toggled.connect(self.play_toggled)
        self.transport.step_requested.connect(self.step_requested)
        self.transport.seek_requested.connect(self.seek_requested)
        self.transport.speed_changed.connect(self.speed_changed)

    # ---- layout ----

    def _lay_out(self) -> None:
        self._bottom = QWidget()  # of both pages: it moves along
        bottom = QHBoxLayout(self._bottom)
        bottom.setContentsMargins(0, 0, 0, 0)
        bottom.addWidget(self.transport, 1)
        bottom.addWidget(self.record_bar, 1)
        self._bottoms = (self.watch.below, self.designer.below)
        self.watch.below.addWidget(self._bottom)
        self.record_bar.hide()
        self._pages = QStackedWidget()
        self._pages.addWidget(self.watch)
        self._pages.addWidget(self.designer)
        self._pages.addWidget(self.actions_page)
        self.actions_panel.hide()
        central = QWidget()
        whole = QVBoxLayout(central)
        whole.setContentsMargins(10, 8, 10, 6)
        whole.setSpacing(8)
        whole.addWidget(self.notice_bar)
        whole.addWidget(self._pages, 1)
        whole.addWidget(self.actions_panel)
        whole.addLayout(self._status_row())
        self.setCentralWidget(central)

    def _status_row(self) -> QHBoxLayout:
        muted = QPalette.ColorRole.PlaceholderText
        self._identity = ElidedLabel("", role=muted)
        self._summary = ElidedLabel("", role=muted)
        self._summary.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._identity.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._identity, 1)
        row.addWidget(self._summary)
        return row

    # ---- setters ----

    def set_source(self, info: SourceInfo, model: str, provider: str) -> None:
        """Name the source and the model; a live source has no transport."""
        self.setWindowTitle(f"{info.name} – motionrgbd-live")
        self._identity.setText("   ·   ".join(t for t in (info.name, model, provider) if t))
        self.notice_bar.set_badges(texts.source_badges(info))
        self.transport.setVisible(not info.live)
        self.transport.set_duration(info.duration_s)
        self.menus.offer_menu("Playback", not info.live)
        self.watch.set_source(info)

    def set_notice(self, notice: texts.Notice) -> None:
        """Show how things stand."""
        self.notice_bar.set_notice(notice)

    def set_teachable(self, why_not: str) -> None:
        """Offer to teach own gestures; greyed out, with the reason, where the model cannot."""
        action = self.menus.action("teach")
        action.setVisible(True)
        action.setEnabled(not why_not)
        action.setText("&Teach own gestures …" + (f" ({why_not})" if why_not else ""))

    def set_designable(self, possible: bool) -> None:
        """Offer the decision designer, or not."""
        self.menus.show_menu("Decisions", possible, ("show_designer",) if possible else ())

    def set_actionable(self, *, shown: bool) -> None:
        """Offer actions; shown: how they are doing is seen at once."""
        self.menus.show_menu("Actions", True, _OF_ACTIONS)
        self.menus.action("show_actions").setChecked(shown)

    def set_openable(self) -> None:
        """Offer to open another source or model."""
        self.menus.offer("open_other", True)

    def set_memory(self, memory: WindowMemory) -> None:
        """Show everything as it was left."""
        size = QSize(memory.width_px, memory.height_px)
        if QApplication.platformName() != "offscreen":
            size = size.boundedTo(self.screen().availableSize())
        self.resize(size)
        self.watch.set_memory(memory)
        self.menus.action("watch.show_outline").setChecked(memory.outline)
        self.menus.action("show_mirrored").setChecked(memory.mirror)

    def memory(self, before: WindowMemory) -> WindowMemory:
        """Return what was remembered with how everything is now."""
        full = self.isFullScreen() or self.isMaximized()
        return replace(
            self.watch.memory(before),
            width_px=before.width_px if full else self.width(),
            height_px=before.height_px if full else self.height(),
            outline=self.menus.action("watch.show_outline").isChecked(),
            mirror=self.menus.action("show_mirrored").isChecked(),
        )

    def set_recordable(self) -> None:
        """Offer to record what a camera shows."""
        self.record_bar.show()
        self.menus.offer("toggle_recording", True)

    def set_recording(self, count: RecordingCount | None) -> None:
        """Show how a recording is going; None: nothing is being recorded."""
        self.record_bar.set_count(count)

    def set_recording_said(self, text: str, *, bad: bool = False) -> None:
        """Say where a recording is, or (bad) why there is none."""
        self.record_bar.set_said(text, bad=bad)

    def set_snapshot(self, snapshot: Snapshot, elapsed_s: float) -> None:
        """Show a moment, and where the recording is."""
        self.shown_moments += 1
        self.watch.set_snapshot(snapshot)
        self.transport.set_elapsed(elapsed_s)

    def set_health(self, health: Health) -> None:
        """Show how the pipeline is doing."""
        self.watch.health_view.set_health(health)
        self._summary.setText(texts.summary(health))

    def set_playing(self, playing: bool) -> None:
        """Show whether the recording runs."""
        self.transport.set_playing(playing)

    def identity(self) -> str:
        """Return the words that name source, model and provider."""
        return self._identity.text()

    def summary(self) -> str:
        """Return the words about rates and losses."""
        return self._summary.text()

    # ---- what menus and keys call ----

    def open_other(self) -> None:
        """Ask for another camera, recording or model."""
        self.open_wanted.emit()

    def toggle_recording(self) -> None:
        """Ask to record, or to end that."""
        self.record_toggled.emit()

    def teach(self) -> None:
        """Ask for the window that teaches own gestures."""
        self.teach_wanted.emit()

    def show_mirrored(self, mirrored: bool) -> None:
        """Show pictures as in a mirror, or not."""
        self.watch.show_mirrored(mirrored)
        self.designer.picture.set_mirrored(mirrored)

    def show_full_screen(self, full: bool) -> None:
        """Fill the screen, or not."""
        if full:
            self.showFullScreen()
        else:
            self.showNormal()

    def show_designer(self, shown: bool) -> None:
        """Design decisions, or go back to watching."""
        if shown:
            self.menus.action("edit_actions").setChecked(False)
        self._bottoms[shown].addWidget(self._bottom)
        self._pages.setCurrentIndex(int(shown))
        for method in _WHILE_DESIGNING:
            self.menus.action(method).setEnabled(shown)
        self.designer_shown.emit(shown)
        if shown:
            self.designer.table.setFocus()

    def show_actions(self, shown: bool) -> None:
        """Show how actions are doing, or not."""
        self.actions_panel.setVisible(shown)

    def edit_actions(self, shown: bool) -> None:
        """Edit what gestures do, or go back to watching."""
        if shown:
            self.menus.action("show_designer").setChecked(False)
        self._pages.setCurrentWidget(self.actions_page if shown else self.watch)
        self.actions_panel.edit_button.setEnabled(not shown)
        for method in _WHILE_EDITING:
            self.menus.action(method).setEnabled(shown)
        self.actions_edited.emit(shown)

    def arm_actions(self) -> None:
        """Ask whether actions are to be sent."""
        self.menus.action("show_actions").setChecked(True)
        self.actions_panel.arm()

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

    def show_shortcuts(self) -> None:
        """List every key, read from the menus' table."""
        ShortcutDialog(self).show()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.actions_panel.set_low(self.height() < LOW_PX)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.closed.emit()
        super().closeEvent(event)


def size_on(screen: QSize) -> QSize:
    """Return how large the window opens: no larger than the screen, where it fits at all."""
    return QSize(*SIZE_PX).boundedTo(screen).expandedTo(QSize(*SMALLEST_PX))
