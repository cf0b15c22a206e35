"""The probabilities of a stream as they came, kept so that they can be decided on again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from motionrgbd.app.recording_scan import RecordingScan
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.recogniser import Recogniser, Step
from motionrgbd.core.results import FloatArray, ModalityUse, Prediction
from motionrgbd.core.sources.source import Source
from motionrgbd.models.recipe import Modality

_FIRST_ROOM = 1024  # rows; doubled when full
MOST_ROWS = 108_000  # an hour at 30 Hz; what comes later is not kept

Begin = Literal["", "stream", "switch"]


class TracedStep(Protocol):
    """What a trace keeps of a grid step."""

    @property
    def prediction(self) -> Prediction | None: ...
    @property
    def warming_up(self) -> bool: ...
    @property
    def timestamp_s(self) -> float: ...
    @property
    def use(self) -> ModalityUse | None: ...


@dataclass(frozen=True, slots=True, eq=False)
class TracedRows:
    """Rows of a trace: times float64 (n,), probabilities float32 (n, K), and what decides beside.

    begins: what begins at a row: a new stream, or other modalities from now on. allowed: bool (n,),
    whether anything may be decided yet. used: the modalities that each row was scored from.
    """

    times_s: NDArray[np.float64]
    probabilities: FloatArray
    begins: tuple[Begin, ...]
    allowed: NDArray[np.bool_]
    used: tuple[tuple[Modality, ...], ...]

    def __len__(self) -> int:
        return len(self.times_s)


class DecisionTrace:
    """Grows by one row for every scored step. `add` is called by one thread, the rest by any."""

    def __init__(self, labels: int) -> None:
        self._lock = threading.Lock()
        self._times = np.zeros(_FIRST_ROOM)
        self._rows = np.zeros((_FIRST_ROOM, labels), np.float32)
        self._allowed = np.zeros(_FIRST_ROOM, np.bool_)
        self._begins: list[Begin] = []
        self._used: list[tuple[Modality, ...]] = []
        self._use: ModalityUse | None = None
        self._begin: Begin = "stream"
        self.first_s: float | None = None

    def __len__(self) -> int:
        return len(self._begins)

    def add(self, step: TracedStep) -> None:
        """Keep a step."""
        if self.first_s is None:
            self.first_s = step.timestamp_s
        if step.use is not self._use:  # one of the same modalities is of a new stream
            before = self._use.used if self._use and step.use else ()
            switched = before and step.use and before != step.use.used
            self._begin = "switch" if switched and self._begin != "stream" else "stream"
            self._use = step.use
        if step.prediction is None or len(self) >= MOST_ROWS:
            return
        with self._lock:
            n = len(self._begins)
            if n == len(self._times):
                self._grow()
            self._times[n] = step.timestamp_s
            self._rows[n] = step.prediction.probabilities
            self._allowed[n] = not step.warming_up
            self._begins.append(self._begin)
            self._used.append(step.prediction.used)
        self._begin = ""

    def _grow(self) -> None:
        self._times = np.concatenate([self._times, np.zeros_like(self._times)])
        self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._allowed = np.concatenate([self._allowed, np.zeros_like(self._allowed)])

    def rows(self, first: int = 0, count: int | None = None) -> TracedRows:
        """Return rows from `first` on; what was returned never changes."""
        with self._lock:
            last = len(self._begins) if count is None else min(first + count, len(self._begins))
            part = slice(first, last)
            return TracedRows(
                self._times[part],
                self._rows[part],
                tuple(self._begins[part]),
                self._allowed[part],
                tuple(self._used[part]),
            )


class PredictionScan(RecordingScan):
    """Traces what a model says of a recording, from its first frame to its last."""

    def __init__(self, open_source: Callable[[], Source], recogniser: Recogniser) -> None:
        super().__init__(open_source, recogniser, name="prediction-scan")
        self.trace = DecisionTrace(len(recogniser.labels))

    def _keep(self, frame: RGBDFrame, steps: Sequence[Step]) -> None:
        for step in steps:
            self.trace.add(step)
