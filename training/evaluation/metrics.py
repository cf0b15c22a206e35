"""What probabilities of labelled clips are worth: shares with intervals, confusion, calibration.

Pure NumPy. n clips, C classes of the set, A >= C possible answers of the model: the set's classes
come first among the answers, so that a clip of class c is right where answer c is the best.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float64]
Indices = NDArray[np.int64]

Z_95 = 1.959963984540054  # the normal distribution's 97.5 % quantile
BINS = 15  # of confidence, as Guo et al. (2017) take for the ECE
_SMALLEST = 1e-12  # a probability that float32 rounded to 0 costs 27.6 nats, not infinitely many


@dataclass(frozen=True, slots=True)
class Share:
    """`right` of `count` cases."""

    right: int
    count: int

    @property
    def value(self) -> float | None:
        """The share, 0..1; None of no cases."""
        return self.right / self.count if self.count else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval; of no cases it is 0 to 1: nothing is known."""
        return wilson(self.right, self.count)


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How one class fared. recall: of its clips; precision: of the clips that were called it.

    most_mistaken: the answer that most of its other clips got, None where there are none.
    """

    name: str
    recall: Share
    precision: Share
    most_mistaken: str | None


@dataclass(frozen=True, slots=True)
class Bin:
    """Clips whose best answer's probability lies in (low, high]; means are None where empty."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """Confidence against accuracy. ece: mean distance of the two, weighted by clips, 0..1."""

    bins: tuple[Bin, ...]
    ece: float


@dataclass(frozen=True, slots=True, eq=False)
class Metrics:
    """Everything measured on a set.

    top5 is None where there are no more than five answers. mean_recall: over the classes that
    have clips. nll: mean negative log probability of the truth, in nats. confusion (C, A) counts
    clips by true class and answer.
    """

    top1: Share
    top5: Share | None
    mean_recall: float
    nll: float
    classes: tuple[ClassScore, ...]
    confusion: Indices
    reliability: Reliability


def measure(
    probabilities: Probabilities, labels: Indices, classes: int, answers: Sequence[str]
) -> Metrics:
    """Return the metrics of probabilities (n, A) for labels (n,), which index the first C answers.

    Raises ValueError where the shapes or the labels do not fit each other.
    """
    _check(probabilities, labels, classes, answers)
    predicted = probabilities.argmax(1)
    counts = confusion_matrix(labels, predicted, classes, len(answers))
    recalls = [row[c] / row.sum() for c, row in enumerate(counts) if row.any()]
    return Metrics(
        top1=top_k(probabilities, labels, 1),
        top5=top_k(probabilities, labels, 5) if len(answers) > 5 else None,
        mean_recall=float(np.mean(recalls)),
        nll=negative_log_likelihood(probabilities, labels),
        classes=class_scores(counts, answers),
        confusion=counts,
        reliability=reliability(probabilities.max(1), predicted == labels),
    )


def wilson(right: float, count: float, z: float = Z_95) -> tuple[float, float]:
    """Return Wilson's score interval of a share (Wilson 1927); (0, 1) of no cases.

    Cases that are worth less than one, because they repeat each other, make fractions of them.
    """
    if count == 0:
        return 0.0, 1.0
    p = right / count
    scale = 1 + z * z / count
    middle = (p + z * z / (2 * count)) / scale
    half = z / scale * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    # at 0 and at all of them the interval's end is exact, but for the last bit
    low = 0.0 if right == 0 else max(0.0, middle - half)
    high = 1.0 if right == count else min(1.0, middle + half)
    return low, high


def truth_ranks(probabilities: Probabilities, labels: Indices) -> Indices:
    """Return, per clip, how many answers come before the true one; equal ones by their order."""
    truth = probabilities[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(probabilities.shape[1])[None] < labels[:, None]
    before = (probabilities > truth) | ((probabilities == truth) & earlier)
    return np.asarray(before.sum(1), np.int64)


def top_k(probabilities: Probabilities, labels: Indices, k: int) -> Share:
    """Return the share of clips whose true class is among the k best answers."""
    return Share(int((truth_ranks(probabilities, labels) < k).sum()), len(labels))


def confusion_matrix(labels: Indices, predicted: Indices, classes: int, answers: int) -> Indices:
    """Return the number of clips (C, A) by true class and by answer."""
    counts = np.bincount(labels * answers + predicted, minlength=classes * answers)
    return np.asarray(counts.reshape(classes, answers), np.int64)


def class_scores(confusion: Indices, answers: Sequence[str]) -> tuple[ClassScore, ...]:
    """Return recall and precision of every class of a confusion matrix (C, A)."""
    called = confusion.sum(0)
    scores = []
    for c, row in enumerate(confusion):
        right = int(row[c])
        others = row.copy()
        others[c] = 0
        scores.append(
            ClassScore(
                name=answers[c],
                recall=Share(right, int(row.sum())),
                precision=Share(right, int(called[c])),
                most_mistaken=answers[int(others.argmax())] if others.any() else None,
            )
        )
    return tuple(scores)


def reliability(
    confidence: Probabilities, right: NDArray[np.bool_], bins: int = BINS
) -> Reliability:
    """Return the reliability diagram of confidences (n,) in equal bins, and the ECE."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    # (low, high]: a confidence on an edge belongs to the bin below it
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    found = tuple(
        _bin(edges[b], edges[b + 1], confidence[place == b], right[place == b]) for b in range(bins)
    )
    gaps = sum(
        b.count * abs(b.confidence - b.accuracy)
        for b in found
        if b.confidence is not None and b.accuracy is not None
    )
    return Reliability(found, gaps / len(confidence))


def negative_log_likelihood(probabilities: Probabilities, labels: Indices) -> float:
    """Return the mean negative log probability of the truth, in nats."""
    truth = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(truth, _SMALLEST)).mean())


def _bin(low: float, high: float, confidence: Probabilities, right: NDArray[np.bool_]) -> Bin:
    if not len(confidence):
        return Bin(float(low), float(high), 0, None, None)
    means = float(confidence.mean()), float(right.mean())
    return Bin(float(low), float(high), len(confidence), *means)


def _check(
    probabilities: Probabilities, labels: Indices, classes: int, answers: Sequence[str]
) -> None:
    if not len(labels) or probabilities.shape != (len(labels), len(answers)):
        raise ValueError(
            f"needs probabilities ({len(labels)}, {len(answers)}) of at least one clip, "
            f"got {probabilities.shape}"
        )
    if not 0 < classes <= len(answers):
        raise ValueError(f"{classes} classes cannot be the first of {len(answers)} answers")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels must be 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
