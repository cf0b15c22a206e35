"""Real people at rest: the quiet beginnings and ends of videos with one gesture each.

Idle must not be told by its origin, so rest comes from real rooms too: ChaLearn's gesture data
(the training videos of a cgd2011 batch, IsoGD's training clips), hands found as in the application.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.hand_finder import PLACE_MIDDLE_M, PLACE_SCALE_M
from motionrgbd.core.preprocess import make_preparer
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.video import VideoSource
from motionrgbd.models.recipe import HandView, Recipe
from motionrgbd.training.hand_clips import WIDE_M, WIDE_PX
from motionrgbd.training.hand_streams import IDLE_GESTURE
from motionrgbd.training.synthetic_hands import IGNORED, HandRecording

QUIET = 0.35  # of a video's strongest motion
MARGIN = 1  # frames between rest and what moves
LEAST_FRAMES = 4  # of a rest that is worth training on


def training_videos(data: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the colour and depth files of the training parts of both sets, where they are."""
    for name, column, wanted, depth in (
        ("cgd2011", "part", "train", "depth_file"),
        ("isogd", "split", "train", "depth_aligned_file"),
    ):
        table = data / name / "clips.csv"
        if not table.is_file():
            continue
        with table.open() as file:
            for row in csv.DictReader(file):
                if row[column] == wanted:
                    yield data / name / row["color_file"], data / name / row[depth]


def real_idle(color: Path, depth: Path, recipe: Recipe) -> HandRecording | None:
    """Return a video on the recipe's grid, idle where it rests; None where it never does."""
    source = VideoSource(color, depth, SourceOptions(depth_direction="darker"))
    frames = list(iter(source.read, None))
    rate_hz = source.info.fps_hz
    source.close()
    wide = replace(recipe, size_px=(WIDE_PX, WIDE_PX), view=HandView(side_m=WIDE_M, smoothing=0.0))
    preparer = make_preparer(wide, source.info.intrinsics, source.info.eight_bit)
    seen = [preparer.prepare(frame) for frame in frames]
    quiet = resting(frames)
    if quiet.sum() < LEAST_FRAMES:
        return None
    count = int(len(frames) / rate_hz * recipe.fps_hz)
    at = np.minimum((np.arange(count) / recipe.fps_hz * rate_hz).astype(int), len(frames) - 1)
    path = np.stack([view.trajectory for view in seen])[at]
    found = path[:, 6] > 0
    if not found.any():
        return None
    return HandRecording(
        color=np.stack([view.color for view in seen if view.color is not None])[at],
        depth=np.stack([view.depth for view in seen if view.depth is not None])[at],
        place=_held(metres_of(path), found),
        found=found,
        gesture=np.where(quiet[at], IDLE_GESTURE, IGNORED),
    )


def metres_of(path: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the places (L, 3) in m of trajectories (L, 7): the inverse of the finder's scaling."""
    middle = np.array([0.0, 0.0, PLACE_MIDDLE_M])
    return np.asarray(path[:, :3].astype(np.float64) * PLACE_SCALE_M + middle)


def _held(place: NDArray[np.float64], found: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Let the last place stand where none is found, as the crop does; before, the first one."""
    last = np.maximum.accumulate(np.where(found, np.arange(len(found)), -1))
    return np.asarray(place[np.where(last < 0, int(np.argmax(found)), last)])


def resting(frames: list[RGBDFrame]) -> NDArray[np.bool_]:
    """Tell which frames lie before the first strong motion of a video, or after its last."""
    small = [
        cv2.resize(frame.depth, (80, 60), interpolation=cv2.INTER_AREA).astype(np.float32)
        for frame in frames
        if frame.depth is not None
    ]
    change = [float(np.abs(b - a).mean()) for a, b in itertools.pairwise(small)]
    energy = np.array([0.0, *change])
    moving = np.flatnonzero(energy > QUIET * energy.max())
    out = np.ones(len(frames), np.bool_)
    if len(moving):
        out[max(0, moving[0] - MARGIN) : moving[-1] + MARGIN + 1] = False
    return out


def load_real_idle(data: Path, recipe: Recipe) -> list[HandRecording]:
    """Return the rest of every training video that has any; empty where the sets are not there."""
    found = [real_idle(color, depth, recipe) for color, depth in training_videos(data)]
    return [recording for recording in found if recording is not None]
