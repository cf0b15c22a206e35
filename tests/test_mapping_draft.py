"""A mapping file while it is written: comments stay, and what is wrong is told with its place."""

from __future__ import annotations

import builtins
import tomllib
from pathlib import Path
from typing import Any

import pytest

from motionrgbd.app.mapping_draft import START, MappingDraft
from motionrgbd.core.errors import OutputError, UsageError

LABELS = ("wave", "push")
WHOLE = """# by me
deadline_s = 1.0      # seconds

[states]              # what is allowed when
parked = ["notes", "page"]
driving = ["notes"]

[sinks.notes]         # a program
kind = "command"

[sinks.page]
kind = "websocket"
port = 8765           # of this machine

# the first one
[[action]]
gesture = "wave"      # with the hand
sink = "notes"
command = ["true"]

[[action]]
gesture = "push"
sink = "page"
"""


@pytest.fixture
def draft() -> MappingDraft:
    return MappingDraft(WHOLE)


def test_a_value_is_changed_and_nothing_else_of_the_text(draft: MappingDraft) -> None:
    draft.set(("action", 0, "gesture"), "push")
    draft.set(("sinks", "page", "port"), 8000)
    wanted = WHOLE.replace('gesture = "wave" ', 'gesture = "push" ').replace("8765 ", "8000 ")
    assert draft.text == wanted
    assert draft.changed
    assert draft.check(LABELS)[1] is None


def test_a_value_goes_where_none_is_given(draft: MappingDraft) -> None:
    draft.set(("deadline_s",), None)
    assert "deadline_s" not in draft.text
    assert draft.value(("deadline_s",)) is None
    draft.set(("deadline_s",), None)  # there is none to take away


def test_an_undo_is_written_in_one_line(draft: MappingDraft) -> None:
    draft.set(("action", 0, "undo"), {"command": ["false"]})
    assert 'undo = {command = ["false"]}\n' in draft.text
    mapping, _ = draft.check(LABELS)
    assert mapping is not None
    assert mapping.rules[0].undo == {"command": ("false",)}


def test_actions_come_and_go(draft: MappingDraft) -> None:
    assert draft.add_action({"gesture": "push", "sink": "undo"}) == 2
    assert draft.text.endswith('\n\n[[action]]\ngesture = "push"\nsink = "undo"\n')
    draft.remove_action(0)
    assert [table["gesture"] for table in draft.actions] == ["push", "push"]
    assert "# by me" in draft.text
    draft.remove_action(0)
    draft.remove_action(0)
    assert "action" not in tomllib.loads(draft.text)
    assert draft.add_action({"gesture": "wave", "sink": "undo"}) == 0


def test_sinks_come_and_go_and_are_allowed_nowhere_by_themselves(draft: MappingDraft) -> None:
    assert [draft.add_sink("command"), draft.add_sink("command")] == ["command", "command-2"]
    assert draft.states == {"parked": ["notes", "page"], "driving": ["notes"]}
    draft.allow("driving", "command", True)
    draft.remove_sink("notes")
    assert draft.states == {"parked": ["page"], "driving": ["command"]}
    _, problem = draft.check(LABELS)
    assert problem is not None
    assert (problem.action, problem.key) == (0, "sink")


def test_a_sink_is_renamed_with_all_that_uses_it(draft: MappingDraft) -> None:
    draft.rename_sink("notes", "living room")
    wanted = WHOLE.replace("[sinks.notes]", '[sinks."living room"]')
    assert draft.text == wanted.replace('"notes"', '"living room"')
    assert draft.check(LABELS)[1] is None
    assert list(draft.sinks) == ["living room", "page"]
    draft.rename_sink("living room", "notes")
    assert draft.text == WHOLE
    draft.rename_sink("page", "päge")
    assert draft.check(LABELS)[1] is None
    draft.rename_sink("päge", "page")
    assert draft.text == WHOLE


