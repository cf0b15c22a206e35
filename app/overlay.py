"""Pictures of what the program sees: colour-mapped depth, guidance heat, the annotated video frame.

Free of Qt: the window and the video writer draw through the same functions. The heat is exactly
the map that entered the network: every pixel shows the one cell that covers it, nothing smoothed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from motionrgbd.core.frames import ColorImage, DepthImage
from motionrgbd.core.results import Box, FloatArray, GestureEvent, Snapshot
from motionrgbd.models.recipe import MODALITIES, Modality

Codes = NDArray[np.uint8]
Picture = TypeVar("Picture", ColorImage, DepthImage)

HEAT_MAX = 2.0  # G = (D + S) * S with D and S in 0..1
NO_READING_RGB = (20, 22, 27)
DEFAULT_RANGE_MM = (200, 4000)
_HIDDEN_LIGHT = 0.35  # of what does not count: seen, and seen not to matter

# Light and warm when near, dark and cool when far: lightness falls all the way, so the picture
# also reads in grey.
_DEPTH_RAMP = (
    (255, 236, 201),
    (249, 190, 133),
    (229, 131, 108),
    (176, 92, 121),
    (113, 78, 130),
    (69, 74, 124),
    (44, 62, 98),
    (32, 44, 66),
)
# Greens are in neither skin nor the colours of depth, so heat stays apart from both.
_HEAT_RAMP = ((0, 70, 110), (0, 130, 120), (0, 185, 90), (70, 225, 50), (215, 255, 60))


def _ramp(stops: Sequence[tuple[int, int, int]], count: int) -> Codes:
    """Return uint8 (count, 3), linear between evenly spaced colours."""
    at = np.linspace(0, len(stops) - 1, count)
    table = np.asarray(stops, np.float64)
    return np.stack(
        [np.interp(at, range(len(stops)), table[:, c]).round() for c in range(3)], axis=1
    ).astype(np.uint8)


# ---- depth ------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _depth_codes(near_mm: int, far_mm: int) -> Codes:
    """Return uint8 (65536,): 0 for no reading, else 1 (near) to 255 (far)."""
    mm = np.arange(65536, dtype=np.float64)
    codes = 1 + 254 * np.clip((mm - near_mm) / max(far_mm - near_mm, 1), 0, 1)
    codes[0] = 0
    return codes.round().astype(np.uint8)


@lru_cache(maxsize=1)
def _depth_colours() -> Codes:
    return np.concatenate([np.array([NO_READING_RGB], np.uint8), _ramp(_DEPTH_RAMP, 255)])[:, None]


def colour_depth(depth_mm: DepthImage, range_mm: tuple[int, int] = DEFAULT_RANGE_MM) -> ColorImage:
    """Return uint8 (H, W, 3) RGB: near warm and light, far cool and dark, no reading darkest."""
    codes = np.take(_depth_codes(*range_mm), depth_mm)
    return cv2.applyColorMap(codes, _depth_colours()).astype(np.uint8, copy=False)


class DepthRange:
    """The range of depth worth spreading colours over; it follows the scene without flicker."""

    def __init__(self, follow: float = 0.1) -> None:
        """follow: share of the way to the newest picture's own range taken at each picture."""
        self._follow = follow
        self._ends_mm: NDArray[np.float64] | None = None

    def update(self, depth_mm: DepthImage) -> tuple[int, int]:
        """Take one picture in; return (near, far) in steps of 10 mm."""
        step = max(1, min(depth_mm.shape) // 60)  # some 5,000 pixels tell the percentiles
        sample = depth_mm[::step, ::step]
        readings = sample[sample > 0]
        if readings.size >= 16:
            ends = np.percentile(readings, (1, 97))
            old = ends if self._ends_mm is None else self._ends_mm
            self._ends_mm = old + self._follow * (ends - old)
        if self._ends_mm is None:
            return DEFAULT_RANGE_MM
        near, far = (int(round(x, -1)) for x in self._ends_mm.tolist())
        return near, max(far, near + 100)


# ---- heat -------------------------------------------------------------------------------------


def heat_codes(values: FloatArray) -> Codes:
    """Return the map in 8-bit codes, 255 for the largest possible guidance (2)."""
    codes: Codes = np.clip(values * (255 / HEAT_MAX), 0, 255).round().astype(np.uint8)
    return codes


def heat_colours() -> Codes:
    """Return uint8 (256, 3): the colour of each code."""
    return _ramp(_HEAT_RAMP, 256)


@lru_cache(maxsize=8)
def _heat_tables(percent: int, least: int = 0) -> tuple[Codes, Codes]:
    """Return what a code adds (256, 1, 3) and what it leaves of the picture, in 255ths.

    No motion is transparent; the strongest covers the picture with `percent` opacity. The square
    root keeps weak motion visible: most of a map lies below a fifth of its maximum. Codes below
    `least` are transparent.
    """
    alpha = (percent / 100) * np.sqrt(np.arange(256) / 255)[:, None]
    alpha[:least] = 0.0
    adds = (heat_colours() * alpha).round().astype(np.uint8)
    leaves = np.repeat((255 * (1 - alpha)).round(), 3, axis=1).astype(np.uint8)
    return adds[:, None], leaves[:, None]


def _cells(
    start_px: float, end_px: float, picture: int, cells: int
) -> tuple[int, NDArray[np.intp]]:
    """Return the first picture pixel that the map covers, and each covered pixel's cell."""
    first = max(0, int(np.ceil(start_px - 0.5)))
    last = min(picture, int(np.ceil(end_px - 0.5)))
    centres = np.arange(first, max(first, last)) + 0.5
    cell = np.floor((centres - start_px) * cells / (end_px - start_px)).astype(np.intp)
    return first, np.clip(cell, 0, cells - 1)


def draw_heat(
    rgb: ColorImage, values: FloatArray, box: Box, opacity: float, threshold: float = 0.0
) -> ColorImage:
    """Return a copy of `rgb` with the guidance `values` (h, w), 0..2, drawn into `box`.

    out = (1 - a) rgb + a colour(G), a = opacity sqrt(G / 2), with G of the cell that covers the
    pixel's centre. Parts of the box outside the picture are left out, and so is guidance below
    `threshold`, a share of the largest possible.
    """
    out = rgb.copy()
    percent = round(100 * min(max(opacity, 0.0), 1.0))
    if percent == 0 or box.right_px <= box.left_px or box.bottom_px <= box.top_px:
        return out
    x, columns = _cells(box.left_px, box.right_px, rgb.shape[1], values.shape[1])
    y, rows = _cells(box.top_px, box.bottom_px, rgb.shape[0], values.shape[0])
    if not columns.size or not rows.size:
        return out
    codes = np.ascontiguousarray(heat_codes(values)[rows][:, columns])
    adds, leaves = _heat_tables(percent, round(255 * min(max(threshold, 0.0), 1.0)))
    target = out[y : y + len(rows), x : x + len(columns)]
    left = cv2.multiply(target, cv2.applyColorMap(codes, leaves), scale=1 / 255)
    target[...] = cv2.add(left, cv2.applyColorMap(codes, adds))
    return out


# ---- one panel --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One picture to be drawn at any size: a colour or depth image, and the heat over it.

    box: where `heat` lies, in the image's pixels. range_mm: of the colours of depth.
    threshold: guidance below this share of the largest possible is not drawn. hidden: uint8 (H, W),
    255 where the picture does not count; it is darker there.
    """

    image: ColorImage | DepthImage
    box: Box
    heat: FloatArray | None = None
    opacity: float = 0.6
    range_mm: tuple[int, int] = DEFAULT_RANGE_MM
    threshold: float = 0.0
    hidden: Codes | None = None

    def box_at(self, width: int, height: int) -> Box:
        """Return the box in the pixels of this scene rendered at the given size."""
        kx, ky = width / self.image.shape[1], height / self.image.shape[0]
        b = self.box
        return Box(b.left_px * kx, b.top_px * ky, b.right_px * kx, b.bottom_px * ky)

    def render(self, width: int, height: int) -> ColorImage:
        """Return uint8 (height, width, 3). Resized first: colours and heat cost per pixel."""
        if self.image.ndim == 2:
            # never mixed with its neighbours: the mean of a hand and a wall is neither
            depth = _resize(cast(DepthImage, self.image), width, height, cv2.INTER_NEAREST)
            rgb = colour_depth(depth, self.range_mm)
        else:
            # down to half size linear skips no pixel, and costs a seventh (0.17 of 1.2 ms)
            halves = width * 2 < self.image.shape[1]
            smooth = cv2.INTER_AREA if halves else cv2.INTER_LINEAR
            rgb = _resize(cast(ColorImage, self.image), width, height, smooth)
        if self.hidden is not None:
            hidden = _resize(self.hidden, width, height, cv2.INTER_NEAREST)
            dark = cv2.convertScaleAbs(rgb, alpha=_HIDDEN_LIGHT)
            rgb = np.asarray(cv2.copyTo(dark, hidden, rgb.copy()), np.uint8)
        if self.heat is None:
            return rgb
        box = self.box_at(width, height)
        return draw_heat(rgb, self.heat, box, self.opacity, self.threshold)


def _resize(image: Picture, width: int, height: int, interpolation: int) -> Picture:
    if image.shape[:2] == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=interpolation)  # type: ignore[return-value]


def scene(
    snapshot: Snapshot,
    modality: Modality,
    *,
    heat: Modality | None,
    opacity: float,
    range_mm: tuple[int, int] = DEFAULT_RANGE_MM,
    threshold: float = 0.0,
    hidden: Codes | None = None,
) -> Scene | None:
    """Return the picture of one modality with the heat of another, or None where it is missing."""
    image = snapshot.frame.color if modality == "color" else snapshot.frame.depth
    if image is None:
        return None
    guidance = snapshot.guidance.get(heat) if heat else None
    values = guidance.values if guidance else None
    return Scene(image, snapshot.view, values, opacity, range_mm, threshold, hidden)


# ---- the annotated picture --------------------------------------------------------------------

_INK, _MUTED, _PAPER, _BAR = (238, 240, 244), (150, 156, 168), (28, 30, 36), (240, 150, 84)


def panel_size(width: int, height: int, target_height: int) -> tuple[int, int]:
    """Return (width, height) of a picture scaled to a height, even as video encoders want it."""
    even = max(2, target_height // 2 * 2)
    return max(2, round(width * even / height / 2) * 2), even


def annotate(
    snapshot: Snapshot,
    labels: Sequence[str],
    *,
    last_event: GestureEvent | None = None,
    modalities: Sequence[Modality] = MODALITIES,
    opacity: float = 0.6,
    range_mm: tuple[int, int] | None = None,
    height_px: int = 360,
) -> ColorImage:
    """Return uint8 (H, W, 3) RGB: colour | depth with their heat, the three likeliest, the event.

    Every call with the same picture size, `modalities` and `height_px` returns the same even
    size. last_event: shown until the caller passes another; by default the snapshot's own.
    range_mm: colours of depth; None takes this picture's own range.
    """
    frame = snapshot.frame
    some = frame.color if frame.color is not None else frame.depth
    assert some is not None  # RGBDFrame promises one
    width, height = panel_size(some.shape[1], some.shape[0], height_px)
    if range_mm is None and frame.depth is not None:
        range_mm = DepthRange().update(frame.depth)
    panels = []
    for modality in modalities:
        picture = scene(
            snapshot,
            modality,
            heat=modality,
            opacity=opacity,
            range_mm=range_mm or DEFAULT_RANGE_MM,
        )
        panels.append(_panel(picture, modality, width, height))
    strip = _strip(snapshot, labels, last_event, width * len(panels), max(64, height // 10 * 2))
    return np.concatenate([np.concatenate(panels, axis=1), strip], axis=0)


def _panel(picture: Scene | None, modality: Modality, width: int, height: int) -> ColorImage:
    if picture is None:
        empty = Image.new("RGB", (width, height), NO_READING_RGB)
        name = "colour" if modality == "color" else "depth"
        ImageDraw.Draw(empty).text(
            (width / 2, height / 2), f"no {name}", _MUTED, _font(height // 18), anchor="mm"
        )
        return np.asarray(empty)
    rgb = picture.render(width, height)
    if not rgb.flags.writeable:
        rgb = rgb.copy()
    box = picture.box_at(width, height)
    corners = [round(v) for v in (box.left_px, box.top_px, box.right_px - 1, box.bottom_px - 1)]
    cv2.rectangle(rgb, corners[:2], corners[2:], _INK, 1)
    return rgb


def _strip(
    snapshot: Snapshot,
    labels: Sequence[str],
    last_event: GestureEvent | None,
    width: int,
    height: int,
) -> ColorImage:
    """Return the band below the pictures: bars of the three likeliest labels, and the event."""
    paper = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(paper)
    row, margin = (height - 8) / 3, 10
    font = _font(int(row * 0.72))
    half = width // 2
    bar = half // 3
    if snapshot.prediction is None or snapshot.warming_up:
        draw.text((margin, height / 2), "warming up", _MUTED, font, anchor="lm")
    else:
        p = snapshot.prediction.probabilities
        for rank, k in enumerate(np.argsort(-p, kind="stable")[:3].tolist()):
            y = 4 + row * (rank + 0.5)
            length = bar * float(p[k])
            colour = _BAR if rank == 0 else _MUTED
            if length >= 1:
                draw.rectangle((margin, y - row / 4, margin + length, y + row / 4), colour)
            text = fit_text(f"{p[k]:.2f}  {labels[k]}", font, half - bar - 3 * margin)
            draw.text((2 * margin + bar, y), text, _INK if rank == 0 else _MUTED, font, anchor="lm")
    if snapshot.events:
        last_event = snapshot.events[-1]
    right = f"{snapshot.frame.timestamp_s:.2f} s"
    draw.text((width - margin, height / 2), right, _MUTED, font, anchor="rm")
    if last_event is not None:
        big = _font(int(row * 1.1))
        room = width - half - 3 * margin - int(draw.textlength(right, font))
        text = fit_text(f"{last_event.label}  {last_event.score:.2f}", big, room)
        draw.text((half + margin, height / 2), text, _INK, big, anchor="lm")
    return np.asarray(paper)


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(size, 8))


def fit_text(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room_px: float) -> str:
    """Return `text`, cut with an ellipsis where it is longer than the room."""
    if font.getlength(text) <= room_px:
        return text
    while text and font.getlength(text + "...") > room_px:
        text = text[:-1]
    return text + "..."
