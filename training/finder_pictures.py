"""Pictures that the hand finder's network learns from: rebuilt hands, synthetic ones, and none.

Small depth pictures (120, 160) with the box of the raised hand, or an empty box. SHREC'17's
official training split alone, the synthetic performer, and people at rest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.hand_net import SMALL_WIDTH_PX
from motionrgbd.core.synthetic.recording import render_stream
from motionrgbd.training.hand_clips import CAMERA, Package
from motionrgbd.training.rebuilt_frames import staged_clip

HEIGHT_PX = 120
_SCALE = SMALL_WIDTH_PX / CAMERA.width_px
SMALL_CAMERA = Intrinsics(
    SMALL_WIDTH_PX,
    HEIGHT_PX,
    CAMERA.fx_px * _SCALE,
    CAMERA.fy_px * _SCALE,
    CAMERA.cx_px * _SCALE,
    CAMERA.cy_px * _SCALE,
)
_EMPTY = 0.2  # of the rebuilt clips hold no hand
_KEPT = slice(0, None, 3)  # neighbouring samples show the same


@dataclass(frozen=True)
class Pictures:
    """depth: uint16 (n, 120, 160), mm. boxes: float32 (n, 4), left top right bottom in px; zeros
    where no hand is raised."""

    depth: NDArray[np.uint16]
    boxes: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.depth)


def joined(parts: Sequence[Pictures]) -> Pictures:
    """Return all pictures of several sets."""
    return Pictures(
        np.concatenate([part.depth for part in parts]),
        np.concatenate([part.boxes for part in parts]),
    )


def rebuilt_pictures(package: Package, seed: int, people: Sequence[NDArray[np.uint8]]) -> Pictures:
    """Return every third sample of each clip in front of a person, one clip in five empty."""
    parts = []
    for clip in range(len(package)):
        rng = np.random.default_rng((seed, clip))
        one = clip_of(package, clip, empty=rng.random() < _EMPTY)
        rebuilt = staged_clip(one, 0, seed=seed, people=people, camera=SMALL_CAMERA)
        boxes = np.zeros((len(rebuilt.hands), 4), np.float32)
        for i, hand in enumerate(rebuilt.hands):
            if hand is not None:
                boxes[i] = dataclasses.astuple(hand.box)
        parts.append(Pictures(rebuilt.depth[_KEPT], boxes[_KEPT]))
    return joined(parts)


def clip_of(package: Package, clip: int, *, empty: bool = False) -> Package:
    """Return a package of one clip; empty: without the hand."""
    keep = slice(clip, clip + 1)
    values = {k: v if k == "step_mm" else v[keep] for k, v in vars(package).items()}
    if empty:
        values["depth"] = np.zeros_like(values["depth"])
    return Package(**values)


def synthetic_pictures(seed: int) -> Pictures:
    """Return pictures of one synthetic recording, five a second."""
    stream = render_stream(seed, fps_hz=5.0, size_px=(SMALL_WIDTH_PX, HEIGHT_PX))
    y0, x0, y1, x1 = stream.boxes_px.T
    return Pictures(stream.depth, np.stack([x0, y0, x1, y1], 1).astype(np.float32))


def in_parallel(
    package: Package, seeds: Sequence[int], people: Sequence[NDArray[np.uint8]], workers: int
) -> Pictures:
    """Return rebuilt pictures of all clips, once per seed; per 40, a synthetic recording."""
    # a fork of a process with threads (torch has some) may wait for a lock that nobody holds
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        rebuilt = [pool.submit(rebuilt_pictures, package, seed, people) for seed in seeds]
        count = len(seeds) * len(package) // 40
        drawn = [pool.submit(synthetic_pictures, 500_000 + i) for i in range(count)]
        return joined([job.result() for job in (*rebuilt, *drawn)])


def varied(
    rng: np.random.Generator, depth: NDArray[np.uint16], box: NDArray[np.float32]
) -> tuple[NDArray[np.uint16], NDArray[np.float32], bool]:
    """Return a picture as another camera might have taken it, its box, and whether it measures.

    Mirrored, nearer or farther, moved; cut off behind; with lost readings; and, half the time, in
    codes of an unknown scale.
    """
    height, width = depth.shape
    zoom = float(np.exp(rng.uniform(-0.75, 0.45)))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    centre = np.array([width / 2, height / 2])
    if box.any():
        centre = np.array([box[0] + box[2], box[1] + box[3]]) / 2
    goal = np.array([width, height]) * rng.uniform(0.12, 0.88, 2)
    goal = 0.5 * goal + 0.5 * (np.array([width, height]) / 2 + (centre - [width / 2, height / 2]))
    turn = np.array(
        [[flip * zoom, 0, goal[0] - flip * zoom * centre[0]], [0, zoom, goal[1] - zoom * centre[1]]]
    )
    border = cv2.BORDER_REPLICATE if rng.random() < 0.6 else cv2.BORDER_CONSTANT
    depth = np.asarray(
        cv2.warpAffine(depth, turn, (width, height), flags=cv2.INTER_NEAREST, borderMode=border),
        np.uint16,
    )
    if box.any():
        x = np.sort(turn[0, 0] * box[[0, 2]] + turn[0, 2])
        y = np.sort(turn[1, 1] * box[[1, 3]] + turn[1, 2])
        box = np.array([x[0], y[0], x[1], y[1]], np.float32)
        box = np.clip(box, 0, [width, height, width, height]).astype(np.float32)
    front = _front(depth, box)
    if rng.random() < 0.35:
        depth = np.where(depth < front + rng.uniform(120, 900), depth, 0).astype(np.uint16)
    depth = _lost(rng, depth)
    if rng.random() < 0.5:
        measured = np.asarray(np.minimum(depth / zoom, 9000.0), np.uint16)
        return measured, box, True
    return _coded(rng, depth, front), box, False


def _front(depth: NDArray[np.uint16], box: NDArray[np.float32]) -> float:
    """Return the distance of the hand, or of the nearest things where there is none."""
    x0, y0, x1, y1 = box.astype(int)
    part = depth[y0:y1, x0:x1] if box.any() else depth
    seen = part[part > 0]
    return float(np.percentile(seen, 25)) if len(seen) else 500.0


def _lost(rng: np.random.Generator, depth: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Lose readings: single ones, and patches."""
    depth = depth.copy()
    depth[rng.random(depth.shape) < rng.choice([0.0, 0.01, 0.05])] = 0
    for _ in range(int(rng.integers(0, 4))):
        y, x = rng.integers(0, depth.shape[0]), rng.integers(0, depth.shape[1])
        h, w = rng.integers(2, 14), rng.integers(2, 14)
        depth[y : y + h, x : x + w] = 0
    if rng.random() < 0.3:  # stray readings, nearer than anything
        count = int(rng.integers(1, 30))
        rows = rng.integers(0, depth.shape[0], count)
        columns = rng.integers(0, depth.shape[1], count)
        depth[rows, columns] = rng.integers(150, 500, count)
    return depth


def _coded(rng: np.random.Generator, depth: NDArray[np.uint16], front: float) -> NDArray[np.uint16]:
    """Return depth as 8-bit codes of another scale, read as 200 mm + 4 mm a code."""
    step = rng.uniform(2.0, 16.0)
    begin = front - step * rng.uniform(5.0, 90.0)
    codes = np.clip((depth - begin) / step, 1, 255)
    codes = np.where(depth > 0, codes, 0.0)
    if rng.random() < 0.3:  # far things at the last code, where others have no reading
        codes[depth == 0] = 255.0
    if rng.random() < 0.4:  # a compressed video: readings beside holes are drawn towards them
        kernel = np.ones((3, 3), np.uint8)
        fringe = (cv2.dilate((codes == 0).astype(np.uint8), kernel) > 0) & (codes > 0)
        drawn = fringe & (rng.random(codes.shape) < rng.uniform(0.1, 0.9))
        codes[drawn] *= rng.random(int(drawn.sum()))
    return np.where(codes >= 1, 200 + 4 * codes, 0).astype(np.uint16)
