"""Thresholds that are moved decide at once what a run with them would have decided."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionrgbd.app import decision_design
from motionrgbd.app.decision_design import (
    Counts,
    Design,
    Threshold,
    moved,
    overrides,
    truth_of,
    without_own,
)
from motionrgbd.app.decision_trace import DecisionTrace, PredictionScan
from motionrgbd.core.decision_parameters import ClassParameters, DecisionParameters, overridden
from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.recogniser import Recogniser, Step
from motionrgbd.core.results import ModalityUse, Prediction
from motionrgbd.core.sources.open import open_source
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.models.bundle import load_bundle
from motionrgbd.models.recipe import Modality

LABELS = ("idle", "wave", "grab")
PLAIN = DecisionParameters(on=0.6, off=0.3, hold_s=0.0, smoothing_s=0.0, refractory_s=0.0)
HZ = 10.0


@dataclasses.dataclass(frozen=True)
class FedStep:
    prediction: Prediction | None
    timestamp_s: float
    warming_up: bool = False
    use: ModalityUse | None = None


def trace_of(*plateaus: tuple[str, float, float], use: ModalityUse | None = None) -> DecisionTrace:
    """Plateaus: one class has a probability for some seconds, the others share the rest."""
    trace = DecisionTrace(len(LABELS))
    n = 0
    for label, probability, seconds in plateaus:
        p = np.full(3, (1 - probability) / 2, np.float32)
        p[LABELS.index(label)] = probability
        for _ in range(round(seconds * HZ)):
            trace.add(FedStep(Prediction(p, {}, n, n / HZ), n / HZ, use=use))
            n += 1
    return trace


def decided(
    trace: DecisionTrace, parameters: DecisionParameters = PLAIN, **options: object
) -> Design:
    design = Design(LABELS, parameters, trace, window_s=1.0, **options)  # type: ignore[arg-type]
    while design.advance():
        pass
    return design


TRACE = (("idle", 0.9, 1), ("wave", 0.8, 1), ("idle", 0.9, 1), ("grab", 0.7, 1), ("idle", 0.9, 1))
TRUTH = (
    ScriptedGesture("wave", 1.0, 2.0),
    ScriptedGesture("wave", 2.9, 4.0),  # the model says grab
    ScriptedGesture("grab", 30.0, 31.0),  # not reached
)


def test_events_are_judged_and_gestures_that_are_still_to_come_are_not_missed() -> None:
    design = decided(trace_of(*TRACE), truth=TRUTH)
    assert [e.event.label for e in design.events] == ["wave", "grab"]
    assert design.counts() == Counts(gestures=2, hits=1, wrong=1)
    assert design.counts().missed == design.counts().alarms == 1
    assert design.missed() == (TRUTH[1],)
    assert design.counts("wave") == Counts(gestures=2, hits=1)
    assert design.counts("grab") == Counts(wrong=1)


def test_at_the_end_of_a_recording_every_gesture_had_its_time() -> None:
    design = decided(trace_of(*TRACE), truth=TRUTH)
    assert len(design.missed()) == 1
    design.complete = True
    assert design.counts() == Counts(gestures=3, hits=1, wrong=1)
    assert design.missed() == TRUTH[1:]


def test_a_moved_threshold_changes_the_events_at_once() -> None:
    design = decided(trace_of(*TRACE), truth=TRUTH)
    design.use(moved(PLAIN, None, "on", 0.75))
    assert design.advance()
    assert [e.event.label for e in design.events] == ["wave"]
    design.use(moved(design.parameters, "wave", "on", 0.85))
    design.advance()
    assert design.events == ()
    assert design.counts() == Counts(gestures=2)


def test_without_truth_events_are_shown_and_nothing_is_right_or_wrong() -> None:
    design = decided(trace_of(*TRACE))
    assert len(design.events) == 2
    assert design.counts() == Counts()


def test_deciding_takes_turns_and_ends_where_it_would_have_in_one_go() -> None:
    trace = trace_of(*TRACE * 20)
    whole = decided(trace)
    parts = Design(LABELS, PLAIN, trace, window_s=1.0)
    turns = 0
    while parts.advance(budget_s=0.0):
        turns += 1
    assert turns > 5
    assert parts.up_to_date
    assert not parts.advance()
    assert parts.events == whole.events
    assert (parts.smoothed == whole.smoothed).all()


def test_what_comes_later_is_decided_on_too() -> None:
    trace = trace_of(*TRACE[:2])
    design = decided(trace)
    assert len(design.events) == 1
    quiet = Prediction(np.array([1, 0, 0], np.float32), {}, 20, 2.0)
    trace.add(FedStep(quiet, 2.0))
    assert not design.up_to_date
    assert design.advance()
    assert design.times_s[-1] == 2.0


def test_probabilities_are_drawn_as_thresholds_meet_them() -> None:
    smooth = dataclasses.replace(PLAIN, smoothing_s=0.5)
    design = decided(trace_of(*TRACE), smooth)
    at_once = 10  # the first row of the wave
    assert 0.05 < design.smoothed[at_once, 1] < 0.3
    assert design.smoothed[at_once + 9, 1] > 0.6


def test_a_new_stream_forgets_what_was_decided() -> None:
    trace = trace_of(("wave", 0.8, 1), use=ModalityUse(("depth",), 0.0))
    again = ModalityUse(("depth",), 5.0)
    p = np.array([0.1, 0.8, 0.1], np.float32)
    for n in range(3):
        trace.add(FedStep(Prediction(p, {}, n, 5 + n / HZ), 5 + n / HZ, use=again))
    assert [e.event.decided_s for e in decided(trace).events] == [0.0, 5.0]


@pytest.mark.parametrize("precise", [PLAIN, DecisionParameters()])
def test_a_scan_decides_what_the_engine_decides(
    tiny_model: Path, clip_pair: str, precise: DecisionParameters
) -> None:
    options = SourceOptions(depth_direction="brighter")
    bundle = load_bundle(tiny_model)
    scan = PredictionScan(
        lambda: open_source(clip_pair, options=options), Recogniser(bundle, device="cpu")
    )
    scan.start()
    scan.wait()
    assert scan.finished
    design = Design(bundle.labels, precise, scan.trace, window_s=bundle.recipe.window_s)
    design.advance(10.0)
    source = open_source(clip_pair, options=options)
    recogniser = Recogniser(bundle, device="cpu", decision=precise)
    recogniser.open(source.info)
    steps: list[Step] = []
    while (frame := source.read()) is not None:
        steps += recogniser.push(frame)
    source.close()
    events = [event for step in steps for event in step.events]
    assert events
    assert [each.event for each in design.events] == events


def test_a_recording_that_cannot_be_read_is_told(tiny_model: Path) -> None:
    recogniser = Recogniser(load_bundle(tiny_model), device="cpu")
    scan = PredictionScan(lambda: open_source("/there/is/no/such.bag"), recogniser)
    scan.start()
    scan.wait()
    assert "no such file" in str(scan.error)
    assert not scan.finished
    scan.stop()


# ---- thresholds ----


def test_thresholds_take_each_other_along() -> None:
    assert moved(PLAIN, None, "on", 0.2) == dataclasses.replace(PLAIN, on=0.2, off=0.2)
    assert moved(PLAIN, None, "off", 0.9) == dataclasses.replace(PLAIN, on=0.9, off=0.9)
    assert moved(PLAIN, None, "on", 7).on == 1.0
    low = moved(PLAIN, "wave", "on", 0.123)
    assert low.of("wave")[:2] == (0.12, 0.12)
    assert low.of("grab") == PLAIN.of("grab")
    assert without_own(low, "wave") == PLAIN


def test_what_classes_have_of_their_own_moves_along() -> None:
    wave, grab = ClassParameters(on=0.8), ClassParameters(on=0.95, off=0.5)
    own = dataclasses.replace(
        PLAIN, on=0.7, off=0.3, classes={"wave": wave}, alone={"depth": {"grab": grab}}
    )
    higher = moved(own, None, "on", 0.75)
    assert higher.of("wave")[:2] == (0.85, 0.3)
    assert higher.of("grab")[:2] == (0.75, 0.3)
    assert higher.of("grab", ("depth",))[:2] == (1.0, 0.5)
    assert overrides(higher, own)["alone"] == {"depth": {"grab": {"on": 1.0, "off": 0.5}}}
    again = overridden(own, overrides(higher, own))
    assert again.of("wave") == higher.of("wave")
    assert again.of("grab", ("depth",)) == higher.of("grab", ("depth",))


def test_a_class_s_own_value_stays_until_it_no_longer_fits() -> None:
    own = dataclasses.replace(PLAIN, classes={"wave": ClassParameters(off=0.5)})
    assert moved(own, None, "on", 0.7).of("wave")[:2] == (0.7, 0.5)
    assert moved(own, None, "on", 0.4).of("wave")[:2] == (0.4, 0.4)


def test_a_class_moves_where_depth_alone_decides_it() -> None:
    """Moved for both modalities instead, nothing would have happened on a depth recording."""
    both, depth = ("color", "depth"), ("depth",)
    own = dataclasses.replace(
        PLAIN,
        classes={"wave": ClassParameters(on=0.7)},
        alone={"depth": {"wave": ClassParameters(on=0.8)}},
    )
    higher = moved(own, "wave", "on", 0.9, depth)
    assert (higher.of("wave", depth)[0], higher.of("wave", both)[0]) == (0.9, 0.7)
    assert overrides(higher, own) == {"alone": {"depth": {"wave": {"on": 0.9}}}}
    assert moved(own, "wave", "on", 0.9, both).of("wave", both)[0] == 0.9
    assert moved(own, "grab", "on", 0.9, depth).of("grab")[0] == 0.9  # has none for depth alone
    assert without_own(higher, "wave") == PLAIN
    again = overridden(own, overrides(without_own(own, "wave"), own))
    assert again.of("wave", depth) == again.of("wave", both) == PLAIN.of("wave")

    above = moved(own, "wave", "off", 0.95, both)  # beyond what depth alone asks for
    assert above.of("wave", both)[:2] == (0.95, 0.95)
    assert above.of("wave", depth)[:2] == (0.8, 0.8)


thresholds = st.floats(0, 1)
scored = st.sampled_from([("color", "depth"), ("depth",), ("color",)])
moves = st.tuples(
    st.sampled_from([None, "wave", "grab"]), st.sampled_from(["on", "off"]), thresholds, scored
)
ALONE = dataclasses.replace(
    PLAIN, alone={"depth": {"wave": ClassParameters(on=0.8), "grab": ClassParameters(off=0.1)}}
)


Move = tuple[str | None, Threshold, float, tuple[Modality, ...]]


@given(st.sampled_from([PLAIN, ALONE]), st.lists(moves, max_size=12), st.lists(moves, max_size=4))
def test_whatever_is_moved_fits_and_can_be_saved(
    start: DecisionParameters, first: list[Move], second: list[Move]
) -> None:
    bundled = start
    for move in first:
        bundled = moved(bundled, *move)
    parameters = bundled
    for label, threshold, value, used in second:
        parameters = moved(parameters, label, threshold, value, used)
        on_off = parameters.of(label, used)[:2] if label else (parameters.on, parameters.off)
        assert on_off[("on", "off").index(threshold)] == pytest.approx(value, abs=0.0051)
    again = overridden(bundled, overrides(parameters, bundled))
    for label in ("wave", "grab"):
        for used in (("color", "depth"), ("depth",), ("color",)):
            assert again.of(label, used) == parameters.of(label, used)
    assert (again.on, again.off) == (parameters.on, parameters.off)


def test_only_what_differs_is_saved() -> None:
    bundled = DecisionParameters(
        early_on=0.9, arm_with="wave", classes={"grab": ClassParameters(on=0.9)}
    )
    assert overrides(bundled, bundled) == {}
    ours = dataclasses.replace(bundled, early_on=None, arm_with=None, hold_s=0.2, classes={})
    table = overrides(ours, bundled)
    assert table == {"early_on": 0, "arm_with": "", "hold_s": 0.2, "classes": {"grab": {"on": 0.6}}}
    again = overridden(bundled, table)
    assert dataclasses.replace(again, classes={}) == ours
    assert again.of("grab") == ours.of("grab")


# ---- truth ----


def test_the_truth_is_the_script_or_a_table_beside_the_recording(tmp_path: Path) -> None:
    recording = str(tmp_path / "take.bag")
    assert truth_of(recording, TRUTH, 0.0).gestures == TRUTH
    nothing = truth_of(recording, (), 0.0)
    assert not nothing.gestures
    assert "take.bag.labels.csv" in nothing.problem
    table = tmp_path / "take.bag.labels.csv"
    table.write_text("start_s,end_s,label\n1,2,wave\n3,4,idle\n5,6,\n")
    truth = truth_of(recording, (), 100.0)
    assert truth.gestures == (ScriptedGesture("wave", 101.0, 102.0),)
    assert truth.of == "take.bag.labels.csv"
    table.write_text("start_s,end_s,label\n1,x,wave\n")
    assert "line 2" in truth_of(recording, (), 0.0).problem


def test_the_window_counts_as_the_demo_does() -> None:
    from motionrgbd.app.demo import LATEST_S

    assert decision_design.TOLERANCE_S == LATEST_S
