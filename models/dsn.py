"""DSN: spatial features of every frame, guided by its motion (paper, sections 3.1 and 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.units import (
    InceptionBlock,
    InceptionWidths,
    SpatialUnit3D,
    scaled,
    shrinking_max_pool,
)

WIDTHS = {
    "Mixed_3b": InceptionWidths(64, 96, 128, 16, 32, 32),
    "Mixed_3c": InceptionWidths(128, 128, 192, 32, 96, 64),
    "Mixed_4b": InceptionWidths(192, 96, 208, 16, 48, 64),
    "Mixed_4c": InceptionWidths(160, 112, 224, 24, 64, 64),
    "Mixed_5b": InceptionWidths(256, 160, 320, 32, 128, 128),
    "Mixed_5c": InceptionWidths(384, 192, 384, 48, 128, 128),
}
BLOCKS = tuple(WIDTHS)
GUIDED_BLOCKS = ("Mixed_3b", "Mixed_4b", "Mixed_5b")
POOL_AFTER = {"Mixed_3c": 3, "Mixed_4c": 2}  # kernel; stride 2

State = tuple[Tensor, ...]
"""What a DSN remembers of streams: for each block the two frames before, as its pool sees them,
(B, 2, C, H, W); nothing at all, the empty tuple, if its pools do not remember."""


class GuidanceGate(nn.Module):
    """x <- x + a x + b x (1 + g): where guidance enters the DSN (FRP, Eq. 5)."""

    def __init__(self) -> None:
        super().__init__()
        self.rpconv1d = nn.Conv1d(2, 1, 1, bias=False)  # its weight is (a, b)
        with torch.no_grad():
            self.rpconv1d.weight.copy_(torch.tensor([[[1.0], [0.0]]]))

    def forward(self, x: Tensor, g: Tensor) -> Tensor:  # (F, C, H, W), (F, 1, H, W)
        a, b = self.rpconv1d.weight[0, 0, 0], self.rpconv1d.weight[0, 1, 0]
        return x * (1 + a + b + b * g)


class NoGate(nn.Module):
    """The network without guidance."""

    def forward(self, x: Tensor, g: Tensor) -> Tensor:
        return x


def shrink(g: Tensor, x: Tensor) -> Tensor:
    """Max-pool the maps g 2x2 until they are no larger than x."""
    while g.shape[-1] > x.shape[-1] or g.shape[-2] > x.shape[-2]:
        g = functional.max_pool2d(
            g, 2, ceil_mode=True
        )  # ceil: odd sizes shrink as SAME padding does
    return g


class DSN(nn.Module):
    """Frames and their guidance to one feature each: O = DSN(clip, guidance)."""

    def __init__(self, config: NetworkConfig, modality: str) -> None:
        super().__init__()
        w, pool = config.width, config.temporal_pool
        self.image_size = config.image_size
        self.Conv3d_1a_7x7 = SpatialUnit3D(config.channels(modality), scaled(64, w), 7, stride=2)
        self.Conv3d_2b_1x1 = SpatialUnit3D(scaled(64, w), scaled(64, w))
        self.Conv3d_2c_3x3 = SpatialUnit3D(scaled(64, w), scaled(192, w), 3)
        inputs = scaled(192, w)
        for name, widths in WIDTHS.items():
            self.add_module(name, InceptionBlock(inputs, widths.scaled(w), pool))
            inputs = widths.scaled(w).total
        self.LinearMap = nn.Sequential(nn.LayerNorm(inputs), nn.Linear(inputs, config.feature))
        if config.guided:
            self.frp_module: GuidanceGate | NoGate = GuidanceGate()
        else:
            self.frp_module = NoGate()

    def spatial(self, clip: Tensor, guidance: Tensor) -> Tensor:
        """Features O (B, T, D) of whole clips (B, C, T, H, W), guidance (B, 1, T, H, W)."""
        state = self.initial_state(clip.shape[0], clip.shape[3], clip.shape[4])
        return self.advance(clip, guidance, state)[0]

    def advance(self, clip: Tensor, guidance: Tensor, state: State) -> tuple[Tensor, State]:
        """Features (B, L, D) of the next L frames (B, C, L, H, W) of streams, and their state."""
        frames = clip.shape[2]
        x = clip.transpose(1, 2).flatten(0, 1)  # (B L, C, H, W)
        g = guidance.transpose(1, 2).flatten(0, 1)  # (B L, 1, H, W)
        x = self.stem(x)  # (B L, 192, H/8, W/8)
        pasts: list[Tensor | None] = []
        for name, past in zip(BLOCKS, state or (None,) * len(BLOCKS), strict=True):
            x, past = self.block(name)(x, frames, past)
            x, g = self.after(name, x, g)
            pasts.append(past)
        x = self.LinearMap(x.mean(dim=(2, 3)))  # (B L, D)
        features = x.view(-1, frames, x.shape[1])  # (B, L, D)
        return features, tuple(p for p in pasts if p is not None)

    def stem(self, x: Tensor) -> Tensor:
        """Pictures (F, C, H, W) to the first inception block's input."""
        x = self.Conv3d_1a_7x7(x)  # (F, 64, H/2, W/2)
        # one channel leaves the layout open, and in the other one pools take ten times longer
        x = x.contiguous(memory_format=torch.channels_last)
        x = shrinking_max_pool(x, 3)  # (F, 64, H/4, W/4)
        x = self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x))  # (F, 192, H/4, W/4)
        return shrinking_max_pool(x, 3)  # (F, 192, H/8, W/8)

    def block(self, name: str) -> InceptionBlock:
        block = getattr(self, name)
        assert isinstance(block, InceptionBlock)
        return block

    def after(self, name: str, x: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
        """From a block's output to the next one's input: guidance, or a pool, and g shrunk."""
        if name in GUIDED_BLOCKS:
            g = shrink(g, x)
            x = self.frp_module(x, g)
        if name in POOL_AFTER:
            x = shrinking_max_pool(x, POOL_AFTER[name])
        return x, g

    def initial_state(self, batch: int, height: int, width: int) -> State:
        """The state before the first frame of `batch` streams of height x width px: zeros."""
        for _ in range(3):  # the stem halves three times
            height, width = (height + 1) // 2, (width + 1) // 2
        state = []
        for name in BLOCKS:
            block = self.block(name)
            if block.b3a.memory:
                shape = batch, block.b3a.memory, block.inputs, height, width
                state.append(self.Conv3d_1a_7x7.conv3d.weight.new_zeros(shape))
            if name in POOL_AFTER:
                height, width = (height + 1) // 2, (width + 1) // 2
        return tuple(state)
