"""The reference architecture, trained small: how far do `live` and `exact` agree on real weights?

Centred temporal pools as released, sized down, on SHREC'17 depth crops (cut clips of 32 samples).
`motionrgbd train probe --data FOLDER --out FOLDER` makes its state dict.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from motionrgbd.core.guidance import GuidanceSettings, clip_guidance
from motionrgbd.core.preprocess import normalise
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.recipe import FrameView, GreyDepth, Recipe
from motionrgbd.models.unimodal import UnimodalNetwork, UnimodalOutput
from motionrgbd.training.loop import Schedule, fit, prepared
from motionrgbd.training.shrec17 import GESTURES, HandClips, load_clips, resized

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


def network_inputs(clips: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return clip (B, 3, T, h, w) and guidance (B, 1, T, h, w) of uint8 (B, T, h, w)."""
    settings = GuidanceSettings(RECIPE.guidance_window)
    maps = [clip_guidance(clip, settings)[None] for clip in clips]
    # three equal channels, last in memory: what pools are fast on
    channels = normalise(clips.reshape(-1, clips.shape[-1]))[0].reshape(*clips.shape, 1)
    depth = torch.from_numpy(np.repeat(channels, 3, axis=4)).permute(0, 4, 1, 2, 3)
    return depth, torch.from_numpy(np.stack(maps))


class ClipSampler:
    """Draws augmented clips: rotated, scaled and shifted as a whole, brightness moved."""

    def __init__(self, clips: HandClips, seed: int) -> None:
        self._clips = clips
        self._seed = seed

    def batch(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
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


def scores(
    network: UnimodalNetwork, data: tuple[Tensor, Tensor, Tensor]
) -> tuple[UnimodalOutput, Tensor]:
    """Score a batch."""
    clips, guidance, targets = data
    with torch.autocast("cpu", torch.bfloat16):
        features = network.spatial(clips, guidance)
    return network.recognise(features.float()), targets


@torch.no_grad()
def accuracy(network: UnimodalNetwork, clips: HandClips) -> float:
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
    parser.add_argument("--steps", type=int, default=700)
    arguments = parser.parse_args(argv)
    arguments.out.mkdir(parents=True, exist_ok=True)
    schedule = Schedule(steps=arguments.steps)
    sampler = ClipSampler(load_clips(arguments.data / "shrec17", "train"), schedule.seed)
    network = fit(
        lambda: prepared(UnimodalNetwork(CONFIG)),
        sampler.batch,
        scores,
        schedule,
        arguments.out / "log.jsonl",
    )
    torch.save({"model": network.state_dict()}, arguments.out / "probe.pt")
    share = accuracy(network, load_clips(arguments.data / "shrec17", "val"))
    print(f"val accuracy {share:.4f}; wrote {arguments.out / 'probe.pt'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
