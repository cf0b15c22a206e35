"""Networks of both modalities where one is missing: it adds nothing and breaks nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.fusion import FusionNetwork, FusionOutput
from motionrgbd.models.losses import fusion_loss
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.training.rebuilt_weights import rebuild_weights

pytestmark = pytest.mark.usefixtures("one_thread")

CONFIG = NetworkConfig(
    classes=5,
    window=6,
    branches=(2, 4, 5),
    feature=32,
    width=1 / 16,
    blocks=1,
    heads=4,
    recoupling_hidden=8,
    recoupling_width=4,
    modalities=("color", "depth"),
    depth_channels=1,
    image_size=32,
    temporal_pool="none",
    energies=2,
)
ABSENT = {"color": [0.0, 1.0], "depth": [1.0, 0.0]}


@pytest.fixture
def network() -> FusionNetwork:
    made = FusionNetwork(replace(CONFIG, energies=0)).eval()
    rebuild_weights(made)
    return made


def features(batch: int = 4, seed: int = 0) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    return tuple(torch.randn((batch, 6, 32), generator=g) for _ in range(2))  # type: ignore[return-value]


@torch.no_grad()
def test_depth_alone_is_the_depth_network(network: FusionNetwork) -> None:
    """Its features through its DTN and its head, to the bit, whatever stands for colour."""
    color, depth = features()
    alone = network.classifier2(network.Modalit_depth.dtn(depth).tokens.amax(dim=1))
    for stand_in in (torch.zeros_like(color), 100 * color):
        output = network.recognise(stand_in, depth, present=torch.tensor([ABSENT["color"]] * 4))
        assert torch.equal(output.depth, alone)
        assert torch.equal(output.scores, alone)


@torch.no_grad()
def test_each_row_has_its_own_modalities(network: FusionNetwork) -> None:
    color, depth = features()
    present = torch.tensor([[1.0, 1.0], ABSENT["depth"], ABSENT["color"], [1.0, 1.0]])
    output = network.recognise(color, depth, present=present)
    whole = network.recognise(color, depth)
    color_alone = network.classifier1(network.Modalit_rgb.dtn(color).tokens.amax(dim=1))
    depth_alone = network.classifier2(network.Modalit_depth.dtn(depth).tokens.amax(dim=1))
    torch.testing.assert_close(output.scores[[0, 3]], whole.scores[[0, 3]])
    torch.testing.assert_close(output.scores[1], color_alone[1])
    torch.testing.assert_close(output.scores[2], depth_alone[2])
    assert float((whole.scores[1] - color_alone[1]).norm()) > 1e-2  # together they say otherwise


@torch.no_grad()
def test_all_there_is_the_same_as_nothing_said(network: FusionNetwork) -> None:
    inputs = features()
    said, unsaid = network.recognise(*inputs, present=torch.ones(4, 2)), network.recognise(*inputs)
    assert torch.equal(said.scores, unsaid.scores)
    assert torch.equal(unsaid.scores, unsaid.color + unsaid.depth + unsaid.fusion)


@pytest.mark.parametrize("absent", ["color", "depth"])
def test_what_is_absent_leaves_no_trace_in_batch_statistics(
    network: FusionNetwork, absent: str
) -> None:
    state = {name: x.clone() for name, x in network.state_dict().items()}
    for part in network.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0  # it would draw other units for other rows
    color, depth = features()
    rows = torch.tensor([[1.0, 1.0], ABSENT[absent], [1.0, 1.0], [1.0, 1.0]])
    network.train().recognise(1000 * color, 1000 * depth, present=rows)
    mixed = {n: x.clone() for n, x in network.state_dict().items() if "running" in n}
    network.load_state_dict(state)
    kept = [0, 2, 3]
    network.recognise(1000 * color[kept], 1000 * depth[kept])
    of_absent = {"color": "Modalit_rgb", "depth": "Modalit_depth"}[absent]
    for name, x in network.state_dict().items():
        # the parts behind these see the other modality's tokens, which knew one more row
        if "running" in name and name.startswith(("crossFusion.", of_absent)):
            torch.testing.assert_close(mixed[name], x, msg=name)


@pytest.mark.parametrize("rows", [[[1, 0]] * 3, [[0, 1]] * 3, [[1, 1], [1, 0], [0, 1]]])
def test_a_batch_of_whatever_modalities_trains(rows: list[list[int]]) -> None:
    """Even where no row, or a single one without batch statistics, has both."""
    torch.manual_seed(0)
    network = StreamingNetwork(CONFIG).train()
    modes = [part.training for part in network.modules()]
    present = torch.tensor(rows, dtype=torch.float32)
    clips = [torch.randn(3, CONFIG.channels(m), 6, 32, 32) for m in CONFIG.modalities]
    x = network.frames(clips, [torch.rand(3, 1, 6, 32, 32)] * 2, present=present)
    for given, feature in zip(present.unbind(1), x, strict=True):
        assert [bool(row.any()) for row in feature] == given.bool().tolist()
    output = network.window(x, [torch.rand(3, 6, 2)] * 2, present=present)
    assert isinstance(output.parts, FusionOutput)
    fusion_loss(output.parts, torch.tensor([0, 1, 2]), 0.4).total.backward()
    gradients = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
    assert all(bool(g.isfinite().all()) for g in gradients.values())
    for name, column in (("Modalit_rgb", 0), ("Modalit_depth", 1), ("fusion_model", 2)):
        there = present.prod(1) if column == 2 else present[:, column]
        learns = any(bool(g.any()) for n, g in gradients.items() if name in n)
        assert learns == bool(there.any()), name
    assert [part.training for part in network.modules()] == modes


def test_losses_count_the_rows_that_have_what_they_are_about(network: FusionNetwork) -> None:
    target = torch.tensor([0, 1, 2, 3])
    present = torch.tensor([[1.0, 1.0], ABSENT["depth"], ABSENT["color"], [1.0, 1.0]])
    o = network.recognise(*features(), present=present)
    loss = fusion_loss(o, target, 0.4)

    def mean(logits: Tensor, rows: list[int]) -> Tensor:
        return functional.cross_entropy(logits[rows], target[rows], label_smoothing=0.1)

    expected = mean(o.color, [0, 1, 3]) + mean(o.depth, [0, 2, 3]) + mean(o.fusion, [0, 3])
    torch.testing.assert_close(loss.cross_entropy, expected)
    both = [0, 3]
    pairs = ((o.decoded, o.color_features), (o.decoded, o.depth_features))
    torch.testing.assert_close(
        loss.reconstruction, sum(functional.mse_loss(a[both], b[both]) for a, b in pairs)
    )
    nothing = fusion_loss(network.recognise(*features(), present=torch.zeros(4, 2)), target, 0.4)
    assert float(nothing.total.detach()) == 0.0
