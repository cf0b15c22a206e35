"""The fourteen gestures of SHREC'17 as motions of the hand.

Sense: directions are those of the picture. Swipe right ends on the right of the image, swipe
up at its top, and a clockwise rotation turns clockwise as the image shows it.

A state is 26 numbers: palm centre (x right, y down, z away from the camera; millimetres),
angles (tilt, yaw, roll; radians, see `hand.rotation`) and posture (20, degrees).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.synthetic import hand

Array = NDArray[np.float64]

GESTURES = (
    "Grab",
    "Tap",
    "Expand",
    "Pinch",
    "Rotation CW",
    "Rotation CCW",
    "Swipe Right",
    "Swipe Left",
    "Swipe Up",
    "Swipe Down",
    "Swipe X",
    "Swipe +",
    "Swipe V",
    "Shake",
)

STATE_SIZE = 26
POSITION, ANGLES, POSTURE = slice(0, 3), slice(3, 6), slice(6, 26)

# Corners of the path, in half amplitudes; every other stroke of X and + is a return in the air.
_PATHS = {
    "Swipe Right": ((-1, 0), (1, 0)),
    "Swipe Left": ((1, 0), (-1, 0)),
    "Swipe Up": ((0, 0.85), (0, -0.85)),
    "Swipe Down": ((0, -0.85), (0, 0.85)),
    "Swipe X": ((-0.8, -0.75), (0.8, 0.75), (0.8, -0.75), (-0.8, 0.75)),
    "Swipe +": ((-0.9, 0), (0.9, 0), (0, -0.8), (0, 0.8)),
    "Swipe V": ((-0.75, -0.7), (0, 0.75), (0.75, -0.7)),
}

# Posture at the start and at the end: with one finger, with the whole hand.
_FOLLOWING = ((hand.POINT, hand.POINT), (hand.FLAT, hand.FLAT))
_POSTURES = {
    "Grab": ((hand.FRAME, hand.FIST), (hand.SPREAD, hand.FIST)),
    "Tap": ((hand.POINT, hand.POINT), (hand.FLAT, hand.FLAT)),
    "Expand": ((hand.PINCH, hand.PINCH_OPEN), (hand.BEAK, hand.SPREAD)),
    "Pinch": ((hand.PINCH_OPEN, hand.PINCH), (hand.SPREAD, hand.BEAK)),
    "Rotation CW": ((hand.FRAME, hand.FRAME), (hand.CLAW, hand.CLAW)),
    "Rotation CCW": ((hand.FRAME, hand.FRAME), (hand.CLAW, hand.CLAW)),
    "Shake": ((hand.POINT, hand.POINT), (hand.OPEN, hand.OPEN)),
}

_LONG = frozenset({"Swipe X", "Swipe +", "Shake"})


@dataclass(frozen=True, slots=True, eq=False)
class Manner:
    """How one gesture is performed.

    state: where and how the hand is held in the middle of the gesture (26,).
    size: amplitude relative to the usual. skew: below 1 hurries at the start, above 1 at the end.
    bow_mm: how far a straight stroke bends. cycles: of a shake. end_posture: (20,).
    """

    label: str
    one_finger: bool
    duration_s: float
    state: Array
    end_posture: Array
    size: float
    skew: float
    bow_mm: float
    cycles: float


def minimum_jerk(phase: Array) -> Array:
    """Fraction of the way after a fraction of the time (Flash and Hogan 1985)."""
    p = np.clip(phase, 0.0, 1.0)
    return p * p * p * (10.0 + p * (6.0 * p - 15.0))


def sample_manner(
    rng: np.random.Generator, label: str, position_mm: Array, side: float, reach: float
) -> Manner:
    """Vary one performance. reach: 1 where the usual amplitude fits the view at this distance."""
    if label not in GESTURES:
        raise ValueError(f"{label!r} is not a gesture; choose from {', '.join(GESTURES)}")
    one_finger = bool(rng.random() < 0.5)
    start, end = _POSTURES.get(label, _FOLLOWING)[0 if one_finger else 1]
    wobble = rng.normal(0.0, 2.5, 20)  # the same fingers are a little off at both ends
    tilt = rng.uniform(0.25, 0.75) if one_finger else rng.uniform(0.10, 0.50)
    yaw = rng.normal(0.0, 0.16) - 0.10 * side  # a relaxed palm looks inwards
    roll = rng.normal(0.06 * side, 0.10)
    duration = rng.uniform(1.0, 1.8) if label in _LONG else rng.uniform(0.6, 1.3)
    return Manner(
        label=label,
        one_finger=one_finger,
        duration_s=float(duration),
        state=np.concatenate([position_mm, [tilt, yaw, roll], start + wobble]),
        end_posture=end + wobble,
        size=float(rng.uniform(0.85, 1.2)) * reach,
        skew=float(2.0 ** rng.uniform(-0.3, 0.3)),
        bow_mm=float(rng.normal(0.0, 8.0)),
        cycles=float(rng.integers(2, 4)),
    )


def _along_path(corners: Array, time: Array, bow_mm: float) -> Array:
    """Minimum-jerk strokes from corner to corner, (n, 2); longer strokes take longer."""
    strokes = np.diff(corners, axis=0)
    lengths = np.hypot(strokes[:, 0], strokes[:, 1])
    ends = np.cumsum(np.sqrt(lengths))
    ends /= ends[-1]
    starts = np.concatenate([[0.0], ends[:-1]])
    share = minimum_jerk((time[:, None] - starts) / (ends - starts))  # (n, strokes)
    across = np.stack([-strokes[:, 1], strokes[:, 0]], axis=1) / lengths[:, None]
    path: Array = corners[0] + share @ strokes + bow_mm * np.sin(np.pi * share) @ across
    return path


def perform(manner: Manner, phase: Array) -> Array:
    """States (n, 26) at phases 0..1 of the gesture."""
    time = np.clip(phase, 0.0, 1.0) ** manner.skew
    states = np.repeat(manner.state[None], len(time), axis=0)
    share = minimum_jerk(time)
    states[:, POSTURE] += share[:, None] * (manner.end_posture - manner.state[POSTURE])
    label = manner.label
    if label in _PATHS:
        _swipe(manner, states, time)
    elif label.startswith("Rotation"):
        _rotate(manner, states, share)
    elif label == "Shake":
        _shake(manner, states, time)
    elif label == "Tap":
        _tap(manner, states, time)
    else:
        _close_or_open(manner, states, share)
    return states


def _swipe(manner: Manner, states: Array, time: Array) -> None:
    corners = np.array(_PATHS[manner.label], float)
    half_mm = (72.0 if manner.one_finger else 84.0) * manner.size
    shape_mm = half_mm * np.array([1.0, 0.8])  # pictures are wider than high
    path = _along_path(corners * shape_mm, time, manner.bow_mm)
    states[:, :2] += path
    strokes = len(corners) - 1
    if strokes == 3:  # the return between the two strokes is lifted
        states[:, 2] += 22.0 * np.sin(np.pi * np.clip(time * 3.0 - 1.0, 0.0, 1.0)) ** 2
    # The forearm turns about the elbow: the hand leans the way it goes.
    lean = path / shape_mm
    whole = 0.0 if manner.one_finger else 1.0
    states[:, 3] += (0.10 + 0.22 * whole) * lean[:, 1]
    states[:, 4] += (0.12 + 0.23 * whole) * lean[:, 0]
    states[:, 5] += 0.16 * lean[:, 0]


def _rotate(manner: Manner, states: Array, share: Array) -> None:
    clockwise = 1.0 if manner.label == "Rotation CW" else -1.0
    turn = np.deg2rad(95.0) * manner.size
    states[:, 5] += clockwise * turn * (share - 0.5)
    states[:, 3] += 0.10


def _shake(manner: Manner, states: Array, time: Array) -> None:
    fade = minimum_jerk(time / 0.15) * minimum_jerk((1.0 - time) / 0.15)
    wave = np.sin(2 * np.pi * manner.cycles * time) * fade
    swing_mm, swing_rad = (15.0, 0.34) if manner.one_finger else (30.0, 0.40)
    states[:, 0] += swing_mm * manner.size * wave
    states[:, 5] += swing_rad * manner.size * wave


def _tap(manner: Manner, states: Array, time: Array) -> None:
    push = minimum_jerk(time / 0.48) * minimum_jerk((1.0 - time) / 0.48)
    states[:, 2] -= 58.0 * manner.size * push
    states[:, 1] += 16.0 * manner.size * push
    states[:, 3] += 0.50 * push
    if manner.one_finger:
        states[:, POSTURE.start + 5] += 22.0 * push  # the index bends at its knuckle


def _close_or_open(manner: Manner, states: Array, share: Array) -> None:
    if manner.label == "Grab":  # reaches out, closes, takes
        states[:, 2] += manner.size * (-22.0 * np.sin(np.pi * share) + 42.0 * share)
        states[:, 1] += manner.size * 14.0 * share
        states[:, 3] += 0.25
    else:
        states[:, 3] += 0.35 if manner.one_finger else 0.30
