"""The RealSense camera through the real pipeline, with a software device in the camera's place."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionrgbd.core.errors import CameraError, OutputError, UsageError
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.sources.options import SourceOptions


@pytest.fixture
def camera(software_camera: Any) -> Any:
    return software_camera.SoftwareCamera()


@pytest.fixture
def opened(camera: Any) -> Iterator[Any]:
    """Opens sources on the camera and closes them at the end."""
    from motionrgbd.core.sources.realsense import RealSenseSource

    sources = []

    def open_camera(**options: Any) -> RealSenseSource:
        sources.append(RealSenseSource(SourceOptions(**options), device=camera.device))
        return sources[-1]

    yield open_camera
    for source in sources:
        source.close()


def read(source: Any) -> RGBDFrame:
    frame = source.read()
    assert isinstance(frame, RGBDFrame)
    return frame


def until_silent(source: Any) -> tuple[list[RGBDFrame], CameraError]:
    """All frames until the camera is reported, and the report."""
    frames = []
    while True:
        try:
            frames.append(read(source))
        except CameraError as problem:
            return frames, problem


def test_frames_are_pairs_aligned_and_timed(software_camera: Any, camera: Any, opened: Any) -> None:
    source = opened()
    assert source.info.live
    assert source.info.name == "Software camera"
    assert source.info.intrinsics.fx_px == 613.0
    with software_camera.Sending(camera):
        frames = [read(source) for _ in range(8)]
    for frame in frames:
        assert frame.color is not None
        assert frame.depth is not None
        assert (frame.color == frame.index).all()
        assert set(np.unique(frame.depth)) <= {0, 1000 + frame.index}
        assert (frame.depth > 0).mean() > 0.9
        assert frame.timestamp_s == pytest.approx(frame.index / 30, abs=1e-6)
        assert frame.arrival_s is not None
    assert all(b.timestamp_s > a.timestamp_s for a, b in itertools.pairwise(frames))


def test_no_camera_answers_at_once(software_camera: Any) -> None:
    from motionrgbd.core.sources.realsense import RealSenseSource

    began = time.monotonic()
    # a serial number that none has: the test also holds where a camera is plugged in
    with pytest.raises(CameraError, match="no RealSense camera"):
        RealSenseSource(SourceOptions(serial="000000000000"))
    assert time.monotonic() - began < 5  # librealsense's own start waits 15 s


def test_a_camera_that_is_pulled_while_asked_for_is_asked_again(opened: Any) -> None:
    running = opened()._running

    class Unplugging:
        def query_devices(self) -> list[Any]:
            raise RuntimeError("failed to open usb interface")

    running._context = Unplugging()
    assert running.is_connected()


def test_a_size_the_camera_lacks_is_refused_at_once(opened: Any) -> None:
    with pytest.raises(CameraError, match="offers no colour and depth at 1280x720 and 30 Hz"):
        opened(size_px=(1280, 720))


def test_a_silent_camera_is_reported_and_used_when_it_returns(
    software_camera: Any, camera: Any, opened: Any
) -> None:
    source = opened(silence_timeout_s=0.3)
    with software_camera.Sending(camera) as sending:
        last = [read(source) for _ in range(3)][-1]
    frames, problem = until_silent(source)  # what was sent before the silence comes first
    last = [last, *frames][-1]
    assert "has sent nothing for 0.3 s" in str(problem)
    with pytest.raises(CameraError, match="nothing"):
        source.read()
    with software_camera.Sending(camera, first=sending.next + 20):
        frame = read(source)
    assert frame.index >= sending.next + 20  # a jump: images were lost
    assert frame.timestamp_s > last.timestamp_s


def test_a_clock_that_starts_anew_never_turns_back(
    software_camera: Any, camera: Any, opened: Any
) -> None:
    source = opened()
    with software_camera.Sending(camera, first=3000):
        before = [read(source) for _ in range(3)][-1]
    with software_camera.Sending(camera, first=0):
        deadline = time.monotonic() + 5
        while (after := read(source)).index > 2000:
            before = after
            assert time.monotonic() < deadline
    assert after.timestamp_s > before.timestamp_s


def test_a_pulled_camera_is_reported_and_used_when_plugged_in_again(
    software_camera: Any, camera: Any, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from motionrgbd.core.sources import realsense

    source = opened()
    with software_camera.Sending(camera):
        read(source)
    # librealsense cannot unplug a software device: leave it out of the list of those that answer
    device, source._device = source._device, None
    monkeypatch.setattr(realsense._Running, "is_connected", lambda self: False)
    assert "was unplugged: plug it in again" in str(until_silent(source)[1])
    source._device = device
    monkeypatch.undo()
    with software_camera.Sending(camera, first=1000):
        assert read(source).index >= 1000


def test_close_ends_a_blocked_read(opened: Any) -> None:
    source = opened(silence_timeout_s=60)
    answers: list[Any] = []
    reading = threading.Thread(target=lambda: answers.append(source.read()))
    reading.start()
    time.sleep(0.15)
    began = time.monotonic()
    source.close()
    reading.join(2)
    assert not reading.is_alive()
    assert answers == [None]
    assert time.monotonic() - began < 1  # 0.3 s is the aim; the machine may be busy


def test_images_without_partner_are_counted(camera: Any, opened: Any) -> None:
    source = opened(silence_timeout_s=0.3)
    depth, color = np.full((480, 640), 900, np.uint16), np.zeros((480, 640, 3), np.uint8)

    def send() -> None:
        for number in range(12):
            camera.send_depth(depth, number, number * 33.3)
            if number % 3 == 0:
                camera.send_color(color, number, number * 33.3)
            time.sleep(0.03)

    sending = threading.Thread(target=send)
    sending.start()
    frames, _ = until_silent(source)
    sending.join()
    assert {f.index for f in frames} <= {0, 3, 6, 9}
    assert source.counts.unpaired_depth > 0
    assert source.counts.out_of_order == 0  # repeats in librealsense's framesets are no images


def test_filters_keep_depth_aligned(software_camera: Any, camera: Any, opened: Any) -> None:
    source = opened(filters=("decimation", "spatial", "temporal", "holes"))
    with software_camera.Sending(camera):
        frame = [read(source) for _ in range(3)][-1]
    assert frame.depth is not None
    assert frame.depth.shape == (480, 640)
    assert (frame.depth > 0).mean() > 0.9  # half the pixels, aligned by the halved intrinsics


def test_a_preset_the_camera_lacks_is_refused(opened: Any) -> None:
    with pytest.raises(UsageError, match="this camera has no presets"):
        opened(preset="High Accuracy")


def test_depth_units_become_millimetres(software_camera: Any) -> None:
    from motionrgbd.core.sources.realsense import RealSenseSource

    camera = software_camera.SoftwareCamera(depth_unit_m=0.0001)
    source = RealSenseSource(device=camera.device)
    with software_camera.Sending(camera):
        frame = read(source)
    source.close()
    assert frame.depth is not None
    assert set(np.unique(frame.depth)) <= {0, round((1000 + frame.index) / 10)}


@pytest.mark.parametrize("name", ["a.bag", "missing/a.db3", "there.db3"])
def test_a_destination_that_cannot_be_is_refused_first(
    camera: Any, tmp_path: Path, name: str
) -> None:
    from motionrgbd.core.sources.realsense import record_realsense

    (tmp_path / "there.db3").write_text("precious")
    with pytest.raises(OutputError):
        record_realsense(tmp_path / name, stop=lambda: True, device=camera.device)
    assert (tmp_path / "there.db3").read_text() == "precious"
