"""The region of interest: its geometry, what it cuts, and what a stream makes of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from changed_midway import steps_with_change
from hypothesis import given
from hypothesis import strategies as st

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.calibration.projection import deproject, project
from motionrgbd.core.api import default_bundle
from motionrgbd.core.depth8 import EightBitDepth
from motionrgbd.core.engine import Engine
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.hand_color import ColorHandDetector
from motionrgbd.core.recogniser import Recogniser, Step
from motionrgbd.core.region import RegionError, RegionOfInterest
from motionrgbd.core.region_pixels import (
    RegionLimits,
    nearest_reading_m,
    outlines,
    region_seen_in,
    why_no_region,
)
from motionrgbd.core.results import Box
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.models.bundle import Bundle, load_bundle

PLAIN = Intrinsics(64, 48, 55.0, 55.0, 31.5, 23.5)
BENT = dataclasses.replace(
    PLAIN, distortion="brown_conrady", coefficients=(-0.15, 0.05, 0.002, -0.001, 0.0)
)
CENTRED = dataclasses.replace(PLAIN, cx_px=32.0, cy_px=24.0)  # a pixel sees along the axis
REGION = RegionOfInterest((-0.15, 0.1), (-0.1, 0.05), (0.3, 0.55))
EVERYWHERE = RegionOfInterest((-60, 60), (-60, 60), (0.01, 65))


# ---- geometry ----


@pytest.mark.parametrize("text", [" -0.3 : 0.3, -0.2:0.2 ,0.3:0.9", "-0.3:0.3,-0.2:0.2,0.3:0.9"])
def test_a_region_is_read_and_written(text: str) -> None:
    region = RegionOfInterest.parse(text)
    assert region == RegionOfInterest((-0.3, 0.3), (-0.2, 0.2), (0.3, 0.9))
    assert RegionOfInterest.parse(str(region)) == region


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a region is X0:X1"),
        ("1:2,3:4", "a region is X0:X1"),
        ("0:1,0:1,0.1:1,0:1", "a region is X0:X1"),
        ("a:b,0:1,0.1:1", "a region is X0:X1"),
        ("0:1,0:1,0.9:0.3", "a region's z .* got 0.9:0.3"),
        ("0:1,0:1,0:1", "a region's z .* 0.01 to 65"),
        ("0:1,0:1,-1:1", "a region's z"),
        ("nan:1,0:1,0.1:1", "a region's x"),
        ("0:1,0:inf,0.1:1", "a region's y"),
        ("0.5:0.505,0:1,0.1:1", "a region's x .* 0.01 apart"),
        ("-99:0,0:1,0.1:1", "a region's x .* -65 to 65"),
    ],
)
def test_a_region_that_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(RegionError, match=said):
        RegionOfInterest.parse(text)


@pytest.mark.parametrize("camera", [PLAIN, BENT, CENTRED], ids=["plain", "bent", "centred"])
@pytest.mark.parametrize("region", [REGION, RegionOfInterest((0, 0.2), (-0.2, 0), (0.25, 2))])
def test_a_reading_is_inside_where_its_point_is(
    camera: Intrinsics, region: RegionOfInterest
) -> None:
    limits = RegionLimits.of(region, camera, 64, 48)
    columns, rows = np.meshgrid(np.arange(64), np.arange(48))
    pixels = np.stack([columns, rows], axis=-1).astype(np.float64)
    for depth_mm in (1, 250, 299, 300, 301, 433, 549, 550, 551, 2000, 2001, 65535):
        points = np.round(deproject(camera, pixels, depth_mm / 1000.0), 12)
        spans = np.array([region.x_m, region.y_m, region.z_m])
        expected = np.all((points >= spans[:, 0]) & (points <= spans[:, 1]), axis=-1)
        seen = limits.inside(np.full((48, 64), depth_mm, np.uint16)) > 0
        np.testing.assert_array_equal(seen, expected, err_msg=f"{depth_mm} mm")


def test_limits_fit_pictures_of_another_size() -> None:
    twice = RegionLimits.of(REGION, PLAIN, 128, 96)
    np.testing.assert_array_equal(
        twice.near_mm, RegionLimits.of(REGION, PLAIN.scaled(128, 96), 128, 96).near_mm
    )
    assert twice.near_mm.shape == (96, 128)


@given(st.floats(0, 50), st.floats(0, 40), st.floats(4, 60), st.floats(4, 40), st.floats(0.2, 3.0))
def test_a_box_drawn_over_the_picture_is_the_region_seen_at_that_distance(
    left: float, top: float, width: float, height: float, distance_m: float
) -> None:
    box = Box(left, top, left + width, top + height)
    region = region_seen_in(box, distance_m, (0.1, 4.0), PLAIN)
    corners = np.array([(x, y, distance_m) for x, y in zip(region.x_m, region.y_m, strict=True)])
    found = project(PLAIN, corners).ravel()
    drawn = np.array([box.left_px, box.top_px, box.right_px, box.bottom_px])
    millimetre_px = 0.001 * PLAIN.fx_px / distance_m
    np.testing.assert_allclose(found, drawn, atol=1.01 * millimetre_px)


def test_a_box_without_size_is_no_region() -> None:
    with pytest.raises(RegionError, match="apart"):
        region_seen_in(Box(10, 10, 10.01, 20), 0.5, (0.1, 4.0), PLAIN)


@pytest.mark.parametrize("camera", [PLAIN, BENT], ids=["plain", "bent"])
def test_the_faces_are_drawn_where_they_are_seen(camera: Intrinsics) -> None:
    near, far, *edges = outlines(REGION, camera)
    for face, z in ((near, 0.3), (far, 0.55)):
        corner = project(camera, np.array([REGION.x_m[0], REGION.y_m[0], z]))
        np.testing.assert_allclose(face[0], corner)
        np.testing.assert_allclose(face[-1], corner)
    assert len(edges) == 4
    np.testing.assert_allclose(edges[2][0], project(camera, np.array([0.1, 0.05, 0.3])))
    np.testing.assert_allclose(edges[2][-1], project(camera, np.array([0.1, 0.05, 0.55])))


def test_a_bent_lens_folds_no_far_corner_into_the_picture() -> None:
    strong = dataclasses.replace(BENT, coefficients=(-0.5, 0.0, 0.0, 0.0, 0.0))
    wide = RegionOfInterest((-5, 5), (-5, 5), (0.1, 0.2))
    corners = np.array([outlines(wide, strong)[0][k] for k in (0, 8, 17, 26)])
    assert np.all(np.abs(corners - (32, 24)) > 1000)


def test_the_nearest_reading_is_that_of_a_surface() -> None:
    depth = np.full((48, 64), 1500, np.uint16)
    depth[10:20, 10:30] = 500
    depth[10, 10] = 320  # a stray one
    box = Box(5, 5, 35, 25)
    assert nearest_reading_m(depth, box, (0.1, 4.0)) == 0.5
    assert nearest_reading_m(depth, box, (1.0, 4.0)) == 1.5
    assert nearest_reading_m(depth, box, (2.0, 4.0)) is None
    assert nearest_reading_m(depth, Box(-90, -90, -80, -80), (0.1, 4.0)) is None


# ---- what is cut ----


def test_depth_outside_is_no_reading_and_colour_shows_nothing_beside_or_before() -> None:
    depth = np.full((48, 64), 400, np.uint16)
    depth[20:24, 20:24] = 200  # before
    depth[26:30, 30:34] = 900  # behind
    depth[:, 31] = 0
    color = np.full((48, 64, 3), 77, np.uint8)
    limits = RegionLimits.of(REGION, PLAIN, 64, 48)
    cut = limits.cut(RGBDFrame(color, depth, 5, 1.0))
    assert cut.color is not None
    assert cut.depth is not None
    points = deproject(PLAIN, np.array([[x, 24.0] for x in range(64)]), 0.4)
    inside = (points[:, 0] >= -0.15) & (points[:, 0] <= 0.1)
    inside[31] = False
    np.testing.assert_array_equal(cut.depth[24] > 0, inside & (depth[24] == 400))
    assert set(np.unique(cut.depth)) == {0, 400}
    assert not cut.depth[20:24, 20:24].any()
    assert not cut.color[20:24, 20:24].any()
    assert (cut.color[26:30, 30:34] == 77).all()  # what shows behind
    assert (cut.color[20:30, 31] == 77).all()  # where nothing was read
    assert not cut.color[:, :2].any()
    assert (cut.index, cut.timestamp_s) == (5, 1.0)


def test_colour_alone_shows_nothing_beside() -> None:
    limits = RegionLimits.of(REGION, PLAIN, 64, 48)
    cut = limits.cut(RGBDFrame(np.full((48, 64, 3), 9, np.uint8), None, 0, 0.0))
    assert cut.depth is None
    assert cut.color is not None
    seen = limits.near_mm <= limits.far_mm
    np.testing.assert_array_equal(cut.color.any(axis=2), seen)
    assert 0 < seen.sum() < seen.size


# ---- streams ----


class Recording:
    """A recording that is read once and played often."""

    def __init__(self, info: SourceInfo, frames: list[RGBDFrame]) -> None:
        self.info, self.frames = info, frames
        self._next = 0

    def read(self) -> RGBDFrame | None:
        self._next += 1
        return self.frames[self._next - 1] if self._next <= len(self.frames) else None

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def performed() -> tuple[Recording, np.ndarray]:
    """Two gestures of the built-in performer, and where the hand is (n, 3), metres."""
    source = SyntheticRecording(1_000_018, labels=["Grab", "Tap"], fps_hz=15.0)
    frames = list(iter(source.read, None))
    hands = [source.hand_truth(n).centre_mm / 1000.0 for n in range(0, len(frames), 5)]
    return Recording(source.info, frames), np.array(hands)


def around(hands: np.ndarray, room_m: float) -> RegionOfInterest:
    low, high = (hands.min(axis=0) - room_m).tolist(), (hands.max(axis=0) + room_m).tolist()
    x, y, z = zip(low, high, strict=True)
    return RegionOfInterest(x, y, z)


def steps_of(
    bundle: Bundle, recording: Recording, region: RegionOfInterest | None, **without: None
) -> list[Step]:
    recogniser = Recogniser(bundle, device="cpu", region=region)
    recogniser.open(recording.info)
    frames = [dataclasses.replace(frame, **without) for frame in recording.frames]
    steps = [step for frame in frames for step in recogniser.push(frame)]
    recogniser.close()
    return steps


def labels_of(steps: list[Step]) -> list[str]:
    return [event.label for step in steps for event in step.events]


def test_a_region_that_holds_everything_changes_no_bit(
    performed: tuple[Recording, np.ndarray],
) -> None:
    bundle = default_bundle()
    recording = Recording(performed[0].info, performed[0].frames[:60])
    whole = steps_of(bundle, recording, None)
    limited = steps_of(bundle, recording, EVERYWHERE)
    assert len(whole) == len(limited) == 60
    for a, b in zip(whole, limited, strict=True):
        assert (a.view, a.index) == (b.view, b.index)
        assert (a.prediction is None) == (b.prediction is None)
        if a.prediction is not None and b.prediction is not None:
            np.testing.assert_array_equal(a.prediction.probabilities, b.prediction.probabilities)


def test_a_hand_inside_is_recognised_as_before_and_one_outside_is_not(
    performed: tuple[Recording, np.ndarray],
) -> None:
    recording, hands = performed
    bundle = default_bundle()
    whole = steps_of(bundle, recording, None)
    assert labels_of(whole) == ["Grab", "Tap"]
    inside = steps_of(bundle, recording, around(hands, 0.25))
    assert labels_of(inside) == ["Grab", "Tap"]
    events = [[e for step in steps for e in step.events] for steps in (whole, inside)]
    for a, b in zip(*events, strict=True):
        assert abs(a.decided_s - b.decided_s) < 0.15
    x, _, z = hands.max(axis=0).tolist()
    beside = RegionOfInterest((x + 0.15, x + 1), (-1, 1), (0.1, 2))
    before = RegionOfInterest((-1, 1), (-1, 1), (0.1, hands.min(axis=0)[2] - 0.1))
    behind = RegionOfInterest((-1, 1), (-1, 1), (z + 0.25, 4))
    for region in (beside, before, behind):
        assert labels_of(steps_of(bundle, recording, region)) == []
    assert all(step.frame.depth is not None and step.frame.depth.any() for step in inside)


def test_the_finder_of_colour_alone_sees_only_what_the_region_shows(
    performed: tuple[Recording, np.ndarray],
) -> None:
    recording, hands = performed
    camera = recording.info.intrinsics
    assert camera is not None

    def found(region: RegionOfInterest) -> np.ndarray:
        """Where hands are found (n, 2), pixels."""
        detector = ColorHandDetector(camera)
        limits = RegionLimits.of(region, camera, camera.width_px, camera.height_px)
        frames = [dataclasses.replace(f, depth=None) for f in recording.frames[:76:2]]
        places = [detector.detect(limits.cut(frame)) for frame in frames]
        return np.array([hand.center_px for hand in places if hand]).reshape(-1, 2)

    beside = RegionOfInterest((0.3, 1.0), (-1.0, 1.0), (0.5, 2.0))
    left_px = project(camera, np.array([0.3, 0.0, 2.0]))[0]
    assert (found(around(hands, 0.25))[:, 0] < left_px).sum() > 10
    assert (found(beside)[:, 0] >= left_px).all()


def test_a_running_engine_takes_another_region_at_a_step_s_border(
    tiny_depth_model: Path,
) -> None:
    depth = np.full((48, 64), 400, np.uint16)
    info = SourceInfo("wall", False, 30.0, False, True, intrinsics=PLAIN)
    frames = [RGBDFrame(None, depth + 40 * (n % 2), n, n / 30) for n in range(60)]
    engine = Engine(
        Recording(info, frames), Recogniser(load_bundle(tiny_depth_model), device="cpu")
    )
    empty = RegionOfInterest((-1, 1), (-1, 1), (1.0, 2.0))
    assert engine.region is None
    steps = steps_with_change(engine, 29, lambda: engine.limit_to(empty))
    assert engine.region is empty
    assert {step.region for step in steps if step.index <= 29} == {None}
    assert {step.region for step in steps if step.index > 29} == {empty}
    moving = [bool(np.any(step.guidance["depth"].rank_pool)) for step in steps]
    assert all(moving[4:30])
    assert not any(moving[-20:])  # nothing is seen, so nothing moves


@pytest.mark.parametrize(
    ("info", "why"),
    [
        (SourceInfo("a webcam", True, 30, True, False), "it has no depth"),
        (SourceInfo("a clip", False, 30, True, True, PLAIN, eight_bit=None), ""),
        (SourceInfo("a clip", False, 30, True, True), "its lens is not known"),
        (
            SourceInfo(
                "a clip", False, 30, True, True, PLAIN, eight_bit=EightBitDepth("darker_is_nearer")
            ),
            "its depth of 8 bits has no known unit",
        ),
    ],
)
def test_a_source_without_millimetres_has_no_region(
    info: SourceInfo, why: str, tiny_fallback_model: Path
) -> None:
    assert why_no_region(info) == why
    bundle = load_bundle(tiny_fallback_model)
    limited = Recogniser(bundle, device="cpu", region=REGION)
    later = Recogniser(bundle, device="cpu")
    later.open(info)
    if not why:
        limited.open(info)
        later.limit_to(REGION)
        assert later.region == REGION
        return
    said = f"{info.name} cannot be limited .*: {why} — .*"
    with pytest.raises(RegionError, match=said):
        limited.open(info)
    with pytest.raises(RegionError, match=said):
        later.limit_to(REGION)
    assert later.region is None
    later.limit_to(None)
