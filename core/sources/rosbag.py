"""RealSense recordings read without librealsense: `.bag` (ROS 1) and `.db3` (ROS 2, SQLite).

What the two hold, as librealsense writes them, was read off recordings:

.bag   images carry four bytes more than their message type says (the depth unit, float32), so
       the message is parsed here; calibration in CameraInfo and Transform messages.
.db3   images are PNG behind a text header; number, stamp and calibration are `key=value;` texts.
"""

from __future__ import annotations

import contextlib
import heapq
import re
import sqlite3
import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag1 import Reader, ReaderError

from motionrgbd.calibration.errors import CalibrationError
from motionrgbd.calibration.extrinsics import Extrinsics
from motionrgbd.calibration.intrinsics import DISTORTIONS, Intrinsics
from motionrgbd.core.errors import SourceError
from motionrgbd.core.sources.pairing import StampedImage
from motionrgbd.core.sources.rig import Rig, color_image, depth_image

_IMAGES = re.compile(
    r"(?P<sensor>/device_0/sensor_\d+)/(?P<kind>Depth|Color)_0/image/data"
    r"(/compressed|/compressedDepth)?"
)
_DEFAULT_UNIT_M = 0.001
_MS_TO_NS = 1_000_000


class Stream(Enum):
    """Which of a recording's two streams an image belongs to."""

    COLOR = "Color"
    DEPTH = "Depth"


@dataclass(frozen=True, slots=True)
class RecordingHeader:
    """What a recording says of itself; `images`: how many its index lists, both streams."""

    rig: Rig
    duration_s: float
    images: int


class RecordingFile(Protocol):
    """A recording that was opened and whose calibration was read."""

    @property
    def header(self) -> RecordingHeader: ...

    def images(self, skip_s: float) -> Generator[tuple[Stream, StampedImage], None, None]:
        """All images in the order of recording, from `skip_s` after its start."""

    def close(self) -> None: ...


def open_recording(path: Path) -> RecordingFile:
    """Open a `.bag` or `.db3`; raises `SourceError`, one line, where it is damaged."""
    if not path.is_file():
        raise SourceError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty: the recording was never written")
    kind = BagFile if path.suffix.lower() == ".bag" else Db3File
    try:
        return kind(path)
    except SourceError as problem:
        raise SourceError(f"{path}: {problem}") from None
    except CalibrationError as problem:
        raise SourceError(f"{path}: its calibration is damaged: {problem}") from None
    except Exception as problem:  # a damaged file can make a parser fail in any way
        raise SourceError(
            f"{path} is damaged or no RealSense recording ({_first_line(problem)}): "
            "if the recording was cut off, record it again"
        ) from None


class BagFile:
    """A `.bag` as librealsense up to 2.57 records it."""

    def __init__(self, path: Path) -> None:
        self._reader = Reader(path)
        self._reader.open()
        try:
            self._topics = _image_topics(self._reader.topics)
            self.header = RecordingHeader(
                rig=self._rig(),
                duration_s=self._reader.duration / 1e9,
                images=sum(self._reader.topics[t].msgcount for t in self._topics.values()),
            )
        except BaseException:
            self._reader.close()
            raise

    def images(self, skip_s: float) -> Generator[tuple[Stream, StampedImage], None, None]:
        stream_of = {topic: stream for stream, topic in self._topics.items()}
        wanted = [c for c in self._reader.connections if c.topic in stream_of]
        start = self._reader.start_time + int(skip_s * 1e9)
        for connection, _, raw in self._reader.messages(wanted, start=start):
            stream = stream_of[connection.topic]
            yield stream, _ros1_image(_Fields(raw), stream)

    def close(self) -> None:
        with contextlib.suppress(ReaderError):  # closed before
            self._reader.close()

    def _rig(self) -> Rig:
        cameras: dict[Stream, Intrinsics] = {}
        poses: dict[Stream, Extrinsics] = {}
        rates, unit_m = [], _DEFAULT_UNIT_M
        for stream, topic in self._topics.items():
            base = topic.removesuffix("/image/data")
            cameras[stream] = _ros1_intrinsics(_Fields(self._one(f"{base}/info/camera_info")))
            rates.append(float(_Fields(self._one(f"{base}/info")).take("<I")))
            pose = self._any(re.compile(re.escape(base) + r"/tf/\w+"))
            poses[stream] = Extrinsics() if pose is None else _ros1_pose(_Fields(pose))
            if stream is Stream.DEPTH:
                sensor = re.escape(base.rsplit("/", 1)[0])
                unit = self._any(re.compile(sensor + r"/option/Depth[ _]Units/value"))
                unit_m = _DEFAULT_UNIT_M if unit is None else float(_Fields(unit).take("<f"))
        return _rig(cameras, poses, unit_m, rates)

    def _one(self, topic: str) -> bytes:
        raw = self._any(re.compile(re.escape(topic)))
        if raw is None:
            raise SourceError(f"it lacks '{topic}': no RealSense recording")
        return raw

    def _any(self, pattern: re.Pattern[str]) -> bytes | None:
        found = [c for c in self._reader.connections if pattern.fullmatch(c.topic)]
        for _, _, raw in self._reader.messages(found) if found else ():
            return bytes(raw)
        return None


