"""The mapping file: which gesture does what, where that is sent, and what is allowed when."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motionrgbd.core.actions.fields import (
    Field,
    FieldError,
    Number,
    Text,
    Texts,
    read_fields,
)
from motionrgbd.core.actions.kinds import find_kind, kind_names
from motionrgbd.core.actions.sink import Options, Request, SinkKind
from motionrgbd.core.errors import UsageError
from motionrgbd.core.results import EventKind
from motionrgbd.core.toml_lines import line_of

ANY_GESTURE = "*"
MODE, UNDO = "mode", "undo"  # what an action can do without a sink of the file
FindKind = Callable[[str], SinkKind | None]


def in_state(state: str | None, what: str) -> str:
    """Return the words for what a state has to do with an action."""
    return f"state {state} {what}"


class MappingError(UsageError):
    """A mapping file that is refused.

    line: where, from 1; path: of keys and indices, to what is wrong; reason: without the place.
    """

    def __init__(self, file: str, line: int, text: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(f"{file}:{line}: {text}")
        self.line, self.path, self.reason = line, path, text


@dataclass(frozen=True)
class SinkSpec:
    """A sink as the file describes it."""

    name: str
    kind: SinkKind
    options: Options
    rate_per_s: float
    burst: int


@dataclass(frozen=True)
class ActionRule:
    """What one gesture does.

    gesture: a label, or `*` for every one; events: of these kinds. sink: a name of the file, or
    `mode` or `undo`. states, modes: only in these; empty: in all. undo: the request that undoes
    it, where the file says so. line: of the file.
    """

    gesture: str
    events: tuple[EventKind, ...]
    sink: str
    request: Request
    states: tuple[str, ...]
    modes: tuple[str, ...]
    rate_per_s: float
    burst: int
    undo: Request | None
    line: int


@dataclass(frozen=True)
class ActionMap:
    """A mapping file, checked.

    deadline_s: an action that cannot be sent within this time is dropped. undo_for_s: how long
    after an action it can be undone. states: the sinks allowed in each; empty: there are no
    states, and all are allowed. modes: what `mode` actions switch between. The first state and the
    first mode are those of a start.
    """

    file: str
    deadline_s: float
    undo_for_s: float
    states: Mapping[str, tuple[str, ...]]
    modes: tuple[str, ...]
    sinks: Mapping[str, SinkSpec]
    rules: tuple[ActionRule, ...]


TOP: dict[str, Field] = {
    "deadline_s": Number("drop what waits for longer", default=1.0, low=0.05, high=10.0),
    "undo_for_s": Number("how long an action can be undone", default=30.0, low=1.0, high=3600.0),
    "modes": Texts("what gestures are about, such as media and navigation", default=()),
}
_TABLES = ("states", "sinks", "action")
OF_SINKS: dict[str, Field] = {
    "rate_per_s": Number("at most this often", default=10.0, low=0.01, high=100.0),
    "burst": Number("and this many at once", default=5, low=1, high=100, whole=True),
}
EVENTS = ("gesture", "arm", "repeat")
OF_ACTIONS: dict[str, Field] = {
    "gesture": Text("the gesture, or * for every one", required=True),
    "sink": Text("the name of a [sinks.NAME], or mode, or undo", required=True),
    "events": Texts("kinds of events", default=("gesture",), choices=EVENTS),
    "states": Texts("only in these states", default=()),
    "modes": Texts("only in these modes", default=()),
    "rate_per_s": Number("at most this often", default=5.0, low=0.01, high=100.0),
    "burst": Number("and this many at once", default=3, low=1, high=100, whole=True),
}


def read_mapping(path: Path, labels: Sequence[str], *, find: FindKind = find_kind) -> ActionMap:
    """Return a mapping file for a model of these gestures (its labels without idle).

    find: gives a kind of sink by name. Raises UsageError where the file cannot be read, and
    MappingError with line and reason where it is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the mapping file {path} cannot be read ({error.strerror}) — check --actions"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a TOML file: {error} — correct it") from error
    return parse_mapping(text, labels, file=str(path), find=find)


def parse_mapping(
    text: str, labels: Sequence[str], *, file: str = "mapping", find: FindKind = find_kind
) -> ActionMap:
    """Return what a mapping file's text says; see `read_mapping`."""
    return _Reader(text, tuple(labels), file, find).read()


