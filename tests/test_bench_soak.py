"""The soak: an endless performance, what counts as growth, what counts as lost, and a short run."""

from __future__ import annotations

import itertools
import json
import mmap
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from motionrgbd.app import cli
from motionrgbd.app.bench_soak import FAILED_EXIT_CODE, SoakPlan, bench_soak, compare_events
from motionrgbd.app.memory import growth
from motionrgbd.app.soak_source import DrawnCamera, Performance
from motionrgbd.core.errors import SourceError
from motionrgbd.core.results import GestureEvent
from motionrgbd.core.synthetic.endless import EndlessPerformance
from motionrgbd.core.synthetic.recording import SyntheticRecording

SEED = 1_999_000
SMALL = (80, 60)


def event(label: str, decided_s: float) -> GestureEvent:
    return GestureEvent(label, 0.9, decided_s - 0.5, decided_s, decided_s)


def test_a_performance_goes_on_with_idle_time_and_the_next_performer() -> None:
    performance = EndlessPerformance(SEED, 120.0, idle_s=2.0, fps_hz=5.0, size_px=SMALL)
    assert performance.info.frame_count == 600
    frames = list(iter(performance.read, None))
    assert [frame.index for frame in frames] == list(range(600))
    assert [frame.timestamp_s for frame in frames] == pytest.approx(np.arange(600) / 5.0)
    script = performance.script
    assert len({g.label for g in script[:14]}) == 14
    assert len(script) >= 28
    pauses = [b.start_s - a.end_s for a, b in itertools.pairwise(script)]
    assert pauses[13] > 2.0 + 1.0  # the idle time, and what surrounds a performance
    again = SyntheticRecording(SEED + 1, fps_hz=5.0, size_px=SMALL)
    first = again.info.script[0]
    begin = round((script[14].start_s - first.start_s) * 5.0)
    frame = again.read()
    assert frame is not None
    assert frames[begin].depth is not None
    assert np.array_equal(frames[begin].depth, frame.depth)


def test_a_drawn_camera_delivers_what_is_performed() -> None:
    performance = Performance(SEED, 1.0, size_px=SMALL)
    source, camera = performance.begin(), DrawnCamera(performance, paced=False)
    try:
        assert camera.info.live
        frames = list(iter(camera.read, None))
        expected = list(iter(source.read, None))
        assert len(frames) == len(expected) == 30
        for a, b in zip(frames, expected, strict=True):
            assert (a.index, a.timestamp_s) == (b.index, b.timestamp_s)
            assert np.array_equal(a.color, b.color)
            assert np.array_equal(a.depth, b.depth)
            assert a.arrival_s is not None
        assert camera.script == source.script
        assert camera.read() is None
    finally:
        camera.close()
        camera.close()


def test_a_drawing_process_that_dies_is_told() -> None:
    camera = DrawnCamera(Performance(SEED, 1000.0, size_px=SMALL), paced=False)
    try:
        camera.read()
        time.sleep(0.3)  # by then it waits in the middle of a frame, as nobody takes the others
        camera._process.kill()
        with pytest.raises(SourceError, match="ended early"):
            list(iter(camera.read, None))
    finally:
        camera.close()


def test_growth_is_a_line_with_its_interval() -> None:
    times_s = np.arange(0.0, 1800.0, 10.0)
    noise = np.random.default_rng(1).normal(0.0, 0.5, len(times_s))
    leak = growth(times_s, 200.0 + 6.0 * times_s / 3600.0 + noise)
    slope, _ = np.polyfit(times_s / 3600.0, 200.0 + 6.0 * times_s / 3600.0 + noise, 1)
    assert leak.slope_mb_per_hour == pytest.approx(slope)
    assert leak.low_mb_per_hour < 6.0 < leak.high_mb_per_hour
    assert leak.low_mb_per_hour > 0.0
    assert leak.grown_mb == pytest.approx(6.0 * 25 / 60, abs=0.5)
    flat = growth(times_s, 200.0 + noise)
    assert flat.low_mb_per_hour < 0.0 < flat.high_mb_per_hour


