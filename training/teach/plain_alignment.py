"""The classic baseline of one-shot learning: plain dynamic time warping on motion, in one pass.

A stream is explained as examples one after another, each whole (H. Ney, "The use of a one-stage
dynamic programming algorithm for connected word recognition", 1984). Nothing is learned or scaled,
there is no model of rest and nothing to choose but the grid of frame differences: examples begin
and end at rest, so rest between gestures is the rest within them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motionrgbd.training.teach.alignment import Floats, distances


def connected(stream: Floats, templates: Sequence[Floats]) -> list[int]:
    """Return the templates' numbers in the order in which the stream (n, F) passes them.

    From frame to frame of the stream, a template goes on by 0, 1 or 2 of its frames; only its end
    is followed by the beginning of a template, and only its end ends the stream.
    """
    lengths = [len(t) for t in templates]
    ends = np.cumsum(lengths) - 1
    number = np.repeat(np.arange(len(templates)), lengths)
    place = np.concatenate([np.arange(n) for n in lengths])
    states = np.arange(len(place))
    near = distances(stream, np.concatenate(templates))  # (n, states)
    cost = np.where(place == 0, near[0], np.inf)
    history = []
    for row in near[1:]:
        left = int(ends[cost[ends].argmin()])
        ways = np.stack(
            [
                cost,
                np.where(place < 1, np.inf, np.roll(cost, 1)),
                np.where(place < 2, np.inf, np.roll(cost, 2)),
                np.where(place == 0, cost[left], np.inf),
            ]
        )
        best = ways.argmin(axis=0)
        history.append((np.where(best == 3, left, states - best), best == 3))
        cost = ways.min(axis=0) + row
    state = int(ends[cost[ends].argmin()])
    if not np.isfinite(cost[state]):
        return []  # shorter than half of the shortest example
    found = [int(number[state])]
    for before, entered in reversed(history):
        if entered[state]:
            found.append(int(number[before[state]]))
        state = int(before[state])
    return found[::-1]
