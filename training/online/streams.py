"""Streams of which it is known when which gesture was made."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.sources.source import Source


@dataclass(frozen=True, slots=True, eq=False)
class OnlineStream:
    """One stream and the truth about it, checked at birth.

    name: unique. group: the row of a table that it belongs to. open: begins the stream anew;
    every call gives the same frames. made_of: a text that changes where the frames do.
    gestures: in order of time, not overlapping, in the source's clock.
    timed: False where only their order is known; their times are then meaningless.
    accepted: the model's labels that are right for a gesture's label, where names differ: an empty
    set is right with any gesture. A label that is not listed stands for itself.
    """

    name: str
    group: str
    open: Callable[[], Source]
    made_of: str
    duration_s: float
    gestures: tuple[ScriptedGesture, ...] = ()
    timed: bool = True
    accepted: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.timed:
            return
        for before, after in itertools.pairwise(self.gestures):
            if after.start_s < before.end_s - 1e-9:
                raise SourceError(
                    f"{self.name}: {after.label} at {after.start_s:g} s begins before "
                    f"{before.label} ends at {before.end_s:g} s — spans may not overlap"
                )
        for gesture in self.gestures:
            if not 0 <= gesture.start_s < gesture.end_s <= self.duration_s + 1e-6:
                raise SourceError(
                    f"{self.name}: {gesture.label} from {gesture.start_s:g} to {gesture.end_s:g} s "
                    f"does not lie within the stream's {self.duration_s:g} s"
                )

    @property
    def idle_s(self) -> float:
        """How long nothing was gestured."""
        return self.duration_s - sum(g.end_s - g.start_s for g in self.gestures)

    def is_right(self, truth: str, answer: str) -> bool:
        """Whether the model's `answer` is right for a gesture of this stream."""
        accepted = self.accepted.get(truth, frozenset((truth,)))
        return not accepted or answer in accepted
