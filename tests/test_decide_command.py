"""`motionrgbd decide`: a run's own events come out again, and others with other parameters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from motionrgbd.app import cli, live
from motionrgbd.app.decide import decide_again
from motionrgbd.app.outputs import RunOutputs, event_line
from motionrgbd.core.decision import DecisionParameters
from motionrgbd.core.errors import SourceError, UsageError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.results import Health
from motionrgbd.models.bundle import load_bundle


@pytest.fixture
def run(tmp_path: Path, clip_pair: str, tiny_model: Path) -> Path:
    """The folder of a run in which the second half is a push."""
    source = ["--replay", clip_pair, "--depth-direction", "brighter", "--device", "cpu"]
    assert (
        live.main([*source, "--model", str(tiny_model), "--headless", "--out", str(tmp_path)]) == 0
    )
    return tmp_path


def test_a_run_s_own_events_come_out_again(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert cli.main(["decide", str(run), "--out", str(run / "again.jsonl")]) == 0
    written = (run / "events.jsonl").read_bytes()
    assert written
    assert (run / "again.jsonl").read_bytes() == written
    *events, last = capsys.readouterr().out.splitlines()
    assert len(events) == len(written.splitlines())
    assert last.startswith(f"{len(events)} event")
    assert '"hold_s": 0.0' in json.dumps(json.loads((run / "run.json").read_text())["decision"])


def test_other_parameters_give_other_events(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = run / "settings.toml"
    config.write_text("[decision]\nhold_s = 0.5\n")
    own, _, _ = decide_again(run, {})
    capsys.readouterr()
    assert cli.main(["decide", str(run), "--config", str(config), "--set", "refractory_s=1"]) == 0
    out = capsys.readouterr().out
    assert '"hold_s": 0.5' not in out
    assert "hold_s 0.5, " in out
    assert "refractory_s 1.0" in out
    late, _, parameters = decide_again(run, {"hold_s": 0.5, "refractory_s": 1})
    assert parameters["hold_s"] == 0.5
    pushes = [[e.decided_s for e in events if e.label == "push"] for events in (own, late)]
    assert pushes[1][0] - pushes[0][0] == pytest.approx(0.5, abs=1 / 30)
    assert cli.main(["decide", str(run), "--set", "on=1"]) == 0
    assert capsys.readouterr().out.startswith("0 events with on 1.0")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("on", r"--set on: .* write NAME=VALUE"),
        ("on=2", "decision parameter on must be a number from 0 to 1, got 2"),
        ("classes.nod.on=0.7", "classes.nod names 'nod'; the model's gestures are wave, push"),
    ],
)
def test_wrong_parameters_are_one_line(
    run: Path, value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["decide", str(run), "--set", value]) == UsageError.exit_code
    text = capsys.readouterr().err
    assert len(text.splitlines()) == 1
    assert message.replace("--set on: .* ", "") in text


def test_a_folder_without_a_run_is_refused(run: Path) -> None:
    with pytest.raises(SourceError, match=r"run\.json cannot be read .* --out of a run"):
        decide_again(run / "absent", {})
    (run / "probabilities.csv").write_text("")
    with pytest.raises(SourceError, match="no run that can be read"):
        decide_again(run, {})


def scene(n: int) -> RGBDFrame:
    """Dark and light by turns; colour goes black for a while, and once the clock jumps."""
    rng = np.random.default_rng(n)
    level = 200 if n // 25 % 2 else 20
    color = rng.integers(level, level + 40, (24, 32, 3), np.uint8)
    if 90 <= n < 150:
        color[:] = 0
    depth = rng.integers(500, 540, (24, 32)).astype(np.uint16)
    return RGBDFrame(color, depth, n, n / 30 + (7.0 if n >= 210 else 0.0))


@pytest.mark.parametrize("change", [None, 130])
def test_streams_switches_and_changes_are_followed_exactly(
    tmp_path: Path, tiny_fallback_model: Path, change: int | None
) -> None:
    parameters = DecisionParameters(on=0.4, off=0.35, hold_s=0.1, smoothing_s=0.1)
    recogniser = Recogniser(load_bundle(tiny_fallback_model), device="cpu", decision=parameters)
    recogniser.open(SourceInfo("scene", False, 30.0, True, True))
    facts = {"model": {"window_s": recogniser.recipe.window_s}}
    outputs = RunOutputs(tmp_path, recogniser.labels, facts)
    events = []
    for n in range(300):
        if n == change:
            recogniser.decide_with(DecisionParameters(on=0.6, off=0.35, rearm_drop=0.1))
        for step in recogniser.push(scene(n)):
            outputs.add(step)
            events += step.events
    recogniser.close()
    outputs.close("finished", Health())
    written = json.loads((tmp_path / "run.json").read_text())
    assert [mark["is"] for mark in written["marks"]].count("switch") == 2
    assert [mark["is"] for mark in written["marks"]].count("start") == 2
    assert len(written["decision_changes"]) == (change is not None)
    assert len(events) >= 4
    again, _, _ = decide_again(tmp_path, {})
    assert again == events
    assert "".join(map(event_line, again)) == (tmp_path / "events.jsonl").read_text()
