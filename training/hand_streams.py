"""Streams of hands as the live path sees them, drawn from wide crops and augmented as a whole.

One draw per stream moves crop, colour, trajectory and guidance together: the finder's box, its lag
behind a fast hand and its jitter are those that the live finder's smoothing makes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.hand_finder import PLACE_MIDDLE_M, PLACE_SCALE_M, TRAJECTORY_SIZE
from motionrgbd.models.recipe import HandView, Recipe, RelativeDepth
from motionrgbd.training.datasets.shrec17 import SHREC17
from motionrgbd.training.hand_clips import WIDE_M, HandClips
from motionrgbd.training.hand_plans import IDLE, Plan
from motionrgbd.training.relit_hands import jittered_color, relit

UNKNOWN = -1  # a fine class that the data do not tell
IDLE_GESTURE = 14  # the coarse class after the 14 gestures
_NUMBER = {label: n for n, label in enumerate(SHREC17.labels)}
_MIRRORED = {_NUMBER[a]: _NUMBER[b] for pair in SHREC17.mirror for a, b in (pair, pair[::-1])}


@dataclass(frozen=True)
class Take:
    """What was recorded at each of L grid frames, before augmentation.

    depth: uint8 (L, W, W), wide crops, 128 at the hand's distance. color: uint8 (L, W, W, 3), or
    None where there is none: it is relit from depth when asked for. place: float64 (L, 3), m, of
    the hand; found: bool (L,). ends (E,), fine (E,) 0..28 or UNKNOWN, gesture (E,) 0..14.
    """

    depth: NDArray[np.uint8]
    color: NDArray[np.uint8] | None
    place: NDArray[np.float64]
    found: NDArray[np.bool_]
    ends: NDArray[np.int64]
    fine: NDArray[np.int64]
    gesture: NDArray[np.int64]


@dataclass(frozen=True)
class HandStream:
    """One stream as the network sees it.

    depth: uint8 (L, h, w); color: uint8 (L, h, w, 3) or None; trajectory: float32 (L, 7).
    """

    depth: NDArray[np.uint8]
    color: NDArray[np.uint8] | None
    trajectory: NDArray[np.float32]
    ends: NDArray[np.int64]
    fine: NDArray[np.int64]
    gesture: NDArray[np.int64]


@dataclass(frozen=True)
class Augmentation:
    """How far a drawn stream may differ from what was recorded."""

    rotation_deg: float = 15.0
    scale: float = 0.15
    stretch: float = 0.1  # of either side of the picture: hands have other proportions
    relief: float = 0.15  # of the depths within a hand
    shift: float = 0.06  # of the crop's side
    place_m: float = 0.15
    path_scale: float = 0.25
    finder_m: float = 0.004  # frame to frame
    lapses: float = 0.25  # share of streams in which the finder errs or loses the hand for a moment
    noise: float = 2.0  # codes
    holes: float = 0.03
    forearm: float = 0.3  # share of streams
    cutout: float = 0.15
    mirror: float = 0.1


def take_of(plan: Plan, clips: HandClips) -> Take:
    """Return the crops of a plan."""
    return Take(
        depth=clips.codes[plan.clip, plan.sample],
        color=None,
        place=plan.place,
        found=np.ones(len(plan.clip), np.bool_),
        ends=plan.ends,
        fine=plan.fine,
        gesture=plan.fine // 2,  # idle, 28, becomes 14
    )


def draw(
    take: Take,
    recipe: Recipe,
    rng: np.random.Generator | None = None,
    augmentation: Augmentation | None = None,
    *,
    color: bool = False,
    light: int = 0,
) -> HandStream:
    """Draw a take as the live path would see it; with a generator, augmented.

    color asks for pictures too, relit where none were recorded; without a generator, skin, light
    and background are those of the number `light`.
    """
    view, mapping = recipe.view, recipe.depth
    assert isinstance(view, HandView)
    assert isinstance(mapping, RelativeDepth)
    warp, arm = _Warp(), False
    place = seen = take.place
    found = take.found
    fine, gesture = take.fine, take.gesture
    a = augmentation or Augmentation()
    if rng is not None:
        warp = _Warp(
            turn=float(np.deg2rad(rng.uniform(-a.rotation_deg, a.rotation_deg))),
            zoom=1 + rng.uniform(-a.scale, a.scale),
            offset=rng.uniform(-a.shift, a.shift, 2),
            mirror=bool(rng.random() < a.mirror),
            stretch=1 + rng.uniform(-a.stretch, a.stretch, 2),
        )
        place = _moved(rng, take.place, warp, a)
        seen = place + rng.normal(0, a.finder_m * rng.random(), place.shape)
        if rng.random() < a.lapses:
            seen, found = _lapsed(rng, seen, found)
        arm = take.color is None and bool(rng.random() < a.forearm)
        if warp.mirror:
            fine = np.array([mirrored(int(f)) for f in fine], np.int64)
            gesture = np.array([_MIRRORED.get(int(g), int(g)) for g in gesture], np.int64)
    tracked = smoothed(seen, found, view.smoothing)
    transforms = warp.transforms(place, tracked, recipe.size_px[0], take.depth.shape[-1], view)
    pictures = _warped(take.depth, transforms, recipe.size_px[0])
    if arm:
        assert rng is not None
        _add_forearm(rng, pictures)
    colored = None
    if color:
        if take.color is not None:
            colored = _warped(take.color, transforms, recipe.size_px[0])
        else:
            lamp = rng if rng is not None else np.random.default_rng(light)
            colored = relit(pictures, mapping.step_mm, 1000.0 * view.side_m, lamp)
        if rng is not None:
            colored = jittered_color(colored, rng)
    shift = (tracked[:, 2] - place[:, 2]) * 1000.0 / mapping.step_mm
    pictures = _recoded(pictures, shift, rng, a)
    path = trajectory(seen, found, recipe.fps_hz)
    return HandStream(pictures, colored, path, take.ends, fine, gesture)


def mirrored(fine: int) -> int:
    """Return the class of a gesture seen in a mirror."""
    if fine in (IDLE, UNKNOWN):
        return fine
    gesture, finger = divmod(fine, 2)
    return 2 * _MIRRORED.get(gesture, gesture) + finger


def smoothed(
    seen: NDArray[np.float64], found: NDArray[np.bool_], keep: float
) -> NDArray[np.float64]:
    """Return what the finder's smoothing makes of the places it saw; unseen, it stays."""
    out = np.empty_like(seen)
    out[0] = seen[0]
    for t in range(1, len(seen)):
        out[t] = keep * out[t - 1] + (1.0 - keep) * seen[t] if found[t] else out[t - 1]
    return out


