"""How far into a clip a gesture's stroke is: clips end with the hand on its way back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MOVES_M = 0.08
_FINER_PX = 22  # pictures are compared at about this size: their noise is not motion


def half_strokes(pictures: NDArray[np.uint8], place_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) how many samples of each clip pass until half of its stroke is made.

    pictures: (n, T, h, w), depth codes of the hand. place_m: (n, T, 3), where it is.

    By 0.4 of a clip's time the hand of more than half of SHREC'17's training clips has been at 80 %
    of its farthest. So what is broken off early is told by the stroke, not by the clip: by the
    hand's distance from where it began or, where it moves less than 8 cm, by how much its picture
    differs from the first.
    """
    way = np.linalg.norm(place_m - place_m[:, :1], axis=2)
    far = way.max(1) >= _MOVES_M
    halves = np.empty(len(way))
    for clip in range(len(way)):
        change = way[clip] if far[clip] else _change(pictures[clip])
        halves[clip] = (change >= 0.5 * change.max()).argmax()
    return halves


def _change(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (T,) how much each picture of a clip differs from the first."""
    step = max(1, pictures.shape[-1] // _FINER_PX)
    values = pictures[:, ::step, ::step].astype(np.float32)
    return np.asarray(np.abs(values - values[:1]).mean((1, 2)))
