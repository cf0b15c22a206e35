"""What of the pictures does not count for a region of interest, to be drawn darker."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.hand_place import frame_shape
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.region_pixels import RegionLimits, outlines
from motionrgbd.models.recipe import Modality


class RegionShade:
    """One region before one camera. The limits are made for the size of the pictures."""

    def __init__(self, region: RegionOfInterest, camera: Intrinsics) -> None:
        self.region, self._camera = region, camera
        self._limits: RegionLimits | None = None
        self._lines: tuple[NDArray[np.float64], ...] = ()

    def of(self, frame: RGBDFrame, modality: Modality) -> NDArray[np.uint8]:
        """Return what does not count of a picture, uint8 (H, W), 255 where it does not."""
        limits = self._fitting(frame)
        if modality == "color" or frame.depth is None:
            return limits.hides(frame.depth)
        return np.asarray(cv2.bitwise_not(limits.inside(frame.depth)), np.uint8)

    def outlines(self, frame: RGBDFrame) -> tuple[NDArray[np.float64], ...]:
        """Return the region's outlines in a frame's pixels; the same ones for the same size."""
        self._fitting(frame)
        return self._lines

    def _fitting(self, frame: RGBDFrame) -> RegionLimits:
        height, width = frame_shape(frame)
        if self._limits is None or self._limits.near_mm.shape != (height, width):
            self._limits = RegionLimits.of(self.region, self._camera, width, height)
            self._lines = tuple(outlines(self.region, self._camera.scaled(width, height)))
        return self._limits
