"""`motionrgbd-live` from its command line to the files that it leaves, without a window."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from motionrgbd.app import headless, live
from motionrgbd.app.demo import PICTURE, VIDEO
from motionrgbd.app.settings import Settings
from motionrgbd.core.engine import Engine
from motionrgbd.core.errors import DemoError
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.recogniser import Step
from motionrgbd.core.results import Box, GestureEvent
from motionrgbd.core.sources import realsense
from motionrgbd.core.synthetic import recording
from motionrgbd.core.synthetic.recording import SyntheticRecording


@pytest.fixture
def replay(clip_pair: str, tiny_model: Path) -> list[str]:
    """A command line that runs a pair of videos through a small model."""
    source = ["--replay", clip_pair, "--depth-direction", "brighter"]
    return [*source, "--model", str(tiny_model), "--headless", "--device", "cpu"]


def test_a_replay_counts_every_frame_and_says_what_it_ran_on(
    replay: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert live.main(replay) == 0
    *events, summary = capsys.readouterr().out.splitlines()
    assert summary == (
        f"color.mkv + depth.mkv: 60 frames counted, 0 dropped, 0 missing, 0 images unpaired, "
        f"{len(events)} event{'s' * (len(events) != 1)}; ran on CPU."
    )
    assert any("push" in line for line in events)  # the second half is bright


def test_a_recording_without_a_single_pair_says_why_nothing_was_seen(
    shared_data: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shared_data / "realsense" / "single_depth_color_640x480.bag"
    assert live.main(["--replay", str(path), "--headless", "--model", str(tiny_model)]) == 0
    summary, why = capsys.readouterr().out.splitlines()
    assert "0 frames counted, 0 dropped, 0 missing, 3 images unpaired" in summary
    assert why.startswith("No colour image lies within half a frame period of a depth image")


def test_options_that_a_run_has_no_use_for_are_named(
    replay: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "window.png"
    assert live.main([*replay, "--screenshot", str(picture), "--size", "640x480"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "--screenshot is not used: there is no window",
        "Not used, a recording plays as it is: --size",
    ]
    assert not picture.exists()
    assert live.main(replay) == 0
    assert capsys.readouterr().err == ""


def test_printed_times_count_from_the_first_moment(capsys: pytest.CaptureFixture[str]) -> None:
    """A camera's stamps are often seconds since 1970."""
    start_s = 1_700_000_000.0
    event = GestureEvent("push", 0.75, start_s + 1, start_s + 2, start_s + 2.5)
    printer = headless.EventPrinter()
    for index, events in ((0, ()), (75, (event,))):
        frame = RGBDFrame(None, np.zeros((1, 1), np.uint16), index, start_s + index / 30)
        printer.add(Step(frame, Box(0, 0, 1, 1), {}, None, True, events))
    printer.print_all()
    assert capsys.readouterr().out == "     2.50 s  push                      0.75\n"


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt, 130), (SystemExit, None), (BrokenPipeError, 141)]
)
def test_a_run_stopped_after_its_end_is_finished(
    replay: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
    code: int | None,
) -> None:
    run_headless = headless.run_headless

    def stopped_at(frames: int) -> str:
        def run(engine: Engine, printer: headless.EventPrinter) -> None:
            if frames:
                run_headless(engine, printer)
            raise error

        monkeypatch.setattr(headless, "run_headless", run)
        monkeypatch.setattr("os.dup2", lambda *_: None)  # the test's own stdout stays
        if code is None:
            with pytest.raises(error):
                live.main([*replay, "--out", str(tmp_path)])
        else:
            assert live.main([*replay, "--out", str(tmp_path)]) == code
        return str(json.loads((tmp_path / "run.json").read_text())["state"])

    assert stopped_at(60) == "finished"
    assert stopped_at(0) == "interrupted"


