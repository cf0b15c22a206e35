"""Augmented chunks of streams: pictures, guidance and motion as the live path makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionrgbd.core.guidance import GuidanceSettings, GuidanceStream
from motionrgbd.core.preprocess import motion_vector, normalise
from motionrgbd.models.recipe import Recipe
from motionrgbd.training.synthetic_streams import Stream

Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class ChunkPlan:
    """`batch` chunks of `chunk` frames a step, each scored at `windows` of its frames.

    Most of a stream is idle: up to `gestures` of a chunk's windows end in one.
    """

    batch: int = 8
    chunk: int = 56
    windows: int = 10
    gestures: float = 0.7
    seed: int = 1


@dataclass(frozen=True)
class Batch:
    """Network input of chunks: pictures (B, C, L, H, W), maps (B, 1, L, H, W), motion (B, L, E).

    ends: long (B, E), the frames at which windows end; targets: long (B * E,), their classes.
    """

    clips: Pair
    guidance: Pair
    motion: Pair
    ends: Tensor
    targets: Tensor


class ChunkSampler:
    """Draws augmented chunks of streams; a step's batch depends on the plan and the step alone."""

    def __init__(self, streams: Sequence[Stream], recipe: Recipe, plan: ChunkPlan) -> None:
        self._streams = [s for s in streams if len(s.targets) > plan.chunk]
        if not self._streams:
            raise ValueError(f"no stream is longer than a chunk of {plan.chunk} frames")
        self._recipe = recipe
        self._plan = plan

    def batch(self, step: int) -> Batch:
        """Return the batch of this step."""
        plan = self._plan
        rng = np.random.default_rng((plan.seed, step))
        chunks = [self._chunk(rng) for _ in range(plan.batch)]
        ends = np.stack([self._ends(rng, chunk.targets) for chunk in chunks])
        return batch_of(chunks, self._recipe, ends)

    def _ends(self, rng: np.random.Generator, targets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Choose where windows end: in gestures first, the rest where nothing happens."""
        plan = self._plan
        inside, idle = np.flatnonzero(targets > 0), np.flatnonzero(targets == 0)
        wanted = min(round(plan.gestures * plan.windows), len(inside))
        if not len(idle):
            wanted = plan.windows
        chosen = rng.choice(inside, wanted) if wanted else inside[:0]
        rest = rng.choice(idle, plan.windows - wanted) if wanted < plan.windows else idle[:0]
        return np.sort(np.concatenate([chosen, rest]))

    def _chunk(self, rng: np.random.Generator) -> Stream:
        stream = self._streams[rng.integers(len(self._streams))]
        start = int(rng.integers(0, len(stream.targets) - self._plan.chunk))
        span = slice(start, start + self._plan.chunk)
        warp = _random_warp(rng, self._recipe.size_px)
        return Stream(
            color=_jitter_color(rng, _warped(stream.color[span], warp)),
            depth=_jitter_depth(rng, _warped(stream.depth[span], warp)),
            trajectory=_jitter_trajectory(rng, stream.trajectory[span]),
            targets=stream.targets[span],
        )


def batch_of(streams: Sequence[Stream], recipe: Recipe, ends: NDArray[np.int64]) -> Batch:
    """Return B streams of equal length as a batch, scored at the frames `ends` (B, E)."""
    settings = GuidanceSettings(recipe.guidance_window, recipe.guidance_floor)
    views = [
        [_view(images, stream.trajectory, settings) for images in (stream.color, stream.depth)]
        for stream in streams
    ]
    pictures, maps, motion = (_pair(views, part) for part in range(3))
    # (B, L, h, w, C) seen as (B, C, L, h, w): channels last in memory is what pools are fast on
    color, depth = (x.permute(0, 4, 1, 2, 3) for x in pictures)
    clips = (color, depth)
    targets = np.concatenate([s.targets[e] for s, e in zip(streams, ends, strict=True)])
    return Batch(clips, maps, motion, torch.from_numpy(ends), torch.from_numpy(targets))


def _pair(views: Sequence[Sequence[tuple[Any, ...]]], part: int) -> Pair:
    color, depth = (
        torch.from_numpy(np.stack([view[modality][part] for view in views])) for modality in (0, 1)
    )
    return color, depth


def _view(
    images: NDArray[np.uint8], trajectory: NDArray[np.float32], settings: GuidanceSettings
) -> tuple[NDArray[np.float32], ...]:
    """Return pictures (L, h, w, C), maps (1, L, h, w) and motion (L, E) of one modality."""
    guidance = GuidanceStream(settings)
    maps = [guidance.push(image) for image in images]
    motion = [motion_vector(m, t) for m, t in zip(maps, trajectory, strict=True)]
    pictures = np.stack([np.moveaxis(normalise(image), 0, 2) for image in images])
    return pictures, np.stack([m.values for m in maps])[None], np.stack(motion)


def _random_warp(rng: np.random.Generator, size_px: tuple[int, int]) -> NDArray[np.float64]:
    """Draw a small rotation, scale and shift: where the finder puts its box varies."""
    center = (size_px[0] / 2, size_px[1] / 2)
    warp = cv2.getRotationMatrix2D(center, rng.uniform(-10, 10), rng.uniform(0.88, 1.12))
    warp[:, 2] += rng.uniform(-0.08, 0.08, 2) * np.array(size_px)
    return np.asarray(warp)


def _warped(images: NDArray[np.uint8], warp: NDArray[np.float64]) -> NDArray[np.uint8]:
    size = (images.shape[2], images.shape[1])
    return np.stack([cv2.warpAffine(image, warp, size) for image in images]).astype(np.uint8)


def _jitter_color(rng: np.random.Generator, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    gain = rng.uniform(0.6, 1.4) * rng.uniform(0.85, 1.15, 3)
    values = images * gain + rng.uniform(-25, 25) + rng.normal(0, rng.uniform(0, 5), images.shape)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _jitter_depth(rng: np.random.Generator, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    noise = rng.normal(0, rng.uniform(0, 3), images.shape)
    values = np.clip(np.rint(images + rng.uniform(-12, 12) + noise), 1, 255)
    holes = (images == 0) | (rng.random(images.shape) < rng.uniform(0, 0.03))
    values[holes] = 0
    return values.astype(np.uint8)


def _jitter_trajectory(
    rng: np.random.Generator, trajectory: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Shift the place, scale place and speed; what says that a hand was found stays."""
    out = trajectory * np.float32(rng.uniform(0.85, 1.15))
    out[:, :3] += rng.normal(0, 0.25, 3)
    out[:, :6] += rng.normal(0, 0.02, (len(out), 6))
    out[:, 6] = trajectory[:, 6]
    out[trajectory[:, 6] == 0] = 0
    return out.astype(np.float32)
