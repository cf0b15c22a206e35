"""Depth in colour's pixels: against the plain definition, and against `rs.align`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionrgbd.calibration.alignment import DepthToColor
from motionrgbd.calibration.extrinsics import Extrinsics
from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.calibration.projection import deproject, project

SMALL = Intrinsics(24, 18, 20.0, 21.0, 12.2, 8.9)
SPARSE = Intrinsics(20, 14, 15.0, 15.0, 9.6, 7.1)
DENSE = Intrinsics(48, 36, 40.0, 41.0, 23.3, 18.4)
LENS = (0.1, -0.2, 0.001, -0.0005, 0.05)
MOVE = Extrinsics.from_quaternion((0.01, 0.02, -0.005, 1.0), np.array([0.03, 0.01, 0.005]))


def plainly_aligned(
    depth_mm: np.ndarray, depth: Intrinsics, color: Intrinsics, move: Extrinsics, *, fill: bool
) -> np.ndarray:
    """The definition, pixel by pixel."""
    out = np.zeros((color.height_px, color.width_px), np.uint16)

    def corner(x: float, y: float, mm: int) -> tuple[int, int]:
        point = move.matrix @ deproject(depth, np.array([x, y]), mm / 1000) + move.translation
        u, v = project(color, point)
        return math.floor(u + 0.5), math.floor(v + 0.5)

    for (y, x), mm in np.ndenumerate(depth_mm):
        if mm == 0:
            continue
        x0, y0 = corner(x - 0.5, y - 0.5, mm)
        x1, y1 = corner(x + 0.5, y + 0.5, mm) if fill else (x0, y0)
        for v in range(max(y0, 0), min(y1, color.height_px - 1) + 1):
            for u in range(max(x0, 0), min(x1, color.width_px - 1) + 1):
                out[v, u] = mm if out[v, u] == 0 else min(out[v, u], mm)
    return out


@pytest.mark.parametrize("model", ["none", "brown_conrady", "inverse_brown_conrady"])
@pytest.mark.parametrize(("color", "fill"), [(SPARSE, False), (DENSE, True)])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_fast_path_is_the_plain_definition(
    color: Intrinsics, fill: bool, model: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    lens = Intrinsics(
        color.width_px,
        color.height_px,
        color.fx_px,
        color.fy_px,
        color.cx_px,
        color.cy_px,
        model,
        LENS if model != "none" else (0, 0, 0, 0, 0),
    )
    depth_mm = rng.integers(300, 3000, (18, 24)).astype(np.uint16)
    depth_mm[rng.random(depth_mm.shape) < 0.3] = 0
    fast = DepthToColor(SMALL, lens, MOVE)(depth_mm)
    plain = plainly_aligned(depth_mm, SMALL, lens, MOVE, fill=fill)
    assert (fast != plain).mean() < 0.01  # float32 rounds a coordinate at a half the other way


def test_same_camera_keeps_every_reading() -> None:
    depth_mm = np.arange(24 * 18, dtype=np.uint16).reshape(18, 24)
    aligned = DepthToColor(SMALL, SMALL)(depth_mm)
    assert np.array_equal(aligned, depth_mm)
    assert aligned is not depth_mm


def test_nearest_reading_wins_and_nothing_stays_nothing() -> None:
    half = SMALL.scaled(12, 9)
    depth_mm = np.full((18, 24), 2000, np.uint16)
    depth_mm[6:10, 6:10] = 500
    depth_mm[:, :4] = 0
    aligned = DepthToColor(SMALL, half)(depth_mm)
    assert set(np.unique(aligned)) == {0, 500, 2000}
    assert (aligned == 500).sum() >= 4  # two by two pixels see the near patch
    assert (aligned[:, 0] == 0).all()


@pytest.mark.parametrize("value", [0, 1, 65535])
def test_absurd_depth_is_plain_data(value: int) -> None:
    aligned = DepthToColor(SMALL, DENSE, MOVE)(np.full((18, 24), value, np.uint16))
    assert set(np.unique(aligned)) <= {0, value}


def test_wrong_image_is_refused_with_both_sizes() -> None:
    with pytest.raises(ValueError, match=r"\(18, 24\).*\(24, 18\)"):
        DepthToColor(SMALL, DENSE)(np.zeros((24, 18), np.uint16))


def test_agrees_with_rs_align_on_the_sr300_recording(
    shared_data: Path, software_camera: Any
) -> None:
    """Within 1 mm on at least 98 % of the pixels that both know."""
    from motionrgbd.core.sources import sdk

    path = shared_data / "realsense" / "fpha_sr300_24f.bag"
    agreed, valid = _compare_with_rs_align(sdk.load(), path)
    assert valid > 0
    assert agreed / valid >= 0.98


def test_agrees_with_rs_align_where_colour_is_denser(software_camera: Any) -> None:
    camera = software_camera.SoftwareCamera()
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(np.arange(640), np.arange(480))
    depth_mm = (1000 + 200 * np.sin(x / 30) + y).astype(np.uint16)
    depth_mm[rng.random(depth_mm.shape) < 0.2] = 0
    depth_mm[100:200, 100:200] = 600
    reference = _rs_aligned(camera, depth_mm)
    ours = DepthToColor(software_camera.DEPTH, software_camera.COLOR, software_camera.MOVE)(
        depth_mm
    )
    both = (reference > 0) & (ours > 0)
    assert both.mean() > 0.9
    assert (np.abs(reference[both].astype(int) - ours[both]) <= 1).mean() >= 0.98


def _rs_aligned(camera: Any, depth_mm: np.ndarray) -> np.ndarray:
    rs, color = camera.rs, np.zeros((480, 640, 3), np.uint8)
    pipeline = rs.pipeline()
    pipeline.set_device(camera.device)
    pipeline.start()
    align = rs.align(rs.stream.color)
    try:
        for number in range(10):
            camera.send_depth(depth_mm, number, number * 33.0)
            camera.send_color(color, number, number * 33.0)
            arrived, frames = pipeline.try_wait_for_frames(500)
            if arrived and frames.get_depth_frame() and frames.get_color_frame():
                return np.array(align.process(frames).get_depth_frame().get_data())
    finally:
        pipeline.stop()
    raise AssertionError("the pipeline gave no pair")


def _compare_with_rs_align(rs: Any, path: Path) -> tuple[int, int]:
    from motionrgbd.core.sources.rosbag import open_recording

    file = open_recording(path)
    rig = file.header.rig
    file.close()
    assert rig.depth is not None
    assert rig.color is not None
    ours = DepthToColor(rig.depth, rig.color, rig.depth_to_color)
    align, config, pipeline = rs.align(rs.stream.color), rs.config(), rs.pipeline()
    config.enable_device_from_file(str(path), repeat_playback=False)
    device = config.resolve(rs.pipeline_wrapper(pipeline)).get_device()
    device.as_playback().set_real_time(False)
    pipeline.start(config)
    agreed = valid = 0
    try:
        while True:
            arrived, frames = pipeline.try_wait_for_frames(500)
            if not arrived:
                return agreed, valid
            mine = ours(np.array(frames.get_depth_frame().get_data())).astype(int)
            theirs = np.array(align.process(frames).get_depth_frame().get_data()).astype(int)
            both = (mine > 0) & (theirs > 0)
            valid += int(both.sum())
            agreed += int((np.abs(mine - theirs)[both] <= 1).sum())
    finally:
        pipeline.stop()
