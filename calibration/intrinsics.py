"""Pinhole camera parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from motionrgbd.calibration.errors import CalibrationError

DISTORTIONS = ("none", "brown_conrady", "inverse_brown_conrady", "modified_brown_conrady")


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """Image size (pixels), focal lengths and principal point (pixels), and lens distortion.

    `distortion` names the model as librealsense does: none, brown_conrady,
    inverse_brown_conrady, modified_brown_conrady; `coefficients` are k1, k2, p1, p2, k3.
    """

    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float
    distortion: str = "none"
    coefficients: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if self.width_px < 1 or self.height_px < 1:
            raise CalibrationError(f"image size must be positive: {self.width_px}x{self.height_px}")
        numbers = (self.fx_px, self.fy_px, self.cx_px, self.cy_px, *self.coefficients)
        if not all(map(math.isfinite, numbers)):
            raise CalibrationError(f"intrinsics must be finite numbers: {numbers}")
        if self.fx_px <= 0 or self.fy_px <= 0:
            raise CalibrationError(
                f"focal lengths must be positive: fx {self.fx_px}, fy {self.fy_px}"
            )
        if self.distortion not in DISTORTIONS:
            raise CalibrationError(
                f"unknown distortion model '{self.distortion}': one of {', '.join(DISTORTIONS)}"
            )
        if len(self.coefficients) != 5:
            raise CalibrationError(
                f"five distortion coefficients (k1, k2, p1, p2, k3) are needed, "
                f"got {len(self.coefficients)}"
            )

    @property
    def is_distorted(self) -> bool:
        return self.distortion != "none" and any(self.coefficients)

    def scaled(self, width_px: int, height_px: int) -> Intrinsics:
        """The same camera, its image resized; pixel centres are at whole numbers."""
        x = width_px / self.width_px
        y = height_px / self.height_px
        return replace(
            self,
            width_px=width_px,
            height_px=height_px,
            fx_px=self.fx_px * x,
            fy_px=self.fy_px * y,
            cx_px=(self.cx_px + 0.5) * x - 0.5,
            cy_px=(self.cy_px + 0.5) * y - 0.5,
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"coefficients": list(self.coefficients)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Intrinsics:
        """Undo `to_json`; raises `CalibrationError` naming a missing or misshapen entry."""
        try:
            k1, k2, p1, p2, k3 = (float(c) for c in fields.get("coefficients", (0.0,) * 5))
            return cls(
                width_px=int(fields["width_px"]),
                height_px=int(fields["height_px"]),
                fx_px=float(fields["fx_px"]),
                fy_px=float(fields["fy_px"]),
                cx_px=float(fields["cx_px"]),
                cy_px=float(fields["cy_px"]),
                distortion=str(fields.get("distortion", "none")),
                coefficients=(k1, k2, p1, p2, k3),
            )
        except KeyError as missing:
            raise CalibrationError(f"intrinsics lack {missing}") from None
        except CalibrationError:
            raise
        except (TypeError, ValueError, AttributeError) as problem:
            raise CalibrationError(f"intrinsics are not numbers: {problem}") from None
