"""Follows the hand through a stream: a detector says where it is, the finder smooths and tells
its trajectory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.depth8 import EightBitDepth
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.hand_color import ColorHandDetector
from motionrgbd.core.hand_depth import DepthHandDetector
from motionrgbd.core.hand_place import FoundHand, HandDetector, Lens, frame_shape, hand_square
from motionrgbd.core.results import Box, FloatArray
from motionrgbd.models.recipe import HandView

TRAJECTORY_SIZE = 7  # x, y, z, their speeds, found
SPEEDS = slice(3, 6)  # of a trajectory
PLACE_SCALE_M, PLACE_MIDDLE_M = 0.3, 0.5  # a trajectory's unit, and the z that is its zero

_KEEP_SIZE = 0.9  # share of a hand's apparent size kept: a fist is no farther than an open hand


@dataclass(frozen=True, slots=True, eq=False)
class HandPlace:
    """The square around the hand in the picture, its distance, and its trajectory.

    reading_mm: what the depth image reads at the hand; the distance, unless depth has no unit.
    trajectory: float32 (7,): x, y, z of the hand in metres (camera axes; z from 0.5 m), divided
    by 0.3; their change in metres per second; 1 where a hand was found, else 0. Clipped to +-4.
    """

    box: Box
    distance_mm: float
    reading_mm: float
    trajectory: FloatArray


class LiveHandDetector:
    """Finds the hand from depth where a frame has it, else from colour."""

    def __init__(
        self,
        view: HandView,
        intrinsics: Intrinsics | None,
        *,
        eight_bit: EightBitDepth | None = None,
    ) -> None:
        self._depth = DepthHandDetector(view, intrinsics, eight_bit=eight_bit)
        self._color = ColorHandDetector(intrinsics)

    def detect(self, frame: RGBDFrame) -> FoundHand | None:
        """Return the hand, or None where no hand is raised."""
        return (self._color if frame.depth is None else self._depth).detect(frame)

    def reset(self) -> None:
        """Forget the hand, and the scene at rest."""
        self._depth.reset()
        self._color.reset()


class HandFinder:
    """Follows one hand through one stream. Used by one thread; frames in grid order.

    The square around the hand is smoothed. Without a hand it stays where it was (at first: the
    middle of the picture), and the trajectory says so.
    detector: where the hand is in each frame; None: found as the live application finds it.
    eight_bit: how 8-bit depth became millimetres (such recordings have no unit); None: measured.
    """

    def __init__(
        self,
        view: HandView,
        fps_hz: float,
        intrinsics: Intrinsics | None,
        detector: HandDetector | None = None,
        *,
        eight_bit: EightBitDepth | None = None,
    ) -> None:
        self._view = view
        self._fps_hz = fps_hz
        self._intrinsics = intrinsics
        self._detector = detector or LiveHandDetector(view, intrinsics, eight_bit=eight_bit)
        self.reset()

    def reset(self) -> None:
        """Forget the hand."""
        self._detector.reset()
        self._smooth: NDArray[np.float64] | None = None  # x_px, y_px, z_mm, reading_mm
        self._by_size_mm: float | None = None
        self._last_m: NDArray[np.float64] | None = None

    def find(self, frame: RGBDFrame) -> HandPlace:
        """Return the hand's place in the next frame."""
        height, width = frame_shape(frame)
        lens = Lens.of(self._intrinsics, width, height)
        seen = self._seen(self._detector.detect(frame))
        trajectory = self._trajectory(seen, lens)
        if seen is not None:
            keep = 0.0 if self._smooth is None else self._view.smoothing
            previous = seen if self._smooth is None else self._smooth
            self._smooth = keep * previous + (1.0 - keep) * seen
        if self._smooth is None:
            return self._middle(width, height, lens, trajectory)
        x, y, z, reading = self._smooth.tolist()
        box = hand_square(x, y, z, side_m=self._view.side_m, focal_px=lens.focal_px)
        return HandPlace(box, z, reading, trajectory)

    def _seen(self, hand: FoundHand | None) -> NDArray[np.float64] | None:
        """Return x_px, y_px, z_mm, reading_mm; a distance by size is that of the last while."""
        if hand is None:
            return None
        z = hand.distance_mm
        if hand.reading_mm is not None:
            last = z if self._by_size_mm is None else self._by_size_mm
            z = self._by_size_mm = _KEEP_SIZE * last + (1.0 - _KEEP_SIZE) * z
        reading = hand.distance_mm if hand.reading_mm is None else hand.reading_mm
        return np.array([*hand.center_px, z, reading])

    def _middle(self, width: int, height: int, lens: Lens, trajectory: FloatArray) -> HandPlace:
        side = min(height, width)
        box = Box((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
        distance_mm = self._view.side_m * 1000.0 * lens.focal_px / side
        return HandPlace(box, distance_mm, distance_mm, trajectory)

    def _trajectory(self, seen: NDArray[np.float64] | None, lens: Lens) -> FloatArray:
        if seen is None:
            self._last_m = None
            return np.zeros(TRAJECTORY_SIZE, np.float32)
        x, y, z = seen[0], seen[1], seen[2] / 1000.0
        place = np.array(
            [(x - lens.cx_px) * z / lens.focal_px, (y - lens.cy_px) * z / lens.focal_px, z]
        )
        speed = np.zeros(3) if self._last_m is None else (place - self._last_m) * self._fps_hz
        self._last_m = place
        place = (place - np.array([0.0, 0.0, PLACE_MIDDLE_M])) / PLACE_SCALE_M
        return np.concatenate([place, speed, [1.0]]).astype(np.float32).clip(-4.0, 4.0)
