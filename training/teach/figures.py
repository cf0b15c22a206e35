"""What came of fine-tuning, on what was kept apart from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from motionrgbd.core.results import GestureEvent
from motionrgbd.core.teaching_fit import falls_in
from motionrgbd.core.teaching_report import NewClass, OldClass, TeachReport, tried_classes
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.training.teach.frames import Frames
from motionrgbd.training.teach.judging import Judge
from motionrgbd.training.teach.material import Material, is_apart
from motionrgbd.training.teach.windows import Example


def report_of(
    judge: Judge,
    material: Material,
    trial: StreamingNetwork,
    networks: tuple[StreamingNetwork, StreamingNetwork],
    tried: Sequence[Example],
) -> TeachReport:
    """Judge the trial on what was kept apart, and the networks before and after on old classes."""
    events = {f: judge.events(trial, f) for f in (*material.given, *material.copies)}
    hits = [
        (
            e.span.label,
            any(x.label == e.span.label and falls_in(x, e.span) for x in events[e.frames]),
        )
        for e in material.apart()
    ]
    count = Counter(e.span.label for e in material.examples())
    new = tried_classes(material.new, hits, count, "kept apart", judge.decision.on)
    false, idle_s = _false_events(material, events)
    windows = [(w, e.span.label) for e in tried for w in e.windows()]
    before, after = (judge.right(network, windows) for network in networks)
    truth = np.array([label for _, label in windows])
    old = []
    for label in dict.fromkeys(truth.tolist()):
        own = truth == label
        old.append(
            OldClass(label, int(own.sum()), float(before[own].mean()), float(after[own].mean()))
        )
    means = float(before.mean()), float(after.mean())
    return TeachReport(
        new, false, idle_s, tuple(old), *means, warnings=_warnings(new, material, tried)
    )


def _false_events(
    material: Material, events: Mapping[Frames, Sequence[GestureEvent]]
) -> tuple[int, float]:
    """Count events of new classes in the idle time kept apart; return its length in s too."""
    false, idle_s = 0, 0.0
    for f in material.given:
        idle = f.idle()
        kept = [bool(idle[i]) and is_apart(f, i) for i in range(len(idle))]
        steps = np.diff(f.times_s, append=f.times_s[-1])
        idle_s += float(steps[kept].sum())
        for event in events[f]:
            at = int(np.abs(f.times_s - event.decided_s).argmin())
            false += event.label in material.new and kept[at]
    return false, idle_s


def _warnings(
    new: Sequence[NewClass], material: Material, tried: Sequence[Example]
) -> tuple[str, ...]:
    found = []
    if single := [n.label for n in new if n.how == "altered copies"]:
        found.append(
            f"{', '.join(single)}: tried on altered copies of that very example; record more for a "
            "figure that means more."
        )
    if all(e.frames in material.checked for e in tried):
        found.append(
            "Old classes were tried on synthetic hands alone: mark some of their gestures in the "
            "recordings for a figure of real ones."
        )
    return tuple(found)
