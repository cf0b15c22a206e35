"""What stands behind a rebuilt hand: a person, the person's arms, a room; all of it depth.

The room is the synthetic one, or a depth picture of a person at rest from ChaLearn's recordings,
whose 8-bit codes are spread over a plausible range behind the hand. Everything is drawn from
generators that the caller seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.sources.open import open_source
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.synthetic import hand as postures
from motionrgbd.core.synthetic.domain import TRAINING_DOMAIN
from motionrgbd.core.synthetic.gestures import ANGLES, POSITION, POSTURE, STATE_SIZE
from motionrgbd.core.synthetic.hand import sample_hand
from motionrgbd.core.synthetic.performer import Performer, sample_performer
from motionrgbd.core.synthetic.render import Cones, Skin, View, cast
from motionrgbd.core.synthetic.room import draw_room, sample_room

Array = NDArray[np.float64]
Image = NDArray[np.float32]

FAR_MM = 9000.0  # where nothing stands
_FOREARM_MM = 250.0
_SHADOW_CODE = 8  # video compression leaves such codes where the sensor had no reading
_REST_FRAMES = 3  # people of these recordings begin with their hands down


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """Depth (H, W) in mm of room and body, and where the arms hang from (camera axes, mm)."""

    depth_mm: Image
    shoulder_mm: Array
    performer: Performer


def resting_people(root: Path, videos: Sequence[str]) -> list[NDArray[np.uint8]]:
    """Return depth codes (240, 320), darker is nearer, of the first frames of `root`'s videos."""
    pictures = []
    for name in videos:
        source = open_source(root / name, options=SourceOptions(depth_direction="darker"))
        try:
            frames = [source.read() for _ in range(_REST_FRAMES)]
        finally:
            source.close()
        eight_bit = source.info.eight_bit
        assert eight_bit is not None
        for frame in frames:
            if frame is not None and frame.depth is not None:
                pictures.append(eight_bit.to_u8(frame.depth))
    return pictures


def draw_surface(cones: Cones, view: View, blend_mm: float = 6.0) -> Image:
    """Return the depth (H, W) of cones, FAR_MM where there are none."""
    colour = np.zeros((len(cones.ra), 3), np.float32)
    depth = np.full(view.height_px * view.width_px, FAR_MM, np.float32)
    if len(cones.ra):
        surface = cast(cones, Skin(colour, colour), view, blend_mm)
        depth[surface.pixel] = surface.depth
    return depth.reshape(view.height_px, view.width_px)


def draw_backdrop(
    rng: np.random.Generator,
    camera: Intrinsics,
    hand_mm: Array,
    side: float,
    people: Sequence[NDArray[np.uint8]] = (),
) -> Backdrop:
    """Draw one backdrop for a hand that reaches from `hand_mm` (n, 3) towards the camera.

    side: 1 where the hand's shoulder lies to the left in the picture, else -1. people: pictures
    of `resting_people`; of two backdrops one is such a picture, where there are any.
    """
    view = View.of(camera)
    centre = np.array([*np.median(hand_mm[:, :2], axis=0), hand_mm[:, 2].max() - 60.0])
    shape = replace(sample_hand(rng, TRAINING_DOMAIN), right=side > 0)
    performer = sample_performer(rng, TRAINING_DOMAIN, shape, centre)
    lift = rng.uniform(-120.0, 60.0)  # desk cameras look at chests as well as at faces
    performer = replace(performer, neck_mm=performer.neck_mm + np.array([0.0, lift, 0.0]))
    shoulder = performer.neck_mm + np.array([-165.0 * side, 60.0, -25.0])
    if len(people) and rng.random() < 0.5:
        picture = people[int(rng.integers(len(people)))]
        depth = _recorded(rng, camera, picture, performer.neck_mm)
    else:
        body = draw_surface(_moved(performer.body, lift), view, 9.0)
        depth = np.minimum(body, _room(rng, view, float(performer.neck_mm[2])))
    return Backdrop(depth, shoulder, performer)


def _moved(cones: Cones, lift: float) -> Cones:
    offset = np.array([0.0, lift, 0.0])
    return Cones(cones.a + offset, cones.b + offset, cones.ra, cones.rb)


