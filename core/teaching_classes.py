"""Which classes a lesson adds, by the labels of its recordings' spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from motionrgbd.core.errors import SourceError, UsageError
from motionrgbd.core.teaching_examples import LabelledRecording

_LONGEST_NAME = 60


def new_classes(
    known: Sequence[str],
    recordings: Sequence[LabelledRecording],
    classes: Sequence[str] | None,
    most: int,
) -> tuple[str, ...]:
    """Return the names of the classes to add to those that are known.

    classes: wanted; None: all labels that are not known. most: examples of a class. Raises
    UsageError for names that cannot be, too few and too many examples, SourceError for a span of
    neither a known nor a wanted class.
    """
    spans = [(r, span) for r in recordings for span in r.spans]
    if classes is None:
        classes = tuple(dict.fromkeys(s.label for _, s in spans if s.label not in known))
    for label in classes:
        if not label.strip() or label != label.strip() or len(label) > _LONGEST_NAME:
            raise UsageError(f"'{label}' is no name of a class: 1 to {_LONGEST_NAME} letters")
        if label.casefold() in {name.casefold() for name in known}:
            raise UsageError(
                f"the model has a class '{label}' already - choose another name for the new one"
            )
    if not classes or len(set(classes)) != len(classes):
        raise UsageError("no new class: mark spans with names that the model does not have yet")
    count = Counter(span.label for _, span in spans)
    for label in classes:
        if not count[label]:
            raise UsageError(f"no span of '{label}' in {', '.join(r.where for r in recordings)}")
        if count[label] > most:
            raise UsageError(
                f"{count[label]} examples of '{label}': at most {most} are learned - leave some "
                "out, or train a checkpoint on all of them (`motionrgbd teach --fine-tune`)"
            )
    for recording, span in spans:
        if span.label not in classes and span.label not in known:
            raise SourceError(
                f"{span.place(recording.where)}: '{span.label}' is neither a class of the model "
                f"nor one to be taught ({', '.join(classes)})"
            )
    return tuple(classes)
