"""What the events of streams are worth: the figures of a table's row, each with its interval."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.matching import Outcome
from motionrgbd.core.results import GestureEvent
from motionrgbd.training.online.edits import edit_costs
from motionrgbd.training.online.intervals import Estimate, Floats, bootstrap, mean, rate, share
from motionrgbd.training.online.matching import JudgedStream

BLOCK = 5  # gestures in a row that are drawn together: neighbours' mistakes are not independent
NO_EVENT = "(no event)"

DEFINITIONS = {
    "Levenshtein accuracy": "1 - the edits (gesture without event, event with a wrong label, event "
    "too many) that lead from the true sequence of labels to that of the events, summed over "
    f"streams, / true gestures. Interval: bootstrap over blocks of {BLOCK} gestures in a row, not "
    "across streams; an event too many belongs to the gesture before it",
    "precision, recall": "hits / events; hits / gestures. Interval: Wilson",
    "F1": "2 hits / (events + gestures). Interval: bootstrap over the same blocks",
    "duplicates": "per gesture. Interval: exact Poisson",
    "latency": "decision of a hit - end of its gesture, in ms; below 0 it came before the end. "
    "Interval: bootstrap over hits. Missed gestures have none",
    "event NTtD": "(decision of a hit - start) / (end - start) of its gesture, mean; above 1 it "
    "came after the end. Interval: bootstrap over hits",
    "false events per idle hour": "events outside gestures and their tolerance / hours outside "
    "gestures and their tolerance. Interval: exact Poisson",
}


@dataclass(frozen=True, slots=True)
class Latency:
    """Of hits, in ms after the gestures' ends. before_end: the share that came before it."""

    p50: Estimate
    p95: Estimate
    p99: Estimate
    before_end: Estimate


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """How the gestures of one label fared.

    substituted_by: wrong labels of events within them, the most frequent first, each with how often
    it came; missed: gestures without a hit, whatever came instead.
    """

    label: str
    gestures: int
    hits: int
    duplicates: int
    substituted_by: tuple[tuple[str, int], ...]
    p50_ms: float | None
    p95_ms: float | None

    @property
    def missed(self) -> int:
        """Gestures without a hit."""
        return self.gestures - self.hits


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a group of streams; see `DEFINITIONS`. Counts are of timed streams, edits are of all.

    What needs gestures is empty for streams without any, what needs times for streams without.
    mean_levenshtein: the streams' accuracies, each counting the same.
    latencies_ms: of every hit.
    """

    streams: int
    duration_s: float
    idle_s: float
    gestures: int
    events: int
    outcomes: dict[Outcome, int]
    edits: int
    levenshtein: Estimate
    mean_levenshtein: Estimate
    precision: Estimate
    recall: Estimate
    f1: Estimate
    duplicates: Estimate
    latency: Latency
    event_nttd: Estimate
    false_per_hour: Estimate
    classes: tuple[ClassFigures, ...]
    latencies_ms: tuple[float, ...]


def measure(judged: Sequence[JudgedStream], repeats: int = 1) -> Figures:
    """Return the figures of streams.

    repeats: how often the streams play the same clips, in other orders: intervals of what is
    counted over gestures are then those of one time.
    """
    outcomes = {o: sum(j.count(o) for j in judged) for o in Outcome}
    timed = [j for j in judged if j.stream.timed]
    gestures = sum(len(j.stream.gestures) for j in judged)
    timed_gestures = sum(len(j.stream.gestures) for j in timed)
    timed_events = sum(len(j.events) for j in timed)
    edits = {j.stream.name: edits_of(j) for j in judged if j.stream.gestures}
    blocks = _blocks(judged, edits)
    pairs = [pair for j in timed for pair in _pairs(j)]
    latencies = [1000 * (event.decided_s - gesture.end_s) for gesture, event in pairs]
    hits, duplicates = outcomes[Outcome.HIT], outcomes[Outcome.DUPLICATE]
    idle_s = sum(j.idle_s for j in timed)
    return Figures(
        streams=len(judged),
        duration_s=sum(j.stream.duration_s for j in judged),
        idle_s=idle_s,
        gestures=gestures,
        events=sum(len(j.events) for j in judged),
        outcomes=outcomes,
        edits=int(sum(costs.sum() for costs in edits.values())),
        levenshtein=bootstrap(blocks, _accuracy, repeats=repeats),
        mean_levenshtein=mean([1 - float(costs.mean()) for costs in edits.values()], repeats),
        precision=share(hits, timed_events if timed_gestures else 0, repeats),
        recall=share(hits, timed_gestures, repeats),
        f1=bootstrap(blocks, _f1, repeats=repeats) if timed_gestures else Estimate(),
        duplicates=rate(duplicates, timed_gestures, repeats),
        latency=_latency(latencies, repeats),
        event_nttd=mean([_nttd(pair) for pair in pairs], repeats),
        false_per_hour=rate(outcomes[Outcome.FALSE], idle_s / 3600),
        classes=_classes(timed),
        latencies_ms=tuple(latencies),
    )


def edits_of(judged: JudgedStream) -> NDArray[np.int64]:
    """Return the edits charged to each gesture (n,) of a stream that has some."""
    truth = [gesture.label for gesture in judged.stream.gestures]
    answers = [each.event.label for each in judged.events]
    return edit_costs(truth, answers, judged.stream.is_right)


_Pair = tuple[ScriptedGesture, GestureEvent]


def _pairs(judged: JudgedStream) -> list[_Pair]:
    return [(judged.stream.gestures[i], event) for i, event in judged.hits.items()]


def _nttd(pair: _Pair) -> float:
    gesture, event = pair
    return (event.decided_s - gesture.start_s) / (gesture.end_s - gesture.start_s)


def _blocks(judged: Sequence[JudgedStream], edits: Mapping[str, NDArray[np.int64]]) -> Floats:
    """Return the sums of blocks (n, 4): gestures, edits, hits, events."""
    rows = []
    for each in judged:
        if each.stream.name not in edits:
            continue
        ledger = np.zeros((len(each.stream.gestures), 4))
        ledger[:, 0], ledger[:, 1] = 1, edits[each.stream.name]
        ledger[list(each.hits), 2] = 1
        for i in _charged(each):
            ledger[i, 3] += 1
        starts = range(0, len(ledger), BLOCK)
        rows += [ledger[start : start + BLOCK].sum(0) for start in starts]
    return np.array(rows).reshape(-1, 4)


def _charged(judged: JudgedStream) -> list[int]:
    """Return, for each event of a timed stream, its gesture, or the one before it."""
    starts = [gesture.start_s for gesture in judged.stream.gestures]
    return [
        max(0, bisect.bisect_right(starts, each.event.decided_s) - 1)
        if each.gesture is None
        else each.gesture
        for each in judged.events
        if each.outcome is not Outcome.ORDER_ONLY
    ]


def _accuracy(rows: Floats) -> Floats:
    sums = rows.sum(1)
    return np.asarray(1 - sums[:, 1] / sums[:, 0])


def _f1(rows: Floats) -> Floats:
    sums = rows.sum(1)
    return np.asarray(2 * sums[:, 2] / (sums[:, 3] + sums[:, 0]))


def _latency(latencies_ms: Sequence[float], repeats: int) -> Latency:
    rows = np.array(latencies_ms)[:, None]

    def at(percent: float) -> Estimate:
        return bootstrap(
            rows, lambda drawn: np.percentile(drawn[..., 0], percent, axis=1), repeats=repeats
        )

    return Latency(at(50), at(95), at(99), share(int((rows < 0).sum()), len(rows), repeats))


def _classes(judged: Sequence[JudgedStream]) -> tuple[ClassFigures, ...]:
    labels = list(dict.fromkeys(g.label for j in judged for g in j.stream.gestures))
    return tuple(_class(label, judged) for label in sorted(labels))


def _class(label: str, judged: Sequence[JudgedStream]) -> ClassFigures:
    pairs = [pair for j in judged for pair in _pairs(j) if pair[0].label == label]
    own = [
        each
        for j in judged
        for each in j.events
        if each.gesture is not None and j.stream.gestures[each.gesture].label == label
    ]
    others = Counter(e.event.label for e in own if e.outcome is Outcome.SUBSTITUTION)
    latencies = [1000 * (event.decided_s - gesture.end_s) for gesture, event in pairs]
    return ClassFigures(
        label=label,
        gestures=sum(g.label == label for j in judged for g in j.stream.gestures),
        hits=len(pairs),
        duplicates=sum(each.outcome is Outcome.DUPLICATE for each in own),
        substituted_by=tuple(sorted(others.items(), key=lambda item: (-item[1], item[0]))),
        p50_ms=float(np.percentile(latencies, 50)) if latencies else None,
        p95_ms=float(np.percentile(latencies, 95)) if latencies else None,
    )


def confusion(judged: Sequence[JudgedStream]) -> tuple[NDArray[np.int64], list[str], list[str]]:
    """Return counts (C, A) of timed gestures by label and answer, the C labels and the A answers.

    A hit counts on the diagonal, under whatever name it was given; a gesture that was not hit
    counts once for the first wrong event within it, or as without an event.
    """
    timed = [j for j in judged if j.stream.timed and j.stream.gestures]
    labels = sorted({g.label for j in timed for g in j.stream.gestures})
    pairs = [pair for j in timed for pair in _answers(j)]
    others = sorted({a for _, a in pairs if a not in labels and a != NO_EVENT})
    answers = [*labels, *others, NO_EVENT]
    counts = np.zeros((len(labels), len(answers)), np.int64)
    for truth, answer in pairs:
        counts[labels.index(truth), answers.index(answer)] += 1
    return counts, labels, answers


def _answers(judged: JudgedStream) -> Iterator[tuple[str, str]]:
    hits = judged.hits
    wrong: dict[int, str] = {}
    for each in judged.events:
        if each.outcome is Outcome.SUBSTITUTION and each.gesture is not None:
            wrong.setdefault(each.gesture, each.event.label)
    for i, gesture in enumerate(judged.stream.gestures):
        yield gesture.label, gesture.label if i in hits else wrong.get(i, NO_EVENT)
