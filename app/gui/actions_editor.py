"""Between a mapping that is being written and the page that shows it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QFileDialog

from motionrgbd.app.actions import RunActions
from motionrgbd.app.gui import actions_rows
from motionrgbd.app.gui.actions_page import ACTIONS, SINKS, STATES, TEXT, ActionsPage
from motionrgbd.app.mapping_draft import KeyPath, MappingDraft, Problem
from motionrgbd.app.my_settings import config_folder
from motionrgbd.core.actions.kinds import find_kind, kind_names
from motionrgbd.core.actions.mapping import OF_ACTIONS, OF_SINKS, TOP, ActionMap, FindKind
from motionrgbd.core.actions.rehearsal import rehearse
from motionrgbd.core.errors import MotionRGBDError

_CHECK_MS = 200  # after the last key: checking every one would stutter
_FILES = "Mappings (*.toml);;All files (*)"
UNSAVED = "unsaved-actions.toml"
_NO_PROBLEM = Problem((), None, "")


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
        self.ask_open: Callable[[], Path | None] = self._open_dialog
        self.ask_save: Callable[[], Path | None] = self._save_dialog
        self.draft: MappingDraft | None = None
        self._mapping: ActionMap | None = None
        self._problem: Problem | None = None
        self._action, self._sink = 0, 0
        self._discarding = ""  # what was asked for, and would lose changes
        self._timer = QTimer(self, interval=_CHECK_MS, singleShot=True)
        self._timer.timeout.connect(self.check)
        self._typed = False  # the text, and not yet shown in the tables
        page.new_kind.addItems(kind_names())
        page.asked.connect(self._do)
        page.text_edited.connect(self._set_text)
        actions_tab, sinks_tab = page.actions_tab, page.sinks_tab
        actions_tab.list.chosen.connect(self._choose_action)
        actions_tab.form.edited.connect(self._edit_action)
        actions_tab.add_wanted.connect(self._add_action)
        actions_tab.remove_wanted.connect(self._remove_action)
        sinks_tab.list.chosen.connect(self._choose_sink)
        sinks_tab.form.edited.connect(self._edit_sink)
        sinks_tab.add_wanted.connect(self._add_sink)
        sinks_tab.remove_wanted.connect(self._remove_sink)
        page.states_form.edited.connect(self._edit_top)
        page.state_added.connect(lambda name: self._change(lambda d: d.allow(name, "", True)))
        page.state_removed.connect(self._remove_state)

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
        self.draft, self._action, self._sink = draft, 0, 0
        self._show()
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
        else:
            self._go_to_problem()

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
        dispatcher, rule = self._actions.dispatcher, self._mapping.rules[self._action]
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

    def _change(self, change: Callable[[MappingDraft], Any], *, forms: bool = True) -> None:
        """Change the tables; where only the text can be changed, say so."""
        assert self.draft is not None
        try:
            change(self.draft)
        except MotionRGBDError as error:
            self._page.set_said(str(error), bad=True)
            self._show_forms()
            return
        if forms:
            self._show()
        else:
            self._page.set_text(self.draft.text)
            self._show_lists()
            self._timer.start()

    def _edit_action(self, key: str, value: Any) -> None:
        path: KeyPath = ("action", self._action)

        def change(draft: MappingDraft) -> None:
            draft.set((*path, key), value)
            if key == "sink":  # what another sink was asked is nothing for this one
                asked = actions_rows.asked_of(draft, value, self._find)
                draft.keep(path, (*OF_ACTIONS, *asked))

        self._change(change, forms=key == "sink")

    def _edit_sink(self, key: str, value: Any) -> None:
        name = self._sink_name()

        def change(draft: MappingDraft) -> None:
            draft.set(("sinks", name, key), value)
            kind = actions_rows.kind_of(draft, name, self._find)
            if key == "kind" and kind is not None:
                draft.keep(("sinks", name), ("kind", *OF_SINKS, *kind.options))

        if name:
            self._change(change, forms=key == "kind")

    def _edit_top(self, key: str, value: Any) -> None:
        assert self.draft is not None
        if key in self.draft.states:
            allowed = value or []
            self._change(lambda draft: draft.set(("states", key), allowed), forms=False)
        else:
            self._change(lambda draft: draft.set((key,), value), forms=False)

    def _add_action(self) -> None:
        def change(draft: MappingDraft) -> None:
            sink = next(iter(draft.sinks), "undo")
            values = {"gesture": self._actions.gestures[0], "sink": sink}
            self._action = draft.add_action(values)

        self._change(change)

    def _remove_action(self) -> None:
        if self.draft is not None and self.draft.actions:
            self._change(lambda draft: draft.remove_action(self._action))

    def _add_sink(self) -> None:
        def change(draft: MappingDraft) -> None:
            name = draft.add_sink(self._page.new_kind.currentText())
            self._sink = list(draft.sinks).index(name)

        self._change(change)

    def _remove_sink(self) -> None:
        name = self._sink_name()
        if name:
            self._change(lambda draft: draft.remove_sink(name))

    def _remove_state(self, name: str) -> None:
        if self.draft is not None and name in self.draft.states:
            self._change(lambda draft: draft.remove_state(name))

    def _sink_name(self) -> str:
        names = [] if self.draft is None else list(self.draft.sinks)
        return names[self._sink] if self._sink < len(names) else ""

    # ---- what is shown ----

    def _choose_action(self, row: int) -> None:
        self._action = row
        self._show_forms()

    def _choose_sink(self, row: int) -> None:
        self._sink = row
        self._show_forms()

    def _show(self, *, text: bool = True) -> None:
        """Show everything anew."""
        draft = self.draft
        assert draft is not None
        self._action = max(0, min(self._action, len(draft.actions) - 1))
        self._sink = max(0, min(self._sink, len(draft.sinks) - 1))
        if text:
            self._page.set_text(draft.text)
        self._page.set_tables_usable(not draft.trouble)
        self._page.set_states(tuple(draft.states))
        self._show_lists()
        self._show_forms()
        self.check()

    def _show_forms(self) -> None:
        draft, page = self.draft, self._page
        assert draft is not None
        gestures, find, name = self._actions.gestures, self._find, self._sink_name()
        actions = draft.actions
        rows = actions_rows.action_rows(draft, self._action, gestures, find) if actions else ()
        page.actions_tab.form.set_rows(rows)
        page.sinks_tab.form.set_rows(actions_rows.sink_rows(draft, name, find) if name else ())
        page.states_form.set_rows(() if draft.trouble else actions_rows.state_rows(draft))
        page.actions_tab.list.choose(self._action)
        page.sinks_tab.list.choose(self._sink)
        self._show_problem()

    def _show_lists(self) -> None:
        draft, page = self.draft, self._page
        assert draft is not None
        problem = self._problem or _NO_PROBLEM
        page.actions_tab.list.set_lines(actions_rows.action_lines(draft, problem.action))
        page.sinks_tab.list.set_lines(actions_rows.sink_lines(draft, problem.sink))
        page.set_file(draft.name, draft.changed)

    def check(self) -> None:
        """Have the program's own reader say whether the mapping is right."""
        draft = self.draft
        if draft is None:
            return
        if self._typed:
            self._typed = False
            self._show(text=False)
            return
        self._timer.stop()
        self._mapping, self._problem = draft.check(self._actions.gestures, self._find)
        self._show_lists()
        self._show_problem()
        self._page.set_usable(self._mapping is not None)
        if self._problem is not None:
            self._page.set_said(self._problem.to_text(), bad=True)
        elif draft.trouble:
            self._page.set_said(draft.trouble)
        elif draft.actions:
            self._page.set_said(f"Actions: {len(draft.actions)}. Comments of the file are kept.")
        else:
            self._page.set_said("No action yet: add a sink, allow it in a state, add an action")

    def _show_problem(self) -> None:
        """Say what is wrong beside its field, where that is shown."""
        page, problem = self._page, self._problem or _NO_PROBLEM
        action_here, sink_here = problem.action == self._action, problem.sink == self._sink_name()
        elsewhere = problem.action is not None or problem.sink is not None
        page.set_error_line(problem.line)
        for form, here in (
            (page.actions_tab.form, action_here),
            (page.sinks_tab.form, sink_here),
            (page.states_form, not elsewhere),
        ):
            form.set_problem(problem.key if here else None, problem.reason)

    def _go_to_problem(self) -> None:
        problem, draft = self._problem, self.draft
        if problem is None or draft is None:
            return
        if problem.action is not None and not draft.trouble:
            self._action = problem.action
            self._page.tabs.choose(ACTIONS)
        elif problem.sink in draft.sinks:
            self._sink = list(draft.sinks).index(problem.sink)
            self._page.tabs.choose(SINKS)
        elif problem.key in (*draft.states, *TOP) and not draft.trouble:
            self._page.tabs.choose(STATES)
        else:
            self._page.show_line(problem.line or 1)
            return
        self._show_forms()

    # ---- dialogs ----

    def _open_dialog(self) -> Path | None:
        name, _ = QFileDialog.getOpenFileName(self._page, "Open a mapping", "", _FILES)
        return Path(name) if name else None

    def _save_dialog(self) -> Path | None:
        name, _ = QFileDialog.getSaveFileName(
            self._page, "Save the mapping", "actions.toml", _FILES
        )
        return Path(name) if name else None
