"""The space that examples are compared in: what differs between classes, not between repetitions.

Two performances of one gesture are aligned frame by frame; the differences of aligned frames are
what repetition changes. Each kind of feature is scaled by that (linear discriminant analysis:
basis = the strongest directions of W^-1/2 T W^-1/2, W the scatter of the differences, T of all).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.errors import UsageError
from motionrgbd.core.results import FloatArray
from motionrgbd.core.taught import SELF_COST, SKIP_COST
from motionrgbd.core.teaching_examples import Recorded
from motionrgbd.models.bundle import Bundle
from motionrgbd.models.recipe import HandView
from motionrgbd.models.taught import FrameSpace, SpacePart

Floats = NDArray[np.float64]

DIMENSIONS = 16  # 32 were no better on SHREC'17's subjects 19 and 20
SHRINKAGE = 0.1  # of W towards a sphere
WEIGHTS = {"color": 1.0, "depth": 1.0, "path": 3.0}
_PAIRS = 3  # of each performance with others of its class


def raw_space(bundle: Bundle) -> FrameSpace:
    """Return the space that leaves features as they are."""
    widths = dict.fromkeys(map(str, bundle.modalities), bundle.config.feature)
    if isinstance(bundle.recipe.view, HandView):
        widths["path"] = 3
    return FrameSpace(
        {
            name: SpacePart(np.zeros(n, np.float32), np.eye(n, dtype=np.float32), 1.0)
            for name, n in widths.items()
        }
    )


def learn_space(groups: Sequence[Sequence[Recorded]]) -> FrameSpace:
    """Return the space of recordings in raw features; gestures are repeated within a group.

    Raises UsageError where too few are.
    """
    names = groups[0][0].vectors
    return FrameSpace({name: _learn_part(name, groups) for name in names})


def _learn_part(name: str, groups: Sequence[Sequence[Recorded]]) -> SpacePart:
    heard = [r for group in groups for r in group]
    every = np.concatenate([r.vectors[name] for r in heard]).astype(np.float64)
    every = every[np.isfinite(every).all(axis=1)]
    mean = every.mean(axis=0)
    scale = float(np.sqrt(((every - mean) ** 2).sum(axis=1).mean())) or 1.0
    performances: dict[tuple[int, str], list[Floats]] = defaultdict(list)
    each = [(i, r, span) for i, group in enumerate(groups) for r in group for span in r.spans]
    for i, r, span in each:
        rows = r.vectors[name][r.rows(span.start_s, span.end_s)].astype(np.float64)
        if len(rows) > 1 and np.isfinite(rows).all():
            performances[i, span.label].append((rows - mean) / scale)
    rng = np.random.default_rng(0)
    differences = [
        a[u] - b[v]
        for made in performances.values()
        for i, a in enumerate(made)
        for j in rng.permutation(len(made))[:_PAIRS].tolist()
        if i != j
        for b in (made[j],)
        for u, v in _aligned(a, b)
    ]
    if len(differences) <= every.shape[1]:
        raise UsageError(f"too few repeated gestures to tell what differs between them in {name}")
    within = np.cov(np.array(differences).T) / 2
    size = len(within)
    within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / size * np.eye(size)
    values, vectors = np.linalg.eigh(within)
    whiten = vectors @ np.diag(values**-0.5) @ vectors.T
    total = np.cov(((every - mean) / scale).T)
    strength, directions = np.linalg.eigh(whiten @ total @ whiten)
    best = np.argsort(strength)[::-1][:DIMENSIONS]
    basis = whiten @ directions[:, best] / scale
    basis /= np.sqrt(strength[best].sum())  # the space's frames vary by 1 in all
    return SpacePart(mean.astype(np.float32), basis.astype(np.float32), WEIGHTS[name])


def _aligned(a: Floats, b: Floats) -> list[tuple[int, int]]:
    """Return the frames of two performances that belong together (dynamic time warping)."""
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    near = np.sqrt(np.maximum(squared, 0.0))
    n, m = near.shape
    cost = np.full((n + 1, m + 1), np.inf)
    cost[0, 0] = 0.0
    step = np.zeros((n + 1, m + 1), np.int8)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            ways = (cost[i - 1, j - 1], cost[i - 1, j] + SELF_COST, cost[i, j - 1] + SKIP_COST)
            step[i, j] = min(range(3), key=ways.__getitem__)
            cost[i, j] = ways[step[i, j]] + near[i - 1, j - 1]
    pairs, i, j = [], n, m
    while i and j:
        pairs.append((i - 1, j - 1))
        i, j = i - (step[i, j] != 2), j - (step[i, j] != 1)
    return pairs


def placed(space: FrameSpace, name: str, raw: FloatArray) -> FloatArray:
    """Return raw features (..., F) in the space (..., P); not a number stays that."""
    return space.parts[name].place(raw)
