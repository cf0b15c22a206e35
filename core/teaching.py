"""Teach a model further classes from one to ten examples each, in seconds and without a GPU.

The network stays as it is. Examples become sequences of its features of frames
(`teaching_examples`); limits come from examples kept apart and from all that is none
(`teaching_fit`). With one example of a class, altered copies of its recording stand for others.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from motionrgbd.core.decision import DecisionLayer, bundle_parameters
from motionrgbd.core.decision_parameters import ClassParameters, DecisionParameters
from motionrgbd.core.errors import SourceError, TeachingError
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.results import FloatArray, GestureEvent, Prediction
from motionrgbd.core.taught import TaughtMatcher, joined
from motionrgbd.core.teaching_classes import new_classes
from motionrgbd.core.teaching_examples import (
    ALTERATIONS,
    LEAST_IDLE_S,
    LabelledRecording,
    Recorded,
    idle_s,
    record,
)
from motionrgbd.core.teaching_fit import (
    MARGIN_S,
    class_distances,
    falls_in,
    gesture_distances,
    idle_distances,
    limits_of,
    templates_of,
)
from motionrgbd.core.teaching_known import Known, Right
from motionrgbd.core.teaching_report import (
    ForgettingError,
    NewClass,
    OldClass,
    TeachReport,
    tried_classes,
)
from motionrgbd.models.bundle import Bundle
from motionrgbd.models.taught import Memory, Taught, Template

__all__ = ["NewClass", "OldClass", "TeachReport", "Teaching", "TeachingStopped", "teach"]

MOST_EXAMPLES = 10  # of a class: more cost time at every frame and add little
_LOWER = 0.95  # what limits are multiplied with until the old classes hold
_LOWEST_GATE = 0.5
_ON_STEPS = (0.5, 0.6, 0.7, 0.8, 0.9)
_HOLD_S = 0.1  # an alignment that has reached its end has seen the whole gesture


class TeachingStopped(Exception):  # noqa: N818 - a wish, not an error
    """The caller's `stop` said so; nothing was made."""


@dataclass(frozen=True, slots=True, eq=False)
class Teaching:
    """A model that knows more, not written yet, and the figures of it."""

    bundle: Bundle
    report: TeachReport


def teach(
    bundle: Bundle,
    recordings: Sequence[LabelledRecording],
    classes: Sequence[str] | None = None,
    *,
    progress: Callable[[float, str], None] | None = None,
    stop: Callable[[], bool] | None = None,
    device: str = "cpu",
    precision: str = "fp32",
) -> Teaching:
    """Return the model with the new classes beside its own.

    classes: to be added; None: all labels of the spans that the model does not know.
    progress(share, what): called often; stop(): asked often, True raises TeachingStopped.
    Raises SourceError, UsageError, ModalityError for examples that cannot be used, TeachingError
    for a model that cannot be taught, and ForgettingError, with the figures, where the old classes
    would lose more than a point or a new one is never recognised.
    """
    if bundle.memory is None:
        raise TeachingError(
            "this model carries no stored examples of its classes, so it could not be told whether "
            "it forgets them: add them with `motionrgbd model remember`, or take another model"
        )
    new = new_classes(bundle.labels, recordings, classes, MOST_EXAMPLES)
    for recording in recordings:
        recording.check_seen_whole(bundle.recipe.window_s)
    known = Known(bundle.network_labels, bundle.memory, bundle.taught, bundle.recipe.fps_hz)
    lesson = _Lesson(bundle, bundle.memory, known, new, progress, stop)
    recogniser = Recogniser(bundle, device=device, precision=precision)
    try:
        recorded = lesson.listen(recogniser, recordings)
    finally:
        recogniser.close()
    return lesson.learn(recorded)


