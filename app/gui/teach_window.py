"""The teaching window: setters for what it shows, signals for what is asked of it, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from motionrgbd.app.gui import teach_texts, texts
from motionrgbd.app.gui.menus import ShortcutDialog
from motionrgbd.app.gui.panels import NoticeBar
from motionrgbd.app.gui.source_bar import SourceBar
from motionrgbd.app.gui.take_page import TakePage
from motionrgbd.app.gui.teach_keys import TEACH_MENUS, WAYS_TO_ADD
from motionrgbd.app.gui.teach_panels import LessonPanel, ReportPanel
from motionrgbd.app.gui.window import SMALLEST_PX, size_on
from motionrgbd.app.gui.window_menus import WindowMenus
from motionrgbd.app.teaching_session import Standing
from motionrgbd.core.frames import SourceInfo
from motionrgbd.core.region import RegionOfInterest

if TYPE_CHECKING:
    from motionrgbd.core.teaching import TeachReport

_COLUMN_PX = 320


class TeachWindow(QMainWindow):
    """Shows one recording with its spans, the gestures, and what teaching found out.

    sources, take, lesson, report_panel: its parts. save_wanted: where the taught model is to go.
    """

    save_wanted = Signal(str)
    closing = Signal()  # while everything is still shown
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Teach own gestures – motionrgbd-live")
        self.setMinimumSize(*SMALLEST_PX)
        self.resize(1360, 850)
        if QApplication.platformName() != "offscreen":  # whose 800x800 pixels are no screen
            self.resize(size_on(self.screen().availableSize()))
        self._unsaved = False
        self._suggested = "taught.mrgbd"
        self.notice_bar = NoticeBar()
        self.sources = SourceBar()
        self.take = TakePage()
        self.lesson = LessonPanel()
        self.report_panel = ReportPanel()
        self._lay_out()
        self.menus = WindowMenus(self, TEACH_MENUS)
        self.sources.set_ways([self.menus.action(way) for way in WAYS_TO_ADD])
        self.report_panel.save_wanted.connect(self.ask_save)

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self.sources)
        left.addWidget(self.take, 1)
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

    # ---- setters ----

    def set_notice(self, notice: texts.Notice) -> None:
        """Show how things stand."""
        self.notice_bar.set_notice(notice)

    def set_source(self, info: SourceInfo | None, region: RegionOfInterest | None = None) -> None:
        """Empty the pictures: another source's come. region: what will count of them."""
        self.take.set_source(info, region)
        self.notice_bar.set_badges(() if info is None else texts.source_badges(info))

    def set_standing(
        self, standing: Standing, colours: Mapping[str, int], refused: str | None
    ) -> None:
        """Show the gestures and what is still to be done; refused: why this model is not taught."""
        self.lesson.gestures.set_maker(
            lambda theme: teach_texts.gesture_list(standing, colours, theme)
        )
        ready = standing.ready and refused is None
        self.lesson.set_todo(teach_texts.todo(standing, refused), ready)
        self.take.timeline.set_wrong(standing.wrong)

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

    # ---- what menus and keys call ----

    def ask_save(self) -> None:
        """Let the user choose where the taught model goes."""
        if self._column.currentWidget() is not self.report_panel:
            return
        name, _ = QFileDialog.getSaveFileName(
            self, "Save the taught model", self._suggested, "Models (*.mrgbd)"
        )
        if name:
            self.save_wanted.emit(str(Path(name).with_suffix(".mrgbd")))

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
