"""Between the recordings of a teaching session and the teaching window. Pictures are polled."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer, Signal

from motionrgbd.app.gui import teach_texts
from motionrgbd.app.gui.teach_lessons import LessonPresenter
from motionrgbd.app.gui.teach_marks import MarkPresenter
from motionrgbd.app.gui.teach_moments import MomentPresenter
from motionrgbd.app.gui.teach_window import TeachWindow
from motionrgbd.app.gui.texts import Notice
from motionrgbd.app.gui.workshop import MISTAKES, RegionOf, Workshop
from motionrgbd.app.teaching_session import Take, TeachingSession
from motionrgbd.core.sources.source import Source

POLL_MS = 33


class TeachPresenter(QObject):
    """Lets recordings come and go, and joins what shows, marks and teaches them.

    Window's thread. used: the taught model, written to this path, is to be used now.
    """

    used = Signal(object)

    def __init__(self, workshop: Workshop, session: TeachingSession, window: TeachWindow) -> None:
        super().__init__(window)
        self._workshop = workshop
        self._session = session
        self._window = window
        self._moments = MomentPresenter(workshop, window)
        self._lesson = LessonPresenter(workshop, session, window, self._moments)
        self._marks = MarkPresenter(session, window, self._moments, self._lesson)
        self._moments.changed.connect(self._show_takes)
        self._marks.changed.connect(self._show_takes)
        self._lesson.used.connect(self.used)
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._moments.poll)
        sources = window.sources
        sources.source_wanted.connect(self.open)
        sources.take_chosen.connect(self._choose_take)
        sources.leave_out_wanted.connect(self._leave_out)
        sources.record_toggled.connect(self._toggle_recording)
        window.closed.connect(self.stop)
        self._show_takes()
        window.set_notice(Notice("calm", "Teach", "add a recording, mark examples, teach"))

    def start(self) -> None:
        """Start the polling."""
        self._timer.start()

    def stop(self) -> None:
        """Stop everything that runs; may be called again."""
        self._timer.stop()
        self._lesson.stop()
        self._moments.end()

    def open(self, spec: str) -> None:
        """Show a recording or a camera; what cannot be opened is said, and nothing else changes."""
        self._open(spec, self._workshop.region_of)

    def _open(self, spec: str, region_of: RegionOf) -> None:
        if self._lesson.busy:
            return
        try:
            source = self._workshop.open_source(spec)
            if source.info.live:
                self._show_camera(source, spec, region_of)
                return
            source.close()
            region = region_of(spec, source.info)
            take = self._session.add(
                Take(spec, source.info, lambda: self._workshop.open_source(spec), region)
            )
            self._show_take(take)
        except MISTAKES as error:
            self._say_error("Cannot be opened", error)

    def _show_camera(self, source: Source, spec: str, region_of: RegionOf) -> None:
        try:
            region = region_of(spec, source.info)
        except MISTAKES:
            source.close()
            raise
        self._moments.show_camera(source, region)

    def _show_take(self, take: Take) -> None:
        self._moments.show_take(take)
        if take.spans:
            self._marks.show_span(take.spans[0])

    def _choose_take(self, number: int) -> None:
        if 0 <= number < len(self._session.takes):
            self._show_take(self._session.takes[number])

    def _leave_out(self) -> None:
        if self._moments.take is None or self._lesson.busy:
            return
        self._session.remove(self._moments.take)
        if self._session.takes:
            self._show_take(self._session.takes[-1])
        else:
            self._moments.show_nothing()

    def _toggle_recording(self) -> None:
        camera = self._moments.camera
        if camera is None or self._lesson.busy:
            return
        try:
            if not camera.recording:
                self._destination = self._workshop.folder / time.strftime("take-%Y%m%d-%H%M%S")
                camera.start(self._destination)
                return
            count = camera.stop()
        except MISTAKES as error:
            self._say_error("Cannot be recorded", error)
            return
        if count.frames:
            region = self._moments.region  # of the camera that it was recorded with
            self._open(str(self._destination), lambda _spec, _info: region)
            if count.gone:
                told = teach_texts.recording_count(count)
                self._window.set_notice(Notice("warning", "Recorded with gaps", told))

    def _show_takes(self) -> None:
        names = [
            f"{take.info.name}  ({len(take.spans)} marked)" if take.spans else take.info.name
            for take in self._session.takes
        ]
        take = self._moments.take
        current = self._session.takes.index(take) if take is not None else -1
        self._window.sources.set_takes(names, current)

    def _say_error(self, headline: str, error: Exception) -> None:
        self._window.set_notice(teach_texts.trouble(headline, error))
