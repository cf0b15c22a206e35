"""Pinhole camera parameters."""

from __future__ import annotations

from dataclasses import dataclass


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
