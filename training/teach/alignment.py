"""A whole stream as a sequence of gestures: the cheapest way through templates and rest (Viterbi).

States are the frames of all templates, in order, and rest. A frame of the stream stays in its
state, goes on to the next or leaves one out; a template begins from rest or right after another
one, in its first frames, and ends in its last ones. A frame costs its distance from its state's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.taught import SELF_COST, SKIP_COST

Floats = NDArray[np.float64]

ENTRY_COST = 1.0  # of a gesture: what some frames of plain mismatch cost
EDGE = 3  # frames in which a template may be entered, and left
_REST = -1


def distances(a: Floats, b: Floats) -> Floats:
    """Return Euclidean distances (n, m) of rows (n, F) and (m, F)."""
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2.0 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)), np.float64)


def decode(stream: Floats, templates: Sequence[Floats], rest: Floats) -> list[int]:
    """Return the templates' numbers in the order in which the stream (n, F) passes them.

    rest: (m, F), frames of a person who does nothing.
    """
    lengths = [len(t) for t in templates]
    total = sum(lengths)
    number = np.repeat(np.arange(len(templates)), lengths)
    place = np.concatenate([np.arange(n) for n in lengths])
    left = np.concatenate([np.arange(n)[::-1] for n in lengths])
    edge = np.minimum(EDGE, np.repeat(lengths, lengths) // 3 + 1)
    first, last = place < edge, left < edge
    near = np.hstack([distances(stream, t) for t in templates])  # (n, states)
    idle = distances(stream, rest).min(axis=1)
    states = np.arange(total)
    cost = np.where(first, near[0] + ENTRY_COST, np.inf)
    resting = float(idle[0])
    history: list[tuple[NDArray[np.int64], NDArray[np.bool_], int]] = []
    for t in range(1, len(stream)):
        ending = np.where(last, cost, np.inf)
        leaving = int(ending.argmin())
        source = _REST if resting <= ending[leaving] else leaving
        free = min(resting, float(ending[leaving]))
        ways = np.stack(
            [
                cost + SELF_COST,
                np.where(place < 1, np.inf, np.roll(cost, 1)),
                np.where(place < 2, np.inf, np.roll(cost, 2) + SKIP_COST),
                np.where(first, free + ENTRY_COST, np.inf),
            ]
        )
        best = ways.argmin(axis=0)
        before = np.where(best == 3, source, states - np.minimum(best, 2))
        history.append((before, best == 3, source))
        cost = ways.min(axis=0) + near[t]
        resting = free + float(idle[t])
    ending = np.where(last, cost, np.inf)
    state = _REST if resting <= ending.min() else int(ending.argmin())
    found: list[int] = []
    for before, entered, source in reversed(history):
        if state == _REST:
            state = source
            continue
        if entered[state]:
            found.append(int(number[state]))
        state = int(before[state])
    if state != _REST:
        found.append(int(number[state]))
    return found[::-1]


def edit_distance(found: Sequence[object], truth: Sequence[object]) -> int:
    """Return how many insertions, deletions and substitutions lead from one to the other."""
    row = list(range(len(truth) + 1))
    for i, a in enumerate(found, 1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(truth, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]
