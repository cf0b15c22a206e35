"""What a run leaves in its folder: the same bytes each time, whatever happens meanwhile."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from motionrgbd.app.outputs import EVENTS, PROBABILITIES, RUN, RunOutputs, event_line
from motionrgbd.core.errors import OutputError
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.recogniser import Step
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.results import Box, GestureEvent, Health, Prediction

LABELS = ("idle", "a, quoted")


def make_step(n: int, *, events: tuple[GestureEvent, ...] = (), predicts: bool = True) -> Step:
    probabilities = np.array([1 / 3, 2 / 3], np.float32)
    return Step(
        frame=RGBDFrame(None, np.zeros((2, 2), np.uint16), n, n / 30),
        view=Box(0, 0, 2, 2),
        guidance={},
        prediction=Prediction(probabilities, {}, n, n / 30) if predicts else None,
        warming_up=not predicts,
        events=events,
    )


def write_run(folder: Path) -> None:
    outputs = RunOutputs(folder, LABELS, {"source": {"name": "test"}})
    outputs.add(make_step(0, predicts=False))
    outputs.add(make_step(1, events=(GestureEvent("a, quoted", 2 / 3, 0.0, 1 / 30, 1 / 30),)))
    outputs.close("finished", Health(frames=2))


def test_files_hold_every_step_and_event(tmp_path: Path) -> None:
    write_run(tmp_path)
    assert (tmp_path / PROBABILITIES).read_text() == (
        'index,timestamp_s,idle,"a, quoted"\n0,0.0,,\n1,0.03333333333333333,0.33333334,0.6666667\n'
    )
    assert (tmp_path / EVENTS).read_text() == (
        '{"label": "a, quoted", "score": 0.666667, "start_s": 0.0, '
        '"end_s": 0.033333, "decided_s": 0.033333}\n'
    )
    run = json.loads((tmp_path / RUN).read_text())
    assert (run["state"], run["steps"], run["events"]) == ("finished", 2, 1)
    assert run["source"] == {"name": "test"}
    assert run["health"]["frames"] == 2
    assert run["started_utc"].endswith("+00:00")


def test_it_is_kept_from_where_on_what_region_counted(tmp_path: Path) -> None:
    outputs = RunOutputs(tmp_path, LABELS, {})
    region = RegionOfInterest((-0.2, 0.2), (-0.1, 0.1), (0.3, 0.9))
    for n, counts in enumerate((None, region, region, None)):
        outputs.add(dataclasses.replace(make_step(n), region=counts))
    outputs.close("finished", Health())
    assert json.loads((tmp_path / RUN).read_text())["regions"] == [
        {"row": 1, "timestamp_s": 1 / 30, "region": "-0.200:0.200,-0.100:0.100,0.300:0.900"},
        {"row": 3, "timestamp_s": 0.1, "region": None},
    ]


def test_an_earlier_run_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / EVENTS).write_text("old\n" * 100)
    write_run(tmp_path)
    assert "old" not in (tmp_path / EVENTS).read_text()
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_what_a_link_points_to_is_not_overwritten(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / EVENTS).symlink_to(precious)
    write_run(folder)
    assert precious.read_text() == "mine"


def test_everything_is_on_disk_before_the_run_ends(tmp_path: Path) -> None:
    outputs = RunOutputs(tmp_path, LABELS, {})
    event = GestureEvent("idle", 1.0, 0.0, 0.0, 0.0)
    outputs.add(make_step(0, events=(event,)))
    assert (tmp_path / EVENTS).read_text() == event_line(event)
    assert len((tmp_path / PROBABILITIES).read_text().splitlines()) == 2
    assert json.loads((tmp_path / RUN).read_text())["state"] == "running"
    outputs.close("interrupted", Health())
    outputs.add(make_step(1))  # a step that was still on its way
    assert len((tmp_path / PROBABILITIES).read_text().splitlines()) == 2


def test_a_failed_run_says_why(tmp_path: Path) -> None:
    outputs = RunOutputs(tmp_path, LABELS, {})
    outputs.close("failed", Health(), ValueError("the camera burned"))
    run = json.loads((tmp_path / RUN).read_text())
    assert (run["state"], run["error"]) == ("failed", "the camera burned")


@pytest.mark.parametrize("name", ["a-file", "a-file/below", "/proc/results"])
def test_an_impossible_folder_is_refused_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "a-file").write_text("")
    with pytest.raises(OutputError, match=r"cannot be written to .* choose another folder"):
        RunOutputs(tmp_path / name, LABELS, {})


def test_a_full_disk_is_an_output_error() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this system")
    with pytest.raises(OutputError):
        RunOutputs(full, LABELS, {})
