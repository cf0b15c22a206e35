"""Confidence that means what it says: one temperature per head, fitted on held-out windows.

p = softmax(scores / T), with the T that makes the right labels likeliest (Guo et al., On
Calibration of Modern Neural Networks, 2017). It changes no ranking.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating[Any]]
Targets = NDArray[np.integer[Any]]

COLDEST, HOTTEST = 0.02, 50.0  # a temperature at either end says that the scores tell nothing
_RATIO = (math.sqrt(5.0) - 1.0) / 2.0
_PRECISION = 1e-4  # relative


def negative_log_likelihood(scores: Scores, targets: Targets, temperature: float = 1.0) -> float:
    """Return the mean of -log p(target) over scores (N, K) and targets (N,), in nats."""
    scaled = scores.astype(np.float64) / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    normaliser = np.log(np.exp(scaled).sum(axis=1))
    return float((normaliser - scaled[np.arange(len(targets)), targets]).mean())


def fit_temperature(scores: Scores, targets: Targets) -> float:
    """Return the temperature at which the targets are likeliest.

    scores: (N, K) of windows that were not trained on, as the bundle gives them (of labels).
    targets: (N,). The likelihood has one optimum in 1/T: a golden-section search in log T finds it.
    Raises ValueError where the shapes do not fit or a score is not finite.
    """
    if scores.ndim != 2 or targets.shape != (len(scores),) or not len(scores):
        raise ValueError(f"needs scores (N, K) and targets (N,), got {scores.shape, targets.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("the scores are not finite")
    if targets.min() < 0 or targets.max() >= scores.shape[1]:
        raise ValueError(f"targets must lie in 0..{scores.shape[1] - 1}")

    def cost(log_temperature: float) -> float:
        return negative_log_likelihood(scores, targets, math.exp(log_temperature))

    low, high = math.log(COLDEST), math.log(HOTTEST)
    a, b = high - _RATIO * (high - low), low + _RATIO * (high - low)
    cost_a, cost_b = cost(a), cost(b)
    while high - low > _PRECISION:
        if cost_a <= cost_b:
            high, b, cost_b = b, a, cost_a
            a = high - _RATIO * (high - low)
            cost_a = cost(a)
        else:
            low, a, cost_a = a, b, cost_b
            b = low + _RATIO * (high - low)
            cost_b = cost(b)
    return math.exp((low + high) / 2.0)
