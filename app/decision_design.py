"""Thresholds that are being moved: what they decide of a recording, and how right that is."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from motionrgbd.app.decision_trace import DecisionTrace
from motionrgbd.core.decision import IDLE_LABEL, DecisionLayer
from motionrgbd.core.decision_parameters import (
    OF_CLASSES,
    ClassParameters,
    DecisionParameters,
    stripped,
)
from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.labels import labels_beside, read_spans
from motionrgbd.core.matching import JudgedEvent, Outcome, match
from motionrgbd.core.results import FloatArray, GestureEvent, Prediction
from motionrgbd.models.recipe import Modality

TOLERANCE_S = 0.75  # after its end a gesture may still be decided for this long
_CHUNK = 64  # steps between two looks at the clock

Threshold = Literal["on", "off"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How events compare with the truth.

    gestures: those that could have been decided by now. wrong: events with another label within a
    gesture; false: events outside of all; repeated: further events of a gesture.
    """

    gestures: int = 0
    hits: int = 0
    wrong: int = 0
    false: int = 0
    repeated: int = 0

    @property
    def missed(self) -> int:
        """Gestures without a right event."""
        return self.gestures - self.hits

    @property
    def alarms(self) -> int:
        """Events that should not have been."""
        return self.wrong + self.false + self.repeated


class Design:
    """Decides on a trace again, whenever the parameters change. Used by one thread.

    truth: the gestures that were made, in order of time; empty where nobody knows.
    complete: the trace will not grow any more.
    `advance` works for a bounded time: a window calls it at every poll.
    """

    def __init__(
        self,
        labels: Sequence[str],
        parameters: DecisionParameters,
        trace: DecisionTrace,
        *,
        window_s: float,
        truth: Sequence[ScriptedGesture] = (),
    ) -> None:
        self.labels = tuple(labels)
        self.trace = trace
        self.truth = tuple(sorted(truth, key=lambda gesture: gesture.start_s))
        self.complete = False
        self._window_s = window_s
        self._smooth = np.zeros((0, len(self.labels)), np.float32)
        self.use(parameters)

    @property
    def parameters(self) -> DecisionParameters:
        """What is decided by."""
        return self._layer.parameters

    def use(self, parameters: DecisionParameters) -> None:
        """Decide by these, from the start on. Raises DecisionError where they do not fit."""
        self._layer = DecisionLayer(self.labels, parameters)
        self._position = 0
        self._found: list[GestureEvent] = []
        self._judged: tuple[JudgedEvent, ...] | None = None

    def advance(self, budget_s: float = 0.015) -> bool:
        """Decide on what is not decided yet, for about so long; say whether anything was."""
        end_s = time.perf_counter() + budget_s
        before = self._position
        while self._position < len(self.trace):
            self._decide(_CHUNK)
            if time.perf_counter() >= end_s:
                break
        if self._position != before:
            self._judged = None
        return self._position != before

    def _decide(self, count: int) -> None:
        rows = self.trace.rows(self._position, count)
        self._make_room(self._position + len(rows))
        for n, (now_s, begins) in enumerate(zip(rows.times_s.tolist(), rows.begins, strict=True)):
            if begins == "stream":
                self._layer.reset()
            elif begins == "switch":
                self._layer.switch(now_s, self._window_s)
            prediction = Prediction(rows.probabilities[n], {}, 0, now_s, rows.used[n])
            self._found += self._layer.update(prediction, allowed=bool(rows.allowed[n]))
            self._smooth[self._position + n] = self._layer.smoothed
        self._position += len(rows)

    def _make_room(self, count: int) -> None:
        if count > len(self._smooth):
            more = np.zeros((max(count, 2 * len(self._smooth)), len(self.labels)), np.float32)
            more[: len(self._smooth)] = self._smooth
            self._smooth = more

    @property
    def up_to_date(self) -> bool:
        """Whether everything that is known was decided on."""
        return self._position >= len(self.trace)

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Times (n,) of what was decided on."""
        return self.trace.rows(0, self._position).times_s

    @property
    def smoothed(self) -> FloatArray:
        """Probabilities float32 (n, K) as thresholds meet them: after smoothing."""
        return self._smooth[: self._position]

    @property
    def events(self) -> tuple[JudgedEvent, ...]:
        """The events, each with what it is worth; without truth, all count as hits of nothing."""
        if self._judged is None:
            gestures = [event for event in self._found if event.kind != "repeat"]
            if self.truth:
                self._judged = match(self.truth, gestures, TOLERANCE_S)
            else:
                self._judged = tuple(JudgedEvent(e, Outcome.ORDER_ONLY, None) for e in gestures)
        return self._judged

    def counts(self, label: str | None = None) -> Counts:
        """Count all events, or those that have a label or lie in a gesture of that label."""
        judged = self.events
        hit = {each.gesture for each in judged if each.outcome is Outcome.HIT}
        until_s = self._until_s()
        due = [
            gesture
            for n, gesture in enumerate(self.truth)
            if (n in hit or gesture.end_s + TOLERANCE_S <= until_s)
            and label in (None, gesture.label)
        ]
        own = [each for each in judged if label in (None, each.event.label)]

        def count(outcome: Outcome) -> int:
            return sum(each.outcome is outcome for each in own)

        return Counts(
            gestures=len(due),
            hits=count(Outcome.HIT),
            wrong=count(Outcome.SUBSTITUTION),
            false=count(Outcome.FALSE),
            repeated=count(Outcome.DUPLICATE),
        )

    def _until_s(self) -> float:
        """Return until when gestures had their time."""
        if self.complete and self.up_to_date:
            return np.inf
        return float(self.times_s[-1]) if self._position else -np.inf

    def missed(self) -> tuple[ScriptedGesture, ...]:
        """Return the gestures without a right event that had their time."""
        hit = {each.gesture for each in self.events if each.outcome is Outcome.HIT}
        until_s = self._until_s()
        return tuple(
            gesture
            for n, gesture in enumerate(self.truth)
            if n not in hit and gesture.end_s + TOLERANCE_S <= until_s
        )


def gesture_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the labels that can become events."""
    return tuple(label for label in labels if label != IDLE_LABEL)


