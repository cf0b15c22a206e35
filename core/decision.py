"""From class probabilities over time to gesture events: hysteresis, one event per gesture."""

from __future__ import annotations

import math

import numpy as np

from motionrgbd.core.decision_parameters import DecisionError, DecisionParameters
from motionrgbd.core.results import EventKind, FloatArray, GestureEvent, Prediction
from motionrgbd.models.bundle import Bundle
from motionrgbd.models.errors import BundleError

__all__ = [
    "IDLE_LABEL",
    "DecisionLayer",
    "DecisionParameters",
    "bundle_parameters",
    "check_labels",
]

IDLE_LABEL = "idle"
_ROUNDING_S = 1e-9  # of differences between times


def check_labels(parameters: DecisionParameters, labels: tuple[str, ...]) -> None:
    """Raise DecisionError where parameters name what is no gesture of these labels."""
    gestures = [label for label in labels if label != IDLE_LABEL]
    for label, path in parameters.named.items():
        if label not in gestures:
            known = ", ".join(gestures)
            raise DecisionError(path, f"names {label!r}; the model's gestures are {known}")


def bundle_parameters(bundle: Bundle) -> DecisionParameters:
    """Return what a bundle is decided by. Raises BundleError where that does not fit its labels."""
    parameters = DecisionParameters.from_json(bundle.decision)
    try:
        check_labels(parameters, bundle.labels)
    except DecisionError as error:
        raise BundleError(str(error)) from error
    return parameters


