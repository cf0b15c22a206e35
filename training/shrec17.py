"""SHREC'17 / DHG-14 hand crops (De Smedt et al.), in the packed form of 32 samples a clip."""

from __future__ import annotations

import csv
import lzma
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.synthetic.gestures import GESTURES

__all__ = ["GESTURES", "HandClips", "load_clips", "resized"]  # labels 1..14, in this order

_STEP_MM = 1.5  # of relative depth: +-190 mm around the hand


@dataclass(frozen=True)
class HandClips:
    """Clips of one split: depth pictures uint8 (n, 32, 50, 50) relative to the hand, labels (n,).

    Nearer is brighter, 128 is the clip's median distance, 0 is no reading.
    """

    depth: NDArray[np.uint8]
    labels: NDArray[np.int64]


def load_clips(folder: Path, split: str) -> HandClips:
    """Read one split (`train`, `val` or `test`). Raises FileNotFoundError or ValueError."""
    with (folder / "clips.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    if not rows:
        raise ValueError(f"{folder}: no clips of split {split!r}")
    index = np.array([int(row["index"]) for row in rows])
    with lzma.open(folder / "depth_u8.npy.xz") as file:
        depth = np.load(file)[index]
    aux = np.load(folder / "aux.npz")
    step_mm = float(aux["depth_step_mm"])
    pictures = np.empty_like(depth)
    for i, clip in enumerate(depth):
        # offsets shift a whole clip: relative depth does not depend on them
        seen = clip > 0
        middle = float(np.median(clip[seen])) if seen.any() else 0.0
        codes = np.rint(128 + (middle - clip.astype(np.float32)) * step_mm / _STEP_MM)
        pictures[i] = np.where(seen, np.clip(codes, 1, 255), 0)
    labels = np.array([int(row["label14"]) - 1 for row in rows])
    return HandClips(pictures, labels)


def resized(clip: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """Return a clip (T, h, w) at another size (T, size, size)."""
    return np.stack([cv2.resize(image, (size_px, size_px)) for image in clip]).astype(np.uint8)