def moved(
    parameters: DecisionParameters,
    label: str | None,
    threshold: Threshold,
    value: float,
    used: Sequence[Modality] = (),
) -> DecisionParameters:
    """Return the parameters with a threshold moved, of all classes (None) or of one.

    used: the modalities that are scored; what a class has of its own for one of them alone moves
    there. Kept within 0 and 1, in hundredths. Where `on` meets `off`, it takes it along, and so
    the other way round. What classes have of their own moves by as much as what all have.
    """
    value = _in_range(value)
    before = (parameters.on, parameters.off) if label is None else parameters.of(label, used)[:2]
    on, off = before
    on, off = (value, min(off, value)) if threshold == "on" else (max(on, value), value)
    if label is not None:
        follows = {"on": on, "off": off}
        changed = {
            name: x
            for name, x, old in zip(follows, follows.values(), before, strict=True)
            if name == threshold or x != old
        }
        own = dataclasses.replace(own_of(parameters, label, used), **changed)
        return with_own(parameters, label, own, used)
    by = {"on": on - parameters.on, "off": off - parameters.off}
    alike = {name: _moved_along(own, by, on, off) for name, own in parameters.classes.items()}
    alone = {
        modality: {name: _moved_along(own, by, on, off) for name, own in owns.items()}
        for modality, owns in parameters.alone.items()
    }
    return dataclasses.replace(parameters, on=on, off=off, classes=alike, alone=alone)


def own_of(
    parameters: DecisionParameters, label: str, used: Sequence[Modality] = ()
) -> ClassParameters:
    """Return what a class has of its own where these modalities are scored."""
    modality = _alone(parameters, label, used)
    classes = parameters.classes if modality is None else parameters.alone[modality]
    return classes.get(label, ClassParameters())


def with_own(
    parameters: DecisionParameters,
    label: str,
    own: ClassParameters,
    used: Sequence[Modality] = (),
) -> DecisionParameters:
    """Return the parameters with what a class has of its own, where `own_of` finds it.

    What the class has for one modality alone still fits: its `off` never exceeds its `on`.
    """
    modality = _alone(parameters, label, used)
    if modality is not None:
        changed = {**parameters.alone[modality], label: own}
        return dataclasses.replace(parameters, alone={**parameters.alone, modality: changed})
    classes = {**parameters.classes, label: own}
    on = parameters.on if own.on is None else own.on
    off = parameters.off if own.off is None else own.off
    still = {"on": 0.0, "off": 0.0}
    alone = {
        modality: {
            name: _moved_along(each, still, on, off) if name == label else each
            for name, each in owns.items()
        }
        for modality, owns in parameters.alone.items()
    }
    return dataclasses.replace(parameters, classes=classes, alone=alone)


