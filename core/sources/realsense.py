"""RealSense cameras, live, through librealsense's pipeline; and their recorder."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from motionrgbd.core.errors import CameraError, LibraryError, OutputError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.sources import sdk
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.pairing import FrameCounts, Pairer, StampedImage
from motionrgbd.core.sources.rig import FrameMaker, Rig
from motionrgbd.core.sources.rosbag import Stream

NO_CAMERA = (
    "no RealSense camera answers: plug it in (USB 3 port and cable), see `motionrgbd doctor`, "
    "or use --replay FILE or --demo"
)
_DEFAULT_SIZE_PX = (640, 480)  # every RealSense family offers it for colour and depth
_DEFAULT_HZ = 30
_POLL_S = 0.1  # how long `close` may have to wait for `read`
_WAITING_SETS = 4  # 0.13 s at 30 Hz; librealsense stalls where more than 15 are held
_CLOCK_RESET_S = 1.0  # a stamp further back than this is a new clock, not a late image


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """A RealSense camera that answers."""

    name: str
    serial: str
    usb: str


def find_cameras() -> list[FoundCamera]:
    """All RealSense cameras that answer; none where librealsense does not load."""
    try:
        rs = sdk.load()
    except LibraryError:
        return []
    kinds = rs.camera_info

    def tell(device: Any, what: Any) -> str:
        return str(device.get_info(what)) if device.supports(what) else ""

    try:
        return [
            FoundCamera(
                tell(d, kinds.name),
                tell(d, kinds.serial_number),
                tell(d, kinds.usb_type_descriptor),
            )
            for d in rs.context().query_devices()
        ]
    except RuntimeError:  # one is being unplugged, or may not be opened (udev rules)
        return []


class RealSenseSource:
    """Colour and aligned depth of a RealSense camera.

    Created by any thread, then read by one; `close` may come from another.
    device: a camera of librealsense's own making (`rs.software_device`) instead of a real one.
    record_to: also write what the camera sends to this `.db3`.
    counts: what became of the images so far.
    """

    def __init__(
        self,
        options: SourceOptions | None = None,
        *,
        device: Any = None,
        record_to: Path | None = None,
    ) -> None:
        self._rs = sdk.load()
        self._options = options or SourceOptions()
        self._device = device
        self._record_to = record_to
        self._lock = threading.Lock()  # held by `read` while it waits, at most `_POLL_S`
        self._closing = False
        self._arrival_s = 0.0
        self._running: _Running | None = self._start()
        running = self._running
        self._pairer = Pairer(1 / running.rig.fps_hz)
        self._clocks = {stream: _Clock() for stream in Stream}
        self.info = SourceInfo(
            name=running.name,
            live=True,
            fps_hz=running.rig.fps_hz,
            has_color=True,
            has_depth=True,
            intrinsics=running.rig.intrinsics,
        )

    @property
    def counts(self) -> FrameCounts:
        return self._pairer.counts

    def read(self) -> RGBDFrame | None:
        """The next frame; None once closed; CameraError where the camera is silent or gone."""
        give_up_s = time.monotonic() + self._options.silence_timeout_s
        while True:
            with self._lock:
                if self._closing:
                    return None
                pair = self._pairer.pop() if self._running is not None else None
                if pair is not None and self._running is not None:
                    return self._running.maker.frame(*pair, arrival_s=self._arrival_s)
                problem = self._wait()
            if problem is not None:
                raise CameraError(problem)
            if time.monotonic() > give_up_s:
                raise CameraError(
                    f"{self.info.name} has sent nothing for {self._options.silence_timeout_s:g} s: "
                    "check its cable; it is used again as soon as it sends"
                )

    def close(self) -> None:
        self._closing = True
        with self._lock:
            self._stop()

    def _wait(self) -> str | None:
        """Take in what the camera sends next; says what is wrong where it was pulled."""
        if self._running is None:
            self._look_again()
            return None
        try:
            self._arrival_s, frames = self._running.arrived.get(timeout=_POLL_S)
        except queue.Empty:
            if self._device is not None or self._running.is_connected():
                return None
        else:
            self._take(self._running, frames)
            return None
        self._stop()
        return f"{self.info.name} was unplugged: plug it in again, it is used as soon as it answers"

    def _take(self, running: _Running, frames: Any) -> None:
        """A frameset repeats the last image of a stream that sent nothing new: skip those."""
        for frame in frames.as_frameset() if frames.is_frameset() else [frames]:
            clock = self._clocks[running.stream(frame)]
            if not clock.is_new(frame.get_frame_number(), frame.get_timestamp()):
                continue
            stream, image = running.stamped(frame)
            image = clock.steady(image)
            if stream is Stream.COLOR:
                self._pairer.add_color(image)
            else:
                self._pairer.add_depth(image)

    def _look_again(self) -> None:
        if self._record_to is not None:  # starting again would overwrite what was recorded
            time.sleep(_POLL_S)
            return
        try:
            self._running = self._start()
        except CameraError:
            time.sleep(_POLL_S)

    def _start(self) -> _Running:
        return _Running(self._rs, self._options, self._device, self._record_to)

    def _stop(self) -> None:
        if self._running is not None:
            self._running.stop()
            self._running = None  # the last reference: a recording is finished with it


class _Clock:
    """The numbers and stamps of one stream: what was seen, and a clock that never turns back."""

    def __init__(self) -> None:
        self._seen: tuple[int, float] | None = None
        self._newest_s = float("-inf")
        self._arrival_s = 0.0
        self._shift_s = 0.0

    def is_new(self, number: int, stamp_ms: float) -> bool:
        if self._seen == (number, stamp_ms):
            return False
        self._seen = (number, stamp_ms)
        return True

    def steady(self, image: StampedImage) -> StampedImage:
        """Stamps of a camera that starts its clock anew go on from where they were."""
        now_s = time.monotonic()
        if image.stamp_s + self._shift_s < self._newest_s - _CLOCK_RESET_S:
            self._shift_s = self._newest_s + (now_s - self._arrival_s) - image.stamp_s
        if self._shift_s:
            image = replace(image, stamp_s=image.stamp_s + self._shift_s)
        self._newest_s = max(self._newest_s, image.stamp_s)
        self._arrival_s = now_s
        return image


class _Running:
    """A pipeline from its start to its stop.

    arrived: what librealsense's thread delivered, with the host's time; when full the oldest
    goes, seen as a jump of the frames' numbers. (`wait_for_frames` keeps only the last of the
    sets that its synchroniser lets out together, so images would be lost uncounted.)
    """

    def __init__(
        self, rs: Any, options: SourceOptions, device: Any, record_to: Path | None
    ) -> None:
        self._rs = rs
        self._context = rs.context()
        self.pipeline = rs.pipeline(self._context)
        if device is not None:
            self.pipeline.set_device(device)
        config = self._config(options, record_to, present=device is not None)
        self.arrived: queue.Queue[tuple[float, Any]] = queue.Queue(_WAITING_SETS)
        try:
            self._profile = self.pipeline.start(config, self._on_frames)
        except RuntimeError as problem:
            raise CameraError(
                f"the camera does not start ({problem}): does another program use it?"
            ) from None
        streams = {p.stream_type(): p for p in self._profile.get_streams()}
        self._color, self._depth = streams[rs.stream.color], streams[rs.stream.depth]
        try:
            device = self._profile.get_device()
            self._filters = sdk.depth_filters(rs, options.filters, device)
            if options.preset is not None:
                sdk.set_preset(rs, options.preset, device)
        except BaseException:
            self.stop()
            raise
        self.name = self._tell(rs.camera_info.name) or "RealSense"
        self._serial = self._tell(rs.camera_info.serial_number)
        self.rig = self._rig(sdk.intrinsics(self._depth))
        self.maker = FrameMaker(self.rig)

    def _on_frames(self, frames: Any) -> None:
        """librealsense's thread."""
        arrival_s = time.monotonic()
        frames.keep()
        while True:
            try:
                self.arrived.put_nowait((arrival_s, frames))
                return
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    self.arrived.get_nowait()

    def stream(self, frame: Any) -> Stream:
        is_depth = frame.get_profile().stream_type() == self._rs.stream.depth
        return Stream.DEPTH if is_depth else Stream.COLOR

    def stamped(self, frame: Any) -> tuple[Stream, StampedImage]:
        """The image, depth filtered; a filter that changes its size changes the alignment too."""
        if self.stream(frame) is Stream.DEPTH:
            for depth_filter in self._filters:
                frame = depth_filter.process(frame)
            depth, known = frame.as_video_frame(), self.rig.depth
            if known and (depth.get_width(), depth.get_height()) != (
                known.width_px,
                known.height_px,
            ):
                self.rig = self._rig(sdk.intrinsics(frame.get_profile()))
                self.maker = FrameMaker(self.rig)
        return sdk.stamped(self._rs, frame)

    def is_connected(self) -> bool:
        """Whether the camera is still among those that answer."""
        what = self._rs.camera_info.serial_number
        try:
            answering = self._context.query_devices()
            return any(d.supports(what) and d.get_info(what) == self._serial for d in answering)
        except RuntimeError:  # one is being unplugged, it may be another: ask again
            return True

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):  # it is gone already
            self.pipeline.stop()
        with contextlib.suppress(queue.Empty):  # frames that are held keep a recording open
            while True:
                self.arrived.get_nowait()

    def _tell(self, what: Any) -> str:
        device = self._profile.get_device()
        return str(device.get_info(what)) if device.supports(what) else ""

    def _rig(self, depth: Any) -> Rig:
        return Rig(
            color=sdk.intrinsics(self._color),
            depth=depth,
            depth_to_color=sdk.extrinsics(self._depth, self._color),
            depth_unit_m=self._depth_unit_m(),
            fps_hz=float(max(self._color.fps(), self._depth.fps())),
        )

    def _depth_unit_m(self) -> float:
        unit = self._rs.option.depth_units
        for sensor in self._profile.get_device().query_sensors():
            if sensor.supports(unit):
                return float(sensor.get_option(unit))
        return 0.001

    def _config(self, options: SourceOptions, record_to: Path | None, *, present: bool) -> Any:
        """The first configuration that the camera can do, asked before `start`.

        `start` without a camera waits 15 seconds; `can_resolve` answers within milliseconds.
        """
        rs = self._rs
        wrapper = rs.pipeline_wrapper(self.pipeline)
        hz = round(options.fps_hz or _DEFAULT_HZ)
        size = options.size_px or _DEFAULT_SIZE_PX
        tries = [(size, size, hz), (size, (0, 0), hz)]
        if options.size_px is None and options.fps_hz is None:
            tries.append(((0, 0), (0, 0), 0))  # whatever the camera prefers
        for color_size, depth_size, rate in tries:
            config = rs.config()
            if options.serial is not None and not present:
                config.enable_device(options.serial)
            config.enable_stream(rs.stream.depth, *depth_size, rs.format.z16, rate)
            config.enable_stream(rs.stream.color, *color_size, rs.format.rgb8, rate)
            if config.can_resolve(wrapper):
                if record_to is not None:
                    config.enable_record_to_file(str(record_to))
                return config
        raise CameraError(self._why_not(options, size, hz, present=present))

    def _why_not(
        self, options: SourceOptions, size: tuple[int, int], hz: int, *, present: bool
    ) -> str:
        found = [] if present else find_cameras()
        if not present and not found:
            return NO_CAMERA
        serials = ", ".join(camera.serial for camera in found)
        if options.serial is not None and options.serial not in {c.serial for c in found}:
            return f"no RealSense camera has the serial number {options.serial}: found {serials}"
        return (
            f"the camera offers no colour and depth at {size[0]}x{size[1]} and {hz} Hz: ask for "
            "another size or rate (a USB 2 cable allows little)"
        )


def record_realsense(
    destination: Path,
    *,
    stop: Callable[[], bool],
    options: SourceOptions | None = None,
    on_frame: Callable[[RGBDFrame], None] | None = None,
    device: Any = None,
) -> FrameCounts:
    """Record a RealSense camera to a `.db3` until `stop` says so; returns what was seen.

    The SDK writes the camera's own images with their calibration. `stop` is asked after every
    frame and, while the camera is silent, after every silence time-out. Never overwrites.
    """
    _check_destination(destination)
    source = RealSenseSource(options, device=device, record_to=destination)
    try:
        while not stop():
            try:
                frame = source.read()
            except CameraError:
                if stop():
                    break
                raise
            if frame is not None and on_frame is not None:
                on_frame(frame)
    finally:
        source.close()
    return source.counts


def _check_destination(destination: Path) -> None:
    if destination.suffix != ".db3":
        raise OutputError(f"{destination}: librealsense records to a name that ends in .db3")
    if destination.exists():
        raise OutputError(f"{destination} exists already: choose another name")
    folder = destination.resolve().parent
    if not folder.is_dir():
        raise OutputError(f"{folder}: no such folder")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{folder} cannot be written to: choose another folder")
