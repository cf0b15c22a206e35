"""The reference architecture, trained small: how far do `live` and `exact` agree on real weights?

Centred temporal pools as released, sized down, on SHREC'17 depth crops (cut clips of 32 samples).
`motionrgbd train probe --data FOLDER --out FOLDER` makes its state dict.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from motionrgbd.core.guidance import GuidanceSettings, clip_guidance
from motionrgbd.core.preprocess import normalise
from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.recipe import FrameView, GreyDepth, Recipe
from motionrgbd.models.unimodal import UnimodalNetwork
from motionrgbd.training.loop import Schedule, fit, prepared
from motionrgbd.training.objective import Objective
from motionrgbd.training.probe_clips import ProbeClips, load_probe_clips, resized

SIZE_PX = 48
CONFIG = NetworkConfig(
    classes=len(GESTURES),
    window=32,
    branches=(8, 16, 24),
    feature=128,
    width=0.25,
    blocks=2,
    heads=4,
    recoupling_hidden=64,
    recoupling_width=32,
    modalities=("depth",),
    depth_channels=3,
    image_size=SIZE_PX,
    temporal_pool="centred",
)
RECIPE = Recipe(
    name="reference-probe",
    fps_hz=15.0,
    window=32,
    size_px=(SIZE_PX, SIZE_PX),
    view=FrameView((SIZE_PX, SIZE_PX), (0, 0, SIZE_PX, SIZE_PX)),
    depth=GreyDepth(),
    guidance_window=4,
)
BATCH = 24
STEPS_PER_EPOCH = 100

Sample = tuple[Tensor, Tensor, Tensor]  # clips, guidance, targets


def network_inputs(clips: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return clip (B, 3, T, h, w) and guidance (B, 1, T, h, w) of uint8 (B, T, h, w)."""
    settings = GuidanceSettings.of(RECIPE)
    maps = [clip_guidance(clip, settings)[None] for clip in clips]
    # three equal channels, last in memory: what pools are fast on
    channels = normalise(clips.reshape(-1, clips.shape[-1]))[0].reshape(*clips.shape, 1)
    depth = torch.from_numpy(np.repeat(channels, 3, axis=4)).permute(0, 4, 1, 2, 3)
    return depth, torch.from_numpy(np.stack(maps))


class ClipSampler:
    """Draws augmented clips: rotated, scaled and shifted as a whole, brightness moved."""

    def __init__(self, clips: ProbeClips, seed: int) -> None:
        self._clips = clips
        self._seed = seed

    def batch(self, step: int) -> Sample:
        """Return clips, guidance and targets of this step."""
        rng = np.random.default_rng((self._seed, step))
        chosen = rng.integers(0, len(self._clips.labels), BATCH)
        clips = np.stack([self._augmented(rng, self._clips.depth[i]) for i in chosen])
        return *network_inputs(clips), torch.from_numpy(self._clips.labels[chosen])

    def _augmented(self, rng: np.random.Generator, clip: np.ndarray) -> np.ndarray:
        side = clip.shape[1]
        warp = cv2.getRotationMatrix2D(
            (side / 2, side / 2), rng.uniform(-15, 15), rng.uniform(0.85, 1.15) * SIZE_PX / side
        )
        warp[:, 2] += rng.uniform(-3, 3, 2) + (SIZE_PX - side) / 2
        return np.stack([cv2.warpAffine(image, warp, (SIZE_PX, SIZE_PX)) for image in clip])


class ReferenceProbe:
    """The task of `training.loop.fit`."""

    def __init__(self, sampler: ClipSampler, held_out: ProbeClips) -> None:
        self._sampler, self._held_out = sampler, held_out
        self._objective = Objective()

    def build(self) -> UnimodalNetwork:
        return prepared(UnimodalNetwork(CONFIG))

    def batches(self, epoch: int) -> Iterator[Sample]:
        first = epoch * STEPS_PER_EPOCH
        return map(self._sampler.batch, range(first, first + STEPS_PER_EPOCH))

    def loss(self, network: UnimodalNetwork, batch: Sample, epoch: int) -> dict[str, Tensor]:
        clips, guidance, targets = batch
        with torch.autocast("cpu", torch.bfloat16):
            features = network.spatial(clips, guidance)
        return self._objective.loss(network.recognise(features.float()), targets)

    def validate(self, network: UnimodalNetwork) -> dict[str, float]:
        return {"accuracy": accuracy(network, self._held_out)}


@torch.no_grad()
def accuracy(network: UnimodalNetwork, clips: ProbeClips) -> float:
    """Return the share of clips whose best class is right."""
    right = 0
    for start in range(0, len(clips.labels), BATCH):
        span = slice(start, start + BATCH)
        pictures = np.stack([resized(clip, SIZE_PX) for clip in clips.depth[span]])
        logits = network(*network_inputs(pictures)).logits
        right += int((logits.argmax(1).numpy() == clips.labels[span]).sum())
    return right / len(clips.labels)


def main(argv: list[str] | None = None) -> int:
    """Train the probe; print its accuracy on `val`."""
    parser = argparse.ArgumentParser(prog="motionrgbd train probe", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with shrec17/")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=7, help=f"of {STEPS_PER_EPOCH} steps")
    arguments = parser.parse_args(argv)
    train, held_out = (
        load_probe_clips(arguments.data / "shrec17", name) for name in ("train", "val")
    )
    schedule = Schedule(
        arguments.epochs,
        STEPS_PER_EPOCH,
        warmup_epochs=0.1 * arguments.epochs,
        validate_every=arguments.epochs,
    )
    task = ReferenceProbe(ClipSampler(train, schedule.seed), held_out)
    network = fit(task, schedule, arguments.out, accelerator="cpu")
    torch.save({"model": network.state_dict()}, arguments.out / "probe.pt")
    print(f"val accuracy {accuracy(network, held_out):.4f}; wrote {arguments.out / 'probe.pt'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
