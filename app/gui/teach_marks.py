"""Between the spans of the recording that is shown and what marks, names and moves them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from motionrgbd.app.gui import teach_texts
from motionrgbd.app.gui.teach_lessons import LessonPresenter
from motionrgbd.app.gui.teach_moments import MomentPresenter
from motionrgbd.app.gui.teach_window import TeachWindow
from motionrgbd.app.teaching_session import Take, TeachingSession
from motionrgbd.core.errors import MotionRGBDError, UsageError
from motionrgbd.core.labels import NamedSpan


class MarkPresenter(QObject):
    """Changes spans as long as they are not being taught; keeps them. Window's thread.

    changed: a recording has other spans than before.
    """

    changed = Signal()

    def __init__(
        self,
        session: TeachingSession,
        window: TeachWindow,
        moments: MomentPresenter,
        lesson: LessonPresenter,
    ) -> None:
        super().__init__(window)
        self._session, self._window, self._page = session, window, window.take
        self._moments, self._lesson = moments, lesson
        self._chosen: NamedSpan | None = None
        self._mark: tuple[float, float | None] | None = None
        moments.changed.connect(self._begin)
        page, marks = window.take, window.take.marks
        page.span_wanted.connect(self._go_to_span)
        page.timeline.chosen.connect(self._choose)
        page.timeline.edges_moved.connect(self._move)
        marks.mark_in.connect(self._mark_in)
        marks.mark_out.connect(self._mark_out)
        marks.forgotten.connect(self._forget)
        marks.named.connect(self._name)
        marks.delete_wanted.connect(self._delete)
        marks.undo_wanted.connect(lambda: self._walk(back=True))
        marks.redo_wanted.connect(lambda: self._walk(back=False))
        self._show()

    # ---- which span ----

    def show_span(self, span: NamedSpan) -> None:
        """Go to a span's first frame, which starts at most a millisecond after its edge."""
        take = self._moments.take
        assert take is not None
        self._moments.go_to(take.times.frame(span.start_s + 1e-3))
        self._choose(span)

    def _begin(self) -> None:
        """Another recording is shown, or none."""
        self._chosen, self._mark = None, None
        self._show()

    def _choose(self, span: NamedSpan | None) -> None:
        self._chosen = span
        if span is not None:
            self._page.marks.set_label(span.label)
        self._show()

    def _go_to_span(self, steps: int) -> None:
        take, at_s = self._moments.take, self._moments.at_s
        if take is None or at_s is None or not take.spans:
            return
        spans = take.spans
        if steps > 0:
            span = next((s for s in spans if s.start_s > at_s + 1e-6), spans[-1])
        else:
            span = next((s for s in reversed(spans) if s.start_s < at_s - 1e-6), spans[0])
        self.show_span(span)

    # ---- marking ----

    def _editable(self) -> Take | None:
        """Return the recording whose spans may be changed: one is shown, and it is not taught."""
        return None if self._lesson.busy else self._moments.take

    def _mark_in(self) -> None:
        take, at_s = self._editable(), self._moments.at_s
        if take is None or at_s is None:
            return
        self._chosen, self._mark = None, (take.times.edge(at_s), None)
        self._show()

    def _mark_out(self) -> None:
        take, at_s = self._editable(), self._moments.at_s
        if take is None or at_s is None:
            return
        if self._mark is None:
            self._refuse("Mark where the gesture begins first (I).")
            return
        start_s, end_s = self._mark[0], take.times.after(at_s)
        if end_s <= start_s:
            self._refuse("The end lies before the start: go on to the gesture's last frame.")
            return
        self._mark = (start_s, end_s)
        self._add(take, start_s, end_s, self._page.marks.label())

    def _add(self, take: Take, start_s: float, end_s: float, label: str) -> None:
        """Make the marked part a span; without a name it waits for one."""
        if not label.strip():
            self._show()
            self._refuse("Type which gesture it is, then press Enter.")
            self._page.ask_label()
        elif self._change(lambda: take.editor.add(start_s, end_s, label)):
            self._mark = None
            self._show()

    def _name(self, label: str) -> None:
        chosen, take = self._chosen, self._editable()
        if take is None:
            return
        if self._mark is not None and self._mark[1] is not None:
            self._add(take, self._mark[0], self._mark[1], label)
        elif chosen is not None:
            self._change(lambda: take.editor.rename(chosen, label))

    def _forget(self) -> None:
        if self._mark is not None:
            self._mark = None
            self._show()
        else:
            self._choose(None)

    # ---- changes ----

    def _move(self, span: NamedSpan, start_s: float, end_s: float) -> None:
        take = self._moments.take
        if take is None:
            return
        if start_s != span.start_s:
            self._change(lambda: take.editor.move(span, start_s=start_s))
            self._moments.go_to(start_s)
        else:
            self._change(lambda: take.editor.move(span, end_s=end_s))
            self._moments.go_to(take.times.beside(end_s, -1))

    def _delete(self) -> None:
        take = self._editable()
        if take is not None and self._chosen is not None:
            take.editor.delete(self._chosen)
            self._changed(None)

    def _walk(self, *, back: bool) -> None:
        take = self._editable()
        if take is not None and (take.editor.undo() if back else take.editor.redo()):
            self._changed(None)

    def _change(self, change: Callable[[], NamedSpan]) -> bool:
        try:
            span = change()
        except UsageError as error:
            self._show()
            self._refuse(str(error))
            return False
        self._changed(span)
        return True

    def _changed(self, chosen: NamedSpan | None) -> None:
        self._chosen = chosen
        if self._moments.take is not None:
            try:
                self._moments.take.save()
            except MotionRGBDError as error:
                self._window.set_notice(teach_texts.trouble("Labels are not kept", error))
        self._show()
        self.changed.emit()

    # ---- what is shown ----

    def _show(self) -> None:
        """Show spans, gestures and what is left to do, all of it: they depend on each other."""
        page, session, take = self._page, self._session, self._moments.take
        spans = take.spans if take is not None else ()
        if self._chosen not in spans:
            self._chosen = None
        page.timeline.set_spans(spans, self._chosen, session.colours())
        page.timeline.set_mark(*(self._mark or (None,)))
        page.marks.set_labels(session.used_labels())
        page.marks.set_state(
            chosen=self._chosen is not None,
            can_undo=take is not None and take.editor.can_undo,
        )
        page.marks.say(teach_texts.marked(self._chosen, self._mark) if take is not None else "")
        self._lesson.show_standing()

    def _refuse(self, text: str) -> None:
        self._page.marks.say(text, refused=True)
