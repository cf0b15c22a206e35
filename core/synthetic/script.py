"""What the performer does: gestures, and between them everything that is no gesture.

The whole performance is laid out once as states at 100 Hz; a moment is an interpolation.
Preparation, retraction, resting, fidgeting and leaving the view belong to no gesture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.synthetic import gestures, hand
from motionrgbd.core.synthetic.domain import Domain, draw
from motionrgbd.core.synthetic.gestures import ANGLES, POSITION, POSTURE, STATE_SIZE

Array = NDArray[np.float64]

RATE_HZ = 100.0
_LEAD_S = 2.6  # before the first gesture
_TAIL_S = 1.6


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """A performance. states (n, 26) as in `gestures`, sway (n, 3) of the body in millimetres."""

    gestures: tuple[ScriptedGesture, ...]
    duration_s: float
    states: Array
    sway_mm: Array

    def state_at(self, time_s: float) -> tuple[Array, Array]:
        """The hand's state (26,) and the body's sway (3,)."""
        place = min(max(time_s * RATE_HZ, 0.0), len(self.states) - 1.001)
        i = int(place)
        f = place - i
        return (
            (1 - f) * self.states[i] + f * self.states[i + 1],
            (1 - f) * self.sway_mm[i] + f * self.sway_mm[i + 1],
        )


def state(position_mm: Array, angles_rad: Sequence[float], posture_deg: Array) -> Array:
    return np.concatenate([position_mm, angles_rad, posture_deg])


class Take:
    """Appends movements; each begins where the last one ended.

    here: the state now (26,). centre (3,): where gestures are made; rest, away: states (26,).
    """

    def __init__(self, rng: np.random.Generator, side: float, centre: Array) -> None:
        self.rng = rng
        self.side = side
        self.centre = centre  # mid-air in front of the camera
        self.reach = centre[2] / 500.0
        low = centre + np.array([-30.0 * side, 150.0 * self.reach, rng.uniform(40.0, 90.0)])
        self.rest = state(low, (0.95, -0.25 * side, 0.10 * side), hand.RELAXED)
        away = centre + np.array([-60.0 * side, 330.0 * self.reach, 90.0])
        self.away = state(away, (0.9, 0.0, 0.2 * side), hand.RELAXED)
        self.here = self.rest
        self.parts: list[Array] = []
        self.count = 0

    @property
    def time_s(self) -> float:
        return self.count / RATE_HZ

    def add(self, states: Array) -> None:
        if len(states):
            self.parts.append(states)
            self.count += len(states)
            self.here = states[-1]

    def _steps(self, duration_s: float) -> Array:
        n = max(round(duration_s * RATE_HZ), 1)
        return np.arange(1, n + 1) / n

    def hold(self, duration_s: float) -> None:
        if duration_s > 0:
            self.add(np.repeat(self.here[None], len(self._steps(duration_s)), axis=0))

    def go(self, target: Array, duration_s: float) -> None:
        """Move in an arc; the fingers take their posture a little ahead of the arrival."""
        phase = self._steps(duration_s)
        share = gestures.minimum_jerk(phase)[:, None]
        early = gestures.minimum_jerk(phase * 1.2)[:, None]
        states = self.here + share * (target - self.here)
        states[:, ANGLES.start :] = self.here[ANGLES.start :] + early * (
            target[ANGLES.start :] - self.here[ANGLES.start :]
        )
        bow = self.rng.normal(0.0, 14.0, 3) + np.array([0.0, 0.0, 12.0])
        states[:, POSITION] += np.sin(np.pi * share) * bow
        self.add(states)

    def nearby(self, spread_mm: float) -> Array:
        offset = self.rng.normal(0.0, spread_mm, 3) * [1.0, 0.7, 0.8]
        return self.centre + np.clip(offset, -2 * spread_mm, 2 * spread_mm)

    def perform(self, manner: gestures.Manner) -> ScriptedGesture:
        start_s = self.time_s
        self.add(gestures.perform(manner, self._steps(manner.duration_s)))
        return ScriptedGesture(manner.label, start_s, self.time_s)

    def pause(self, manner: gestures.Manner, duration_s: float) -> None:
        """Go from here to the start of the next gesture, taking `duration_s` in all."""
        start = gestures.perform(manner, np.zeros(1))[0]
        begin = self.count
        total = round(duration_s * RATE_HZ)
        prepare_s = min(float(self.rng.uniform(0.40, 0.70)), 0.5 * duration_s)
        left_s = duration_s - prepare_s
        if left_s > 3.0 and self.rng.random() < 0.6:
            activity = ACTIVITIES[int(self.rng.integers(len(ACTIVITIES)))]
            activity(self, left_s)
        elif left_s > 0.75 and self.rng.random() < 0.8:
            back_s = float(self.rng.uniform(0.40, 0.65))
            self.hold(float(self.rng.uniform(0.05, 0.15)))
            rest = self.rest.copy()
            rest[POSITION] += self.rng.normal(0.0, 10.0, 3)
            # a short pause stops half way down
            self.go(self.here + min(1.0, left_s / 1.3) * (rest - self.here), back_s)
        self.hold(left_s - (self.count - begin) / RATE_HZ)
        self.go(start, (total - (self.count - begin)) / RATE_HZ)


def _fidget(take: Take, duration_s: float) -> None:
    """Rest, and move the fingers without purpose."""
    take.go(take.rest, 0.6)
    end = take.time_s + duration_s - 1.2
    while take.time_s < end - 0.4:
        odd = take.rest.copy()
        odd[POSTURE] += take.rng.normal(0.0, 12.0, 20)
        odd[ANGLES] += take.rng.normal(0.0, 0.10, 3)
        odd[POSITION] += take.rng.normal(0.0, 8.0, 3)
        take.go(odd, float(take.rng.uniform(0.3, 0.6)))


def _leave(take: Take, duration_s: float) -> None:
    """Out of the view and back."""
    take.go(take.away, 0.7)
    take.hold(duration_s - 1.4 - 0.6)
    take.go(take.rest, 0.6)


def _scratch(take: Take, duration_s: float) -> None:
    """Scratch the other shoulder."""
    spot = state(
        take.centre + np.array([110.0 * take.side, 75.0, 215.0]),
        (0.2, 0.9 * take.side, 0.9 * take.side),
        hand.RELAXED,
    )
    take.go(spot, 0.7)
    for i in range(int((duration_s - 1.9) / 0.3)):
        other = spot.copy()
        other[POSITION] += np.array([7.0, 9.0, 0.0]) * (1 if i % 2 else -1)
        other[POSTURE] += 8.0 if i % 2 else -8.0
        take.go(other, 0.15)
        take.go(spot, 0.15)
    take.go(take.rest, 0.7)


def _change_posture(take: Take, duration_s: float) -> None:
    """Hold the hand up and turn it about slowly, as when thinking what to do next."""
    end = take.time_s + duration_s - 0.9
    postures = (hand.OPEN, hand.RELAXED, hand.FIST, hand.POINT, hand.FLAT)
    while take.time_s < end:
        angles = take.rng.normal([0.5, 0.0, 0.0], [0.2, 0.3, 0.2])
        posture = postures[int(take.rng.integers(len(postures)))]
        mixed = hand.RELAXED + take.rng.uniform(0.3, 1.0) * (posture - hand.RELAXED)
        slow_s = float(take.rng.uniform(0.7, 1.1))
        take.go(state(take.nearby(22.0), list(angles), mixed), min(slow_s, end + 0.9 - take.time_s))


ACTIVITIES: tuple[Callable[[Take, float], None], ...] = (
    _fidget,
    _leave,
    _scratch,
    _change_posture,
)


def smooth_noise(rng: np.random.Generator, n: int, width: int, step_s: float) -> Array:
    """Noise of unit size that changes about every `step_s`, (n, width)."""
    knots = rng.normal(0.0, 1.25, (int(n / (RATE_HZ * step_s)) + 3, width))
    span = round((len(knots) - 1) * RATE_HZ * step_s)
    drawn = cv2.resize(knots, (width, span), interpolation=cv2.INTER_CUBIC)
    return np.asarray(drawn[:n], np.float64)


def alive(rng: np.random.Generator, states: Array) -> Array:
    """Round the corners and add what no hand is free of: drift, sway and tremor."""
    n = len(states)
    smooth = cv2.GaussianBlur(
        states, (1, 25), sigmaX=1, sigmaY=3.0, borderType=cv2.BORDER_REPLICATE
    )
    slow, quick = smooth_noise(rng, n, STATE_SIZE, 0.9), smooth_noise(rng, n, STATE_SIZE, 0.11)
    scale = np.empty(STATE_SIZE)
    scale[POSITION], scale[ANGLES], scale[POSTURE] = 4.5, 0.030, 1.8
    return np.asarray(smooth + scale * slow + 0.09 * scale * quick, np.float64)


def write_script(
    rng: np.random.Generator, domain: Domain, side: float, centre_mm: Array, labels: Sequence[str]
) -> Script:
    """Perform `labels` in order around `centre_mm` (3,)."""
    take = Take(rng, side, centre_mm)
    manners = [
        gestures.sample_manner(rng, label, take.nearby(14.0), side, take.reach) for label in labels
    ]
    performed = []
    for i, manner in enumerate(manners):
        if i == 0:
            take.here = take.away if rng.random() < 0.5 else take.rest
            pause_s = _LEAD_S + float(rng.uniform(0.0, 0.6))
            take.hold(0.3)
            take.go(take.rest, 0.8)
            pause_s -= take.time_s
        else:
            pause_s = draw(
                rng, domain.long_pause_s if rng.random() < domain.long_pauses else domain.pause_s
            )
        take.pause(manner, pause_s)
        performed.append(take.perform(manner))
    take.hold(0.2)
    take.go(take.rest, 0.7)
    take.hold(_TAIL_S - 0.9)
    states = alive(rng, np.concatenate(take.parts))
    sway = smooth_noise(rng, len(states), 3, 1.6) * [5.0, 2.0, 6.0]
    return Script(tuple(performed), take.time_s, states, sway)
