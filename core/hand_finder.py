"""Follows the hand through a stream: a detector says where it is, the finder smooths and tells
its trajectory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.hand_depth import DepthHandDetector
from motionrgbd.core.hand_place import FoundHand, HandDetector, Lens, frame_shape
from motionrgbd.core.results import Box, FloatArray
from motionrgbd.models.recipe import HandView

TRAJECTORY_SIZE = 7  # x, y, z, their speeds, found


@dataclass(frozen=True, slots=True, eq=False)
class HandPlace:
    """The hand's box in the picture, its distance, and its trajectory.

    trajectory: float32 (7,): x, y, z of the hand in metres (camera axes; z from 0.5 m), divided
    by 0.3; their change in metres per second; 1 where a hand was found, else 0. Clipped to +-4.
    """

    box: Box
    distance_mm: float
    trajectory: FloatArray


class HandFinder:
    """Follows one hand through one stream. Used by one thread; frames in grid order.

    The square around the hand is smoothed. Without a hand it stays where it was (at first: the
    middle of the picture), and the trajectory says so.
    detector: where the hand is in each frame; None: found as the live application finds it.
    """

    def __init__(
        self,
        view: HandView,
        fps_hz: float,
        intrinsics: Intrinsics | None,
        detector: HandDetector | None = None,
    ) -> None:
        self._view = view
        self._fps_hz = fps_hz
        self._intrinsics = intrinsics
        self._detector = detector or DepthHandDetector(view, intrinsics)
        self.reset()

    def reset(self) -> None:
        """Forget the hand."""
        self._detector.reset()
        self._smooth: NDArray[np.float64] | None = None  # x_px, y_px, z_mm of the square
        self._last_m: NDArray[np.float64] | None = None

    def find(self, frame: RGBDFrame) -> HandPlace:
        """Return the hand's place in the next frame."""
        height, width = frame_shape(frame)
        lens = Lens.of(self._intrinsics, width, height)
        hand = self._detector.detect(frame)
        trajectory = self._trajectory(hand, lens)
        if hand is not None:
            seen = np.array([*hand.center_px, hand.distance_mm])
            keep = 0.0 if self._smooth is None else self._view.smoothing
            previous = seen if self._smooth is None else self._smooth
            self._smooth = keep * previous + (1.0 - keep) * seen
        if self._smooth is None:
            return self._middle(width, height, lens, trajectory)
        x, y, z = self._smooth.tolist()
        half = 0.5 * self._view.side_m * 1000.0 * lens.focal_px / z
        return HandPlace(Box(x - half, y - half, x + half, y + half), z, trajectory)

    def _middle(self, width: int, height: int, lens: Lens, trajectory: FloatArray) -> HandPlace:
        side = min(height, width)
        box = Box(
            (width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2
        )
        return HandPlace(box, self._view.side_m * 1000.0 * lens.focal_px / side, trajectory)

    def _trajectory(self, hand: FoundHand | None, lens: Lens) -> FloatArray:
        if hand is None:
            self._last_m = None
            return np.zeros(TRAJECTORY_SIZE, np.float32)
        (x, y), z = hand.center_px, hand.distance_mm / 1000.0
        place = np.array(
            [(x - lens.cx_px) * z / lens.focal_px, (y - lens.cy_px) * z / lens.focal_px, z]
        )
        speed = np.zeros(3) if self._last_m is None else (place - self._last_m) * self._fps_hz
        self._last_m = place
        place = (place - np.array([0.0, 0.0, 0.5])) / 0.3
        return np.concatenate([place, speed, [1.0]]).astype(np.float32).clip(-4.0, 4.0)
