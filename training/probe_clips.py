"""SHREC'17's hand crops as the reference probe sees them: brightness relative to the hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.training.hand_clips import load_package

_STEP_MM = 1.5  # of relative depth: +-190 mm around the hand


@dataclass(frozen=True)
class ProbeClips:
    """Clips of one split: depth pictures uint8 (n, 32, 50, 50) relative to the hand, labels (n,).

    Nearer is brighter, 128 is the clip's median distance, 0 is no reading. Labels are 0..13.
    """

    depth: NDArray[np.uint8]
    labels: NDArray[np.int64]


def load_probe_clips(folder: Path, split: str) -> ProbeClips:
    """Read one split (`train`, `val` or `test`). Raises SourceError."""
    package = load_package(folder, (split,))
    pictures = np.empty_like(package.depth)
    for i, clip in enumerate(package.depth):
        # offsets shift a whole clip: relative depth does not depend on them
        seen = clip > 0
        middle = float(np.median(clip[seen])) if seen.any() else 0.0
        codes = np.rint(128 + (middle - clip.astype(np.float32)) * package.step_mm / _STEP_MM)
        pictures[i] = np.where(seen, np.clip(codes, 1, 255), 0)
    return ProbeClips(pictures, package.fine // 2)


def resized(clip: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """Return a clip (T, h, w) at another size (T, size, size)."""
    return np.stack([cv2.resize(image, (size_px, size_px)) for image in clip]).astype(np.uint8)
