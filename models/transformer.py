"""Transformer layers whose attention keeps the k nearest neighbours (paper, Eq. 7-9)."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional

NEIGHBOURS = 0.7  # share of the tokens that a query attends to, the class token counted


class KNNAttention(nn.Module):
    """softmax over the k largest of q k^T / sqrt(d) per query, times v."""

    def __init__(self, width: int, heads: int, neighbours: float) -> None:
        super().__init__()
        self.heads = heads
        self.neighbours = neighbours
        self.scale = (width // heads) ** -0.5
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width), nn.Dropout(0.1))

    def forward(self, x: Tensor) -> Tensor:  # (B, n, D)
        q, k, v = self._split(x)
        return self._attend(q, k, v)  # (B, n, D)

    def first_row(self, x: Tensor) -> Tensor:
        """`forward(x)[:, :1]`, computed for that row alone."""
        q, k, v = self._split(x)
        return self._attend(q[:, :, :1], k, v)  # (B, 1, D)

    def _split(self, x: Tensor) -> tuple[Tensor, ...]:
        B, n, D = x.shape
        qkv: Tensor = self.to_qkv(x).view(B, n, 3, self.heads, D // self.heads)
        return qkv.permute(2, 0, 3, 1, 4).unbind(0)  # three (B, heads, n, d)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = q @ k.transpose(2, 3) * self.scale  # (B, heads, queries, n)
        attention = nearest(scores, self.neighbours).softmax(dim=3)
        y: Tensor = self.to_out((attention @ v).transpose(1, 2).flatten(2))  # (B, queries, D)
        return y


def nearest(scores: Tensor, share: float = NEIGHBOURS) -> Tensor:
    """Per row of the last axis keep the int(share n) largest scores; the others become -inf.

    Comparing with the k-th value is fast in run-times where scattering a mask is slow; so is not
    sorting the k (a third of the time). Scores that tie with the k-th are all kept.
    """
    k = max(1, int(share * scores.shape[-1]))
    if k == scores.shape[-1]:
        return scores
    kth = scores.detach().topk(k, dim=-1, sorted=False).values.amin(dim=-1, keepdim=True)
    return scores.masked_fill(scores < kth, float("-inf"))


class FeedForward(nn.Module):
    """fc2(GELU(fc1(x))), one and a half times as wide inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, width * 3 // 2)
        self.fc2 = nn.Linear(width * 3 // 2, width)
        self.drop = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.drop(self.fc2(self.drop(functional.gelu(self.fc1(x)))))
        return y


class PreNorm(nn.Module):
    """fn(LayerNorm(x)); the names are the checkpoints'."""

    def __init__(self, width: int, fn: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fn(self.norm(x))
        return y


class Transformer(nn.Module):
    """One pre-norm layer: x + attention(norm(x)), then x + feed_forward(norm(x))."""

    def __init__(self, width: int, heads: int, neighbours: float = NEIGHBOURS) -> None:
        super().__init__()
        attention = PreNorm(width, KNNAttention(width, heads, neighbours))
        feed_forward = PreNorm(width, FeedForward(width))
        self.layers = nn.ModuleList([nn.ModuleList([attention, feed_forward])])

    def forward(self, x: Tensor) -> Tensor:  # (B, n, D)
        attention, feed_forward = self._layer()
        x = x + attention(x)
        return cast(Tensor, x + feed_forward(x))

    def class_token(self, x: Tensor) -> Tensor:
        """`forward(x)[:, :1]`: all that is read of the last layer, computed for that row alone."""
        attention, feed_forward = self._layer()
        first_row = cast(KNNAttention, attention.fn).first_row
        x = x[:, :1] + first_row(attention.norm(x))  # (B, 1, D)
        return cast(Tensor, x + feed_forward(x))

    def _layer(self) -> tuple[PreNorm, PreNorm]:
        attention, feed_forward = cast(nn.ModuleList, self.layers[0])
        return cast(PreNorm, attention), cast(PreNorm, feed_forward)
