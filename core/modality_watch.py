"""Whether an image of a stream can be trusted: told image by image, decided without flapping."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.results import Box
from motionrgbd.models.recipe import Modality

HOLD_S = 0.2  # the last good image stands for bad ones this long: a flash is no failure
FROZEN_S = 1.0  # the same image for longer is a stuck sensor: even a still scene has noise
SETTLE_S = 1.0  # what a camera's auto exposure may take when a stream begins
RETURN_S = 0.5  # how long images must be good again before they are trusted
WORDS: dict[Modality, str] = {"color": "colour", "depth": "depth"}

_STRIDE_PX = 8  # of the pixels looked at: 4,800 of 640x480
_BLACK, _SATURATED = 24, 250  # grey levels
_LEAST_LIGHT = 0.005  # share of brighter values that is no black picture: a lit hand in the dark
_MOST_SATURATED = 0.95
_MOST_EMPTY = 0.995  # share of a depth image without reading; a masked hand leaves 0.98
_MOST_HOLES = 0.97  # the same around the hand; a masked fist leaves 0.93

Image = NDArray[Any]


class ModalityWatch:
    """Follows one modality of one stream. Used by one thread; times are the source's.

    live: whether a camera delivers it. Only then are equal images a stuck sensor, for a compressed
    recording of a still scene may hold many; and only then is colour given time to settle.
    reason: why its images are not used now (`black`), None where they are. cause: the last such
    reason, also when it is over.
    """

    def __init__(self, modality: Modality, *, live: bool) -> None:
        self._modality, self._live = modality, live
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self.reason: str | None = None
        self.cause: str | None = None
        self._held: Image | None = None  # the last good image
        self._held_s = 0.0
        self._good_since_s: float | None = None
        self._start_s: float | None = None
        self._sample: Image | None = None
        self._sample_s = 0.0  # when the present sample was new
        self._hand: Box | None = None

    def look_at(self, hand: Box | None) -> None:
        """Say where a hand was found in the last frame: holes count there."""
        self._hand = hand

    def take(self, image: Image | None, now_s: float) -> Image | None:
        """Return what to use of this moment: the image, the last good one, or None."""
        if self._start_s is None:
            self._start_s = now_s
        complaint = self._complaint(image, now_s)
        if complaint is None:
            return self._good(image, now_s)
        self._good_since_s = None
        stuck = complaint == "frozen"  # then the last good image is the same one
        holds = self._held is not None and now_s - self._held_s <= HOLD_S
        if self.reason is None and holds and not stuck:
            return self._held
        self.reason = self.cause = complaint
        return None

    def _good(self, image: Image | None, now_s: float) -> Image | None:
        if self._good_since_s is None:
            self._good_since_s = now_s
        self._held, self._held_s = image, now_s
        if self.reason is not None and now_s - self._good_since_s >= RETURN_S:
            self.reason = None
        return image if self.reason is None else None

    def _complaint(self, image: Image | None, now_s: float) -> str | None:
        """Say what is wrong with an image in a word, None where nothing is."""
        if image is None:
            return "missing"
        sample = image[::_STRIDE_PX, ::_STRIDE_PX]
        if self._modality == "color":
            wrong = None if self._settles(now_s) else self._wrong_color(sample)
        else:
            wrong = self._holes(image)
        if self._sample is None or not np.array_equal(sample, self._sample):
            self._sample, self._sample_s = sample.copy(), now_s
        elif self._live and wrong is None and now_s - self._sample_s > FROZEN_S:
            return "frozen"
        return wrong

    def _settles(self, now_s: float) -> bool:
        assert self._start_s is not None
        return self._live and now_s - self._start_s < SETTLE_S

    def _wrong_color(self, sample: Image) -> str | None:
        if float((sample > _BLACK).mean()) < _LEAST_LIGHT:
            return "black"
        saturated = float((sample >= _SATURATED).mean()) > _MOST_SATURATED
        return "saturated" if saturated else None

    def _holes(self, image: Image) -> str | None:
        if _empty_share(image[::_STRIDE_PX, ::_STRIDE_PX]) > _MOST_EMPTY:
            return "empty"
        if self._hand is None:
            return None
        left, top = max(0, round(self._hand.left_px)), max(0, round(self._hand.top_px))
        right, bottom = max(0, round(self._hand.right_px)), max(0, round(self._hand.bottom_px))
        around = image[top:bottom:2, left:right:2]
        holes = around.size > 0 and _empty_share(around) > _MOST_HOLES
        return "without readings at the hand" if holes else None


def _empty_share(depth: Image) -> float:
    return 1.0 - np.count_nonzero(depth) / depth.size
