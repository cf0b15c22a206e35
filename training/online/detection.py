"""Whether a gesture is being made at all, before any event: ROC and AMOC of 1 - p(idle).

The score at a moment is 1 - p(idle) as the model gives it, without decision parameters. A gesture
is detected at a threshold if the score reaches it between the gesture's start and end; idle time is
cut into pieces as long as the median gesture, and a piece is a false positive if the score reaches
the threshold within it.

Normalised time to detect (Hoai and De la Torre 2012; Molchanov et al., CVPR 2016): (t - start) /
(end - start) of the first moment t within the gesture at which the score reaches the threshold, 0
where it has before. A missed gesture has none (infinite in the first paper): the mean over detected
gestures stands beside the share of them, and the AMOC curve counts a missed one as 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.decision import IDLE_LABEL
from motionrgbd.training.online.intervals import DRAWS, SEED, Estimate, Floats, mean, share
from motionrgbd.training.online.matching import JudgedStream
from motionrgbd.training.online.tracks import ProbabilityTrack

_ROUNDING_S = 1e-9
CURVE_POINTS = 400  # more would not be seen, and cost seconds


@dataclass(frozen=True, slots=True, eq=False)
class Rise:
    """How the highest score so far grows over one gesture: at `when` (n,), 0..1 of its duration,
    it reaches `score` (n,); both increase. Empty where no score is known."""

    when: Floats
    score: Floats

    @property
    def peak(self) -> float:
        """The highest score, 0 where none is known."""
        return float(self.score[-1]) if len(self.score) else 0.0

    def reaches(self, threshold: float) -> float | None:
        """Return when the score first reaches a threshold, None where it never does."""
        place = int(np.searchsorted(self.score, threshold, side="left"))
        return float(self.when[place]) if place < len(self.score) else None


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """Gestures of one group against idle pieces of another.

    threshold: the lowest at which no more than the asked-for share of pieces is false. false, true:
    the shares of pieces and gestures that reach it. nttd: mean over detected gestures.
    nttd_all: with missed ones as 1. curves (n,): what is reached at rising false-positive rates.
    """

    gestures_of: str
    idle_of: str
    gestures: int
    pieces: int
    piece_s: float
    auc: Estimate
    threshold: float
    false: Estimate
    true: Estimate
    nttd: Estimate
    nttd_all: Estimate
    curve_false: Floats
    curve_true: Floats
    curve_nttd: Floats


def scores(track: ProbabilityTrack) -> Floats | None:
    """Return 1 - p(idle) at each step (n,), None for a model without idle."""
    if IDLE_LABEL not in track.labels:
        return None
    return np.asarray(1.0 - track.probabilities[:, track.labels.index(IDLE_LABEL)], np.float64)


def rises(judged: JudgedStream, track: ProbabilityTrack) -> list[Rise]:
    """Return the rise of the score over each gesture of a timed stream."""
    score = scores(track)
    if score is None:
        return []
    found = []
    for gesture in judged.stream.gestures:
        inside = _within(track, gesture.start_s, gesture.end_s)
        highest = np.maximum.accumulate(score[inside])
        first = np.flatnonzero(np.diff(highest, prepend=-1.0) > 0)
        when = (track.times_s[inside][first] - gesture.start_s) / (gesture.end_s - gesture.start_s)
        # what the score was as the gesture began is reached at its start
        found.append(Rise(np.where(first == 0, 0.0, when), highest[first]))
    return found


def idle_peaks(judged: JudgedStream, track: ProbabilityTrack, piece_s: float) -> list[float]:
    """Return the highest score of each whole piece of a timed stream's idle time."""
    score = scores(track)
    if score is None:
        return []
    peaks = []
    for start, end in judged.idle_spans:
        for k in range(int((end - start + _ROUNDING_S) // piece_s)):
            inside = _within(track, start + k * piece_s, start + (k + 1) * piece_s)
            if inside.any():
                peaks.append(float(score[inside].max()))
    return peaks


def _within(track: ProbabilityTrack, start_s: float, end_s: float) -> NDArray[np.bool_]:
    return (track.times_s >= start_s) & (track.times_s <= end_s) & track.warm


def piece_length_s(judged: Iterable[JudgedStream]) -> float | None:
    """Return the median duration of the streams' gestures, None without any."""
    spans = [g.end_s - g.start_s for j in judged if j.stream.timed for g in j.stream.gestures]
    return float(np.median(spans)) if spans else None


def detect(
    names: tuple[str, str],
    gestures: Sequence[Rise],
    pieces: Sequence[float],
    piece_s: float,
    false_rate: float,
    repeats: int = 1,
) -> Detection:
    """Return how well gestures part from idle pieces (at least one of each).

    names: whose gestures, whose idle. false_rate: 0..1, of pieces that may be false.
    repeats: of the gestures, see `measure`.
    """
    peaks, idle = np.array([g.peak for g in gestures]), np.array(pieces)
    threshold = threshold_at(idle, false_rate)
    times = [g.reaches(threshold) for g in gestures]
    detected = [t for t in times if t is not None]
    every = [1.0 if t is None else t for t in times]
    steps = _steps(idle)
    return Detection(
        *names,
        gestures=len(peaks),
        pieces=len(idle),
        piece_s=piece_s,
        auc=_auc(peaks, idle, repeats),
        threshold=threshold,
        false=share(int((idle >= threshold).sum()), len(idle)),
        true=share(len(detected), len(peaks), repeats),
        nttd=mean(detected, repeats),
        nttd_all=mean(every, repeats),
        curve_false=_reaching(idle, steps),
        curve_true=_reaching(peaks, steps),
        curve_nttd=np.array([_mean_time(gestures, step) for step in steps]),
    )


def threshold_at(idle: Floats, false_rate: float) -> float:
    """Return the lowest threshold that no more than this share of idle peaks (n,) reach."""
    allowed = int(np.floor(false_rate * len(idle) + _ROUNDING_S))
    falling = np.sort(idle)[::-1]
    if allowed >= len(falling):
        return 0.0
    return float(np.nextafter(falling[allowed], np.inf))


def _steps(idle: Floats) -> Floats:
    """Return, from the highest, the lowest threshold of each false-positive rate below 1, of at
    most CURVE_POINTS rates: no other has as many gestures, as early."""
    steps = np.nextafter(np.unique(idle)[::-1], np.inf)
    if len(steps) <= CURVE_POINTS:
        return steps
    return np.asarray(steps[np.linspace(0, len(steps) - 1, CURVE_POINTS).round().astype(int)])


def _reaching(peaks: Floats, steps: Floats) -> Floats:
    below = np.searchsorted(np.sort(peaks), steps, side="left")
    return np.asarray(1 - below / len(peaks))


def _mean_time(gestures: Sequence[Rise], threshold: float) -> float:
    times = (gesture.reaches(threshold) for gesture in gestures)
    return float(np.mean([1.0 if t is None else t for t in times]))


def area(peaks: Floats, idle: Floats) -> float:
    """Return the area under the ROC: how often a gesture's peak is above a piece's, ties half."""
    ordered = np.sort(idle)
    below = np.searchsorted(ordered, peaks, side="left")
    up_to = np.searchsorted(ordered, peaks, side="right")
    return float((below + up_to).mean() / (2 * len(idle)))


def _auc(peaks: Floats, idle: Floats, repeats: int) -> Estimate:
    """The area, with a bootstrap over gestures and over pieces."""
    rng = np.random.default_rng(SEED)
    size = round(len(peaks) / repeats)
    if size < 2 or len(idle) < 2:
        return Estimate(area(peaks, idle))
    drawn = [area(rng.choice(peaks, size), rng.choice(idle, len(idle))) for _ in range(DRAWS)]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Estimate(area(peaks, idle), float(low), float(high))
