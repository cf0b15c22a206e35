"""One opener for everything that delivers frames."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionrgbd.core.errors import CameraError, SourceError, UsageError
from motionrgbd.core.sources import sdk
from motionrgbd.core.sources.open import SourceOptions, open_source
from motionrgbd.core.sources.source import SeekableSource, Source
from motionrgbd.core.sources.webcam import WebcamSource


def test_recordings_of_every_kind_open(shared_data: Path) -> None:
    video = shared_data / "cgd2011" / "devel59"
    for spec in (
        str(shared_data / "realsense" / "fpha_sr300_24f.bag"),
        str(shared_data / "nvgesture" / "rgb" / "subject11_r0"),
        str(video / "K_22.avi"),
        f"{video / 'M_22.avi'},{video / 'K_22.avi'}",
    ):
        source = open_source(spec, options=SourceOptions(depth_direction="darker"))
        assert isinstance(source, SeekableSource)
        assert not source.info.live
        assert source.info.has_color
        assert source.info.has_depth
        frame = source.read()
        assert frame is not None
        assert frame.arrival_s is None
        source.close()
        source.close()
        assert source.read() is None


def test_the_demo_opens() -> None:
    source = open_source("demo")
    assert source.info.synthetic
    source.close()


def test_a_bag_opens_without_librealsense(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    assert not sdk.is_available()
    source = open_source(str(shared_data / "realsense" / "fpha_sr300_24f.bag"))
    assert source.read() is not None
    source.close()


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("", UsageError, "no source is named"),
        ("webcam:front", UsageError, "named by its number"),
        ("absent.bag", SourceError, "no such file, folder or camera"),
        ("a.mp4,", UsageError, "COLOR_FILE,DEPTH_FILE"),
        (",b.mp4", UsageError, "COLOR_FILE,DEPTH_FILE"),
        ("a.mp4,b.mp4", SourceError, "no such file|8-bit depth"),
        (__file__, SourceError, "of no known kind"),
        ("webcam:77", CameraError, "no webcam 77 answers"),
    ],
)
def test_what_cannot_be_opened_is_said_at_once(
    spec: str, error: type[Exception], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    with pytest.raises(error, match=message) as caught:
        open_source(spec)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""
    assert time.monotonic() - began < 5


def test_the_serial_number_is_asked_for(software_camera: Any) -> None:
    with pytest.raises(CameraError, match="no RealSense camera"):
        open_source("realsense:000000000000")


@pytest.mark.parametrize(
    "wrong",
    [
        {"size_px": (0, 480)},
        {"fps_hz": -1.0},
        {"fps_hz": float("nan")},
        {"filters": ("blur",)},
        {"depth_direction": "inverse"},
        {"silence_timeout_s": 0.0},
    ],
)
def test_impossible_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        SourceOptions(**wrong)


class FakeCapture:
    """A webcam that gives three images and falls silent."""

    def __init__(self) -> None:
        self.left = 3
        self.released = False

    def read(self) -> tuple[bool, np.ndarray]:
        self.left -= 1
        return self.left >= 0, np.full((4, 6, 3), (255, 0, 10), np.uint8)

    def release(self) -> None:
        self.released = True


def test_a_webcam_gives_colour_in_rgb_and_is_reported_when_silent() -> None:
    capture = FakeCapture()
    source = WebcamSource(0, SourceOptions(silence_timeout_s=0.1), capture=capture)
    assert isinstance(source, Source)
    frames = [source.read() for _ in range(3)]
    for a, b in itertools.pairwise(frames):
        assert a is not None
        assert b is not None
        assert b.timestamp_s > a.timestamp_s
        assert b.index == a.index + 1
        assert b.color is not None
        assert b.color[0, 0].tolist() == [10, 0, 255]
        assert b.depth is None
    with pytest.raises(CameraError, match=r"has sent nothing for 0\.1 s"):
        source.read()
    source.close()
    assert capture.released
    assert source.read() is None
