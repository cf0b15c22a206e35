"""The hand in a colour picture alone: what has skin's colour and was not there before.

Nothing is learned from pictures of people. A pixel counts if its chroma is likely of skin (a broad
prior over white balances and skin tones, sharpened by the chroma of the hand itself once one has
been found) and if it differs from what stood there at rest: faces, wood and walls stay where they
are and so drop out. Of the largest such surface the palm is where it is widest; the hand is what
lies about it, away from the forearm.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.frames import ColorImage, RGBDFrame
from motionrgbd.core.hand_place import FoundHand, Lens, distance_by_size_mm
from motionrgbd.core.results import Box, FloatArray

Mask = NDArray[np.uint8]

_WIDTH_PX = 160  # the search runs on a picture about this wide
_CHANGED = 26.0  # grey levels, summed over the channels, by which a new thing differs
_SKIN_CR_CB = (150.0, 109.0)
_SKIN_SPREAD = ((150.0, -70.0), (-70.0, 130.0))  # of Cr and Cb: lamps shift both
_LEAST_SKIN = 0.35
_LEAST_SHARE = 0.0035  # of the picture: what is smaller is no hand at arm's length
_FAR_PALM, _NEAR_PALM = 0.018, 0.16  # radius of a palm, of the picture's width
_FINGERS, _WRIST = 2.9, 1.25  # palm radii from its middle to the fingertips, and to the wrist
_FORGET = 0.008  # share of the picture at rest that every frame replaces
_KEEP_CHROMA = 0.9
_BINS = 32


class ColorHandDetector:
    """Finds the hand from colour and change; the distance is what its size suggests."""

    def __init__(self, intrinsics: Intrinsics | None) -> None:
        self._intrinsics = intrinsics
        self.reset()

    def reset(self) -> None:
        """Forget what the scene looks like at rest, and the hand's chroma."""
        self._rest: FloatArray | None = None
        self._before: FloatArray | None = None
        self._likely = _PRIOR.copy()
        self._last: tuple[float, float] | None = None

    def detect(self, frame: RGBDFrame) -> FoundHand | None:
        """Return the hand, or None where nothing new is like one; needs colour."""
        if frame.color is None:
            return None
        height, width = frame.color.shape[:2]
        step = max(1, round(width / _WIDTH_PX))
        small = _small(frame.color, step)
        if self._rest is None or self._rest.shape != small.shape:
            self._begin(small)
            return None
        hand = self._find(small)
        if hand is None:
            self._last = None
            return None
        box = Box(*(float(edge * step) for edge in hand))
        lens = Lens.of(self._intrinsics, width, height)
        return FoundHand(box, distance_by_size_mm(box, lens), 0.0)

    def _begin(self, small: FloatArray) -> None:
        """Take the first picture for the scene at rest, and its mean colour for nearly grey."""
        self._rest, self._before = small.copy(), small
        means = small.mean(axis=(0, 1)) + 1.0
        self._balance = ((means.mean() / means) ** 0.5).astype(np.float32)
        self._rest_chroma = _chroma_bins(small * self._balance)

    def _find(self, small: FloatArray) -> tuple[float, float, float, float] | None:
        assert self._rest is not None
        assert self._before is not None
        small = small * _gains(small, self._rest)
        chroma = _chroma_bins(small * self._balance)
        skin = self._likely[chroma]
        rest_skin = self._likely[self._rest_chroma]
        new = _beyond_shadow(small, self._rest)
        moved = np.abs(small - self._before).sum(axis=2)
        fresh = np.maximum(0.0, skin - 0.8 * cv2.dilate(rest_skin, np.ones((5, 5), np.uint8)))
        before_skin = 0.35 * skin * (new > 2 * _CHANGED)
        weight = np.maximum(fresh, before_skin) * np.minimum(new / (2 * _CHANGED), 1.0)
        weight *= 1.0 + 0.5 * (moved > _CHANGED)
        mask = cv2.GaussianBlur(weight, (0, 0), 1.2) > 0.5 * _LEAST_SKIN
        hand = self._palm(mask.astype(np.uint8), moved)
        still = 1.0 - np.minimum(new / (2 * _CHANGED), 1.0)[..., None] * 0.9
        self._rest += _FORGET * still * (small - self._rest)
        self._rest_chroma = _chroma_bins(self._rest * self._balance)
        self._before = small
        if hand is not None:
            self._learn(chroma, mask, hand)
        return hand

    def _palm(self, mask: Mask, moved: FloatArray) -> tuple[float, float, float, float] | None:
        width = mask.shape[1]
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        best, found = 0.0, None
        for label in range(1, count):
            area = int(stats[label, cv2.CC_STAT_AREA])
            if area < _LEAST_SHARE * mask.size:
                continue
            blob = (labels == label).astype(np.uint8)
            inner = cv2.distanceTransform(cv2.copyMakeBorder(blob, 1, 1, 1, 1, 0), cv2.DIST_L2, 3)
            inner = inner[1:-1, 1:-1]
            rows = np.arange(mask.shape[0], dtype=np.float32)[:, None]
            # the hand is the raised end of an arm, and mostly its moving one
            top, tall = stats[label, cv2.CC_STAT_TOP], stats[label, cv2.CC_STAT_HEIGHT]
            lift = 1.0 - 0.7 * np.clip((rows - top) / tall, 0.0, 1.0)
            active = cv2.blur((moved > _CHANGED).astype(np.float32), (9, 9))
            merit = inner * lift * (0.6 + 0.4 * active)
            if self._last is not None:
                away = np.hypot(
                    rows - self._last[1], np.arange(width, dtype=np.float32) - self._last[0]
                )
                merit = merit * (1.0 + 0.4 * np.exp(-((away / (0.12 * width)) ** 2)))
            y, x = divmod(int(merit.argmax()), width)
            radius = float(inner[y, x])
            if not _FAR_PALM * width <= radius <= _NEAR_PALM * width:
                continue
            if merit[y, x] > best:
                best, found = float(merit[y, x]), (blob, x, y, radius)
        if found is None:
            return None
        blob, x, y, radius = found
        self._last = (float(x), float(y))
        return _about_palm(blob, x, y, radius)

    def _learn(
        self, chroma: NDArray[np.intp], mask: NDArray[np.bool_], hand: tuple[float, ...]
    ) -> None:
        """Sharpen what skin looks like in this light by the hand's own chroma."""
        x0, y0, x1, y1 = (int(edge) for edge in hand)
        seen = chroma[y0:y1, x0:x1][mask[y0:y1, x0:x1]]
        if not len(seen):
            return
        counts = np.bincount(seen, minlength=_BINS * _BINS).astype(np.float32)
        smooth = cv2.GaussianBlur(counts.reshape(_BINS, _BINS), (0, 0), 1.0).ravel()
        own = np.minimum(1.0, 2.0 * smooth / smooth.max()) * np.minimum(1.0, 4.0 * _PRIOR)
        fresh = np.maximum(0.6 * _PRIOR, own)
        self._likely = _KEEP_CHROMA * self._likely + (1.0 - _KEEP_CHROMA) * fresh


