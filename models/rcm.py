"""RCM: recoupling of space and time by two attentions (paper, section 3.4, Eq. 11-16)."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from motionrgbd.models.config import NetworkConfig


class Recoupled(NamedTuple):
    sequence: Tensor  # (B, T, D), for the DTN
    frame_attention: Tensor  # A_Y (B, T), 0..1
    student: Tensor  # A_Y as features (B, D), for the distillation loss


class RCM(nn.Module):
    """features * A_X A_Y^T, without a residual: attention over features and over frames."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        T, D, h = config.window, config.feature, config.recoupling_hidden
        self.heads = config.recoupling_heads
        self.scale = config.recoupling_width**-0.5
        self.q = nn.Linear(T, self.heads * config.recoupling_width, bias=False)
        self.k = nn.Linear(T, self.heads * config.recoupling_width, bias=False)
        self.project = nn.Sequential(
            nn.Linear(T, h, bias=False), nn.GELU(), nn.Linear(h, T, bias=False), nn.LayerNorm(T)
        )
        self.linear = nn.Linear(T, D)
        if self.heads > 1:
            self.mergefc: nn.Module = nn.Sequential(
                nn.Dropout(0.4), nn.Linear(self.heads * D, D, bias=False), nn.LayerNorm(D)
            )
        else:
            self.mergefc = nn.Identity()

    def forward(self, features: Tensor) -> Recoupled:  # (B, T, D)
        A_Y = torch.sigmoid(self.project(features.mean(dim=2)))  # (B, T)
        A_X = torch.sigmoid(self.mergefc(self.query_mean(features)))  # (B, D)
        return Recoupled(features * A_X[:, None, :] * A_Y[:, :, None], A_Y, self.linear(A_Y))

    def query_mean(self, features: Tensor) -> Tensor:
        """Mean over the queries of q k^T / sqrt(width), head by head (B, heads D).

        The mean commutes with the product: mean(q) k^T, D times less work than `query_mean_plain`.
        """
        q, k = self._queries_and_keys(features)  # (B, heads, D, width)
        scores = q.mean(dim=2, keepdim=True) @ k.transpose(2, 3)  # (B, heads, 1, D)
        return cast(Tensor, (scores * self.scale).flatten(1))

    def query_mean_plain(self, features: Tensor) -> Tensor:
        """The definition of `query_mean`."""
        q, k = self._queries_and_keys(features)
        scores = q @ k.transpose(2, 3) * self.scale  # (B, heads, D queries, D keys)
        return cast(Tensor, scores.mean(dim=2).flatten(1))

    def _queries_and_keys(self, features: Tensor) -> tuple[Tensor, Tensor]:
        rows = features.transpose(1, 2)  # (B, D, T)
        B, D, _ = rows.shape
        q = self.q(rows).view(B, D, self.heads, -1).transpose(1, 2)  # (B, heads, D, width)
        k = self.k(rows).view(B, D, self.heads, -1).transpose(1, 2)
        return q, k


class NoRCM(nn.Module):
    """The network without recoupling: features pass, no frame counts more than another."""

    def forward(self, features: Tensor) -> Recoupled:  # (B, T, D)
        ones = torch.ones_like(features[:, :, 0])  # (B, T)
        return Recoupled(features, ones, torch.zeros_like(features[:, 0]))
