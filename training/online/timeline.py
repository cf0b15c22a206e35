"""Stretches of streams where most went wrong: truth above, events below, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motionrgbd.core.matching import Outcome
from motionrgbd.training.online.detection import scores
from motionrgbd.training.online.results import StreamRun

STRIP_S = 30.0
STRIPS_AT_MOST = 16
_MISTAKES = (Outcome.DUPLICATE, Outcome.SUBSTITUTION, Outcome.FALSE)


@dataclass(frozen=True, slots=True)
class Bar:
    """A gesture: where it lies, 0..1 of the strip, and whether it was hit."""

    label: str
    left: float
    width: float
    hit: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """An event: where it was decided, 0..1 of the strip. row: 0.., so that labels stand apart."""

    label: str
    at: float
    outcome: str
    score: float
    row: int


@dataclass(frozen=True, slots=True)
class Strip:
    """A stretch of a stream. curve: 1 - p(idle) as (0..1 of the strip, 0..1) points."""

    stream: str
    start_s: float
    end_s: float
    mistakes: int
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    curve: tuple[tuple[float, float], ...]


def worst_strips(runs: Sequence[StreamRun], most: int = STRIPS_AT_MOST) -> list[Strip]:
    """Return the stretches of timed streams with most mistakes, at most so many, none without."""
    found = []
    for n, run in enumerate(runs):
        if not run.of.stream.timed:
            continue
        for k in range(int(np.ceil(run.of.stream.duration_s / STRIP_S))):
            if mistakes := _mistakes(run, k * STRIP_S):
                found.append((-mistakes, n, k * STRIP_S))
    return [_strip(runs[n], start_s, -count) for count, n, start_s in sorted(found)[:most]]


def _mistakes(run: StreamRun, start_s: float) -> int:
    """Missed gestures that start in a stretch, and events decided in it that are no hits."""
    end_s, hits = start_s + STRIP_S, run.judged.hits
    missed = sum(
        start_s <= gesture.start_s < end_s and i not in hits
        for i, gesture in enumerate(run.of.stream.gestures)
    )
    return missed + sum(
        start_s <= each.event.decided_s < end_s and each.outcome in _MISTAKES
        for each in run.judged.events
    )


def _strip(run: StreamRun, start_s: float, mistakes: int) -> Strip:
    stream, end_s = run.of.stream, start_s + STRIP_S
    hits = run.judged.hits

    def at(time_s: float) -> float:
        return min(1.0, max(0.0, (time_s - start_s) / STRIP_S))

    bars = [
        Bar(g.label, at(g.start_s), at(g.end_s) - at(g.start_s), i in hits)
        for i, g in enumerate(stream.gestures)
        if g.end_s > start_s and g.start_s < end_s
    ]
    shown = [e for e in run.judged.events if start_s <= e.event.decided_s < end_s]
    marks = [
        Mark(e.event.label, at(e.event.decided_s), e.outcome.value, e.event.score, k % 3)
        for k, e in enumerate(shown)
    ]
    inside = (run.track.times_s >= start_s) & (run.track.times_s < end_s)
    score = scores(run.track)
    curve = (
        ()
        if score is None
        else tuple(
            (round(at(float(t)), 4), round(float(p), 3))
            for t, p in zip(run.track.times_s[inside][::2], score[inside][::2], strict=True)
        )
    )
    end_s = min(end_s, stream.duration_s)
    return Strip(stream.name, start_s, end_s, mistakes, tuple(bars), tuple(marks), curve)
