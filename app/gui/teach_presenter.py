"""Between the recordings, the teaching and the teaching window. Pictures are polled."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from motionrgbd.app.gui import teach_texts
from motionrgbd.app.gui.take_player import TakePlayer
from motionrgbd.app.gui.teach_window import TeachWindow
from motionrgbd.app.gui.teach_worker import Lesson, TeachWorker
from motionrgbd.app.gui.texts import Notice
from motionrgbd.app.teaching_session import Take, TeachingSession
from motionrgbd.core.errors import MotionRGBDError, OutputError, UsageError
from motionrgbd.core.labels import NamedSpan
from motionrgbd.core.sources.source import Source
from motionrgbd.core.teaching_report import ForgettingError, TeachReport
from motionrgbd.models.bundle import Bundle, write_bundle
from motionrgbd.models.errors import ModelFileError

if TYPE_CHECKING:
    from motionrgbd.core.teaching import Teaching

POLL_MS = 33
_ACTIVITY_EVERY = 6  # polls: five times a second, while a recording is read
_MISTAKES = (MotionRGBDError, ModelFileError, OSError)


@dataclass(frozen=True, slots=True)
class Workshop:
    """What teaching works with.

    open_source: opens what `--replay` and `--camera` spell. make_lesson: what teaches a model the
    spans of some recordings. folder: where recordings made here, and the taught model, go.
    why_not: why this model cannot be taught, or empty.
    """

    bundle: Bundle
    open_source: Callable[[str], Source]
    make_lesson: Callable[[Bundle, Sequence[Take]], Lesson]
    folder: Path
    device: str = "auto"
    precision: str = "fp32"
    why_not: str = ""


class TeachPresenter(QObject):
    """Carries the window's wishes to the recordings, and what is found to the window.

    Window's thread. used: the taught model, written to this path, is to be used now.
    """

    used = Signal(object)

    def __init__(self, workshop: Workshop, session: TeachingSession, window: TeachWindow) -> None:
        super().__init__(window)
        self._workshop = workshop
        self._session = session
        self._window = window
        self._player: TakePlayer | None = None
        self._take: Take | None = None
        self._chosen: NamedSpan | None = None
        self._mark: tuple[float, float | None] | None = None
        self._teaching: Teaching | None = None
        self._saved_to: Path | None = None
        self._reporting = False
        self._polls = 0
        self._worker = TeachWorker(self)
        self._worker.progressed.connect(window.set_progress)
        self._worker.taught.connect(self._taught)
        self._worker.failed.connect(self._not_taught)
        self._worker.cancelled.connect(self._cancelled)
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.poll)
        self._join(window)
        self._show_takes()
        self._show_spans()
        window.set_notice(Notice("calm", "Teach", "add a recording, mark examples, teach"))

    def _join(self, window: TeachWindow) -> None:
        window.source_wanted.connect(self.open)
        window.take_chosen.connect(self._choose_take)
        window.leave_out_wanted.connect(self._leave_out)
        window.record_toggled.connect(self._toggle_recording)
        window.play_toggled.connect(self._toggle_play)
        window.moment_wanted.connect(self._go_to)
        window.frames_wanted.connect(self._go_frames)
        window.seconds_wanted.connect(self._go_seconds)
        window.span_wanted.connect(self._go_to_span)
        window.speed_changed.connect(self._set_speed)
        window.timeline.chosen.connect(self._choose)
        window.timeline.edges_moved.connect(self._move)
        window.mark_in.connect(self._mark_in)
        window.mark_out.connect(self._mark_out)
        window.mark_forgotten.connect(self._forget)
        window.named.connect(self._name)
        window.delete_wanted.connect(self._delete)
        window.undo_wanted.connect(lambda: self._walk(back=True))
        window.redo_wanted.connect(lambda: self._walk(back=False))
        window.teach_wanted.connect(self._teach)
        window.cancel_wanted.connect(self._worker.cancel)
        window.save_wanted.connect(lambda name: self.save(Path(name)))
        window.use_wanted.connect(self._use)
        window.back_wanted.connect(self._back)
        window.closed.connect(self.stop)

    def start(self) -> None:
        """Start the polling."""
        self._timer.start()

    def stop(self) -> None:
        """Stop everything that runs; may be called again."""
        self._timer.stop()
        self._worker.join()
        self._end_player()

    # ---- sources ----

    def open(self, spec: str) -> None:
        """Show a recording or a camera; what cannot be opened is said, and nothing else changes."""
        if self._busy():
            return
        try:
            source = self._workshop.open_source(spec)
            if source.info.live:
                self._show_camera(source)
                return
            source.close()
            take = self._session.add(
                Take(spec, source.info, lambda: self._workshop.open_source(spec))
            )
            self._show_take(take)
        except _MISTAKES as error:
            self._say_error("Cannot be opened", error)

    def _show_take(self, take: Take) -> None:
        self._end_player()
        self._take, self._chosen, self._mark = take, None, None
        window = self._window
        window.set_source(take.info)
        window.set_camera(False, False, "")
        window.timeline.set_recording(take.times.end_s, take.editor.room)
        window.set_editable(True)
        self._show_takes()
        self._show_spans()
        where = f"labels are kept in {take.table.name}" if take.table else "its labels are not kept"
        window.set_notice(Notice("calm", take.info.name, where))
        self._player = TakePlayer.of_recording(self._workshop, take)
        if take.spans:
            self._show_span(take.spans[0])

    def _show_camera(self, source: Source) -> None:
        self._end_player()
        self._take, self._chosen, self._mark = None, None, None
        self._window.set_source(source.info)
        self._window.timeline.clear()
        self._window.set_editable(False)
        self._player = TakePlayer.of_camera(self._workshop, source)
        self._window.set_camera(True, False, "")
        self._show_takes()
        self._show_spans()
        say = "press Record, make the gesture a few times with pauses, end the recording"
        self._window.set_notice(Notice("calm", source.info.name, say))

    def _end_player(self) -> None:
        if self._player is None:
            return
        player, self._player = self._player, None
        try:
            player.stop()
        except OutputError as error:
            self._say_error("Recording broke off", error)

    def _choose_take(self, number: int) -> None:
        if 0 <= number < len(self._session.takes):
            self._show_take(self._session.takes[number])

    def _leave_out(self) -> None:
        if not self._editable():
            return
        assert self._take is not None
        self._session.remove(self._take)
        if self._session.takes:
            self._show_take(self._session.takes[-1])
            return
        self._end_player()
        self._take = None
        self._window.set_source(None)
        self._window.timeline.clear()
        self._window.set_editable(False)
        self._show_takes()
        self._show_spans()

    def _toggle_recording(self) -> None:
        player = self._player
        if player is None or player.camera is None or self._busy():
            return
        try:
            if not player.camera.recording:
                self._destination = self._workshop.folder / time.strftime("take-%Y%m%d-%H%M%S")
                player.camera.start(self._destination)
                return
            count = player.camera.stop()
        except _MISTAKES as error:
            self._say_error("Cannot be recorded", error)
            return
        if count.frames:
            self.open(str(self._destination))
            if count.gone:
                told = teach_texts.recording_count(count)
                self._window.set_notice(Notice("warning", "Recorded with gaps", told))

    def _show_takes(self) -> None:
        names = [
            f"{take.info.name}  ({len(take.spans)} marked)" if take.spans else take.info.name
            for take in self._session.takes
        ]
        current = self._session.takes.index(self._take) if self._take is not None else -1
        self._window.set_takes(names, current)

    # ---- moments ----

    def poll(self) -> None:
        """Show what is new."""
        self._polls += 1
        player = self._player
        if player is None:
            return
        snapshot = player.new_snapshot()
        if snapshot is not None:
            self._window.set_snapshot(snapshot)
        if player.error is not None:
            self._say_error("Cannot be shown", player.error)
            self._end_player()
            return
        if player.camera is not None:
            self._show_recording(player)
            return
        self._window.set_playing(player.playing)
        self._window.set_moment(player.at_s, None)
        if self._polls % _ACTIVITY_EVERY == 0:
            self._show_activity(player)

    def _show_recording(self, player: TakePlayer) -> None:
        assert player.camera is not None
        try:
            count = player.camera.count()
        except OutputError as error:
            self._say_error("Recording broke off", error)
            self._end_player()
            self._window.set_camera(False, False, "")
            return
        recording = player.camera.recording
        told = teach_texts.recording_count(count) if recording else ""
        self._window.set_camera(True, recording, told)
        if player.source_error is not None:
            self._window.set_notice(Notice("warning", "Source is silent", player.source_error))

    def _show_activity(self, player: TakePlayer) -> None:
        activity = player.new_activity()
        if activity is None or self._take is None:
            return
        self._window.timeline.set_activity(activity)
        if activity.error is not None:
            self._say_error("Cannot be read", activity.error)
        duration_s = self._take.times.duration_s
        if activity.finished or duration_s == float("inf"):
            self._window.set_moment(player.at_s, self._take.times.end_s)
            self._show_standing()

    def _toggle_play(self) -> None:
        if self._player is not None and self._player.camera is None:
            self._player.toggle()

    def _go_to(self, time_s: float) -> None:
        if self._player is None or self._take is None:
            return
        self._player.go_to(time_s)
        self._window.set_moment(self._player.at_s, None)

    def _go_frames(self, steps: int) -> None:
        if self._player is not None and self._take is not None:
            self._go_to(self._take.times.beside(self._player.at_s, steps))

    def _go_seconds(self, change_s: float) -> None:
        if self._player is not None:
            self._go_to(self._player.at_s + change_s)

    def _go_to_span(self, steps: int) -> None:
        if self._take is None or self._player is None or not self._take.spans:
            return
        at_s, spans = self._player.at_s, self._take.spans
        if steps > 0:
            span = next((s for s in spans if s.start_s > at_s + 1e-6), spans[-1])
        else:
            span = next((s for s in reversed(spans) if s.start_s < at_s - 1e-6), spans[0])
        self._show_span(span)

    def _show_span(self, span: NamedSpan) -> None:
        """Go to a span's first frame, which starts at most a millisecond after its edge."""
        assert self._take is not None
        self._go_to(self._take.times.frame(span.start_s + 1e-3))
        self._choose(span)

    def _set_speed(self, factor: float) -> None:
        if self._player is not None and self._player.camera is None:
            self._player.set_speed(factor)

    # ---- spans ----

    def _choose(self, span: NamedSpan | None) -> None:
        self._chosen = span
        if span is not None:
            self._window.marks.set_label(span.label)
        self._show_spans()

    def _editable(self) -> bool:
        """Whether spans may be changed: there are some, and they are not being taught."""
        return self._take is not None and not self._busy()

    def _busy(self) -> bool:
        """Whether it is taught, or the report of that stands."""
        return self._worker.running or self._reporting

    def _mark_in(self) -> None:
        if self._player is None or self._take is None or not self._editable():
            return
        self._chosen, self._mark = None, (self._take.times.edge(self._player.at_s), None)
        self._show_spans()

    def _mark_out(self) -> None:
        if self._player is None or self._take is None or not self._editable():
            return
        if self._mark is None:
            self._refuse("Mark where the gesture begins first (I).")
            return
        start_s, end_s = self._mark[0], self._take.times.after(self._player.at_s)
        if end_s <= start_s:
            self._refuse("The end lies before the start: go on to the gesture's last frame.")
            return
        self._mark = (start_s, end_s)
        self._add_marked(self._window.marks.label())

    def _add_marked(self, label: str) -> None:
        """Make the marked part a span; without a name it waits for one."""
        if self._take is None or self._mark is None or self._mark[1] is None:
            return
        start_s, end_s = self._mark
        if not label.strip():
            self._show_spans()
            self._refuse("Type which gesture it is, then press Enter.")
            self._window.ask_label()
            return

        def add() -> NamedSpan:
            assert self._take is not None
            return self._take.editor.add(start_s, end_s or 0.0, label)

        if self._change(add):
            self._mark = None
            self._show_spans()

    def _name(self, label: str) -> None:
        chosen, take = self._chosen, self._take
        if take is None or not self._editable():
            return
        if self._mark is not None and self._mark[1] is not None:
            self._add_marked(label)
        elif chosen is not None:
            self._change(lambda: take.editor.rename(chosen, label))

    def _move(self, span: NamedSpan, start_s: float, end_s: float) -> None:
        take = self._take
        if take is None:
            return
        if start_s != span.start_s:
            self._change(lambda: take.editor.move(span, start_s=start_s))
            self._go_to(start_s)
        else:
            self._change(lambda: take.editor.move(span, end_s=end_s))
            self._go_to(take.times.beside(end_s, -1))

    def _delete(self) -> None:
        if self._take is not None and self._chosen is not None and self._editable():
            self._take.editor.delete(self._chosen)
            self._changed(None)

    def _forget(self) -> None:
        if self._mark is not None:
            self._mark = None
            self._show_spans()
        else:
            self._choose(None)

    def _walk(self, *, back: bool) -> None:
        if self._take is not None and self._editable():
            editor = self._take.editor
            if editor.undo() if back else editor.redo():
                self._changed(None)

    def _change(self, change: Callable[[], NamedSpan]) -> bool:
        try:
            span = change()
        except UsageError as error:
            self._show_spans()
            self._refuse(str(error))
            return False
        self._changed(span)
        return True

    def _changed(self, chosen: NamedSpan | None) -> None:
        self._chosen = chosen
        if self._take is not None:
            try:
                self._take.save()
            except MotionRGBDError as error:
                self._say_error("Labels are not kept", error)
        self._show_spans()
        self._show_takes()

    def _show_spans(self) -> None:
        """Show spans, gestures and what is left to do, all of it: they depend on each other."""
        window, session = self._window, self._session
        colours = session.colours()
        spans = self._take.spans if self._take is not None else ()
        if self._chosen not in spans:
            self._chosen = None
        window.timeline.set_spans(spans, self._chosen, colours)
        window.timeline.set_mark(*(self._mark or (None,)))
        window.marks.set_labels(session.used_labels())
        window.marks.set_state(
            chosen=self._chosen is not None,
            can_undo=self._take is not None and self._take.editor.can_undo,
        )
        hint = teach_texts.marked(self._chosen, self._mark) if self._take is not None else ""
        window.marks.say(hint)
        self._show_standing()

    def _show_standing(self) -> None:
        session = self._session
        refused = self._workshop.why_not or None
        self._window.set_standing(session.standing(), session.colours(), refused)

    def _refuse(self, text: str) -> None:
        self._window.marks.say(text, refused=True)

    # ---- teaching ----

    def _teach(self) -> None:
        if self._busy() or self._workshop.why_not or not self._session.standing().ready:
            return
        if self._player is not None:
            self._player.hold()
        self._set_teaching(True)
        self._window.set_progress(0.0, "starting")
        self._window.set_notice(Notice("calm", "Teaching", "the recordings are read, then learnt"))
        self._worker.start(self._workshop.make_lesson(self._workshop.bundle, self._session.takes))

    def _set_teaching(self, teaching: bool) -> None:
        self._window.set_busy(teaching)
        self._window.set_editable(not teaching and self._take is not None)
        if not teaching:
            self._window.set_progress(None)

    def _taught(self, teaching: Teaching) -> None:
        self._set_teaching(False)
        self._teaching, self._saved_to = teaching, None
        self._show_report(teaching.report)
        self._window.set_saved("Not saved yet.", False, str(self._workshop.folder / "taught.mrgbd"))
        self._window.set_unsaved(True)
        names = ", ".join(new.label for new in teaching.report.new)
        self._window.set_notice(Notice("calm", "Taught", names))

    def _show_report(self, report: TeachReport) -> None:
        self._reporting = True
        self._window.set_editable(False)
        self._window.set_busy(True)
        self._window.set_report(report)

    def _not_taught(self, error: Exception) -> None:
        self._set_teaching(False)
        if isinstance(error, ForgettingError):
            self._teaching = None
            self._show_report(error.report)
            self._window.set_saved("Refused: there is nothing to save.", False, savable=False)
        self._say_error("Not taught", error)

    def _cancelled(self) -> None:
        self._set_teaching(False)
        self._window.set_notice(Notice("notice", "Cancelled", "nothing was changed"))

    def save(self, path: Path) -> None:
        """Write the taught model."""
        if self._teaching is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bundle(path, self._teaching.bundle)
        except _MISTAKES as error:
            self._say_error("Not saved", error)
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
        self._window.set_busy(False)
        self._window.set_editable(self._take is not None)

    def _say_error(self, headline: str, error: Exception) -> None:
        text = " ".join(str(error).split()) or type(error).__name__
        self._window.set_notice(Notice("error", headline, text))
