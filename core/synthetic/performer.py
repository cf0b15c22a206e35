"""The performer's body as round cones: hand and arm for every moment, the rest once.

World frame: the camera's nominal one (x right, y down, z forward; millimetres).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.synthetic import hand
from motionrgbd.core.synthetic.domain import Domain, draw
from motionrgbd.core.synthetic.gestures import ANGLES, POSITION, POSTURE
from motionrgbd.core.synthetic.hand import HandShape
from motionrgbd.core.synthetic.render import Cones, Skin

Array = NDArray[np.float64]
Image = NDArray[np.float32]

_UPPER_ARM_MM, _FOREARM_MM = 285.0, 245.0

# Linear RGB, from light to dark.
_SKIN_TONES = np.array(
    [
        [0.72, 0.46, 0.35],
        [0.62, 0.36, 0.25],
        [0.50, 0.27, 0.17],
        [0.33, 0.17, 0.10],
        [0.20, 0.10, 0.06],
    ]
)
_CLOTHES = np.array(
    [
        [0.06, 0.13, 0.24],
        [0.05, 0.22, 0.22],
        [0.32, 0.08, 0.08],
        [0.30, 0.31, 0.33],
        [0.42, 0.26, 0.07],
        [0.13, 0.22, 0.09],
        [0.20, 0.12, 0.26],
        [0.42, 0.40, 0.36],
    ]
)
_HAIR = np.array(
    [[0.03, 0.02, 0.015], [0.10, 0.05, 0.02], [0.30, 0.19, 0.08], [0.22, 0.21, 0.20]]
)  # dark ones first

# Palm, in the palm frame of the average hand: end, end, radii. Metacarpals, webbing, the two
# balls of the hand, wrist.
_PALM = np.array(
    [
        [9, -34, -2, 25, 40, -1, 15.0, 11.5],
        [4, -36, -3, 8, 43, -3, 15.0, 11.8],
        [-4, -36, -3, -10, 40, -2, 15.0, 11.2],
        [-10, -34, -2, -26, 32, 1, 14.0, 10.4],
        [17, 44, -3, -1, 47, -4, 10.2, 10.4],
        [-1, 47, -4, -19, 40, -2, 10.4, 9.8],
        [16, 12, -2, -16, 8, -2, 14.0, 13.0],
        [16, -26, 4, 19, 4, 2, 14.5, 11.5],
        [-15, -28, 4, -22, 12, 3, 13.5, 11.5],
        [9, -34, 0, 8, -56, 0, 17.0, 16.5],
        [-9, -34, 0, -8, -56, 0, 16.5, 16.0],
    ],
    float,
)
_WRIST = _PALM[-2:, 3:6].mean(axis=0)
_WEB_MM = np.array([[20.0, 20.0, -1.0], [17.0, 4.0, 1.0]])  # where the thumb's web meets the palm
_SEGMENTS, _NAILS, _WEB = 15, 5, len(_WEB_MM)
HAND_PARTS = _SEGMENTS + _NAILS + _WEB + len(_PALM) - 2  # the wrist does not count as hand
_TIPS = slice(2, _SEGMENTS, 3)  # last phalanges among the finger segments


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Everything that moves, in world coordinates; palm_mm (3,) is the middle of the palm."""

    cones: Cones
    palm_mm: Array


