"""The hand in a depth image: a tiny network says where, the depth itself says how far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.depth8 import EightBitDepth
from motionrgbd.core.frames import DepthImage, RGBDFrame
from motionrgbd.core.hand_net import CELL, HandNet, bundled_hand_net, input_planes, shrink
from motionrgbd.core.hand_place import (
    FoundHand,
    Lens,
    cut_box,
    distance_by_size_mm,
    hand_distance_mm,
)
from motionrgbd.core.results import Box, FloatArray
from motionrgbd.models.recipe import HandView

_BLURRED_CODES = 8
_APPEARS, _STAYS = 0.5, 0.3  # probability from which a hand is new, or still, there
_NEAR_LAST = 0.25  # a hand near the last place beats another of so much higher probability
_LAST_REACH = 1.0  # box sides within which a place is near the last one


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A box in pixels and how likely it holds the hand."""

    box: Box
    score: float


class DepthHandDetector:
    """Finds the hand by `hand_net`; its state is the last place, which the next frame favours.

    eight_bit: how 8-bit depth became millimetres; None where it was measured. Such recordings have
    no unit: their working volume is everything, and the distance is what the hand's size suggests.
    """

    def __init__(
        self,
        view: HandView,
        intrinsics: Intrinsics | None,
        *,
        eight_bit: EightBitDepth | None = None,
        net: HandNet | None = None,
    ) -> None:
        self._view = view
        self._intrinsics = intrinsics
        self._measured = eight_bit is None
        # Compressed videos blur "no reading", code 0, into codes that read as very near.
        blurs = eight_bit is not None and eight_bit.direction == "darker_is_nearer"
        self._least_mm = int(eight_bit.table[_BLURRED_CODES]) if eight_bit and blurs else 0
        self._net = net or bundled_hand_net()
        self.reset()

    def reset(self) -> None:
        """Forget where the hand was."""
        self._last: Box | None = None

    def detect(self, frame: RGBDFrame) -> FoundHand | None:
        """Return the hand, or None where no hand is raised or depth is missing."""
        best = None if frame.depth is None else self._best(frame.depth)
        hand = None if best is None or frame.depth is None else self._placed(best.box, frame.depth)
        self._last = None if hand is None else hand.box
        return hand

    def _best(self, depth: DepthImage) -> _Candidate | None:
        small, step = shrink(depth)
        if self._least_mm:
            small = np.where(small > self._least_mm, small, 0).astype(np.uint16)
        scores, edges = self._net(input_planes(small, self._measured))
        favoured = scores if self._last is None else scores + self._near_last(scores, step)
        row, column = divmod(int(favoured.argmax()), scores.shape[1])
        score = float(scores[row, column])
        if score < (_APPEARS if favoured is scores else _STAYS):
            return None
        box = _box(scores, edges, row, column, step)
        if score < _APPEARS and not self._is_near_last(box):
            return None
        return _Candidate(box, score)

    def _near_last(self, scores: FloatArray, step: int) -> FloatArray:
        """Return what the cells gain by being near the last place."""
        assert self._last is not None
        last = self._last
        cell = CELL * step
        x = (np.arange(scores.shape[1], dtype=np.float32) + 0.5) * cell
        y = (np.arange(scores.shape[0], dtype=np.float32)[:, None] + 0.5) * cell
        side = max(last.right_px - last.left_px, last.bottom_px - last.top_px)
        away = np.hypot(
            x - (last.left_px + last.right_px) / 2, y - (last.top_px + last.bottom_px) / 2
        )
        gain: FloatArray = np.float32(_NEAR_LAST) * np.exp(-((away / (_LAST_REACH * side)) ** 2))
        return gain

    def _is_near_last(self, box: Box) -> bool:
        last = self._last
        assert last is not None
        side = max(last.right_px - last.left_px, last.bottom_px - last.top_px)
        dx = (box.left_px + box.right_px - last.left_px - last.right_px) / 2
        dy = (box.top_px + box.bottom_px - last.top_px - last.bottom_px) / 2
        return max(abs(dx), abs(dy)) < _LAST_REACH * side

    def _placed(self, box: Box, depth: DepthImage) -> FoundHand | None:
        """Add the distance; a hand outside the working volume is none."""
        reading_mm = hand_distance_mm(cut_box(depth, box))
        if not self._measured:
            lens = Lens.of(self._intrinsics, depth.shape[1], depth.shape[0])
            return FoundHand(box, distance_by_size_mm(box, lens), reading_mm)
        if not 1000.0 * self._view.near_m <= reading_mm <= 1000.0 * self._view.far_m:
            return None
        return FoundHand(box, reading_mm)


def _box(scores: FloatArray, edges: FloatArray, row: int, column: int, step: int) -> Box:
    """Return the box in pixels: what the best cell and its neighbours say, by their scores."""
    rows = slice(max(0, row - 1), row + 2)
    columns = slice(max(0, column - 1), column + 2)
    weight = scores[rows, columns] ** 2
    x = np.arange(scores.shape[1])[columns] + 0.5
    y = np.arange(scores.shape[0])[rows, None] + 0.5
    near = edges[rows, columns]
    total = float(weight.sum())

    def pixels(values: FloatArray) -> float:
        return float((weight * values).sum()) / total * CELL * step

    left, right = pixels(x + near[..., 0]), pixels(x + near[..., 2])
    top, bottom = pixels(y + near[..., 1]), pixels(y + near[..., 3])
    return Box(left, top, max(right, left + step), max(bottom, top + step))
