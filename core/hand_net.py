"""A tiny convolutional network that says where in a depth picture the hand is, in plain NumPy.

It has 44 thousand weights. Every cell of its grid tells how likely the middle of a raised hand lies
there, and how far from the cell the hand's box reaches.

The weights (`hand_net.npz`) were trained by `motionrgbd train finder` with its own settings (seed
1, 3000 steps); pictures without a hand were drawn in a second pass. They saw three sources, of
which only the last comes with the program:

- SHREC'17 (De Smedt et al. 2017), its official training split without the subjects held back as
  `val`: hand crops rebuilt into full frames before synthetic rooms and people at rest;
- those people: the first depth frames of M_2, M_4, M_6, M_8 and M_10 of devel59 of ChaLearn's
  cgd2011, before anybody gestures;
- the synthetic performer, which the program draws itself (seeds from 500000).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.frames import DepthImage
from motionrgbd.core.results import FloatArray

PLANES = 6
CELL = 8  # pixels of the small picture per cell of the output grid: two halvings of half its size
REACH = 4.0  # cells: unit of the distances to the box's edges
SMALL_WIDTH_PX = 160  # pictures are taken at about this width
STRIDES = (2, 2, 1, 1, 1, 1)

_NEIGHBOURHOOD = (17, 17)  # of the half-sized picture: about a hand and its surroundings
_LEAST_LOGIT = -80.0  # a probability of 1e-35; exp(89) is beyond float32
_BINS, _BIN_MM = 1024, 8  # of the depth histogram
_CONTRAST_MM = 120.0
_MIDDLE_MM, _RANGE_MM = 600.0, 400.0


def shrink(depth: DepthImage) -> tuple[DepthImage, int]:
    """Return the picture about SMALL_WIDTH_PX wide, by taking every n-th pixel, and n."""
    step = max(1, round(depth.shape[1] / SMALL_WIDTH_PX))
    offset = step // 2
    return np.ascontiguousarray(depth[offset::step, offset::step]), step


def input_planes(small: DepthImage, measured: bool) -> FloatArray:
    """Return float32 (h / 2, w / 2, PLANES) of a small depth picture.

    Whether there is a reading, how many readings are nearer (which no scale of the depth changes),
    how much nearer the pixel is than its neighbourhood; and where millimetres were measured, the
    distance and the relief in millimetres.
    """
    nearest = _nearest_of_four(small)
    valid = nearest < 65535
    seen = valid.astype(np.float32)
    bins = np.minimum(nearest // _BIN_MM, _BINS - 1)
    counts = np.bincount(bins.ravel(), minlength=_BINS)[: _BINS - 1]
    rank_of = np.cumsum(counts, dtype=np.float32) / np.float32(max(1, counts.sum()))
    rank = np.append(rank_of, np.float32(0.0))[bins].astype(np.float32) * seen
    share = cv2.blur(seen, _NEIGHBOURHOOD) + np.float32(1e-6)
    planes = np.zeros((*nearest.shape, PLANES), np.float32)
    planes[..., 0] = seen
    planes[..., 1] = rank
    planes[..., 2] = seen * (cv2.blur(rank, _NEIGHBOURHOOD) / share - rank) * 2.0
    if measured:
        depth = np.where(valid, nearest, 0).astype(np.float32)
        relief = (cv2.blur(depth, _NEIGHBOURHOOD) / share - depth) * np.float32(1 / _CONTRAST_MM)
        planes[..., 3] = seen * np.clip((depth - _MIDDLE_MM) / _RANGE_MM, -1.5, 2.0)
        planes[..., 4] = seen * np.clip(relief, -2.0, 2.0)
        planes[..., 5] = 1.0
    return planes


def _nearest_of_four(small: DepthImage) -> DepthImage:
    """Halve the picture, of four pixels the nearest reading; 65535 = none."""
    height, width = small.shape[0] // 2 * 2, small.shape[1] // 2 * 2
    ahead = small[:height, :width] - np.uint16(1)  # 0 becomes the farthest
    rows = np.minimum(ahead[::2], ahead[1::2])
    nearest = np.minimum(rows[:, ::2], rows[:, 1::2])
    return np.asarray(np.where(nearest < 65535, nearest + np.uint16(1), nearest), np.uint16)


@dataclass(frozen=True, slots=True, eq=False)
class HandNet:
    """Six 3x3 convolutions with ReLU and a 1x1 one. kernels: (9 C, O); biases (O,)."""

    kernels: Sequence[FloatArray]
    biases: Sequence[FloatArray]

    def __call__(self, planes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return probabilities (h, w) and the boxes' edges (h, w, 4), in cells from the middle of
        each cell: left, top, right, bottom."""
        x = planes
        layers = zip(self.kernels[:-1], self.biases[:-1], STRIDES, strict=True)
        for kernel, bias, stride in layers:
            x = _convolve(x, kernel, bias, stride)
        out = x @ self.kernels[-1] + self.biases[-1]
        scores = 1.0 / (1.0 + np.exp(-np.maximum(out[..., 0], _LEAST_LOGIT)))
        return np.asarray(scores, np.float32), np.asarray(out[..., 1:] * REACH, np.float32)


def _convolve(x: FloatArray, kernel: FloatArray, bias: FloatArray, stride: int) -> FloatArray:
    """Return ReLU of a 3x3 convolution, zero padding of 1, (H, W, C) to (H', W', O)."""
    height, width, channels = x.shape
    padded = np.zeros((height + 2, width + 2, channels), np.float32)
    padded[1:-1, 1:-1] = x
    out_h, out_w = (height - 1) // stride + 1, (width - 1) // stride + 1
    columns = np.empty((out_h, out_w, 9, channels), np.float32)
    for k in range(9):
        y0, x0 = divmod(k, 3)
        columns[:, :, k] = padded[
            y0 : y0 + stride * (out_h - 1) + 1 : stride,
            x0 : x0 + stride * (out_w - 1) + 1 : stride,
        ]
    out = columns.reshape(out_h * out_w, 9 * channels) @ kernel
    out += bias
    np.maximum(out, 0.0, out=out)
    return out.reshape(out_h, out_w, -1)


@lru_cache(maxsize=1)
def bundled_hand_net() -> HandNet:
    """Return the network that comes with the program."""
    with (resources.files("motionrgbd.core") / "hand_net.npz").open("rb") as file:
        saved: dict[str, NDArray[np.float16]] = dict(np.load(file))
    count = len(STRIDES) + 1
    return HandNet(
        [saved[f"kernel{i}"].astype(np.float32) for i in range(count)],
        [saved[f"bias{i}"].astype(np.float32) for i in range(count)],
    )
