"""Full 640x480 depth frames rebuilt from SHREC'17's hand crops, to try the hand finder on.

The package holds hand crops and their boxes. Pasted back alone, or in front of a person in a room
with forearm, second hand, sensor noise and holes, they make frames of which the hand's box is
known: with it (`KnownHands`) or with what the finder finds, a network can be scored on the same
pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.frames import DepthImage, RGBDFrame
from motionrgbd.core.hand_place import FoundHand, hand_distance_mm
from motionrgbd.core.results import Box
from motionrgbd.core.synthetic.render import View
from motionrgbd.core.synthetic.sensor import Sensor, sample_sensor
from motionrgbd.training.datasets.shrec17 import SAMPLES
from motionrgbd.training.hand_clips import CAMERA, Package, cut_times, paste, real_times
from motionrgbd.training.rebuilt_scenes import (
    Backdrop,
    SecondHand,
    arm_cones,
    draw_backdrop,
    draw_surface,
    second_hand,
)

Array = NDArray[np.float64]
Timing = Literal["cut", "timed"]

_HAND_DEPTH_MM = 160.0  # in the crops, what lies farther behind the hand's front is not hand
_CLIPPED_CODE = 255  # the package's largest: anything from there on


@dataclass(frozen=True, slots=True, eq=False)
class RebuiltClip:
    """One clip as full frames.

    depth: uint16 (32, H, W), mm. hands: the annotated hand of each sample, None where the crop is
    empty. times_s (32,).
    """

    depth: NDArray[np.uint16]
    hands: tuple[FoundHand | None, ...]
    times_s: Array
    camera: Intrinsics

    def frames(self) -> Iterator[RGBDFrame]:
        """Yield the frames as a source would, colour missing."""
        for i, depth in enumerate(self.depth):
            yield RGBDFrame(None, depth.copy(), i, float(self.times_s[i]))


class KnownHands:
    """A `HandDetector` that says what a data set's annotation says, by the frame's index."""

    def __init__(self, hands: Sequence[FoundHand | None]) -> None:
        self._hands = hands

    def detect(self, frame: RGBDFrame) -> FoundHand | None:
        """Return the annotated hand of this frame."""
        return self._hands[frame.index] if frame.index < len(self._hands) else None

    def reset(self) -> None:
        """Nothing is carried from frame to frame."""


def plain_clip(
    package: Package, clip: int, *, timing: Timing = "cut", fps_hz: float = 20.0
) -> RebuiltClip:
    """Return the clip with nothing but what its boxes hold, all else 0."""
    hands = clip_hands(package, clip)
    depth = np.zeros((SAMPLES, CAMERA.height_px, CAMERA.width_px), np.uint16)
    for i, crop in enumerate(package.millimetres(clip)):
        if hands[i] is not None:
            paste(depth[i], crop, package.boxes[clip, i])
    return RebuiltClip(depth, hands, clip_times(package, clip, timing, fps_hz), CAMERA)


def staged_clip(
    package: Package,
    clip: int,
    *,
    seed: int,
    people: Sequence[NDArray[np.uint8]] = (),
    timing: Timing = "cut",
    fps_hz: float = 20.0,
    camera: Intrinsics = CAMERA,
) -> RebuiltClip:
    """Return the clip in front of a person and a room; the same seed draws the same bytes.

    people: pictures of `resting_people` to stand behind the hand, beside the synthetic ones.
    camera: CAMERA, or the same scaled down where speed matters more than detail.
    """
    acting = staged_hand(package, clip, camera)
    rng = np.random.default_rng((seed, int(package.index[clip]), 5))
    stage = Stage.build(rng, seed, camera, acting.wrist_mm, acting.towards, acting.anywhere, people)
    frames = np.zeros((SAMPLES, camera.height_px, camera.width_px), np.uint16)
    for i, hand in enumerate(acting.hands):
        crop = acting.crops[i] if hand is not None else None
        frames[i] = stage.draw(i, crop, acting.boxes[i], acting.wrist_mm[i], acting.towards[i])
    return RebuiltClip(frames, acting.hands, clip_times(package, clip, timing, fps_hz), camera)


@dataclass(frozen=True, slots=True, eq=False)
class StagedHand:
    """A clip's hand, ready to be put before a camera.

    crops: 32 pictures in mm, of the hand alone. boxes: int (32, 4), y0 x0 y1 x1 in the camera's
    pixels. hands: as annotated. wrist_mm (32, 3): where the forearm begins, camera axes; towards
    (32, 2): where it leads in the picture.
    """

    crops: tuple[DepthImage, ...]
    boxes: NDArray[np.int64]
    hands: tuple[FoundHand | None, ...]
    wrist_mm: Array
    towards: Array

    @property
    def anywhere(self) -> bool:
        """Whether any sample has a reading."""
        return any(hand is not None for hand in self.hands)


def staged_hand(package: Package, clip: int, camera: Intrinsics) -> StagedHand:
    """Return a clip's hand as it is put before a camera: CAMERA, or the same scaled down."""
    scale = camera.width_px / CAMERA.width_px
    hands = tuple(_scaled(hand, scale) for hand in clip_hands(package, clip))
    crops = tuple(_hand_only(crop) for crop in package.millimetres(clip))
    boxes = np.rint(package.boxes[clip] * scale).astype(np.int64)
    arms = _wrists(crops, boxes, hands, camera)
    return StagedHand(crops, boxes, hands, arms.wrist_mm, arms.towards)


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A person in a room, whose hand is put where it is wanted; drawn once, used for a stream."""

    camera: Intrinsics
    backdrop: Backdrop
    other: SecondHand | None
    sensor: Sensor
    tilt: float
    girth: float
    limit_mm: float

    @staticmethod
    def build(
        rng: np.random.Generator,
        seed: int,
        camera: Intrinsics,
        wrist_mm: Array,
        towards: Array,
        raised: bool = True,
        people: Sequence[NDArray[np.uint8]] = (),
    ) -> Stage:
        """Draw a stage for a hand whose wrist is at wrist_mm (n, 3), its arm leading `towards`.

        raised: whether there is a hand at all; without, the other one would be the hand to find.
        """
        side = 1.0 if np.median(towards[:, 0]) < rng.normal(0.0, 0.15) else -1.0
        backdrop = draw_backdrop(rng, camera, wrist_mm, side, people)
        other = second_hand(rng, backdrop, wrist_mm) if raised else None
        if other is not None and not other.swing_mm.any():  # a part of the room
            still = draw_surface(other.cones(0), View.of(camera))
            backdrop = replace(backdrop, depth_mm=np.minimum(backdrop.depth_mm, still))
            other = None
        sensor = sample_sensor(rng, seed, View.of(camera))
        tilt, girth = rng.uniform(0.2, 1.1), rng.uniform(0.85, 1.15)
        return Stage(camera, backdrop, other, sensor, tilt, girth, rng.uniform(900.0, 3000.0))

    def draw(
        self,
        index: int,
        crop: DepthImage | None,
        box: NDArray[np.int64],
        wrist_mm: Array,
        towards: Array,
    ) -> DepthImage:
        """Return what the camera sees with this crop (mm) in its box; None: no raised hand."""
        view = View.of(self.camera)
        scene = self.backdrop.depth_mm
        if self.other is not None:
            scene = np.minimum(scene, draw_surface(self.other.cones(index), view))
        patch = np.zeros((self.camera.height_px, self.camera.width_px), np.uint16)
        if crop is not None:
            arm = arm_cones(wrist_mm, towards, self.tilt, self.backdrop.shoulder_mm, self.girth)
            scene = np.minimum(scene, draw_surface(arm, view))
            paste(patch, crop, box)
            scene = np.where(patch > 0, patch, scene).astype(np.float32)
        black = np.zeros((*patch.shape, 3), np.uint8)
        _, seen = self.sensor.observe(black, scene, index)
        seen[seen > self.limit_mm] = 0
        rim = cv2.dilate((patch > 0).view(np.uint8), np.ones((3, 3), np.uint8)) > 0
        seen[rim] = patch[rim]  # the crop's own readings, and the shadow that frames them
        return seen


def clip_times(package: Package, clip: int, timing: Timing, fps_hz: float) -> Array:
    """Return when the samples stand: one a grid frame, or as they were really taken."""
    if timing == "cut":
        return cut_times(SAMPLES, fps_hz)
    return real_times(int(package.source_frames[clip]))


def clip_hands(package: Package, clip: int) -> tuple[FoundHand | None, ...]:
    """Return the annotated hand of each sample; None where its crop has no reading."""
    hands: list[FoundHand | None] = []
    for crop, (y0, x0, y1, x1) in zip(
        package.millimetres(clip), package.boxes[clip].tolist(), strict=True
    ):
        distance_mm = hand_distance_mm(crop)
        box = Box(float(x0), float(y0), float(x1), float(y1))
        hands.append(FoundHand(box, distance_mm) if distance_mm > 0 else None)
    return tuple(hands)


def _scaled(hand: FoundHand | None, scale: float) -> FoundHand | None:
    if hand is None or scale == 1.0:
        return hand
    box = hand.box
    edges = (box.left_px, box.top_px, box.right_px, box.bottom_px)
    return FoundHand(Box(*(scale * edge for edge in edges)), hand.distance_mm)


def _hand_only(crop: DepthImage) -> DepthImage:
    """Drop what lies behind the hand, or beyond what the package can say."""
    seen = crop[crop > 0]
    if not len(seen):
        return crop
    back = min(hand_distance_mm(crop) + _HAND_DEPTH_MM, float(seen.max()))
    return np.where(crop <= back, crop, 0).astype(np.uint16)


@dataclass(frozen=True, slots=True, eq=False)
class _Wrists:
    """Where the forearm meets the hand: wrist_mm (32, 3), camera axes; towards (32, 2)."""

    wrist_mm: Array
    towards: Array


def _wrists(
    crops: Sequence[DepthImage],
    boxes: NDArray[np.int64],
    hands: Sequence[FoundHand | None],
    camera: Intrinsics,
) -> _Wrists:
    there = np.array([i for i, hand in enumerate(hands) if hand is not None])
    if not len(there):
        centre = np.array([0.0, 0.0, 450.0])
        return _Wrists(np.tile(centre, (SAMPLES, 1)), np.tile([0.0, 1.0], (SAMPLES, 1)))
    ways = np.stack([_way_out(crops[i]) for i in there])
    whole = ways.mean(axis=0)
    ways = 0.7 * whole + 0.3 * ways  # an arm swings less than the border of a crop suggests
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    places = np.stack(
        [_wrist(crops[i], boxes[i], way, camera) for i, way in zip(there, ways, strict=True)]
    )
    every = np.arange(SAMPLES)
    nearest = np.abs(every[:, None] - there[None]).argmin(axis=1)
    return _Wrists(places[nearest], ways[nearest])


def _way_out(crop: DepthImage) -> Array:
    """Return where the hand touches its crop's border, as a direction: there the arm begins."""
    mask = crop > 0
    left, right = mask[:, :2].mean(), mask[:, -2:].mean()
    bottom, top = mask[-2:].mean(), mask[:2].mean()
    return np.array([right - left, bottom - 0.4 * top + 0.25])


def _wrist(crop: DepthImage, box: NDArray[np.int64], way: Array, camera: Intrinsics) -> Array:
    """Return the place (3,) in mm from which the forearm leaves along `way`."""
    rows, columns = np.nonzero(crop)
    y0, x0, y1, x1 = box.tolist()
    x = x0 + (columns + 0.5) / crop.shape[1] * (x1 - x0)
    y = y0 + (rows + 0.5) / crop.shape[0] * (y1 - y0)
    along = x * way[0] + y * way[1]
    end = along >= np.quantile(along, 0.82)
    z = float(np.median(crop[rows[end], columns[end]])) + 18.0  # the bone, not the skin
    return np.array(
        [
            (float(x[end].mean()) - camera.cx_px) * z / camera.fx_px,
            (float(y[end].mean()) - camera.cy_px) * z / camera.fy_px,
            z,
        ]
    )