def test_the_tables_within_a_sink_are_renamed_with_it() -> None:
    text = '[ sinks . "a.b" ]   # mine\nkind = "mqtt"\n[sinks.\'a.b\'.more]\nx = """\na.b\n"""\n'
    draft = MappingDraft(text)
    draft.rename_sink("a.b", "c")
    assert draft.sinks == {"c": {"kind": "mqtt", "more": {"x": "a.b\n"}}}
    assert draft.text.startswith("[ sinks . c ]   # mine\n")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("page", "there is a sink 'page' already"),
        ("mode", "a sink cannot be called 'mode'"),
        ("undo", "a sink cannot be called 'undo'"),
        ("", "a sink cannot be called ''"),
    ],
)
def test_a_name_that_cannot_be_is_refused(draft: MappingDraft, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        draft.rename_sink("notes", name)
    assert draft.text == WHOLE


@pytest.mark.parametrize(
    "text",
    [
        'sinks.notes.kind = "command"\n',
        'sinks = { notes = { kind = "command" } }\n',
        '[sinks]\nnotes = { kind = "command" }\n',
        '[sinks.notes]\nkind = "command"\ntext = """\n[sinks.notes]\n"""\n',
    ],
)
def test_a_sink_that_is_written_otherwise_is_renamed_in_the_text_only(text: str) -> None:
    draft = MappingDraft(text)
    with pytest.raises(UsageError, match="can only be changed in the text"):
        draft.rename_sink("notes", "other")
    assert draft.text == text
    assert list(draft.sinks) == ["notes"]


def test_states_come_and_go(draft: MappingDraft) -> None:
    draft.allow("asleep", "", True)
    draft.allow("asleep", "page", True)
    draft.allow("parked", "page", False)
    draft.remove_state("driving")
    assert draft.states == {"parked": ["notes"], "asleep": ["page"]}


def test_a_mapping_from_nothing() -> None:
    for start in ("", START):
        draft = MappingDraft(start)
        name = draft.add_sink("osc")
        draft.set(("sinks", name, "port"), 9000)
        draft.allow("parked", name, True)
        values = {"gesture": "wave", "sink": name, "address": "/a", "undo": {"address": "/b"}}
        draft.add_action(values)
        draft.set(("modes",), ["a"])
        mapping, problem = draft.check(LABELS)
        assert problem is None
        assert mapping is not None
        assert mapping.states["parked"] == ("osc",)
        assert mapping.rules[0].undo == {"address": "/b", "values": ()}


def test_what_another_sink_was_asked_is_taken_away(draft: MappingDraft) -> None:
    draft.keep(("action", 0), ("gesture", "sink"))
    assert draft.actions[0] == {"gesture": "wave", "sink": "notes"}


@pytest.mark.parametrize(
    ("old", "new", "action", "sink", "key", "line"),
    [
        ('["true"]', '"true"', 0, None, "command", 19),
        ('"wave" ', '"nod" ', 0, None, "gesture", 17),
        ("8765", "-1", None, "page", "port", 13),
        ('["notes"]', '["note"]', None, None, "driving", 6),
        ("1.0", '"x"', None, None, "deadline_s", 2),
        ("# by me", "what = 1", None, None, "what", 1),
        ('kind = "command"', "", None, "notes", None, 8),
    ],
)
def test_a_mistake_is_told_with_its_place(
    old: str, new: str, action: int | None, sink: str | None, key: str | None, line: int
) -> None:
    mapping, problem = MappingDraft(WHOLE.replace(old, new)).check(LABELS)
    assert mapping is None
    assert problem is not None
    assert (problem.action, problem.sink, problem.key) == (action, sink, key)
    assert problem.line == line
    assert problem.to_text().startswith(f"line {line}: ")


@pytest.mark.parametrize(
    ("text", "line", "trouble"),
    [
        ("a = 1\nb = ", 2, "it is not a TOML file"),
        ("a = 1\n[[action]\n", 2, "it is not a TOML file"),
        ("sinks = 3", 1, "sinks must be tables"),
        ("[sinks]\nx = 3", 2, "sinks must be tables"),
        ("[action]", 1, "actions are written as"),
        ("states = 1", 1, "states must be a table"),
        ("[states]\nx = [1]", 2, "states must be lists"),
        ("modes = 1", 1, "modes must be a list"),
    ],
)
def test_a_broken_text_is_kept_and_told(text: str, line: int, trouble: str) -> None:
    draft = MappingDraft(text)
    assert draft.text == text
    assert draft.trouble.startswith(trouble)
    assert (draft.actions, draft.sinks, draft.states, draft.modes) == ([], {}, {}, [])
    _, problem = draft.check(LABELS)
    assert problem is not None
    assert problem.line == line
    with pytest.raises(UsageError):
        draft.add_sink("osc")
    draft.set_text(WHOLE)
    assert draft.check(LABELS)[1] is None


def test_what_is_written_in_an_unusual_way_is_never_spoiled() -> None:
    text = 'action = [{gesture = "wave", sink = "undo"}]\n'
    draft = MappingDraft(text)
    with pytest.raises(UsageError, match="can only be changed in the text"):
        draft.add_action({"gesture": "push", "sink": "undo"})
    assert draft.text == text
    assert not draft.changed


def test_without_the_library_the_text_can_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "tomlkit":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    draft = MappingDraft(WHOLE)
    assert "pip install 'motionrgbd-live[actions]'" in draft.trouble
    assert len(draft.actions) == 2
    assert draft.check(LABELS)[1] is None


def test_a_file_is_read_and_saved(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(WHOLE)
    draft = MappingDraft.read(path)
    draft.set(("deadline_s",), 2.0)
    assert (draft.name, draft.changed) == ("map.toml", True)
    draft.save(path)
    assert not draft.changed
    assert MappingDraft.read(path).value(("deadline_s",)) == 2.0
    with pytest.raises(OutputError):
        draft.save(tmp_path / "map.toml" / "below")
    with pytest.raises(UsageError, match="cannot be read"):
        MappingDraft.read(tmp_path / "none.toml")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="no text in UTF-8"):
        MappingDraft.read(path)
