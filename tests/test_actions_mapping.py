"""Mapping files: what they say is what is read, and a mistake is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from motionrgbd.core.actions.fields import Number
from motionrgbd.core.actions.kinds import BUILT_IN, find_kind, kind_names
from motionrgbd.core.actions.mapping import MappingError, parse_mapping, read_mapping
from motionrgbd.core.errors import LibraryError, UsageError
from motionrgbd.models.bundle import load_bundle

LABELS = ("wave", "push")

WHOLE = """\
deadline_s = 0.5
modes = ["media", "maps"]

[states]
parked = ["player", "lamp"]
driving = ["player"]

[sinks.player]
kind = "mpris"
player = "vlc"

[sinks.lamp]
kind = "mqtt"
host = "broker.local"
rate_per_s = 2
burst = 1

[[action]]
gesture = "wave"
events = ["gesture", "repeat"]
modes = ["media"]
sink = "player"
do = "volume"
by = 0.1

[[action]]
gesture = "push"
states = ["parked"]
sink = "lamp"
topic = "home/lamp"
payload = "on"
undo = { topic = "home/lamp", payload = "off" }

[[action]]
gesture = "push"
sink = "mode"
to = "maps"
"""


def test_a_whole_file_says_what_it_says() -> None:
    mapping = parse_mapping(WHOLE, LABELS)
    assert (mapping.deadline_s, mapping.undo_for_s) == (0.5, 30.0)
    assert mapping.states == {"parked": ("player", "lamp"), "driving": ("player",)}
    assert mapping.modes == ("media", "maps")
    assert mapping.sinks["player"].options == {"player": "vlc", "bus": None}
    lamp = mapping.sinks["lamp"]
    assert (lamp.kind.name, lamp.options["host"], lamp.options["port"]) == (
        "mqtt",
        "broker.local",
        1883,
    )
    assert (lamp.rate_per_s, lamp.burst) == (2.0, 1)
    volume, light, mode = mapping.rules
    assert volume.request == {"do": "volume", "by": 0.1, "to": None}
    assert (volume.events, volume.modes, volume.states) == (("gesture", "repeat"), ("media",), ())
    assert light.undo is not None
    assert light.undo["payload"] == "off"
    assert (light.states, light.request["payload"], light.request["qos"]) == (("parked",), "on", 1)
    assert (mode.sink, mode.request) == ("mode", {"to": "maps"})
    assert [rule.line for rule in mapping.rules] == [19, 27, 35]


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ('gesture = "wave"', 'gesture = "Wave"', 19, "unknown gesture 'Wave'"),
        ('gesture = "wave"\n', "", 18, "gesture is missing"),
        (
            'sink = "player"\ndo',
            'sink = "radio"\ndo',
            22,
            "unknown sink 'radio' — valid are player",
        ),
        ('kind = "mpris"', 'kind = "radio"', 9, "unknown kind of sink 'radio' — valid are keys"),
        ('kind = "mpris"\n', "", 8, "unknown kind of sink None"),
        ('topic = "home/lamp"\npayload', "payload", 26, "topic is missing: topic of the message"),
        ('topic = "home/lamp"\n', 'topic = "home/#"\n', 30, "topic must be a topic without"),
        ("by = 0.1", "by = 1.5", 18, "by of a volume must be from -1 to 1, got 1.5"),
        ("by = 0.1", "to = 1.5", 24, "to must be a number from 0 to 1, got 1.5"),
        ("by = 0.1", "", 18, "volume needs either by or to"),
        ("by = 0.1", "up = 0.1", 24, "unknown key 'up' — valid are do, by, to"),
        ('do = "volume"', 'do = "louder"', 23, "do must be one of play, pause"),
        ("rate_per_s = 2", "rate_per_s = 0", 15, "rate_per_s must be a number from 0.01 to 100"),
        ("burst = 1", "burst = 1.5", 16, "burst must be a whole number from 1 to 100"),
        ("burst = 1", "burst = true", 16, "burst must be a whole number"),
        ('host = "broker.local"', 'hots = "x"', 14, "unknown key 'hots' — valid are kind"),
        ("deadline_s = 0.5", "deadline_s = 60", 1, "deadline_s must be a number from 0.05 to 10"),
        ("deadline_s = 0.5", "deadlines = 1", 1, "unknown key 'deadlines' — valid are deadline_s"),
        ('driving = ["player"]', 'driving = ["radio"]', 6, "driving names 'radio', which is not"),
        ('driving = ["player"]', "driving = 1", 6, "driving must be a list of texts"),
        ('states = ["parked"]', 'states = ["asleep"]', 28, "states names 'asleep' — valid are"),
        ('modes = ["media"]\nsink', 'modes = ["radio"]\nsink', 21, "modes names 'radio'"),
        ('to = "maps"', 'to = "radio"', 37, "to names 'radio' — valid are media, maps"),
        ('events = ["gesture", "repeat"]', 'events = ["wink"]', 20, "events names 'wink'"),
        ('payload = "off" }', 'payload = "" }', 32, "payload must be a text, got ''"),
        ('topic = "home/lamp"\npayload', 'topic = ["a"]\npayload', 30, "topic must be a text"),
    ],
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, line: int, reason: str) -> None:
    assert WHOLE.count(old) == 1
    with pytest.raises(MappingError) as error:
        parse_mapping(WHOLE.replace(old, new), LABELS, file="map.toml")
    assert str(error.value).startswith(f"map.toml:{line}: {reason}")
    assert error.value.line == line


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('[sinks.undo]\nkind = "osc"\nport = 1', 1, "'undo' is no name for a sink"),
        ('[sinks.w]\nkind = "websocket"\nhost = "0.0.0.0"', 1, "sink 'w': '0.0.0.0' lets other"),
        ('[sinks.m]\nkind = "mqtt"\npassword_env = "X"', 1, "sink 'm': password_env needs"),
        ('[sinks.o]\nkind = "osc"', 1, "port is missing: its UDP port"),
        ("[action]\nx = 1", 1, "actions are written as [[action]]"),
        ("sinks = 3\n", 1, "sinks must be a table"),
        ('[[action]]\ngesture = "wave"\nsink = "undo"\nwhat = 1', 4, "unknown key 'what'"),
        (
            '[[action]]\ngesture = "wave"\nsink = "mode"\nto = "x"',
            4,
            "to names 'x' — valid are none",
        ),
        (
            '[sinks.c]\nkind = "command"\n[[action]]\ngesture = "wave"\nsink = "c"\n'
            'command = "rm -r x"',
            6,
            "command must be a list of texts",
        ),
        (
            '[sinks.k]\nkind = "keys"\n[[action]]\ngesture = "wave"\nsink = "k"\n'
            'keys = "ctrl+Wurst"\n',
            6,
            "keys names the key 'Wurst', which X11 does not have",
        ),
        (
            '[sinks.o]\nkind = "osc"\nport = 1\n[[action]]\ngesture = "wave"\nsink = "o"\n'
            'address = "light"\n',
            7,
            "address must be an OSC address",
        ),
    ],
)
def test_other_mistakes(text: str, line: int, reason: str) -> None:
    with pytest.raises(MappingError) as error:
        parse_mapping(text, LABELS, file="m")
    assert str(error.value).startswith(f"m:{line}: {reason}")


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ('[[action]]\nsink = "undo"', ("action", 0, "gesture"), "gesture is missing: the gesture,"),
        ('[sinks.o]\nkind = "osc"\nport = "x"', ("sinks", "o", "port"), "port must be a whole"),
        ("modes = 3", ("modes",), "modes must be a list of texts"),
        ('[sinks.c]\nkind = "command"\n[states]\nday = ["x"]', ("states", "day"), "day names 'x'"),
    ],
)
def test_a_mistake_names_the_field(text: str, path: tuple[str | int, ...], reason: str) -> None:
    with pytest.raises(MappingError) as error:
        parse_mapping(text, LABELS)
    assert error.value.path == path
    assert error.value.reason.startswith(reason)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read.*check --actions"):
        read_mapping(tmp_path / "none.toml", LABELS)
    path = tmp_path / "map.toml"
    path.write_text("deadline_s = \n")
    with pytest.raises(UsageError, match=r"not a TOML file.*line 1"):
        read_mapping(path, LABELS)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not a TOML file"):
        read_mapping(path, LABELS)


def test_every_kind_explains_its_values() -> None:
    reserved = {"gesture", "sink", "events", "states", "modes", "rate_per_s", "burst", "undo"}
    for kind in BUILT_IN.values():
        assert kind.help
        assert not reserved & set(kind.arguments), kind.name
        assert not {"kind", "rate_per_s", "burst"} & set(kind.options), kind.name
        for field in (*kind.options.values(), *kind.arguments.values()):
            assert field.help


LAMP = """
from motionrgbd.core.actions.fields import Number
from motionrgbd.core.actions.sink import SinkKind