class DecisionLayer:
    """Pure and deterministic: predictions in, events out. Used by one thread.

    `idle` is a class without events; a model that has none gives events for every class.
    Raises DecisionError for parameters that name other labels.
    """

    def __init__(self, labels: tuple[str, ...], parameters: DecisionParameters) -> None:
        self._labels = labels
        self._gestures = np.array([label != IDLE_LABEL for label in labels])
        self._arm: int | None = None
        self._used: tuple[str, ...] = ()
        self.use(parameters)
        self.reset()

    def use(self, parameters: DecisionParameters) -> None:
        """Decide by these from the next prediction on; what is known of the stream stays."""
        check_labels(parameters, self._labels)
        self.parameters = parameters
        self._listen_to(self._used)
        self._repeating = {self._labels.index(label) for label in parameters.repeat}
        arm = None if parameters.arm_with is None else self._labels.index(parameters.arm_with)
        if arm != self._arm:
            self._arm, self._armed_until_s = arm, -math.inf

    def _listen_to(self, used: tuple[str, ...]) -> None:
        """Take the thresholds of what is scored now: both modalities, or one alone."""
        own = [self.parameters.of(label, used) for label in self._labels]
        self._used = used
        self._on = np.array([on for on, _, _ in own], np.float32)
        # idle never counts as seen
        self._off = np.where(self._gestures, np.array([off for _, off, _ in own]), np.inf)
        self._off = self._off.astype(np.float32)
        self._hold_s = [hold_s for _, _, hold_s in own]

    @property
    def smoothed(self) -> FloatArray:
        """The last prediction's probabilities (K,) as thresholds meet them; zeros before it."""
        return np.zeros(len(self._labels), np.float32) if self._smooth is None else self._smooth

    def reset(self) -> None:
        """Start a new stream."""
        self._smooth: FloatArray | None = None
        self._last_s = -math.inf
        self._candidate: int | None = None
        self._candidate_s = 0.0
        self._sure_s: float | None = None  # since when the candidate is so for certain
        self._onset_s: float | None = None
        self._active: int | None = None
        self._peak = 0.0  # of the active one, since its event
        self._fell = False  # so far from its peak that its next rise counts
        self._repeat_s = math.inf
        self._armed_until_s = -math.inf
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
        if prediction.used != self._used:
            self._listen_to(prediction.used)
        p = self._follow(prediction.probabilities, now)
        if not (prediction.probabilities >= self._off).any():
            self._rest_until_s = -math.inf  # as it is, not smoothed: that still holds other heads'
        self._follow_active(p, now)
        if not (p >= self._off).any():
            self._onset_s = None
        elif self._onset_s is None:
            self._onset_s = now
        due = self._due(p, now)
        if not allowed or now < self._rest_until_s:
            return ()
        if due is not None and now >= self._quiet_until_s and self._is_armed_for(due, now):
            return (self._begin(due, p, now),)
        if self._active in self._repeating and now >= self._repeat_s - _ROUNDING_S:
            return (self._repeat(self._active, p, now),)
        return ()

    def _follow(self, probabilities: FloatArray, now: float) -> FloatArray:
        """Smooth exponentially with a time constant, whatever the rate."""
        tau = self.parameters.smoothing_s
        if self._smooth is None or tau == 0.0:
            self._smooth = probabilities
        else:
            new = np.float32(1.0 - math.exp(-max(0.0, now - self._last_s) / tau))
            self._smooth = self._smooth + new * (probabilities - self._smooth)
        self._last_s = now
        return self._smooth

    def _follow_active(self, p: FloatArray, now: float) -> None:
        """See whether the gesture that was decided last has ended, or has sunk and may return."""
        active, drop = self._active, self.parameters.rearm_drop
        if active is None:
            return
        if p[active] < self._off[active]:
            self._active = None
            return
        self._peak = max(self._peak, float(p[active]))
        if drop is None:
            return
        leader = int(p.argmax())
        if leader != active and self._gestures[leader]:
            self._fell = False  # it may be the same gesture, taken for another one for a moment
        elif p[active] <= self._peak - drop and p[active] < self._on[active]:
            self._fell, self._onset_s = True, now

    def _due(self, p: FloatArray, now: float) -> int | None:
        """Return the gesture that has led for long enough, if there is one."""
        gestures = np.where(self._gestures, p, -1.0)
        best = int(gestures.argmax())
        known = best == self._active and not self._fell
        if known or gestures[best] < self._on[best]:
            self._candidate = None
            return None
        if best != self._candidate:
            self._candidate, self._candidate_s, self._sure_s = best, now, None
        sure = self._is_sure(best, p, now)
        held = now - self._candidate_s >= self._hold_s[best] - _ROUNDING_S
        return best if held or sure else None

    def _is_sure(self, best: int, p: FloatArray, now: float) -> bool:
        """Whether it leads by so much, for so long, that waiting on would tell nothing new."""
        set_ = self.parameters
        if set_.early_on is None:
            return False
        others = p.copy()
        others[best] = 0.0
        if p[best] < set_.early_on or p[best] - others.max() < set_.early_margin:
            self._sure_s = None
            return False
        if self._sure_s is None:
            self._sure_s = now
        return now - self._sure_s >= set_.early_hold_s - _ROUNDING_S

    def _is_armed_for(self, gesture: int, now: float) -> bool:
        return self._arm in (None, gesture) or now <= self._armed_until_s + _ROUNDING_S

    def _begin(self, gesture: int, p: FloatArray, now: float) -> GestureEvent:
        set_ = self.parameters
        start_s = self._onset_s if self._onset_s is not None else now
        self._active, self._candidate = gesture, None
        self._peak, self._fell = float(p[gesture]), False
        self._quiet_until_s = now + set_.refractory_s
        self._repeat_s = now + set_.repeat_after_s
        self._onset_s = now
        kind: EventKind = "arm" if gesture == self._arm else "gesture"
        return self._event(gesture, p, start_s, now, kind)

    def _repeat(self, gesture: int, p: FloatArray, now: float) -> GestureEvent:
        every_s = self.parameters.repeat_every_s
        due_s = self._repeat_s + every_s
        self._repeat_s = due_s if due_s > now else now + every_s  # what is late is not made up for
        start_s = self._onset_s if self._onset_s is not None else now
        return self._event(gesture, p, start_s, now, "repeat")

    def _event(
        self, gesture: int, p: FloatArray, start_s: float, now: float, kind: EventKind
    ) -> GestureEvent:
        self._event_s, self._armed_until_s = now, now + self.parameters.armed_s
        return GestureEvent(self._labels[gesture], float(p[gesture]), start_s, now, now, kind)
