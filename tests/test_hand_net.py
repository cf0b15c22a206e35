"""The network in NumPy stays quiet where it is very sure."""

from __future__ import annotations

import numpy as np

from motionrgbd.core.hand_net import PLANES, STRIDES, HandNet


def test_logits_beyond_the_reach_of_float32_are_no_warning() -> None:
    channels = (PLANES, *[1] * len(STRIDES))
    kernels = [np.zeros((9 * c, 1), np.float32) for c in channels[:-1]]
    kernels.append(np.zeros((1, 5), np.float32))
    biases = [np.zeros(1, np.float32) for _ in STRIDES]
    planes = np.zeros((8, 8, PLANES), np.float32)
    for logit, score in ((-300.0, 0.0), (-2.0, 1 / (1 + np.exp(2.0))), (300.0, 1.0)):
        last = np.array([logit, 0, 0, 0, 0], np.float32)
        scores, _ = HandNet(kernels, [*biases, last])(planes)
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, score, rtol=1e-6, atol=1e-30)