class Db3File:
    """A `.db3` as librealsense from 2.58 on records it."""

    def __init__(self, path: Path) -> None:
        # any thread may close it; the source that owns this file lets one in at a time
        self._file = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False
        )
        try:
            self._ids = dict(self._file.execute("SELECT name, id FROM topics").fetchall())
            self._topics = _image_topics(self._ids)
            first, last = self._file.execute(
                "SELECT MIN(timestamp), MAX(timestamp) FROM messages WHERE timestamp > 0"
            ).fetchone()
            if first is None:
                raise SourceError("it holds no images")
            self.header = RecordingHeader(
                rig=self._rig(), duration_s=last / 1e9, images=self._count()
            )
        except BaseException:
            self._file.close()
            raise

    def images(self, skip_s: float) -> Generator[tuple[Stream, StampedImage], None, None]:
        streams = (self._stream(s, int(skip_s * 1e9)) for s in self._topics)
        for _, stream, data, metadata in heapq.merge(*streams, key=lambda row: row[0]):
            yield stream, _db3_image(stream, data, _pairs(_cdr_text(metadata)))

    def close(self) -> None:
        self._file.close()

    def _stream(self, stream: Stream, start_ns: int) -> Iterator[tuple[int, Stream, bytes, bytes]]:
        topic = self._topics[stream]
        about = topic[: topic.index("/image/data")] + "/image/metadata"
        rows = self._file.execute(
            "SELECT i.timestamp, i.data, m.data FROM messages i JOIN messages m"
            " ON m.timestamp = i.timestamp AND m.topic_id = ?"
            " WHERE i.topic_id = ? AND i.timestamp >= ? ORDER BY i.timestamp, i.id",
            (self._ids.get(about), self._ids[topic], start_ns),
        )
        return ((at, stream, data, metadata) for at, data, metadata in rows)

    def _count(self) -> int:
        ids = [self._ids[topic] for topic in self._topics.values()]
        marks = ",".join("?" * len(ids))
        query = f"SELECT COUNT(*) FROM messages WHERE topic_id IN ({marks})"
        return int(self._file.execute(query, ids).fetchone()[0])

    def _rig(self) -> Rig:
        cameras: dict[Stream, Intrinsics] = {}
        poses: dict[Stream, Extrinsics] = {}
        rates, unit_m = [], _DEFAULT_UNIT_M
        for stream, topic in self._topics.items():
            base = topic[: topic.index("/image/data")]
            cameras[stream] = _db3_intrinsics(_pairs(self._one(f"{base}/camera_info")))
            rates.append(float(_pairs(self._one(f"{base}/info"))["fps"]))
            pose = self._any(re.compile(re.escape(base) + r"/tf/\w+"))
            poses[stream] = Extrinsics() if pose is None else _db3_pose(_pairs(pose))
            if stream is Stream.DEPTH:
                sensor = re.escape(base.rsplit("/", 1)[0])
                unit = self._any(re.compile(sensor + r"/option/Depth[ _]Units/value"))
                unit_m = _DEFAULT_UNIT_M if unit is None else float(unit)
        return _rig(cameras, poses, unit_m, rates)

    def _one(self, topic: str) -> str:
        text = self._any(re.compile(re.escape(topic)))
        if text is None:
            raise SourceError(f"it lacks '{topic}': no RealSense recording")
        return text

    def _any(self, pattern: re.Pattern[str]) -> str | None:
        for topic, number in self._ids.items():
            if pattern.fullmatch(topic):
                row = self._file.execute(
                    "SELECT data FROM messages WHERE topic_id = ? ORDER BY id LIMIT 1", (number,)
                ).fetchone()
                if row is not None:
                    return _cdr_text(row[0])
        return None


def _image_topics(topics: Any) -> dict[Stream, str]:
    """The first depth and the first colour stream, depth before colour."""
    found: dict[Stream, str] = {}
    for topic in sorted(topics):
        match = _IMAGES.fullmatch(topic)
        if match:
            found.setdefault(Stream(match["kind"]), topic)
    if not found:
        raise SourceError("it holds neither a depth nor a colour stream of a RealSense camera")
    return {stream: found[stream] for stream in (Stream.DEPTH, Stream.COLOR) if stream in found}


