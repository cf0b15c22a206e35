"""librealsense: the only module that imports `pyrealsense2`, and only when asked to."""

from __future__ import annotations

import atexit
import ctypes
import datetime
import queue
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from motionrgbd.calibration.extrinsics import Extrinsics
from motionrgbd.calibration.intrinsics import DISTORTIONS, Intrinsics
from motionrgbd.core.errors import LibraryError, SourceError, UsageError
from motionrgbd.core.sources.pairing import StampedImage
from motionrgbd.core.sources.rig import color_image, depth_image
from motionrgbd.core.sources.rosbag import Stream

_MS_TO_NS = 1_000_000
_POLL_S = 0.05
_SILENT_POLLS = 60  # three seconds: it plays as fast as we take
_LAST_POLLS = 10  # half a second, for a busy machine
_WAITING_IMAGES = 8  # copies between the player's thread and ours; the player waits when full


def load() -> Any:
    """The `pyrealsense2` module; raises `LibraryError` where it is not usable."""
    try:
        import libusb_package

        # pyrealsense2 links to libusb-1.0, which bare machines lack: load PyPI's copy first
        ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)
    except (ImportError, OSError):
        pass  # the system's libusb may do
    try:
        import pyrealsense2
    except ImportError as problem:
        raise LibraryError(
            f"pyrealsense2 does not load ({problem}): pip install '.[camera]' in the checkout"
        ) from None
    return pyrealsense2


def is_available() -> bool:
    """Whether librealsense loads here."""
    try:
        load()
    except LibraryError:
        return False
    return True


def stamped(rs: Any, frame: Any) -> tuple[Stream, StampedImage]:
    """A video frame as (stream, image in memory of its own, number, stamp)."""
    profile = frame.get_profile()
    stream = Stream.DEPTH if profile.stream_type() == rs.stream.depth else Stream.COLOR
    video = frame.as_video_frame()
    pixels = memoryview(np.asanyarray(frame.get_data())).cast("B")
    decode = depth_image if stream is Stream.DEPTH else color_image
    image = decode(_name(profile.format()), pixels, video.get_width(), video.get_height())
    stamp_s = round(frame.get_timestamp() * _MS_TO_NS) / 1e9
    return stream, StampedImage(image, frame.get_frame_number(), stamp_s)


def intrinsics(profile: Any) -> Intrinsics:
    """Of a stream profile."""
    i = profile.as_video_stream_profile().get_intrinsics()
    name = _name(i.model)
    if name not in DISTORTIONS:  # lens models of other camera families
        if any(i.coeffs):
            raise SourceError(f"the lens model '{name}' is not known")
        name = "none"
    k1, k2, p1, p2, k3 = i.coeffs
    return Intrinsics(i.width, i.height, i.fx, i.fy, i.ppx, i.ppy, name, (k1, k2, p1, p2, k3))


def extrinsics(source: Any, target: Any) -> Extrinsics:
    """From one stream profile to another; librealsense keeps matrices column by column."""
    e = source.get_extrinsics_to(target)
    return Extrinsics.of(np.array(e.rotation).reshape(3, 3).T, np.array(e.translation))


def depth_filters(rs: Any, names: tuple[str, ...], device: Any) -> list[Any]:
    """librealsense's depth filters in its recommended order, whatever the order of `names`.

    Stereo cameras are smoothed in disparity, where their noise is even.
    """
    makers = (("spatial", rs.spatial_filter), ("temporal", rs.temporal_filter))
    smoothing = [make() for name, make in makers if name in names]
    if smoothing and any(s.supports(rs.option.stereo_baseline) for s in device.query_sensors()):
        smoothing = [rs.disparity_transform(True), *smoothing, rs.disparity_transform(False)]
    before = [rs.decimation_filter()] if "decimation" in names else []
    after = [rs.hole_filling_filter()] if "holes" in names else []
    return before + smoothing + after


def set_preset(rs: Any, name: str, device: Any) -> None:
    """Choose a visual preset by the name that the camera gives it; raises `UsageError`."""
    option = rs.option.visual_preset
    sensor = next((s for s in device.query_sensors() if s.supports(option)), None)
    if sensor is None:
        raise UsageError(f"preset '{name}': this camera has no presets")
    values = sensor.get_option_range(option)
    names = {
        str(sensor.get_option_value_description(option, float(value))): float(value)
        for value in range(int(values.min), int(values.max) + 1)
    }
    for known, value in names.items():
        if known.lower() == name.lower():
            sensor.set_option(option, value)
            return
    raise UsageError(f"unknown preset '{name}': this camera has {', '.join(names)}")


