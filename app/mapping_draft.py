"""A mapping file while it is written: changes of its tables keep its comments and its order."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motionrgbd.app.my_settings import write_text
from motionrgbd.core.actions.kinds import find_kind
from motionrgbd.core.actions.mapping import (
    MODE,
    UNDO,
    ActionMap,
    FindKind,
    MappingError,
    parse_mapping,
)
from motionrgbd.core.errors import MotionRGBDError, UsageError

KeyPath = tuple[str | int, ...]
_Item = Callable[[Any, bool], Any]  # makes a value of the file; of a table: whether it is inline
NEW_NAME = "new mapping"
START = """# What gestures do. Nothing is sent until it is armed.

[states]                         # what is allowed when; the first is that of a start
parked = []
driving = []
"""
_NEEDED = "changing the tables needs tomlkit: pip install 'motionrgbd-live[actions]'"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a mapping is refused. path: to what is wrong, as far as known; line: from 1, or None."""

    path: KeyPath
    line: int | None
    reason: str

    @property
    def action(self) -> int | None:
        """The number of the action that is wrong."""
        number = self.path[1] if self.path[:1] == ("action",) and len(self.path) > 1 else None
        return number if isinstance(number, int) else None

    @property
    def sink(self) -> str | None:
        """The name of the sink that is wrong."""
        return str(self.path[1]) if self.path[:1] == ("sinks",) and len(self.path) > 1 else None

    @property
    def key(self) -> str | None:
        """The field that is wrong: of the action or the sink, a state, or of the whole file."""
        place = {"action": 2, "sinks": 2, "states": 1}.get(str((*self.path, None)[0]), 0)
        return str(self.path[place]) if len(self.path) > place else None

    def to_text(self) -> str:
        """Return line and reason."""
        return self.reason if self.line is None else f"line {self.line}: {self.reason}"


class MappingDraft:
    """The text of a mapping file, and its tables as plain values.

    trouble: why the tables cannot be changed, but the text can; empty where they can.
    """

    def __init__(self, text: str = START, path: Path | None = None) -> None:
        self.path = path
        self.saved_text = text
        self.set_text(text)

    @classmethod
    def read(cls, path: Path) -> MappingDraft:
        """Open a file, broken or not. Raises UsageError where it cannot be read as a text."""
        try:
            return cls(path.read_text(encoding="utf-8"), path)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
            raise UsageError(f"{path} cannot be read ({reason}) — choose another file") from error

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return NEW_NAME if self.path is None else self.path.name

    @property
    def text(self) -> str:
        """The file as it would be saved."""
        return self._text

    @property
    def changed(self) -> bool:
        """Whether it differs from what is saved."""
        return self._text != self.saved_text

    @property
    def actions(self) -> list[dict[str, Any]]:
        """The `[[action]]` tables; none where there is trouble."""
        return list(self._tables.get("action", ()))

    @property
    def sinks(self) -> dict[str, dict[str, Any]]:
        """The `[sinks.NAME]` tables."""
        return dict(self._tables.get("sinks", {}))

    @property
    def states(self) -> dict[str, list[str]]:
        """The sinks allowed in each state."""
        return dict(self._tables.get("states", {}))

    @property
    def modes(self) -> list[str]:
        """What gestures can be about."""
        return list(self._tables.get("modes", ()))

    def value(self, path: KeyPath) -> Any:
        """Return what stands at a path, or None."""
        found: Any = self._tables
        for part in path:
            try:
                found = found[part]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def set_text(self, text: str) -> None:
        """Replace the whole text."""
        self._text, self._tables, self.trouble = text, {}, ""
        try:
            tables = tomllib.loads(text)
            self.trouble = _why_not_shaped(tables)
        except tomllib.TOMLDecodeError as error:
            self.trouble = f"it is not a TOML file: {error}"
        if not self.trouble:
            self._tables = tables
            try:
                import tomlkit  # noqa: F401
            except ImportError:
                self.trouble = _NEEDED

    def check(
        self, labels: Sequence[str], find: FindKind = find_kind
    ) -> tuple[ActionMap | None, Problem | None]:
        """Return the mapping, as the program reads it, or why it refuses it."""
        file = NEW_NAME if self.path is None else str(self.path)
        try:
            return parse_mapping(self._text, labels, file=file, find=find), None
        except MappingError as error:
            return None, Problem(error.path, error.line, error.reason)
        except MotionRGBDError as error:
            reason = str(error).removeprefix(f"{file} is ")
            return None, Problem((), _line_in(reason, self._text), reason)

    def save(self, path: Path) -> None:
        """Write the text. Raises OutputError."""
        write_text(path, self._text)
        self.path, self.saved_text = path, self._text

    # changes of the tables; each raises UsageError where only the text can be changed

    def set(self, path: KeyPath, value: Any) -> None:
        """Set what stands at a path; None takes it away."""

        def change(root: Any, item: _Item) -> None:
            *way, key = path
            for part in way:
                root = root[part]
            if value is not None:
                root[key] = item(value, path[0] == "action")
            elif key in root:
                del root[key]

        self._change(change)

    def keep(self, path: KeyPath, keys: Collection[str]) -> None:
        """Take every other key of a table away."""
        for key in set(self.value(path)) - set(keys):
            self.set((*path, key), None)

    def add_action(self, values: Mapping[str, Any]) -> int:
        """Add an action at the end; return its number."""

        def change(root: Any, item: _Item) -> None:
            if "action" not in root:
                root["action"] = item([dict(values)], False)
            else:
                root["action"].append(item(dict(values), False))

        self._change(change, spaced=True)
        return len(self.actions) - 1

    def remove_action(self, number: int) -> None:
        """Take an action away."""

        def change(root: Any, _: _Item) -> None:
            del root["action"][number]
            if not len(root["action"]):
                del root["action"]

        self._change(change)

    def add_sink(self, kind: str) -> str:
        """Add a sink of a kind, allowed in no state; return its name."""
        names = (kind, *(f"{kind}-{n}" for n in range(2, len(self.sinks) + 3)))
        name = next(name for name in names if name not in self.sinks)

        def change(root: Any, item: _Item) -> None:
            if "sinks" not in root:
                root["sinks"] = item({}, False)
            root["sinks"][name] = item({"kind": kind}, False)

        self._change(change, spaced=True)
        return name

    def rename_sink(self, name: str, new: str) -> None:
        """Give a sink another name, in the states and the actions that use it, too."""
        if not new or new in (MODE, UNDO):
            raise UsageError(f"a sink cannot be called {new!r}")
        if new in self.sinks:
            raise UsageError(f"there is a sink {new!r} already — choose another name")

        def change(root: Any, item: _Item) -> None:
            if type(root) is dict:  # of the text, the headers are renamed already
                root["sinks"] = {new if k == name else k: v for k, v in root["sinks"].items()}
            for allowed in root.get("states", {}).values():
                for number, each in enumerate(allowed):
                    if each == name:
                        allowed[number] = new
            for action in root.get("action", ()):
                if action.get("sink") == name:
                    action["sink"] = item(new, True)

        self._change(change, first=lambda text: _with_sink_renamed(text, name, new))

    def remove_sink(self, name: str) -> None:
        """Take a sink away, and out of the states; its actions are left, to be seen."""

        def change(root: Any, _: _Item) -> None:
            del root["sinks"][name]
            for allowed in root.get("states", {}).values():
                if name in allowed:
                    allowed.remove(name)

        self._change(change)

    def allow(self, state: str, sink: str, allowed: bool) -> None:
        """Allow a sink in a state, or not; a new state is added."""
        names = [name for name in self.states.get(state, ()) if name != sink]
        if allowed and sink:
            names.append(sink)
        if "states" in self._tables:
            self.set(("states", state), names)
        else:
            self.set(("states",), {state: names})

    def remove_state(self, name: str) -> None:
        """Take a state away."""
        self.set(("states", name), None)

    def _change(
        self,
        change: Callable[[Any, _Item], None],
        *,
        spaced: bool = False,
        first: Callable[[str], str] = str,
    ) -> None:
        """Do the same to the text, with its comments, and to its plain values; both must agree.

        spaced: there is to be an empty line before every table. first: what is done to the text
        before.
        """
        if self.trouble:
            raise UsageError(self.trouble)
        import tomlkit

        wanted = copy.deepcopy(self._tables)
        change(wanted, lambda value, _: copy.deepcopy(value))
        try:
            document = tomlkit.parse(first(self._text))
            change(document, _item)
            text = tomlkit.dumps(document).strip() + "\n"
            if spaced:
                text = re.sub(r"(?m)^(?!\s*#)(.*\S.*)\n(?=\[)", r"\1\n\n", text)
            agrees = tomllib.loads(text) == wanted
        except Exception:  # what the library cannot do with an unusual way to write it
            agrees = False
        if not agrees:
            raise UsageError("the way this is written can only be changed in the text")
        self._text, self._tables = text, wanted


