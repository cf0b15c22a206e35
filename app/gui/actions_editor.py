"""Between a mapping that is being written, its file, and the actions that are to go by it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QFileDialog

from motionrgbd.app.actions import RunActions
from motionrgbd.app.gui.actions_page import TEXT, ActionsPage
from motionrgbd.app.gui.actions_tables import ActionsTables
from motionrgbd.app.mapping_draft import MappingDraft, Problem
from motionrgbd.app.my_settings import config_folder
from motionrgbd.core.actions.kinds import find_kind
from motionrgbd.core.actions.mapping import ActionMap, FindKind
from motionrgbd.core.actions.rehearsal import rehearse
from motionrgbd.core.errors import MotionRGBDError

_CHECK_MS = 200  # after the last key: checking every one would stutter
_FILES = "Mappings (*.toml);;All files (*)"
UNSAVED = "unsaved-actions.toml"


class ActionsEditor(QObject):
    """Writes a mapping through its page, and hands it to the running actions. Window's thread.

    applied: the running actions go by it now. ask_open, ask_save: give a file's name, or None.
    """

    applied = Signal()

    def __init__(
        self, actions: RunActions, page: ActionsPage, *, find: FindKind = find_kind
    ) -> None:
        super().__init__(page)
        self._actions, self._page, self._find = actions, page, find
        self._tables = ActionsTables(page, actions.gestures, find)
        self.ask_open: Callable[[], Path | None] = self._open_dialog
        self.ask_save: Callable[[], Path | None] = self._save_dialog
        self.draft: MappingDraft | None = None
        self._mapping: ActionMap | None = None
        self._problem: Problem | None = None
        self._discarding = ""  # what was asked for, and would lose changes
        self._typed = False  # the text, and not yet shown in the tables
        self._timer = QTimer(self, interval=_CHECK_MS, singleShot=True)
        self._timer.timeout.connect(self.check)
        self._tables.changed.connect(self._tables_changed)
        self._tables.refused.connect(lambda text: page.set_said(text, bad=True))
        page.asked.connect(self._do)
        page.text_edited.connect(self._set_text)

    # ---- the whole file ----

    def open(self) -> None:
        """Show what the program goes by, the first time; then what was left."""
        if self.draft is None:
            self._read(self._actions.file) if self._actions.file else self._take(MappingDraft())

    def _read(self, path: Path) -> None:
        try:
            self._take(MappingDraft.read(path))
        except MotionRGBDError as error:
            if self.draft is None:
                self._take(MappingDraft())
            self._page.set_said(str(error), bad=True)

    def _take(self, draft: MappingDraft) -> None:
        self.draft, self._typed = draft, False
        self._page.set_text(draft.text)
        self._tables.set_draft(draft)
        self.check()
        if draft.trouble:
            self._page.tabs.choose(TEXT)

    def stop(self) -> None:
        """Keep what was not saved, somewhere."""
        if self.draft is None or not self.draft.changed:
            return
        path = config_folder() / UNSAVED
        try:
            MappingDraft(self.draft.text).save(path)
            print(f"the actions that were not saved are in {path}", file=sys.stderr)
        except MotionRGBDError as error:
            print(error, file=sys.stderr)

    def _do(self, what: str) -> None:
        draft = self.draft
        if draft is None or what == "done":
            return
        self._page.sinks_tab.form.finish()
        self.check()
        sure, self._discarding = self._discarding == what, ""
        if what in ("new", "open") and draft.changed and not sure:
            self._discarding = what
            self._page.set_said("The changes are not saved: the same once more discards them")
        elif what == "new":
            self._take(MappingDraft())
        elif what == "open":
            path = self.ask_open()
            if path is not None:
                self._read(path)
        elif what in ("save", "save_as"):
            self._save(draft, as_other=what == "save_as")
        elif what == "try":
            self._try()
        elif what == "apply":
            self._apply(draft)
        elif self._problem is not None and not self._tables.go_to(self._problem):
            self._page.show_line(self._problem.line or 1)

    def _save(self, draft: MappingDraft, *, as_other: bool) -> None:
        path = draft.path if draft.path is not None and not as_other else self.ask_save()
        if path is None:
            return
        try:
            draft.save(path)
        except MotionRGBDError as error:
            self._page.set_said(str(error), bad=True)
            return
        self.check()
        but = "" if self._problem is None else f"; it is refused: {self._problem.to_text()}"
        self._page.set_said(f"Saved as {path}{but}", bad=bool(but))

    def _try(self) -> None:
        if self._mapping is None or not self._mapping.rules:
            return
        dispatcher, rule = self._actions.dispatcher, self._mapping.rules[self._tables.action]
        state, mode = (None, None) if dispatcher is None else (dispatcher.state, dispatcher.mode)
        entry = rehearse(self._mapping, rule, self._actions.gestures[0], state, mode)
        label = "" if entry.event is None else entry.event.label
        self._page.set_said(f"{label} → {entry.to_text()}")

    def _apply(self, draft: MappingDraft) -> None:
        if self._mapping is None:
            return
        try:
            self._actions.apply(self._mapping)
        except MotionRGBDError as error:
            self._page.set_said(str(error), bad=True)
            return
        unsaved = " It is not saved." if draft.changed else ""
        self._page.set_said(f"Applied: a dry run until it is armed.{unsaved}")
        self.applied.emit()

    # ---- changes ----

    def _set_text(self, text: str) -> None:
        if self.draft is not None:
            self.draft.set_text(text)
            self._typed = True
            self._timer.start()

    def _tables_changed(self, forms: bool) -> None:
        if self.draft is None:
            return
        self._page.set_text(self.draft.text)
        if forms:
            self._tables.show()
            self.check()
        else:
            self._timer.start()

    def check(self) -> None:
        """Have the program's own reader say whether the mapping is right."""
        draft, page = self.draft, self._page
        if draft is None:
            return
        self._timer.stop()
        if self._typed:
            self._typed = False
            self._tables.show()
        self._mapping, self._problem = draft.check(self._actions.gestures, self._find)
        self._tables.set_problem(self._problem)
        page.set_error_line(None if self._problem is None else self._problem.line)
        page.set_file(draft.name, draft.changed)
        page.set_usable(self._mapping is not None)
        if self._problem is not None:
            page.set_said(self._problem.to_text(), bad=True)
        elif draft.trouble:
            page.set_said(draft.trouble)
        elif draft.actions:
            page.set_said(f"Actions: {len(draft.actions)}. Comments of the file are kept.")
        else:
            page.set_said("No action yet: add a sink, allow it in a state, add an action")

    # ---- dialogs ----

    def _open_dialog(self) -> Path | None:
        name, _ = QFileDialog.getOpenFileName(self._page, "Open a mapping", "", _FILES)
        return Path(name) if name else None

    def _save_dialog(self) -> Path | None:
        name, _ = QFileDialog.getSaveFileName(
            self._page, "Save the mapping", "actions.toml", _FILES
        )
        return Path(name) if name else None
