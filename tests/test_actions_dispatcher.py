"""From events to a sink that does as it is told: gates, deadlines, undo, back-off and the log."""

from __future__ import annotations

import itertools
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from motionrgbd.core.actions import worker
from motionrgbd.core.actions.dispatcher import Dispatcher
from motionrgbd.core.actions.fields import Text
from motionrgbd.core.actions.kinds import find_kind
from motionrgbd.core.actions.log import ActionLog
from motionrgbd.core.actions.mapping import parse_mapping
from motionrgbd.core.actions.rate import TokenBucket
from motionrgbd.core.actions.rehearsal import rehearse
from motionrgbd.core.actions.sink import (
    Request,
    SinkDownError,
    SinkKind,
    SinkRejectedError,
    SinkUnsureError,
)
from motionrgbd.core.errors import OutputError, UsageError
from motionrgbd.core.results import EventKind, GestureEvent

LABELS = ("wave", "push", "shake")


class Lamp:
    """A sink of this test. `troubles` are raised by the next sends, `absent` by every open."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.troubles: list[Exception] = []
        self.absent = False
        self.opened = self.closed = self.tried = 0
        self.free = threading.Event()  # a send waits for it
        self.free.set()
        self.entered = threading.Event()

    def open(self) -> None:
        self.tried += 1
        if self.absent:
            raise SinkDownError("no lamp")
        self.opened += 1

    def send(self, request: Request) -> Request | None:
        self.entered.set()
        assert self.free.wait(10)
        if self.troubles:
            raise self.troubles.pop(0)
        self.did.append(request["turn"])
        return {"turn": "off"} if request["turn"] == "on" else None

    def check(self) -> None:
        if self.absent:
            raise SinkDownError("the lamp is gone")

    def close(self) -> None:
        self.closed += 1


MAP = """
deadline_s = {deadline}
modes = ["room", "hall"]
[states]
parked = ["lamp", "other"]
driving = ["other"]
[sinks.lamp]
kind = "lamp"
{limits}
[sinks.other]
kind = "lamp"
[[action]]
gesture = "wave"
sink = "lamp"
turn = "on"
modes = ["room"]
{more}
[[action]]
gesture = "wave"
modes = ["hall"]
states = ["driving"]
sink = "other"
turn = "{{label}} {{score}} in {{mode}}, {{state}}: {{not}} {{"
[[action]]
gesture = "push"
sink = "undo"
[[action]]
gesture = "shake"
events = ["gesture", "arm"]
sink = "mode"
to = "hall"
"""


class World:
    """A dispatcher with two lamps, and its log."""

    def __init__(self, path: Path, **settings: Any) -> None:
        self.lamp, self.other = Lamp(), Lamp()
        lamps = [self.lamp, self.other]
        kind = SinkKind(
            "lamp",
            "a lamp",
            options={},
            arguments={"turn": Text("on or off", required=True)},
            make=lambda _: lamps.pop(0),
        )
        text = MAP.format(**{"deadline": 5, "limits": "", "more": "", **settings})
        mapping = parse_mapping(text, LABELS, find=lambda name: {"lamp": kind}.get(name))
        self.log = path / "actions.jsonl"
        self.dispatcher = Dispatcher(mapping, ActionLog(self.log))
        self._now_s = 0.0

    def event(self, label: str, after_s: float = 1.0, kind: EventKind = "gesture") -> None:
        self._now_s += after_s
        now = self._now_s
        self.dispatcher.handle(GestureEvent(label, 0.75, now - 0.5, now, now, kind))

    def outcomes(self) -> dict[Any, int]:
        return dict(self.dispatcher.status().outcomes)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def until(true: Callable[[], Any]) -> None:
    """Wait for other threads; fails after ten seconds."""
    end_s = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.005)


Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setattr(worker, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(worker, "_CHECK_S", 0.05)
    worlds: list[World] = []

    def make_one(*, arm: bool = True, **settings: Any) -> World:
        world = World(tmp_path, **settings)
        worlds.append(world)
        if arm:
            world.dispatcher.arm()
        return world

    yield make_one
    for world in worlds:
        world.lamp.free.set()
        assert world.dispatcher.close() == ()


def test_a_dry_run_connects_to_nothing_and_says_what_it_would_send(make: Make) -> None:
    world = make(arm=False)
    world.event("wave")
    world.event("push")
    status = world.dispatcher.status()
    assert (status.armed, status.state, status.mode) == (False, "parked", "room")
    assert status.outcomes == {"dry-run": 1, "nothing-to-undo": 1}
    assert {one.state for one in status.sinks.values()} == {"off"}
    assert (world.lamp.tried, world.lamp.did) == (0, [])
    world.dispatcher.close()
    first, _ = world.lines()
    assert first["dry_run"] is True
    assert first["action"] == {"line": 13, "sink": "lamp", "request": {"turn": "on"}}
    assert first["event"]["label"] == "wave"
    assert (first["state"], first["mode"], first["outcome"]) == ("parked", "room", "dry-run")


def test_armed_it_sends_once_and_logs_it(make: Make) -> None:
    world = make()
    world.event("wave")
    until(lambda: world.lamp.did)
    world.dispatcher.close()
    assert world.lamp.did == ["on"]
    assert world.other.did == []
    assert (world.lamp.opened, world.lamp.closed) == (1, 1)
    sent = [line for line in world.lines() if line.get("outcome") == "sent"]
    assert len(sent) == 1
    assert sent[0]["dry_run"] is False
    notes = [line["note"] for line in world.lines() if "note" in line]
    assert notes[0] == "armed"
    assert {"lamp up", "other up", "lamp off", "other off"} <= set(notes)


def test_kinds_of_events_and_modes_choose_the_action(make: Make) -> None:
    world = make(arm=False)
    world.event("wave", kind="repeat")
    world.event("shake", kind="arm")
    assert world.outcomes() == {"unmapped": 1, "switched": 1}
    assert world.dispatcher.mode == "hall"
    world.event("wave")  # in the hall, but parked
    assert world.outcomes()["not-allowed"] == 1
    world.dispatcher.enter_mode("room")
    world.event("wave")
    assert world.outcomes()["dry-run"] == 1


def test_a_state_allows_its_sinks_only_and_texts_are_filled(make: Make) -> None:
    world = make()
    world.dispatcher.enter_state("driving")
    world.event("wave")
    assert world.outcomes() == {"not-allowed": 1}
    world.dispatcher.enter_mode("hall")
    world.event("wave")
    until(lambda: world.other.did)
    assert world.other.did == ["wave 0.75 in hall, driving: {not} {"]
    assert world.lamp.did == []
    with pytest.raises(UsageError, match="unknown state 'asleep' — mapping has parked, driving"):
        world.dispatcher.enter_state("asleep")
    with pytest.raises(UsageError, match="unknown mode 'garage'"):
        world.dispatcher.enter_mode("garage")


def test_what_waits_is_not_sent_after_the_state_changed_or_arms_were_laid_down(make: Make) -> None:
    for change in ("state", "disarm"):
        world = make()
        world.lamp.free.clear()
        world.event("wave")
        until(world.lamp.entered.is_set)  # the first is being sent: too late to stop
        world.event("wave")
        if change == "state":
            world.dispatcher.enter_state("driving")
        else:
            world.dispatcher.disarm()
            world.dispatcher.arm()  # a new time: nothing of the old one is done in it
        world.lamp.free.set()
        until(lambda world=world: world.outcomes().get("not-allowed"))
        assert world.lamp.did == ["on"]
        assert world.outcomes() == {"sent": 1, "not-allowed": 1}


def test_a_burst_cannot_flood_a_sink(make: Make) -> None:
    world = make(limits="rate_per_s = 0.01\nburst = 3", more="burst = 100")
    for _ in range(500):
        world.event("wave", after_s=0.0)
    until(lambda: world.outcomes().get("sent") == 3)
    assert world.outcomes() == {"sent": 3, "rate-limited": 497}
    assert len(world.lamp.did) == 3


def test_an_action_has_a_limit_of_its_own_and_a_dry_run_goes_by_the_recording(make: Make) -> None:
    world = make(arm=False, more="rate_per_s = 0.5\nburst = 2")
    for after_s in (1.0, 0.1, 0.1, 1.8, 0.1):
        world.event("wave", after_s)
    assert world.outcomes() == {"dry-run": 3, "rate-limited": 2}


def test_the_bucket_fills_to_its_burst_and_not_backwards() -> None:
    bucket = TokenBucket(2.0, 2)
    taken = []
    for now_s in (5.0, 5.0, 5.0, 5.4, 5.5, 1.0, 1.4, 1.5, 100.0, 100.0, 100.0):
        taken.append(bucket.has_one(now_s))
        if taken[-1]:
            bucket.take()
    assert taken == [True, True, False, False, True, False, False, True, True, True, False]


def test_undo_takes_back_what_was_sent_last(make: Make) -> None:
    world = make()
    world.event("push")
    assert world.outcomes() == {"nothing-to-undo": 1}
    world.event("wave")
    until(lambda: world.lamp.did == ["on"])
    until(lambda: world.outcomes().get("sent") == 1)
    world.event("push")
    until(lambda: world.lamp.did == ["on", "off"])
    world.event("push")  # taken back already
    until(lambda: world.outcomes() == {"sent": 2, "nothing-to-undo": 2})
    world.dispatcher.close()
    assert [x["detail"] for x in world.lines() if x.get("detail")] == [
        "nothing was sent",
        "undoes wave",
        "nothing was sent",
    ]


def test_undo_never_takes_back_an_older_action_instead(make: Make) -> None:
    world = make()
    world.event("wave")
    until(lambda: world.outcomes().get("sent") == 1)
    world.event("shake")
    world.dispatcher.enter_state("driving")
    world.event("wave")  # of the other lamp, which cannot undo it
    until(lambda: world.outcomes().get("sent") == 2)
    world.dispatcher.enter_state("parked")
    world.event("push")
    assert world.outcomes()["nothing-to-undo"] == 1
    assert world.lamp.did == ["on"]


def test_undo_waits_for_no_action_that_is_still_on_its_way(make: Make) -> None:
    world = make()
    world.lamp.free.clear()
    world.event("wave")
    until(world.lamp.entered.is_set)
    world.event("push")
    world.lamp.free.set()
    until(lambda: world.outcomes() == {"sent": 1, "nothing-to-undo": 1})
    assert world.lamp.did == ["on"]


def test_the_file_can_say_how_to_undo(make: Make) -> None:
    world = make(more='undo = { turn = "dim for {label}" }')
    world.event("wave")
    until(lambda: world.outcomes().get("sent") == 1)
    world.event("push")
    until(lambda: world.lamp.did == ["on", "dim for wave"])


def test_a_sink_that_is_down_is_tried_again_and_what_waited_too_long_is_dropped(make: Make) -> None:
    world = make(deadline=1, arm=False)
    world.lamp.absent = True
    world.dispatcher.arm()
    until(lambda: world.dispatcher.status().sinks["lamp"].state == "down")
    assert world.dispatcher.status().sinks["lamp"].reason == "no lamp"
    world.event("wave")
    until(lambda: world.outcomes() == {"late": 1})
    assert world.lamp.tried > 1
    world.lamp.absent = False
    until(lambda: world.dispatcher.status().sinks["lamp"].state == "up")
    assert world.lamp.did == []  # nothing comes late
    world.event("wave")
    until(lambda: world.lamp.did == ["on"])


def test_pauses_between_tries_grow(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LONGEST_PAUSE_S", 0.1)
    tries: list[float] = []
    world = make(arm=False)
    world.lamp.absent = True

    def open_and_note() -> None:
        tries.append(time.monotonic())
        raise SinkDownError("no lamp")

    monkeypatch.setattr(world.lamp, "open", open_and_note)
    world.dispatcher.arm()
    until(lambda: len(tries) == 6)
    pauses = [later - earlier for earlier, later in itertools.pairwise(tries)]
    least = (0.02, 0.04, 0.08, 0.1, 0.1)
    assert all(pause >= low for pause, low in zip(pauses, least, strict=True))


def test_an_idle_peer_that_goes_is_noticed_and_taken_back(make: Make) -> None:
    world = make()
    until(lambda: world.dispatcher.status().sinks["lamp"].state == "up")
    world.lamp.absent = True
    until(lambda: world.dispatcher.status().sinks["lamp"].reason == "no lamp")
    world.lamp.absent = False
    until(lambda: world.dispatcher.status().sinks["lamp"].state == "up")
    assert world.lamp.opened == 2


def test_what_was_not_received_is_sent_again_and_what_may_have_been_is_not(make: Make) -> None:
    world = make(more="burst = 100")
    world.lamp.troubles = [SinkDownError("the cable"), SinkDownError("the plug")]
    world.event("wave")
    until(lambda: world.lamp.did == ["on"])
    world.lamp.troubles = [SinkUnsureError("no answer")]
    world.event("wave")
    until(lambda: world.outcomes().get("unsure") == 1)
    world.lamp.troubles = [SinkRejectedError("the bulb is broken")]
    world.event("wave")
    until(lambda: world.outcomes().get("rejected") == 1)
    world.lamp.troubles = [ZeroDivisionError("a plug-in's defect")]
    world.event("wave")
    until(lambda: world.outcomes().get("unsure") == 2)
    world.event("wave")
    until(lambda: world.outcomes() == {"sent": 2, "unsure": 2, "rejected": 1})
    assert world.lamp.did == ["on", "on"]
    world.dispatcher.close()
    told = [
        line["detail"]
        for line in world.lines()
        if line.get("outcome") != "sent" and "detail" in line
    ]
    assert "ZeroDivisionError: a plug-in's defect" in told
    assert "the bulb is broken" in told


def test_a_slow_sink_holds_up_nobody_and_is_shown(make: Make) -> None:
    world = make(
        deadline=1, limits="rate_per_s = 100\nburst = 100", more="rate_per_s = 100\nburst = 100"
    )
    world.dispatcher.enter_mode("room")
    world.lamp.free.clear()
    for _ in range(60):
        world.event("wave")
    until(world.lamp.entered.is_set)
    lamp = world.dispatcher.status().sinks["lamp"]
    assert lamp.waiting == 59
    assert lamp.busy_s > 0.0
    world.dispatcher.enter_state("driving")
    world.event("shake")
    world.event("wave")
    until(lambda: world.other.did)  # meanwhile
    world.dispatcher.enter_state("parked")
    time.sleep(1.05)
    world.lamp.free.set()
    until(lambda: world.outcomes().get("late") == 59)
    assert world.lamp.did == ["on"]


def test_a_person_can_take_back_what_was_sent_last(make: Make) -> None:
    world = make()
    assert world.dispatcher.status().why_not_undone == "nothing was sent"
    world.event("wave")
    until(lambda: world.outcomes().get("sent") == 1)
    undoes = world.dispatcher.status().undoes
    assert undoes is not None
    assert undoes.label == "wave"
    world.dispatcher.undo_last()
    until(lambda: world.lamp.did == ["on", "off"])
    until(lambda: world.outcomes() == {"sent": 2})
    assert world.dispatcher.status().undoes is None
    world.dispatcher.undo_last()
    world.dispatcher.close()
    told = [line["detail"] for line in world.lines() if line.get("note") == "nothing to undo"]
    assert told == ["nothing was sent"]


def test_the_status_says_when_a_sink_is_tried_again_and_how_often_it_was_limited(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "FIRST_PAUSE_S", 60.0)
    monkeypatch.setattr(worker, "LONGEST_PAUSE_S", 60.0)
    world = make(arm=False, limits="rate_per_s = 0.01\nburst = 1")
    assert world.dispatcher.status().sinks["lamp"].retry_s == 0.0
    for _ in range(3):
        world.event("wave", after_s=0.0)
    assert world.dispatcher.status().rate_limited == {"lamp": 2}
    world.lamp.absent = True
    world.dispatcher.arm()
    until(lambda: world.dispatcher.status().sinks["lamp"].state == "down")
    assert 0.0 < world.dispatcher.status().sinks["lamp"].retry_s <= 60.0


def test_another_mapping_is_a_dry_run_until_it_is_armed_too(make: Make) -> None:
    world = make()
    until(lambda: {s.state for s in world.dispatcher.status().sinks.values()} == {"up"})
    world.dispatcher.enter_state("driving")
    world.dispatcher.enter_mode("hall")
    new = Lamp()
    kind = SinkKind("lamp", "", {}, {"turn": Text("", required=True)}, make=lambda _: new)
    text = (
        'modes = ["street"]\n[states]\nasleep = []\ndriving = ["lamp"]\n[sinks.lamp]\n'
        'kind = "lamp"\n[[action]]\ngesture = "push"\nsink = "lamp"\nturn = "up"\n'
    )
    world.dispatcher.change(parse_mapping(text, LABELS, file="new", find=lambda _: kind))
    status = world.dispatcher.status()
    assert (status.armed, status.state, status.mode) == (False, "driving", "street")
    assert set(status.sinks) == {"lamp"}
    until(lambda: (world.lamp.closed, world.other.closed) == (1, 1))
    world.event("push")
    world.event("wave")
    assert world.outcomes() == {"dry-run": 1, "unmapped": 1}
    assert new.tried == 0
    world.dispatcher.arm()
    world.event("push")
    until(lambda: new.did == ["up"])
    assert world.lamp.did == world.other.did == []
    until(lambda: not [t for t in threading.enumerate() if t.name == "actions-other"])


def test_a_call_that_hangs_in_an_old_sink_holds_up_no_change(make: Make) -> None:
    world = make()
    world.lamp.free.clear()
    world.event("wave")
    until(world.lamp.entered.is_set)
    world.dispatcher.change(parse_mapping("", LABELS))
    assert world.dispatcher.status().sinks == {}
    world.lamp.free.set()
    until(lambda: world.outcomes() == {"sent": 1})
    assert world.dispatcher.status().undoes is None  # its sink is gone


REHEARSED = """
modes = ["a", "b"]
[states]
parked = ["notes"]
driving = []
[sinks.notes]
kind = "command"
[sinks.desk]
kind = "keys"
[[action]]
gesture = "*"
sink = "notes"
command = ["echo", "{label} in {state}, {mode}"]
[[action]]
gesture = "wave"
modes = ["b"]
sink = "mode"
to = "a"
[[action]]
gesture = "wave"
states = ["driving"]
sink = "notes"
command = ["true"]
[[action]]
gesture = "wave"
sink = "desk"
keys = "play"
[[action]]
gesture = "push"
sink = "undo"
"""


@pytest.mark.parametrize(
    ("row", "state", "mode", "expected"),
    [
        (0, "parked", "a", "notes: command=echo push in parked, a — dry-run"),
        (0, None, None, "notes: command=echo push in parked, a — dry-run"),
        (0, "driving", "a", "not-allowed (state driving allows no notes)"),
        (1, "parked", "a", "mode: to=a — unmapped (in mode a)"),
        (1, "parked", "b", "mode: to=a — switched"),
        (2, "parked", "a", "not-allowed (state parked is not for)"),
        (2, "driving", "a", "not-allowed (state driving allows no notes)"),
        (3, "parked", "a", "not-allowed (state parked allows no desk)"),
        (4, "parked", "a", "undo — dry-run (would take back what was sent last)"),
    ],
)
def test_an_action_is_rehearsed(
    row: int, state: str | None, mode: str | None, expected: str
) -> None:
    mapping = parse_mapping(REHEARSED, LABELS)
    entry = rehearse(mapping, mapping.rules[row], "push", state, mode)
    assert entry.to_text().endswith(expected)


def test_a_rehearsal_says_what_this_machine_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    mapping = parse_mapping(REHEARSED.replace('["notes"]', '["desk"]'), LABELS)
    told = rehearse(mapping, mapping.rules[3], "push", "parked", "a")
    assert told.outcome == "dry-run"
    assert "but it could not be armed: keys cannot be pressed in a Wayland" in told.detail


@dataclass
class Turn:
    request: Request
    deadline_s: float = math.inf


def test_a_full_queue_loses_the_oldest_and_counts_it() -> None:
    lamp, told = Lamp(), []
    lamp.free.clear()
    one: worker.SinkWorker[Turn] = worker.SinkWorker(
        "lamp",
        lamp,
        room=2,
        may=lambda job: None,
        report=lambda job, outcome, *_: told.append((job.request["turn"], outcome)),
        changed=lambda *_: None,
    )
    one.start()
    one.use(True)
    one.put(Turn({"turn": "1"}))
    until(lamp.entered.is_set)
    for n in range(2, 6):
        one.put(Turn({"turn": str(n)}))
    assert told == [("2", "lost"), ("3", "lost")]
    assert one.status().waiting == 2
    lamp.free.set()
    until(lambda: len(told) == 5)
    assert one.stop(10)
    assert lamp.did == ["1", "4", "5"]


def test_a_sink_that_never_returns_does_not_keep_the_program(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motionrgbd.core.actions.dispatcher._STOP_S", 0.05)
    world = make()
    world.lamp.free.clear()
    world.event("wave")
    until(world.lamp.entered.is_set)
    assert world.dispatcher.close() == ("lamp",)
    world.lamp.free.set()


def test_a_log_that_cannot_be_written_is_refused_and_one_that_fails_is_shown(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another one with --actions-log"):
        ActionLog(tmp_path / "file" / "actions.jsonl")
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    mapping = parse_mapping('[[action]]\ngesture = "wave"\nsink = "undo"', LABELS, find=find_kind)
    dispatcher = Dispatcher(mapping, ActionLog(Path("/dev/full")))
    dispatcher.handle(GestureEvent("wave", 0.5, 0.0, 1.0, 1.0))
    until(lambda: dispatcher.status().log_lost == 1)
    assert dispatcher.status().log_error == "No space left on device"
    dispatcher.close()


def test_a_log_keeps_what_earlier_runs_wrote(make: Make) -> None:
    for runs in (1, 2):
        world = make(arm=False)
        world.event("wave")
        world.dispatcher.close()
        assert len(world.lines()) == runs
