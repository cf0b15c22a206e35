"""Replays a RealSense recording, whichever library decodes it."""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path
from typing import Protocol

from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.sources.pairing import FrameCounts, Pairer, StampedImage
from motionrgbd.core.sources.rig import FrameMaker
from motionrgbd.core.sources.rosbag import RecordingFile, Stream, open_recording

_SEEK_MARGIN_S = 1.0  # recorded time is time of arrival: it strays from the stamps, measured 0.2 s


Images = tuple[StampedImage | None, StampedImage | None]
"""Colour and depth of one frame; a recording of one stream lacks the other."""

ImageStream = Generator[tuple[Stream, StampedImage], None, None]


class ImageReader(Protocol):
    """Decodes a recording's images: `RecordingFile`, or librealsense's player.

    A player's `close` may come from another thread and ends `images` that waits.
    """

    def images(self, skip_s: float) -> ImageStream: ...

    def close(self) -> None: ...


class RecordingSource:
    """A `.bag` or `.db3` as frames: paired and aligned by the rules that live cameras have.

    The calibration is always read from the file by `rosbag`, the images by `reader`: so both
    readers give the same frames, byte by byte.

    counts: what became of the images read since the start or the last `seek`.
    ended_early: why the file ended before its last listed image; None where it did not.
    """

    def __init__(self, path: Path, reader: ImageReader | None = None) -> None:
        self._file: RecordingFile = open_recording(path)
        self._reader: ImageReader = reader or self._file
        self._path = path
        self._lock = threading.Lock()  # held by `read` and `seek`; `close` waits for them
        self._closing = False
        header = self._file.header
        if header.images == 0:
            self._file.close()
            raise SourceError(f"{path} holds no images: nothing was recorded")
        self._rig = header.rig
        self._both = header.rig.color is not None and header.rig.depth is not None
        self._maker = FrameMaker(header.rig)
        self.ended_early: str | None = None
        self._first_stamp_s: float | None = None
        self._held: RGBDFrame | None = None
        self._images: ImageStream = _nothing()
        self._restart(0.0)
        self.info = SourceInfo(
            name=path.name,
            live=False,
            fps_hz=header.rig.fps_hz,
            has_color=header.rig.color is not None,
            has_depth=header.rig.depth is not None,
            intrinsics=header.rig.intrinsics,
            duration_s=header.duration_s,
        )

    @property
    def counts(self) -> FrameCounts:
        return self._pairer.counts

    def read(self) -> RGBDFrame | None:
        with self._lock:
            if self._held is not None:
                held, self._held = self._held, None
                return held
            return self._next()

    def seek(self, timestamp_s: float) -> None:
        """Go on from the first frame at or after `timestamp_s`, the stamps' clock."""
        with self._lock:
            if self._first_stamp_s is None:
                self._restart(0.0)
                self._next_images()
            skip_s = timestamp_s - (self._first_stamp_s or 0.0) - _SEEK_MARGIN_S
            if skip_s > 0 and self._skip_to(timestamp_s, skip_s):
                return
            self._skip_to(timestamp_s, 0.0)

    def close(self) -> None:
        self._closing = True
        if self._reader is not self._file:
            self._reader.close()  # a `read` that waits for its next image ends
        with self._lock:
            self._images.close()
            self._file.close()

    def _skip_to(self, timestamp_s: float, skip_s: float) -> bool:
        """Read on from `skip_s`; False where that was too late to be sure of the frame."""
        self._restart(skip_s)
        earlier = skip_s <= 0
        while (pair := self._next_images()) is not None:
            if _stamp_s(pair) >= timestamp_s:
                self._held = self._maker.frame(*pair)
                break
            earlier = True
        return earlier

    def _restart(self, skip_s: float) -> None:
        self._images.close()
        self._held = None
        self._read = 0
        self._from_start = skip_s <= 0
        self._pairer = Pairer(1 / self._rig.fps_hz)
        self._images = self._reader.images(max(skip_s, 0.0))

    def _next(self) -> RGBDFrame | None:
        pair = self._next_images()
        return None if pair is None else self._maker.frame(*pair)

    def _next_images(self) -> Images | None:
        """The next pair; a recording of one stream has its images in it one by one."""
        while not self._closing:
            pair = self._pairer.pop()
            if pair is not None:
                return pair
            found = self._next_image()
            if found is None:
                self._pairer.finish()
                return self._pairer.pop()
            stream, image = found
            if self._first_stamp_s is None:
                self._first_stamp_s = image.stamp_s
            if not self._both:
                if self._pairer.pass_single(image):
                    return (image, None) if stream is Stream.COLOR else (None, image)
            elif stream is Stream.COLOR:
                self._pairer.add_color(image)
            else:
                self._pairer.add_depth(image)
        return None

    def _next_image(self) -> tuple[Stream, StampedImage] | None:
        try:
            found = next(self._images, None)
        except Exception as problem:  # a damaged file can make a decoder fail in any way
            self._end_early(str(problem).splitlines()[0] if str(problem) else repr(problem))
            return None
        if found is not None:
            self._read += 1
        elif self._from_start and not self._closing and self._read < self._file.header.images:
            self._end_early("it stops there")
        return found

    def _end_early(self, why: str) -> None:
        self._images = _nothing()
        self.ended_early = (
            f"{self._path.name} is damaged: {self._read} of its "
            f"{self._file.header.images} images could be read ({why})"
        )
        if self._read == 0:
            raise SourceError(self.ended_early)


def _stamp_s(pair: Images) -> float:
    """The frame's time: colour's, where there is colour."""
    first = pair[0] or pair[1]
    return first.stamp_s if first is not None else float("inf")


def _nothing() -> ImageStream:
    yield from ()
