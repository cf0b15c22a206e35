"""`motionrgbd-live --cockpit`, in its window and without one."""

from __future__ import annotations

import json
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from motionrgbd.app import live
from motionrgbd.app.actions import RunActions
from motionrgbd.app.cockpit import machine
from motionrgbd.app.cockpit.command import RunCockpit
from motionrgbd.app.cockpit.log import LOG
from motionrgbd.app.cockpit.machine import Cockpit, Trip
from motionrgbd.app.gui.cockpit.window import CockpitWindow
from motionrgbd.app.settings import settings_from
from motionrgbd.core.actions.dispatcher import Dispatcher
from motionrgbd.core.actions.log import ActionLog
from motionrgbd.core.actions.mapping import parse_mapping
from motionrgbd.core.api import default_bundle
from motionrgbd.core.engine import Engine
from motionrgbd.core.errors import OutputError, UsageError
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.results import GestureEvent
from motionrgbd.core.synthetic import recording
from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.core.synthetic.recording import SyntheticRecording


@pytest.fixture
def short_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo of two gestures: the whole one runs in `test_live_command`."""

    def two_gestures() -> SyntheticRecording:
        return SyntheticRecording(1_000_018, labels=("Swipe Right", "Grab"))

    monkeypatch.setattr(recording, "demo_recording", two_gestures)


def test_the_log_is_the_events_and_the_same_with_a_window_and_without(
    short_demo: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [tmp_path / name for name in ("headless", "window")]
    picture = tmp_path / "cockpit.png"
    shown_to_its_end = ["--fast", "--close-when-finished", "--screenshot", str(picture)]
    ends = (["--headless"], [*shown_to_its_end, "--drive", "right"])
    for folder, how in zip(folders, ends, strict=True):
        assert live.main(["--demo", "--cockpit", "--out", str(folder), *how]) == 0
    logs = [(folder / LOG).read_bytes() for folder in folders]
    assert logs[0] == logs[1]
    lines = [json.loads(line) for line in logs[0].splitlines()]
    events = [json.loads(line) for line in (folders[0] / "events.jsonl").read_text().splitlines()]
    assert [(x["time_s"], x["gesture"], x["score"]) for x in lines] == [
        (e["decided_s"], e["label"], e["score"]) for e in events
    ]
    assert [x["text"] for x in lines] == ["Map moved right", "Home"]
    shown = QImage(str(picture))
    assert (shown.width(), shown.height()) == (1280, 480)
    assert shirt(shown.copy(0, 50, 230, 340)) > 1000  # the hand is on the passenger's side
    assert shirt(shown.copy(1050, 50, 230, 340)) == 0
    capsys.readouterr()


def shirt(picture: QImage) -> int:
    """Return how many pixels have about the colour of the performer's shirt."""
    rgb = picture.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), -1)
    red, green, blue = (rows[:, k : 3 * rgb.width() : 3].astype(int) for k in range(3))
    return int(((green - red > 70) & (abs(green - blue) < 25)).sum())


def mapping(folder: Path, states: str) -> list[str]:
    """Return the options of a mapping in which every gesture runs a program."""
    path = folder / "map.toml"
    path.write_text(
        f'[states]\n{states}\n[sinks.program]\nkind = "command"\n'
        '[[action]]\ngesture = "*"\nsink = "program"\ncommand = ["true"]\n'
    )
    return ["--actions", str(path)]


def outcomes(folder: Path) -> list[tuple[str, str, str]]:
    lines = [json.loads(line) for line in (folder / "actions.jsonl").read_text().splitlines()]
    told = [line for line in lines if "outcome" in line]
    return [(line["event"]["label"], line["state"], line["outcome"]) for line in told]


