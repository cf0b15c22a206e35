"""Frame-level guidance maps by rank pooling (FRP, Eq. 2-5 of the paper), computed incrementally.

`GuidanceStream` is the fast path, one frame at a time; `plain_guidance` beside it is the
definition it must equal. Both work on uint8 pixels: the rank-pooling weights sum to zero, so
this is exact integer arithmetic, and the network's normalisation only scales it by 1/128.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.results import FloatArray, GuidanceMap
from motionrgbd.models.recipe import Recipe

GREY_WEIGHTS = np.array([0.2989, 0.587, 0.114], np.float32)  # their sum is 0.9999, not 1
_EROSION = np.ones((2, 2), np.uint8)
_DILATION = np.ones((3, 3), np.uint8)

Sums = NDArray[np.signedinteger]
Rectifier = Callable[[Sums], FloatArray]


def rank_weights(window: int) -> NDArray[np.int64]:
    """Return the N rank-pooling weights 2i - N - 1, i = 1..N (Eq. 2)."""
    return 2 * np.arange(1, window + 1) - window - 1


def positive_weight(window: int) -> int:
    """Return the sum of the positive rank-pooling weights: a step of one grey level gives it."""
    return window * window // 4


def relu(sums: Sums) -> FloatArray:
    """Rectify as the released code does: scale-free, since min-max scaling follows."""
    return np.asarray(np.maximum(sums, 0), np.float32)


class ScaledGelu:
    """Rectify as the paper's Eq. 3 does: lambda * GELU(DI) on normalised frames (x - 127.5) / 128.

    DI is an integer multiple of 1/128, so a table over all its values is exact.
    """

    def __init__(self, window: int, gain: float = 2.0) -> None:
        limit = 255 * positive_weight(window)
        values = np.arange(-limit, limit + 1) / 128.0
        phi = np.array([0.5 * (1.0 + math.erf(v / math.sqrt(2.0))) for v in values])
        self._table = (gain * values * phi).astype(np.float32)
        self._limit = limit

    def __call__(self, sums: Sums) -> FloatArray:
        return np.asarray(self._table[sums.astype(np.int64) + self._limit])


@dataclass(frozen=True, slots=True)
class GuidanceSettings:
    """What a recipe says of its maps.

    window: frames under one map (w, the paper's N). floor: smallest range, in grey levels, that
    still gives a full-strength map; below it map and static map are attenuated in proportion, so
    that sensor noise at rest stays weak. 0 is the released behaviour.
    """

    window: int
    floor: float = 0.0
    rectify: Rectifier = relu

    def __post_init__(self) -> None:
        if self.window < 2:
            raise ValueError(f"a guidance map needs a window of at least 2, got {self.window}")
        if not self.floor >= 0:
            raise ValueError(f"the noise floor must not be negative, got {self.floor}")

    @staticmethod
    def of(recipe: Recipe) -> GuidanceSettings:
        """Return what a recipe says."""
        return GuidanceSettings(recipe.guidance_window, recipe.guidance_floor)


class GuidanceStream:
    """Guidance of one modality of one stream; the cost of a frame does not depend on the window.

    Sliding form of Eq. 2: DI' = DI + (N-1)(x_out + x_in) - 2 S, S the sum of the N-1 frames that
    stay. Used by one thread.
    """

    def __init__(self, settings: GuidanceSettings) -> None:
        self._settings = settings
        peak = 255 * max(positive_weight(settings.window), settings.window)
        # The narrowest integers that cannot overflow: twice the speed for the usual windows.
        self._dtype = np.int16 if 2 * peak <= 32767 else np.int32 if 2 * peak < 2**31 else np.int64
        self.reset()

    def reset(self) -> None:
        """Forget the past, as at the start of a stream."""
        self._count = 0
        self._ring: NDArray[np.uint8] | None = None

    def push(self, image: NDArray[np.uint8]) -> GuidanceMap:
        """Take the next image, uint8 (H, W, 3) or grey (H, W); return the map that ends at it.

        The first w-1 maps of a stream are all zero. Raises ValueError on another shape or type.
        """
        n = self._settings.window
        if self._ring is None:
            _check_image(image)
            self._ring = np.zeros((n, *image.shape), np.uint8)
            self._total = np.zeros(image.shape, self._dtype)
            self._pooled = np.zeros(image.shape, self._dtype)
        elif image.shape != self._ring.shape[1:] or image.dtype != np.uint8:
            raise ValueError(
                f"the stream has uint8 images of {self._ring.shape[1:]}, "
                f"got {image.dtype} {image.shape}"
            )
        slot = self._count % n
        leaving = self._ring[slot]
        self._total -= leaving  # now S: the frames that stay
        self._pooled += np.add(leaving, image, dtype=self._dtype) * self._dtype(n - 1)
        self._pooled -= self._total
        self._pooled -= self._total
        self._total += image
        self._ring[slot] = image
        self._count += 1
        if self._count < n:
            return _zero_map(image.shape)
        return _map_of(self._pooled, self._settings)


def plain_guidance(images: NDArray[np.uint8], settings: GuidanceSettings) -> GuidanceMap:
    """Return the map over exactly w images, uint8 (w, H, W, 3) or (w, H, W): the definition."""
    weights = rank_weights(settings.window)
    if len(images) != len(weights):
        raise ValueError(f"needs {len(weights)} images, got {len(images)}")
    return _map_of(np.tensordot(weights, images.astype(np.int64), axes=1), settings)


def clip_guidance(images: NDArray[np.uint8], settings: GuidanceSettings) -> FloatArray:
    """Return the maps of a whole clip, float32 (T, H, W), from images uint8 (T, H, W[, 3])."""
    stream = GuidanceStream(settings)
    return np.stack([stream.push(image).values for image in images])


def _check_image(image: NDArray[np.uint8]) -> None:
    grey = image.ndim == 2
    if image.dtype != np.uint8 or not (grey or (image.ndim == 3 and image.shape[2] == 3)):
        raise ValueError(f"needs uint8 (H, W) or (H, W, 3), got {image.dtype} {image.shape}")


def _zero_map(shape: tuple[int, ...]) -> GuidanceMap:
    return GuidanceMap(np.zeros(shape[:2], np.float32), np.zeros(shape, np.int32), (0.0, 0.0))


def _map_of(pooled: Sums, settings: GuidanceSettings) -> GuidanceMap:
    """Rectify, scale, grey, static map, combine: steps 2 to 5 after rank pooling."""
    rectified = settings.rectify(pooled)  # (H, W[, 3])
    flat = rectified.reshape(-1)
    low, high = cv2.minMaxLoc(flat)[:2]
    unit = positive_weight(settings.window)
    energy = (cv2.mean(flat)[0] / unit, high / unit)
    sums = pooled.astype(np.int32)
    if high <= low:
        return GuidanceMap(np.zeros(pooled.shape[:2], np.float32), sums, energy)
    offset = float(GREY_WEIGHTS.sum()) * low
    dynamic = (_grey(rectified) - np.float32(offset)) * np.float32(1.0 / (high - low))  # D
    static = _static_map(dynamic)  # S
    if settings.floor and high - low < settings.floor * unit:
        attenuation = np.float32((high - low) / (settings.floor * unit))
        dynamic *= attenuation
        static *= attenuation
    return GuidanceMap((dynamic + static) * static, sums, energy)


def _grey(image: FloatArray) -> FloatArray:
    """Weigh the channels; a grey picture stands for three equal ones."""
    if image.ndim == 2:
        return np.asarray(image * GREY_WEIGHTS.sum(), np.float32)
    return np.asarray(cv2.transform(image, GREY_WEIGHTS[None]), np.float32)


def _static_map(dynamic: FloatArray) -> FloatArray:
    """Keep what moves more than the mean, open it, scale it to 0..1 (Eq. 4)."""
    strong = cv2.threshold(dynamic, cv2.mean(dynamic)[0], 0.0, cv2.THRESH_TOZERO)[1]
    opened = cv2.dilate(cv2.erode(strong, _EROSION), _DILATION)
    low, high = cv2.minMaxLoc(opened)[:2]
    if high <= low:
        return np.zeros_like(dynamic)
    return (np.asarray(opened, np.float32) - np.float32(low)) * np.float32(1.0 / (high - low))
