"""Rooms behind the performer: a wall in one of several families, and boxes of furniture.

Drawn once per recording, so plainly: every box is intersected with every pixel's ray.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Image = NDArray[np.float32]

_TEXTURE_PX = 512
_TEXTURE_MM = 3200.0  # the wall's texture covers this, then repeats

_WALLS = np.array(
    [
        [0.62, 0.58, 0.50],
        [0.45, 0.52, 0.54],
        [0.55, 0.46, 0.38],
        [0.42, 0.48, 0.40],
        [0.60, 0.52, 0.52],
        [0.36, 0.40, 0.50],
    ]
)
_WOODS = np.array([[0.36, 0.21, 0.11], [0.22, 0.12, 0.06], [0.52, 0.38, 0.22], [0.60, 0.58, 0.55]])


def _blotches(rng: np.random.Generator, cells: int, size: float) -> Array:
    """Smooth grey variation around 1, (512, 512), seamless enough."""
    coarse = rng.normal(1.0, size, (cells, cells))
    smooth = cv2.resize(coarse, (_TEXTURE_PX, _TEXTURE_PX), interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth, np.float64)


def _plaster(rng: np.random.Generator, wall: Array) -> Array:
    cloth: Array = wall * (_blotches(rng, 6, 0.06) * _blotches(rng, 60, 0.02))[..., None]
    return cloth


def _curtain(rng: np.random.Generator, wall: Array) -> Array:
    x = np.arange(_TEXTURE_PX) * (2 * np.pi / _TEXTURE_PX)
    folds = np.sin(x * rng.integers(14, 26) + 1.5 * np.sin(x * 3 + rng.uniform(0, 6)))
    cloth: Array = wall * ((0.80 + 0.22 * folds)[None] * _blotches(rng, 8, 0.03))[..., None]
    return cloth


def _panels(rng: np.random.Generator, wall: Array) -> Array:
    boards = rng.integers(10, 18)
    x = np.arange(_TEXTURE_PX) * boards / _TEXTURE_PX
    tone = rng.uniform(0.85, 1.1, boards)[x.astype(int)]
    groove = np.where(x % 1.0 < 0.05, 0.45, 1.0)
    wood = 0.5 * wall + 0.5 * _WOODS[rng.integers(len(_WOODS))]
    grain = cv2.resize(
        rng.normal(1.0, 0.05, (12, 256)), (_TEXTURE_PX, _TEXTURE_PX), interpolation=cv2.INTER_LINEAR
    )
    boarded: Array = wood * ((tone * groove)[None] * grain)[..., None]
    return boarded


def _brick(rng: np.random.Generator, wall: Array) -> Array:
    rows, columns = 32, 12
    y, x = np.mgrid[:_TEXTURE_PX, :_TEXTURE_PX] / _TEXTURE_PX
    row = (y * rows).astype(int)
    place = x * columns + 0.5 * (row % 2)
    tone = rng.uniform(0.8, 1.15, (rows, columns))[row, place.astype(int) % columns]
    mortar = (y * rows % 1.0 < 0.13) | (place % 1.0 < 0.05)
    clay = 0.6 * wall + 0.4 * np.array([0.42, 0.17, 0.11])
    return np.where(mortar[..., None], 0.8 * wall, clay * tone[..., None])


def _bookcase(rng: np.random.Generator, wall: Array) -> Array:
    wood = _WOODS[rng.integers(3)]
    texture: Array = np.empty((_TEXTURE_PX, _TEXTURE_PX, 3))
    texture[:] = wood * 0.35
    shelves = 8
    pitch = _TEXTURE_PX // shelves
    palette = np.concatenate(
        [_WALLS, _WOODS, [[0.45, 0.12, 0.10], [0.10, 0.20, 0.36], [0.12, 0.28, 0.22]]]
    )
    for shelf in range(shelves):
        bottom, x = (shelf + 1) * pitch - 6, 2
        while x < _TEXTURE_PX - 12:
            width, height = int(rng.integers(5, 12)), int(rng.integers(32, pitch - 10))
            if rng.random() < 0.12:  # a gap
                x += 3 * width
                continue
            book = palette[rng.integers(len(palette))] * rng.uniform(0.55, 1.0)
            shade = 0.75 + 0.25 * np.sin(np.linspace(0.3, 2.8, width))
            end = min(x + width, _TEXTURE_PX)
            texture[bottom - height : bottom, x:end] = (book * shade[:, None])[: end - x]
            x += width + int(rng.random() < 0.2)
        texture[bottom : bottom + 6] = wood
    texture[:, :: _TEXTURE_PX // 4] = wood
    for i in range(1, 5):
        texture[:, i :: _TEXTURE_PX // 4] = wood * 0.9
    return texture


_FAMILIES: dict[str, Callable[[np.random.Generator, Array], Array]] = {
    "plaster": _plaster,
    "curtain": _curtain,
    "panels": _panels,
    "brick": _brick,
    "bookcase": _bookcase,
}


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """wall_mm: distance. boxes (n, 6): two corners in the world; colours (n, 3), linear."""

    wall_mm: float
    texture: Image
    boxes: Array
    colours: Array


def sample_room(rng: np.random.Generator, family: str, body_mm: float) -> Room:
    wall_mm = float(rng.uniform(body_mm + 500.0, body_mm + 1500.0))
    wall = _WALLS[rng.integers(len(_WALLS))] * rng.uniform(0.75, 1.1)
    boxes, colours = [[-9e3, 900.0, 0.0, 9e3, 1000.0, 9e3]], [np.array([0.30, 0.25, 0.20])]
    for _ in range(int(rng.integers(2, 5))):
        x, depth = rng.uniform(-0.7, 0.7) * wall_mm, rng.uniform(150.0, 400.0)
        half, top = rng.uniform(120.0, 420.0), rng.uniform(-450.0, 500.0)
        front = wall_mm - depth
        boxes.append([x - half, top, front, x + half, 900.0, wall_mm])
        colours.append(_WOODS[rng.integers(len(_WOODS))] * rng.uniform(0.7, 1.1))
    texture = _FAMILIES[family](rng, wall).astype(np.float32)
    return Room(wall_mm, texture, np.array(boxes), np.array(colours))


def draw_room(room: Room, origin: Array, rays: Image, light: Array) -> tuple[Image, Image]:
    """See the room from `origin` along `rays` (H, W, 3), world frame; depth unit along z of ray.

    Returns the rays' parameter (H, W) and linear colour (H, W, 3).
    """
    height, width = rays.shape[:2]
    t = (room.wall_mm - origin[2]) / rays[..., 2]
    x, y = (origin[i] + t * rays[..., i] for i in (0, 1))
    scale = _TEXTURE_PX / _TEXTURE_MM
    colour = cv2.remap(
        room.texture,
        np.asarray(x * scale % _TEXTURE_PX, np.float32),
        np.asarray(y * scale % _TEXTURE_PX, np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    painted = np.asarray(colour * _lit(np.array([0.0, 0.0, -1.0]), light), np.float32)
    for corners, paint in zip(room.boxes, room.colours, strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            near_far = (corners.reshape(2, 1, 1, 3) - origin) / rays
        near, far = near_far.min(axis=0), near_far.max(axis=0)
        axis = near.argmax(axis=2)
        enter = near.max(axis=2)
        hit = (enter > 0) & (enter < far.min(axis=2)) & (enter < t)
        normals = -np.eye(3) * np.sign(rays[height // 2, width // 2])
        shade = np.array([_lit(n, light) for n in normals])[axis]
        t = np.where(hit, enter, t)
        painted[hit] = (paint * shade[..., None])[hit]
    return np.asarray(t, np.float32), painted


def _lit(normal: Array, light: Array) -> float:
    return 0.45 + 0.55 * max(0.0, float(normal @ light))