def trajectory(
    seen: NDArray[np.float64], found: NDArray[np.bool_], fps_hz: float
) -> NDArray[np.float32]:
    """Return the trajectory (L, 7) of places (L, 3) in m, as the finder gives it."""
    out = np.ones((len(seen), TRAJECTORY_SIZE))
    out[:, :3] = (seen - np.array([0.0, 0.0, PLACE_MIDDLE_M])) / PLACE_SCALE_M
    out[:, 3:6] = np.diff(seen, axis=0, prepend=seen[:1]) * fps_hz
    out[1:, 3:6][~found[:-1]] = 0.0  # found again: no speed yet
    out[~found] = 0.0
    return out.astype(np.float32).clip(-4.0, 4.0)


@dataclass(frozen=True)
class _Warp:
    """What a stream's pictures undergo: turn in radians, zoom, offset in sides, mirror, stretch."""

    turn: float = 0.0
    zoom: float = 1.0
    offset: NDArray[np.float64] | None = None
    mirror: bool = False
    stretch: NDArray[np.float64] | None = None  # of width and height

    def transforms(
        self,
        place: NDArray[np.float64],
        tracked: NDArray[np.float64],
        size: int,
        wide: int,
        view: HandView,
    ) -> list[NDArray[np.float64]]:
        """Return, per frame, the 2x3 matrix from the network's pixels to the wide crop's.

        The crop is cut around the tracked place; in it the hand stands where it truly is.
        """
        offset = np.zeros(2) if self.offset is None else self.offset * size
        lag = (place[:, :2] - tracked[:, :2]) * (size / view.side_m) + offset
        finer = (wide / WIDE_M) / (size / view.side_m)  # the wide crop's pixels per pixel
        scale = self.zoom * tracked[:, 2] / place[:, 2] / finer
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        flip = -1.0 if self.mirror else 1.0
        inverse = np.array([[cos * flip, sin * flip], [-sin, cos]])
        if self.stretch is not None:
            inverse = inverse / self.stretch
        out = []
        for t in range(len(place)):
            m = inverse / scale[t]
            b = np.full(2, wide / 2 - 0.5) - m @ (np.full(2, size / 2 - 0.5) + lag[t])
            out.append(np.column_stack([m, b]))
        return out


