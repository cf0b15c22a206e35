"""Weights that anyone can rebuild from a seed: for timings and tests without checkpoints."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor


def rebuilt_weights(shapes: Mapping[str, Sequence[int]], seed: int = 1) -> dict[str, Tensor]:
    """Return a state dict for tensors of these names and shapes.

    Each tensor depends on its name, its shape and the seed alone (the rule of the committed
    parity numbers): batch norms with plausible statistics, weights scaled to keep the variance.
    """
    return {name: _tensor(name, tuple(shape), seed) for name, shape in shapes.items()}


def rebuild_weights(network: torch.nn.Module, seed: int = 1) -> None:
    """Fill a network in place with rebuilt weights."""
    state = network.state_dict()
    network.load_state_dict(rebuilt_weights({n: tuple(x.shape) for n, x in state.items()}, seed))


def _tensor(name: str, shape: tuple[int, ...], seed: int) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    rs = np.random.RandomState((zlib.crc32(name.encode()) ^ seed) & 0xFFFFFFFF)
    if name.endswith("running_var"):
        values = rs.uniform(0.5, 1.5, shape)
    elif name.endswith("running_mean"):
        values = rs.normal(0, 0.1, shape)
    elif "rpconv1d" in name:
        values = rs.uniform(0.2, 0.8, shape)
    elif "pos_embedding" in name or "cls_token" in name:
        values = rs.normal(0, 0.5, shape)
    elif len(shape) == 1 and name.endswith("weight"):
        values = rs.uniform(0.8, 1.2, shape)
    elif len(shape) == 1:
        values = rs.normal(0, 0.05, shape)
    else:
        values = rs.normal(0, math.sqrt(2 / math.prod(shape[1:])), shape)
    return torch.from_numpy(np.asarray(values, np.float32))
