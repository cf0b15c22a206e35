"""Thresholds are chosen by what events cost: gestures told in time, none wrong, none at rest."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.training.online.choose import COMMON, chosen, costs
from motionrgbd.training.online.streams import OnlineStream
from motionrgbd.training.online.tracks import ProbabilityTrack

LABELS = ("Tap", "Grab", "idle")
RATE_HZ = 15.0


def recorded(
    group: str, bumps: list[tuple[float, float, str, float]], truth: tuple[ScriptedGesture, ...]
) -> tuple[OnlineStream, ProbabilityTrack]:
    """45 s in which labels reach a probability from one time to another; else idle is sure."""
    times = np.arange(0, 45, 1 / RATE_HZ)
    p = np.zeros((len(times), 3), np.float32)
    p[:, 2] = 1.0
    for start_s, end_s, label, level in bumps:
        there = (times >= start_s) & (times < end_s)
        p[there] = 0.0
        p[there, LABELS.index(label)] = level
        p[there, 2] = 1.0 - level
    stream = OnlineStream(group, group, lambda: None, group, 45.0, truth)  # type: ignore[arg-type,return-value]
    return stream, ProbabilityTrack(LABELS, times, p, np.ones(len(times), np.bool_))


def gestures(*spans: tuple[str, float, float]) -> tuple[ScriptedGesture, ...]:
    return tuple(ScriptedGesture(*span) for span in spans)


@pytest.fixture
def both() -> list[tuple[OnlineStream, ProbabilityTrack]]:
    """Taps reach 0.93 and rest looks like one at 0.87; Grabs reach 0.78 and rest never does."""
    truth = gestures(("Tap", 10, 12), ("Grab", 20, 22), ("Tap", 30, 32), ("Grab", 40, 42))
    made = [(g.start_s + 1, g.end_s, g.label, 0.93 if g.label == "Tap" else 0.78) for g in truth]
    return [
        recorded("gestures", made, truth),
        recorded("idle", [(5, 7, "Tap", 0.87), (25, 27, "Tap", 0.87)], ()),
    ]


def test_a_class_that_rest_looks_like_gets_a_threshold_above_it(
    both: list[tuple[OnlineStream, ProbabilityTrack]],
) -> None:
    own = chosen(both).classes
    tap, grab = own["Tap"].on, own["Grab"].on
    assert tap is not None
    assert grab is not None
    assert 0.87 < tap <= 0.92
    assert grab <= 0.75
    assert set(own) == {"Tap", "Grab"}


def test_what_is_chosen_costs_less_than_one_threshold_for_all(
    both: list[tuple[OnlineStream, ProbabilityTrack]],
) -> None:
    def total(parameters: object) -> float:
        found = costs(both, parameters).values()  # type: ignore[arg-type]
        return sum(cost.total(0.1) for cost in found)

    assert total(chosen(both)) == 0.0
    assert total(COMMON) == 1.0  # all Grabs are missed


def test_what_another_gesture_passes_through_is_held_longer() -> None:
    truth = gestures(("Tap", 10, 12), ("Grab", 20, 22))
    streams = [
        recorded("one", [(11, 12, "Tap", 0.93), (20, 20.2, "Tap", 0.99)], truth),
        recorded("two", [(11, 12, "Tap", 0.93), (21, 22, "Grab", 0.95)], truth),
    ]
    own = chosen(streams).classes
    assert own["Tap"].hold_s in (0.13, 0.2)
    assert own["Grab"].hold_s is None  # as short as all others'
    assert [e.label for e in streams[0][1].events(chosen(streams))] == ["Tap"]


def test_depth_alone_is_decided_by_its_own_thresholds(
    both: list[tuple[OnlineStream, ProbabilityTrack]],
) -> None:
    alone = [
        (stream, dataclasses.replace(track, used=(("depth",),) * len(track.times_s)))
        for stream, track in both
    ]
    quiet = [recorded("calm", [(11, 12, "Tap", 0.8)], gestures(("Tap", 10, 12)))]
    parameters = chosen([*alone, *quiet])
    assert parameters.of("Tap", ("depth",))[0] > 0.87
    assert parameters.of("Tap", ("color", "depth"))[0] <= 0.8
    assert [e.label for e in alone[1][1].events(parameters)] == []
    assert [e.label for e in quiet[0][1].events(parameters)] == ["Tap"]


def test_late_events_are_missed_and_wrong_and_idle_counts_by_the_hour() -> None:
    late = recorded("gestures", [(10.9, 12.4, "Tap", 0.99)], gestures(("Tap", 9, 10.8)))
    swapped = recorded("more", [(11, 12, "Grab", 0.99)], gestures(("Tap", 10, 12)))
    idle = recorded("idle", [(5, 6, "Grab", 0.99)], ())
    found = costs([late, swapped, idle], COMMON)
    assert (found["Tap"].gestures, found["Tap"].missed, found["Tap"].wrong) == (2, 2, 1)
    assert (found["Grab"].missed, found["Grab"].wrong) == (0, 1)
    assert found["Grab"].hourly == pytest.approx((80.0,))
    assert found["Tap"].total(0.1) == pytest.approx(1.5)
    assert found["Grab"].total(0.1) == pytest.approx(9.0)
