"""Video files: a pair of colour and depth, or colour alone."""

from __future__ import annotations

import bisect
import re
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from motionrgbd.core.depth8 import EightBitDepth
from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.pairing import FrameCounts

VIDEO_SUFFIXES = (".avi", ".mp4", ".mkv", ".mov", ".webm", ".m4v")
_DEFAULT_HZ = 30.0
_MOST_MISSING = 1  # encoders may lose the last frame of one file
_NAMES = (
    (re.compile(r"M_(.+)"), "K_{}"),  # ChaLearn: M is colour, K is depth
    (re.compile(r"(.+)_color"), "{}_depth"),
    (re.compile(r"(.+)_rgb"), "{}_depth"),
)


def find_pair(path: Path) -> tuple[Path, Path | None]:
    """The colour file and, by the naming of known data sets, its depth file beside it."""
    for pattern, other in _NAMES:
        match = pattern.fullmatch(path.stem)
        if match:
            return path, _beside(path, other.format(match[1]))
    for pattern, other in _NAMES:
        depth = re.fullmatch(re.escape(other).replace(r"\{\}", "(.+)"), path.stem)
        if depth:
            name = pattern.pattern.replace("(.+)", depth[1])
            color = _beside(path, name)
            if color is not None:
                return color, path
    return path, None


def _beside(path: Path, stem: str) -> Path | None:
    candidates = (path.with_name(stem + suffix) for suffix in (path.suffix, *VIDEO_SUFFIXES))
    return next((p for p in candidates if p.is_file()), None)


class VideoSource:
    """One or two video files; times and rate are the colour file's.

    The two files are paired frame by frame; they may differ by one frame at the end, which is
    counted. Depth is 8-bit grey and needs its direction, from the options. Read by one thread;
    `close` may come from another.
    """

    def __init__(
        self, color: Path, depth: Path | None = None, options: SourceOptions | None = None
    ) -> None:
        options = options or SourceOptions()
        # without a depth file it is never asked for
        self._eight_bit = options.eight_bit(depth) if depth else EightBitDepth("darker_is_nearer")
        self._lock = threading.Lock()  # `close` waits until a frame is decoded
        self._closed = False
        self._color = _Video(color, "rgb24")
        self._depth: _Video | None = None
        try:
            if depth is not None:
                self._depth = _Video(depth, "gray")
                self._check_pair(self._color, self._depth)
        except BaseException:
            self.close()
            raise
        self._count = min(v.count for v in self._videos())
        self._at = 0
        self._read = 0
        self.ended_early = next((v.cut_off for v in self._videos() if v.cut_off is not None), None)
        self.info = SourceInfo(
            name=color.name if depth is None else f"{color.name} + {depth.name}",
            live=False,
            fps_hz=self._color.fps_hz,
            has_color=True,
            has_depth=depth is not None,
            duration_s=self._count / self._color.fps_hz,
            frame_count=self._count,
            eight_bit=self._eight_bit if depth else None,
        )

    @property
    def counts(self) -> FrameCounts:
        """What was read since the start or the last `seek`."""
        if self._depth is None:
            return FrameCounts(singles=self._read)
        if self._at < self._count:
            return FrameCounts(pairs=self._read)
        return FrameCounts(
            pairs=self._read,
            unpaired_color=self._color.count - self._count,
            unpaired_depth=self._depth.count - self._count,
        )

    def read(self) -> RGBDFrame | None:
        with self._lock:
            return self._next()

    def _next(self) -> RGBDFrame | None:
        if self._closed or self._at >= self._count:
            return None
        color = self._color.read()
        codes = None if self._depth is None else self._depth.read()
        if color is None or (codes is None and self._depth is not None):
            self._end_early()
            return None
        i = self._at
        self._at += 1
        self._read += 1
        return RGBDFrame(
            color=color,
            depth=None if codes is None else self._eight_bit.to_mm(codes),
            index=i,
            timestamp_s=self._color.times_s[i],
        )

    def seek(self, timestamp_s: float) -> None:
        with self._lock:
            self._at = bisect.bisect_left(self._color.times_s, timestamp_s, hi=self._count)
            self._read = 0
            if self._at < self._count and not self._closed:
                for video in self._videos():
                    video.seek(self._at)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for video in self._videos():
                video.close()

    def _videos(self) -> list[_Video]:
        return [self._color] if self._depth is None else [self._color, self._depth]

    def _end_early(self) -> None:
        broken = next(v for v in self._videos() if v.problem is not None or v.ended)
        self._at = self._count
        self.ended_early = (
            f"{broken.path.name} is damaged: {broken.decoded} of its {broken.count} frames "
            f"could be read ({broken.problem or 'it stops there'})"
        )
        if self._read == 0:
            raise SourceError(self.ended_early)

    @staticmethod
    def _check_pair(color: _Video, depth: _Video) -> None:
        if abs(color.count - depth.count) > _MOST_MISSING:
            raise SourceError(
                f"{color.path.name} has {color.count} frames and {depth.path.name} {depth.count}: "
                f"a pair may differ by {_MOST_MISSING}"
            )
        if color.size_px != depth.size_px:
            raise SourceError(
                f"{color.path.name} is {color.size_px[0]}x{color.size_px[1]} pixels and "
                f"{depth.path.name} {depth.size_px[0]}x{depth.size_px[1]}: depth must be aligned"
            )