def _room(rng: np.random.Generator, view: View, body_mm: float) -> Image:
    families = TRAINING_DOMAIN.backgrounds
    room = sample_room(rng, families[int(rng.integers(len(families)))], body_mm)
    rays = np.empty((view.height_px, view.width_px, 3), np.float32)
    rays[..., 0], rays[..., 1], rays[..., 2] = view.u, view.v[:, None], 1.0
    depth, _ = draw_room(room, np.zeros(3), rays, np.array([0.0, -1.0, 0.0]))
    if rng.random() < 0.35:  # the edge of a desk, nearer than the person
        edge = rng.uniform(0.75, 0.95) * view.height_px
        rows = np.arange(view.height_px)[:, None] - edge
        near = body_mm - rng.uniform(80.0, 250.0) - rows * rng.uniform(0.4, 1.0)
        depth = np.where(rows > 0, np.minimum(depth, np.maximum(near, 250.0)), depth)
    return np.asarray(depth, np.float32)


def _recorded(
    rng: np.random.Generator, camera: Intrinsics, codes: NDArray[np.uint8], neck_mm: Array
) -> Image:
    """Spread a person's 8-bit depth over the room behind the hand, the person about the neck."""
    if rng.random() < 0.5:
        codes = codes[:, ::-1]
    seen = codes > _SHADOW_CODE
    front = float(np.percentile(codes[seen], 10))
    body_px = float(np.median(np.nonzero(seen & (codes < front + 12))[1]))
    step_mm = rng.uniform(4.0, 9.0)
    depth = neck_mm[2] - 60.0 + np.maximum(codes - front, -12.0) * step_mm
    depth = np.where(seen, depth, 0.0).astype(np.float32)
    zoom = camera.width_px / codes.shape[1] * rng.uniform(1.0, 1.35)
    wanted_px = camera.cx_px + camera.fx_px * neck_mm[0] / neck_mm[2]
    place = np.array(
        [[zoom, 0.0, wanted_px - zoom * body_px], [0.0, zoom, camera.height_px * -0.05]]
    )
    drawn = cv2.warpAffine(
        depth,
        place,
        (camera.width_px, camera.height_px),
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.where(drawn > 0, drawn, FAR_MM).astype(np.float32)


def arm_cones(
    wrist_mm: Array, towards: Array, tilt: float, shoulder_mm: Array, girth: float
) -> Cones:
    """Return forearm, sleeve and upper arm from a wrist to a shoulder.

    towards (2,): direction in the picture in which the forearm leaves the hand; tilt: its angle
    away from the camera, in radians.
    """
    way = np.array([*(towards * np.cos(tilt)), np.sin(tilt)])
    elbow = wrist_mm + _FOREARM_MM * way
    elbow[2] = min(elbow[2], shoulder_mm[2] + 40.0)
    hem = wrist_mm + 0.45 * (elbow - wrist_mm)
    return Cones(
        np.array([wrist_mm, hem, elbow]),
        np.array([elbow, elbow, shoulder_mm]),
        girth * np.array([23.0, 36.0, 46.0]),
        girth * np.array([37.0, 46.0, 58.0]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class SecondHand:
    """The other hand: at rest below or beside, or moving slowly."""

    performer: Performer
    rest_mm: Array
    swing_mm: Array
    rate: float
    state: Array

    def cones(self, sample: int) -> Cones:
        """Return hand and arm at a sample of the clip."""
        state = self.state.copy()
        state[POSITION] = self.rest_mm + self.swing_mm * np.sin(self.rate * sample)
        return self.performer.pose(state, np.zeros(3)).cones


def second_hand(rng: np.random.Generator, backdrop: Backdrop, hand_mm: Array) -> SecondHand | None:
    """Draw the other hand, farther than the gesturing one; in two of five scenes there is none."""
    if rng.random() < 0.4:
        return None
    performer = replace(
        backdrop.performer,
        shape=replace(sample_hand(rng, TRAINING_DOMAIN), right=not backdrop.performer.shape.right),
    )
    side = performer.shape.side
    z = float(hand_mm[:, 2].max()) + rng.uniform(60.0, 220.0)
    rest = np.array(
        [
            backdrop.performer.neck_mm[0] - side * rng.uniform(40.0, 240.0),
            rng.uniform(60.0, 260.0),
            min(z, float(backdrop.performer.neck_mm[2]) - 130.0),
        ]
    )
    moves = rng.random() < 0.4
    state = np.zeros(STATE_SIZE)
    shapes = (postures.RELAXED, postures.FIST, postures.OPEN, postures.FLAT)
    state[POSTURE] = np.ravel(shapes[int(rng.integers(len(shapes)))])
    state[ANGLES] = rng.uniform(-0.6, 0.6, 3)
    return SecondHand(
        performer=performer,
        rest_mm=rest,
        swing_mm=rng.uniform(-60.0, 60.0, 3) if moves else np.zeros(3),
        rate=float(rng.uniform(0.05, 0.3)),
        state=state,
    )
