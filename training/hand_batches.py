"""Streams of hands as one batch: frames of all streams in a row, windows as indices into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionrgbd.core.guidance import GuidanceSettings, GuidanceStream
from motionrgbd.core.preprocess import PIXEL_MEAN, PIXEL_SCALE, motion_vector
from motionrgbd.models.recipe import Modality, Recipe
from motionrgbd.training.hand_streams import HandStream


@dataclass(frozen=True)
class ModalityBatch:
    """One modality of N frames: clip (1, C, N, h, w), guidance (1, 1, N, h, w), motion (N, 9)."""

    clip: Tensor
    guidance: Tensor
    motion: Tensor


@dataclass(frozen=True)
class HandBatch:
    """Frames of several streams and E windows over them.

    windows: long (E, T), frames of each; those before a stream's start repeat its first, as live.
    fine: long (E,), 0..28 or UNKNOWN; gesture: long (E,), 0..14.
    """

    color: ModalityBatch | None
    depth: ModalityBatch | None
    windows: Tensor
    fine: Tensor
    gesture: Tensor


def hand_batch(
    streams: Sequence[HandStream], recipe: Recipe, modalities: Sequence[Modality]
) -> HandBatch:
    """Return streams as a batch, with guidance and motion as the live path makes them."""
    settings = GuidanceSettings.of(recipe)
    windows, start = [], 0
    for stream in streams:
        steps = stream.ends[:, None] - recipe.window + 1 + np.arange(recipe.window)
        windows.append(np.maximum(steps, 0) + start)
        start += len(stream.depth)
    parts = {m: _modality(streams, m, settings) for m in modalities}
    return HandBatch(
        color=parts.get("color"),
        depth=parts.get("depth"),
        windows=torch.from_numpy(np.concatenate(windows)),
        fine=torch.from_numpy(np.concatenate([stream.fine for stream in streams])),
        gesture=torch.from_numpy(np.concatenate([stream.gesture for stream in streams])),
    )


def _modality(
    streams: Sequence[HandStream], modality: Modality, settings: GuidanceSettings
) -> ModalityBatch:
    pictures: list[NDArray[np.uint8]] = []
    maps, motion = [], []
    for stream in streams:
        images = stream.depth if modality == "depth" else stream.color
        assert images is not None, "the streams were drawn without colour"
        guidance = GuidanceStream(settings)
        for image, path in zip(images, stream.trajectory, strict=True):
            one = guidance.push(image)
            maps.append(one.values)
            motion.append(motion_vector(one, path))
        pictures.append(images)
    pixels = torch.from_numpy(np.concatenate(pictures))
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    # (N, h, w, C) seen as (C, N, h, w): channels last in memory is what convolutions are fast on
    clip = ((pixels.float() - PIXEL_MEAN) / PIXEL_SCALE).permute(3, 0, 1, 2)
    return ModalityBatch(
        clip[None], torch.from_numpy(np.stack(maps))[None, None], torch.from_numpy(np.stack(motion))
    )
