"""Folders of pictures: pairs of colour and depth, or colour alone."""

from __future__ import annotations

import bisect
import contextlib
import csv
import itertools
import math
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.errors import CalibrationError
from motionrgbd.calibration.extrinsics import Extrinsics
from motionrgbd.calibration.files import Calibration, read_calibration
from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.depth8 import EightBitDepth
from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.pairing import FrameCounts, StampedImage
from motionrgbd.core.sources.rig import FrameMaker, Rig
from motionrgbd.core.sources.video import VIDEO_SUFFIXES

COLOR_NAMES = ("color", "rgb", "colour")
DEPTH_NAMES = ("depth",)
CALIBRATION_FILE = "calibration.json"
TIMES_FILE = "timestamps.csv"
_PICTURES = (".jpg", ".jpeg", ".png", ".bmp")
_ALONE = (".bag", ".db3", *VIDEO_SUFFIXES)  # files that are recordings without a folder
_DEFAULT_HZ = 30.0


class FolderSource:
    """A clip as numbered pictures.

    The clip is named by the folder that holds `color` (or `rgb`) and `depth`, or by either of
    its picture folders (`.../rgb/CLIP` beside `.../depth/CLIP` is found too). Beside the
    pictures may lie `calibration.json` and `timestamps.csv`, as `FolderRecorder` writes them.

    Depth of 16 bits is in the calibration's unit (millimetres without one); depth of 8 bits
    needs its direction, from the options or the calibration. Used by one thread.
    """

    ended_early: str | None = None

    def __init__(self, path: Path, options: SourceOptions | None = None) -> None:
        options = options or SourceOptions()
        color, depth, home = _find_folders(path)
        self._color, self._depth = _pictures(color), _pictures(depth)
        calibration = _calibration(home)
        times = _read_times(home / TIMES_FILE)
        self._count = self._check_counts(path, None if times is None else len(times))
        first_color, first_depth = self._first(self._color), self._first(self._depth)
        self._eight_bit: EightBitDepth | None = None
        if first_depth is not None and first_depth.dtype == np.uint8:
            self._eight_bit = options.eight_bit(path, calibration)
        fps_hz = options.fps_hz or (None if calibration is None else calibration.fps_hz)
        if times is None:
            fps_hz = fps_hz or _DEFAULT_HZ
            times = [(i, i / fps_hz) for i in range(self._count)]
        self._indices = [index for index, _ in times]
        self._times_s = [time_s for _, time_s in times]
        fps_hz = fps_hz or _rate(self._times_s)
        self._maker = _frame_maker(path, calibration, first_color, first_depth, fps_hz)
        self._at = 0
        self._closed = False
        self.info = SourceInfo(
            name=path.resolve().name,
            live=False,
            fps_hz=fps_hz,
            has_color=first_color is not None,
            has_depth=first_depth is not None,
            intrinsics=None if calibration is None else calibration.color or calibration.depth,
            duration_s=self._times_s[-1] - self._times_s[0] + 1 / fps_hz,
            frame_count=self._count,
            eight_bit=self._eight_bit,
        )

    @property
    def counts(self) -> FrameCounts:
        """What was read since the start or the last `seek`."""
        if self._color and self._depth:
            return FrameCounts(pairs=self._at)
        return FrameCounts(singles=self._at)

    def read(self) -> RGBDFrame | None:
        if self._closed or self._at >= self._count:
            return None
        i = self._at
        color, depth = self._image(self._color, i), self._image(self._depth, i)
        if depth is not None and self._eight_bit is not None:
            if depth.dtype != np.uint8:
                raise SourceError(f"{self._depth[i]} has 16 bits, pictures before it have 8")
            depth = self._eight_bit.to_mm(depth)
        self._at += 1
        return self._maker.frame(self._stamped(color, i), self._stamped(depth, i))

    def seek(self, timestamp_s: float) -> None:
        self._at = bisect.bisect_left(self._times_s, timestamp_s)

    def close(self) -> None:
        self._closed = True

    def _check_counts(self, path: Path, listed: int | None) -> int:
        """How many frames there are; a recording cut off has fewer times than pictures."""
        counts = [len(pictures) for pictures in (self._color, self._depth) if pictures]
        if not counts:
            raise SourceError(f"{path} holds no pictures ({', '.join(_PICTURES)}){_hint(path)}")
        if listed is not None:
            if not 0 < listed <= min(counts):
                raise SourceError(
                    f"{path}: {TIMES_FILE} lists {listed} frames, but there are "
                    f"{len(self._color)} colour and {len(self._depth)} depth pictures"
                )
            return listed
        if len(set(counts)) > 1:
            raise SourceError(
                f"{path} holds {len(self._color)} colour and {len(self._depth)} depth pictures: "
                "they must be as many, one of each per frame"
            )
        return counts[0]

    def _first(self, pictures: list[Path]) -> NDArray[Any] | None:
        return self._image(pictures, 0)

    def _image(self, pictures: list[Path], i: int) -> NDArray[Any] | None:
        if not pictures:
            return None
        return _read_color(pictures[i]) if pictures is self._color else _read_depth(pictures[i])

    def _stamped(self, image: NDArray[Any] | None, i: int) -> StampedImage | None:
        return None if image is None else StampedImage(image, self._indices[i], self._times_s[i])