@dataclass(frozen=True, slots=True, eq=False)
class Performer:
    """One person: hand shape, colours and where the body is.

    skin: of the moving parts, as `Pose.cones` orders them. neck_mm: in the world, without sway.
    """

    shape: HandShape
    neck_mm: Array
    skin: Skin
    body: Cones
    body_skin: Skin

    def pose(self, state: Array, sway_mm: Array) -> Pose:
        """Place the hand and solve the arm for a state of `gestures`."""
        palm = state[POSITION]
        axes = hand.palm_axes(self.shape.side, state[ANGLES])
        held = self._hand(state[POSTURE])
        placed = Cones(palm + held.a @ axes.T, palm + held.b @ axes.T, held.ra, held.rb)
        wrist = palm + axes @ (_WRIST * self.shape.scale)
        return Pose(placed + self._arm(wrist, axes, sway_mm), palm)

    def _hand(self, posture_deg: Array) -> Cones:
        """Finger segments, nails, web of the thumb and palm, in the palm frame."""
        shape = self.shape
        fingers = hand.place_fingers(shape, posture_deg)
        joints, radii = fingers.joints_mm, shape.radii_mm
        last, tip = joints[:, 2], joints[:, 3]
        lift = fingers.nails * (0.52 * radii[:, 3:])
        nail = 0.58 * radii[:, 3]
        thumb = joints[0, 1] + np.array([[0.0], [0.45]]) * (joints[0, 0] - joints[0, 1])
        web = radii[0, 1] * np.array([0.85, 1.0])
        palm = _PALM[:, :6].reshape(-1, 3) * shape.scale
        return Cones(
            np.concatenate(
                [
                    joints[:, :3].reshape(_SEGMENTS, 3),
                    0.50 * last + 0.50 * tip + 1.1 * lift,
                    thumb,
                    palm[::2],
                ]
            ),
            np.concatenate(
                [
                    joints[:, 1:].reshape(_SEGMENTS, 3),
                    0.05 * last + 0.95 * tip + lift,
                    _WEB_MM * shape.scale,
                    palm[1::2],
                ]
            ),
            np.concatenate(
                [
                    radii[:, :3].reshape(_SEGMENTS),
                    nail,
                    web,
                    _PALM[:, 6] * shape.girth,
                ]
            ),
            np.concatenate([radii[:, 1:].reshape(_SEGMENTS), nail, web, _PALM[:, 7] * shape.girth]),
        )

    def _arm(self, wrist: Array, axes: Array, sway_mm: Array) -> Cones:
        """Bare forearm (two cones side by side), sleeve with its hem, and upper arm."""
        shoulder = self.neck_mm + sway_mm + [-165.0 * self.shape.side, 60.0, -25.0]
        elbow = _elbow(shoulder, wrist, self.shape.side)
        down = elbow - wrist
        r = self.shape.girth
        across = axes[:, 0] * 8.0 * r
        bare, hem = wrist + 0.45 * down, wrist + 0.26 * down
        return Cones(
            np.array([wrist + across, wrist - across, hem, hem, elbow]),
            np.array([bare + across, bare - across, elbow, wrist + 0.31 * down, shoulder]),
            np.array([18.0 * r, 17.5 * r, 32.0 * r, 34.0 * r, 46.0 * r]),
            np.array([23.0 * r, 23.0 * r, 45.0 * r, 34.0 * r, 58.0 * r]),
        )


def _elbow(shoulder: Array, wrist: Array, side: float) -> Array:
    """Where the elbow is: the two bones' triangle, hanging down and outwards."""
    way = wrist - shoulder
    distance = float(np.linalg.norm(way))
    way /= distance
    stretch = max(1.0, distance / (0.97 * (_UPPER_ARM_MM + _FOREARM_MM)))  # leaning in, cheaply
    upper, fore = _UPPER_ARM_MM * stretch, _FOREARM_MM * stretch
    along = (distance**2 + upper**2 - fore**2) / (2 * distance)
    pole = np.array([-0.55 * side, 1.0, 0.1])
    pole -= (pole @ way) * way
    pole /= np.linalg.norm(pole)
    elbow: Array = shoulder + along * way + np.sqrt(max(upper**2 - along**2, 0.0)) * pole
    return elbow


