"""One gesture, one event: every rule of the decisions alone, and what holds for any stream."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionrgbd.core.decision import DecisionLayer, DecisionParameters
from motionrgbd.core.decision_parameters import DecisionError
from motionrgbd.core.results import GestureEvent, Prediction

LABELS = ("idle", "wave", "grab")
HZ = 15.0
PLAIN = DecisionParameters(on=0.6, off=0.3, hold_s=0.0, smoothing_s=0.0, refractory_s=0.0)
Span = tuple[str, float, float]  # label, its probability, seconds


def rule(**changes: Any) -> DecisionParameters:
    """Without smoothing and waiting, so that a test sees its own rule."""
    return dataclasses.replace(PLAIN, **changes)


def spans_of(
    spans: Iterable[Span], labels: tuple[str, ...] = LABELS, hz: float = HZ
) -> list[Prediction]:
    """Plateaus: one class has a probability, the others share what is left of it."""
    made: list[Prediction] = []
    for label, probability, duration_s in spans:
        p = np.full(len(labels), (1 - probability) / (len(labels) - 1), np.float32)
        p[labels.index(label)] = probability
        for _ in range(round(duration_s * hz)):
            made.append(Prediction(p, {}, len(made), len(made) / hz))
    return made


def decide(
    predictions: Iterable[Prediction],
    parameters: DecisionParameters,
    labels: tuple[str, ...] = LABELS,
    allowed_from_s: float = 0.0,
) -> list[GestureEvent]:
    layer = DecisionLayer(labels, parameters)
    return [
        event
        for prediction in predictions
        for event in layer.update(prediction, allowed=prediction.timestamp_s >= allowed_from_s)
    ]


def names(events: Iterable[GestureEvent]) -> list[str]:
    return [event.label for event in events]


REST: Span = ("idle", 0.9, 1.0)
WAVE: Span = ("wave", 0.9, 1.0)
GRAB: Span = ("grab", 0.9, 1.0)


def test_one_event_per_gesture_with_its_times() -> None:
    (event,) = decide(spans_of([REST, WAVE, REST]), DecisionParameters())
    assert (event.label, event.kind) == ("wave", "gesture")
    assert 1.0 <= event.start_s <= event.decided_s <= 1.4
    assert event.score > 0.6


def test_gestures_with_and_without_a_pause_between_them() -> None:
    pause: Span = ("idle", 0.9, 0.4)
    twice = decide(spans_of([REST, WAVE, pause, WAVE, REST]), DecisionParameters())
    assert names(twice) == ["wave", "wave"]
    assert names(decide(spans_of([REST, WAVE, GRAB]), DecisionParameters())) == ["wave", "grab"]


def test_a_blip_rest_and_unsure_motion_give_nothing() -> None:
    assert not decide(spans_of([REST, ("wave", 0.9, 1 / HZ), REST]), DecisionParameters())
    assert not decide(spans_of([("idle", 0.9, 4.0)]), DecisionParameters())
    unsure: list[Span] = [("wave", 0.5, 0.5), ("grab", 0.5, 0.5)]
    assert not decide(spans_of(unsure * 4), DecisionParameters())


def test_nothing_is_decided_while_warming_up() -> None:
    assert not decide(spans_of([WAVE, REST]), DecisionParameters(), allowed_from_s=1.2)


def test_every_class_is_a_gesture_where_none_is_idle() -> None:
    abc = ("a", "b", "c")
    assert names(decide(spans_of([("a", 0.9, 0.6)], abc), DecisionParameters(), abc)) == ["a"]
    assert not decide([Prediction(np.ones(1, np.float32), {}, 0, 0.0)], PLAIN, ("idle",))


def test_smoothing_is_in_seconds_whatever_the_rate() -> None:
    """A step to 0.9 over a rest of 0.05 passes 0.6 after tau * ln(0.85 / 0.3)."""
    for hz in (30.0, 120.0):
        given_ = spans_of([REST, WAVE], hz=hz)
        (event,) = decide(given_, rule(smoothing_s=0.2))
        assert event.decided_s - 1.0 == pytest.approx(0.2 * np.log(0.85 / 0.3), abs=1.01 / hz)


def test_hold_and_refractory_are_waited_for() -> None:
    (late,) = decide(spans_of([REST, WAVE]), rule(hold_s=0.4))
    assert late.decided_s == pytest.approx(1.4)
    first, second = decide(spans_of([REST, WAVE, GRAB]), rule(refractory_s=1.6))
    assert second.decided_s - first.decided_s == pytest.approx(1.6)


def test_parameters_of_older_bundles_decide_as_they_did() -> None:
    """Steps of the events that the first release gave on beats of three sines."""
    t = np.arange(400) / HZ
    logits = 4 * np.stack([np.cos(0.9 * t), np.sin(1.7 * t), np.sin(2.9 * t + 1)], axis=1)
    p = np.exp(logits)
    p = (p / p.sum(axis=1, keepdims=True)).astype(np.float32)
    stream = [Prediction(p[n], {}, n, float(t[n])) for n in range(len(t))]
    older = {"on": 0.55, "off": 0.25, "hold_s": 0.2, "smoothing_s": 0.1, "refractory_s": 0.5}
    events = decide(stream, DecisionParameters.from_json(older))
    found = " ".join(f"{event.label[0]}{round(event.decided_s * HZ)}" for event in events)
    assert found == "w15 g33 w53 w123 g135 w175 g198 g231 w239 g258 w278 g330 w341 g360 g388"


# thresholds of single classes


def test_classes_have_thresholds_of_their_own() -> None:
    weak = spans_of([REST, ("wave", 0.5, 1.0), REST, ("grab", 0.5, 1.0)])
    assert not decide(weak, PLAIN)
    assert names(decide(weak, rule(classes={"grab": {"on": 0.45}}))) == ["grab"]
    strict = rule(classes={"wave": {"on": 0.95}})
    assert names(decide(spans_of([WAVE, REST, GRAB]), strict)) == ["grab"]
    patient = rule(classes={"wave": {"hold_s": 0.4}})
    times = [event.decided_s for event in decide(spans_of([REST, WAVE, REST, GRAB]), patient)]
    assert times == [pytest.approx(1.4), pytest.approx(3.0)]


def test_a_class_ends_at_its_own_off() -> None:
    dip = spans_of([WAVE, ("wave", 0.4, 0.5), WAVE, REST])
    assert names(decide(dip, PLAIN)) == ["wave"]
    assert names(decide(dip, rule(classes={"wave": {"off": 0.45}}))) == ["wave", "wave"]


# early


EARLY = {"hold_s": 0.6, "early_on": 0.8}


@pytest.mark.parametrize(
    ("changes", "probability", "waited_s"),
    [
        ({}, 0.9, 0.0),
        ({}, 0.79, 0.6),
        ({"early_margin": 0.8}, 0.9, 0.0),  # 0.9 against 0.05
        ({"early_margin": 0.9}, 0.9, 0.6),
        ({"early_hold_s": 0.2}, 0.9, 0.2),
        ({"early_on": None}, 0.9, 0.6),
        ({"early_on": 0}, 0.9, 0.6),
    ],
)
def test_a_safe_lead_is_not_waited_for(
    changes: dict[str, float], probability: float, waited_s: float
) -> None:
    given_ = spans_of([REST, ("wave", probability, 1.0)])
    (event,) = decide(given_, rule(**{**EARLY, **changes}))
    assert event.decided_s - 1.0 == pytest.approx(waited_s)


def test_a_lead_that_breaks_off_is_counted_anew_and_idle_counts_against_it() -> None:
    shaky: list[Span] = [("wave", 0.9, 0.2), ("wave", 0.7, 0.2), ("wave", 0.9, 0.4)]
    (event,) = decide(spans_of(shaky), rule(hold_s=2.0, early_on=0.8, early_hold_s=0.3))
    assert event.decided_s == pytest.approx(0.4 + 5 / HZ)
    other: list[Span] = [("wave", 0.9, 0.2), ("grab", 0.9, 0.6)]  # each leads for itself
    (event,) = decide(spans_of(other), rule(hold_s=2.0, early_on=0.8, early_hold_s=0.3))
    assert (event.label, event.decided_s) == ("grab", pytest.approx(0.2 + 5 / HZ))
    p = np.array([0.4, 0.6, 0.0], np.float32)
    near = [Prediction(p, {}, n, n / HZ) for n in range(6)]
    assert not decide(near, rule(**{**EARLY, "early_on": 0.6, "early_margin": 0.3}))
    assert decide(near, rule(**{**EARLY, "early_on": 0.6, "early_margin": 0.1}))


# the same gesture again


def test_a_gesture_that_sank_and_rose_counts_again_where_this_is_asked_for() -> None:
    sunk: Span = ("wave", 0.45, 0.4)
    given_ = spans_of([REST, WAVE, sunk, WAVE, sunk, WAVE, REST])
    assert names(decide(given_, PLAIN)) == ["wave"]
    again = decide(given_, rule(rearm_drop=0.4))
    assert names(again) == ["wave"] * 3
    assert [event.start_s for event in again] == pytest.approx([1.0, 2.4 - 1 / HZ, 3.8 - 1 / HZ])
    assert names(decide(given_, rule(rearm_drop=0.5))) == ["wave"]  # it sank by 0.45


def test_a_gesture_that_sank_to_another_one_or_not_below_on_is_the_same_one() -> None:
    to_another = spans_of([WAVE, ("grab", 0.59, 0.4), WAVE], hz=HZ)
    held = rule(rearm_drop=0.3, off=0.2)
    assert names(decide(to_another, held)) == ["wave"]
    to_rest = spans_of([WAVE, ("idle", 0.59, 0.4), WAVE])
    assert names(decide(to_rest, held)) == ["wave", "wave"]
    to_both: list[Span] = [("idle", 0.59, 0.4), ("grab", 0.58, 0.2), WAVE]
    assert names(decide(spans_of([WAVE, *to_both]), held)) == ["wave"]
    not_below_on = spans_of([WAVE, ("wave", 0.62, 0.4), WAVE])
    assert names(decide(not_below_on, rule(rearm_drop=0.2))) == ["wave"]


def test_a_gesture_sinks_from_its_peak_not_from_where_it_was_decided() -> None:
    given_ = spans_of([("wave", 0.65, 0.2), WAVE, ("wave", 0.45, 0.4), WAVE])
    assert names(decide(given_, rule(rearm_drop=0.4))) == ["wave", "wave"]


def test_a_gesture_that_rises_again_waits_for_the_refractory_time() -> None:
    given_ = spans_of([("wave", 0.9, 0.2), ("wave", 0.45, 0.2), WAVE])
    first, second = decide(given_, rule(rearm_drop=0.4, refractory_s=0.8))
    assert second.decided_s - first.decided_s == pytest.approx(0.8)


# arming


ARMED = rule(arm_with="grab", armed_s=1.5)


def test_gestures_count_only_after_the_arming_one() -> None:
    assert not decide(spans_of([REST, WAVE, REST]), ARMED)
    events = decide(spans_of([WAVE, REST, GRAB, WAVE, REST, WAVE]), ARMED)  # the last is too late
    assert [(e.label, e.kind, round(e.decided_s)) for e in events] == [
        ("grab", "arm", 2),
        ("wave", "gesture", 3),
    ]


def test_each_event_keeps_the_others_armed() -> None:
    given_ = spans_of([GRAB, REST, WAVE, REST, WAVE, REST, REST, REST, WAVE])
    events = decide(given_, rule(arm_with="grab", armed_s=2.5))
    assert [(e.label, round(e.decided_s)) for e in events] == [
        ("grab", 0),
        ("wave", 2),
        ("wave", 4),
    ]


def test_a_gesture_made_too_early_is_not_delivered_later() -> None:
    events = decide(spans_of([WAVE, GRAB, ("idle", 0.9, 0.2)]), ARMED)
    assert names(events) == ["grab"]


# repeating


def test_a_held_gesture_repeats_and_ends_at_off() -> None:
    held = rule(repeat=("wave",), repeat_after_s=0.6, repeat_every_s=0.2)
    given_ = spans_of([REST, ("wave", 0.9, 0.8), ("wave", 0.4, 0.4), REST, ("grab", 0.9, 2.0)])
    events = decide(given_, held)
    assert [(e.label, e.kind) for e in events] == [
        ("wave", "gesture"),
        *[("wave", "repeat")] * 3,
        ("grab", "gesture"),
    ]
    assert [e.decided_s for e in events[:4]] == pytest.approx([1.0, 1.6, 1.8, 2.0])
    assert all(e.start_s == pytest.approx(1.0) for e in events[1:4])


def test_repeats_that_are_late_are_not_made_up_for() -> None:
    held = rule(repeat=("wave",), repeat_after_s=0.5, repeat_every_s=0.1)
    wave = spans_of([WAVE])[0].probabilities
    times = [0.0, 0.4, 3.0, 3.05, 3.1, 3.2]
    events = decide([Prediction(wave, {}, 0, t) for t in times], held)
    assert [e.decided_s for e in events] == [0.0, 3.0, 3.1, 3.2]


def test_a_repeat_keeps_others_armed() -> None:
    held = rule(arm_with="grab", armed_s=1.5, repeat=("wave",), repeat_after_s=1.0)
    events = decide(spans_of([GRAB, ("wave", 0.9, 3.2), REST, WAVE]), held)
    assert [e.kind for e in events] == ["arm", "gesture", *["repeat"] * 5, "gesture"]


# another head


def test_a_rest_that_another_head_sees_is_not_smoothed_away() -> None:
    layer = DecisionLayer(LABELS, rule(smoothing_s=0.3))
    given_ = spans_of([REST, WAVE, ("idle", 0.9, 0.2), ("grab", 0.9, 1.5)])
    events = []
    for prediction in given_:
        if prediction.timestamp_s == 2.0:
            layer.switch(2.0, 2.0)
        events += layer.update(prediction)
    assert names(events) == ["wave", "grab"]
    assert events[1].decided_s < 3.0  # not only after the two seconds of patience


# other parameters in a running stream


def test_other_parameters_count_at_once_and_no_gesture_twice() -> None:
    layer = DecisionLayer(LABELS, PLAIN)
    given_ = spans_of([REST, WAVE, REST, ("grab", 0.5, 1.0)])
    events = []
    for n, prediction in enumerate(given_):
        if n == 22:  # in the middle of the wave
            layer.use(rule(on=0.45, refractory_s=0.5))
        events += layer.update(prediction)
    assert names(events) == ["wave", "grab"]
    with pytest.raises(DecisionError, match="names 'nod'"):
        layer.use(rule(repeat=("nod",)))
    assert layer.parameters.on == 0.45


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"classes": {"nod": {"on": 0.7}}}, r"classes\.nod names 'nod'.*wave, grab$"),
        ({"classes": {"idle": {"on": 0.7}}}, r"names 'idle'"),
        ({"arm_with": "nod"}, r"arm_with names 'nod'"),
        ({"repeat": ["wave", "nod"]}, r"repeat names 'nod'"),
    ],
)
def test_labels_that_are_no_gesture_of_the_model_are_refused(
    changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(DecisionError, match=named):
        DecisionLayer(LABELS, rule(**changes))


# what holds for any stream

SETS = st.builds(
    lambda on, off, **rest: DecisionParameters(on=on, off=min(on, off), **rest),
    on=st.sampled_from([0.4, 0.6, 0.8]),
    off=st.sampled_from([0.1, 0.3, 0.5]),
    hold_s=st.sampled_from([0.0, 0.125, 0.25]),
    smoothing_s=st.sampled_from([0.0, 0.125]),
    refractory_s=st.sampled_from([0.0, 0.25, 1.0]),
    early_on=st.sampled_from([None, 0.7]),
    early_margin=st.sampled_from([0.0, 0.3]),
    rearm_drop=st.sampled_from([None, 0.2]),
    arm_with=st.sampled_from([None, "grab"]),
    armed_s=st.just(1.0),
    repeat=st.sampled_from([(), ("wave",)]),
    repeat_after_s=st.just(0.5),
    repeat_every_s=st.just(0.25),
    classes=st.sampled_from([{}, {"wave": {"on": 0.9, "hold_s": 0.375}}]),
)


@st.composite
def streams(draw: st.DrawFn) -> list[Prediction]:
    """Walks between classes, at steps of sixteenths of a second: scaling by two is exact."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    made, now = [], 0.0
    logits = np.zeros(len(LABELS))
    for n in range(draw(st.integers(1, 80))):
        if rng.random() < 0.15:
            logits = rng.normal(0, 3, len(LABELS))
        p = np.exp(logits + rng.normal(0, 0.5, len(LABELS)))
        now += float(rng.choice([1, 1, 1, 2])) / 16
        made.append(Prediction((p / p.sum()).astype(np.float32), {}, n, now))
    return made


