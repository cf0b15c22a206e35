"""A RealSense camera made of librealsense's software device: frames as a test sends them."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np

from motionrgbd.calibration.extrinsics import Extrinsics
from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.sources import sdk

COLOR = Intrinsics(640, 480, 613.0, 613.5, 319.9, 239.2)
DEPTH = Intrinsics(640, 480, 390.0, 390.0, 331.2, 242.3)
MOVE = Extrinsics.from_quaternion((0.01, 0.02, -0.005, 1.0), np.array([0.015, 0.001, 0.0005]))


class SoftwareCamera:
    """Runs through the real pipeline: give `device` to `RealSenseSource`."""

    def __init__(
        self,
        color: Intrinsics = COLOR,
        depth: Intrinsics = DEPTH,
        depth_to_color: Extrinsics = MOVE,
        depth_unit_m: float = 0.001,
    ) -> None:
        rs = self.rs = sdk.load()
        self.device = rs.software_device()
        self.device.register_info(rs.camera_info.name, "Software camera")
        self.device.register_info(rs.camera_info.serial_number, "42")
        self._unit_m = depth_unit_m
        self.depth_sensor = self.device.add_sensor("Stereo Module")
        self.color_sensor = self.device.add_sensor("RGB Camera")
        self.depth_profile = self._stream(self.depth_sensor, rs.stream.depth, rs.format.z16, depth)
        self.color_profile = self._stream(self.color_sensor, rs.stream.color, rs.format.rgb8, color)
        self.depth_sensor.add_read_only_option(rs.option.depth_units, depth_unit_m)
        pose = rs.extrinsics()
        pose.rotation = list(depth_to_color.matrix.T.ravel())
        pose.translation = list(depth_to_color.translation_m)
        self.depth_profile.register_extrinsics_to(self.color_profile, pose)
        self.device.create_matcher(rs.matchers.default)

    def _stream(self, sensor: Any, kind: Any, form: Any, camera: Intrinsics) -> Any:
        rs = self.rs
        stream, lens = rs.video_stream(), rs.intrinsics()
        lens.width, lens.height = camera.width_px, camera.height_px
        lens.fx, lens.fy, lens.ppx, lens.ppy = (
            camera.fx_px,
            camera.fy_px,
            camera.cx_px,
            camera.cy_px,
        )
        lens.model = getattr(rs.distortion, camera.distortion)
        lens.coeffs = list(camera.coefficients)
        stream.type, stream.fmt, stream.intrinsics = kind, form, lens
        stream.index, stream.uid = 0, 0 if kind == rs.stream.depth else 1
        stream.width, stream.height, stream.fps = camera.width_px, camera.height_px, 30
        stream.bpp = 2 if kind == rs.stream.depth else 3
        return sensor.add_video_stream(stream, True).as_video_stream_profile()

    def send_depth(self, image: np.ndarray, number: int, stamp_ms: float) -> None:
        frame = self._frame(image, self.depth_profile, number, stamp_ms)
        frame.depth_units = self._unit_m
        self.depth_sensor.on_video_frame(frame)

    def send_color(self, image: np.ndarray, number: int, stamp_ms: float) -> None:
        self.color_sensor.on_video_frame(self._frame(image, self.color_profile, number, stamp_ms))

    def send(self, number: int) -> None:
        """Both images of a moment; depth is 1000 mm and its number, colour is its number."""
        depth = self.depth_profile.get_intrinsics()
        color = self.color_profile.get_intrinsics()
        stamp_ms = number * 1000 / 30
        self.send_depth(
            np.full((depth.height, depth.width), 1000 + number, np.uint16), number, stamp_ms
        )
        self.send_color(
            np.full((color.height, color.width, 3), number % 256, np.uint8), number, stamp_ms
        )

    def _frame(self, image: np.ndarray, profile: Any, number: int, stamp_ms: float) -> Any:
        frame = self.rs.software_video_frame()
        frame.pixels, frame.stride, frame.bpp = image, image.strides[0], image.strides[1]
        frame.timestamp, frame.frame_number = stamp_ms, number
        frame.domain, frame.profile = self.rs.timestamp_domain.hardware_clock, profile
        return frame


class Sending:
    """Sends numbered frames from a thread, one every `every_s`, from entry to exit."""

    def __init__(self, camera: SoftwareCamera, first: int = 0, every_s: float = 0.03) -> None:
        self._camera = camera
        self._every_s = every_s
        self._stop = threading.Event()
        self.next = first
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._camera.send(self.next)
            self.next += 1
            time.sleep(self._every_s)

    def __enter__(self) -> Sending:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Send no more; both images of the last moment are out."""
        self._stop.set()
        self._thread.join()