def _alone(parameters: DecisionParameters, label: str, used: Sequence[Modality]) -> Modality | None:
    """Return the one modality that is scored, where a class has values of its own for it alone."""
    if len(used) == 1 and label in parameters.alone.get(used[0], {}):
        return used[0]
    return None


def _moved_along(
    own: ClassParameters, by: Mapping[str, float], on: float, off: float
) -> ClassParameters:
    """Return what a class has of its own after all classes' thresholds moved to `on` and `off`."""
    own_on = None if own.on is None else _in_range(own.on + by["on"])
    own_off = None if own.off is None else _in_range(own.off + by["off"])
    on, off = on if own_on is None else own_on, off if own_off is None else own_off
    return dataclasses.replace(own, on=own_on, off=on if off > on else own_off)


def _in_range(value: float) -> float:
    """Return a threshold within 0 and 1, in hundredths."""
    return round(min(max(value, 0.0), 1.0), 2)


def without_own(parameters: DecisionParameters, label: str) -> DecisionParameters:
    """Return the parameters with a class decided as all are, whatever is scored."""
    owns = {"": parameters.classes, **parameters.alone}
    left = {
        modality: {name: own for name, own in classes.items() if name != label}
        for modality, classes in owns.items()
    }
    classes = left.pop("")
    alone = {modality: classes for modality, classes in left.items() if classes}
    return dataclasses.replace(parameters, classes=classes, alone=alone)


def overrides(parameters: DecisionParameters, bundled: DecisionParameters) -> dict[str, Any]:
    """Return the `[decision]` table that makes these parameters of a bundle's: what differs."""
    table: dict[str, Any] = {}
    for each in dataclasses.fields(DecisionParameters):
        value = getattr(parameters, each.name)
        if each.name in ("classes", "alone") or value == getattr(bundled, each.name):
            continue
        if value is None:
            value = "" if each.name == "arm_with" else 0
        table[each.name] = list(value) if isinstance(value, tuple) else value
    shared = [name for name in OF_CLASSES if name in table]  # they replace what classes have
    classes = _differing(parameters, stripped(bundled.classes, shared), parameters.classes, ())
    if classes:
        table["classes"] = classes
    alone = {}
    for modality in dict.fromkeys((*parameters.alone, *bundled.alone)):
        ours = parameters.alone.get(modality, {})
        theirs = stripped(bundled.alone.get(modality, {}), shared)
        # what is said of a class holds whatever is scored, so all of its values are said again
        said = [label for label in ours if label in classes]
        own = _differing(parameters, theirs, ours, (modality,), said)
        if own:
            alone[modality] = own
    if alone:
        table["alone"] = alone
    return table


def _differing(
    parameters: DecisionParameters,
    theirs: Mapping[str, ClassParameters],
    ours: Mapping[str, ClassParameters],
    used: Sequence[str],
    said: Sequence[str] = (),
) -> dict[str, dict[str, float]]:
    """Return what must be said of classes that have values of their own on one side at least."""
    table = {}
    for label in dict.fromkeys((*ours, *theirs)):
        own, other = ours.get(label, ClassParameters()), theirs.get(label, ClassParameters())
        if own == other and label not in said:
            continue
        values = zip(OF_CLASSES, parameters.of(label, used), strict=True)
        table[label] = {
            name: x
            for name, x in values
            if getattr(own, name) is not None or getattr(other, name) is not None
        }
    return table


@dataclass(frozen=True, slots=True)
class Truth:
    """What was gestured in a recording. of: where that is known from; problem: why it is not."""

    gestures: tuple[ScriptedGesture, ...] = ()
    of: str = ""
    problem: str = ""


def truth_of(spec: str, script: Sequence[ScriptedGesture], origin_s: float) -> Truth:
    """Return the script of a recording, or what NAME.labels.csv beside it says.

    origin_s: the recording's first moment, which such a table calls 0.
    """
    if script:
        return Truth(tuple(script), "the recording's script")
    file = labels_beside(spec)
    if not file.is_file():
        return Truth(problem=f"no {file.name} beside the recording: nothing to compare with")
    try:
        spans = read_spans(file)
    except SourceError as error:
        return Truth(problem=str(error))
    gestures = tuple(
        ScriptedGesture(span.label, span.start_s + origin_s, span.end_s + origin_s)
        for span in spans
        if span.label and span.label != IDLE_LABEL
    )
    return Truth(gestures, file.name)