def _with_sink_renamed(text: str, name: str, new: str) -> str:
    """Return the text with the headers of a sink's tables renamed: tomlkit renames no table."""
    import tomlkit

    ways = (tomlkit.key(name).as_string(), json.dumps(name, ensure_ascii=False), f"'{name}'")
    old = "|".join(re.escape(way) for way in dict.fromkeys(ways))
    header = re.compile(rf"(?m)^(\s*\[\s*sinks\s*\.\s*)(?:{old})(?=\s*[.\]])")
    return header.sub(lambda found: found[1] + tomlkit.key(new).as_string(), text)


def _line_in(reason: str, text: str) -> int | None:
    """Return the line that a refusal of TOML names."""
    line = re.search(r"\(at line (\d+)", reason)
    if line is None and "(at end of document)" in reason:
        return max(1, len(text.splitlines()))
    return int(line[1]) if line else None


def _item(value: Any, inline: bool) -> Any:
    """Return a value as the file writes it: tables have lines of their own, or are inline."""
    import tomlkit

    if isinstance(value, dict):
        # one without values of its own needs no header
        table = tomlkit.inline_table() if inline else tomlkit.table(is_super_table=not value)
        for key, each in value.items():
            table.add(key, _item(each, True))
        return table
    if isinstance(value, list) and value and isinstance(value[0], dict):
        tables = tomlkit.aot()
        for each in value:
            tables.append(_item(each, False))
        return tables
    return tomlkit.item(value)


def _why_not_shaped(tables: Mapping[str, Any]) -> str:
    """Say which table is none: nothing can be shown of it."""

    def all_are(kind: type, values: Any) -> bool:
        return all(isinstance(value, kind) for value in values)

    sinks, states = tables.get("sinks", {}), tables.get("states", {})
    actions, modes = tables.get("action", []), tables.get("modes", [])
    if not isinstance(sinks, dict) or not all_are(dict, sinks.values()):
        return "sinks must be tables, [sinks.NAME]"
    if not isinstance(states, dict) or not all_are(list, states.values()):
        return "states must be a table of lists, [states]"
    if not isinstance(actions, list) or not all_are(dict, actions):
        return "actions are written as [[action]], one each"
    if not isinstance(modes, list) or not all_are(str, modes):
        return "modes must be a list of texts"
    return (
        ""
        if all_are(str, [x for names in states.values() for x in names])
        else ("states must be lists of sinks' names")
    )
