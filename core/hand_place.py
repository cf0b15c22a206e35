"""What a hand's place is: the conventions that data-set boxes, detectors and crops share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.frames import DepthImage, RGBDFrame
from motionrgbd.core.results import Box

HAND_M = 0.18  # from the wrist to the fingertips, of an adult
_USUAL_FOCAL = 0.9  # focal length over width of a 58 degree lens, where none is known
_RIM = 0.2  # share of a box on each side that fingers rather than the palm fill
_HAND_DEPTH_MM = 150.0  # from the front of a hand to its back, however it is held


@dataclass(frozen=True, slots=True)
class FoundHand:
    """One hand in one picture.

    box: from the fingertips to the wrist, without the forearm; the hand's place in the picture is
    the middle of it. distance_mm: of the hand (`hand_distance_mm`). reading_mm: None where that is
    also what the depth image reads; where depth has no unit, or is missing, distance_mm is what the
    hand's size suggests, and reading_mm what the image reads (0: nothing).
    """

    box: Box
    distance_mm: float
    reading_mm: float | None = None

    @property
    def measured(self) -> bool:
        """Whether the distance was measured."""
        return self.reading_mm is None

    @property
    def center_px(self) -> tuple[float, float]:
        """Return the middle of the box, x and y."""
        return (
            (self.box.left_px + self.box.right_px) / 2,
            (self.box.top_px + self.box.bottom_px) / 2,
        )


class HandDetector(Protocol):
    """Finds the hand in the frames of one stream, in grid order; None: no hand is raised."""

    def detect(self, frame: RGBDFrame) -> FoundHand | None: ...

    def reset(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Lens:
    """Focal length and principal point in pixels of a picture of a certain size."""

    focal_px: float
    cx_px: float
    cy_px: float

    @classmethod
    def of(cls, intrinsics: Intrinsics | None, width: int, height: int) -> Lens:
        """Return the lens of a (width, height) picture; a usual one where none is known."""
        if intrinsics is None:
            return cls(_USUAL_FOCAL * width, width / 2, height / 2)
        scale = width / intrinsics.width_px
        return cls(intrinsics.fx_px * scale, intrinsics.cx_px * scale, intrinsics.cy_px * scale)


def distance_by_size_mm(box: Box, lens: Lens) -> float:
    """Return how far a hand of usual size is that looks as large as the box."""
    size_px = max(box.right_px - box.left_px, box.bottom_px - box.top_px, 1.0)
    return 1000.0 * HAND_M * lens.focal_px / size_px


def hand_square(x_px: float, y_px: float, z_mm: float, *, side_m: float, focal_px: float) -> Box:
    """Return the box of a square of `side_m` around a place of the picture, `z_mm` away."""
    half = 0.5 * side_m * 1000.0 * focal_px / z_mm
    return Box(x_px - half, y_px - half, x_px + half, y_px + half)


def frame_shape(frame: RGBDFrame) -> tuple[int, int]:
    """Return (H, W) of a frame's pictures."""
    picture = frame.color if frame.color is not None else frame.depth
    assert picture is not None
    return picture.shape[0], picture.shape[1]


def cut_box(depth: DepthImage, box: Box) -> DepthImage:
    """Return what a box shows of a depth image, without what lies outside the picture."""
    height, width = depth.shape
    x0, x1 = (int(np.clip(round(x), 0, width)) for x in (box.left_px, box.right_px))
    y0, y1 = (int(np.clip(round(y), 0, height)) for y in (box.top_px, box.bottom_px))
    return depth[y0:y1, x0:x1]


def hand_distance_mm(patch: DepthImage) -> float:
    """Return the distance of the hand that fills a box; 0 where nothing was measured.

    Of the middle of the box, the median of what lies within a hand's depth of its front: what
    shows past the hand, and stray readings before it, do not count.
    """
    height, width = patch.shape
    top, left = int(height * _RIM), int(width * _RIM)
    middle = patch[top : height - top, left : width - left]
    seen = middle[middle > 0]
    if not len(seen):
        seen = patch[patch > 0]
    if not len(seen):
        return 0.0
    front = np.partition(seen, len(seen) // 10)[len(seen) // 10]
    return float(np.median(seen[seen <= front + _HAND_DEPTH_MM]))
