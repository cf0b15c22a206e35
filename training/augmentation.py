"""What is drawn at random of a training clip, once, and shared by colour, depth and guidance.

The order is the released loader's: rotate the stored picture, resize it (Pillow's antialiased
BICUBIC), crop, mirror, resize the crop. A `Draw` that stands still is evaluation, and gives the
bytes of `core.preprocess`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from motionrgbd.core.depth8 import EightBitDepth
from motionrgbd.models.recipe import FrameView, GreyDepth

Picture = NDArray[np.uint8]
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class DepthNoise:
    """What worse depth cameras do; strengths are drawn per clip between none and these.

    sigma_mm, step_mm: noise and quantisation at one metre; both grow with the square of the
    distance. holes: per frame, each an ellipse without readings of up to `hole_px`.
    """

    share: float = 0.5  # of the clips
    sigma_mm: float = 6.0
    step_mm: float = 6.0
    holes: int = 8
    hole_px: int = 12


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a training clip may differ from its evaluation.

    rotated: share of the clips that are turned by a whole number of degrees, angles_deg from the
    first to before the second. corner_px: from the first to the last place of the crop's left and
    top edge in the resized picture; None: anywhere it fits, but for the last place, as released.
    mirrored: share of the clips that are mirrored.
    """

    rotated: float = 0.5
    angles_deg: tuple[int, int] = (-10, 10)
    corner_px: tuple[int, int] | None = None
    mirrored: float = 0.0
    depth_noise: DepthNoise | None = None

    def draw(self, rng: np.random.Generator, view: FrameView) -> Draw:
        """Return what one clip gets."""
        turned = rng.random() < self.rotated
        angle_deg = int(rng.integers(*self.angles_deg)) if turned else 0
        left, top, right, bottom = view.crop_px
        width, height = right - left, bottom - top
        x = self._corner(rng, view.resize_px[0] - width)
        y = self._corner(rng, view.resize_px[1] - height)
        mirrored = rng.random() < self.mirrored
        noise = None
        if self.depth_noise is not None and rng.random() < self.depth_noise.share:
            noise = _strength(rng, self.depth_noise)
        return Draw(angle_deg, (x, y, x + width, y + height), bool(mirrored), noise)

    def _corner(self, rng: np.random.Generator, room: int) -> int:
        if self.corner_px is None:
            return int(rng.integers(max(1, room)))
        return min(int(rng.integers(self.corner_px[0], self.corner_px[1] + 1)), room)


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn for a clip; the same for all of its pictures."""

    angle_deg: int
    crop_px: tuple[int, int, int, int]
    mirrored: bool
    noise: DepthNoise | None = None

    @staticmethod
    def still(view: FrameView) -> Draw:
        """Return what evaluation takes."""
        return Draw(0, view.crop_px, False)

    def applied(self, picture: Picture, view: FrameView, size_px: tuple[int, int]) -> Picture:
        """Return the network's view of a stored picture, uint8 (H, W[, 3])."""
        image = Image.fromarray(_rotated(picture, self.angle_deg))
        image = image.resize(view.resize_px, Image.Resampling.BICUBIC).crop(self.crop_px)
        if self.mirrored:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if image.size != size_px:
            image = image.resize(size_px, Image.Resampling.BICUBIC)
        return np.asarray(image)


def noisy_depth(
    codes: Picture, mapping: GreyDepth, noise: DepthNoise, rng: np.random.Generator
) -> Picture:
    """Return 8-bit depth (H, W) as a worse camera would have measured it; 0 stays 0."""
    scale = EightBitDepth(mapping.direction, mapping.near_mm, mapping.step_mm)
    depth_mm = scale.to_mm(codes).astype(np.float32)
    sigma_mm = (depth_mm / 1000) ** 2 * np.float32(noise.sigma_mm)
    depth_mm += rng.standard_normal(codes.shape, np.float32) * sigma_mm
    if noise.step_mm > 0:  # cameras measure disparity in whole steps: 1e6 / step at one millimetre
        steps = np.rint(1e6 / noise.step_mm / np.maximum(depth_mm, 1))
        depth_mm = np.asarray(1e6 / noise.step_mm / np.maximum(steps, 1), np.float32)
    far_mm = mapping.near_mm + 254 * mapping.step_mm
    measured = np.clip(np.rint(depth_mm), mapping.near_mm, far_mm).astype(np.uint16)
    measured[codes == 0] = 0
    height, width = codes.shape
    for _ in range(noise.holes):
        center = int(rng.integers(width)), int(rng.integers(height))
        axes = int(rng.integers(1, noise.hole_px + 1)), int(rng.integers(1, noise.hole_px + 1))
        cv2.ellipse(measured, center, axes, float(rng.integers(180)), 0, 360, 0, cv2.FILLED)
    return scale.to_u8(measured)


def _strength(rng: np.random.Generator, most: DepthNoise) -> DepthNoise:
    return DepthNoise(
        1.0,
        float(rng.uniform(0, most.sigma_mm)),
        float(rng.uniform(0, most.step_mm)),
        int(rng.integers(most.holes + 1)),
        most.hole_px,
    )


def _rotated(picture: Picture, angle_deg: int) -> Picture:
    if not angle_deg:
        return picture
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle_deg, 1.0)
    return np.asarray(cv2.warpAffine(picture, turn, (width, height)), np.uint8)
