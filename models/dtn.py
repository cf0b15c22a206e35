"""DTN: temporal features of three sub-sequences of a window (paper, section 3.3, Eq. 7-10)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.rcm import RCM, NoRCM
from motionrgbd.models.transformer import Transformer
from motionrgbd.models.units import InceptionWidths, TemporalInceptionBlock, temporal_max_pool

BRANCHES = ("small", "media", "large")  # the checkpoints' spelling
WIDTHS_512 = InceptionWidths(160, 112, 224, 24, 64, 64)  # sums to D = 512, and scales with it
SHARPEST, SHARPNESS = 0.04, 0.07  # temperatures of the first epoch, and from the 30th on

Picks = tuple[Sequence[int], Sequence[int], Sequence[int]]
"""Which frames of the window the small, medium and large branch see."""


def bins(frames: int, count: int) -> list[range]:
    """`count` bins over `frames` frames; with fewer frames than bins they repeat."""
    edges = [int(frames * i / count) for i in range(count + 1)]
    return [range(a, max(a + 1, b)) for a, b in pairwise(edges)]


def bin_middles(frames: int, count: int) -> list[int]:
    """int(mean(bin)): what evaluation takes of every bin."""
    return [(b[0] + b[-1]) // 2 for b in bins(frames, count)]


def random_picks(config: NetworkConfig, generator: torch.Generator) -> Picks:
    """One frame of every bin at random, per branch: what training takes."""

    def pick(count: int) -> list[int]:
        return [
            b[int(torch.randint(len(b), (), generator=generator))]
            for b in bins(config.window, count)
        ]

    small, medium, large = config.branches
    return pick(small), pick(medium), pick(large)


class Temporal(NamedTuple):
    """What the DTN makes of a window."""

    tokens: Tensor  # (B, 3, D): class tokens of the small, medium and large branch
    frame_attention: Tensor  # A_Y (B, T), 0..1
    student: Tensor  # A_Y as features (B, D), for the distillation loss


class DTN(nn.Module):
    """RCM, then three Transformer branches, each ending in its class token."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        D = config.feature
        small, medium, large = config.branches
        self.middles: Picks = (
            bin_middles(config.window, small),
            bin_middles(config.window, medium),
            bin_middles(config.window, large),
        )
        self.rcm = RCM(config) if config.recoupling else NoRCM()
        for name, frames in zip(BRANCHES, config.branches, strict=True):
            position = nn.Parameter(torch.randn(1, frames + 1, D))
            self.register_parameter(f"pos_embedding_{name}", position)
            self.register_parameter(f"cls_token_{name}", nn.Parameter(torch.randn(1, 1, D)))
        blocks = []
        for i in range(config.blocks):
            block = {
                f"transformer_enc_{b}": Transformer(D, config.heads, config.neighbours)
                for b in BRANCHES
            }
            mixed = {
                f"Mixed_{b}": TemporalInceptionBlock(D, WIDTHS_512.scaled(D / 512))
                for b in BRANCHES
                if i == 0
            }
            blocks.append(nn.ModuleDict({**block, **mixed}))
        self.multi_scale_transformers = nn.ModuleList(blocks)

    def forward(self, features: Tensor, picks: Picks | None = None) -> Temporal:
        """Features O (B, T, D) of a window; each branch sees its bins' middles, or `picks`."""
        sequence, frame_attention, student = self.rcm(features)
        tokens = [
            self.branch(name, sequence[:, list(frames)])  # (B, t, D) -> (B, D)
            for name, frames in zip(BRANCHES, picks or self.middles, strict=True)
        ]
        return Temporal(torch.stack(tokens, dim=1), frame_attention, student)

    def branch(self, name: str, x: Tensor) -> Tensor:
        """The class token (B, D) of one branch, given its frames (B, t, D)."""
        cls, position = getattr(self, f"cls_token_{name}"), getattr(self, f"pos_embedding_{name}")
        x = torch.cat((cls.expand(x.shape[0], -1, -1), x), dim=1) + position  # (B, 1+t, D)
        blocks = [cast(nn.ModuleDict, block) for block in self.multi_scale_transformers]
        mixed = blocks[0][f"Mixed_{name}"]
        frames = temporal_max_pool(mixed(x[:, 1:].transpose(1, 2)))  # (B, D, t)
        x = torch.cat((x[:, :1], frames.transpose(1, 2)), dim=1)  # (B, 1+t, D)
        layers = [cast(Transformer, block[f"transformer_enc_{name}"]) for block in blocks]
        for layer in layers[:-1]:
            x = layer(x)
        return layers[-1].class_token(x)[:, 0]  # (B, D)


class ClassifyingDTN(DTN):
    """The DTN of a network of one modality: with a head on each class token."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        for name in BRANCHES:
            self.add_module(f"mlp_head_{name}", head(config.feature, config.classes))

    def logits(self, tokens: Tensor, temperature: float = SHARPNESS) -> Tensor:
        """Sharpened logits (B, 3, K) of the class tokens (B, 3, D)."""
        heads = [getattr(self, f"mlp_head_{name}") for name in BRANCHES]
        logits = [head(tokens[:, i]) for i, head in enumerate(heads)]  # (B, K) each
        return torch.stack(logits, dim=1) / temperature


def head(width: int, classes: int) -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, classes))
