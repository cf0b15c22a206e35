"""Writes frames as a folder of pictures that `FolderSource` replays.

DESTINATION/
  calibration.json    intrinsics and nominal rate
  timestamps.csv      index and seconds of each frame, one line when its pictures are written
  color/000000.png    8-bit RGB (`.jpg` from `FolderRecorder`, unless told otherwise)
  depth/000000.png    16-bit millimetres, aligned to colour, 0 = no reading; of a source whose
                      depth had 8 bits, those again, with their scale in calibration.json
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.files import Calibration, write_calibration
from motionrgbd.core.errors import OutputError
from motionrgbd.core.frames import ColorImage, DepthImage, RGBDFrame, SourceInfo
from motionrgbd.core.pipes import Pipe, PipeClosedError
from motionrgbd.core.sources.folder import CALIBRATION_FILE, TIMES_FILE
from motionrgbd.core.sources.source import Source

ColorSuffix = Literal[".png", ".jpg"]

_WAITING_FRAMES = 30  # one second of a disk's stall at 30 Hz; 46 MB at 640x480
_JPEG_QUALITY = 95
# run-length strategy, VGA, SR300 frames: depth 9 ms, colour 28 ms (JPEG: 0.6 ms); the other
# strategies are no faster and leave 20 % more bytes
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]


class FolderWriter:
    """Writes one frame after the other. Used by one thread.

    A line of `timestamps.csv` is written when a frame's pictures are: whatever ends the program,
    the folder replays up to the last whole frame. Raises `OutputError`; never overwrites.
    """

    def __init__(
        self, destination: Path, info: SourceInfo, color_suffix: ColorSuffix = ".png"
    ) -> None:
        self.written = 0
        self._folder = destination
        self._suffix = color_suffix
        self._eight_bit = info.eight_bit
        self._closed = False
        try:
            if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
                raise OutputError(f"{destination} exists already: choose another name")
            for name, wanted in (("color", info.has_color), ("depth", info.has_depth)):
                if wanted:
                    (destination / name).mkdir(parents=True)
            write_calibration(destination / CALIBRATION_FILE, _calibration(info))
            self._times = (destination / TIMES_FILE).open("w", encoding="utf-8", newline="")
            self._times.write("index,timestamp_s\n")
        except OSError as problem:
            raise _cannot_write(destination, problem) from None

    def write(self, frame: RGBDFrame) -> None:
        name = f"{self.written:06d}"
        try:
            if frame.color is not None:
                file = self._folder / "color" / (name + self._suffix)
                file.write_bytes(_encoded_color(frame.color, self._suffix))
            if frame.depth is not None:
                file = self._folder / "depth" / f"{name}.png"
                depth = (
                    frame.depth if self._eight_bit is None else self._eight_bit.to_u8(frame.depth)
                )
                file.write_bytes(_encoded_depth(depth))
            self._times.write(f"{frame.index},{frame.timestamp_s!r}\n")
            self._times.flush()
        except OSError as problem:
            raise _cannot_write(self._folder, problem, self.written) from None
        self.written += 1

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            with contextlib.suppress(OSError):  # of a line that `write` has told it cannot write
                self._times.close()


class FolderRecorder:
    """Writes frames in a thread of its own, so that a slow disk never holds up the pipeline.

    `add` and `close` are called by one thread; `_run` is the writing thread. When the disk falls
    behind by more than `_WAITING_FRAMES`, the oldest waiting frames are lost and counted.
    """

    def __init__(
        self, destination: Path, info: SourceInfo, color_suffix: ColorSuffix = ".jpg"
    ) -> None:
        self._writer = FolderWriter(destination, info, color_suffix)
        self._pipe: Pipe[RGBDFrame] = Pipe(_WAITING_FRAMES, lossless=False)
        self._problem: OutputError | None = None
        self._thread = threading.Thread(target=self._run, name="recorder")
        self._thread.start()

    @property
    def written(self) -> int:
        return self._writer.written

    @property
    def lost(self) -> int:
        """Frames that the disk was too slow for."""
        return self._pipe.dropped

    def add(self, frame: RGBDFrame) -> None:
        """Take a frame; raises `OutputError` where writing has failed."""
        try:
            self._pipe.put(frame)
        except PipeClosedError:
            if self._problem is not None:
                raise self._problem from None
            raise

    def close(self) -> None:
        """Write what waits and end the thread; raises `OutputError` where writing has failed."""
        self._pipe.close()
        self._thread.join()
        if self._problem is not None:
            raise self._problem

    def _run(self) -> None:
        try:
            while True:
                self._writer.write(self._pipe.get())
        except PipeClosedError:
            pass
        except OutputError as problem:
            self._problem = problem
            self._pipe.close()
        finally:
            self._writer.close()


def convert(
    source: Source, destination: Path, *, on_frame: Callable[[int], None] | None = None
) -> int:
    """Write all that `source` still delivers, without loss; returns the number of frames.

    on_frame: called with the number of frames written so far.
    """
    writer = FolderWriter(destination, source.info)
    try:
        while (frame := source.read()) is not None:
            writer.write(frame)
            if on_frame is not None:
                on_frame(writer.written)
    finally:
        writer.close()
    return writer.written


def _encoded_color(color: ColorImage, suffix: ColorSuffix) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if suffix == ".jpg" else _PNG
    _, data = cv2.imencode(suffix, cv2.cvtColor(color, cv2.COLOR_RGB2BGR), options)
    return data.tobytes()


def _calibration(info: SourceInfo) -> Calibration:
    stored = info.eight_bit
    if stored is None:
        return Calibration(color=info.intrinsics, fps_hz=info.fps_hz)
    return Calibration(
        color=info.intrinsics,
        fps_hz=info.fps_hz,
        depth_encoding=stored.direction,
        near_mm=stored.near_mm,
        step_mm=stored.step_mm,
    )


def _encoded_depth(depth: DepthImage | NDArray[np.uint8]) -> bytes:
    _, data = cv2.imencode(".png", np.ascontiguousarray(depth), _PNG)
    return data.tobytes()


def _cannot_write(folder: Path, problem: OSError, written: int = 0) -> OutputError:
    kept = f"; the {written} frames before are kept" if written else ""
    return OutputError(f"{folder} cannot be written ({problem.strerror}){kept}")
