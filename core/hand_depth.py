"""The hand in a depth image: the nearest surface in the working volume."""

from __future__ import annotations

import cv2
import numpy as np

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.frames import DepthImage, RGBDFrame
from motionrgbd.core.hand_place import FoundHand, Lens, cut_box, hand_distance_mm
from motionrgbd.core.results import Box
from motionrgbd.models.recipe import HandView

_WORK_WIDTH_PX = 160  # the search runs on a picture about this wide
_BIN_MM = 10
_MIN_AREA_M2 = 6e-4  # 2.4 cm square: a fist seen from the knuckles is larger
_SLAB_MM = 120.0  # a hand pointing at the camera is this deep
_REACH_M = 0.17  # from the fingertips to the wrist


class DepthHandDetector:
    """Takes the nearest connected surface, and of it the part within a hand's length of its top."""

    def __init__(self, view: HandView, intrinsics: Intrinsics | None) -> None:
        self._view = view
        self._intrinsics = intrinsics

    def reset(self) -> None:
        """Nothing is carried from frame to frame."""

    def detect(self, frame: RGBDFrame) -> FoundHand | None:
        """Return the hand, or None where nothing hand-sized is near or depth is missing."""
        if frame.depth is None:
            return None
        box = self._nearest(frame.depth)
        if box is None:
            return None
        distance_mm = hand_distance_mm(cut_box(frame.depth, box))
        return FoundHand(box, distance_mm) if distance_mm > 0 else None

    def _nearest(self, depth: DepthImage) -> Box | None:
        height, width = depth.shape
        focal_px = Lens.of(self._intrinsics, width, height).focal_px
        step = max(1, round(width / _WORK_WIDTH_PX))
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
        xs, ys = xs[upper], ys[upper]
        return Box(
            float(xs.min() * step),
            float(ys.min() * step),
            float((xs.max() + 1) * step),
            float((ys.max() + 1) * step),
        )