class _Reader:
    """Reads one text from top to bottom; every refusal knows its place."""

    def __init__(self, text: str, labels: tuple[str, ...], file: str, find: FindKind) -> None:
        self._text, self._labels, self._file, self._find = text, labels, file, find

    def read(self) -> ActionMap:
        try:
            table = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{self._file} is not a TOML file: {error} — correct it") from error
        for name in table:
            if name not in (*TOP, *_TABLES):
                known = ", ".join((*TOP, *_TABLES))
                raise self._wrong((name,), f"unknown key {name!r} — valid are {known}")
        top = self._fields((), TOP, {k: v for k, v in table.items() if k in TOP})
        sinks = {
            name: self._sink(name, one) for name, one in self._table(table, "sinks", {}).items()
        }
        states = self._states(self._table(table, "states", {}), sinks)
        rules = table.get("action", [])
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise self._wrong(("action",), "actions are written as [[action]], one each")
        return ActionMap(
            file=self._file,
            deadline_s=top["deadline_s"],
            undo_for_s=top["undo_for_s"],
            states=states,
            modes=top["modes"],
            sinks=sinks,
            rules=tuple(
                self._rule(("action", n), rule, sinks, tuple(states), top["modes"])
                for n, rule in enumerate(rules)
            ),
        )

    def _sink(self, name: str, table: Any) -> SinkSpec:
        path = ("sinks", name)
        if not isinstance(table, dict):
            raise self._wrong(path, f"a sink is a table, [sinks.{name}]")
        if name in (MODE, UNDO):
            raise self._wrong(path, f"{name!r} is no name for a sink: actions use it themselves")
        kind = self._kind(path, table)
        fields = {"kind": Text("kind of sink", required=True), **OF_SINKS, **kind.options}
        values = self._fields(path, fields, table)
        options = {key: values[key] for key in kind.options}
        try:
            kind.check_options(options)
        except ValueError as error:
            raise self._wrong(path, f"sink {name!r}: {error}") from error
        return SinkSpec(name, kind, options, values["rate_per_s"], values["burst"])

    def _kind(self, path: tuple[str | int, ...], table: Mapping[str, Any]) -> SinkKind:
        name = table.get("kind")
        kind = self._find(name) if isinstance(name, str) else None
        if kind is None:
            known = ", ".join(kind_names())
            where = (*path, "kind") if "kind" in table else path
            raise self._wrong(where, f"unknown kind of sink {name!r} — valid are {known}")
        return kind

    def _states(
        self, table: Mapping[str, Any], sinks: Mapping[str, SinkSpec]
    ) -> dict[str, tuple[str, ...]]:
        allowed = Texts("sinks", choices=tuple(sinks), may_be_empty=True)
        fields: dict[str, Field] = dict.fromkeys(table, allowed)
        return self._fields(("states",), fields, table)

    def _rule(
        self,
        path: tuple[str | int, ...],
        table: Mapping[str, Any],
        sinks: Mapping[str, SinkSpec],
        states: tuple[str, ...],
        modes: tuple[str, ...],
    ) -> ActionRule:
        own = {k: v for k, v in table.items() if k in OF_ACTIONS}
        values = self._fields(path, OF_ACTIONS, own)
        self._check_gesture(path, values["gesture"])
        self._check_known(path, "states", values["states"], states)
        self._check_known(path, "modes", values["modes"], modes)
        asked = {k: v for k, v in table.items() if k not in OF_ACTIONS and k != "undo"}
        sink = values["sink"]
        request: Request
        undo: Request | None = None
        if sink == MODE:
            request = self._fields(path, {"to": Text("the mode", required=True)}, asked)
            self._check_known(path, "to", (request["to"],), modes)
        elif sink == UNDO:
            request = self._fields(path, {}, asked)
        elif sink in sinks:
            request = self._request(path, sinks[sink].kind, asked)
            if "undo" in table:
                undo = self._undo((*path, "undo"), sinks[sink].kind, table["undo"])
        else:
            known = ", ".join((*sinks, MODE, UNDO))
            raise self._wrong((*path, "sink"), f"unknown sink {sink!r} — valid are {known}")
        if undo is None and "undo" in table:
            raise self._wrong((*path, "undo"), f"{sink!r} actions cannot be undone")
        return ActionRule(
            **{k: v for k, v in values.items() if k != "sink"},
            sink=sink,
            request=request,
            undo=undo,
            line=line_of((*path, "gesture"), self._text),
        )

    def _request(
        self, path: tuple[str | int, ...], kind: SinkKind, table: Mapping[str, Any]
    ) -> Request:
        request = self._fields(path, kind.arguments, table)
        try:
            kind.check_request(request)
        except ValueError as error:
            raise self._wrong(path, str(error)) from error
        return request

    def _undo(self, path: tuple[str | int, ...], kind: SinkKind, table: Any) -> Request:
        if not isinstance(table, dict):
            raise self._wrong(path, "undo is a table of the sink's arguments")
        return self._request(path, kind, table)

    def _check_gesture(self, path: tuple[str | int, ...], gesture: str) -> None:
        if gesture != ANY_GESTURE and gesture not in self._labels:
            known = ", ".join(self._labels)
            text = f"unknown gesture {gesture!r} — the model's are {known}"
            raise self._wrong((*path, "gesture"), text)

    def _check_known(
        self,
        path: tuple[str | int, ...],
        key: str,
        names: tuple[str, ...],
        known: tuple[str, ...],
    ) -> None:
        for name in names:
            if name not in known:
                what = "states" if key == "states" else "modes"
                valid = ", ".join(known) or f"none: the file names no {what}"
                raise self._wrong((*path, key), f"{key} names {name!r} — valid are {valid}")

    def _table(self, table: Mapping[str, Any], name: str, default: Any) -> dict[str, Any]:
        found = table.get(name, default)
        if not isinstance(found, dict):
            raise self._wrong((name,), f"{name} must be a table, [{name}]")
        return found

    def _fields(
        self, path: tuple[str | int, ...], fields: Mapping[str, Field], table: Mapping[str, Any]
    ) -> dict[str, Any]:
        try:
            return read_fields(fields, table)
        except FieldError as error:
            full = (*path, error.name)
            line = line_of(full if error.given else path, self._text)
            raise MappingError(self._file, line, str(error), full) from error

    def _wrong(self, path: tuple[str | int, ...], text: str) -> MappingError:
        return MappingError(self._file, line_of(path, self._text), text, path)
