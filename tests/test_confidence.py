"""Temperatures: found where the likelihood is best, whatever the scores were multiplied with."""

from __future__ import annotations

import numpy as np
import pytest

from motionrgbd.calibration.confidence import fit_temperature, negative_log_likelihood


def drawn(scale: float, count: int = 4000, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose softmax at temperature `scale` is the distribution that the targets have."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (count, classes))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = (p.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1)
    return (scale * logits).astype(np.float32), targets


@pytest.mark.parametrize("scale", [0.2, 1.0, 6.0])
def test_the_temperature_undoes_a_scale(scale: float) -> None:
    scores, targets = drawn(scale)
    found = fit_temperature(scores, targets)
    assert found == pytest.approx(scale, rel=0.05)
    best = negative_log_likelihood(scores, targets, found)
    for other in (found / 1.1, found * 1.1):
        assert negative_log_likelihood(scores, targets, other) > best


def test_likelihood_by_hand() -> None:
    scores = np.array([[np.log(3.0), 0.0], [0.0, 0.0]])
    expected = -(np.log(3 / 4) + np.log(1 / 2)) / 2
    assert negative_log_likelihood(scores, np.array([0, 1])) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scores", "targets"),
    [
        (np.zeros((0, 3)), np.zeros(0, int)),
        (np.zeros((2, 3)), np.zeros(3, int)),
        (np.zeros((2, 3)), np.array([0, 3])),
        (np.array([[np.nan, 0.0]]), np.array([0])),
    ],
)
def test_what_cannot_be_fitted_is_refused(scores: np.ndarray, targets: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"scores|targets"):
        fit_temperature(scores, targets)
