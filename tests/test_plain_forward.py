"""The network with frames in the batch axis equals its plain form in 3-D operators."""

import pytest
import torch

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.fusion import FusionNetwork
from motionrgbd.training.plain_forward import plain_fusion
from motionrgbd.training.rebuilt_weights import rebuild_weights


@pytest.mark.parametrize("size", [64, 48])
def test_frames_in_the_batch_axis_change_nothing(size):
    config = NetworkConfig(
        5,
        window=8,
        branches=(2, 4, 6),
        feature=32,
        width=0.125,
        blocks=1,
        heads=2,
        modalities=("color", "depth"),
        image_size=size,
    )
    network = FusionNetwork(config).eval()
    rebuild_weights(network)
    torch.manual_seed(0)
    clips = [torch.randn(2, 3, 8, size, size) for _ in range(2)]
    maps = [torch.rand(2, 1, 8, size, size) for _ in range(2)]
    with torch.no_grad():
        fast = network(*clips, *maps)
    plain = plain_fusion(network, *clips, *maps)
    torch.testing.assert_close(fast.scores, plain.scores, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(fast.color_features, plain.color_features, rtol=1e-4, atol=1e-5)
