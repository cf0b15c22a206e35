"""What came of teaching: the new classes on examples kept apart, the old ones before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from motionrgbd.core.errors import TeachingError

How = Literal["left out", "kept apart", "altered copies"]


@dataclass(frozen=True, slots=True)
class NewClass:
    """A class that was taught.

    how: what it was tried on: each example left out in turn; some kept apart from training; or, of
    a single example, copies with pictures turned, scaled and shifted, at another speed. tried,
    recognised: gestures. on: the probability that starts an event.
    """

    label: str
    examples: int
    how: How
    tried: int
    recognised: int
    on: float


def tried_classes(
    labels: Sequence[str],
    hits: Sequence[tuple[str, bool]],
    examples: Mapping[str, int],
    several: How,
    on: float,
) -> tuple[NewClass, ...]:
    """Return how each label fared. hits: what was tried, and whether it was recognised.

    several: what a class of several examples was tried on; of one, it was altered copies.
    """
    tried = Counter(label for label, _ in hits)
    recognised = Counter(label for label, hit in hits if hit)
    return tuple(
        NewClass(
            label,
            examples[label],
            several if examples[label] > 1 else "altered copies",
            tried[label],
            recognised[label],
            on,
        )
        for label in labels
    )


@dataclass(frozen=True, slots=True)
class OldClass:
    """An old class, by windows that show it: shares that are right, before and after.

    Stored in the bundle; of a class that was taught before, the examples that taught it; of a
    checkpoint, windows of recordings.
    """

    label: str
    vectors: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class TeachReport:
    """The figures of a lesson.

    false_events: of new classes outside all spans, with examples kept apart, in `idle_s`.
    old_before, old_after: of all windows of old classes. gate: what the new classes' limits were
    multiplied with until the old classes held; 1: as fitted. warnings: sentences for people.
    """

    new: tuple[NewClass, ...]
    false_events: int
    idle_s: float
    old: tuple[OldClass, ...]
    old_before: float
    old_after: float
    gate: float = 1.0
    warnings: tuple[str, ...] = field(default=())

    def never_recognised(self) -> list[str]:
        """Return the new classes that were tried and not recognised once."""
        return [new.label for new in self.new if new.tried and not new.recognised]

    def lines(self) -> list[str]:
        """Return the report as text."""
        lines = ["new class                 examples  recognised                          from"]
        for new in self.new:
            share = f"{new.recognised} of {new.tried} {_HOW[new.how]}"
            lines.append(f"{new.label:<26}{new.examples:>8}  {share:<36}p {new.on:.2f}")
        lines.append(
            f"{self.false_events} false events of new classes in {self.idle_s:.0f} s without a "
            "gesture (examples kept apart)"
        )
        lines.append("old class                 windows   before    after")
        for old in self.old:
            lines.append(f"{old.label:<26}{old.vectors:>7}{old.before:>8.1%} {old.after:>8.1%}")
        count = sum(old.vectors for old in self.old)
        lines.append(f"{'all':<26}{count:>7}{self.old_before:>8.1%} {self.old_after:>8.1%}")
        return [*lines, *self.warnings]


_HOW = {
    "left out": "left out in turn",
    "kept apart": "kept apart from training",
    "altered copies": "altered copies of the one",
}


class ForgettingError(TeachingError):
    """New classes that cannot be told from the old ones, or would take more than a point of their
    scores; `report` holds the figures."""

    def __init__(self, message: str, report: TeachReport) -> None:
        super().__init__(message)
        self.report = report
