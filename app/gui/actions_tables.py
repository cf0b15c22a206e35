"""The tables of a mapping that is being written: what is chosen, shown, and changed in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject, Signal

from motionrgbd.app.gui import actions_rows
from motionrgbd.app.gui.actions_page import ACTIONS, SINKS, STATES, ActionsPage
from motionrgbd.app.mapping_draft import KeyPath, MappingDraft, Problem
from motionrgbd.core.actions.kinds import kind_names
from motionrgbd.core.actions.mapping import OF_ACTIONS, OF_SINKS, TOP, FindKind
from motionrgbd.core.errors import MotionRGBDError

_NO_PROBLEM = Problem((), None, "")


class ActionsTables(QObject):
    """Shows a draft in the page's lists and forms, and changes it through them. Window's thread.

    changed: the draft; True where the forms have other fields now. refused: why it was not.
    """

    changed = Signal(bool)
    refused = Signal(str)

    def __init__(self, page: ActionsPage, gestures: Sequence[str], find: FindKind) -> None:
        super().__init__(page)
        self._page, self._gestures, self._find = page, tuple(gestures), find
        self._draft = MappingDraft()
        self._problem = _NO_PROBLEM
        self._action, self._sink = 0, 0
        page.new_kind.addItems(kind_names())
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

    @property
    def action(self) -> int:
        """The number of the action that is chosen."""
        return self._action

    def set_draft(self, draft: MappingDraft) -> None:
        """Go on with another one, at its first lines."""
        self._draft, self._action, self._sink = draft, 0, 0
        self.show()

    # ---- what is shown ----

    def show(self) -> None:
        """Show everything anew."""
        draft, page = self._draft, self._page
        self._action = max(0, min(self._action, len(draft.actions) - 1))
        self._sink = max(0, min(self._sink, len(draft.sinks) - 1))
        page.set_tables_usable(not draft.trouble)
        page.set_states(tuple(draft.states))
        self._show_lists()
        self._show_forms()

    def set_problem(self, problem: Problem | None) -> None:
        """Say what is wrong beside its field, and mark its line."""
        self._problem = problem or _NO_PROBLEM
        self._show_lists()
        self._show_problem()

    def go_to(self, problem: Problem) -> bool:
        """Show the field that is wrong; False where only the text has it."""
        draft, page = self._draft, self._page
        if problem.action is not None and not draft.trouble:
            self._action = problem.action
            page.tabs.choose(ACTIONS)
        elif problem.sink in draft.sinks:
            self._sink = list(draft.sinks).index(problem.sink)
            page.tabs.choose(SINKS)
        elif problem.key in (*draft.states, *TOP) and not draft.trouble:
            page.tabs.choose(STATES)
        else:
            return False
        self._show_forms()
        return True

    def _show_lists(self) -> None:
        draft, page, problem = self._draft, self._page, self._problem
        page.actions_tab.list.set_lines(actions_rows.action_lines(draft, problem.action))
        page.sinks_tab.list.set_lines(actions_rows.sink_lines(draft, problem.sink))

    def _show_forms(self) -> None:
        draft, page, find, name = self._draft, self._page, self._find, self._sink_name()
        rows = (
            actions_rows.action_rows(draft, self._action, self._gestures, find)
            if draft.actions
            else ()
        )
        page.actions_tab.form.set_rows(rows)
        page.sinks_tab.form.set_rows(actions_rows.sink_rows(draft, name, find) if name else ())
        page.states_form.set_rows(() if draft.trouble else actions_rows.state_rows(draft))
        page.actions_tab.list.choose(self._action)
        page.sinks_tab.list.choose(self._sink)
        self._show_problem()

    def _show_problem(self) -> None:
        page, problem = self._page, self._problem
        elsewhere = problem.action is not None or problem.sink is not None
        for form, here in (
            (page.actions_tab.form, problem.action == self._action),
            (page.sinks_tab.form, problem.sink == self._sink_name()),
            (page.states_form, not elsewhere),
        ):
            form.set_problem(problem.key if here else None, problem.reason)

    def _sink_name(self) -> str:
        names = list(self._draft.sinks)
        return names[self._sink] if self._sink < len(names) else ""

    def _choose_action(self, row: int) -> None:
        self._action = row
        self._show_forms()

    def _choose_sink(self, row: int) -> None:
        self._sink = row
        self._show_forms()

    # ---- changes ----

    def _change(self, change: Callable[[MappingDraft], Any], *, forms: bool = True) -> None:
        """Change the draft; where only its text can be changed, say so."""
        try:
            change(self._draft)
        except MotionRGBDError as error:
            self._show_forms()
            self.refused.emit(str(error))
        else:
            self.changed.emit(forms)

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

        if name and key == actions_rows.NAME:
            self._rename_sink(name, (value or "").strip())
        elif name:
            self._change(change, forms=key == "kind")

    def _rename_sink(self, name: str, new: str) -> None:
        if new != name:
            self._change(lambda draft: draft.rename_sink(name, new))

    def _edit_top(self, key: str, value: Any) -> None:
        if key in self._draft.states:
            allowed = value or []
            self._change(lambda draft: draft.set(("states", key), allowed), forms=False)
        else:
            self._change(lambda draft: draft.set((key,), value), forms=False)

    def _add_action(self) -> None:
        def change(draft: MappingDraft) -> None:
            sink = next(iter(draft.sinks), "undo")
            values = {"gesture": self._gestures[0], "sink": sink}
            self._action = draft.add_action(values)

        self._change(change)

    def _remove_action(self) -> None:
        if self._draft.actions:
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
        if name in self._draft.states:
            self._change(lambda draft: draft.remove_state(name))
