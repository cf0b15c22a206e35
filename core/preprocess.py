"""From a frame to the 8-bit pictures that guidance and network see, as the recipe says."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.depth8 import EightBitDepth
from motionrgbd.core.frames import DepthImage, RGBDFrame
from motionrgbd.core.hand_finder import TRAJECTORY_SIZE, HandFinder
from motionrgbd.core.hand_place import HandDetector, frame_shape
from motionrgbd.core.person_crop import PersonCrop
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.region_pixels import LimitsOf, RegionLimits
from motionrgbd.core.results import Box, FloatArray, GuidanceMap
from motionrgbd.models.recipe import (
    FrameView,
    GreyDepth,
    HandView,
    MaskedJetDepth,
    Recipe,
    RelativeDepth,
)

Picture = NDArray[np.uint8]
Pixel = TypeVar("Pixel", bound=np.generic)

PIXEL_MEAN, PIXEL_SCALE = 127.5, 128.0


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The network's view of one frame, before normalisation.

    color: uint8 (h, w, 3). depth: uint8 (h, w), or (h, w, 3) where the recipe colours it.
    view: the part of the frame they show, in its pixels.
    trajectory: float32 (TRAJECTORY_SIZE,), where the hand is and how it moves; zeros where the
    recipe has no hand view.
    """

    color: Picture | None
    depth: Picture | None
    view: Box
    trajectory: FloatArray


class Preparer(Protocol):
    """Turns frames of one stream, in grid order, into the network's view."""

    def prepare(self, frame: RGBDFrame) -> Prepared: ...

    def reset(self) -> None: ...


def make_preparer(
    recipe: Recipe,
    intrinsics: Intrinsics | None,
    eight_bit: EightBitDepth | None = None,
    detector: HandDetector | None = None,
    region: RegionOfInterest | None = None,
    limits_of: LimitsOf = RegionLimits.of,
) -> Preparer:
    """Return the preparer that the recipe's view asks for.

    eight_bit: how the source made millimetres of 8-bit depth; None where it measured them.
    detector: of a hand view, tells where the hand is; None: found as in the live application.
    region: what lies outside is not seen, by the finder of hands neither; needs `intrinsics`.
    limits_of: gives its limits in the pictures.
    """
    if region is not None and intrinsics is not None:
        inside = make_preparer(recipe, intrinsics, None, detector)
        return RegionPreparer(inside, region, intrinsics, limits_of)
    if isinstance(recipe.view, HandView):
        return HandPreparer(recipe, recipe.view, intrinsics, detector, eight_bit=eight_bit)
    return FramePreparer(recipe, recipe.view, eight_bit)


def normalise(picture: Picture) -> FloatArray:
    """Return float32 (C, h, w) = (x - 127.5) / 128 from uint8 (h, w) or (h, w, C)."""
    planes = picture[None] if picture.ndim == 2 else np.moveaxis(picture, 2, 0)
    return (planes.astype(np.float32) - np.float32(PIXEL_MEAN)) * np.float32(1.0 / PIXEL_SCALE)


def motion_vector(guidance: GuidanceMap, trajectory: FloatArray) -> FloatArray:
    """Return float32 (9,): log motion energy (mean, maximum) and the view's trajectory."""
    return np.concatenate([np.log1p(guidance.energy).astype(np.float32), trajectory])


class FramePreparer:
    """The whole picture, resized and cropped as the released recipes do."""

    def __init__(
        self, recipe: Recipe, view: FrameView, eight_bit: EightBitDepth | None = None
    ) -> None:
        self._size_px = recipe.size_px
        self._view = view
        self._depth = recipe.depth
        if eight_bit is not None and isinstance(recipe.depth, GreyDepth):
            # The scale that made the millimetres undoes them: the network sees the stored codes,
            # mirrored where the recipe's direction is the other one.
            self._depth = dataclasses.replace(
                recipe.depth, near_mm=eight_bit.near_mm, step_mm=eight_bit.step_mm
            )
        self._person = (
            PersonCrop(recipe.depth) if isinstance(recipe.depth, MaskedJetDepth) else None
        )

    def reset(self) -> None:
        """Nothing is carried from frame to frame but the person's place."""
        if self._person is not None:
            self._person.reset()

    def prepare(self, frame: RGBDFrame) -> Prepared:
        color = None if frame.color is None else self._resize(frame.color)
        depth = None if frame.depth is None else self._resize(self._depth_picture(frame.depth))
        height, width = (frame.color if frame.color is not None else frame.depth).shape[:2]  # type: ignore[union-attr]
        return Prepared(color, depth, self._box(width, height), _NO_TRAJECTORY)

    def _depth_picture(self, depth: DepthImage) -> Picture:
        if self._person is not None:
            return self._person.picture(depth)
        assert isinstance(self._depth, GreyDepth)
        return grey_depth(depth, self._depth)

    def _resize(self, picture: Picture) -> Picture:
        image = Image.fromarray(picture)
        # Pillow's antialiased BICUBIC: no OpenCV mode gives the same bytes
        image = image.resize(self._view.resize_px, Image.Resampling.BICUBIC)
        image = image.crop(self._view.crop_px)
        if image.size != self._size_px:
            image = image.resize(self._size_px, Image.Resampling.BICUBIC)
        return np.asarray(image)

    def _box(self, width: int, height: int) -> Box:
        left, top, right, bottom = self._view.crop_px
        sx, sy = width / self._view.resize_px[0], height / self._view.resize_px[1]
        return Box(left * sx, top * sy, right * sx, bottom * sy)


