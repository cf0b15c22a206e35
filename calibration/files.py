"""The `calibration.json` that lies beside a recording's images."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motionrgbd.calibration.errors import CalibrationError
from motionrgbd.calibration.extrinsics import Extrinsics
from motionrgbd.calibration.intrinsics import Intrinsics

FORMAT = 1
ENCODINGS = ("millimetres", "brighter_is_nearer", "darker_is_nearer")


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns a recording's images into aligned colour and millimetres.

    color: of the colour images; depth: of the depth images, None where they are aligned to
    colour already; depth_to_color: from the depth camera to the colour camera.
    depth_unit_m: metres per step of a 16-bit depth image.
    depth_encoding, near_mm, step_mm: how an 8-bit depth image is read; millimetres: it is 16-bit.
    fps_hz: the nominal rate, None where it is not known.
    """

    color: Intrinsics | None = None
    depth: Intrinsics | None = None
    depth_to_color: Extrinsics | None = None
    depth_unit_m: float = 0.001
    depth_encoding: str = "millimetres"
    near_mm: int | None = None
    step_mm: int | None = None
    fps_hz: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.depth_unit_m) and 0 < self.depth_unit_m <= 1):
            raise CalibrationError(
                f"depth_unit_m must be above 0 and at most 1 m, got {self.depth_unit_m}"
            )
        if self.depth_encoding not in ENCODINGS:
            raise CalibrationError(
                f"unknown depth_encoding '{self.depth_encoding}': one of {', '.join(ENCODINGS)}"
            )
        if self.fps_hz is not None and not (math.isfinite(self.fps_hz) and self.fps_hz > 0):
            raise CalibrationError(f"fps_hz must be positive, got {self.fps_hz}")
        if self.depth_to_color is not None and (self.depth is None or self.color is None):
            raise CalibrationError("depth_to_color needs the intrinsics of both depth and color")


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write `calibration` as JSON; only what is known is written."""
    fields: dict[str, Any] = {
        "format": FORMAT,
        "depth_unit_m": calibration.depth_unit_m,
        "depth_encoding": calibration.depth_encoding,
    }
    for name in ("color", "depth", "depth_to_color"):
        part = getattr(calibration, name)
        if part is not None:
            fields[name] = part.to_json()
    for name in ("near_mm", "step_mm", "fps_hz"):
        if getattr(calibration, name) is not None:
            fields[name] = getattr(calibration, name)
    path.write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")


def read_calibration(path: Path) -> Calibration:
    """Read `calibration.json`; raises `CalibrationError`, one line that names file and entry."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise CalibrationError(f"{path}: {problem.strerror}") from None
    except ValueError as problem:
        raise CalibrationError(f"{path} is not JSON: {problem}") from None
    try:
        return _parse(fields)
    except CalibrationError as problem:
        raise CalibrationError(f"{path}: {problem}") from None


def _parse(fields: Any) -> Calibration:
    if not isinstance(fields, dict):
        raise CalibrationError("not a calibration: a JSON object is expected")
    if not isinstance(fields.get("format"), int):
        raise CalibrationError("not a calibration: it lacks 'format'")
    if fields["format"] > FORMAT:
        raise CalibrationError(
            f"format {fields['format']} is newer than this program knows ({FORMAT}): update it"
        )

    def part(name: str) -> dict[str, Any] | None:
        value = fields.get(name)
        if value is not None and not isinstance(value, dict):
            raise CalibrationError(f"'{name}' must be a JSON object")
        return value

    def number(name: str) -> float | None:
        value = fields.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise CalibrationError(f"'{name}' must be a number, got {value!r}")
        return value

    color, depth, move = part("color"), part("depth"), part("depth_to_color")
    near_mm, step_mm, unit_m = number("near_mm"), number("step_mm"), number("depth_unit_m")
    return Calibration(
        color=None if color is None else Intrinsics.from_json(color),
        depth=None if depth is None else Intrinsics.from_json(depth),
        depth_to_color=None if move is None else Extrinsics.from_json(move),
        depth_unit_m=0.001 if unit_m is None else unit_m,
        depth_encoding=str(fields.get("depth_encoding", "millimetres")),
        near_mm=None if near_mm is None else int(near_mm),
        step_mm=None if step_mm is None else int(step_mm),
        fps_hz=number("fps_hz"),
    )
