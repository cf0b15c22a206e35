"""From a mapping that is being written to the lines and fields that its editor shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from motionrgbd.app.gui.actions_fields import FieldRow
from motionrgbd.app.gui.actions_texts import Line, action_text
from motionrgbd.app.mapping_draft import MappingDraft
from motionrgbd.core.actions.fields import Field, Text, Texts
from motionrgbd.core.actions.kinds import kind_names
from motionrgbd.core.actions.mapping import (
    ANY_GESTURE,
    MODE,
    OF_ACTIONS,
    OF_SINKS,
    TOP,
    UNDO,
    FindKind,
)
from motionrgbd.core.actions.sink import SinkKind
from motionrgbd.core.errors import MotionRGBDError

NAME = "[sinks.NAME]"  # of the field that is a sink's name: no key of a table is spelled so


def action_lines(draft: MappingDraft, wrong: int | None) -> tuple[Line, ...]:
    """Return the actions as they are listed. wrong: the one that is refused."""
    return tuple(
        Line(_action_cells(table), "error" if number == wrong else "calm")
        for number, table in enumerate(draft.actions)
    )


def _action_cells(table: Mapping[str, Any]) -> tuple[str, ...]:
    asked = {k: v for k, v in table.items() if k not in OF_ACTIONS and k != "undo"}
    return (
        str(table.get("gesture", "")),
        _names(table.get("events", ["gesture"])),
        action_text(str(table.get("sink", "")), asked),
        _names(table.get("states", ["all"])),
    )


def _names(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def sink_lines(draft: MappingDraft, wrong: str | None) -> tuple[Line, ...]:
    """Return the sinks as they are listed. wrong: the one that is refused."""
    return tuple(
        Line((name, str(table.get("kind", ""))), "error" if name == wrong else "calm")
        for name, table in draft.sinks.items()
    )


def action_rows(
    draft: MappingDraft, number: int, gestures: Sequence[str], find: FindKind
) -> tuple[FieldRow, ...]:
    """Return the fields of one action; what the file has beside them comes last."""
    table = draft.actions[number]
    fields: dict[str, Field | None] = {
        "gesture": _choice("gesture", (*gestures, ANY_GESTURE)),
        "events": OF_ACTIONS["events"],
        "sink": _choice("sink", (*draft.sinks, MODE, UNDO)),
        **asked_of(draft, table.get("sink"), find),
    }
    if table.get("sink") in draft.sinks:
        fields["undo"] = None
    for key, known in (("states", tuple(draft.states)), ("modes", tuple(draft.modes))):
        if known or key in table:
            fields[key] = Texts(OF_ACTIONS[key].help, choices=known)
    fields |= {key: OF_ACTIONS[key] for key in ("rate_per_s", "burst")}
    return _rows(fields, table)


def _choice(key: str, choices: tuple[str, ...]) -> Text:
    return Text(OF_ACTIONS[key].help, required=True, choices=choices)


def asked_of(draft: MappingDraft, sink: Any, find: FindKind) -> dict[str, Field]:
    """Return the arguments that an action has with this sink."""
    if sink == MODE:
        return {"to": Text("the mode", required=True, choices=tuple(draft.modes))}
    kind = kind_of(draft, sink, find)
    return {} if kind is None else dict(kind.arguments)


def kind_of(draft: MappingDraft, sink: Any, find: FindKind) -> SinkKind | None:
    """Return the kind of a sink of the mapping, if there is such."""
    name = draft.sinks.get(sink, {}).get("kind") if isinstance(sink, str) else None
    try:
        return find(name) if isinstance(name, str) else None
    except MotionRGBDError:  # a broken plug-in; checking the mapping says so
        return None


def sink_rows(draft: MappingDraft, name: str, find: FindKind) -> tuple[FieldRow, ...]:
    """Return the fields of one sink; the first one is its name."""
    kind = kind_of(draft, name, find)
    fields: dict[str, Field | None] = {
        "kind": Text("kind of sink", required=True, choices=kind_names()),
        **({} if kind is None else kind.options),
        **OF_SINKS,
    }
    called = Text("what states and actions call it; they follow", required=True)
    named = FieldRow(NAME, "name", called, name, at_once=False)
    return (named, *_rows(fields, draft.sinks[name]))


def state_rows(draft: MappingDraft) -> tuple[FieldRow, ...]:
    """Return what is allowed in each state, and what holds for the whole mapping."""
    sinks = tuple(draft.sinks)
    states = [
        FieldRow(name, name, Texts(f"allowed in {name}", choices=sinks), draft.states[name])
        for name in draft.states
        if sinks or draft.states[name]
    ]
    top = [FieldRow(key, key, field, draft.value((key,))) for key, field in TOP.items()]
    return (*states, *top)


def _rows(fields: Mapping[str, Field | None], table: Mapping[str, Any]) -> tuple[FieldRow, ...]:
    captions = {"states": "only in states", "modes": "only in modes"}
    every = {**fields, **{key: None for key in table if key not in fields}}
    return tuple(
        FieldRow(key, captions.get(key, key), field, table.get(key)) for key, field in every.items()
    )
