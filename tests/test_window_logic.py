"""What the window says and keeps, tested without a screen."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from motionrgbd.app.gui import available, texts
from motionrgbd.app.gui.history import FrameOrder, History, LabelSlots
from motionrgbd.app.modality_health import modality_health
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.results import (
    Box,
    GestureEvent,
    Health,
    ModalityUse,
    Percentiles,
    Prediction,
    Snapshot,
)


def row(k: int, value: float = 1.0, labels: int = 4) -> np.ndarray:
    values = np.full(labels, (1 - value) / (labels - 1), np.float32)
    values[k] = value
    return values


def snapshot(
    warming_up: bool = False, source_error: str | None = None, use: ModalityUse | None = None
) -> Snapshot:
    frame = RGBDFrame(None, np.ones((4, 4), np.uint16), 0, 0.0)
    prediction = None if warming_up else Prediction(row(0), {}, 0, 0.0)
    box = Box(0, 0, 4, 4)
    return Snapshot(frame, box, {}, prediction, warming_up, Health(), (), source_error, use)


# ---- history ----


def test_the_history_is_the_last_seconds_in_order_however_long_it_runs() -> None:
    history = History(4, fps_hz=10, span_s=3.0)
    times = [k / 10 for k in range(137)]
    for k, t in enumerate(times):
        history.add(t, row(k % 4, 0.7))
    kept = [t for t in times if t >= times[-1] - 3.0]
    assert history.times_s().tolist() == kept
    assert history.probabilities().argmax(1).tolist() == [k % 4 for k in range(137)][-len(kept) :]
    assert history.newest_s == times[-1]


def test_a_step_back_or_a_long_silence_starts_a_new_past() -> None:
    history = History(4, fps_hz=10)
    for t in (5.0, 5.1, 5.2):
        history.add(t, row(0))
    history.mark(GestureEvent("a", 0.9, 5.0, 5.1, 5.2))
    history.add(4.9, row(1))
    assert history.times_s().tolist() == [4.9]
    assert not history.events
    history.add(9.0, row(1))
    assert history.times_s().tolist() == [9.0]


def test_the_leading_labels_came_high_and_stayed_likely_in_label_order() -> None:
    history = History(4, fps_hz=10)
    assert history.leading() == []
    for t, k in ((0.0, 3), (0.1, 0), (0.2, 3)):
        history.add(t, row(k, 0.9))
    assert history.leading() == [0, 3]
    assert history.leading(count=1) == [3]


def test_few_labels_keep_their_rows() -> None:
    slots = LabelSlots(5, rows=8)
    assert not slots.update(row(4, 0.9, 5))
    assert slots.rows == [0, 1, 2, 3, 4]


def test_of_many_labels_a_leading_one_takes_the_weakest_row_and_the_others_stay() -> None:
    slots = LabelSlots(20, rows=4)
    slots.update(row(2, 0.9, 20))
    before = list(slots.rows)
    assert slots.update(row(17, 0.9, 20))
    assert 17 in slots.rows
    assert 2 in slots.rows
    assert sum(a != b for a, b in zip(before, slots.rows, strict=True)) == 1
    assert not slots.update(row(2, 0.9, 20))


# ---- order ----


def test_an_older_snapshot_is_never_let_through_after_a_newer_one() -> None:
    order = FrameOrder(30)
    times = (1.0, 1.1, 1.05, 1.2, 1.19, 1.2)
    assert [order.accepts(t) for t in times] == [True, True, False, True, False, True]


def test_after_a_seek_an_earlier_time_is_right_and_order_holds_again_from_there() -> None:
    order = FrameOrder(30)
    order.accepts(10.0)
    order.seek(9.5)
    assert order.accepts(10.03)  # was on its way already
    assert order.accepts(9.51)
    assert not order.accepts(9.4)


def test_a_clock_that_began_anew_is_followed() -> None:
    order = FrameOrder(30)
    order.accepts(500.0)
    assert order.accepts(0.1)


def test_the_past_is_bounded_where_labels_are_many_and_gestures_go_with_it() -> None:
    assert History(15, 30).kept_s == 600
    many = History(249, 30)
    assert many.span_s <= many.kept_s < 300
    history = History(2, 30, kept_s=20.0)
    for k in range(30 * 60):
        history.add(k / 30, np.zeros(2, np.float32))
        if k % 30 == 0:
            history.mark(GestureEvent("a", 0.9, k / 30 - 1, k / 30, k / 30))
    assert history.oldest_s == pytest.approx(40, abs=0.1)
    assert len(history.events) <= 21
    assert history.times_s(50.0)[-1] == pytest.approx(50.0)
    assert 35.0 <= history.times_s(50.0)[0] <= 40.0


# ---- pictures of the sensor ----


def test_holes_exposure_and_skew_are_measured_and_what_is_striking_is_marked() -> None:
    depth = np.full((48, 64), 1000, np.uint16)
    depth[:, :16] = 0
    color = np.zeros((48, 64, 3), np.uint8)
    color[:, 32:] = 255
    frame = RGBDFrame(color, depth, 0, 0.0, skew_s=-0.020)
    health = modality_health(frame, Box(0, 0, 32, 48))
    assert health.holes == pytest.approx(0.25)
    assert health.hand_holes == pytest.approx(0.5)
    assert (health.dark, health.bright) == (0.5, 0.5)
    assert health.brightness == pytest.approx(0.5)
    rows = {name: (value, striking) for name, value, striking in texts.sensor_rows(health)}
    assert rows["The same at the hand"] == ("50.0 %", True)
    assert rows["Depth without reading"] == ("25.0 %", False)
    assert rows["Colour after depth"] == ("-20.0 ms", True)
    nothing = modality_health(RGBDFrame(color, None, 0, 0.0), Box(500, 0, 600, 40))
    assert texts.sensor_rows(nothing)[0][1] == "–"
    assert modality_health(frame, Box(500, 0, 600, 40)).hand_holes is None


# ---- words ----


@pytest.mark.parametrize(
    ("state", "shown", "headline", "tone"),
    [
        ("running", None, "Starting", "calm"),
        ("running", snapshot(warming_up=True), "Warming up", "notice"),
        ("running", snapshot(), "Running", "calm"),
        ("paused", snapshot(), "Paused", "notice"),
        ("finished", snapshot(), "Finished", "notice"),
        ("running", snapshot(source_error="no frame for 2 s"), "Source is silent", "warning"),
        ("finished", snapshot(source_error="no frame for 2 s"), "Finished", "notice"),
        ("failed", snapshot(source_error="no frame for 2 s"), "Failed", "error"),
    ],
)
def test_the_notice_says_the_most_serious_thing(
    state: str, shown: Snapshot | None, headline: str, tone: str
) -> None:
    notice = texts.notice(state, RuntimeError("the cause"), shown)  # type: ignore[arg-type]
    assert (notice.headline, notice.tone) == (headline, tone)
    if headline == "Failed":
        assert notice.detail == "the cause"
    if headline == "Source is silent":
        assert notice.detail == "no frame for 2 s"


def test_a_viewer_is_told_what_the_source_is_not() -> None:
    info = SourceInfo("demo", False, 30, True, False, synthetic=True)
    assert texts.source_badges(info) == ("synthetic recording", "colour only")
    assert texts.missing_picture("depth", info) == "this source has no depth"
    assert texts.missing_picture("colour", info) == "no colour in this frame"
    assert texts.missing_picture("colour", None) == "waiting for colour"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00.0"), (59.96, "1:00.0"), (62.44, "1:02.4"), (3723.0, "1:02:03.0"), (-2, "-0:02.0")],
)
def test_clock(seconds: float, text: str) -> None:
    assert texts.clock(seconds) == text


def test_latencies_keep_three_figures_and_the_whole_comes_last() -> None:
    health = Health(
        capture_hz=29.97,
        dropped=2,
        missing=1200,
        stages={"total": Percentiles(12.34, 15, 1234), "feature_maps": Percentiles(0.421, 1.25, 9)},
    )
    assert texts.stages(health) == (
        ("Feature maps", "0.42", "1.2", "9.0"),
        ("Total", "12", "15", "1234"),
    )
    assert "1,202 frames lost" in texts.summary(health)
    assert texts.rates(health)[0] == ("Capture", "30.0 Hz", "Dropped", "2")


# ---- is there a display? ----


def test_without_a_display_the_reason_names_the_remedy() -> None:
    assert available.no_display({}, "linux")
    assert not available.no_display({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert not available.no_display({}, "darwin")
    if sys.platform == "linux":
        reason = available.why_no_window({})
        assert reason is not None
        assert "--headless" in reason


def test_offscreen_a_window_can_be_opened() -> None:
    assert available.why_no_window() is None


@pytest.mark.parametrize(
    ("stderr", "parts"),
    [
        (
            "ImportError: libEGL.so.1: cannot open shared object file: No such file",
            ("libEGL.so.1 is missing", "apt install libegl1"),
        ),
        (
            "Cannot load library libqxcb.so: (libxcb-icccm.so.4: cannot open shared object file)\n"
            "(libxcb-image.so.0: cannot open shared object file: No such file or directory)\n"
            "(libxcb-icccm.so.4: cannot open shared object file: No such file or directory)",
            ("libxcb-icccm.so.4, libxcb-image.so.0 are missing", "libxcb-icccm4 libxcb-image0"),
        ),
        ("libodd.so.3: cannot open shared object file", ("libodd.so.3", "libxcb-cursor0")),
        ("qt.qpa.xcb: could not connect to display :9", ("refuses the connection", "--headless")),
        ('Could not find the Qt platform plugin "odd" in ""', ("'odd'", "QT_QPA_PLATFORM")),
        ("Segmentation fault", ("Segmentation fault", "--headless")),
        ("", ("no message", "--headless")),
    ],
)
def test_what_qt_prints_becomes_a_reason_and_a_remedy(stderr: str, parts: tuple[str, ...]) -> None:
    for part in parts:
        assert part in available.explain(stderr)


def test_an_unknown_platform_is_a_reason_and_not_an_abort() -> None:
    reason = available.why_no_window({"QT_QPA_PLATFORM": "no-such-platform"})
    assert reason is not None
    assert "no-such-platform" in reason


def test_a_camera_that_never_gave_a_frame_is_said_to_be_silent():
    said = texts.notice("running", None, None, "no frame for 3 s: check the cable")
    assert (said.tone, said.headline) == ("warning", "Source is silent")
    assert said.detail == "no frame for 3 s: check the cable"


def test_what_is_lost_is_said_calmly_and_not_where_nothing_is() -> None:
    lost = ModalityUse(("depth",), 3.2, "colour is black")
    notice = texts.notice("running", None, snapshot(use=lost))
    assert notice == texts.Notice("notice", "Depth only", "colour is black")
    for use in (ModalityUse(("color", "depth"), 0.0), ModalityUse(("depth",), 0.0)):
        assert texts.notice("running", None, snapshot(use=use)).headline == "Running"
    assert texts.notice("running", None, snapshot(True, use=lost)).headline == "Warming up"
