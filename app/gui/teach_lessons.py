"""Between the lesson and the right side of the teaching window: what is to do, and the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from motionrgbd.app.gui import teach_texts
from motionrgbd.app.gui.teach_moments import MomentPresenter
from motionrgbd.app.gui.teach_window import TeachWindow
from motionrgbd.app.gui.teach_worker import TeachWorker
from motionrgbd.app.gui.texts import Notice
from motionrgbd.app.gui.workshop import MISTAKES, Workshop
from motionrgbd.app.teaching_session import TeachingSession
from motionrgbd.core.teaching_report import ForgettingError, TeachReport
from motionrgbd.models.bundle import write_bundle

if TYPE_CHECKING:
    from motionrgbd.core.teaching import Teaching


class LessonPresenter(QObject):
    """Teaches, shows what that found, and keeps the taught model. Window's thread.

    used: the taught model, written to this path, is to be used now.
    """

    used = Signal(object)

    def __init__(
        self,
        workshop: Workshop,
        session: TeachingSession,
        window: TeachWindow,
        moments: MomentPresenter,
    ) -> None:
        super().__init__(window)
        self._workshop, self._session = workshop, session
        self._window, self._moments = window, moments
        self._teaching: Teaching | None = None
        self._saved_to: Path | None = None
        self._reporting = False
        self._worker = TeachWorker(self)
        self._worker.progressed.connect(window.lesson.set_progress)
        self._worker.taught.connect(self._taught)
        self._worker.failed.connect(self._not_taught)
        self._worker.cancelled.connect(self._cancelled)
        moments.read.connect(self.show_standing)
        window.lesson.teach_wanted.connect(self._teach)
        window.lesson.cancel_wanted.connect(self._worker.cancel)
        window.save_wanted.connect(lambda name: self._save(Path(name)))
        window.report_panel.use_wanted.connect(self._use)
        window.report_panel.back_wanted.connect(self._back)

    @property
    def busy(self) -> bool:
        """Whether it is taught, or the report of that stands: nothing else may change."""
        return self._worker.running or self._reporting

    def stop(self) -> None:
        """End the lesson, where there is one; may be called again."""
        self._worker.join()

    def show_standing(self) -> None:
        """Show the gestures, and what is still to be done."""
        session = self._session
        refused = self._workshop.why_not or None
        self._window.set_standing(session.standing(), session.colours(), refused)

    # ---- the lesson ----

    def _teach(self) -> None:
        if self.busy or self._workshop.why_not or not self._session.standing().ready:
            return
        self._moments.hold()
        self._set_teaching(True)
        self._window.lesson.set_progress(0.0, "starting")
        self._window.set_notice(Notice("calm", "Teaching", "the recordings are read, then learnt"))
        self._worker.start(self._workshop.make_lesson(self._workshop.bundle, self._session.takes))

    def _set_teaching(self, teaching: bool) -> None:
        self._let_change(not teaching)
        if not teaching:
            self._window.lesson.set_progress(None)

    def _let_change(self, free: bool) -> None:
        """Let recordings and spans be changed, or not."""
        self._window.sources.set_busy(not free)
        self._window.take.set_editable(free and self._moments.take is not None)

    def _taught(self, teaching: Teaching) -> None:
        self._set_teaching(False)
        self._teaching, self._saved_to = teaching, None
        self._show_report(teaching.report)
        self._window.set_saved("Not saved yet.", False, str(self._workshop.folder / "taught.mrgbd"))
        self._window.set_unsaved(True)
        names = ", ".join(new.label for new in teaching.report.new)
        self._window.set_notice(Notice("calm", "Taught", names))

    def _not_taught(self, error: Exception) -> None:
        self._set_teaching(False)
        if isinstance(error, ForgettingError):
            self._teaching = None
            self._show_report(error.report)
            self._window.set_saved("Refused: there is nothing to save.", False, savable=False)
        self._window.set_notice(teach_texts.trouble("Not taught", error))

    def _cancelled(self) -> None:
        self._set_teaching(False)
        self._window.set_notice(Notice("notice", "Cancelled", "nothing was changed"))

    # ---- its report ----

    def _show_report(self, report: TeachReport) -> None:
        self._reporting = True
        self._let_change(False)
        self._window.set_report(report)

    def _save(self, path: Path) -> None:
        if self._teaching is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bundle(path, self._teaching.bundle)
        except MISTAKES as error:
            self._window.set_notice(teach_texts.trouble("Not saved", error))
            return
        self._saved_to = path
        self._window.set_unsaved(False)
        self._window.set_saved(f"Saved: {path.name}", True)
        self._window.set_notice(Notice("calm", "Saved", str(path)))

    def _use(self) -> None:
        if self._saved_to is not None:
            self.used.emit(self._saved_to)
            self._window.close()

    def _back(self) -> None:
        self._reporting = False
        self._window.set_report(None)
        self._let_change(True)