class HandPreparer:
    """A square of fixed size in metres around the hand, and the hand's trajectory."""

    def __init__(
        self,
        recipe: Recipe,
        view: HandView,
        intrinsics: Intrinsics | None,
        detector: HandDetector | None = None,
        *,
        eight_bit: EightBitDepth | None = None,
    ) -> None:
        if not isinstance(recipe.depth, RelativeDepth):
            raise ValueError("a hand view needs depth relative to the hand")
        self._recipe = recipe
        self._depth = recipe.depth
        self._finder = HandFinder(view, recipe.fps_hz, intrinsics, detector, eight_bit=eight_bit)

    def reset(self) -> None:
        """Forget where the hand was."""
        self._finder.reset()

    def prepare(self, frame: RGBDFrame) -> Prepared:
        place = self._finder.find(frame)
        color = None if frame.color is None else self._scale(cut_square(frame.color, place.box))
        depth = None
        if frame.depth is not None:
            near_hand = cut_square(frame.depth, place.box)
            depth = self._scale(relative_depth(near_hand, place.reading_mm, self._depth))
        return Prepared(color, depth, place.box, place.trajectory)

    def _scale(self, picture: Picture) -> Picture:
        """Scale by pixel areas: the cut is larger than the network's input in most cameras."""
        return np.asarray(
            cv2.resize(picture, self._recipe.size_px, interpolation=cv2.INTER_AREA), np.uint8
        )


class RegionPreparer:
    """Hands on what lies in a region of interest, as `RegionLimits` cuts it."""

    def __init__(
        self,
        preparer: Preparer,
        region: RegionOfInterest,
        intrinsics: Intrinsics,
        limits_of: LimitsOf = RegionLimits.of,
    ) -> None:
        self._preparer, self._limits_of = preparer, limits_of
        self._region, self._intrinsics = region, intrinsics
        self._limits: RegionLimits | None = None  # made for the size of the first picture

    def reset(self) -> None:
        """Begin a stream; the region stays."""
        self._preparer.reset()

    def prepare(self, frame: RGBDFrame) -> Prepared:
        height, width = frame_shape(frame)
        if self._limits is None or self._limits.near_mm.shape != (height, width):
            self._limits = self._limits_of(self._region, self._intrinsics, width, height)
        return self._preparer.prepare(self._limits.cut(frame))


_NO_TRAJECTORY: FloatArray = np.zeros(TRAJECTORY_SIZE, np.float32)
_NO_TRAJECTORY.flags.writeable = False


def cut_square(picture: NDArray[Pixel], box: Box) -> NDArray[Pixel]:
    """Cut the box out of (H, W[, C]); what lies outside the picture is 0."""
    height, width = picture.shape[:2]
    left, top = round(box.left_px), round(box.top_px)
    side = max(2, round(box.right_px - box.left_px))
    cut = np.zeros((side, side, *picture.shape[2:]), picture.dtype)
    y0, y1 = max(top, 0), min(top + side, height)
    x0, x1 = max(left, 0), min(left + side, width)
    if y0 < y1 and x0 < x1:
        cut[y0 - top : y1 - top, x0 - left : x1 - left] = picture[y0:y1, x0:x1]
    return cut


def grey_depth(depth: DepthImage, mapping: GreyDepth) -> Picture:
    """Map millimetres to 8-bit grey; the inverse of how 8-bit recordings become millimetres."""
    return EightBitDepth(mapping.direction, mapping.near_mm, mapping.step_mm).to_u8(depth)


def relative_depth(depth: DepthImage, distance_mm: float, mapping: RelativeDepth) -> Picture:
    """Map millimetres to 128 + (distance - depth) / step; far from the hand or missing is 0."""
    codes = np.float32(128.0 + distance_mm / mapping.step_mm) - depth * np.float32(
        1.0 / mapping.step_mm
    )
    codes[(codes < 0.5) | (codes > 255.0) | (depth == 0)] = 0.0
    return np.asarray(cv2.convertScaleAbs(codes), np.uint8)
