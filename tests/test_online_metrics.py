"""Figures of events on streams: against what is counted by hand, and against other definitions."""

import functools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.matching import Outcome
from motionrgbd.core.results import GestureEvent
from motionrgbd.training.online.detection import area, detect, idle_peaks, rises, threshold_at
from motionrgbd.training.online.edits import edit_costs
from motionrgbd.training.online.intervals import bootstrap, mean, poisson, rate, share
from motionrgbd.training.online.matching import idle_spans, judge
from motionrgbd.training.online.metrics import NO_EVENT, confusion, measure
from motionrgbd.training.online.streams import OnlineStream
from motionrgbd.training.online.tracks import ProbabilityTrack


def stream(gestures, duration_s=60.0, **options):
    """A stream that is never opened: (label, start, end) of each gesture."""
    return OnlineStream(
        options.pop("name", "stream"), "group", open, "test", duration_s,
        tuple(ScriptedGesture(*g) for g in gestures), **options,
    )  # fmt: skip


def event(label, at_s):
    return GestureEvent(label, 0.9, at_s - 0.3, at_s, at_s)


def outcomes(judged):
    return [(each.outcome.value, each.gesture) for each in judged.events]


TWO = stream([("Grab", 1, 2), ("Grab", 2.2, 3), ("Tap", 10, 11)])


def test_each_event_is_worth_what_the_rules_say():
    at = (("Grab", 0.9), ("Tap", 1.2), ("Grab", 1.5), ("Grab", 2.5), ("Grab", 3.5), ("Tap", 11.6))
    judged = judge(TWO, [event(*e) for e in at], 0.5)
    assert outcomes(judged) == [
        ("false", None),  # before its gesture starts
        ("substitution", 0),
        ("hit", 0),
        ("hit", 1),  # within the tolerance of the first, which is answered
        ("duplicate", 1),
        ("false", None),  # a tenth of a second after the tolerance
    ]


def test_the_same_gesture_twice_needs_two_events_and_a_late_one_belongs_to_the_first():
    late = judge(TWO, [event("Grab", 2.4), event("Grab", 2.9)], 0.5)
    assert outcomes(late) == [("hit", 0), ("hit", 1)]
    strict = judge(TWO, [event("Grab", 2.4), event("Grab", 2.9)], 0.0)
    assert outcomes(strict) == [("hit", 1), ("duplicate", 1)]


def test_order_of_given_events_does_not_matter_and_ends_belong_to_the_span():
    ends = [event("Tap", 11.5), event("Grab", 1.0)]
    assert outcomes(judge(TWO, ends, 0.5)) == [("hit", 0), ("hit", 2)]


def test_labels_of_another_set_are_accepted_as_the_stream_says():
    any_motion = stream([("17", 1, 2)], accepted={"17": frozenset()})
    assert outcomes(judge(any_motion, [event("Shake", 1.5)], 0.5)) == [("hit", 0)]
    either = stream([("17", 1, 2)], accepted={"17": frozenset(("Tap", "Grab"))})
    judged = judge(either, [event("Shake", 1.4), event("Tap", 1.5), event("Grab", 1.6)], 0.5)
    assert [o for o, _ in outcomes(judged)] == ["substitution", "hit", "duplicate"]


def test_idle_time_is_what_no_gesture_and_no_tolerance_covers():
    assert idle_spans(TWO, 0.5) == ((0.0, 1), (3.5, 10), (11.5, 60.0))
    # the tolerance runs into the next gesture, and beyond the stream's end
    assert idle_spans(stream([("a", 0, 1), ("b", 1.2, 2)], 2.3), 0.5) == ()


@functools.cache
def levenshtein(a, b):
    """By its recursive definition."""
    if not a or not b:
        return len(a) + len(b)
    return min(
        levenshtein(a[1:], b[1:]) + (a[0] != b[0]),
        levenshtein(a[1:], b) + 1,
        levenshtein(a, b[1:]) + 1,
    )


@given(st.text("abc", min_size=1, max_size=5), st.text("abcx", max_size=5))
@settings(max_examples=60, deadline=None)
def test_charged_edits_sum_to_the_levenshtein_distance(truth, answers):
    costs = edit_costs(truth, answers, lambda t, a: t == a)
    assert costs.sum() == levenshtein(truth, answers)
    assert (costs >= 0).all()


def test_edits_are_charged_where_they_happen():
    same = lambda t, a: t == a  # noqa: E731
    assert edit_costs("abc", "abxc", same).tolist() == [0, 1, 0]
    assert edit_costs("abc", "ac", same).tolist() == [0, 1, 0]
    assert edit_costs("abc", "xxabc", same).tolist() == [2, 0, 0]
    with pytest.raises(ValueError, match="without gestures"):
        edit_costs("", "a", same)