def test_the_interval_is_students() -> None:
    """By hand: five samples, residuals known; t of three degrees of freedom is 3.1824."""
    found = growth([0.0, 3600.0, 7200.0, 10800.0, 14400.0], [1.0, 2.0, 4.0, 4.0, 5.0])
    error = np.sqrt(0.8 / 3 / 10)  # sum of squared residuals 0.8 about 3.2 + 1.0 t
    half = (found.high_mb_per_hour - found.low_mb_per_hour) / 2
    assert found.slope_mb_per_hour == pytest.approx(1.0)
    assert half == pytest.approx(3.1824 * error, rel=0.01)


HOLDS = """
import numpy as np
from motionrgbd.app.memory import resident_mb
before = resident_mb()
held = np.ones(40_000_000)  # 320 MB, written
print(resident_mb() - before, held.sum())
"""


def test_memory_that_is_held_shows() -> None:
    # in a process of its own: one that ran other tests may have that much to give without growing
    done = subprocess.run([sys.executable, "-c", HOLDS], capture_output=True, text=True, check=True)
    assert 200.0 < float(done.stdout.split()[0]) < 500.0


def test_lost_events_are_those_of_the_lossless_run_alone() -> None:
    lossless = [event("Tap", 1.0), event("Tap", 2.0), event("Grab", 3.0)]
    same = compare_events(lossless, lossless, 1e-9)
    assert same.lost == same.extra == ()
    check = compare_events([event("Tap", 1.2), event("Shake", 3.0)], lossless, 0.5)
    assert [(e.label, e.decided_s) for e in check.lost] == [("Tap", 2.0), ("Grab", 3.0)]
    assert [e.label for e in check.extra] == ["Shake"]
    assert len(compare_events([event("Tap", 1.2)], lossless, 1e-9).lost) == 3


def test_a_short_soak_counts_every_frame(
    tiny_fallback_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = SoakPlan(minutes=3.0 / 60, sample_s=0.5, warm_up_s=0.5, most_mb=500.0)
    code = bench_soak(tiny_fallback_model, plan, tmp_path / "soak.json")
    report = json.loads((tmp_path / "soak.json").read_text())
    assert report["frames"]["delivered"] == 90
    assert report["frames"]["missing"] == 0
    assert len(report["memory"]["resident_mb"]) >= 3
    if not (report["frames"]["dropped"] or report["frames"]["windows_skipped"]):
        assert code == 0
        assert report["events"]["lost"] == report["events"]["extra"] == []
        assert report["events"]["delivered"] == report["events"]["lossless"]
    assert "MB/hour" in capsys.readouterr().out


def test_growth_beyond_the_bound_is_told_and_fails(tiny_fallback_model: Path) -> None:
    plan = SoakPlan(minutes=2.0 / 60, sample_s=0.3, warm_up_s=0.3, most_mb=1e-9)
    held: list[mmap.mmap] = []

    import motionrgbd.app.bench_soak as soak

    measure = soak.resident_mb

    def leaking() -> float:
        fresh = mmap.mmap(-1, 8_000_000)  # never what the process has had and freed
        fresh.write(bytes(8_000_000))
        held.append(fresh)
        return measure()

    soak.resident_mb = leaking
    try:
        assert bench_soak(tiny_fallback_model, plan) == FAILED_EXIT_CODE
    finally:
        soak.resident_mb = measure


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--minutes", "0"], "minutes of a soak must be more than 0"),
        (["--minutes", "1"], "hold no four samples"),
        (["--most-mb", "nan"], "most_mb of a soak must be more than 0"),
    ],
)
def test_plans_that_measure_nothing_are_refused(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["bench", "soak", *options]) == 2
    assert words in capsys.readouterr().err