def _warped(
    pictures: NDArray[np.uint8], transforms: list[NDArray[np.float64]], size: int
) -> NDArray[np.uint8]:
    out = np.empty((len(pictures), size, size, *pictures.shape[3:]), np.uint8)
    for t, matrix in enumerate(transforms):
        out[t] = cv2.warpAffine(
            pictures[t], matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
    return out


def _moved(
    rng: np.random.Generator, place: NDArray[np.float64], warp: _Warp, a: Augmentation
) -> NDArray[np.float64]:
    """Mirror, turn, scale and shift a path as a whole."""
    place = place * np.array([-1.0 if warp.mirror else 1.0, 1.0, 1.0])
    middle = place.mean(0)
    cos, sin = np.cos(warp.turn), np.sin(warp.turn)
    out = (place - middle) * (1 + rng.uniform(-a.path_scale, a.path_scale, 3))
    out[:, :2] = out[:, :2] @ np.array([[cos, sin], [-sin, cos]])
    out += middle + rng.normal(0, a.place_m, 3)
    out[:, 2] = np.maximum(out[:, 2], 0.15)
    return np.asarray(out)


def _lapsed(
    rng: np.random.Generator, seen: NDArray[np.float64], found: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Let the finder err, or lose the hand, for a moment; the first frame stays."""
    seen, found = seen.copy(), found.copy()
    start = int(rng.integers(1, max(2, len(seen) - 1)))
    stop = start + int(rng.integers(1, 5))
    if rng.random() < 0.5:
        found[start:stop] = False
    else:
        seen[start:stop] += rng.normal(0, [0.04, 0.04, 0.02])
        seen[:, 2] = np.maximum(seen[:, 2], 0.12)
    return seen, found


def _add_forearm(rng: np.random.Generator, pictures: NDArray[np.uint8]) -> None:
    """Draw an arm behind the hand, from its middle to the border: boxes end at the wrist."""
    size = pictures.shape[-1]
    middle = size / 2 + rng.normal(0, 0.03, 2) * size
    angle = np.pi / 2 + rng.normal(0, 0.4)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    near, far = rng.uniform(0.10, 0.14) * size, rng.uniform(0.13, 0.2) * size
    corners = [
        middle + across * near,
        middle - across * near,
        middle + along * size - across * far,
        middle + along * size + across * far,
    ]
    arm = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(arm, np.rint(corners).astype(np.int32), 1)
    ys, xs = np.mgrid[:size, :size]
    away = (xs - middle[0]) * along[0] + (ys - middle[1]) * along[1]
    codes = 128 - rng.uniform(0, 25) - away * rng.uniform(-0.6, 1.2)
    arm_codes = np.where(arm > 0, np.clip(codes, 1, 255), 0).astype(np.uint8)
    start = rng.uniform(0.12, 0.3) * size  # from the wrist on
    arm_codes[away < start] = 0
    empty = pictures == 0
    pictures[empty] = np.broadcast_to(arm_codes, pictures.shape)[empty]


def _recoded(
    pictures: NDArray[np.uint8],
    shift: NDArray[np.float64],
    rng: np.random.Generator | None,
    a: Augmentation,
) -> NDArray[np.uint8]:
    """Move codes to the tracked distance; augmented: sensor noise, quantisation, holes."""
    values = pictures.astype(np.float32)
    empty = pictures == 0
    if rng is not None:
        values = 128.0 + (values - 128.0) * np.float32(1 + rng.uniform(-a.relief, a.relief))
    values = values + shift[:, None, None].astype(np.float32)
    if rng is not None:
        noise = rng.standard_normal(pictures.shape, np.float32)
        values += noise * np.float32(rng.uniform(0, a.noise))
        if rng.random() < 0.3:
            step = rng.uniform(1.5, 5)
            values = np.rint(values / step) * step
        share = rng.uniform(0, a.holes) if rng.random() < 0.7 else 0.0
        if share:
            empty |= rng.random(pictures.shape, np.float32) < share
        if rng.random() < a.cutout:
            size = pictures.shape[-1]
            y, x = rng.integers(0, size, 2)
            h, w = rng.integers(size // 8, size // 3, 2)
            empty[:, y : y + h, x : x + w] = True
    values = np.clip(np.rint(values), 0, 255)
    values[empty | (values < 1)] = 0
    return values.astype(np.uint8)
