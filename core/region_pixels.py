"""The region of interest in pictures: what of them lies in it, where it shows, and drawing one.

A pixel sees the points (a z, b z, z) of one ray, so the region's box is, for that pixel, one span
of distances. The spans of all pixels are computed once for a box, and a depth image is then cut by
comparing it with two images.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.calibration.projection import deproject, project
from motionrgbd.core.frames import DepthImage, RGBDFrame, SourceInfo
from motionrgbd.core.region import MOST_M, RegionError, RegionOfInterest
from motionrgbd.core.results import Box

_EDGE_POINTS = 9  # of an edge as it is drawn: lenses bend it
_ROUNDING_MM = 1e-6  # 0.55 * 1000 is more than 550
_FRONT = 0.1  # share of the readings that may be stray ones before the nearest surface

Floats = NDArray[np.float64]
Mask = NDArray[np.uint8]


def why_no_region(info: SourceInfo) -> str:
    """Say why a source cannot have a region of interest; empty where it can."""
    if not info.has_depth:
        return "it has no depth"
    if info.eight_bit is not None:
        return "its depth of 8 bits has no known unit"
    if info.intrinsics is None:
        return "its lens is not known"
    return ""


def check_region(info: SourceInfo) -> Intrinsics:
    """Return the lens that a source's region is seen through. Raises RegionError without one."""
    reason = why_no_region(info)
    if reason or info.intrinsics is None:
        raise RegionError(
            f"{info.name} cannot be limited to a region in metres: {reason} — leave the region "
            "out, or use a camera or a calibrated recording with depth in millimetres"
        )
    return info.intrinsics


@dataclass(frozen=True, slots=True, eq=False)
class RegionLimits:
    """The readings of every pixel that lie in a region, from `near_mm` to `far_mm`.

    Both uint16 (H, W), millimetres; far is smaller than near where the pixel sees nothing of it.
    """

    near_mm: DepthImage
    far_mm: DepthImage

    @classmethod
    def of(
        cls, region: RegionOfInterest, camera: Intrinsics, width_px: int, height_px: int
    ) -> RegionLimits:
        """Return the limits in a picture of this size, whatever size the lens is given for."""
        rays = _rays(camera.scaled(width_px, height_px))
        near = np.full((height_px, width_px), region.z_m[0], np.float64)
        far = np.full((height_px, width_px), region.z_m[1], np.float64)
        for ray, span in ((rays[..., 0], region.x_m), (rays[..., 1], region.y_m)):
            first, last = _distances(ray, span)
            np.maximum(near, first, out=near)
            np.minimum(far, last, out=far)
        near_mm = np.ceil(near.clip(0.0, MOST_M + 1.0) * 1000.0 - _ROUNDING_MM)
        far_mm = np.floor(far.clip(0.0, MOST_M) * 1000.0 + _ROUNDING_MM)
        none = near_mm > far_mm
        near_mm[none], far_mm[none] = 65535, 0
        limits = near_mm.astype(np.uint16), far_mm.astype(np.uint16)
        for image in limits:
            image.flags.writeable = False
        return cls(*limits)

    def inside(self, depth: DepthImage) -> Mask:
        """Return which readings lie in the region, uint8 (H, W), 255 where they do."""
        return np.asarray(cv2.inRange(depth, self.near_mm, self.far_mm), np.uint8)

    def hides(self, depth: DepthImage | None) -> Mask:
        """Return what colour lies beside the region, or is read before it, uint8 (H, W), 255."""
        hidden = self.near_mm > self.far_mm
        if depth is not None:
            hidden |= (depth > 0) & (depth < self.near_mm)
        return hidden.view(np.uint8) * np.uint8(255)

    def cut(self, frame: RGBDFrame) -> RGBDFrame:
        """Return a frame without what lies outside.

        Depth outside is 0, as if nothing had been read there. Colour is black beside the region and
        of what is read before it; what shows behind it stays, as the room behind a hand does.
        """
        color, depth = frame.color, frame.depth
        if color is not None:
            hidden = self.hides(depth)
            if hidden.any():
                color = color.copy()
                color[hidden > 0] = 0
        if depth is not None:
            depth = np.asarray(cv2.copyTo(depth, self.inside(depth)), np.uint16)
        return replace(frame, color=color, depth=depth)


