"""The first bundled model: fourteen gestures and idle, learned from the synthetic hand alone.

`motionrgbd train first` runs it: minutes on two cores. It exists so that the program can be tried
without a camera; its scores on real hands are not measured.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.models.bundle import Card
from motionrgbd.models.checkpoint import Checkpoint, save_checkpoint
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.recipe import HandView, Recipe, RelativeDepth
from motionrgbd.models.streaming import StreamingNetwork, StreamingOutput, windows_of
from motionrgbd.training.chunks import Batch, ChunkPlan, ChunkSampler, batch_of
from motionrgbd.training.loop import Schedule, fit, prepared
from motionrgbd.training.objective import Objective
from motionrgbd.training.synthetic_streams import IGNORED, Stream, cached_streams

LABELS = ("idle", *GESTURES)
RECIPE = Recipe(
    name="synthetic-hand",
    fps_hz=15.0,
    window=32,
    size_px=(48, 48),
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
    image_size=48,
    temporal_pool="none",
    energies=9,
)
# Chosen on ten held-out recordings of the training domain and ten of the demo's (not the demo's
# own): 267 of 280 gestures in time, 279 events.
DECISION = {"on": 0.6, "off": 0.25, "hold_s": 0.21, "smoothing_s": 0.3, "refractory_s": 0.5}
_STEPS_PER_EPOCH = 100
VALIDATION_SEEDS = range(900_000, 900_012)


def window_scores(network: StreamingNetwork, batch: Batch) -> StreamingOutput:
    """Score all windows of a batch; frames are paid for once."""
    # bfloat16 halves the convolutions' share of a training step; windows stay in float32
    with torch.autocast("cpu", torch.bfloat16, enabled=network.training):
        features = network.frames(batch.clips, batch.guidance)  # (B, L, D) each
    features = tuple(x.float() for x in features)
    window = network.config.window
    return network.window(
        [windows_of(x, batch.ends, window) for x in features],
        [windows_of(m, batch.ends, window) for m in batch.motion],
    )


def _known(network: StreamingNetwork, batch: Batch) -> tuple[Any, Tensor]:
    """Score the windows whose class is known."""
    known = batch.targets != IGNORED
    parts = window_scores(network, batch).parts
    chosen = type(parts)(**{name: value[known] for name, value in vars(parts).items()})
    return chosen, batch.targets[known]


class FirstModel:
    """The task of `training.loop.fit`: chunks of streams in, the known windows' loss out."""

    def __init__(
        self, sampler: ChunkSampler, steps_per_epoch: int, held_out: Sequence[Stream] = ()
    ) -> None:
        self._sampler, self._steps, self._held_out = sampler, steps_per_epoch, held_out
        self._objective = Objective()

    def build(self) -> StreamingNetwork:
        return prepared(StreamingNetwork(CONFIG))

    def batches(self, epoch: int) -> Iterator[Batch]:
        first = epoch * self._steps
        return map(self._sampler.batch, range(first, first + self._steps))

    def loss(self, network: StreamingNetwork, batch: Batch, epoch: int) -> dict[str, Tensor]:
        return self._objective.loss(*_known(network, batch))

    def validate(self, network: StreamingNetwork) -> dict[str, float]:
        if not self._held_out:
            return {}
        return {"window_accuracy": window_accuracy(network, self._held_out)}


@torch.no_grad()
def window_accuracy(network: StreamingNetwork, streams: Sequence[Stream]) -> float:
    """Return the share of right classes over every known frame of whole, unaugmented streams."""
    right = count = 0
    for stream in streams:
        batch = batch_of([stream], RECIPE, np.arange(len(stream.targets))[None])
        known = batch.targets != IGNORED
        predicted = window_scores(network, batch).scores.argmax(1)
        right += int((predicted[known] == batch.targets[known]).sum())
        count += int(known.sum())
    return right / max(1, count)


def main(argv: Sequence[str] | None = None) -> int:
    """Render (or reuse) the streams, train, write the checkpoint, print its validation score."""
    parser = argparse.ArgumentParser(prog="motionrgbd train first", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for log and checkpoint")
    parser.add_argument("--streams", type=int, default=180, help="recordings of about 40 s each")
    parser.add_argument("--steps", type=int, default=2200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    given.out.mkdir(parents=True, exist_ok=True)
    cache = given.out / "streams"
    workers = os.cpu_count() or 1
    streams = list(cached_streams(range(given.streams), RECIPE, LABELS, cache, workers=workers))
    held_out = list(cached_streams(VALIDATION_SEEDS, RECIPE, LABELS, cache, workers=workers))
    sampler = ChunkSampler(streams, RECIPE, ChunkPlan(seed=given.seed))
    schedule = _schedule(given.steps, given.seed)
    task = FirstModel(sampler, schedule.steps_per_epoch, held_out)

    def describe(network: StreamingNetwork, figures: Mapping[str, float]) -> Checkpoint:
        return _checkpoint(network, given, figures.get("window_accuracy", 0.0))

    network = fit(task, schedule, given.out, accelerator="cpu", describe=describe)
    accuracy = window_accuracy(network, held_out)
    path = given.out / "model.safetensors"
    save_checkpoint(path, _checkpoint(network, given, accuracy))
    print(f"windows of held-out training-domain streams: {accuracy:.4f} right; wrote {path}")
    return 0


def _schedule(steps: int, seed: int) -> Schedule:
    """Cut a run into epochs: what a killed one loses at most. Scored once, at its end."""
    per_epoch = min(steps, _STEPS_PER_EPOCH)
    epochs = max(1, round(steps / per_epoch))
    return Schedule(
        epochs,
        per_epoch,
        warmup_epochs=0.1 * epochs,
        ema=0.99,
        seed=seed,
        validate_every=epochs,
    )


def _checkpoint(
    network: StreamingNetwork, given: argparse.Namespace, accuracy: float
) -> Checkpoint:
    card = Card(
        data=f"{given.streams} synthetic recordings (training domain, seeds 0 to "
        f"{given.streams - 1}), drawn by this program; no recording of a person",
        command=f"motionrgbd train first --out DIR --streams {given.streams} "
        f"--steps {given.steps} --seed {given.seed}",
        scores={"held-out synthetic windows, training domain (seeds 900000-900011)": accuracy},
        licence="MIT, as the program",
    )
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    return Checkpoint(state, CONFIG, RECIPE, LABELS, DECISION, card)


if __name__ == "__main__":
    raise SystemExit(main())
