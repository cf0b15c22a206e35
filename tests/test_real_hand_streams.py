"""Streams of real hands: every clip once, at its real duration, and idle that is idle."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from motionrgbd.training.datasets.shrec17 import SAMPLES
from motionrgbd.training.hand_clips import load_package
from motionrgbd.training.online.real_hands import (
    HALF_CAMERA,
    HandStreamPlan,
    _person,
    idle_hand_streams,
    moved,
    shrec17_streams,
)
from motionrgbd.training.online.sources import SourceRequest
from motionrgbd.training.strokes import half_strokes

PLACE = np.array([0.05, -0.02, 0.5])
BOX = np.array([80, 150, 140, 210])


@pytest.fixture(scope="module")
def request_(shared_data: Path) -> SourceRequest:
    return SourceRequest(root=shared_data, seeds=(3, 4), split="val", fps_hz=15.0, limit=1)


def plan(data: Path, seed: int, idle_s: float | None = None) -> HandStreamPlan:
    return HandStreamPlan(data / "shrec17", "val", 19, seed, 15.0, idle_s)


def test_every_clip_of_a_person_is_gestured_once_at_its_duration(shared_data: Path) -> None:
    package = load_package(shared_data / "shrec17", ("val",))
    own = package.subject == 19
    script = plan(shared_data, 3).script()
    lasting = sorted(g.end_s - g.start_s for g in script.gestures)
    assert lasting == pytest.approx(sorted(package.source_frames[own] / 30.0))
    starts = [g.start_s for g in script.gestures]
    assert starts[0] >= 1.5  # the model is warm by then
    assert min(np.diff(starts)) > 0
    # of the first gesture: samples in order, none beyond what was taken by then
    first = script.gestures[0]
    begin, end = round(first.start_s * 15), int(first.end_s * 15)
    shown = script.sample[begin:end]
    taken = np.arange(len(shown)) / 15.0 / ((first.end_s - first.start_s) / SAMPLES)
    assert (np.diff(shown) >= 0).all()
    assert (shown <= taken + 1e-5).all()
    assert (shown > taken - 1.0).all()


def test_a_seed_is_an_order(shared_data: Path) -> None:
    one, again, other = (plan(shared_data, seed).script() for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.clip, again.clip)
    np.testing.assert_array_equal(one.offset_m, again.offset_m)
    assert [g.label for g in one.gestures] != [g.label for g in other.gestures]


def test_half_a_stroke_is_passed_before_the_hand_turns_back(shared_data: Path) -> None:
    package = load_package(shared_data / "shrec17", ("val",))
    places = np.zeros((len(package), SAMPLES, 3))
    places[..., 2] = 0.5
    places[:, :11, 0] = np.linspace(0.0, 0.3, 11)  # out within ten samples
    places[:, 11:, 0] = np.linspace(0.3, 0.0, SAMPLES - 11)  # and slowly back
    assert (half_strokes(package.depth, places) == 5).all()
    still = half_strokes(package.depth, np.zeros_like(places))  # fingers alone: told by the picture
    assert 2 < np.median(still) < 16


def test_idle_breaks_every_gesture_off(shared_data: Path) -> None:
    script = plan(shared_data, 3, idle_s=240.0).script()
    assert script.gestures == ()
    assert len(script) >= 240 * 15
    runs = np.flatnonzero(np.diff(script.clip)) + 1
    package, places = _person(shared_data / "shrec17", "val", 19)
    half = half_strokes(package.depth, places)
    for ticks in np.split(np.arange(len(script)), runs):
        inside = script.sample[ticks][script.sample[ticks] < SAMPLES - 1]
        assert inside.max(initial=0) <= half[script.clip[ticks[0]]]
    assert (np.abs(np.diff(script.sample)) > 0).mean() > 0.05  # and some are begun


def test_idle_and_gestures_are_other_draws_of_one_seed(request_: SourceRequest) -> None:
    gestures, idle = shrec17_streams(request_), idle_hand_streams(request_)
    assert len(gestures) == len(idle) == 2  # one person of each seed
    assert {stream.group for stream in idle} == {"SHREC'17 val, idle"}
    assert len({stream.made_of for stream in gestures + idle}) == 4
    assert idle[0].idle_s == idle[0].duration_s >= 900.0


def test_a_stream_opens_in_another_process_with_the_same_frames(shared_data: Path) -> None:
    here = plan(shared_data, 3, idle_s=2.0)
    there = pickle.loads(pickle.dumps(here.open))()
    source = here.open()
    assert source.info.intrinsics == HALF_CAMERA
    for _ in range(6):
        a, b = source.read(), there.read()
        assert a.depth is not None
        np.testing.assert_array_equal(a.depth, b.depth)
        assert (a.depth > 0).mean() > 0.02
    source.close()
    assert source.read() is None


def test_a_hand_moved_aside_keeps_its_size() -> None:
    crop = np.full((50, 50), 500, np.uint16)
    same, box = moved(crop, BOX, PLACE, np.zeros(3))
    assert same is not None
    np.testing.assert_array_equal(box, BOX)
    np.testing.assert_array_equal(same, crop)
    aside = moved(crop, BOX, PLACE, np.array([0.1, 0.0, 0.0]))[1]
    step_px = round(0.1 * HALF_CAMERA.fx_px / 0.5)
    np.testing.assert_allclose(aside - BOX, [0, step_px, 0, step_px], atol=1)


def test_a_hand_moved_away_is_smaller_and_farther() -> None:
    crop = np.full((50, 50), 500, np.uint16)
    crop[0, 0] = 0
    farther, box = moved(crop, BOX, PLACE, np.array([0.0, 0.0, 0.25]))
    assert farther is not None
    assert farther[0, 0] == 0
    assert (farther[1:, 1:] == 750).all()
    np.testing.assert_allclose((box[2:] - box[:2]) / (BOX[2:] - BOX[:2]), 500 / 750, atol=0.02)