def test_figures_of_a_stream_counted_by_hand():
    gestures = [("Grab", 10 * i, 10 * i + 2) for i in range(4)] + [("Tap", 50, 51)]
    at = [
        ("Grab", 1.9),  # 100 ms before the end
        ("Grab", 12.1),  # 100 ms after it
        ("Grab", 12.3),  # duplicate
        ("Tap", 21.0),  # substitution
        ("Tap", 40.0),  # false
    ]
    judged = [judge(stream(gestures), [event(*e) for e in at], 0.5)]
    figures = measure(judged)
    assert (figures.gestures, figures.events, figures.idle_s) == (5, 5, 60 - 4 * 2.5 - 1.5)
    assert figures.recall.value == pytest.approx(2 / 5)
    assert figures.precision.value == pytest.approx(2 / 5)
    assert figures.f1.value == pytest.approx(4 / 10)
    assert figures.duplicates.value == pytest.approx(1 / 5)
    # Grab Grab Grab Tap Tap for Grab Grab Grab Grab Tap: one label is wrong
    assert figures.edits == 1
    assert figures.levenshtein.value == pytest.approx(4 / 5)
    assert figures.latencies_ms == pytest.approx((-100, 100))
    assert figures.latency.p50.value == pytest.approx(0, abs=1e-9)
    assert figures.latency.before_end.value == 0.5
    assert figures.event_nttd.value == pytest.approx((0.95 + 1.05) / 2)
    assert figures.outcomes[Outcome.FALSE] == 1
    assert figures.false_per_hour.value == pytest.approx(3600 / 48.5)
    grab, tap = figures.classes
    assert (grab.label, grab.gestures, grab.hits, grab.missed, grab.duplicates) == (
        "Grab", 4, 2, 2, 1,
    )  # fmt: skip
    assert grab.substituted_by == (("Tap", 1),)
    assert (tap.hits, tap.p50_ms) == (0, None)
    counts, labels, answers = confusion(judged)
    assert (labels, answers) == (["Grab", "Tap"], ["Grab", "Tap", NO_EVENT])
    assert counts.tolist() == [[2, 1, 1], [0, 0, 1]]


def test_idle_streams_have_false_events_and_no_accuracy():
    figures = measure([judge(stream([], 1800.0), [event("Tap", 5.0)], 0.5)])
    assert figures.levenshtein.value is None
    assert figures.precision.value is None
    assert figures.false_per_hour.value == pytest.approx(2.0)
    assert figures.false_per_hour.low == pytest.approx(0.0253 * 2, abs=2e-4)


def test_a_stream_without_times_has_an_accuracy_and_no_false_events():
    gestures = (ScriptedGesture("1", 0, 0), ScriptedGesture("2", 0, 0))
    untimed = OnlineStream("s", "g", open, "test", 9.0, gestures, timed=False)
    figures = measure([judge(untimed, [event("1", 1.0), event("1", 2.0)], 0.5)])
    assert figures.levenshtein.value == 0.5
    assert figures.recall.value is None
    assert figures.false_per_hour.value is None
    assert figures.latency.p50.value is None


