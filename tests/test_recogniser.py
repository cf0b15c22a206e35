"""The whole path from frames to probabilities, against the released pipeline on a cut clip."""

import numpy as np
import pytest
import torch
from tiny_networks import FUSED, SIDE_PX, WINDOW

from motionrgbd.core.depth8 import EightBitDepth
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.guidance import GuidanceSettings, clip_guidance
from motionrgbd.core.preprocess import normalise
from motionrgbd.core.recogniser import Recogniser, softmax
from motionrgbd.core.sampling import bin_indices
from motionrgbd.models.recipe import FrameView, GreyDepth, Recipe
from motionrgbd.models.released import ReleasedFusionNetwork
from motionrgbd.training.export import released_bundle
from motionrgbd.training.rebuilt_weights import rebuild_weights

T, FRAMES, SIDE = WINDOW, 20, SIDE_PX  # as 64 of 80 frames: a 24 Hz grid in a 30 Hz clip
STORED = EightBitDepth("brighter_is_nearer")
RECIPE = Recipe(
    "tiny",
    24.0,
    T,
    (SIDE, SIDE),
    FrameView((SIDE, SIDE), (0, 0, SIDE, SIDE)),
    GreyDepth("brighter_is_nearer", near_mm=200, step_mm=8),
)
INFO = SourceInfo("clip", False, 30.0, True, True, eight_bit=STORED)


@pytest.fixture(scope="module")
def network() -> ReleasedFusionNetwork:
    made = ReleasedFusionNetwork(FUSED).eval()
    rebuild_weights(made)
    return made


def clip(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (n, h, w, 3) and 8-bit depth (n, h, w), rough in space and time."""
    rng = np.random.default_rng(seed)
    color = rng.integers(0, 256, (FRAMES, SIDE, SIDE, 3), np.uint8)
    return color, rng.integers(0, 256, (FRAMES, SIDE, SIDE), np.uint8)


def frames(seed: int, start_s: float) -> list[RGBDFrame]:
    color, codes = clip(seed)
    return [RGBDFrame(color[i], STORED.to_mm(codes[i]), i, start_s + i / 30) for i in range(FRAMES)]


def released_probabilities(network: ReleasedFusionNetwork, seed: int) -> np.ndarray:
    """As the released code scores a clip: sample, normalise, guidance, the whole network."""
    color, codes = (pictures[bin_indices(FRAMES, T)] for pictures in clip(seed))
    tensors = []
    for pictures in (color, np.repeat(codes[..., None], 3, axis=3)):
        images = torch.from_numpy(np.stack([normalise(p) for p in pictures], axis=1))[None]
        maps = clip_guidance(pictures, GuidanceSettings(RECIPE.guidance_window))
        tensors.append((images, torch.from_numpy(maps)[None, None]))
    (images, maps), (depth, depth_maps) = tensors
    with torch.no_grad():
        return softmax(network(images, depth, maps, depth_maps).scores[0].numpy())


def test_a_cut_clip_scores_as_the_released_pipeline(network):
    """A stream's first window does; so does the first one after a gap, a jump back and a reset."""
    bundle, _ = released_bundle(network, RECIPE, mode="exact")
    recogniser = Recogniser(bundle, device="cpu")
    recogniser.open(INFO)
    for seed, start_s in ((0, 0.0), (1, 100.0), (2, 3.0), (3, 4.0)):
        if seed == 3:
            recogniser.reset()
        steps = [step for frame in frames(seed, start_s) for step in recogniser.push(frame)]
        assert [step.prediction is None for step in steps] == [True] * (T - 1) + [False]
        np.testing.assert_allclose(
            steps[-1].prediction.probabilities, released_probabilities(network, seed), atol=1e-4
        )
    recogniser.close()
