"""An articulated hand: its shape, its postures, and where they put its parts.

Palm frame, origin in the middle of the palm, millimetres: x across towards the thumb, y along
towards the fingers, z out of the palm's inside. Fingers are counted from the thumb.

A posture is 20 angles in degrees, four per finger: spread, then flexion of the three joints.
For the thumb: angle from `along` towards the thumb's side, rise out of the palm's plane, and
flexion of the last two joints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.synthetic.domain import Domain, draw

Array = NDArray[np.float64]

# An average adult hand, 80 mm wide, 98 mm from wrist to middle knuckle.
_WIDTH_MM, _LENGTH_MM = 80.0, 98.0
_ROOTS_MM = np.array(
    [
        [21.0, -34.0, 6.0],
        [26.0, 46.0, 0.0],
        [8.0, 49.0, -2.0],
        [-11.0, 45.0, -1.0],
        [-28.0, 36.0, 2.0],
    ]
)
_PHALANGES_MM = np.array(
    [
        [43.0, 33.0, 25.0],
        [41.0, 25.0, 20.0],
        [45.0, 29.0, 21.0],
        [42.0, 27.0, 21.0],
        [33.0, 19.0, 18.0],
    ]
)
_RADII_MM = np.array(
    [
        [15.5, 12.0, 10.4, 7.6],
        [11.6, 9.3, 8.2, 6.4],
        [11.8, 9.5, 8.4, 6.5],
        [11.2, 8.9, 7.9, 6.1],
        [9.8, 7.8, 6.9, 5.4],
    ]
)
# Where the fingers bend to: the thumb over the palm, the others out of it and towards each other.
_CURLS = np.array(
    [[-0.80, 0.25, 0.55], [-0.08, 0, 1.0], [-0.02, 0, 1.0], [0.08, 0, 1.0], [0.20, 0, 1.0]]
)


def _posture(*fingers: tuple[float, float, float, float]) -> Array:
    return np.array(fingers).reshape(20)


OPEN = _posture((52, 12, 8, 4), (9, 6, 8, 4), (1, 4, 7, 4), (-7, 6, 8, 4), (-16, 8, 8, 4))
SPREAD = _posture((66, 10, 2, 0), (17, 3, 5, 2), (4, 0, 4, 2), (-10, 2, 5, 2), (-26, 4, 5, 2))
FLAT = _posture((34, 12, 8, 6), (2, 3, 4, 2), (0, 2, 4, 2), (-2, 3, 4, 2), (-4, 5, 4, 2))
RELAXED = _posture(
    (40, 30, 16, 16), (5, 24, 34, 16), (1, 28, 38, 18), (-4, 32, 40, 18), (-10, 32, 38, 18)
)
FIST = _posture(
    (28, 44, 50, 42), (1, 82, 100, 56), (0, 85, 102, 58), (-1, 86, 102, 58), (-3, 86, 100, 56)
)
POINT = _posture(
    (30, 44, 48, 36), (2, 4, 6, 3), (0, 82, 100, 56), (-1, 85, 102, 58), (-3, 86, 100, 56)
)
FRAME = _posture(
    (64, 22, 4, 2), (8, 12, 12, 6), (0, 70, 80, 46), (-2, 74, 86, 48), (-5, 76, 86, 48)
)
CLAW = _posture(
    (62, 36, 14, 22), (13, 18, 42, 26), (3, 14, 44, 28), (-9, 18, 44, 28), (-22, 20, 42, 26)
)
PINCH = _posture(
    (31, 34, 21, 19), (4, 68, 42, 23), (3, 24, 30, 14), (-5, 28, 34, 16), (-14, 32, 36, 16)
)
PINCH_OPEN = _posture(
    (64, 20, 4, 2), (10, 6, 8, 4), (3, 18, 24, 12), (-6, 22, 28, 14), (-16, 26, 30, 14)
)
BEAK = _posture(
    (10, 34, 26, 8), (3, 72, 38, 13), (-4, 71, 44, 22), (1, 67, 44, 20), (12, 72, 21, 8)
)


@dataclass(frozen=True, slots=True, eq=False)
class HandShape:
    """One performer's hand. roots_mm (5, 3), phalanges_mm (5, 3), radii_mm (5, 4)."""

    palm_width_mm: float
    palm_length_mm: float
    right: bool
    roots_mm: Array
    phalanges_mm: Array
    radii_mm: Array

    @property
    def side(self) -> float:
        """Picture x of the thumb when the palm faces the camera, fingers up."""
        return 1.0 if self.right else -1.0

    @property
    def scale(self) -> Array:
        """Size of the palm relative to the average hand, along its axes (3,)."""
        width = self.palm_width_mm / _WIDTH_MM
        return np.array([width, self.palm_length_mm / _LENGTH_MM, width])

    @property
    def girth(self) -> float:
        return self.palm_width_mm / _WIDTH_MM


