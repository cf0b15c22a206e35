"""What a user may ask of a source, beyond which one it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from motionrgbd.calibration.files import Calibration
from motionrgbd.core.depth8 import DEFAULT_NEAR_MM, DEFAULT_STEP_MM, Direction, EightBitDepth
from motionrgbd.core.errors import SourceError, UsageError

FILTERS = ("decimation", "spatial", "temporal", "holes")
DIRECTIONS: dict[str, Direction] = {
    "brighter": "brighter_is_nearer",
    "darker": "darker_is_nearer",
    "brighter_is_nearer": "brighter_is_nearer",
    "darker_is_nearer": "darker_is_nearer",
}


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """Each source takes the options that concern it; None leaves the choice to it.

    Cameras: serial, size_px (width, height of colour; of depth too where the camera can), fps_hz,
    filters (any of FILTERS, applied in that order), preset (a visual preset by its name),
    silence_timeout_s (silent for so long, a camera is reported lost).
    Pictures and videos: depth_direction with near_mm and step_mm for 8-bit depth (see `depth8`);
    fps_hz of a folder that does not tell its times.
    Recordings: prefer_sdk: read `.bag` and `.db3` through librealsense where it loads.
    """

    serial: str | None = None
    size_px: tuple[int, int] | None = None
    fps_hz: float | None = None
    filters: tuple[str, ...] = ()
    preset: str | None = None
    silence_timeout_s: float = 3.0  # a camera at 6 Hz that restarts its stream takes 1.5 s
    depth_direction: str | None = None
    near_mm: int | None = None
    step_mm: int | None = None
    prefer_sdk: bool = True

    def __post_init__(self) -> None:
        if self.size_px is not None and (len(self.size_px) != 2 or min(self.size_px) < 1):
            raise UsageError(f"image size must be WIDTHxHEIGHT, got {self.size_px}")
        if self.fps_hz is not None and not (math.isfinite(self.fps_hz) and self.fps_hz > 0):
            raise UsageError(f"frame rate must be positive, got {self.fps_hz}")
        if not self.silence_timeout_s > 0:
            raise UsageError(f"silence time-out must be positive, got {self.silence_timeout_s}")
        for name in self.filters:
            if name not in FILTERS:
                raise UsageError(f"unknown depth filter '{name}': any of {', '.join(FILTERS)}")
        if self.depth_direction is not None and self.depth_direction not in DIRECTIONS:
            raise UsageError(
                f"depth direction is 'brighter' (near things are brighter) or 'darker', "
                f"got '{self.depth_direction}'"
            )

    def eight_bit(self, path: Path, calibration: Calibration | None = None) -> EightBitDepth:
        """How the 8-bit depth at `path` is to be read: as the user says, else its calibration.

        Raises `SourceError` where neither says it: looking at the pictures does not tell.
        """
        direction = DIRECTIONS.get(self.depth_direction or "")
        if direction is None and calibration is not None:
            direction = DIRECTIONS.get(calibration.depth_encoding)
        if direction is None:
            raise SourceError(
                f"{path} holds 8-bit depth, which does not say whether near is bright or dark: "
                "say --depth-direction brighter or --depth-direction darker"
            )
        near_mm, step_mm = self.near_mm, self.step_mm
        if calibration is not None:
            near_mm = calibration.near_mm if near_mm is None else near_mm
            step_mm = calibration.step_mm if step_mm is None else step_mm
        return EightBitDepth(
            direction,
            DEFAULT_NEAR_MM if near_mm is None else near_mm,
            DEFAULT_STEP_MM if step_mm is None else step_mm,
        )
