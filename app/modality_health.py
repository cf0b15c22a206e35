"""How good the pictures of a moment are: holes in depth, exposure of colour, how well both fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motionrgbd.core.frames import ColorImage, DepthImage, RGBDFrame
from motionrgbd.core.results import Box

_STRIDE_PX = 4  # of the pixels looked at: 19,200 of 640x480, 0.2 ms
DARK, BRIGHT = 16, 250  # grey levels from which nothing can be told any more


@dataclass(frozen=True, slots=True)
class ModalityHealth:
    """Of one frame; None where it has no such image, or its source does not tell.

    holes, hand_holes: share of depth pixels without reading, of all and of what the network sees.
    brightness: mean of colour, 0..1. dark, bright: shares of its pixels that are too much so.
    skew_ms: by how much colour was taken after depth.
    """

    holes: float | None = None
    hand_holes: float | None = None
    brightness: float | None = None
    dark: float | None = None
    bright: float | None = None
    skew_ms: float | None = None


def modality_health(frame: RGBDFrame, view: Box) -> ModalityHealth:
    """Measure a frame; view: the part of it that the network saw."""
    holes = hand_holes = brightness = dark = bright = None
    if frame.depth is not None:
        holes = _empty(frame.depth[::_STRIDE_PX, ::_STRIDE_PX])
        hand_holes = _empty(_cut(frame.depth, view))
    if frame.color is not None:
        brightness, dark, bright = _exposure(frame.color)
    skew_ms = None if frame.skew_s is None else 1000.0 * frame.skew_s
    return ModalityHealth(holes, hand_holes, brightness, dark, bright, skew_ms)


def _empty(depth: DepthImage) -> float | None:
    return 1.0 - np.count_nonzero(depth) / depth.size if depth.size else None


def _cut(depth: DepthImage, view: Box) -> DepthImage:
    top, bottom = max(0, round(view.top_px)), max(0, round(view.bottom_px))
    left, right = max(0, round(view.left_px)), max(0, round(view.right_px))
    return depth[top:bottom:2, left:right:2]


def _exposure(color: ColorImage) -> tuple[float, float, float]:
    sample = color[::_STRIDE_PX, ::_STRIDE_PX]
    # luma as the eye weighs it (ITU-R BT.601)
    grey = sample @ np.array([0.299, 0.587, 0.114], np.float32)
    return (
        float(grey.mean()) / 255.0,
        float((grey <= DARK).mean()),
        float((sample.min(axis=2) >= BRIGHT).mean()),
    )
