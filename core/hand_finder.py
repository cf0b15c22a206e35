"""Where the hand is: the nearest surface in the working volume, found from depth alone."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.frames import DepthImage
from motionrgbd.core.results import Box, FloatArray
from motionrgbd.models.recipe import HandView

TRAJECTORY_SIZE = 7  # x, y, z, their speeds, found

_WORK_WIDTH_PX = 160  # the search runs on a picture about this wide
_BIN_MM = 10
_MIN_AREA_M2 = 6e-4  # 2.4 cm square: a fist seen from the knuckles is larger
_SLAB_MM = 120.0  # a hand pointing at the camera is this deep
_REACH_M = 0.17  # from the fingertips to the wrist


@dataclass(frozen=True, slots=True, eq=False)
class HandPlace:
    """The hand's box in the picture, its distance, and its trajectory.

    trajectory: float32 (7,): x, y, z of the hand in metres (camera axes; z from 0.5 m), divided
    by 0.3; their change in metres per second; 1 where a hand was found, else 0.
    """

    box: Box
    distance_mm: float
    trajectory: FloatArray


class HandFinder:
    """Follows the nearest hand through one stream. Used by one thread; frames in grid order.

    The nearest connected surface in the working volume is taken, of it the part within a hand's
    length of its top; its box is smoothed. Without a hand the box stays where it was (at first:
    the middle of the picture), and the trajectory says so.
    """

    def __init__(self, view: HandView, fps_hz: float, intrinsics: Intrinsics | None) -> None:
        self._view = view
        self._fps_hz = fps_hz
        self._intrinsics = intrinsics
        self.reset()

    def reset(self) -> None:
        """Forget the hand."""
        self._smooth: NDArray[np.float64] | None = None  # x_px, y_px, z_mm of the box
        self._last_m: NDArray[np.float64] | None = None

    def find(self, depth: DepthImage | None, shape: tuple[int, int]) -> HandPlace:
        """Return the hand's place in a picture of `shape` (H, W); depth may be missing."""
        height, width = shape
        focal_px, cx, cy = self._camera(width, height)
        seen = None if depth is None else self._nearest(depth, focal_px)
        if seen is None:
            self._last_m = None
            trajectory = np.zeros(TRAJECTORY_SIZE, np.float32)
            if self._smooth is None:
                middle = min(height, width)
                box = Box(
                    (width - middle) / 2,
                    (height - middle) / 2,
                    (width + middle) / 2,
                    (height + middle) / 2,
                )
                return HandPlace(box, self._view.side_m * focal_px / middle * 1000.0, trajectory)
        else:
            keep = 0.0 if self._smooth is None else self._view.smoothing
            previous = seen if self._smooth is None else self._smooth
            self._smooth = keep * previous + (1.0 - keep) * seen
            trajectory = self._trajectory(seen, focal_px, cx, cy)
        assert self._smooth is not None
        x, y, z = self._smooth
        half = 0.5 * self._view.side_m * 1000.0 * focal_px / z
        return HandPlace(Box(x - half, y - half, x + half, y + half), float(z), trajectory)

    def _camera(self, width: int, height: int) -> tuple[float, float, float]:
        """Return focal length and principal point; a usual 58 degree lens where none is known."""
        known = self._intrinsics
        if known is None:
            return 0.9 * width, width / 2, height / 2
        scale = width / known.width_px
        return known.fx_px * scale, known.cx_px * scale, known.cy_px * scale

    def _trajectory(
        self, seen: NDArray[np.float64], focal_px: float, cx: float, cy: float
    ) -> FloatArray:
        z = seen[2] / 1000.0
        place = np.array([(seen[0] - cx) * z / focal_px, (seen[1] - cy) * z / focal_px, z])
        speed = np.zeros(3) if self._last_m is None else (place - self._last_m) * self._fps_hz
        self._last_m = place
        place = (place - np.array([0.0, 0.0, 0.5])) / 0.3
        return np.concatenate([place, speed, [1.0]]).astype(np.float32).clip(-4.0, 4.0)

    def _nearest(self, depth: DepthImage, focal_px: float) -> NDArray[np.float64] | None:
        """Return x_px, y_px, z_mm of the nearest hand-sized surface, or None."""
        step = max(1, round(depth.shape[1] / _WORK_WIDTH_PX))
        small = cv2.medianBlur(np.ascontiguousarray(depth[::step, ::step]), 3)
        near, far = 1000.0 * self._view.near_m, 1000.0 * self._view.far_m
        focal_small = focal_px / step
        counts = np.bincount(small.ravel() // _BIN_MM, minlength=int(far) // _BIN_MM + 1)
        centres_m = (np.arange(len(counts)) + 0.5) * _BIN_MM / 1000.0
        areas_m2 = counts * (centres_m / focal_small) ** 2
        areas_m2[: int(near) // _BIN_MM] = 0.0
        areas_m2[0] = 0.0
        areas_m2 = areas_m2[: int(far) // _BIN_MM]
        reached = np.flatnonzero(np.cumsum(areas_m2) >= _MIN_AREA_M2)
        if len(reached) == 0:
            return None
        front = max(near, (reached[0] - 1) * _BIN_MM)
        slab = ((small >= front) & (small <= front + _SLAB_MM)).astype(np.uint8)
        _, places, stats, _ = cv2.connectedComponentsWithStats(slab, connectivity=8)
        if len(stats) < 2:
            return None
        largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        ys, xs = np.nonzero(places == largest)
        reach_px = _REACH_M * focal_small / ((front + _SLAB_MM / 2) / 1000.0)
        upper = ys <= ys.min() + reach_px
        z = float(np.median(small[ys[upper], xs[upper]]))
        return np.array([xs[upper].mean() * step, ys[upper].mean() * step, z])
