"""The first bundled model: fourteen gestures and idle, learned from the synthetic hand alone.

`motionrgbd train first` runs it: minutes on two cores. It exists so that the program can be tried
without a camera; its scores on real hands are not measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.recipe import HandView, Recipe, RelativeDepth
from motionrgbd.models.streaming import StreamingNetwork, StreamingOutput, windows_at
from motionrgbd.training.chunks import Batch, batch_of
from motionrgbd.training.synthetic_streams import IGNORED, Stream

LABELS = ("idle", *GESTURES)
RECIPE = Recipe(
    name="synthetic-hand",
    fps_hz=15.0,
    window=32,
    size_px=(64, 64),
    view=HandView(),
    depth=RelativeDepth(),
    guidance_window=4,
    guidance_floor=4.0,
    motion=True,
    padding="repeat_first",
    warmup_s=1.0,
)
CONFIG = NetworkConfig(
    classes=len(LABELS),
    window=RECIPE.window,
    branches=(8, 16, 24),
    feature=128,
    width=0.25,
    blocks=2,
    heads=4,
    recoupling_hidden=64,
    recoupling_width=32,
    modalities=("color", "depth"),
    depth_channels=1,
    image_size=64,
    temporal_pool="none",
    energies=9,
)
VALIDATION_SEEDS = range(900_000, 900_012)


def window_scores(network: StreamingNetwork, batch: Batch) -> StreamingOutput:
    """Score all windows of a batch; frames are paid for once."""
    features = network.frames(batch.clips, batch.guidance)  # (B, L, D) each
    window = network.config.window
    return network.window(
        [windows_at(x, batch.ends, window) for x in features],
        [windows_at(m, batch.ends, window) for m in batch.motion],
    )


def _known(network: StreamingNetwork, batch: Batch) -> tuple[Any, Tensor]:
    """Score the windows whose class is known."""
    known = batch.targets != IGNORED
    parts = window_scores(network, batch).parts
    chosen = type(parts)(**{name: value[known] for name, value in vars(parts).items()})
    return chosen, batch.targets[known]


@torch.no_grad()
def window_accuracy(network: StreamingNetwork, streams: Sequence[Stream]) -> float:
    """Return the share of right classes over every known frame of whole, unaugmented streams."""
    right = count = 0
    for stream in streams:
        batch = batch_of([stream], RECIPE, list(range(len(stream.targets))))
        known = batch.targets != IGNORED
        predicted = window_scores(network, batch).scores.argmax(1)
        right += int((predicted[known] == batch.targets[known]).sum())
        count += int(known.sum())
    return right / max(1, count)