def kind():
    return SinkKind("lamp", "a lamp", {}, {"level": Number("how bright", required=True)}, make=None)

def broken():
    raise OSError("no lamp")

def other():
    return 3
"""


def test_sinks_of_other_packages_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "lamps-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lamps\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(
        "[motionrgbd.sinks]\nlamp = lamps_of_test:kind\nbroken = lamps_of_test:broken\n"
        "other = lamps_of_test:other\n"
    )
    (tmp_path / "lamps_of_test.py").write_text(LAMP)
    monkeypatch.syspath_prepend(tmp_path)
    assert kind_names()[-3:] == ("broken", "lamp", "other")
    mapping = parse_mapping(
        '[sinks.l]\nkind="lamp"\n[[action]]\ngesture="wave"\nsink="l"\nlevel=3', LABELS
    )
    assert mapping.rules[0].request == {"level": 3.0}
    with pytest.raises(LibraryError, match=r"'broken' of lamps 2.0 fails \(OSError: no lamp\)"):
        find_kind("broken")
    with pytest.raises(LibraryError, match="gives a int, not a SinkKind"):
        find_kind("other")
    assert find_kind("absent") is None


def test_a_number_says_its_range() -> None:
    for field, told in (
        (Number("", low=1), "must be a number of 1 or more"),
        (Number("", whole=True), "must be a whole number"),
    ):
        with pytest.raises(ValueError, match=told):
            field.read("x")


def test_the_example_fits_the_bundled_model(root: Path) -> None:
    bundle = load_bundle(root / "app" / "default.mrgbd")
    mapping = read_mapping(root / "docs" / "actions.toml", bundle.labels)
    assert {rule.sink for rule in mapping.rules} == {*mapping.sinks, "mode", "undo"}
    assert set(mapping.sinks) == set(mapping.states["parked"])
