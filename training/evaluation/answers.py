"""Which of a model's classes count as which class of a set, and what else it may answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.decision import IDLE_LABEL
from motionrgbd.core.errors import UsageError
from motionrgbd.training.evaluation.metrics import Probabilities

_NUMBER = re.compile(r"[A-Za-z]?\d+")  # 1, 25, A001: a place in a list, not a name
_NAMED_AT_MOST = 8


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model can say of a clip, the set's classes first.

    names: one per answer. members: the model's classes that each answer sums. classes: how many
    answers are classes of the set. note: what a reader must know of the matching, or "".
    """

    names: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    classes: int
    note: str

    def of(self, probabilities: NDArray[np.floating]) -> Probabilities:
        """Return the answers' probabilities (n, A) of the model's (n, K); rows sum to 1."""
        columns = [probabilities[:, list(m)].sum(1, dtype=np.float64) for m in self.members]
        answers = np.stack(columns, axis=1)
        totals = answers.sum(1, keepdims=True)
        return np.asarray(answers / np.where(totals > 0, totals, 1.0), np.float64)


def match_answers(
    labels: Sequence[str], classes: Sequence[str], *, merge: int = 1, without_idle: bool = False
) -> Answers:
    """Return how the model's labels answer for a set's classes.

    By name; by order where one side has numbers for names and both are as many. A class of the
    model that the set lacks, idle above all, stays a possible and wrong answer. merge: so many
    neighbouring classes of the model make one of the set. without_idle: idle is no answer, what
    remains is scaled to sum to 1. Raises UsageError where they do not fit.
    """
    others = [k for k, label in enumerate(labels) if label != IDLE_LABEL or IDLE_LABEL in classes]
    idle = [k for k in range(len(labels)) if k not in others]
    if without_idle and not idle:
        why = "is a class of the set" if IDLE_LABEL in classes else "is no class of the model"
        raise UsageError(f"--without-idle: {IDLE_LABEL} {why}; leave the option out")
    groups, note = _groups(labels, others, classes, merge)
    used = {k for group in groups for k in group}
    extra = [k for k in range(len(labels)) if k not in used and not (without_idle and k in idle)]
    notes = [note] if note else []
    if without_idle:
        notes.append("idle is no answer: its probability is shared out")
    elif idle:
        notes.append("idle is a possible answer, and a wrong one")
    if rest := [labels[k] for k in extra if k not in idle]:
        notes.append(f"{len(rest)} classes that the set lacks are possible answers, and wrong ones")
    return Answers(
        (*classes, *(labels[k] for k in extra)),
        (*groups, *((k,) for k in extra)),
        len(classes),
        "; ".join(notes),
    )


def _groups(
    labels: Sequence[str], others: Sequence[int], classes: Sequence[str], merge: int
) -> tuple[list[tuple[int, ...]], str]:
    if merge != 1:
        return _merged(labels, others, classes, merge)
    place = {_plain(label): k for k, label in enumerate(labels)}
    unknown = [name for name in classes if _plain(name) not in place]
    if not unknown:
        return [(place[_plain(name)],) for name in classes], ""
    numbered = all(map(_NUMBER.fullmatch, classes)) or all(
        _NUMBER.fullmatch(labels[k]) for k in others
    )
    if numbered and len(others) == len(classes):
        return [(k,) for k in others], "classes are matched by their order: one side has no names"
    raise UsageError(
        f"the model has {len(others)} classes and the set {len(classes)}, of which the model does "
        f"not know {_listed(unknown)} — choose the model trained for this set"
        + (", or --merge N" if len(others) > len(classes) else "")
    )


def _merged(
    labels: Sequence[str], others: Sequence[int], classes: Sequence[str], merge: int
) -> tuple[list[tuple[int, ...]], str]:
    if merge < 1 or len(others) != merge * len(classes):
        raise UsageError(
            f"--merge {merge}: the model has {len(others)} classes besides idle and the set "
            f"{len(classes)}; each class of the set must be {merge} of the model's"
        )
    groups = [tuple(others[i : i + merge]) for i in range(0, len(others), merge)]
    for name, group in zip(classes, groups, strict=True):
        strangers = [labels[k] for k in group if not _plain(labels[k]).startswith(_plain(name))]
        named = [text for text in strangers if not _NUMBER.fullmatch(text)]
        if named and not _NUMBER.fullmatch(name):
            raise UsageError(
                f"--merge {merge} would take {_listed(named)} for {name!r}: the model's classes "
                "must come in the set's order"
            )
    return groups, f"every {merge} neighbouring classes of the model are summed to one of the set"


def _plain(name: str) -> str:
    return name.replace("_", " ").strip().casefold()


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    return ", ".join(map(repr, names[:_NAMED_AT_MOST])) + more