@settings(max_examples=150, deadline=None)
@given(streams(), SETS)
def test_any_stream(stream: list[Prediction], parameters: DecisionParameters) -> None:
    events = decide(stream, parameters)
    assert events == decide(stream, parameters)
    assert "idle" not in names(events)
    half = len(stream) // 2
    until_s = stream[half].timestamp_s
    before = [event for event in events if event.decided_s < until_s]
    assert before == decide(stream[:half], parameters)  # the future decides nothing
    for event in events:
        assert event.start_s <= event.end_s <= event.decided_s
        assert 0 <= event.score <= 1
        assert (event.kind == "arm") == (event.label == parameters.arm_with)
        assert event.kind != "repeat" or event.label in parameters.repeat
    decided = [event.decided_s for event in events if event.kind != "repeat"]
    assert all(b - a >= parameters.refractory_s - 1e-9 for a, b in itertools.pairwise(decided))
    if parameters.arm_with is not None and events:
        assert events[0].kind == "arm"
        gaps = itertools.pairwise(events)
        assert all(b.decided_s - a.decided_s <= 1.0 + 1e-9 for a, b in gaps if b.kind != "arm")


@settings(max_examples=50, deadline=None)
@given(streams(), SETS)
def test_the_same_at_half_the_speed(
    stream: list[Prediction], parameters: DecisionParameters
) -> None:
    """Times and parameters scale together: nothing but seconds counts."""
    times = [f.name for f in dataclasses.fields(parameters) if f.name.endswith("_s")]
    classes = {label: {"on": 0.9, "hold_s": 0.75} for label in parameters.classes}
    doubled_s: dict[str, Any] = {name: 2 * getattr(parameters, name) for name in times}
    slow = dataclasses.replace(parameters, classes=classes, **doubled_s)
    doubled = [Prediction(p.probabilities, {}, p.index, 2 * p.timestamp_s) for p in stream]
    expected = [
        dataclasses.replace(e, start_s=2 * e.start_s, end_s=2 * e.end_s, decided_s=2 * e.decided_s)
        for e in decide(stream, parameters)
    ]
    assert decide(doubled, slow) == expected