def _rig(
    cameras: dict[Stream, Intrinsics],
    poses: dict[Stream, Extrinsics],
    unit_m: float,
    rates_hz: list[float],
) -> Rig:
    """Both poses lead from the recording's reference to the camera."""
    move = Extrinsics()
    if len(poses) == 2 and poses[Stream.DEPTH] != poses[Stream.COLOR]:
        move = poses[Stream.DEPTH].inverse().then(poses[Stream.COLOR])
    return Rig(
        color=cameras.get(Stream.COLOR),
        depth=cameras.get(Stream.DEPTH),
        depth_to_color=move,
        depth_unit_m=unit_m,
        fps_hz=max(rates_hz),
    )


def _intrinsics(
    size_px: tuple[int, int],
    focal_px: tuple[float, float],
    center_px: tuple[float, float],
    model: str,
    coefficients: list[float],
) -> Intrinsics:
    name = model.strip().lower().replace(" ", "_")
    if name not in DISTORTIONS:
        if any(coefficients):
            raise SourceError(f"its lens has the distortion '{model}', which is not known")
        name = "none"
    k1, k2, p1, p2, k3 = (float(c) for c in (*coefficients, 0, 0, 0, 0, 0)[:5])
    return Intrinsics(*size_px, *focal_px, *center_px, name, (k1, k2, p1, p2, k3))


class _Fields:
    """Takes the little-endian fields of a ROS 1 message one after the other."""

    def __init__(self, raw: bytes | memoryview) -> None:
        self._raw = memoryview(raw)
        self._at = 0

    def take(self, form: str) -> Any:
        values = struct.unpack_from(form, self._raw, self._at)
        self._at += struct.calcsize(form)
        return values[0] if len(values) == 1 else values

    def bytes(self) -> memoryview:
        size = self.take("<I")
        self._at += size
        return self._raw[self._at - size : self._at]

    def text(self) -> str:
        return str(self.bytes(), "utf-8", "replace")


def _ros1_image(fields: _Fields, stream: Stream) -> StampedImage:
    number, seconds, nanoseconds = fields.take("<III")
    fields.bytes()  # frame_id
    height, width = fields.take("<II")
    encoding = fields.text()
    fields.take("<BI")  # byte order, row length
    decode = color_image if stream is Stream.COLOR else depth_image
    stamp_s = (seconds * 1_000_000_000 + nanoseconds) / 1e9
    return StampedImage(decode(encoding, fields.bytes(), width, height), number, stamp_s)


def _ros1_intrinsics(fields: _Fields) -> Intrinsics:
    fields.take("<III")
    fields.bytes()
    height, width = fields.take("<II")
    model = fields.text()
    coefficients = [fields.take("<d") for _ in range(fields.take("<I"))]
    fx, _, cx, _, fy, cy, *_ = fields.take("<9d")
    return _intrinsics((width, height), (fx, fy), (cx, cy), model, coefficients)


def _ros1_pose(fields: _Fields) -> Extrinsics:
    tx, ty, tz, x, y, z, w = fields.take("<7d")
    return Extrinsics.from_quaternion((x, y, z, w), np.array([tx, ty, tz]))


def _db3_image(stream: Stream, data: bytes, about: dict[str, str]) -> StampedImage:
    start = data.find(b"\x89PNG")
    if start < 0:
        start = data.find(b"\xff\xd8\xff")  # JPEG
    if start < 0:
        raise SourceError("an image is neither PNG nor JPEG")
    flags = cv2.IMREAD_COLOR_RGB if stream is Stream.COLOR else cv2.IMREAD_UNCHANGED
    image: NDArray[Any] | None = cv2.imdecode(np.frombuffer(data, np.uint8, offset=start), flags)
    expected = np.uint8 if stream is Stream.COLOR else np.uint16
    if image is None or image.dtype != expected:
        raise SourceError("an image cannot be decoded")
    stamp_s = round(float(about["timestamp"]) * _MS_TO_NS) / 1e9
    return StampedImage(image, int(about["Frame number"]), stamp_s)


def _db3_intrinsics(about: dict[str, str]) -> Intrinsics:
    def number(name: str) -> float:
        return float(np.float32(about[name]))  # as the SDK has it: nine digits are written

    return _intrinsics(
        (int(about["width"]), int(about["height"])),
        (number("fx"), number("fy")),
        (number("ppx"), number("ppy")),
        about["model"],
        [float(np.float32(c)) for c in about["coeffs"].split(",")],
    )


def _db3_pose(about: dict[str, str]) -> Extrinsics:
    """Nine numbers, column by column, and three, metres."""
    R = np.array(about["rotation"].split(","), dtype=np.float64).reshape(3, 3).T
    return Extrinsics.of(R, np.array(about["translation"].split(","), dtype=np.float64))


def _cdr_text(data: bytes) -> str:
    """A ROS 2 string: four bytes of byte order, its length, the text, a zero."""
    (size,) = struct.unpack_from("<I", data, 4)
    return data[8 : 8 + size].rstrip(b"\0").decode("utf-8", "replace")


def _pairs(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(";") if "=" in part)


def _first_line(problem: BaseException) -> str:
    return (str(problem) or type(problem).__name__).splitlines()[0]