def _small(color: ColorImage, step: int) -> FloatArray:
    """Return float32 (h, w, 3), averaged and freed of a colour cast."""
    height, width = color.shape[0] // step, color.shape[1] // step
    small = cv2.resize(color, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _beyond_shadow(small: FloatArray, rest: FloatArray) -> FloatArray:
    """Return by how much pixels differ from the scene at rest in the light or in a shadow."""
    light = (small * rest).sum(axis=2) / ((rest * rest).sum(axis=2) + 1.0)
    shaded = np.clip(light, 0.45, 1.0)[..., None] * rest
    return np.asarray(np.abs(small - shaded).sum(axis=2), np.float32)


def _gains(small: FloatArray, rest: FloatArray) -> FloatArray:
    """Return by what each channel must be multiplied to undo a change of exposure (3,)."""
    bright = (rest.min(axis=2) > 20) & (small.max(axis=2) < 250)
    if bright.sum() < 100:
        return np.ones(3, np.float32)
    return np.asarray(np.median(rest[bright] / (small[bright] + 1.0), axis=0), np.float32)


def _chroma_bins(small: FloatArray) -> NDArray[np.intp]:
    """Return the bin of each pixel's Cr and Cb, (h, w)."""
    ycc = cv2.cvtColor(np.asarray(np.clip(small, 0, 255), np.uint8), cv2.COLOR_RGB2YCrCb)
    scale = 256 // _BINS
    bins = np.asarray(ycc, np.intp) // scale
    return np.asarray(bins[..., 1] * _BINS + bins[..., 2])


def _about_palm(blob: Mask, x: int, y: int, radius: float) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of what lies about the palm and before the wrist."""
    rows, columns = np.nonzero(blob)
    dx, dy = columns - x, rows - y
    away = np.hypot(dx, dy)
    beyond = away > _FINGERS * radius
    arm = np.array([dx[beyond].mean(), dy[beyond].mean()]) if beyond.any() else np.zeros(2)
    length = float(np.hypot(*arm))
    along = (dx * arm[0] + dy * arm[1]) / length if length > 0 else np.zeros(len(dx))
    hand = (away <= _FINGERS * radius) & (along <= _WRIST * radius)
    rows, columns = rows[hand], columns[hand]
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def _skin_prior() -> FloatArray:
    """Return how likely skin has the chroma of each bin (_BINS * _BINS), 1 at its middle."""
    centres = (np.arange(_BINS) + 0.5) * 256 / _BINS
    cr, cb = np.meshgrid(centres, centres, indexing="ij")
    off = np.stack([cr - _SKIN_CR_CB[0], cb - _SKIN_CR_CB[1]], axis=-1)
    distance = np.einsum("...i,ij,...j", off, np.linalg.inv(np.array(_SKIN_SPREAD)), off)
    return np.asarray(np.exp(-0.5 * distance), np.float32).ravel()


_PRIOR = _skin_prior()
