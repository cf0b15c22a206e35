"""The per-frame network in 3-D operators, as the paper's figure has it: the definition, and slow.

`models/dsn.py` computes the same with frames in the batch axis. Here a clip stays (B, C, T, H, W)
and every kernel is [1, k, k] or [3, 3, 3]: what a forward pass costs that is written down plainly.
Evaluation mode only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from motionrgbd.models.dsn import BLOCKS, DSN, GUIDED_BLOCKS, POOL_AFTER
from motionrgbd.models.fusion import FusionNetwork, FusionOutput
from motionrgbd.models.units import InceptionBlock, SpatialUnit3D, same_padding


@torch.no_grad()
def plain_fusion(
    network: FusionNetwork,
    color: Tensor,
    depth: Tensor,
    color_guidance: Tensor,
    depth_guidance: Tensor,
) -> FusionOutput:
    """Return the network's output for clips (B, 3, T, H, W) and guidance (B, 1, T, H, W)."""
    return network.recognise(
        plain_spatial(network.Modalit_rgb, color, color_guidance),
        plain_spatial(network.Modalit_depth, depth, depth_guidance),
    )


@torch.no_grad()
def plain_spatial(dsn: DSN, clip: Tensor, guidance: Tensor) -> Tensor:
    """Return features O (B, T, D) of a network with centred pools."""
    x = _pool(_unit(dsn.Conv3d_1a_7x7, clip), 3)  # (B, 64, T, H/4, W/4)
    x = _unit(dsn.Conv3d_2c_3x3, _unit(dsn.Conv3d_2b_1x1, x))  # (B, 192, T, H/4, W/4)
    x = _pool(x, 3)  # (B, 192, T, H/8, W/8)
    for name in BLOCKS:
        x = _block(dsn.block(name), x)
        if name in GUIDED_BLOCKS:
            x = dsn.frp_module(x, _shrunk(guidance, x))
        if name in POOL_AFTER:
            x = _pool(x, POOL_AFTER[name])
    features = dsn.LinearMap(x.mean(dim=(3, 4)).transpose(1, 2))
    return cast(Tensor, features)  # O (B, T, D)


def _unit(unit: SpatialUnit3D, x: Tensor) -> Tensor:
    x = functional.pad(x, _same(x, (1, unit.kernel, unit.kernel), (1, unit.stride, unit.stride)))
    x = functional.conv3d(x, unit.conv3d.weight, stride=(1, unit.stride, unit.stride))
    bn = unit.bn
    x = functional.batch_norm(x, bn.running_mean, bn.running_var, bn.weight, bn.bias, eps=bn.eps)
    return functional.relu(x)


def _block(block: InceptionBlock, x: Tensor) -> Tensor:
    pooled = functional.max_pool3d(functional.pad(x, (1,) * 6), 3, 1)
    paths = (
        _unit(block.b0, x),
        _unit(block.b1b, _unit(block.b1a, x)),
        _unit(block.b2b, _unit(block.b2a, x)),
        _unit(block.b3b, pooled),
    )
    return torch.cat(paths, dim=1)


def _pool(x: Tensor, kernel: int) -> Tensor:
    """[1, k, k] max pool of stride 2, padded with literal zeros."""
    size, stride = (1, kernel, kernel), (1, 2, 2)
    return functional.max_pool3d(functional.pad(x, _same(x, size, stride)), size, stride)


def _shrunk(g: Tensor, x: Tensor) -> Tensor:
    while g.shape[-1] > x.shape[-1]:
        g = functional.max_pool3d(g, (1, 2, 2), ceil_mode=True)
    return g


def _same(x: Tensor, kernel: Sequence[int], stride: Sequence[int]) -> list[int]:
    """Return SAME padding of the last three axes, in the order of `functional.pad`."""
    pairs = [same_padding(n, k, s) for n, k, s in zip(x.shape[2:], kernel, stride, strict=True)]
    return [n for pair in reversed(pairs) for n in pair]
