"""The demo's comparison with its script, its video and its picture."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from motionrgbd.app.demo import LATEST_S, Result, match_events
from motionrgbd.app.summary import RunSummary
from motionrgbd.app.video import AnnotatedVideo
from motionrgbd.core.errors import OutputError
from motionrgbd.core.frames import RGBDFrame, ScriptedGesture
from motionrgbd.core.recogniser import Step
from motionrgbd.core.results import Box, GestureEvent, GuidanceMap, Prediction

LABELS = ("idle", "wave", "push")
SCRIPT = (
    ScriptedGesture("wave", 1.0, 2.0),
    ScriptedGesture("push", 3.0, 4.0),
    ScriptedGesture("wave", 4.2, 5.0),
)


def event(label: str, decided_s: float) -> GestureEvent:
    return GestureEvent(label, 0.9, decided_s - 0.2, decided_s, decided_s)


def make_step(n: int, *, events: tuple[GestureEvent, ...] = (), predicts: bool = True) -> Step:
    rng = np.random.default_rng(n)
    values = rng.uniform(0, 2, (12, 16)).astype(np.float32)
    probabilities = rng.dirichlet([1, 1, 1]).astype(np.float32)
    time_s = n / 30
    return Step(
        frame=RGBDFrame(
            rng.integers(0, 255, (48, 64, 3), np.uint8),
            rng.integers(300, 900, (48, 64), np.uint16),
            n,
            time_s,
        ),
        view=Box(0, 0, 64, 48),
        guidance={"depth": GuidanceMap(values, np.zeros((12, 16), np.int32), (0.0, 0.0))},
        prediction=Prediction(probabilities, {}, n, time_s) if predicts else None,
        warming_up=not predicts,
        events=events,
    )


@pytest.mark.parametrize(
    ("events", "result"),
    [
        ([], Result(0, 3, 0)),
        ([event("wave", 1.5), event("push", 3.9), event("wave", 4.9)], Result(3, 3, 3)),
        # the label must match, and the time
        ([event("push", 1.5), event("wave", 0.9)], Result(0, 3, 2)),
        ([event("wave", 2.0 + LATEST_S)], Result(1, 3, 1)),
        ([event("wave", 2.01 + LATEST_S)], Result(0, 3, 1)),
        # one gesture counts once
        ([event("wave", 1.2), event("wave", 1.8)], Result(1, 3, 2)),
        # the order of the events does not matter
        ([event("wave", 4.9), event("wave", 1.5)], Result(2, 3, 2)),
    ],
)
def test_events_are_matched_by_label_and_time(events: list[GestureEvent], result: Result) -> None:
    assert match_events(events, SCRIPT) == result


def test_overlapping_spans_leave_the_later_gesture_to_the_later_event() -> None:
    script = [ScriptedGesture("wave", 1.0, 2.0), ScriptedGesture("wave", 2.2, 3.0)]
    assert match_events([event("wave", 2.5), event("wave", 3.2)], script).matches == 2


def test_misses_and_false_alarms_both_lower_the_score() -> None:
    assert Result(matches=9, gestures=10, events=9).score == pytest.approx(0.9)
    assert Result(matches=10, gestures=10, events=20).score == pytest.approx(0.5)
    assert Result(matches=0, gestures=0, events=0).score == 1.0


def test_every_step_is_a_picture_of_the_video(tmp_path: Path) -> None:
    path = tmp_path / "annotated.mp4"
    video = AnnotatedVideo(path, LABELS, ("depth",), 30.0)
    for n in range(20):
        video.add(make_step(n, events=(event("wave", n / 30),) if n == 5 else ()))
    video.close()
    with av.open(path) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert sum(1 for _ in container.decode(stream)) == 20


def test_a_video_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    video = AnnotatedVideo(tmp_path / "absent" / "annotated.mp4", LABELS, ("depth",), 30.0)
    video.add(make_step(0))
    with pytest.raises(OutputError, match=r"annotated\.mp4 cannot be written"):
        video.close()


def test_the_summary_is_drawn_even_without_predictions(tmp_path: Path) -> None:
    summary = RunSummary(LABELS, ("depth",))
    for n in range(150):
        events = (event("wave", n / 30),) if n == 45 else ()
        summary.add(make_step(n, events=events, predicts=n > 20))
    path = tmp_path / "summary.png"
    summary.draw(path, "a run", SCRIPT)
    with Image.open(path) as picture:
        assert picture.size[0] == 1400


def test_a_run_that_was_stopped_early_is_drawn_over_its_own_time(tmp_path: Path) -> None:
    summary = RunSummary(LABELS, ("depth",))
    for n in range(10):
        summary.add(make_step(n))
    late = [ScriptedGesture("push", 3.0 * n, 3.0 * n + 1) for n in range(20)]
    summary.draw(tmp_path / "summary.png", "stopped", late)  # matplotlib's warnings are errors


def test_the_summary_of_nothing_is_still_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "summary.png"
    RunSummary(LABELS, ("depth",)).draw(path, "nothing", ())
    assert path.stat().st_size > 0
