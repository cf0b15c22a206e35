"""The classic baseline of one-shot learning, on sequences whose gestures are known."""

from __future__ import annotations

import numpy as np

from motionrgbd.training.teach.plain_alignment import connected


def bump(place: int, length: int) -> np.ndarray:
    """Return motion (length, 3) that comes and goes in one cell."""
    x = np.zeros((length, 3))
    x[:, place] = np.sin(np.linspace(0, np.pi, length))
    return x


def test_gestures_come_in_their_order_at_another_speed() -> None:
    templates = [bump(0, 12), bump(1, 20)]
    stream = np.concatenate([bump(1, 28), bump(0, 9), bump(0, 15), bump(1, 14)])
    assert connected(stream, templates) == [1, 0, 0, 1]


def test_rest_within_examples_stands_for_rest_between_gestures() -> None:
    rest = np.zeros((5, 3))
    templates = [np.concatenate([rest, bump(k, 12), rest]) for k in (0, 1)]
    stream = np.concatenate([rest, rest, rest, bump(0, 13), rest, rest, bump(1, 10), rest])
    assert connected(stream, templates) == [0, 1]


def test_a_stream_too_short_for_any_example_has_no_gesture() -> None:
    assert connected(bump(0, 3), [bump(0, 12)]) == []