class _Video:
    """One file, decoded frame by frame; its packets are listed first, which costs no decoding."""

    def __init__(self, path: Path, pixels: str) -> None:
        self.path = path
        self.problem: str | None = None
        self.ended = False
        self.decoded = 0
        self._pixels = pixels
        if not path.is_file():
            raise SourceError(f"{path}: no such file")
        try:
            self._file: InputContainer = av.open(str(path))
            if not self._file.streams.video:
                raise SourceError(f"{path} holds no video")
            self._stream = self._file.streams.video[0]
            self._stream.thread_type = "AUTO"
            self._stamps = self._list_stamps()
        except (FFmpegError, OSError, ValueError) as problem:
            raise SourceError(f"{path} is damaged or no video ({_short(problem)})") from None
        if not self._stamps:
            raise SourceError(f"{path} is damaged: it holds no frames")
        tick_s = float(self._stream.time_base or 1 / _DEFAULT_HZ)
        self.times_s = [stamp * tick_s for stamp in self._stamps]
        self.count = len(self._stamps)
        self.cut_off: str | None = None
        if self._stream.frames > self.count:  # as many as the file's head announces
            self.cut_off = (
                f"{path.name} is cut off: it holds {self.count} of its {self._stream.frames} frames"
            )
        self.fps_hz = float(self._stream.average_rate or self._stream.base_rate or _DEFAULT_HZ)
        self.size_px = (self._stream.width, self._stream.height)
        self._frames: Generator[NDArray[Any], None, None] = self._decode(self._stamps[0])

    def read(self) -> NDArray[Any] | None:
        """The next image, or None at the end; `problem` says why where that came too soon."""
        try:
            image = next(self._frames, None)
        except (FFmpegError, OSError, ValueError) as problem:
            self.problem = _short(problem)
            image = None
        self.ended = image is None
        self.decoded += image is not None
        return image

    def seek(self, i: int) -> None:
        self._frames = self._decode(self._stamps[i])
        self.decoded = 0

    def close(self) -> None:
        self._frames.close()
        self._file.close()

    def _decode(self, from_stamp: int) -> Generator[NDArray[Any], None, None]:
        """Decode from the key frame before `from_stamp` on."""
        self._file.seek(from_stamp, stream=self._stream, backward=True)
        for frame in self._file.decode(self._stream):
            if frame.pts is not None and frame.pts < from_stamp:
                continue
            if (frame.width, frame.height) != self.size_px:
                raise ValueError(f"its pictures change to {frame.width}x{frame.height} pixels")
            yield frame.to_ndarray(format=self._pixels)

    def _list_stamps(self) -> list[int]:
        stamps = {
            packet.pts if packet.pts is not None else packet.dts
            for packet in self._file.demux(self._stream)
            if packet.size and not packet.is_discard
        }
        return sorted(stamp for stamp in stamps if stamp is not None)


def _short(problem: BaseException) -> str:
    if isinstance(problem, FFmpegError):
        return str(problem.strerror)
    return str(problem).splitlines()[0] if str(problem) else type(problem).__name__