def _find_folders(path: Path) -> tuple[Path | None, Path | None, Path]:
    """The folders of colour and of depth pictures, and the one that holds the calibration."""
    if not path.is_dir():
        raise SourceError(f"{path}: no such folder")
    color, depth = _child(path, COLOR_NAMES), _child(path, DEPTH_NAMES)
    if color is not None or depth is not None:
        # a recorder writes times, and one folder only where its source had one stream
        if (color is None or depth is None) and not (path / TIMES_FILE).exists():
            missing = "color (or rgb)" if color is None else "depth"
            raise SourceError(f"{path} holds no folder '{missing}': there are no pairs")
        clips = [p for p in sorted((color or path).iterdir()) if p.is_dir()]
        if color is not None and clips and not _pictures(color):
            raise SourceError(f"{path} holds {len(clips)} clips: name one, such as {clips[0]}")
        return color, depth, path
    absolute = path.resolve()
    for holder in (absolute, *absolute.parents):
        clip = absolute.relative_to(holder)
        if holder.name.lower() in COLOR_NAMES:
            return path, _partner(path, holder, DEPTH_NAMES, clip), _home(holder, absolute)
        if holder.name.lower() in DEPTH_NAMES:
            return _partner(path, holder, COLOR_NAMES, clip), path, _home(holder, absolute)
    return path, None, path


def _partner(path: Path, holder: Path, names: tuple[str, ...], clip: Path) -> Path:
    other = _child(holder.parent, names)
    if other is None or not (other / clip).is_dir():
        raise SourceError(
            f"{path} has no partner {holder.parent / names[0] / clip}: there are no pairs"
        )
    return other / clip


def _hint(path: Path) -> str:
    """Name something inside that does replay."""
    with contextlib.suppress(OSError):  # of a folder that may not be looked into
        for inside in sorted(path.iterdir()):
            if inside.suffix.lower() in _ALONE or (inside.is_dir() and _pictures(inside)):
                return f": name one of the recordings in it, such as {inside}"
    return ": choose another folder"


def _home(holder: Path, clip: Path) -> Path:
    return holder.parent if clip == holder else clip


def _child(folder: Path, names: tuple[str, ...]) -> Path | None:
    found = {p.name.lower(): p for p in folder.iterdir() if p.is_dir()}
    return next((found[name] for name in names if name in found), None)


def _pictures(folder: Path | None) -> list[Path]:
    """In the order of the numbers in their names: 2 comes before 10."""
    if folder is None:
        return []

    def key(path: Path) -> list[tuple[int, str]]:
        return [(int(n or 0), text) for n, text in re.findall(r"(\d+)|(\D+)", path.stem)]

    return sorted((p for p in folder.iterdir() if p.suffix.lower() in _PICTURES), key=key)


