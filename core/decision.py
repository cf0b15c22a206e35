"""From class probabilities over time to gesture events: hysteresis, one event per gesture."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from motionrgbd.core.results import FloatArray, GestureEvent, Prediction
from motionrgbd.models.errors import BundleError

IDLE_LABEL = "idle"


@dataclass(frozen=True, slots=True)
class DecisionParameters:
    """When probabilities become an event. Times in seconds of the source's clock.

    on: a gesture's smoothed probability that starts it; off: below it the gesture has ended.
    hold_s: how long it must stay the best class above `on` before the event is given.
    smoothing_s: time constant of the exponential smoothing; 0 takes probabilities as they are.
    refractory_s: after an event, no other one for this long.
    """

    on: float = 0.6
    off: float = 0.35
    hold_s: float = 0.13
    smoothing_s: float = 0.1
    refractory_s: float = 0.3

    def __post_init__(self) -> None:
        values = dataclasses.asdict(self)
        for name, value in values.items():
            if not (isinstance(value, int | float) and math.isfinite(value) and value >= 0):
                raise BundleError(f"decision parameter {name} must be 0 or more, got {value!r}")
        if not self.off <= self.on <= 1:
            raise BundleError(f"decision needs off <= on <= 1, got off {self.off}, on {self.on}")

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> DecisionParameters:
        """Read a bundle's decision block. Raises BundleError on unknown names or bad values."""
        known = {field.name for field in dataclasses.fields(DecisionParameters)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise BundleError(f"unknown decision parameters {unknown}; known are {sorted(known)}")
        return DecisionParameters(**data)


class DecisionLayer:
    """Pure and deterministic: predictions in, events out. Used by one thread.

    `idle` is a class without events; a model that has none gives events for every class.
    """

    def __init__(self, labels: tuple[str, ...], parameters: DecisionParameters) -> None:
        self._labels = labels
        self._parameters = parameters
        self._gestures = np.array([label != IDLE_LABEL for label in labels])
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._smooth: FloatArray | None = None
        self._last_s = -math.inf
        self._candidate: int | None = None
        self._candidate_s = 0.0
        self._onset_s: float | None = None
        self._active: int | None = None
        self._quiet_until_s = -math.inf
        self._event_s = -math.inf
        self._rest_until_s = -math.inf

    def switch(self, now_s: float, patience_s: float) -> None:
        """Tell that another head speaks from now on.

        It may know a gesture that was just decided by another name, or still see one that is over:
        within `patience_s` of an event no other one is given until this head has seen a rest, or
        for `patience_s`.
        """
        if now_s - self._event_s <= patience_s:
            self._rest_until_s = now_s + patience_s

    def update(self, prediction: Prediction, *, allowed: bool = True) -> tuple[GestureEvent, ...]:
        """Take the next prediction; return the events decided at it (none or one).

        allowed=False (warming up) follows the probabilities but decides nothing.
        """
        now = prediction.timestamp_s
        p = self._follow(prediction.probabilities, now)
        gestures = np.where(self._gestures, p, -1.0)
        best = int(gestures.argmax())
        set_ = self._parameters
        if prediction.probabilities[self._gestures].max(initial=0.0) < set_.off:
            self._rest_until_s = -math.inf  # as it is, not smoothed: that still holds other heads'
        if self._active is not None and p[self._active] < set_.off:
            self._active = None
        if gestures[best] < set_.off:
            self._onset_s = None
        elif self._onset_s is None:
            self._onset_s = now
        if best == self._active or gestures[best] < set_.on:
            self._candidate = None
            return ()
        if best != self._candidate:
            self._candidate, self._candidate_s = best, now
        held = now - self._candidate_s >= set_.hold_s - 1e-9
        if not (held and allowed and now >= max(self._quiet_until_s, self._rest_until_s)):
            return ()
        self._active, self._candidate = best, None
        self._quiet_until_s, self._event_s = now + set_.refractory_s, now
        start = self._onset_s if self._onset_s is not None else now
        self._onset_s = now
        return (GestureEvent(self._labels[best], float(p[best]), start, now, now),)

    def _follow(self, probabilities: FloatArray, now: float) -> FloatArray:
        """Smooth exponentially with a time constant, whatever the rate."""
        tau = self._parameters.smoothing_s
        if self._smooth is None or tau == 0.0:
            self._smooth = probabilities
        else:
            new = np.float32(1.0 - math.exp(-max(0.0, now - self._last_s) / tau))
            self._smooth = self._smooth + new * (probabilities - self._smooth)
        self._last_s = now
        return self._smooth
