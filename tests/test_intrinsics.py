"""Camera parameters, projection, and the calibration's file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionrgbd.calibration.errors import CalibrationError
from motionrgbd.calibration.extrinsics import Extrinsics
from motionrgbd.calibration.files import Calibration, read_calibration, write_calibration
from motionrgbd.calibration.intrinsics import DISTORTIONS, Intrinsics
from motionrgbd.calibration.projection import deproject, project

LENS = (0.1, -0.2, 0.001, -0.0005, 0.05)


def camera(model: str = "none") -> Intrinsics:
    return Intrinsics(640, 480, 390.0, 391.0, 331.2, 242.3, model, LENS)


@pytest.mark.parametrize("model", DISTORTIONS)
@given(x=st.floats(0, 639), y=st.floats(0, 479), depth=st.floats(0.1, 10))
def test_a_deprojected_pixel_projects_to_itself(
    model: str, x: float, y: float, depth: float
) -> None:
    point = deproject(camera(model), np.array([x, y]), depth)
    assert point[2] == depth
    assert np.abs(project(camera(model), point) - (x, y)).max() < 0.01


@pytest.mark.parametrize("model", DISTORTIONS)
def test_projection_is_librealsense_s(model: str, software_camera: Any) -> None:
    simulated = software_camera.SoftwareCamera(color=camera(model))
    rs, lens = simulated.rs, simulated.color_profile.get_intrinsics()
    point = np.array([0.2, -0.3, 1.1])
    expected = rs.rs2_project_point_to_pixel(lens, list(point))
    assert project(camera(model), point) == pytest.approx(expected, abs=1e-3)
    if model != "modified_brown_conrady":  # librealsense has no inverse of it
        expected = rs.rs2_deproject_pixel_to_point(lens, [100.0, 50.0], 1.5)
        ours = deproject(camera(model), np.array([100.0, 50.0]), 1.5)
        assert ours == pytest.approx(expected, abs=1e-5)


def test_scaled_keeps_directions() -> None:
    half = camera().scaled(320, 240)
    point = np.array([0.1, 0.2, 1.0])
    u, v = project(camera(), point)
    # pixel centres are at whole numbers: the edge of the image is at -0.5
    assert project(half, point) == pytest.approx(
        ((u + 0.5) / 2 - 0.5, (v + 0.5) / 2 - 0.5), abs=1e-2
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"fx_px": 0.0}, "focal lengths must be positive"),
        ({"cx_px": float("nan")}, "finite"),
        ({"width_px": 0}, "image size must be positive"),
        ({"distortion": "fisheye"}, "unknown distortion model 'fisheye'"),
    ],
)
def test_impossible_intrinsics_are_refused(wrong: dict[str, Any], message: str) -> None:
    fields = camera().to_json() | wrong
    with pytest.raises(CalibrationError, match=message):
        Intrinsics.from_json(fields)


def test_extrinsics_undo_and_chain() -> None:
    move = Extrinsics.from_quaternion((0.1, -0.2, 0.05, 0.97), np.array([0.1, 0.2, -0.3]))
    there_and_back = move.then(move.inverse())
    assert there_and_back.matrix == pytest.approx(np.eye(3), abs=1e-12)
    assert there_and_back.translation == pytest.approx(np.zeros(3), abs=1e-12)


def test_a_mirror_is_no_rotation() -> None:
    with pytest.raises(CalibrationError, match="not a rotation"):
        Extrinsics((1, 0, 0, 0, 1, 0, 0, 0, -1))


def test_calibration_file_comes_back(tmp_path: Path) -> None:
    calibration = Calibration(
        color=camera("inverse_brown_conrady"),
        depth=camera(),
        depth_to_color=Extrinsics(translation_m=(0.015, 0, 0)),
        depth_unit_m=0.0001,
        fps_hz=29.97,
    )
    write_calibration(tmp_path / "calibration.json", calibration)
    assert read_calibration(tmp_path / "calibration.json") == calibration


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[]", "JSON object is expected"),
        ("{}", "lacks 'format'"),
        ('{"format": 9}', "newer than this program"),
        ('{"format": 1, "depth_unit_m": 0}', "depth_unit_m must be above 0"),
        ('{"format": 1, "depth_unit_m": NaN}', "depth_unit_m must be above 0"),
        ('{"format": 1, "depth_unit_m": "1 mm"}', "'depth_unit_m' must be a number"),
        ('{"format": 1, "color": {"width_px": 640}}', "intrinsics lack 'height_px'"),
        ('{"format": 1, "color": 5}', "'color' must be a JSON object"),
        ('{"format": 1, "depth_encoding": "inverse"}', "unknown depth_encoding"),
    ],
)
def test_damaged_calibration_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(CalibrationError, match=message) as caught:
        read_calibration(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_calibration_is_readable_json(tmp_path: Path) -> None:
    write_calibration(tmp_path / "c.json", Calibration(color=camera()))
    fields = json.loads((tmp_path / "c.json").read_text())
    assert fields["color"]["fx_px"] == 390.0
    assert "depth" not in fields
