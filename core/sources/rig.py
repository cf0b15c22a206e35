"""From the images of a colour and a depth camera to frames: one way for live and recorded."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.alignment import DepthToColor
from motionrgbd.calibration.extrinsics import Extrinsics
from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import ColorImage, DepthImage, RGBDFrame
from motionrgbd.core.sources.pairing import StampedImage

_LONGEST_UNIT_M = 0.1  # of one step of a depth image; RealSense cameras use 0.0001 to 0.001


@dataclass(frozen=True, slots=True)
class Rig:
    """A colour and a depth camera fixed to each other; one of them may be missing.

    depth_unit_m: metres per step of the depth image. fps_hz: the faster stream's nominal rate.
    """

    color: Intrinsics | None
    depth: Intrinsics | None
    depth_to_color: Extrinsics
    depth_unit_m: float
    fps_hz: float

    def __post_init__(self) -> None:
        if self.color is None and self.depth is None:
            raise SourceError("there is neither a colour nor a depth stream")
        if not (math.isfinite(self.depth_unit_m) and 0 < self.depth_unit_m <= _LONGEST_UNIT_M):
            raise SourceError(
                f"its depth unit is {self.depth_unit_m} m; expected above 0, typically 0.001: "
                "the recording's calibration is damaged"
            )
        if not (math.isfinite(self.fps_hz) and self.fps_hz > 0):
            raise SourceError(f"its frame rate is {self.fps_hz}; expected above 0")

    @property
    def intrinsics(self) -> Intrinsics | None:
        """Of the frames: the colour camera's, where there is one."""
        return self.color or self.depth


class FrameMaker:
    """Scales depth to millimetres and aligns it to colour. Used by one thread."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._millimetres = millimetre_table(rig.depth_unit_m)
        self._align = (
            DepthToColor(rig.depth, rig.color, rig.depth_to_color)
            if rig.depth is not None and rig.color is not None
            else None
        )

    def frame(
        self,
        color: StampedImage | None,
        depth: StampedImage | None,
        arrival_s: float | None = None,
    ) -> RGBDFrame:
        """One frame; number and time are colour's, where there is colour."""
        first = color or depth
        if first is None:
            raise ValueError("a frame needs an image")
        if color is not None:
            _check_size("colour", color.image, self._rig.color)
        return RGBDFrame(
            color=None if color is None else color.image,
            depth=None if depth is None else self._aligned(depth.image),
            index=first.number,
            timestamp_s=first.stamp_s,
            arrival_s=arrival_s,
            skew_s=color.stamp_s - depth.stamp_s if color and depth else None,
        )

    def _aligned(self, depth: NDArray[np.uint16]) -> DepthImage:
        _check_size("depth", depth, self._rig.depth)
        millimetres = depth if self._millimetres is None else self._millimetres[depth]
        return millimetres if self._align is None else self._align(millimetres)


def millimetre_table(depth_unit_m: float) -> NDArray[np.uint16] | None:
    """Millimetres of each of the 65536 readings, at most 65535; None where they are the same."""
    scale = depth_unit_m * 1000
    if math.isclose(scale, 1, rel_tol=1e-6):  # 0.001 in float32 is 0.0010000000475
        return None
    millimetres = np.floor(np.arange(65536, dtype=np.float64) * scale + 0.5)
    table: NDArray[np.uint16] = np.minimum(millimetres, 65535).astype(np.uint16)
    return table


def _check_size(what: str, image: NDArray[np.generic], camera: Intrinsics | None) -> None:
    height, width = image.shape[:2]
    if camera is None or (width, height) != (camera.width_px, camera.height_px):
        expected = "none" if camera is None else f"{camera.width_px}x{camera.height_px}"
        raise SourceError(
            f"a {what} image is {width}x{height} pixels, but the calibration says {expected}: "
            "the recording does not match itself"
        )


_CHANNELS = {
    "rgb8": 3,
    "bgr8": 3,
    "rgba8": 4,
    "bgra8": 4,
    "mono8": 1,
    "y8": 1,
    "yuyv": 2,
    "uyvy": 2,
}
_TO_RGB: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "rgb8": lambda p: p.copy(),
    "bgr8": lambda p: cv2.cvtColor(p, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False),
    "rgba8": lambda p: cv2.cvtColor(p, cv2.COLOR_RGBA2RGB).astype(np.uint8, copy=False),
    "bgra8": lambda p: cv2.cvtColor(p, cv2.COLOR_BGRA2RGB).astype(np.uint8, copy=False),
    "mono8": lambda p: cv2.cvtColor(p, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False),
    "y8": lambda p: cv2.cvtColor(p, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False),
    "yuyv": lambda p: cv2.cvtColor(p, cv2.COLOR_YUV2RGB_YUYV).astype(np.uint8, copy=False),
    "uyvy": lambda p: cv2.cvtColor(p, cv2.COLOR_YUV2RGB_UYVY).astype(np.uint8, copy=False),
}
_DEPTH_ENCODINGS = ("mono16", "16uc1", "z16")


def color_image(encoding: str, pixels: bytes | memoryview, width: int, height: int) -> ColorImage:
    """Raw pixels as RGB (H, W, 3), in memory of its own."""
    name = encoding.lower()
    if name not in _CHANNELS:
        raise SourceError(
            f"its colour is stored as '{encoding}', which is not read: "
            f"record one of {', '.join(sorted(_CHANNELS))}"
        )
    flat = _flat(pixels, width * height * _CHANNELS[name], "colour")
    return _TO_RGB[name](flat.reshape(height, width, _CHANNELS[name]))


def depth_image(encoding: str, pixels: bytes | memoryview, width: int, height: int) -> DepthImage:
    """Raw pixels as uint16 (H, W), in memory of its own."""
    if encoding.lower() not in _DEPTH_ENCODINGS:
        raise SourceError(f"its depth is stored as '{encoding}'; 16-bit depth is expected")
    flat = _flat(pixels, width * height * 2, "depth")
    return flat.view("<u2").reshape(height, width).astype(np.uint16)


def _flat(pixels: bytes | memoryview, size: int, what: str) -> NDArray[np.uint8]:
    if len(pixels) < size:
        raise SourceError(f"a {what} image has {len(pixels)} bytes of {size}: the file is damaged")
    return np.frombuffer(pixels, dtype=np.uint8, count=size)