class _Retired:
    """Players that were stopped, kept until no thread of librealsense can still hold a frame.

    A frame holds its player. Were it the last to do so, the player would be destroyed in its own
    thread, which then waits for itself: librealsense ends the whole process (EDEADLK).
    """

    _GRACE_S = 0.3

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[tuple[float, object]] = []
        self._registered = False

    def add(self, player: object) -> None:
        """Keep a stopped player; release those that were kept for long enough."""
        with self._lock:
            if not self._registered:
                atexit.register(self._release_all)
                self._registered = True
            now = time.monotonic()
            self._kept = [kept for kept in self._kept if now - kept[0] < self._GRACE_S]
            self._kept.append((now, player))

    def _release_all(self) -> None:
        with self._lock:
            if self._kept:
                time.sleep(max(0.0, self._kept[-1][0] + self._GRACE_S - time.monotonic()))
            self._kept.clear()


_retired = _Retired()


class SdkPlayer:
    """Decodes a recording's images with librealsense.

    The sensors are played directly: through a pipeline a `.bag` loses its first frame. The
    player's thread runs `_on_frame`, which copies the image out and waits while the reading
    thread is behind. Two traps, both found by hanging in them: a `frame_queue` given to
    `sensor.start` is taken for a Python callable, so it blocks holding the interpreter's lock;
    and the first sensor plays while the second is not started yet, so `_on_frame` waits for all.
    """

    def __init__(self, path: Path) -> None:
        self._rs = load()
        self._path = path
        self._closed = threading.Event()

    def images(self, skip_s: float) -> Generator[tuple[Stream, StampedImage], None, None]:
        run = _Run(self._rs, self._path, skip_s)
        try:
            yield from run.images(self._closed)
        finally:
            run.stop()

    def close(self) -> None:
        """End `images`, even of a player that neither delivers nor stops."""
        self._closed.set()


class _Run:
    """One pass through a recording, from `skip_s` to its end."""

    def __init__(self, rs: Any, path: Path, skip_s: float) -> None:
        self._rs = rs
        self._images: queue.Queue[tuple[Stream, StampedImage] | Exception] = queue.Queue(
            _WAITING_IMAGES
        )
        self._all_started = threading.Event()
        self._stopping = threading.Event()
        self._sensors: list[Any] = []
        self._context: Any = None
        self._device: Any = None
        self._player: Any = None
        try:
            self._start(path, skip_s)
        except RuntimeError as problem:
            self.stop()
            raise SourceError(f"{path}: librealsense cannot play it: {problem}") from None

    def _start(self, path: Path, skip_s: float) -> None:
        rs = self._rs
        self._context = rs.context()
        self._device = device = self._context.load_device(str(path))
        self._player = rs.playback(device)
        self._player.set_real_time(False)
        kinds = (rs.stream.depth, rs.stream.color)
        for sensor in device.query_sensors():
            # the first of each kind, as `rosbag` picks them
            profiles = [
                p
                for p in sensor.get_stream_profiles()
                if p.stream_type() in kinds and p.stream_index() == 0
            ]
            if profiles:
                sensor.open(profiles)
                self._sensors.append(sensor)
        if skip_s > 0:
            self._player.seek(datetime.timedelta(seconds=skip_s))
        for sensor in self._sensors:
            sensor.start(self._on_frame)
        self._all_started.set()

    def _on_frame(self, frame: Any) -> None:
        """The player's thread."""
        while not self._all_started.wait(_POLL_S):
            if self._stopping.is_set():
                return
        found: tuple[Stream, StampedImage] | Exception
        try:
            found = stamped(self._rs, frame)
        except Exception as problem:  # raised where the images are read
            found = problem
        while not self._stopping.is_set():
            try:
                self._images.put(found, timeout=_POLL_S)
                return
            except queue.Full:
                continue

    def images(self, closed: threading.Event) -> Generator[tuple[Stream, StampedImage], None, None]:
        quiet = 0  # time-outs since the player said that it stopped
        silent = 0  # time-outs in a row: a player that met damage may do neither
        while not closed.is_set():
            try:
                found = self._images.get(timeout=_POLL_S)
                silent = 0
            except queue.Empty:
                silent += 1
                if quiet == _LAST_POLLS or silent == _SILENT_POLLS:
                    return
                # its thread may still be copying the last image
                stopped = self._player.current_status() == self._rs.playback_status.stopped
                quiet = quiet + 1 if stopped else 0
                continue
            if isinstance(found, Exception):
                raise found
            yield found

    def stop(self) -> None:
        self._stopping.set()
        for sensor in self._sensors:
            try:
                sensor.stop()
                sensor.close()
            except RuntimeError:
                continue  # it was not started
        # nor may this object, which the player's thread holds through `_on_frame`, be the last
        _retired.add((self._sensors, self._player, self._device, self._context))
        self._sensors = []
        self._context = self._device = self._player = None


def _name(value: Any) -> str:
    """`rs.format.z16` is 'z16'."""
    return str(value).rsplit(".", 1)[-1]
