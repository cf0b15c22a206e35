"""A checkpoint with further classes, which nothing is known of yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import numpy as np

from motionrgbd.core.errors import SourceError
from motionrgbd.models.checkpoint import Checkpoint
from motionrgbd.models.grouping import Grouping
from motionrgbd.models.streaming import StreamingNetwork


def widened(checkpoint: Checkpoint, new: Sequence[str]) -> Checkpoint:
    """Return the checkpoint with an output more per class in each of its heads, and in each of its
    groupings.

    An output of a new class starts as the mean of the old ones; these stay as they are.
    """
    config = dataclasses.replace(checkpoint.config, classes=len(checkpoint.labels) + len(new))
    state = dict(checkpoint.state)
    for name, wanted in StreamingNetwork(config).state_dict().items():
        old = state[name]
        if wanted.ndim and len(wanted) != len(old):  # (K, ...) of a head
            more = np.repeat(old.mean(axis=0, keepdims=True), len(new), axis=0)
            state[name] = np.concatenate([old, more])
    groupings = {
        name: dataclasses.replace(
            g,
            labels=(*g.labels, *new),
            groups=(*g.groups, *range(len(g.labels), len(g.labels) + len(new))),
        )
        for name, g in checkpoint.groupings.items()
    }
    labels = (*checkpoint.labels, *new)
    return dataclasses.replace(
        checkpoint, state=state, config=config, labels=labels, groupings=groupings
    )


def grouping_of(checkpoint: Checkpoint, labels: Collection[str]) -> Grouping | None:
    """Return the grouping that has all these labels, None where the network's own classes do.

    Raises SourceError where neither does.
    """
    if set(labels) <= set(checkpoint.labels):
        return None
    for grouping in checkpoint.groupings.values():
        if set(labels) <= set(grouping.labels):
            return grouping
    sets = [checkpoint.labels, *(g.labels for g in checkpoint.groupings.values())]
    raise SourceError(
        f"{', '.join(sorted(labels))}: not all are of one set of the checkpoint's classes - mark "
        f"old gestures by one of these sets: {'; or '.join(', '.join(s) for s in sets)}"
    )
