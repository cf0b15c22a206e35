"""The Levenshtein distance between what was done and what was recognised, gesture by gesture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray


def edit_costs(
    truth: Sequence[str], answers: Sequence[str], is_right: Callable[[str, str], bool]
) -> NDArray[np.int64]:
    """Return the edits (n,) of a shortest way from the true sequence (n >= 1) to the answers.

    An edit is a gesture without answer, an answer with a wrong label, or an answer too many; the
    sum is the Levenshtein distance. An answer too many is charged to the gesture before it, or to
    the first one. Of equally short ways, the one that pairs the latest answers is taken.
    """
    n, m = len(truth), len(answers)
    if n == 0:
        raise ValueError("there is no edit distance per gesture without gestures")
    wrong = np.array([[not is_right(t, a) for a in answers] for t in truth], np.int64)
    table = np.zeros((n + 1, m + 1), np.int64)
    table[:, 0], table[0] = np.arange(n + 1), np.arange(m + 1)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            paired = table[i - 1, j - 1] + wrong[i - 1, j - 1]
            table[i, j] = min(paired, table[i - 1, j] + 1, table[i, j - 1] + 1)
    costs = np.zeros(n, np.int64)
    i, j = n, m
    while i or j:
        if i and j and table[i, j] == table[i - 1, j - 1] + wrong[i - 1, j - 1]:
            i, j = i - 1, j - 1
            costs[i] += wrong[i, j]
        elif i and table[i, j] == table[i - 1, j] + 1:
            i -= 1
            costs[i] += 1
        else:
            j -= 1
            costs[max(i - 1, 0)] += 1
    return costs
