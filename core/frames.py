"""What a source delivers: aligned colour and depth with their times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.depth8 import EightBitDepth

ColorImage = NDArray[np.uint8]
DepthImage = NDArray[np.uint16]

DepthEncoding = Literal["millimetres", "brighter_is_nearer", "darker_is_nearer"]
"""How a recording stored its depth before it was mapped to millimetres (see `core/depth8.py`)."""


def _read_only(array: NDArray) -> NDArray:  # type: ignore[type-arg]
    """Return `array` locked against writing; a view of somebody's writable memory is copied."""
    if array.flags.writeable:
        if array.base is not None:
            array = array.copy()
        array.flags.writeable = False
    return array


@dataclass(frozen=True, slots=True, eq=False)
class RGBDFrame:
    """One moment seen by the sensor.

    color: uint8 (H, W, 3), RGB, or None where the source has depth only.
    depth: uint16 (H, W), millimetres, aligned to colour, 0 = no reading; None: colour only.
    index: the source's own frame number; a jump means that the camera dropped frames.
    timestamp_s: the source's clock, as recorded.
    arrival_s: host monotonic time of arrival; None in fast replay.
    skew_s: by how much colour was taken after depth; None where the source does not tell.
    """

    color: ColorImage | None
    depth: DepthImage | None
    index: int
    timestamp_s: float
    arrival_s: float | None = None
    skew_s: float | None = None

    def __post_init__(self) -> None:
        if self.color is None and self.depth is None:
            raise ValueError("a frame needs colour, depth or both")
        if self.color is not None:
            if self.color.dtype != np.uint8 or self.color.ndim != 3 or self.color.shape[2] != 3:
                raise ValueError(
                    f"colour must be uint8 (H, W, 3), got {self.color.dtype} {self.color.shape}"
                )
            object.__setattr__(self, "color", _read_only(self.color))
        if self.depth is not None:
            if self.depth.dtype != np.uint16 or self.depth.ndim != 2:
                raise ValueError(
                    f"depth must be uint16 (H, W), got {self.depth.dtype} {self.depth.shape}"
                )
            object.__setattr__(self, "depth", _read_only(self.depth))
        if (
            self.color is not None
            and self.depth is not None
            and self.color.shape[:2] != self.depth.shape
        ):
            raise ValueError(
                f"depth {self.depth.shape} is not aligned to colour {self.color.shape[:2]}"
            )
        if not np.isfinite(self.timestamp_s):
            raise ValueError(f"timestamp_s must be finite, got {self.timestamp_s}")


@dataclass(frozen=True, slots=True)
class ScriptedGesture:
    """Ground truth of a recording: one gesture and its span in the source's clock."""

    label: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known of a source before its first frame.

    live alone decides how the engine treats lateness: newest wins, or lossless.
    frame_count is None where the number of frames is unknown before reading them.
    eight_bit: how 8-bit depth became millimetres; None where it was stored in 16 bits.
    """

    name: str
    live: bool
    fps_hz: float
    has_color: bool
    has_depth: bool
    intrinsics: Intrinsics | None = None
    duration_s: float | None = None
    frame_count: int | None = None
    eight_bit: EightBitDepth | None = None
    synthetic: bool = False
    script: tuple[ScriptedGesture, ...] = field(default=())

    @property
    def depth_encoding(self) -> DepthEncoding:
        """How the depth was stored."""
        return "millimetres" if self.eight_bit is None else self.eight_bit.direction
