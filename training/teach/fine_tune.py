"""Teach a checkpoint further classes by training: `motionrgbd teach --fine-tune`.

The network is trained twice: without the examples kept apart, which gives the figures of the new
classes, and with all of them, which gives the checkpoint and the figures of the old ones. Old
classes are replayed and tried on synthetic hands, where the network knows their gestures, and on
what is marked of them in the recordings.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from motionrgbd.core.errors import UsageError
from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.core.teaching_classes import new_classes
from motionrgbd.core.teaching_examples import LabelledRecording
from motionrgbd.core.teaching_known import LARGEST_LOSS
from motionrgbd.core.teaching_report import ForgettingError, TeachReport
from motionrgbd.models.checkpoint import Checkpoint
from motionrgbd.training.export import streaming_network
from motionrgbd.training.teach.figures import report_of
from motionrgbd.training.teach.judging import Judge
from motionrgbd.training.teach.material import Tell, read_material
from motionrgbd.training.teach.tuning import STEPS, Tuning
from motionrgbd.training.teach.widening import grouping_of, widened

MOST_EXAMPLES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class FineTuning:
    """A checkpoint that knows more, not written yet, and the figures of it."""

    checkpoint: Checkpoint
    report: TeachReport


def fine_tune(
    checkpoint: Checkpoint,
    recordings: Sequence[LabelledRecording],
    classes: Sequence[str] | None = None,
    *,
    tell: Tell = lambda text: None,
    steps: int = STEPS,
) -> FineTuning:
    """Return the checkpoint with the new classes as further outputs.

    classes: as `teach` takes them. tell: is told what is being done. Raises UsageError,
    SourceError, ModalityError for examples that cannot be used, and ForgettingError, with the
    figures, where the old classes would lose more than a point or a new one is never recognised.
    """
    known = [*checkpoint.labels, *(x for g in checkpoint.groupings.values() for x in g.labels)]
    new = new_classes(known, recordings, classes, MOST_EXAMPLES)
    for recording in recordings:
        recording.check_seen_whole(checkpoint.recipe.window_s)
    old = {s.label for r in recordings for s in r.spans} - set(new)
    performed = set(GESTURES) <= set(known)
    if not performed and not old:
        raise UsageError(
            "it could not be told whether the old classes hold: mark some of their gestures in the "
            "recordings too"
        )
    if performed:
        old |= set(GESTURES)
    grouping = grouping_of(widened(checkpoint, new), old)
    before = streaming_network(checkpoint).requires_grad_(False)
    material = read_material(checkpoint, before, new, recordings, performed, tell)
    judge = Judge(widened(checkpoint, new), grouping)
    tuning = Tuning(checkpoint, before, new, steps)
    examples, apart = material.examples(), material.apart()
    replayed, tried = material.old()
    gestures = [w for e in replayed for w in e.windows()]
    between = material.between()
    tell("training without the examples kept apart")
    shown = [e for e in examples if e not in apart]
    trial = tuning.tuned(shown, gestures, between + material.idle(apart=True))
    tell("training with all examples")
    network = tuning.tuned(examples, gestures, between + material.idle(apart=False))
    report = report_of(judge, material, trial, (before, network), tried)
    _check(report)
    state = {name: x.numpy() for name, x in network.state_dict().items()}
    made = dataclasses.replace(widened(checkpoint, new), state=state)
    return FineTuning(_with_card(made, report), report)


def _check(report: TeachReport) -> None:
    """Raise ForgettingError where the report is not good enough."""
    if not report.old_after >= report.old_before - LARGEST_LOSS - 1e-9:
        raise ForgettingError(
            f"the old classes would fall from {report.old_before:.1%} to {report.old_after:.1%}: "
            "choose gestures that are less like them",
            report,
        )
    if lost := report.never_recognised():
        raise ForgettingError(
            f"no example of {', '.join(lost)} kept apart was recognised: give more examples, or "
            "mark them more exactly",
            report,
        )


def _with_card(made: Checkpoint, report: TeachReport) -> Checkpoint:
    """Say in the card what was done; the figures of the weights before are not these weights'."""
    names = ", ".join(n.label for n in report.new)
    figures = {
        "new classes, examples kept apart": ", ".join(
            f"{n.label} {n.recognised} of {n.tried}" for n in report.new
        ),
        "old classes, windows": f"{report.old_before:.1%} before, {report.old_after:.1%} after",
    }
    data = f"{made.card.data}; fine-tuned on own examples: {names}".lstrip("; ")
    return dataclasses.replace(made, card=dataclasses.replace(made.card, data=data, scores=figures))
