"""Limits of taught classes: how near is near enough, by examples kept apart and by all else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.labels import NamedSpan
from motionrgbd.core.results import FloatArray, GestureEvent
from motionrgbd.core.taught import KEEP_S, Aligner, TaughtMatcher, joined
from motionrgbd.core.teaching_examples import Recorded
from motionrgbd.models.taught import FrameSpace, Memory, Taught, Template

Floats = NDArray[np.float64]

MARGIN_S = 0.75  # around spans: neither gesture nor idle
LATE_S = 0.75  # after a gesture's end, an event is still its own
_PIECE_S = 2.0  # of idle: its nearest moment is one negative
_BETWEEN = 0.6  # where the limit lies between the examples kept apart (0) and all else (1)
_NEAR_SHARE, _FAR_SHARE = 0.8, 0.02  # of either: the quantile that stands for them
_STEPS = 8.0  # slopes from one to the other
_LEAST_GAP = 0.05  # of distances, where examples and all else overlap


def templates_of(recorded: Sequence[Recorded], new: Sequence[str]) -> list[Template]:
    """Return the examples of new classes, in order of the recordings."""
    return [
        r.template(span) for r in recorded if not r.copy for span in r.spans if span.label in new
    ]


def class_distances(
    recorded: Recorded, space: FrameSpace, templates: Sequence[Template], labels: Sequence[str]
) -> FloatArray:
    """Return (n, labels): how far each step is from the end of each class's nearest example."""
    aligner = Aligner(space, templates)
    found = []
    for i in range(len(recorded.times_s)):
        row = {n: v[i : i + 1] for n, v in recorded.vectors.items() if np.isfinite(v[i]).all()}
        found.append(aligner.push(row)[0])
    each = np.stack(found)  # (n, templates)
    of = [[i for i, t in enumerate(templates) if t.label == label] for label in labels]
    return np.stack(
        [each[:, i].min(axis=1) if i else np.full(len(each), np.inf) for i in of], axis=1
    )


def memory_rows(memory: Memory, step: int) -> dict[str, FloatArray]:
    """Return frame `step` of all stored windows, (N, P) by part, nan where a part was missing."""
    return {
        n: np.where(memory.present[n][:, None], v[:, step].astype(np.float32), np.nan)
        for n, v in memory.vectors.items()
    }


def memory_distances(
    memory: Memory, templates: Sequence[Template], labels: Sequence[str], fps_hz: float
) -> FloatArray:
    """Return (N, labels): the nearest that stored windows are, in the moments before their end."""
    aligner = Aligner(memory.space, templates, len(memory.labels))
    steps = next(iter(memory.vectors.values())).shape[1]
    rows = [aligner.push(memory_rows(memory, i)) for i in range(steps)]
    near = np.min(rows[-max(1, round(KEEP_S * fps_hz)) :], axis=0)
    of = [[i for i, t in enumerate(templates) if t.label == label] for label in labels]
    return np.stack([near[:, i].min(axis=1) for i in of], axis=1)


def memory_probabilities(memory: Memory, taught: Taught, fps_hz: float) -> FloatArray:
    """Return (N, labels) at the stored windows' ends: of the network and of what it was taught."""
    matcher = TaughtMatcher(taught, fps_hz, len(memory.labels))
    steps = next(iter(memory.vectors.values())).shape[1]
    shares = [matcher.push(memory_rows(memory, i)) for i in range(steps)][-1]
    return joined(memory.probabilities, shares)


def gesture_distances(recorded: Recorded, distances: FloatArray, labels: Sequence[str]) -> Floats:
    """Return (spans, labels): the nearest of each span, its end and half a second after it."""
    found = []
    for span in recorded.spans:
        length = span.end_s - span.start_s
        rows = recorded.rows(span.start_s + 0.3 * length, span.end_s + 0.5)
        found.append(distances[rows].min(axis=0, initial=np.inf))
    return np.array(found).reshape(-1, len(labels))


def falls_in(event: GestureEvent, span: NamedSpan) -> bool:
    """Whether an event was decided during a gesture, or soon enough after it."""
    return span.start_s <= event.decided_s <= span.end_s + LATE_S


def idle_distances(recorded: Recorded, distances: FloatArray) -> Floats:
    """Return (pieces, labels): the nearest of every piece of time without a gesture."""
    idle = recorded.idle_rows(MARGIN_S)
    pieces = (recorded.times_s // _PIECE_S).astype(int)
    return np.array(
        [distances[idle & (pieces == piece)].min(axis=0) for piece in np.unique(pieces[idle])]
    ).reshape(-1, distances.shape[1])


def limits_of(
    labels: Sequence[str], near: Mapping[str, Sequence[float]], far: Mapping[str, Sequence[float]]
) -> tuple[dict[str, float], float]:
    """Return each class's limit, and the slope that all share.

    near: distances of the class's examples kept apart. far: of idle, and of other gestures.
    """
    limits, slopes = {}, []
    for label in labels:
        low = float(np.quantile(near[label], _NEAR_SHARE))
        high = max(float(np.quantile(far[label], _FAR_SHARE)), low + _LEAST_GAP)
        if float(np.quantile(far[label], _FAR_SHARE)) <= low:  # they overlap: idle stays idle
            high = max(float(np.quantile(far[label], _FAR_SHARE)), _LEAST_GAP)
            low = high - _LEAST_GAP
        limits[label] = low + _BETWEEN * (high - low)
        slopes.append((high - low) / _STEPS)
    return limits, float(np.median(slopes))
