"""What a model knew before a lesson, and whether it still does.

Its network's classes are held to the windows that are stored in the bundle. Classes that it was
taught before have no such windows: they are held to the examples that taught them, each left out
where its class has others.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.results import FloatArray
from motionrgbd.core.taught import KEEP_S, Aligner, TaughtMatcher
from motionrgbd.core.teaching_fit import memory_distances, memory_probabilities
from motionrgbd.core.teaching_report import OldClass
from motionrgbd.models.taught import Memory, Taught, Template

LARGEST_LOSS = 0.01  # of the old classes' scores

Right = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """The examples of what a model knew; N stored windows, then n examples of taught classes.

    network_labels: in the order of the memory's probabilities. earlier: what it was taught.
    """

    network_labels: tuple[str, ...]
    memory: Memory
    earlier: Taught | None
    fps_hz: float

    @property
    def templates(self) -> tuple[Template, ...]:
        """Return the examples of the classes that were taught before."""
        return self.earlier.templates if self.earlier else ()

    @property
    def labels(self) -> NDArray[np.str_]:
        """Return the class of every example (N + n,)."""
        return np.array([*self.memory.labels, *(t.label for t in self.templates)])

    def right(self, taught: Taught | None) -> Right:
        """Return which examples (N + n,) a model that was taught so far recognises."""
        names = np.array([*self.network_labels, *(taught.labels if taught else ())])
        p = self.memory.probabilities
        if taught is not None:
            p = memory_probabilities(self.memory, taught, self.fps_hz)
        stored = names[p.argmax(axis=1)] == np.array(self.memory.labels)
        own = [] if taught is None else [self._recognised(t, taught) for t in self.templates]
        return np.array([*stored.tolist(), *own], np.bool_)

    def lost(self, before: Right, after: Right) -> str:
        """Say which scores would be lost, or nothing where all hold.

        The network's classes are compared with what they were before anything was taught, so that
        several lessons do not take a point each.
        """
        count = len(self.memory.labels)
        alone = Known(self.network_labels, self.memory, None, self.fps_hz).right(None)
        if _fallen(alone, after[:count]):
            return (
                f"the old classes would fall from {alone.mean():.1%} (before anything was taught) "
                f"to {after[:count].mean():.1%} of their stored examples"
            )
        if _fallen(before[count:], after[count:]):
            names = ", ".join(dict.fromkeys(t.label for t in self.templates))
            return (
                f"what was taught before ({names}) would fall from {before[count:].mean():.1%} to "
                f"{after[count:].mean():.1%} of its examples"
            )
        return ""

    def rows(self, before: Right, after: Right) -> tuple[OldClass, ...]:
        """Return the figures by class."""
        labels = self.labels
        found = []
        for label in (*self.network_labels, *(self.earlier.labels if self.earlier else ())):
            own = labels == label
            if own.any():
                means = float(before[own].mean()), float(after[own].mean())
                found.append(OldClass(label, int(own.sum()), *means))
        return tuple(found)

    def distances(self, templates: Sequence[Template], labels: Sequence[str]) -> FloatArray:
        """Return (N + n, labels): how near each example comes to classes, at its end."""
        stored = memory_distances(self.memory, templates, labels, self.fps_hz)
        of = [[i for i, t in enumerate(templates) if t.label == label] for label in labels]
        found = list(stored)
        for example in self.templates:
            aligner = Aligner(self.memory.space, templates)
            each = [aligner.push(row)[0] for row in _frames(example)]
            near = np.min(each[-max(1, round(KEEP_S * self.fps_hz)) :], axis=0)
            found.append(np.array([near[i].min() for i in of], np.float32))
        return np.stack(found)

    def note(self) -> str:
        """Return what is to be known about the figures of classes taught before, or nothing."""
        if self.earlier is None:
            return ""
        count = Counter(t.label for t in self.templates)
        single = [label for label in self.earlier.labels if count[label] == 1]
        text = "Classes taught before were tried on the examples that taught them, each left out"
        if single:
            text += f" (of {', '.join(single)} there is only one: on that very one)"
        return text + "; no others are stored."

    def _recognised(self, example: Template, taught: Taught) -> bool:
        """Whether an example's class has more, at its end, than any other and the network."""
        others = tuple(t for t in taught.templates if t is not example)
        if all(t.label != example.label for t in others):
            others = taught.templates
        matcher = TaughtMatcher(dataclasses.replace(taught, templates=others), self.fps_hz)
        shares = [matcher.push(row)[0] for row in _frames(example)][-1]
        best = int(shares.argmax())
        return taught.labels[best] == example.label and bool(shares[best] > 1.0 - shares.sum())


def _fallen(before: Right, after: Right) -> bool:
    return len(before) > 0 and float(after.mean()) < float(before.mean()) - LARGEST_LOSS - 1e-9


def _frames(example: Template) -> list[dict[str, FloatArray]]:
    return [
        {name: v[i : i + 1] for name, v in example.vectors.items()} for i in range(len(example))
    ]
