"""From scores of the network's classes to probabilities of labels: merging, and temperatures.

A network trained on fine classes serves coarser labels from the same weights: a label's score is
the log-sum-exp of its classes' scores, so its probability is the sum of theirs. torch-free.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from motionrgbd.models.errors import BundleError


@dataclass(frozen=True, slots=True)
class Temperatures:
    """What a label's scores are divided by before softmax, fitted on held-out windows.

    fused: of both modalities together. color, depth: of that modality alone. 1 changes nothing.
    """

    fused: float = 1.0
    color: float = 1.0
    depth: float = 1.0

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
                raise BundleError(f"the temperature of {name} must be positive, got {value!r}")

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Temperatures:
        """Read what `dataclasses.asdict` wrote. Raises TypeError on unknown names."""
        return Temperatures(**data)


@dataclass(frozen=True, slots=True)
class Grouping:
    """Other labels for the same network.

    groups: per class of the network, the index of its label. temperatures, decision: those that
    belong to these labels; an empty decision leaves the checkpoint's.
    Raises BundleError at birth where a label has no class.
    """

    labels: tuple[str, ...]
    groups: tuple[int, ...]
    temperatures: Temperatures = field(default_factory=Temperatures)
    decision: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problem = groups_problem(self.groups, len(self.groups), len(self.labels))
        if problem:
            raise BundleError(f"a grouping of classes is impossible: {problem}")

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Grouping:
        """Read what `dataclasses.asdict` wrote; KeyError or TypeError on anything else."""
        return Grouping(
            tuple(data["labels"]),
            tuple(data["groups"]),
            Temperatures.from_json(data["temperatures"]),
            dict(data["decision"]),
        )


def groups_problem(groups: tuple[int, ...] | None, classes: int, labels: int) -> str | None:
    """Say why classes cannot be merged to labels like this; None where they can.

    groups: None stands for one label per class.
    """
    if groups is None:
        return None if labels == classes else f"{labels} labels for {classes} classes"
    if len(groups) != classes:
        return f"{len(groups)} groups for {classes} classes"
    if not all(isinstance(g, int) for g in groups) or set(groups) != set(range(labels)):
        return f"{labels} labels, but classes go to {sorted(set(groups))}"
    return None
