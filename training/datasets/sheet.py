"""A picture of some clips: what they show, and where their guidance maps look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from motionrgbd.core.errors import OutputError
from motionrgbd.core.guidance import GuidanceSettings, GuidanceStream
from motionrgbd.core.results import FloatArray
from motionrgbd.models.recipe import MODALITIES, Modality
from motionrgbd.training.datasets.benchmark import Benchmark
from motionrgbd.training.datasets.reader import read_pictures
from motionrgbd.training.datasets.records import ClipRecord

Picture = NDArray[np.uint8]

COLUMNS = 6  # moments of a clip
_TILE_PX = (176, 132)
_GAP_PX, _MARGIN_PX, _TITLE_PX = 4, 24, 40
_BACKGROUND, _INK, _FAINT = (250, 250, 248), (32, 33, 36), (120, 124, 130)


def contact_sheet(
    benchmark: Benchmark, records: Sequence[ClipRecord], file: Path, heading: str
) -> None:
    """Write a PNG: a block per clip, a row per modality with its pictures, a row with its maps.

    Maps are those of the set's window that end at the moment shown, as heat over the grey
    picture: dark is none, yellow is strong. Raises `SourceError` for pictures that cannot be
    read, `OutputError` where the file cannot be written.
    """
    blocks = [_block(benchmark, record) for record in records]
    width = 2 * _MARGIN_PX + COLUMNS * (_TILE_PX[0] + _GAP_PX) - _GAP_PX
    head = 76
    height = head + sum(block.height + _MARGIN_PX for block in blocks)
    sheet = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN_PX, 18), heading, _INK, _font(22))
    note = "pictures, and below them their guidance maps as heat over the picture"
    draw.text((_MARGIN_PX, 48), note, _FAINT, _font(14))
    top = head
    for block in blocks:
        sheet.paste(block, (_MARGIN_PX, top))
        top += block.height + _MARGIN_PX
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(file, "PNG")
    except OSError as problem:
        raise OutputError(
            f"{file} cannot be written ({problem.strerror}); choose another with --sheet"
        ) from None


def heat(picture: Picture, guidance: FloatArray) -> Picture:
    """Return a map as heat over the picture, uint8 (H, W, 3) in RGB.

    picture: uint8 (H, W, 3). guidance: float32 (H, W) in 0..2.
    """
    strength = np.clip(guidance / 2.0, 0.0, 1.0)
    codes = np.rint(np.sqrt(strength) * 255).astype(np.uint8)  # root: most of a map is weak
    colours = cv2.cvtColor(
        np.asarray(cv2.applyColorMap(codes, cv2.COLORMAP_INFERNO)), cv2.COLOR_BGR2RGB
    )
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    share = (0.25 + 0.75 * np.sqrt(strength))[..., None]
    return np.asarray(np.rint((1 - share) * 0.45 * grey + share * colours), np.uint8)


def _block(benchmark: Benchmark, record: ClipRecord) -> Image.Image:
    modalities = [m for m in MODALITIES if getattr(record, m) is not None]
    rows = [row for m in modalities for row in _rows(benchmark, record, m)]
    step = _TILE_PX[1] + _GAP_PX
    width = COLUMNS * (_TILE_PX[0] + _GAP_PX) - _GAP_PX
    block = Image.new("RGB", (width, _TITLE_PX + len(rows) * step - _GAP_PX), _BACKGROUND)
    draw = ImageDraw.Draw(block)
    label = benchmark.labels[record.label]
    draw.text((0, 8), label, _INK, _font(18))
    detail = f"{record.name} · {record.frames} frames · label {record.label}"
    draw.text((width, 13), detail, _FAINT, _font(14), anchor="ra")
    for r, row in enumerate(rows):
        for c, tile in enumerate(row):
            place = (c * (_TILE_PX[0] + _GAP_PX), _TITLE_PX + r * step)
            block.paste(tile, place)
    return block


def _rows(
    benchmark: Benchmark, record: ClipRecord, modality: Modality
) -> tuple[list[Image.Image], list[Image.Image]]:
    """The tiles of one modality: pictures, and maps."""
    window = benchmark.guidance_window
    pictures, maps = [], []
    for moment in moments(record.frames, window):
        indices = range(max(0, moment - window + 1), moment + 1)
        images = read_pictures(record, modality, list(indices))
        # as the network sees them: small, all of one size
        images = [np.asarray(cv2.resize(i, _fit(i), interpolation=cv2.INTER_AREA)) for i in images]
        stream = GuidanceStream(GuidanceSettings(window))
        for image in images:
            guidance = stream.push(image)
        tag = f"{modality} {moment}"
        pictures.append(_tile(images[-1], tag))
        maps.append(_tile(heat(images[-1], guidance.values), f"map {moment}"))
    return pictures, maps


def moments(frames: int, window: int) -> list[int]:
    """Return the frames shown of a clip, evenly spread from the first that has a map."""
    first = min(window, frames) - 1
    return [first + (frames - 1 - first) * i // (COLUMNS - 1) for i in range(COLUMNS)]


def _fit(image: Picture) -> tuple[int, int]:
    scale = min(_TILE_PX[0] / image.shape[1], _TILE_PX[1] / image.shape[0])
    return max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))


def _tile(image: Picture, tag: str) -> Image.Image:
    tile = Image.new("RGB", _TILE_PX, (18, 19, 22))
    height, width = image.shape[:2]
    tile.paste(Image.fromarray(image), ((_TILE_PX[0] - width) // 2, (_TILE_PX[1] - height) // 2))
    draw = ImageDraw.Draw(tile, "RGBA")
    box = draw.textbbox((6, 4), tag, _font(11))
    draw.rectangle((box[0] - 4, box[1] - 2, box[2] + 4, box[3] + 2), (0, 0, 0, 150))
    draw.text((6, 4), tag, (240, 240, 240), _font(11))
    return tile


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
