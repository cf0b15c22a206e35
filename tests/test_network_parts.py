"""Fast paths against their definitions, and the rules that the parity numbers cannot isolate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.dsn import GuidanceGate, shrink
from motionrgbd.models.dtn import DTN, bin_middles, bins, random_picks
from motionrgbd.models.losses import sharpness
from motionrgbd.models.rcm import RCM
from motionrgbd.models.transformer import Transformer, nearest
from motionrgbd.models.units import (
    CausalPool,
    CentredPool,
    FramePool,
    SpatialUnit3D,
    same_padding,
    shrinking_max_pool,
    spatial_max_pool,
    temporal_max_pool,
)

TINY = NetworkConfig(
    classes=3,
    window=8,
    branches=(2, 4, 6),
    feature=32,
    blocks=2,
    heads=4,
    recoupling_hidden=8,
    recoupling_width=4,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        (224, 7, 2, (2, 3)),
        (112, 3, 2, (0, 1)),
        (56, 3, 1, (1, 1)),
        (7, 2, 2, (0, 1)),
        (5, 1, 1, (0, 0)),
    ],
)
def test_same_padding_puts_the_smaller_half_first(
    size: int, kernel: int, stride: int, padding: tuple[int, int]
) -> None:
    assert same_padding(size, kernel, stride) == padding


@pytest.mark.parametrize(("kernel", "stride"), [(7, 2), (3, 1), (3, 2), (1, 1)])
@pytest.mark.parametrize("size", [9, 10])
def test_a_spatial_unit_is_a_padded_three_dimensional_convolution(
    size: int, kernel: int, stride: int
) -> None:
    torch.manual_seed(0)
    unit = SpatialUnit3D(3, 4, kernel, stride).eval()
    x = torch.randn(1, 3, 5, size, size, generator=generator())  # (B, C, T, H, W)
    before, after = same_padding(size, kernel, stride)
    padded = functional.pad(x, (before, after, before, after))
    plain = functional.conv3d(padded, unit.conv3d.weight, stride=(1, stride, stride))
    plain = functional.relu(plain / np.sqrt(1 + 1e-3))  # running mean 0 and variance 1
    torch.testing.assert_close(unit(x[0].transpose(0, 1)), plain[0].transpose(0, 1))


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (2, 2), (3, 3), (7, 6)])
def test_pools_pad_with_zeros_where_everything_is_negative(size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size, generator=generator()) - 2
    plain = functional.max_pool2d(functional.pad(x, (1, 1, 1, 1)), 3, 1)
    assert torch.equal(spatial_max_pool(x), plain)
    sequence = x.flatten(2)
    plain = functional.max_pool1d(functional.pad(sequence, (1, 1)), 3, 1)
    assert torch.equal(temporal_max_pool(sequence), plain)


def test_shrinking_pool_pads_after_the_picture() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert shrinking_max_pool(x, 3).flatten().tolist() == [10, 11, 14, 15]


class Pools(nn.Module):
    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:  # (L, C, H, W)
        pooled, _ = CausalPool()(x, x.shape[0], past)
        return pooled, temporal_max_pool(x.flatten(2))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_exported_pools_still_pad_with_zeros(tmp_path: Path) -> None:
    """ONNX Runtime would merge a zero Pad into a MaxPool, which pads with -inf."""
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    x = torch.rand(2, 3, 4, 4, generator=generator()) - 2
    past = torch.full((1, 2, 3, 4, 4), -3.0)
    program = torch.onnx.export(
        Pools().eval(), (x, past), dynamo=True, external_data=False, opset_version=18, verbose=False
    )
    assert program is not None
    program.save(tmp_path / "pools.onnx")
    session = runtime.InferenceSession(tmp_path / "pools.onnx", providers=["CPUExecutionProvider"])
    feed = {i.name: v.numpy() for i, v in zip(session.get_inputs(), (x, past), strict=True)}
    for got, expected in zip(session.run(None, feed), Pools()(x, past), strict=True):
        np.testing.assert_array_equal(got, expected.numpy())


def clip_of(frames: list[float]) -> Tensor:
    """One stream of one channel whose 3x3 pictures are constant (T, 1, 3, 3)."""
    return torch.tensor(frames)[:, None, None, None].expand(-1, 1, 3, 3)


def middle(x: Tensor) -> list[float]:
    return [float(v) for v in x[:, 0, 1, 1]]


def test_each_temporal_pool_sees_its_frames() -> None:
    x = clip_of([5.0, 1.0, 2.0, 3.0, -4.0])
    centred, _ = CentredPool()(x, 5, None)
    causal, _ = CausalPool()(x, 5, torch.zeros(1, 2, 1, 3, 3))
    alone, _ = FramePool()(x, 5, None)
    assert middle(centred) == [5, 5, 3, 3, 3]
    assert middle(causal) == [5, 5, 5, 3, 3]
    assert middle(alone) == [5, 1, 2, 3, -4]


@pytest.mark.parametrize("chunks", [(1, 1, 1, 1, 1), (2, 3), (4, 1), (5,)])
def test_causal_pool_in_chunks_equals_the_whole(chunks: tuple[int, ...]) -> None:
    x = torch.randn(2, 5, 3, 4, 4, generator=generator()) - 1  # (B, T, C, H, W), mostly negative
    start = torch.zeros(2, 2, 3, 4, 4)
    whole, _ = CausalPool()(x.flatten(0, 1), 5, start)
    past, parts = start, []
    for chunk in x.split(chunks, dim=1):
        y, past = CausalPool()(chunk.flatten(0, 1), chunk.shape[1], past)
        parts.append(y.reshape(2, -1, 3, 4, 4))
    assert torch.equal(torch.cat(parts, dim=1), whole.reshape(2, 5, 3, 4, 4))


def test_guidance_enters_by_its_equation_and_starts_as_nothing() -> None:
    gate = GuidanceGate()
    x, g = torch.randn(2, 3, 4, 4, generator=generator()), torch.rand(2, 1, 4, 4)
    assert torch.equal(gate(x, g), 2 * x)  # a = 1, b = 0: x + x
    with torch.no_grad():
        gate.rpconv1d.weight.copy_(torch.tensor([[[0.3], [-0.7]]]))
    torch.testing.assert_close(gate(x, g), x + 0.3 * x - 0.7 * x * (1 + g))


@pytest.mark.parametrize("size", [224, 112, 100, 50])
def test_guidance_shrinks_to_the_features(size: int) -> None:
    g = torch.rand(1, 1, size, size, generator=generator())
    small = -(-size // 8)
    assert shrink(g, torch.zeros(1, 1, small, small)).shape[-2:] == (small, small)
    assert float(shrink(g, torch.zeros(1, 1, 1, 1))) == float(g.max())


def test_nearest_keeps_the_largest_scores() -> None:
    scores = torch.randn(2, 4, 17, 17, generator=generator())
    kept = nearest(scores).isfinite()
    assert kept.sum(dim=-1).unique().tolist() == [11]  # int(0.7 17)
    assert torch.equal(nearest(scores)[kept], scores[kept])
    smallest_kept = scores.masked_fill(~kept, torch.inf).amin(dim=-1)
    largest_dropped = scores.masked_fill(kept, -torch.inf).amax(dim=-1)
    assert bool((smallest_kept > largest_dropped).all())


def test_class_token_equals_the_first_row_of_the_layer() -> None:
    torch.manual_seed(0)
    layer = Transformer(32, 4).eval()
    x = torch.randn(3, 9, 32)
    torch.testing.assert_close(layer.class_token(x), layer(x)[:, :1])


@pytest.mark.parametrize("heads", [1, 3])
def test_mean_over_queries_commutes_with_the_product(heads: int) -> None:
    torch.manual_seed(0)
    rcm = RCM(
        NetworkConfig(classes=3, window=8, feature=32, heads=4, recoupling_heads=heads)
    ).eval()
    x = torch.randn(2, 8, 32)
    torch.testing.assert_close(rcm.query_mean(x), rcm.query_mean_plain(x))
    assert rcm(x).sequence.shape == x.shape


def test_bins_cover_the_window_and_repeat_when_it_is_short() -> None:
    assert [list(b) for b in bins(7, 3)] == [[0, 1], [2, 3], [4, 5, 6]]
    assert bin_middles(64, 16) == [4 * i + 1 for i in range(16)]
    assert bin_middles(2, 4) == [0, 0, 1, 1]
    assert all(m == int(np.mean(b)) for m, b in zip(bin_middles(64, 48), bins(64, 48), strict=True))


def test_random_picks_come_from_the_bins_and_the_generator() -> None:
    picks = random_picks(TINY, generator(3))
    assert picks == random_picks(TINY, generator(3))
    assert picks != random_picks(TINY, generator(4))
    for frames, count in zip(picks, TINY.branches, strict=True):
        assert all(f in b for f, b in zip(frames, bins(TINY.window, count), strict=True))


def test_dtn_reads_only_the_picked_frames() -> None:
    torch.manual_seed(0)
    dtn = DTN(TINY).eval()
    sequence = torch.randn(2, 4, 32)
    others = dtn.branch("media", sequence)
    assert others.shape == (2, 32)
    x = torch.randn(1, 8, 32)
    picks = [0, 4], [0, 2, 4, 6], [0, 1, 3, 4, 6, 7]
    assert not torch.equal(dtn(x, picks).tokens, dtn(x).tokens)
    assert torch.equal(dtn(x, dtn.middles).tokens, dtn(x).tokens)


def test_sharpness_rises_to_its_end_in_thirty_epochs() -> None:
    schedule = np.linspace(0.04, 0.07, 30)
    np.testing.assert_allclose([sharpness(e) for e in range(30)], schedule)
    assert sharpness(30) == sharpness(300) == pytest.approx(0.07)