def _read_color(path: Path) -> NDArray[np.uint8]:
    return _decoded(path, cv2.IMREAD_COLOR_RGB).astype(np.uint8, copy=False)


def _read_depth(path: Path) -> NDArray[Any]:
    """uint16, or uint8 where the picture has 8 bits; of grey in three channels the first."""
    image = _decoded(path, cv2.IMREAD_UNCHANGED)
    if image.ndim == 3:
        image = np.ascontiguousarray(image[..., 0])
    if image.dtype not in (np.uint8, np.uint16):
        raise SourceError(f"{path} has {image.dtype} pixels; depth has 8 or 16 bits")
    return image


def _decoded(path: Path, flags: int) -> NDArray[Any]:
    try:
        # not cv2.imread: it writes to stderr, and fails on names with other alphabets on Windows
        data = np.fromfile(path, dtype=np.uint8)
        image: NDArray[Any] | None = cv2.imdecode(data, flags) if data.size else None
    except (OSError, cv2.error):
        image = None
    if image is None:
        raise SourceError(f"{path} is damaged or no picture")
    return image


def _calibration(home: Path) -> Calibration | None:
    file = home / CALIBRATION_FILE
    if not file.exists():
        return None
    try:
        return read_calibration(file)
    except CalibrationError as problem:
        raise SourceError(str(problem)) from None


def _read_times(path: Path) -> list[tuple[int, float]] | None:
    """(index, seconds) of each frame; the last line of a recording cut off may be half written."""
    if not path.exists():
        return None
    try:
        text = path.read_text(encoding="utf-8")
        rows = list(csv.reader(text.splitlines()))[1:]
        if rows and not text.endswith("\n") and not _is_next(rows[-1], rows[:-1]):
            rows.pop()
        times = [(int(row[0]), float(row[1])) for row in rows]
    except (OSError, ValueError, IndexError, csv.Error) as problem:
        raise SourceError(f"{path} is damaged ({problem})") from None
    if not all(math.isfinite(time_s) for _, time_s in times):
        raise SourceError(f"{path} is damaged: a time is not a number")
    if any(b <= a for (_, a), (_, b) in itertools.pairwise(times)):
        raise SourceError(f"{path} is damaged: its times do not grow")
    return times


def _is_next(row: list[str], before: list[list[str]]) -> bool:
    """Whether a row can be the one after `before`."""
    try:
        int(row[0])
        return not before or float(row[1]) > float(before[-1][1])
    except (ValueError, IndexError):
        return False


def _rate(times_s: list[float]) -> float:
    if len(times_s) < 2:
        return _DEFAULT_HZ
    return float(1 / np.median(np.diff(times_s)))


def _frame_maker(
    path: Path,
    calibration: Calibration | None,
    color: NDArray[Any] | None,
    depth: NDArray[Any] | None,
    fps_hz: float,
) -> FrameMaker:
    """Depth is aligned to colour by its calibration; without one it must be aligned already."""
    camera = None if calibration is None else calibration.color or calibration.depth
    color_camera = None if color is None else camera or _any_camera(color)
    depth_camera = None if depth is None else color_camera or camera or _any_camera(depth)
    move = Extrinsics()
    if calibration is not None and calibration.depth is not None and depth is not None:
        depth_camera, move = calibration.depth, calibration.depth_to_color or Extrinsics()
    elif color is not None and depth is not None and color.shape[:2] != depth.shape:
        raise SourceError(
            f"{path}: colour is {color.shape[1]}x{color.shape[0]} and depth "
            f"{depth.shape[1]}x{depth.shape[0]} pixels: they need a {CALIBRATION_FILE}"
        )
    eight_bit = depth is not None and depth.dtype == np.uint8
    unit_m = 0.001 if calibration is None or eight_bit else calibration.depth_unit_m
    return FrameMaker(Rig(color_camera, depth_camera, move, unit_m, fps_hz))


def _any_camera(image: NDArray[Any]) -> Intrinsics:
    """Stands in where nothing is aligned: only its size matters."""
    height, width = image.shape[:2]
    return Intrinsics(width, height, width, width, width / 2, height / 2)