def sample_performer(
    rng: np.random.Generator, domain: Domain, shape: HandShape, centre_mm: Array
) -> Performer:
    """A body behind the hand that hovers about `centre_mm`."""
    z = centre_mm[2] + draw(rng, domain.body_gap_mm)
    x = centre_mm[0] + shape.side * draw(rng, (60.0, 120.0))
    neck = np.array([x, draw(rng, (-20.0, 70.0)), z])
    tone = rng.uniform(0.0, len(_SKIN_TONES) - 1.0)
    i = min(int(tone), len(_SKIN_TONES) - 2)
    flesh = _SKIN_TONES[i] + (tone - i) * (_SKIN_TONES[i + 1] - _SKIN_TONES[i])
    cloth = _CLOTHES[rng.integers(len(_CLOTHES))] * rng.uniform(0.8, 1.2, 3)
    hair = _HAIR[rng.integers(len(_HAIR) if tone < 2.0 else 2)]
    body, body_skin = _body(neck, shape.side, flesh, cloth, hair)
    return Performer(shape, neck, _moving_skin(flesh, cloth), body, body_skin)


def _moving_skin(flesh: Array, cloth: Array) -> Skin:
    rosy, nail = flesh * [1.08, 0.86, 0.84], 0.55 * flesh + [0.34, 0.24, 0.22]
    a = np.repeat(flesh[None], HAND_PARTS + 2 + 5, axis=0)
    b = a.copy()
    b[_TIPS] = rosy
    a[_SEGMENTS : _SEGMENTS + _NAILS] = b[_SEGMENTS : _SEGMENTS + _NAILS] = nail
    a[-3:] = b[-3:] = cloth
    a[-2] = b[-2] = cloth * 0.75 + 0.02  # the hem
    return Skin(a.astype(np.float32), b.astype(np.float32))


def _body(neck: Array, side: float, flesh: Array, cloth: Array, hair: Array) -> tuple[Cones, Skin]:
    """Torso, head and the idle arm, relative to the neck: end, end, radii, colour."""
    lips, dark = flesh * [0.75, 0.42, 0.42], np.array([0.02, 0.015, 0.01])
    far = side
    parts: list[tuple[float, float, float, float, float, float, float, float, Array]] = [
        (-90, 130, 0, 90, 130, 0, 112, 112, cloth),
        (-60, 200, 10, -50, 620, 10, 120, 130, cloth),
        (60, 200, 10, 50, 620, 10, 120, 130, cloth),
        (-135, 48, 0, 135, 48, 0, 60, 60, cloth),
        (far * 165, 60, 0, far * 215, 340, 30, 56, 46, cloth),
        (far * 215, 340, 30, far * 200, 580, -40, 46, 40, cloth),
        (0, 30, 0, 0, -80, -10, 54, 50, flesh),
        (0, -112, -28, 0, -182, -22, 56, 76, flesh),
        (0, -192, -18, 0, -210, -12, 77, 78, flesh),
        (-78, -165, -8, -78, -182, -8, 13, 15, flesh),
        (78, -165, -8, 78, -182, -8, 13, 15, flesh),
        (0, -148, -96, 0, -172, -92, 11, 7, flesh),
        (-19, -120, -76, 0, -115, -81, 3.5, 5.5, lips),
        (19, -120, -76, 0, -115, -81, 3.5, 5.5, lips),
        (-27, -180, -90, -27, -180, -90, 7, 7, dark),
        (27, -180, -90, 27, -180, -90, 7, 7, dark),
        (-39, -202, -85, -17, -201, -91, 3.5, 4.5, hair),
        (39, -202, -85, 17, -201, -91, 3.5, 4.5, hair),
        (-12, -226, 8, 12, -226, 8, 84, 84, hair),
        (-40, -250, -38, 36, -258, -40, 34, 40, hair),
    ]
    table = np.array([part[:8] for part in parts], float)
    colour = np.array([part[8] for part in parts]).astype(np.float32)
    return (
        Cones(neck + table[:, :3], neck + table[:, 3:6], table[:, 6], table[:, 7]),
        Skin(colour, colour),
    )
