"""The public API: a script's loop over gestures, how it ends, and that it closes what it opened."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionrgbd.app.live import DEFAULT_MODEL
from motionrgbd.core import api
from motionrgbd.core.api import (
    ERRORS,
    CameraError,
    GestureEvent,
    RegionOfInterest,
    RGBDFrame,
    SourceError,
    SourceInfo,
    SourceOptions,
    default_bundle,
    load_bundle,
    open_source,
    predictions,
    recognise,
)
from motionrgbd.core.engine import Engine
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.synthetic.recording import SyntheticRecording

WITHOUT = "import sys; sys.modules.update(dict.fromkeys(['torch', 'PySide6', 'pyrealsense2']))\n"


class Flashes:
    """Dark and light by turns, of which the tiny model makes an event each; silent from a frame."""

    def __init__(
        self, count: int, *, hz: float = 200.0, live: bool = False, silent_from: int | None = None
    ) -> None:
        self.info = SourceInfo("flashes", live, hz, has_color=True, has_depth=True)
        self.read_frames = 0
        self.closed = threading.Event()
        self.ended_early: str | None = None
        self._count, self._silent_from = count, silent_from

    def read(self) -> RGBDFrame | None:
        if self.info.live:
            self.closed.wait(1 / self.info.fps_hz)
        if self.closed.is_set() or self.read_frames >= self._count:
            return None
        if self.read_frames == self._silent_from:
            raise CameraError("the camera is silent: check its cable")
        i = self.read_frames
        self.read_frames += 1
        picture = np.full((24, 32, 3), 255 * (i // 100 % 2), np.uint8)
        arrival_s = time.monotonic() if self.info.live else None
        depth = np.full((24, 32), 500, np.uint16)
        return RGBDFrame(picture, depth, i, i / self.info.fps_hz, arrival_s)

    def close(self) -> None:
        self.closed.set()


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def engine_events(source: Any, model: Path) -> list[GestureEvent]:
    """Return what the running system gives, as the command line has it."""
    engine, events = Engine(source, Recogniser(load_bundle(model), device="cpu")), []
    engine.add_observer(lambda step: events.extend(step.events))
    engine.start()
    engine.wait(60)
    engine.stop()
    return events


def test_a_loop_has_the_events_of_the_command_line_and_ends(tiny_model: Path) -> None:
    expected = engine_events(Flashes(900), tiny_model)
    assert len(expected) >= 3
    source = Flashes(900)
    assert list(recognise(source, tiny_model, device="cpu")) == expected
    assert source.closed.is_set()
    assert list(recognise(Flashes(900), load_bundle(tiny_model))) == expected


def test_steps_have_probabilities_times_labels_and_events(tiny_model: Path) -> None:
    steps = list(predictions(Flashes(900), tiny_model))
    assert [step.timestamp_s for step in steps] == sorted(step.timestamp_s for step in steps)
    assert len(steps) >= 30 * 900 / 200 - 4  # the grid has 30 Hz, and a window of 4 fills first
    for step in steps:
        assert step.labels == ("idle", "wave", "push")
        assert step.probabilities.shape == (3,)
        assert step.best == (step.labels[step.probabilities.argmax()], step.probabilities.max())
    assert {step.best[0] for step in steps} == {"idle", "push"}
    events = [event for step in steps for event in step.events]
    assert events == list(recognise(Flashes(900), tiny_model))


def test_sources_are_named_as_on_the_command_line(tiny_model: Path, clip_pair: str) -> None:
    options = SourceOptions(depth_direction="brighter")
    steps = list(predictions(clip_pair, tiny_model, options=options))
    assert steps[-1].timestamp_s > 1.8
    again = list(predictions(open_source(clip_pair, options=options), tiny_model))
    assert [s.probabilities.tobytes() for s in again] == [s.probabilities.tobytes() for s in steps]


def test_leaving_the_loop_closes_everything(tiny_model: Path) -> None:
    left, failed, closed = Flashes(100_000), Flashes(100_000), Flashes(100_000, live=True)
    for _ in recognise(left, tiny_model):
        break
    assert left.closed.is_set()

    def fail() -> None:
        for _ in predictions(failed, tiny_model):
            raise KeyError("of the script")

    with pytest.raises(KeyError):
        fail()
    assert failed.closed.is_set()
    steps = predictions(closed, tiny_model)
    next(steps)
    steps.close()
    assert closed.closed.is_set()


def test_nothing_is_opened_before_the_first_step(tiny_model: Path) -> None:
    source = Flashes(100)
    recognise(source, tiny_model).close()
    assert source.read_frames == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "absent.mrgbd"}, "absent.mrgbd: no such file"),
        ({"device": "gpu"}, "device must be auto or cpu or cuda, got 'gpu'"),
        ({"pace": "slow"}, "pace must be fast or realtime, got 'slow'"),
        ({"precision": "int8"}, "no int8 graphs"),
        ({"decision": {"on": 2}}, "decision parameter on must be a number from 0 to 1, got 2"),
        ({"decision": {"arm_with": "Tap"}}, "the model's gestures are wave, push"),
        ({"region": "0:1,0:1"}, "a region is X0:X1,Y0:Y1,Z0:Z1 in metres"),
        ({"region": "0:1,0:1,0.9:0.3"}, "a region's z must run from a smaller to a larger number"),
        ({"region": "0:1,0:1,0.3:1"}, "flashes cannot be limited to a region in metres: its lens"),
    ],
)
def test_a_mistake_is_told_and_the_source_is_closed(
    tiny_model: Path, given: dict[str, Any], message: str
) -> None:
    source = Flashes(100)
    with pytest.raises(ERRORS, match=re.escape(message)):
        next(recognise(source, **{"model": tiny_model, **given}))
    assert source.closed.is_set()


def test_a_source_that_is_none_or_lacks_what_the_model_needs(
    tiny_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(ERRORS, match="no such file, folder or camera"):
        next(recognise(tmp_path / "absent.bag", tiny_model))
    blind = Flashes(100)
    blind.info = SourceInfo("flashes", False, 30.0, has_color=True, has_depth=False)
    with pytest.raises(ERRORS, match="needs depth"):
        next(recognise(blind, tiny_model))
    assert blind.closed.is_set()


def test_decision_parameters_can_be_replaced(tiny_model: Path) -> None:
    assert not list(recognise(Flashes(900), tiny_model, decision={"hold_s": 5.0}))


class Again:
    """A recording that was read before."""

    def __init__(self, info: SourceInfo, frames: list[RGBDFrame]) -> None:
        self.info, self._frames = info, iter(frames)

    def read(self) -> RGBDFrame | None:
        return next(self._frames, None)

    def close(self) -> None: ...


def test_what_lies_outside_a_region_does_not_count() -> None:
    source = SyntheticRecording(1_000_018, labels=["Grab"], fps_hz=15.0)
    frames = list(iter(source.read, None))
    hands = [source.hand_truth(n).centre_mm / 1000 for n in range(0, len(frames), 5)]
    left, top, near = (np.min(hands, axis=0) - 0.25).tolist()
    right, bottom, far = (np.max(hands, axis=0) + 0.25).tolist()

    def events(region: RegionOfInterest | str | None) -> list[GestureEvent]:
        return list(recognise(Again(source.info, frames), device="cpu", region=region))

    whole = events(None)
    assert [event.label for event in whole] == ["Grab"]
    (grab,) = events(RegionOfInterest((left, right), (top, bottom), (near, far)))
    assert grab.label == "Grab"
    assert abs(grab.decided_s - whole[0].decided_s) < 0.15  # the room beside the hand is gone
    assert events("-60:60,-60:60,0.01:65") == whole
    assert events(f"{right}:{right + 1},-1:1,0.1:2") == []


def test_a_recording_waits_for_a_slow_loop(tiny_model: Path) -> None:
    source = Flashes(3000)
    steps = predictions(source, tiny_model)
    first = next(steps)
    seen_s = 0.0
    while seen_s < source.read_frames:  # until it reads no further
        seen_s = source.read_frames
        time.sleep(0.3)
    assert source.read_frames < 1000
    rest = list(steps)
    assert source.read_frames == 3000
    times_s = [step.timestamp_s for step in (first, *rest)]
    assert np.diff(times_s).max() < 1.5 / 30


def test_real_time_takes_the_time_of_the_recording(tiny_model: Path) -> None:
    begun_s = time.monotonic()
    list(predictions(Flashes(100), tiny_model, pace="realtime"))
    assert time.monotonic() - begun_s > 0.9 * 100 / 200


def test_of_a_camera_the_oldest_steps_are_lost_and_that_is_told(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_STALL_S", 0.05)  # room for two steps
    source = Flashes(120, hz=60.0, live=True)
    steps = predictions(source, tiny_model)
    next(steps)
    while source.read_frames < 120:
        time.sleep(0.05)
    with pytest.warns(RuntimeWarning, match=r"the loop over flashes is too slow: \d+ steps"):
        rest = list(steps)
    assert len(rest) <= 2 + 1
    assert rest[-1].timestamp_s > 1.8  # the newest are kept


def test_a_camera_that_stays_silent_ends_the_loop_after_what_it_gave(tiny_model: Path) -> None:
    source = Flashes(400, silent_from=250)
    found = []

    def run() -> None:
        for event in recognise(source, tiny_model, give_up_after_s=0.1):
            found.append(event.label)

    with pytest.raises(CameraError, match="check its cable"):
        run()
    assert found == ["push"]


def test_a_recording_that_breaks_off_is_told_after_its_events(tiny_model: Path) -> None:
    source = Flashes(300)
    source.ended_early = "flashes.bag ends in the middle of an image"
    events = recognise(source, tiny_model)
    assert next(events).label == "push"
    with pytest.raises(SourceError, match="ends in the middle of an image"):
        list(events)


def test_the_default_model_is_the_bundled_one() -> None:
    assert default_bundle().sha256 == load_bundle(DEFAULT_MODEL).sha256


def test_stable_names_exist() -> None:
    assert all(getattr(api, name) is not None for name in api.__all__)
    assert len(set(api.__all__)) == len(api.__all__)


@pytest.mark.parametrize("finished", [False, True])
def test_a_program_ends_though_a_loop_was_left_unfinished(
    tiny_model: Path, clip_pair: str, finished: bool
) -> None:
    code = (
        "import time\n"
        "from motionrgbd.core.api import SourceOptions, predictions\n"
        "options = SourceOptions(depth_direction='brighter')\n"
        f"steps = predictions({clip_pair!r}, {str(tiny_model)!r}, options=options)\n"
        f"for n in range({59 if finished else 2}): next(steps)\n"
        "time.sleep(0.3)\nprint('left')"
    )
    result = run_python(code)
    assert (result.returncode, result.stdout, result.stderr) == (0, "left\n", "")


def test_the_script_of_the_readme_runs_as_printed(root: Path, tmp_path: Path) -> None:
    text = (root / "README.md").read_text("utf-8")
    section = text.partition("## From Python")[2].partition("\n## ")[0]
    script, printed = re.findall(r"```\w*\n(.*?)```", section, re.DOTALL)[:2]
    assert len(script.splitlines()) < 10
    result = run_python(WITHOUT + script, tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout == printed


def run_python(code: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=90
    )
