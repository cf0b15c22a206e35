"""Where something happens in a recording: the hand's motion, and gestures that the model knows.

Found by running the model over the recording once, in a thread of its own; `Activity` is what is
known so far.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionrgbd.app.recording_scan import RecordingScan
from motionrgbd.core.decision import IDLE_LABEL
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.recogniser import Recogniser, Step
from motionrgbd.core.results import FloatArray
from motionrgbd.core.sources.source import Source

_FULL_SHARE = 98  # percentile of the motion that fills the lane: one jerk is no measure
_LEAST_FULL = 1.0  # grey levels; below, it is the sensor's noise


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """What happens when; one row a grid step, in order of time.

    times_s float64 (N,): seconds from the first frame. motion float32 (N,): 0..1, of the
    recording's own. gesture float32 (N,): the probability of any gesture that the model knows, not
    a number where it could not be asked yet. frames_s float64 (F,): of each frame of the recording.
    finished: the whole recording was read. error: why no more of it could be.
    """

    times_s: NDArray[np.float64]
    motion: FloatArray
    gesture: FloatArray
    frames_s: NDArray[np.float64]
    finished: bool = False
    error: Exception | None = None


NOTHING = Activity(np.empty(0), np.empty(0, np.float32), np.empty(0, np.float32), np.empty(0))


class ActivityScan(RecordingScan):
    """Looks a recording through for motion; `activity` may be asked by another thread meanwhile."""

    def __init__(self, open_source: Callable[[], Source], recogniser: Recogniser) -> None:
        super().__init__(open_source, recogniser, name="activity")
        self._lock = threading.Lock()
        self._steps: list[tuple[float, float, float]] = []
        self._frames_s: list[float] = []
        self._first_s: float | None = None

    def activity(self) -> Activity:
        """Return what is known so far."""
        with self._lock:
            rows = np.array(self._steps, np.float64).reshape(-1, 3)
            frames_s = np.array(self._frames_s)
            finished, error = self.finished, self.error
        motion = rows[:, 1].astype(np.float32)
        full = max(_LEAST_FULL, float(np.percentile(motion, _FULL_SHARE)) if len(motion) else 0.0)
        return Activity(
            times_s=rows[:, 0],
            motion=np.minimum(motion / np.float32(full), np.float32(1)),
            gesture=rows[:, 2].astype(np.float32),
            frames_s=frames_s,
            finished=finished,
            error=error,
        )

    def _keep(self, frame: RGBDFrame, steps: Sequence[Step]) -> None:
        if self._first_s is None:
            self._first_s = frame.timestamp_s
        rows = [self._row(step, self._first_s) for step in steps]
        with self._lock:
            self._frames_s.append(frame.timestamp_s - self._first_s)
            self._steps.extend(rows)

    def _row(self, step: Step, first_s: float) -> tuple[float, float, float]:
        motion = max((m.energy[0] for m in step.guidance.values()), default=0.0)
        gesture = float("nan")
        if step.prediction is not None and not step.warming_up:
            gesture = _any_gesture(self._recogniser.labels, step.prediction.probabilities)
        return step.timestamp_s - first_s, motion, gesture


def _any_gesture(labels: tuple[str, ...], probabilities: FloatArray) -> float:
    """Return the probability of anything but idle; of a model without idle, of its best class."""
    if IDLE_LABEL in labels:
        return 1.0 - float(probabilities[labels.index(IDLE_LABEL)])
    return float(probabilities.max())
