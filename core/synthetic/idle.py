"""A performance without gestures: what people do before a camera that they do not address.

Rest and fidgeting, the raised hand that is held or lowered again, hands that talk, objects moved
at the height of a table, the face touched. Nothing of it is one of the gestures.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.synthetic import gestures, hand
from motionrgbd.core.synthetic.gestures import ANGLES, POSITION, POSTURE
from motionrgbd.core.synthetic.script import (
    ACTIVITIES,
    RATE_HZ,
    Script,
    Take,
    alive,
    smooth_noise,
    state,
)

Array = NDArray[np.float64]

_ACTIVITY_S = (3.0, 8.0)
_BETWEEN_S = (0.3, 2.5)
_HELD_UP = (hand.OPEN, hand.FLAT, hand.SPREAD, hand.FIST, hand.POINT, hand.RELAXED, hand.CLAW)


def write_idle(
    rng: np.random.Generator, side: float, centre_mm: Array, duration_s: float
) -> Script:
    """Pass the time around `centre_mm` (3,) for `duration_s`, everything in turn, shuffled."""
    take = Take(rng, side, centre_mm)
    take.here = take.away if rng.random() < 0.3 else take.rest
    take.hold(0.3)
    take.go(take.rest, 0.8)
    while take.time_s < duration_s:
        for n in rng.permutation(len(_IDLE)):
            take.hold(_between(take, *_BETWEEN_S))
            _IDLE[int(n)](take, _between(take, *_ACTIVITY_S))
    count = int(np.ceil(duration_s * RATE_HZ)) + 2
    states = alive(rng, np.concatenate(take.parts)[:count])
    sway = smooth_noise(rng, len(states), 3, 1.6) * [5.0, 2.0, 6.0]
    return Script((), duration_s, states, sway)


def _between(take: Take, low: float, high: float) -> float:
    return float(take.rng.uniform(low, high))


def _still(take: Take, duration_s: float) -> None:
    """Rest and do nothing."""
    take.go(take.rest, 0.7)
    take.hold(duration_s - 0.7)


def _hold_up(take: Take, duration_s: float) -> None:
    """Raise the hand, hold it with some posture, let it drift, lower it."""
    posture = _HELD_UP[int(take.rng.integers(len(_HELD_UP)))]
    angles = take.rng.normal([0.4, 0.0, 0.0], [0.2, 0.25, 0.2])
    held = state(take.nearby(30.0), list(angles), posture + take.rng.normal(0.0, 3.0, 20))
    take.go(held, _between(take, 0.5, 1.0))
    end = take.time_s + duration_s - 1.5
    while take.time_s < end:
        take.hold(_between(take, 0.3, 1.2))
        drifted = take.here.copy()
        drifted[POSITION] += take.rng.normal(0.0, 9.0, 3)
        drifted[ANGLES] += take.rng.normal(0.0, 0.05, 3)
        take.go(drifted, _between(take, 0.6, 1.5))
    take.go(take.rest, _between(take, 0.5, 1.0))


def _hesitate(take: Take, duration_s: float) -> None:
    """Raise the hand as if to begin a gesture, wait, and lower it."""
    label = gestures.GESTURES[int(take.rng.integers(len(gestures.GESTURES)))]
    manner = gestures.sample_manner(take.rng, label, take.nearby(14.0), take.side, take.reach)
    take.go(gestures.perform(manner, np.zeros(1))[0], _between(take, 0.45, 0.8))
    take.hold(duration_s - 1.5)
    take.go(take.rest, _between(take, 0.5, 0.9))


def _talk(take: Take, duration_s: float) -> None:
    """Underline words with the hand, below where gestures are made and into it."""
    low = [20.0 * take.side, 65.0 * take.reach, 30.0]
    home = take.centre + low + take.rng.normal(0.0, 20.0, 3)
    end = take.time_s + duration_s - 0.7
    while take.time_s < end:
        angles = take.rng.normal([0.5, -0.15 * take.side, 0.1 * take.side], [0.2, 0.25, 0.25])
        posture = hand.RELAXED + take.rng.uniform(0.0, 0.9) * (hand.OPEN - hand.RELAXED)
        place = home + np.clip(take.rng.normal(0.0, [30.0, 24.0, 18.0]), -60.0, 60.0)
        take.go(state(place, list(angles), posture), _between(take, 0.3, 0.7))
        if take.rng.random() < 0.4:
            take.hold(_between(take, 0.1, 0.8))
    take.go(take.rest, 0.7)


def _on_table(take: Take, posture: Array) -> Array:
    """A place at the height of the table, palm down."""
    offset = np.array(
        [take.rng.uniform(-110.0, 110.0), take.rng.uniform(115.0, 150.0), take.rng.uniform(0, 60)]
    )
    angles = [1.0, -0.2 * take.side, float(take.rng.normal(0.1 * take.side, 0.15))]
    return state(take.centre + offset * take.reach, angles, posture)


def _move_object(take: Take, duration_s: float) -> None:
    """Take something from the table and put it down elsewhere on it."""
    grip = hand.CLAW + 0.6 * (hand.FIST - hand.CLAW)
    there, other = _on_table(take, hand.CLAW), _on_table(take, grip)
    take.go(there, _between(take, 0.6, 1.0))
    closed = there.copy()
    closed[POSTURE] = grip
    take.go(closed, _between(take, 0.25, 0.5))
    take.go(other, _between(take, 0.7, 1.3))
    take.hold(_between(take, 0.1, 0.4))
    opened = other.copy()
    opened[POSTURE] = hand.CLAW
    take.go(opened, _between(take, 0.25, 0.5))
    take.go(take.rest, 0.7)
    take.hold(duration_s - 4.0)


def _at_face(take: Take, posture: Array, tilt_rad: float) -> Array:
    offset = [80.0 * take.side, float(take.rng.uniform(-125.0, -70.0)), 235.0]
    angles = (tilt_rad, 0.6 * take.side, 0.5 * take.side)
    return state(take.centre + np.array(offset), angles, posture)


def _touch_face(take: Take, duration_s: float) -> None:
    """Rub the chin, put the glasses right."""
    spot = _at_face(take, hand.RELAXED, 0.1)
    take.go(spot, _between(take, 0.6, 1.0))
    end = take.time_s + duration_s - 1.8
    while take.time_s < end:
        other = spot.copy()
        other[POSITION] += take.rng.normal(0.0, 6.0, 3)
        other[POSTURE] += take.rng.normal(0.0, 6.0, 20)
        take.go(other, _between(take, 0.2, 0.5))
    take.go(take.rest, _between(take, 0.6, 1.0))


def _drink(take: Take, duration_s: float) -> None:
    """Take a cup from the table to the mouth and back."""
    grip = hand.CLAW + 0.5 * (hand.FIST - hand.CLAW)
    there, mouth = _on_table(take, hand.CLAW), _at_face(take, grip, 0.3)
    held = there.copy()
    held[POSTURE] = grip
    take.go(there, _between(take, 0.6, 1.0))
    take.go(held, _between(take, 0.25, 0.5))
    take.go(mouth, _between(take, 0.9, 1.4))
    take.hold(max(0.5, duration_s - 5.0))
    take.go(held, _between(take, 0.9, 1.4))
    take.go(there, 0.4)
    take.go(take.rest, 0.7)


def _reach_aside(take: Take, duration_s: float) -> None:
    """Reach for something at the edge of the view, or beyond it."""
    aside = take.rng.choice([-1.0, 1.0]) * take.rng.uniform(180.0, 320.0)
    place = take.centre + np.array([aside, take.rng.uniform(0.0, 120.0), 60.0]) * take.reach
    take.go(state(place, (0.7, 0.0, 0.2 * take.side), hand.CLAW), _between(take, 0.7, 1.1))
    take.hold(duration_s - 1.8)
    take.go(take.rest, _between(take, 0.7, 1.1))


_IDLE: tuple[Callable[[Take, float], None], ...] = (
    *ACTIVITIES,
    _still,
    _hold_up,
    _hold_up,  # what a gesture begins with deserves a closer look
    _hesitate,
    _talk,
    _move_object,
    _touch_face,
    _drink,
    _reach_aside,
)
