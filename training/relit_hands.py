"""Colour for hands that were recorded in depth alone: shading, skin and a background are drawn.

There is no labelled real colour of these gestures; the shape and the motion are real, the light
is not.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

# Skin in RGB, from light to dark (sampled by eye from the usual six types of the Fitzpatrick scale)
_SKIN = np.array(
    [[244, 208, 177], [231, 180, 143], [210, 158, 124], [186, 120, 81], [142, 88, 54], [78, 48, 32]]
)


def relit(
    codes: NDArray[np.uint8], step_mm: float, side_mm: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return colour pictures (L, h, w, 3) of relative depth (L, h, w); one light for the stream.

    step_mm: millimetres per code; side_mm: what a picture's side measures at the hand.
    """
    size = codes.shape[-1]
    behind = _background(rng, size)
    skin = _skin(rng)
    light = rng.normal(0, 1, 3) + np.array([0.0, -0.8, 1.5])  # mostly from above and the camera
    light /= np.linalg.norm(light)
    ambient = rng.uniform(0.25, 0.6)
    texture = cv2.GaussianBlur(rng.normal(0, 1, (size, size)).astype(np.float32), (0, 0), 1.5)
    texture = 1 + rng.uniform(0, 0.25) * texture
    slope = step_mm / (side_mm / size)  # codes per pixel to a gradient
    out = np.empty((*codes.shape, 3), np.uint8)
    drift = rng.normal(0, 0.4, 2)  # the hand moves before what is behind it
    for t, picture in enumerate(codes):
        filled = _filled(picture)
        smooth = cv2.GaussianBlur(filled.astype(np.float32), (0, 0), 1.2)
        # nearer is a larger code: the surface rises towards the camera where codes grow
        dx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=0.125) * slope
        dy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=0.125) * slope
        facing = (-dx * light[0] - dy * light[1] + light[2]) / np.sqrt(1 + dx * dx + dy * dy)
        shade = (ambient + (1 - ambient) * np.clip(facing, 0, 1)) * texture
        hand = shade[..., None] * skin
        alpha = cv2.GaussianBlur((filled > 0).astype(np.float32), (0, 0), 0.7)[..., None]
        move = np.array(
            [[1, 0, drift[0] * t - size / 2], [0, 1, drift[1] * t - size / 2]], np.float32
        )
        room = cv2.warpAffine(behind, move, (size, size), borderMode=cv2.BORDER_REFLECT)
        out[t] = np.clip(hand * alpha + room * (1 - alpha), 0, 255)
    return out


def jittered_color(pictures: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return pictures (L, h, w, 3) under another exposure, white balance, blur and noise."""
    gain = (rng.uniform(0.55, 1.4) * rng.uniform(0.85, 1.15, 3)).astype(np.float32)
    values = pictures * gain + np.float32(rng.uniform(-25, 25))
    if rng.random() < 0.25:
        values = values.mean(-1, keepdims=True) * np.float32(rng.uniform(0.3, 1)) + values * 0.4
    noise = rng.standard_normal(values.shape, np.float32) * np.float32(rng.uniform(0, 6))
    values = np.clip(values + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        sigma = float(rng.uniform(0.4, 1.0))
        values = np.stack([cv2.GaussianBlur(v, (0, 0), sigma) for v in values]).astype(np.uint8)
    return np.asarray(values)


def _skin(rng: np.random.Generator) -> NDArray[np.float32]:
    place = rng.uniform(0, len(_SKIN) - 1)
    i = int(place)
    tone = _SKIN[i] * (1 - place + i) + _SKIN[i + 1] * (place - i)
    return np.asarray(tone * rng.uniform(0.9, 1.1, 3), np.float32)


def _filled(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Close the sensor's small holes: a camera for colour has none."""
    closed = cv2.morphologyEx(picture, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return np.where(picture > 0, picture, closed).astype(np.uint8)


def _background(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    """Draw something twice as large as a picture: a gradient, blotches, stripes, edges."""
    side = 2 * size
    ys, xs = np.mgrid[:side, :side].astype(np.float32) / side
    base = rng.uniform(10, 235, 3)
    room = np.empty((side, side, 3), np.float32)
    ramp = rng.normal(0, 40, (2, 3))
    room[:] = base + xs[..., None] * ramp[0] + ys[..., None] * ramp[1]
    for _ in range(int(rng.integers(0, 7))):  # things: clothes, a dashboard, furniture
        x0, y0 = rng.integers(-size // 2, side, 2)
        w, h = rng.integers(4, size, 2)
        shade = rng.uniform(0, 255, 3) if rng.random() < 0.6 else _skin(rng) * rng.uniform(0.5, 1)
        cv2.rectangle(room, (int(x0), int(y0)), (int(x0 + w), int(y0 + h)), shade.tolist(), -1)
    if rng.random() < 0.4:
        wave = np.sin((xs * rng.normal() + ys * rng.normal()) * rng.uniform(10, 120))
        room += wave[..., None] * rng.uniform(0, 35)
    blotch = rng.normal(0, 1, (side // 4, side // 4, 3)).astype(np.float32)
    room += cv2.resize(blotch, (side, side), interpolation=cv2.INTER_CUBIC) * rng.uniform(0, 20)
    blurred = cv2.GaussianBlur(room, (0, 0), float(rng.uniform(0.3, 2.5)))
    return np.asarray(np.clip(blurred, 0, 255), np.float32)