def test_no_greedy_choice_loses_a_hit():
    """Against the largest matching that any assignment reaches, over random streams."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        starts = np.sort(rng.uniform(0, 8, 4))
        starts += np.arange(4) * 0.2
        ends = [*(starts[1:] - 0.05), starts[-1] + 1]
        made = stream([(str(rng.integers(2)), s, e) for s, e in zip(starts, ends, strict=True)])
        events = [event(str(rng.integers(2)), t) for t in rng.uniform(0, 11, 5)]
        judged = judge(made, events, 0.7)
        assert len(judged.hits) == largest_matching(made, events, 0.7)


def largest_matching(made, events, tolerance_s, used=frozenset()):
    if not events:
        return 0
    first, rest = events[0], events[1:]
    best = largest_matching(made, rest, tolerance_s, used)
    for i, g in enumerate(made.gestures):
        fits = g.start_s <= first.decided_s <= g.end_s + tolerance_s and g.label == first.label
        if fits and i not in used:
            best = max(best, 1 + largest_matching(made, rest, tolerance_s, used | {i}))
    return best


@pytest.mark.parametrize(
    ("count", "low", "high"),  # Garwood's table
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (6, 2.202, 13.060), (10, 4.795, 18.390),
     (100, 81.364, 121.627)],
)  # fmt: skip
def test_poisson_intervals_are_the_published_ones(count, low, high):
    assert poisson(count) == pytest.approx((low, high), abs=6e-4)


def test_repeated_material_narrows_no_interval():
    once, thrice = share(80, 100), share(240, 300, repeats=3)
    assert (thrice.value, thrice.low, thrice.high) == pytest.approx(
        (once.value, once.low, once.high)
    )
    assert rate(30, 3.0, repeats=3).high == pytest.approx(rate(10, 1.0).high)
    values = np.random.default_rng(1).normal(size=50)
    wide, narrow = mean([*values] * 3, repeats=3), mean([*values] * 3)
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_a_bootstrap_covers_as_the_normal_one_does_and_repeats_itself():
    rows = np.random.default_rng(2).normal(3.0, 1.0, (400, 1))
    average = lambda drawn: drawn[..., 0].mean(1)  # noqa: E731
    found = bootstrap(rows, average)
    half = 1.96 * rows.std() / math.sqrt(400)
    assert found.high - found.value == pytest.approx(half, rel=0.1)
    assert found == bootstrap(rows, average)
    assert bootstrap(rows[:1], average).low is None


def track(values, fps_hz=10.0, labels=("Grab", "idle"), warm=None):
    """One probability of a gesture per step."""
    p = np.array(values, np.float32)
    return ProbabilityTrack(
        labels, np.arange(len(p)) / fps_hz, np.stack([p, 1 - p], 1),
        np.ones(len(p), bool) if warm is None else warm,
    )  # fmt: skip


def test_a_gesture_is_detected_when_the_score_first_reaches_the_threshold():
    values = np.zeros(41)
    values[12:15], values[15:20] = 0.4, 0.8
    (rise,) = rises(judge(stream([("Grab", 1, 2)], 4.0), [], 0.5), track(values))
    assert rise.peak == pytest.approx(0.8)
    assert rise.reaches(0.3) == pytest.approx(0.2)
    assert rise.reaches(0.5) == pytest.approx(0.5)
    assert rise.reaches(0.9) is None


def test_what_already_scores_as_the_gesture_starts_took_no_time():
    (rise,) = rises(judge(stream([("Grab", 0.95, 2)], 4.0), [], 0.5), track(np.full(41, 0.7)))
    assert rise.reaches(0.5) == 0.0


def test_idle_is_cut_into_whole_pieces_beyond_the_tolerance_and_the_warming_up():
    values = np.zeros(61)
    values[22], values[33], values[45] = 0.9, 0.3, 0.6
    judged = judge(stream([("Grab", 1, 2)], 6.0), [], 0.5)
    # pieces at 2.5, 3.5 and 4.5 s; before the gesture 0 to 1 s; 2.2 s is within the tolerance
    assert idle_peaks(judged, track(values), 1.0) == pytest.approx([0.0, 0.3, 0.6, 0.6])
    cold = np.arange(61) > 12
    assert idle_peaks(judged, track(values, warm=cold), 1.0) == pytest.approx([0.3, 0.6, 0.6])


def test_the_threshold_lets_no_more_pieces_through_than_asked():
    idle = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    assert (idle >= threshold_at(idle, 0.4)).sum() == 2
    assert (idle >= threshold_at(idle, 0.39)).sum() == 1
    assert (idle >= threshold_at(idle, 0.0)).sum() == 0
    assert threshold_at(idle, 1.0) == 0.0
    ties = np.array([0.1, 0.5, 0.5, 0.5])
    assert (ties >= threshold_at(ties, 0.5)).sum() == 0  # three would be too many


def test_detection_of_scores_that_part_and_of_scores_that_do_not():
    values = np.zeros(200)
    for i in range(3):
        values[20 + 50 * i : 25 + 50 * i] = 0.9
    gestures = [("Grab", 2 + 5 * i - 0.2, 2.8 + 5 * i) for i in range(3)]
    judged, made = judge(stream(gestures, 19.9), [], 0.5), track(values)
    found = detect(("a", "b"), rises(judged, made), idle_peaks(judged, made, 1.0), 1.0, 0.05)
    assert found.auc.value == 1.0
    assert (found.false.value, found.true.value) == (0.0, 1.0)
    assert found.nttd.value == pytest.approx(0.2)
    blind = detect(("a", "b"), rises(judged, made), [0.95] * 4, 1.0, 0.05)
    assert (blind.auc.value, blind.true.value, blind.nttd.value) == (0.0, 0.0, None)
    assert blind.nttd_all.value == 1.0
    assert (np.diff(found.curve_true) >= 0).all()
    assert (np.diff(found.curve_nttd) <= 0).all()


def test_the_area_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(3)
    peaks, idle = rng.integers(0, 6, 40) / 5, rng.integers(0, 4, 30) / 5
    pairs = [(p > i) + 0.5 * (p == i) for p in peaks for i in idle]
    assert area(peaks, idle) == pytest.approx(np.mean(pairs))