@dataclass(frozen=True, slots=True, eq=False)
class _Lesson:
    bundle: Bundle
    memory: Memory
    known: Known
    new: tuple[str, ...]
    progress: Callable[[float, str], None] | None
    stop: Callable[[], bool] | None

    @property
    def fps_hz(self) -> float:
        return self.bundle.recipe.fps_hz

    def tell(self, share: float, what: str) -> None:
        if self.stop is not None and self.stop():
            raise TeachingStopped
        if self.progress is not None:
            self.progress(min(1.0, share), what)

    def listen(
        self, recogniser: Recogniser, recordings: Sequence[LabelledRecording]
    ) -> list[Recorded]:
        """Run the model over the recordings, and over altered copies where an example is alone."""
        count = Counter(s.label for r in recordings for s in r.spans if s.label in self.new)
        alone = {label for label, n in count.items() if n == 1}
        jobs = [(r, None) for r in recordings] + [
            (r, alteration)
            for r in recordings
            if any(span.label in alone for span in r.spans)
            for alteration in ALTERATIONS
        ]
        found = []
        for i, (recording, alteration) in enumerate(jobs):
            what = f"reading {recording.name}" + (", altered" if alteration else "")

            def watch(share: float, i: int = i, what: str = what) -> None:
                self.tell(0.9 * (i + min(1.0, share)) / len(jobs), what)

            found.append(
                record(recording, recogniser, self.memory.space, alteration=alteration, watch=watch)
            )
        idle = idle_s([r for r in found if not r.copy], MARGIN_S, self.fps_hz)
        if idle < LEAST_IDLE_S:
            raise SourceError(
                f"{', '.join(r.where for r in recordings)}: {idle:.1f} s without a gesture, at "
                f"least {LEAST_IDLE_S:g} s are needed (farther than {MARGIN_S:g} s from all "
                "spans): record some rest, the new gestures must not be taken for it"
            )
        return found

    def learn(self, recorded: Sequence[Recorded]) -> Teaching:
        templates = templates_of(recorded, self.new)
        for template in templates:
            if not template.vectors:
                raise SourceError(f"an example of '{template.label}' lost colour or depth half way")
        folds = self.folds(recorded, templates)
        limits, slope = self.limits(folds, templates)
        taught, gate, before, after = self.kept(templates, limits, slope)
        self.tell(0.95, "trying examples kept apart")
        report, decision = self.tried(folds, taught, gate, before, after)
        if lost_scores := self.known.lost(before, after):
            raise ForgettingError(f"{lost_scores}: choose gestures that are less like them", report)
        if lost := report.never_recognised():
            raise ForgettingError(
                f"no example of {', '.join(lost)} kept apart was recognised: too much like what "
                "the model knows, or like no gesture - choose another, or mark it more exactly",
                report,
            )
        self.tell(1.0, "done")
        return Teaching(self.taught_bundle(recorded, taught, decision), report)

    def folds(
        self, recorded: Sequence[Recorded], templates: Sequence[Template]
    ) -> list[tuple[Recorded, list[Template], tuple[int, ...]]]:
        """Return recordings to try, the examples to try with, and which spans are kept apart."""
        count = Counter(template.label for template in templates)
        found = []
        for number in range(max(count.values())):
            seen: Counter[str] = Counter()
            apart = []
            for i, template in enumerate(templates):
                n, seen[template.label] = seen[template.label], seen[template.label] + 1
                if count[template.label] > 1 and n == number:
                    apart.append(i)
            rest = [t for i, t in enumerate(templates) if i not in apart]
            index = 0
            for r in recorded:
                if r.copy:
                    continue
                spans = []
                for s, span in enumerate(r.spans):
                    if span.label in self.new:
                        if index in apart:
                            spans.append(s)
                        index += 1
                if spans or not number:
                    found.append((r, rest, tuple(spans)))
        for r in recorded:
            if r.copy:
                single = [s for s, span in enumerate(r.spans) if count.get(span.label) == 1]
                found.append((r, list(templates), tuple(single)))
        return found

    def limits(
        self,
        folds: Sequence[tuple[Recorded, list[Template], tuple[int, ...]]],
        templates: Sequence[Template],
    ) -> tuple[dict[str, float], float]:
        near: dict[str, list[float]] = {label: [] for label in self.new}
        far: dict[str, list[float]] = {label: [] for label in self.new}
        for n, (r, rest, apart) in enumerate(folds):
            self.tell(0.9 + 0.04 * n / len(folds), f"kept apart {n + 1} of {len(folds)}")
            distances = class_distances(r, self.memory.space, rest, self.new)
            spans = gesture_distances(r, distances, self.new)
            idle = idle_distances(r, distances)
            for k, label in enumerate(self.new):
                near[label] += [spans[s, k] for s in apart if r.spans[s].label == label]
                far[label] += list(idle[:, k])
                far[label] += [
                    spans[s, k] for s, span in enumerate(r.spans) if span.label not in self.new
                ]
        known = self.known.distances(templates, self.new)
        for k, label in enumerate(self.new):
            far[label] += list(known[:, k])
            far[label] = [x for x in far[label] if np.isfinite(x)]
            near[label] = [x for x in near[label] if np.isfinite(x)]
            if not near[label]:
                raise SourceError(f"no example of '{label}' could be tried: nothing was seen of it")
        return limits_of(self.new, near, far)

    def kept(
        self, templates: Sequence[Template], limits: dict[str, float], slope: float
    ) -> tuple[Taught, float, Right, Right]:
        """Lower the limits until the old classes hold; return right or wrong before and after."""
        before = self.known.right(self.bundle.taught)
        gate = 1.0
        while True:
            taught = self.with_old(templates, {k: gate * x for k, x in limits.items()}, slope)
            after = self.known.right(taught)
            if not self.known.lost(before, after) or gate * _LOWER < _LOWEST_GATE:
                return taught, gate, before, after
            gate *= _LOWER

    def with_old(
        self, templates: Sequence[Template], limits: dict[str, float], slope: float
    ) -> Taught:
        """Return what was taught before, and the new classes."""
        old = self.bundle.taught
        if old is None:
            return Taught(self.memory.space, self.new, tuple(templates), limits, slope)
        return Taught(
            old.space,
            old.labels + self.new,
            old.templates + tuple(templates),
            {**old.limits, **limits},
            min(old.slope, slope),
        )

    def tried(
        self,
        folds: Sequence[tuple[Recorded, list[Template], tuple[int, ...]]],
        taught: Taught,
        gate: float,
        before: Right,
        after: Right,
    ) -> tuple[TeachReport, DecisionParameters]:
        """Decide on the examples kept apart, at the lowest `on` that gives no false event."""
        probabilities = [self.probabilities(r, rest, taught) for r, rest, _ in folds]
        for on in _ON_STEPS:
            decision = self.decision(on)
            judged = [
                self.judge(fold, p, decision) for fold, p in zip(folds, probabilities, strict=True)
            ]
            if not sum(false for _, false in judged):
                break
        hits = [hit for found, _ in judged for hit in found]
        idle = sum(float(r.idle_rows(MARGIN_S).sum()) for r, _, _ in folds) / self.fps_hz
        count = Counter(t.label for t in taught.templates)
        new = tried_classes(self.new, hits, count, "left out", on)
        false = sum(false for _, false in judged)
        report = TeachReport(
            new,
            false,
            idle,
            self.known.rows(before, after),
            float(before.mean()),
            float(after.mean()),
            gate,
            self.warnings(new, gate),
        )
        return report, decision

    def probabilities(
        self, r: Recorded, templates: Sequence[Template], taught: Taught
    ) -> FloatArray:
        """Return (n, labels) of a recording, by these examples of the new classes."""
        known = self.bundle.taught.templates if self.bundle.taught else ()
        own = {t.label for t in templates} | {t.label for t in known}
        labels = tuple(label for label in taught.labels if label in own)
        trial = dataclasses.replace(taught, labels=labels, templates=(*known, *templates))
        matcher = TaughtMatcher(trial, self.fps_hz)
        shares = np.zeros((len(r.times_s), len(taught.labels)), np.float32)
        columns = [taught.labels.index(label) for label in labels]
        for i in range(len(r.times_s)):
            row = {n: v[i : i + 1] for n, v in r.vectors.items() if np.isfinite(v[i]).all()}
            shares[i, columns] = matcher.push(row)[0]
        network = r.probabilities[:, : len(self.bundle.network_labels)]
        network = network / np.maximum(network.sum(axis=1, keepdims=True), 1e-6)
        return joined(network, shares)

    def decision(self, on: float) -> DecisionParameters:
        old = bundle_parameters(self.bundle)
        own = ClassParameters(on=on, off=0.5 * on, hold_s=_HOLD_S)
        return dataclasses.replace(old, classes={**old.classes, **dict.fromkeys(self.new, own)})

    def judge(
        self,
        fold: tuple[Recorded, list[Template], tuple[int, ...]],
        probabilities: FloatArray,
        decision: DecisionParameters,
    ) -> tuple[list[tuple[str, bool]], int]:
        """Return the spans kept apart with whether they were recognised, and the false events."""
        r, _, apart = fold
        layer = DecisionLayer((*self.bundle.labels, *self.new), decision)
        events: list[GestureEvent] = []
        for i, (time_s, p) in enumerate(zip(r.times_s, probabilities, strict=True)):
            events += layer.update(Prediction(p, {}, i, float(time_s)))
        own = [event for event in events if event.label in self.new]
        spans = [r.spans[s] for s in apart]
        hits = [(s.label, any(e.label == s.label and falls_in(e, s) for e in own)) for s in spans]
        false = sum(not any(falls_in(e, s) for s in r.spans) for e in own)
        return hits, false

    def warnings(self, new: Sequence[NewClass], gate: float) -> tuple[str, ...]:
        found = []
        if any(n.how == "altered copies" for n in new):
            found.append(
                "A class with one example was tried on copies of that very example: record more "
                "for a figure that means more."
            )
        weak = [n.label for n in new if n.tried and n.recognised < 0.7 * n.tried]
        if weak:
            found.append(
                f"Often missed: {', '.join(weak)}. More, or more distinct, examples may help."
            )
        if gate < 1:
            found.append("The new classes' limits were lowered until the old ones held.")
        if note := self.known.note():
            found.append(note)
        return tuple(found)

    def taught_bundle(
        self, recorded: Sequence[Recorded], taught: Taught, decision: DecisionParameters
    ) -> Bundle:
        card = self.bundle.card
        names = ", ".join(self.new)
        return dataclasses.replace(
            self.bundle,
            labels=self.bundle.labels + self.new,
            taught=taught,
            decision=decision.to_json(),
            card=dataclasses.replace(
                card, data=f"{card.data}; taught by own examples: {names}".lstrip("; ")
            ),
            memory=self.memory,
            sha256="",
        )