def sample_hand(rng: np.random.Generator, domain: Domain) -> HandShape:
    width = draw(rng, domain.palm_width_mm)
    length = width * draw(rng, domain.palm_ratio)
    ratio = draw(rng, domain.finger_ratio)
    girth = draw(rng, domain.finger_girth) * width / _WIDTH_MM
    phalanges = _PHALANGES_MM * rng.uniform(0.97, 1.03, (5, 1))
    phalanges *= ratio * length / phalanges[2].sum()
    scale = np.array([width / _WIDTH_MM, length / _LENGTH_MM, width / _WIDTH_MM])
    return HandShape(
        palm_width_mm=width,
        palm_length_mm=length,
        right=bool(rng.random() >= domain.left_handed),
        roots_mm=_ROOTS_MM * scale,
        phalanges_mm=phalanges,
        radii_mm=_RADII_MM * girth,
    )


def rotation(angles_rad: Array) -> Array:
    """World rotation (3, 3) of (tilt, yaw, roll).

    tilt brings the fingertips towards the camera, yaw turns the palm to the picture's right,
    roll turns the hand clockwise as seen in the picture. R = Rz(roll) Ry(-yaw) Rx(tilt).
    """
    (ct, cy, cr), (st, sy, sr) = np.cos(angles_rad), np.sin(angles_rad)
    rx = np.array([[1, 0, 0], [0, ct, -st], [0, st, ct]])
    ry = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    rz = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    product: Array = rz @ ry @ rx
    return product


def palm_axes(side: float, angles_rad: Array) -> Array:
    """World directions of the palm's x, y, z as columns (3, 3)."""
    axes: Array = rotation(angles_rad) * np.array([side, -1.0, -1.0])
    return axes


@dataclass(frozen=True, slots=True, eq=False)
class Fingers:
    """Joints (5, 4, 3) from root to tip, and where the nails face (5, 3); palm frame."""

    joints_mm: Array
    nails: Array


def place_fingers(shape: HandShape, posture_deg: Array) -> Fingers:
    """Bend the fingers: each lies in the plane of its base direction and its curl."""
    spread, bend1, bend2, bend3 = np.deg2rad(posture_deg.reshape(5, 4).T)
    base = np.stack([np.sin(spread), np.cos(spread), np.zeros(5)], axis=1)  # (5, 3)
    base[0] = base[0] * np.cos(bend1[0]) + np.array([0.0, 0.0, np.sin(bend1[0])])
    bend1[0] = 0.0  # the thumb's first angle has raised its base
    curl = _CURLS - (_CURLS * base).sum(axis=1, keepdims=True) * base
    curl /= np.sqrt((curl * curl).sum(axis=1, keepdims=True))

    bend = np.cumsum([bend1, bend2, bend3], axis=0).T[..., None]  # (5, 3, 1)
    steps = np.cos(bend) * base[:, None] + np.sin(bend) * curl[:, None]
    joints: Array = np.empty((5, 4, 3))
    joints[:, 0] = shape.roots_mm
    reach = np.cumsum(steps * shape.phalanges_mm[..., None], axis=1)
    joints[:, 1:] = shape.roots_mm[:, None] + reach
    return Fingers(joints, np.sin(bend[:, 2]) * base - np.cos(bend[:, 2]) * curl)