def test_a_window_prints_what_it_recognises_too(
    replay: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert live.main(replay) == 0
    headless = capsys.readouterr().out
    replay.remove("--headless")
    assert live.main([*replay, "--fast", "--close-when-finished"]) == 0
    assert capsys.readouterr().out == headless
    assert "push" in headless


def test_replays_give_identical_bytes_at_any_pace(replay: list[str], tmp_path: Path) -> None:
    for name, pace in (("a", "--fast"), ("b", "--fast"), ("c", "--realtime")):
        assert live.main([*replay, pace, "--out", str(tmp_path / name)]) == 0
    for file in ("events.jsonl", "probabilities.csv"):
        first, *others = ((tmp_path / name / file).read_bytes() for name in "abc")
        assert first
        assert all(other == first for other in others)
    run = json.loads((tmp_path / "a" / "run.json").read_text())
    assert run["state"] == "finished"
    assert run["steps"] == 60
    assert run["health"]["frames"] == 60
    assert len(run["model"]["sha256"]) == 64
    assert run["options"]["depth_direction"] == "brighter"


def test_probabilities_hold_every_step(replay: list[str], tmp_path: Path) -> None:
    assert live.main([*replay, "--out", str(tmp_path)]) == 0
    header, *rows = (tmp_path / "probabilities.csv").read_text().splitlines()
    assert header == "index,timestamp_s,idle,wave,push"
    assert [int(row.split(",")[0]) for row in rows] == list(range(60))
    for row in rows:
        assert sum(map(float, row.split(",")[2:])) == pytest.approx(1, abs=1e-4)


def test_a_settings_file_says_the_same_as_options(
    clip_pair: str, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(
        f"replay = '{clip_pair}'\nmodel = '{tiny_model}'\nheadless = true\n"
        f"depth-direction = 'brighter'\nout = '{tmp_path / 'out'}'\n"
    )
    assert live.main(["--config", str(config)]) == 0
    assert (tmp_path / "out" / "events.jsonl").exists()
    assert "60 frames counted" in capsys.readouterr().out


def test_without_a_source_the_demo_plays_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(realsense, "find_cameras", list)
    assert live._with_source(Settings()) == Settings(demo=True)
    assert "playing the built-in demo" in capsys.readouterr().out


def test_without_a_source_a_camera_that_answers_is_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = realsense.FoundCamera("D435", "1234", "3.2")
    monkeypatch.setattr(realsense, "find_cameras", lambda: [found])
    assert live._with_source(Settings()) == Settings(camera="realsense")
    assert "RealSense camera answers" in capsys.readouterr().out


def test_without_a_display_it_runs_headless_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert not live._wants_window(Settings())
    assert "Running without a window: there is no display" in capsys.readouterr().err
    assert not live._wants_window(Settings(headless=True))
    assert capsys.readouterr().err == ""


def test_a_file_named_like_a_camera_is_still_a_file() -> None:
    assert live.source_spec(Settings(replay="webcam")) == "./webcam"
    assert live.source_spec(Settings(replay="a.bag")) == "a.bag"
    assert live.source_spec(Settings(camera="webcam:1")) == "webcam:1"
    assert live.source_spec(Settings(demo=True)) == "demo"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        live.main(["--version"])
    assert capsys.readouterr().out.startswith("motionrgbd-live ")


# A process counts what its parent held when it was forked: a small one stands between.
LAUNCHER = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print("peak memory:", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def test_the_demo_recognises_its_script_within_its_memory(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "motionrgbd.app.live", "--demo", "--headless", "--cockpit"]
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *program, "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    text = done.stdout
    assert done.returncode == 0, text
    assert "The recording is synthetic" in text
    assert "✓" in text
    written = {path.name for path in tmp_path.iterdir()}
    files = {VIDEO, PICTURE, "events.jsonl", "probabilities.csv", "run.json", "cockpit.jsonl"}
    assert written == files
    events, log = (
        [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
        for name in ("events.jsonl", "cockpit.jsonl")
    )
    gestures = [line for line in log if line["cause"] == "gesture"]
    assert [(x["time_s"], x["gesture"], x["score"]) for x in gestures] == [
        (e["decided_s"], e["label"], e["score"]) for e in events
    ]
    assert [e["label"] for e in events] == [g.label for g in recording.demo_recording().info.script]
    assert all(line["effect"] for line in gestures), "the demo is a tour"
    if sys.platform == "linux":  # ru_maxrss is in kilobytes there
        assert 50_000 < int(text.rpartition("peak memory:")[2]) < 700_000


def test_the_demo_with_another_model_fails_and_keeps_its_files(
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def one_gesture() -> SyntheticRecording:
        return SyntheticRecording(1_000_001, labels=("Grab",))

    monkeypatch.setattr(recording, "demo_recording", one_gesture)
    arguments = ["--demo", "--headless", "--model", str(tiny_model), "--out", str(tmp_path)]
    assert live.main(arguments) == DemoError.exit_code
    text = capsys.readouterr()
    assert "0 of 1 gestures" in text.err
    assert "missed: Grab at" in text.err
    assert {VIDEO, PICTURE, "events.jsonl"} <= {path.name for path in tmp_path.iterdir()}