@settings(max_examples=50, deadline=None)
@given(
    gestures=st.lists(st.sampled_from(["wave", "grab"]), max_size=5),
    hz=st.sampled_from([12.0, 15.0, 30.0, 60.0]),
    early=st.booleans(),
    rearm=st.booleans(),
)
def test_as_many_events_as_plateaus_at_any_rate(
    gestures: list[str], hz: float, early: bool, rearm: bool
) -> None:
    parameters = DecisionParameters(
        early_on=0.85 if early else None, rearm_drop=0.3 if rearm else None
    )
    spans = [REST, *[span for label in gestures for span in ((label, 0.9, 0.8), REST)]]
    assert names(decide(spans_of(spans, hz=hz), parameters)) == gestures


def test_thresholds_follow_what_is_scored() -> None:
    """The same probabilities: enough for both modalities, too little for depth alone."""
    rules = DecisionParameters(
        on=0.6,
        off=0.3,
        hold_s=0.0,
        smoothing_s=0.0,
        alone={"depth": {"Tap": {"on": 0.9}}},  # type: ignore[dict-item]
    )
    for used, expected in ((("color", "depth"), 1), (("depth",), 0)):
        layer = DecisionLayer(("Tap", "idle"), rules)
        events = [
            event
            for n in range(10)
            for event in layer.update(
                Prediction(np.array([0.8, 0.2], np.float32), {}, n, n / 15, used)
            )
        ]
        assert len(events) == expected