LimitsOf = Callable[[RegionOfInterest, Intrinsics, int, int], RegionLimits]
"""What gives a region's limits in pictures of a width and a height, as `RegionLimits.of` does."""


@lru_cache(maxsize=2)  # a VGA picture of a lens with distortion takes 80 ms
def _rays(camera: Intrinsics) -> Floats:
    """Return float64 (H, W, 3): where each pixel looks, at distance 1."""
    columns, rows = np.meshgrid(np.arange(camera.width_px), np.arange(camera.height_px))
    pixels = np.stack([columns, rows], axis=-1).astype(np.float64)
    rays = np.asarray(deproject(camera, pixels), np.float64)
    rays.flags.writeable = False
    return rays


def _distances(ray: Floats, span: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return between which distances a ray's coordinate, ray * z, lies in a span; z > 0."""
    along = ray == 0.0
    divisor = np.where(along, 1.0, ray)
    low, high = span[0] / divisor, span[1] / divisor
    first, last = np.where(ray < 0, high, low), np.where(ray < 0, low, high)
    # on the axis the coordinate is 0 at every distance
    first[along] = -math.inf if span[0] <= 0.0 <= span[1] else math.inf
    last[along] = math.inf
    return first, last


def region_seen_in(
    box: Box, distance_m: float, z_m: tuple[float, float], camera: Intrinsics
) -> RegionOfInterest:
    """Return the region that shows as a box of pixels at a distance.

    Coordinates are rounded to millimetres, outwards. Raises RegionError where the box is empty.
    """
    corners = np.array(
        [(x, y) for x in (box.left_px, box.right_px) for y in (box.top_px, box.bottom_px)]
    )
    points = deproject(camera, corners, distance_m)
    low = (np.floor(points.min(axis=0) * 1000.0) / 1000.0).tolist()
    high = (np.ceil(points.max(axis=0) * 1000.0) / 1000.0).tolist()
    near_m, far_m = (round(z, 3) for z in z_m)
    return RegionOfInterest((low[0], high[0]), (low[1], high[1]), (near_m, far_m))


def nearest_reading_m(depth: DepthImage, box: Box, z_m: tuple[float, float]) -> float | None:
    """Return how far the nearest surface in a box of pixels is, within a span of distances.

    None where nothing was read there. Stray readings before the surface do not count.
    """
    height, width = depth.shape
    y0, y1 = (int(np.clip(v, 0, height)) for v in (box.top_px, box.bottom_px + 1))
    x0, x1 = (int(np.clip(v, 0, width)) for v in (box.left_px, box.right_px + 1))
    patch = depth[y0:y1, x0:x1]
    seen = patch[(patch >= 1000.0 * z_m[0]) & (patch <= 1000.0 * z_m[1]) & (patch > 0)]
    if not len(seen):
        return None
    at = int(_FRONT * len(seen))
    return float(np.partition(seen, at)[at]) / 1000.0


def outlines(region: RegionOfInterest, camera: Intrinsics) -> list[Floats]:
    """Return the near face, the far face and the four edges between, as lines of pixels.

    Each is float64 (n, 2); the faces are closed.
    """
    (x0, x1), (y0, y1) = region.x_m, region.y_m
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    faces = [[(x, y, z) for x, y in (*corners, corners[0])] for z in region.z_m]
    edges = [[(x, y, z) for z in region.z_m] for x, y in corners]
    return [_drawn(camera, _finely(np.array(line))) for line in (*faces, *edges)]


def _drawn(camera: Intrinsics, points: Floats) -> Floats:
    """Return pixels of points; far outside the picture without the lens's distortion.

    Distortion is a polynomial fitted to what the lens sees: beyond, it folds back into the picture.
    """
    size = np.array([camera.width_px, camera.height_px])
    straight = project(replace(camera, distortion="none"), points)
    beyond = np.any(np.abs(straight - size / 2) > size, axis=-1)
    return np.where(beyond[:, None], straight, project(camera, points))


def _finely(corners: Floats) -> Floats:
    """Return (n, 3) points along the lines between corners (m, 3)."""
    shares = np.linspace(0.0, 1.0, _EDGE_POINTS)[:, None]
    lines = [a + shares * (b - a) for a, b in pairwise(corners)]
    return np.concatenate(lines)