def test_the_car_says_what_actions_are_allowed(
    app: QApplication,
    short_demo: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(machine, "Trip", partial(Trip, drives_off_s=5.0))  # between the gestures
    actions = mapping(tmp_path, 'driving = []\nparked = ["program"]')
    run = ["--demo", "--cockpit", "--fast", "--close-when-finished", "--out", str(tmp_path)]
    said: set[str] = set()
    shown = QTimer()
    shown.timeout.connect(
        lambda: said.update(
            window.hand.said_of_actions()
            for window in app.topLevelWidgets()
            if isinstance(window, CockpitWindow)
        )
    )
    shown.start(20)
    assert live.main([*run, *actions]) == 0
    assert said == {"Actions: dry run"}
    assert outcomes(tmp_path) == [
        ("Swipe Right", "parked", "dry-run"),
        ("Grab", "driving", "not-allowed"),
    ]
    assert "-> state driving" in capsys.readouterr().out


def test_a_mapping_that_knows_no_car_keeps_its_own_state(tmp_path: Path) -> None:
    actions = parse_mapping("[states]\nday = []\nnight = []\n", GESTURES)
    engine = Engine(
        SyntheticRecording(1_000_018, labels=("Grab",)), Recogniser(default_bundle(), device="cpu")
    )
    with closing(Dispatcher(actions, ActionLog(tmp_path / "log"), state="night")) as dispatcher:
        run = RunActions(GESTURES, tmp_path / "log", dispatcher=dispatcher)
        shown = RunCockpit(engine, tmp_path, window=False, actions=run, state="night")
        for now_s in (0.0, 60.0):
            shown.cockpit.advance(now_s)
        assert shown.cockpit.state.name == "driving"
        assert dispatcher.state == "night"
        shown.close()
        engine.stop()


@pytest.mark.parametrize(
    ("states", "more", "said"),
    [
        ("parked = []", [], "has the state parked, but not driving: the cockpit's car enters both"),
        ("parked = []\ndriving = []", ["--state", "driving"], "the cockpit's car says whether it"),
    ],
    ids=["one of both", "asked for"],
)
def test_states_that_do_not_fit_the_car_are_refused(
    states: str, more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["--demo", "--cockpit", "--headless", "--out", str(tmp_path)]
    assert live.main([*run, *mapping(tmp_path, states), *more]) == UsageError.exit_code
    (told,) = capsys.readouterr().err.splitlines()
    assert said in told


def test_a_model_without_any_of_its_gestures_is_refused(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--demo", "--cockpit", "--headless", "--out", str(tmp_path)]
    assert live.main([*arguments, "--model", str(tiny_model)]) == UsageError.exit_code
    (told,) = capsys.readouterr().err.splitlines()
    assert "'tiny' knows wave, push — leave --model out" in told
    assert not (tmp_path / LOG).exists()


def test_nothing_to_see_and_no_folder_is_refused(
    clip_pair: str, capsys: pytest.CaptureFixture[str]
) -> None:
    replay = ["--replay", clip_pair, "--depth-direction", "brighter", "--headless"]
    assert live.main([*replay, "--cockpit"]) == UsageError.exit_code
    assert "name a folder with --out" in capsys.readouterr().err


def test_a_log_that_cannot_be_written_is_said(
    clip_pair: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / LOG).mkdir()
    replay = ["--replay", clip_pair, "--depth-direction", "brighter", "--headless"]
    code = live.main([*replay, "--cockpit", "--out", str(tmp_path)])
    assert code == OutputError.exit_code
    assert f"{LOG} cannot be written" in capsys.readouterr().err


def test_a_settings_file_can_ask_for_it(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text('cockpit = true\ndemo = true\ndrive = "right"\n')
    settings = settings_from({}, config)
    assert (settings.cockpit, settings.drive) == (True, "right")
    assert settings_from({"drive": "left"}, config).drive == "left"
    with pytest.raises(UsageError, match="--drive must be left or right, got 'up'"):
        settings_from({"drive": "up"}, None)


def test_events_that_only_arm_do_nothing() -> None:
    class Step:
        timestamp_s = 3.0
        events = (
            GestureEvent("Expand", 0.9, 2.0, 3.0, 3.0, "arm"),
            GestureEvent("Pinch", 0.9, 2.0, 3.0, 3.0, "repeat"),
        )

    cockpit = Cockpit()
    before = cockpit.state.display.zoom
    cockpit.observe(Step())
    assert cockpit.state.display.zoom == before - 1
