"""Streamed = whole clip, and no looking ahead, for each part that remembers and for the whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.losses import FusionLoss, UnimodalLoss, network_loss
from motionrgbd.models.streaming import StreamingNetwork, StreamingOutput, windows_at

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = NetworkConfig(
    classes=5,
    window=6,
    branches=(2, 4, 5),
    feature=32,
    width=1 / 16,
    blocks=2,
    heads=4,
    recoupling_hidden=8,
    recoupling_width=4,
    modalities=("color", "depth"),
    depth_channels=1,
    image_size=48,
    temporal_pool="causal",
    energies=2,
)
CONFIGS = {
    "both": TINY,
    "color": replace(TINY, modalities=("color",)),
    "depth": replace(TINY, modalities=("depth",), image_size=41),
    "frames alone": replace(TINY, temporal_pool="none"),
    "no guidance, no energies": replace(TINY, guided=False, energies=0),
    "wider, one block": replace(TINY, width=1 / 8, feature=64, blocks=1, recoupling_heads=2),
}
FRAMES = 9
Streams = tuple[list[Tensor], list[Tensor], list[Tensor]]


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS.keys())
def network(request: pytest.FixtureRequest) -> StreamingNetwork:
    return settled(request.param)


def settled(config: NetworkConfig) -> StreamingNetwork:
    """A network as if trained: features that follow the frames, gates that make values negative."""
    torch.manual_seed(0)
    network = StreamingNetwork(config).eval()
    for name, x in network.state_dict().items():
        if name.endswith("running_mean"):
            nn.init.normal_(x, 0, 0.1)
        elif name.endswith("running_var"):
            nn.init.uniform_(x, 0.5, 1.5)
        elif name.endswith("rpconv1d.weight"):
            x.copy_(torch.tensor([[[-1.5], [-0.6]]]))
        elif x.dim() > 1 and name.endswith("weight"):
            nn.init.normal_(x, 0, (2 / x[0].numel()) ** 0.5)
    return network


def streams(config: NetworkConfig, batch: int = 2, seed: int = 0) -> Streams:
    g = torch.Generator().manual_seed(seed)
    size = config.image_size
    clips, guidance, energies = [], [], []
    for modality in config.modalities:
        shape = batch, config.channels(modality), FRAMES, size, size
        clips.append(torch.randn(shape, generator=g))
        guidance.append(2 * torch.rand((batch, 1, FRAMES, size, size), generator=g))
        energies.append(torch.rand((batch, FRAMES, config.energies), generator=g))
    return clips, guidance, energies if config.energies else []


def distance(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape
    return float((a - b).norm() / b.norm())


def streamed(
    network: StreamingNetwork, clips: list[Tensor], guidance: list[Tensor]
) -> list[Tensor]:
    """Features (B, L, D) per modality, one frame at a time."""
    states = network.initial_state(clips[0].shape[0])
    features = []
    for t in range(clips[0].shape[2]):
        frame, states = network.step(
            [x[:, :, t] for x in clips], [g[:, :, t] for g in guidance], states
        )
        features.append(frame)
    return [torch.stack(modality, dim=1) for modality in zip(*features, strict=True)]


@torch.no_grad()
def test_features_frame_by_frame_equal_the_whole_clip(network: StreamingNetwork) -> None:
    clips, guidance, _ = streams(network.config)
    whole = network.frames(clips, guidance)
    for got, expected in zip(streamed(network, clips, guidance), whole, strict=True):
        assert distance(got, expected) < 1e-5


@torch.no_grad()
def test_features_do_not_look_ahead(network: StreamingNetwork) -> None:
    clips, guidance, _ = streams(network.config)
    whole = network.frames(clips, guidance)
    others, other_guidance, _ = streams(network.config, seed=1)
    for t in (0, 3, 7):
        mixed = [changed_after(t, a, b) for a, b in zip(clips, others, strict=True)]
        maps = [changed_after(t, a, b) for a, b in zip(guidance, other_guidance, strict=True)]
        for got, expected in zip(network.frames(mixed, maps), whole, strict=True):
            assert distance(got[:, : t + 1], expected[:, : t + 1]) < 1e-5
            assert distance(got[:, t + 1 :], expected[:, t + 1 :]) > 1e-2


def changed_after(t: int, x: Tensor, other: Tensor) -> Tensor:
    """The clip x (B, C, L, H, W), its frames after t taken from another clip."""
    return torch.cat((x[:, :, : t + 1], other[:, :, t + 1 :]), dim=2)


@torch.no_grad()
def test_scores_of_every_prefix_equal_the_streamed_ones(network: StreamingNetwork) -> None:
    clips, guidance, energies = streams(network.config)
    T = network.config.window
    features = streamed(network, clips, guidance)
    for t in (0, 1, T - 1, FRAMES - 1):
        live = network.window(
            [windows_at(x, [t], T) for x in features], [windows_at(e, [t], T) for e in energies]
        )
        prefix = network(
            [x[:, :, : t + 1] for x in clips],
            [g[:, :, : t + 1] for g in guidance],
            [e[:, : t + 1] for e in energies],
        )
        assert distance(live.scores, prefix.scores) < 1e-5
        assert distance(live.features, prefix.features) < 1e-5


@torch.no_grad()
def test_streams_of_a_batch_do_not_mix(network: StreamingNetwork) -> None:
    clips, guidance, energies = streams(network.config)
    both = network(clips, guidance, energies)
    second = network([x[1:] for x in clips], [g[1:] for g in guidance], [e[1:] for e in energies])
    assert distance(second.scores, both.scores[1:]) < 1e-5


@torch.no_grad()
@pytest.mark.parametrize("name", ["both", "color", "depth"])
def test_output_has_the_scores_of_its_modalities(name: str) -> None:
    config = CONFIGS[name]
    output = settled(config)(*streams(config))
    assert output.scores.shape == (2, 5)
    assert (output.color is not None) == ("color" in config.modalities)
    assert (output.depth is not None) == ("depth" in config.modalities)
    assert output.features.shape == (2, 32 * len(config.modalities))


@torch.no_grad()
def test_energies_reach_the_scores() -> None:
    clips, guidance, energies = streams(TINY)
    network = settled(TINY)
    moved = network(clips, guidance, [3 * e for e in energies])
    assert distance(moved.scores, network(clips, guidance, energies).scores) > 1e-3


def test_windows_repeat_the_first_frame_before_the_start() -> None:
    x = torch.arange(4.0)[None, :, None].expand(2, -1, 3)  # (B, L, C)
    windows = windows_at(x, [1, 3], 3)
    assert windows.shape == (4, 3, 3)
    assert windows[..., 0].tolist() == [[0, 0, 1], [1, 2, 3], [0, 0, 1], [1, 2, 3]]


def test_a_network_that_looks_ahead_is_refused() -> None:
    with pytest.raises(ValueError, match="look ahead"):
        StreamingNetwork(replace(TINY, temporal_pool="centred"))


@pytest.mark.parametrize(("name", "kind"), [("both", FusionLoss), ("depth", UnimodalLoss)])
def test_every_parameter_learns(name: str, kind: type) -> None:
    config = CONFIGS[name]
    network = settled(config).train()
    output: StreamingOutput = network(*streams(config))
    loss = network_loss(output.parts, torch.tensor([0, 1]), 0.4)
    assert isinstance(loss, kind)
    loss.total.backward()
    idle = [
        n
        for n, p in network.named_parameters()
        if p.grad is None or not bool(p.grad.isfinite().all())
    ]
    assert idle == []
