"""From points to pixels and back, with the distortion models of librealsense.

x, y below are coordinates on the plane z = 1; r2 = x^2 + y^2; k1, k2, p1, p2, k3 the coefficients.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics

Floats = NDArray[np.floating[Any]]

_ITERATIONS = 30  # librealsense stops at 10, 0.03 px off in the corner of a wide lens


def distort(camera: Intrinsics, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Where the lens puts the point (x, y) of the plane z = 1."""
    if not camera.is_distorted:
        return x, y
    k1, k2, p1, p2, k3 = camera.coefficients
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    xr, yr = x * radial, y * radial
    if camera.distortion != "brown_conrady":  # the modified model shifts the point once stretched
        x, y = xr, yr
    dx = 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    dy = 2 * p2 * x * y + p1 * (r2 + 2 * y * y)
    return xr + dx, yr + dy


def undistort(camera: Intrinsics, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The inverse of `distort`, by fixed-point iteration."""
    if not camera.is_distorted:
        return x, y
    k1, k2, p1, p2, k3 = camera.coefficients
    x0, y0 = x, y
    for _ in range(_ITERATIONS):
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        if camera.distortion == "brown_conrady":
            xq, yq = x, y
        else:
            xq, yq = x * radial, y * radial
        dx = 2 * p1 * xq * yq + p2 * (r2 + 2 * xq * xq)
        dy = 2 * p2 * xq * yq + p1 * (r2 + 2 * yq * yq)
        x, y = (x0 - dx) / radial, (y0 - dy) / radial
    return x, y


def project(camera: Intrinsics, points: Floats) -> Floats:
    """Pixels (..., 2) of points (..., 3), any unit; z must not be 0."""
    x, y = distort(camera, points[..., 0] / points[..., 2], points[..., 1] / points[..., 2])
    return np.stack([x * camera.fx_px + camera.cx_px, y * camera.fy_px + camera.cy_px], axis=-1)


def deproject(camera: Intrinsics, pixels: Floats, depth: Floats | float = 1.0) -> Floats:
    """Points (..., 3) seen at pixels (..., 2), `depth` (...) along the axis, in its unit."""
    x, y = undistort(
        camera,
        (pixels[..., 0] - camera.cx_px) / camera.fx_px,
        (pixels[..., 1] - camera.cy_px) / camera.fy_px,
    )
    z = np.broadcast_to(np.asarray(depth, dtype=pixels.dtype), x.shape)
    return np.stack([x * z, y * z, z], axis=-1)
