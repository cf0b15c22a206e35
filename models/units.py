"""Convolution units, pools and the inception block that the DSN and the DTN are built from.

Every kernel of the network is either [1, k, k] or [k, 1, 1], so no unit convolves in three
dimensions: spatial units see frames in the batch axis, temporal ones see sequences. Tensors are
named and shaped as in the released checkpoints.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

BN_EPS, BN_MOMENTUM = 1e-3, 0.01  # TensorFlow's defaults, which the authors' I3D came from


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding of one axis: the smaller half first."""
    total = max(kernel - (size % stride or stride), 0)
    return total // 2, total - total // 2


def same_padding_2d(x: Tensor, kernel: int, stride: int) -> tuple[int, int, int, int]:
    """SAME padding of the last two axes, in the order of `torch.nn.functional.pad`."""
    top, bottom = same_padding(x.shape[-2], kernel, stride)
    left, right = same_padding(x.shape[-1], kernel, stride)
    return left, right, top, bottom


class SpatialUnit3D(nn.Module):
    """Unit3D with a [1, k, k] kernel: convolution with SAME padding, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv3d = nn.Conv3d(inputs, outputs, (1, kernel, kernel), bias=False)
        self.bn = nn.BatchNorm2d(outputs, BN_EPS, BN_MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:  # (B T, C, H, W)
        left, right, top, bottom = same_padding_2d(x, self.kernel, self.stride)
        if left == right and top == bottom:
            padding = top, left
        else:  # a convolution's own padding is symmetric
            x, padding = functional.pad(x, (left, right, top, bottom)), (0, 0)
        x = functional.conv2d(x, self.conv3d.weight[:, :, 0], stride=self.stride, padding=padding)
        return functional.relu(self.bn(x), inplace=True)


class TemporalUnit3D(nn.Module):
    """Unit3D with a [k, 1, 1] kernel, k odd: convolution with SAME padding, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1) -> None:
        super().__init__()
        self.kernel = kernel
        self.conv3d = nn.Conv3d(inputs, outputs, (kernel, 1, 1), bias=False)
        self.bn = nn.BatchNorm1d(outputs, BN_EPS, BN_MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, T)
        x = functional.conv1d(x, self.conv3d.weight[:, :, :, 0, 0], padding=self.kernel // 2)
        return functional.relu(self.bn(x), inplace=True)


# A zero Pad before a MaxPool is not safe in exported graphs: ONNX Runtime's optimiser (1.31) moves
# it into the MaxPool, which pads with -inf. The pools below have none where the two differ.


def shrinking_max_pool(x: Tensor, kernel: int) -> Tensor:
    """[1, k, k] max pool of stride 2 of (B T, C, H, W), none of it negative (ReLU outputs)."""
    padding = same_padding_2d(x, kernel, 2)
    return functional.max_pool2d(functional.pad(x, padding) if any(padding) else x, kernel, 2)


def spatial_max_pool(x: Tensor) -> Tensor:
    """[1, 3, 3] max pool of stride 1 of (B T, C, H, W), padded with literal zeros."""
    H, W = x.shape[-2:]
    inside = x.new_full((max(H - 2, 0), max(W - 2, 0)), float("-inf"))
    floor = functional.pad(inside, (1, 1, 1, 1))[:H, :W]  # 0 where a window holds padding
    return torch.maximum(functional.max_pool2d(x, 3, 1, padding=1), floor)


def temporal_max_pool(x: Tensor) -> Tensor:
    """[3, 1, 1] max pool of stride 1 of (B, C, T), padded with literal zeros."""
    x = functional.pad(x, (1, 1))
    return torch.maximum(torch.maximum(x[..., :-2], x[..., 1:-1]), x[..., 2:])


def frames_apart(x: Tensor, frames: int) -> Tensor:
    """(B T, C, H, W) to (B, T, C, H, W)."""
    return x.reshape(-1, frames, *x.shape[1:])


class CentredPool(nn.Module):
    """[3, 3, 3] max pool over the frames t-1, t, t+1: the released one. It looks ahead."""

    memory = 0

    def forward(self, x: Tensor, frames: int, past: None) -> tuple[Tensor, None]:
        """Pool whole clips (B T, C, H, W); the frames around them are zeros."""
        x = frames_apart(spatial_max_pool(x), frames)  # (B, T, C, H, W)
        x = functional.pad(x, (0, 0, 0, 0, 0, 0, 1, 1))  # (B, T+2, C, H, W)
        x = torch.maximum(torch.maximum(x[:, :-2], x[:, 1:-1]), x[:, 2:])
        return x.flatten(0, 1), None  # (B T, C, H, W)


class CausalPool(nn.Module):
    """[3, 3, 3] max pool over the frames t-2, t-1, t."""

    memory = 2

    def forward(self, x: Tensor, frames: int, past: Tensor) -> tuple[Tensor, Tensor]:
        """Pool the next `frames` frames (B L, C, H, W), given the two before (B, 2, C, H, W).

        `past` holds spatially pooled frames, zeros before the stream's start. Returned with the
        pooled frames: the `past` of the frames to come.
        """
        x = frames_apart(spatial_max_pool(x), frames)  # (B, L, C, H, W)
        x = torch.cat((past, x), dim=1)  # (B, 2+L, C, H, W)
        y = torch.maximum(torch.maximum(x[:, :-2], x[:, 1:-1]), x[:, 2:])
        return y.flatten(0, 1), x[:, -2:]


class FramePool(nn.Module):
    """[1, 3, 3] max pool: the temporal kernel of 1 that the paper's text has."""

    memory = 0

    def forward(self, x: Tensor, frames: int, past: None) -> tuple[Tensor, None]:
        return spatial_max_pool(x), None


POOLS: dict[str, type[CentredPool] | type[CausalPool] | type[FramePool]] = {
    "centred": CentredPool,
    "causal": CausalPool,
    "none": FramePool,
}


class InceptionWidths(NamedTuple):
    """Output channels of the units of an inception block."""

    b0: int
    b1a: int
    b1b: int
    b2a: int
    b2b: int
    b3b: int

    @property
    def total(self) -> int:
        return self.b0 + self.b1b + self.b2b + self.b3b

    def scaled(self, factor: float) -> InceptionWidths:
        return InceptionWidths(*(scaled(width, factor) for width in self))


def scaled(channels: int, factor: float) -> int:
    return max(1, round(channels * factor))


class InceptionBlock(nn.Module):
    """Four paths over single frames, the last one behind a pool that may reach over time."""

    def __init__(self, inputs: int, widths: InceptionWidths, temporal_pool: str) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, widths.total
        self.b0 = SpatialUnit3D(inputs, widths.b0)
        self.b1a = SpatialUnit3D(inputs, widths.b1a)
        self.b1b = SpatialUnit3D(widths.b1a, widths.b1b, kernel=3)
        self.b2a = SpatialUnit3D(inputs, widths.b2a)
        self.b2b = SpatialUnit3D(widths.b2a, widths.b2b, kernel=3)
        self.b3a = POOLS[temporal_pool]()
        self.b3b = SpatialUnit3D(inputs, widths.b3b)

    def forward(self, x: Tensor, frames: int, past: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Features of `frames` frames (B L, C, H, W), and what the pool remembers of them."""
        pooled, past = self.b3a(x, frames, past)
        paths = self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)
        return torch.cat(paths, dim=1), past  # (B L, outputs, H, W)


class TemporalInceptionBlock(nn.Module):
    """The same four paths along time, with kernels and pool [3, 1, 1], for the DTN."""

    def __init__(self, inputs: int, widths: InceptionWidths) -> None:
        super().__init__()
        self.b0 = TemporalUnit3D(inputs, widths.b0)
        self.b1a = TemporalUnit3D(inputs, widths.b1a)
        self.b1b = TemporalUnit3D(widths.b1a, widths.b1b, kernel=3)
        self.b2a = TemporalUnit3D(inputs, widths.b2a)
        self.b2b = TemporalUnit3D(widths.b2a, widths.b2b, kernel=3)
        self.b3b = TemporalUnit3D(inputs, widths.b3b)

    def forward(self, x: Tensor) -> Tensor:  # (B, D, t)
        pooled = temporal_max_pool(x)
        paths = self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)
        return torch.cat(paths, dim=1)  # (B, D, t)
