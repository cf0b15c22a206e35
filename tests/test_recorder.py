"""Recordings as folders of pictures, and conversion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core import recorder as recorder_module
from motionrgbd.core.errors import OutputError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.recorder import FolderRecorder, FolderWriter, convert
from motionrgbd.core.sources.folder import FolderSource
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.recording import RecordingSource

CAMERA = Intrinsics(8, 6, 7.0, 7.0, 4.0, 3.0)
INFO = SourceInfo("test", True, 25.0, True, True, CAMERA)


def frame(i: int) -> RGBDFrame:
    rng = np.random.default_rng(i)
    return RGBDFrame(
        rng.integers(0, 255, (6, 8, 3), np.uint8),
        rng.integers(0, 65535, (6, 8), np.uint16),
        index=2 * i,
        timestamp_s=100 + i / 3,
    )


def frames_of(path: Path) -> Iterator[RGBDFrame]:
    return iter(FolderSource(path).read, None)


def same(a: RGBDFrame, b: RGBDFrame) -> bool:
    return (
        (a.index, a.timestamp_s) == (b.index, b.timestamp_s)
        and np.array_equal(a.color, b.color)  # type: ignore[arg-type]
        and np.array_equal(a.depth, b.depth)  # type: ignore[arg-type]
    )


def test_a_recording_converts_without_loss(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "realsense" / "fpha_sr300_24f.bag"
    source = RecordingSource(path)
    assert convert(source, tmp_path / "out") == 24
    source.close()
    whole = RecordingSource(path)
    replayed = FolderSource(tmp_path / "out")
    assert replayed.info.intrinsics == whole.info.intrinsics
    assert replayed.info.fps_hz == whole.info.fps_hz
    for ours in frames_of(tmp_path / "out"):
        original = whole.read()
        assert original is not None
        assert same(ours, original)
    assert whole.read() is None
    whole.close()


@pytest.mark.parametrize("direction", ["brighter", "darker"])
def test_eight_bit_depth_converts_with_its_scale(tmp_path: Path, direction: str) -> None:
    """Released recipes see the stored codes: a copy must know them as well."""
    for name in ("color", "depth"):
        (tmp_path / "clip" / name).mkdir(parents=True)
        codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
        cv2.imwrite(str(tmp_path / "clip" / name / "0.png"), codes)
    told = SourceOptions(depth_direction=direction, near_mm=300, step_mm=7)
    source = FolderSource(tmp_path / "clip", told)
    assert convert(source, tmp_path / "out") == 1
    copy = FolderSource(tmp_path / "out")
    assert copy.info.eight_bit == source.info.eight_bit == told.eight_bit(tmp_path)
    source.seek(0.0)
    ours, original = copy.read(), source.read()
    assert ours is not None
    assert original is not None
    assert same(ours, original)


def test_the_recorder_keeps_depth_numbers_and_times(tmp_path: Path) -> None:
    recorder = FolderRecorder(tmp_path / "out", INFO)
    for i in range(10):
        recorder.add(frame(i))
    recorder.close()
    assert (recorder.written, recorder.lost) == (10, 0)
    for i, found in enumerate(frames_of(tmp_path / "out")):
        assert np.array_equal(found.depth, frame(i).depth)  # type: ignore[arg-type]
        assert (found.index, found.timestamp_s) == (2 * i, 100 + i / 3)


def test_a_slow_disk_loses_frames_and_counts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "_WAITING_FRAMES", 2)
    recorder = FolderRecorder(tmp_path / "out", INFO)
    for i in range(300):
        recorder.add(frame(i))
    recorder.close()
    assert recorder.lost > 0
    assert recorder.written + recorder.lost == 300
    assert len(list(frames_of(tmp_path / "out"))) == recorder.written


def test_a_crash_leaves_a_folder_that_replays(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path / "out", INFO)
    for i in range(4):
        writer.write(frame(i))
    # as if the program died: no close, and pictures of a frame that was not finished
    (tmp_path / "out" / "color" / "000004.png").write_bytes(b"\x89PN")
    found = list(frames_of(tmp_path / "out"))
    assert len(found) == 4
    assert all(same(a, frame(i)) for i, a in enumerate(found))
    writer.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full: not Linux")
def test_a_full_disk_is_told_once(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path / "out", INFO)
    writer._times.close()
    writer._times = open("/dev/full", "w")  # noqa: SIM115
    with pytest.raises(OutputError, match="No space left"):
        writer.write(frame(0))
    writer.close()  # tries to write the line again


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("precious")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(OutputError, match="exists already"):
            FolderRecorder(path, INFO)
    assert (tmp_path / "notes.txt").read_text() == "precious"


def test_a_place_that_cannot_be_written_is_said_first(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        FolderRecorder(tmp_path / "file" / "out", INFO)


def test_a_disk_that_fails_is_reported_and_what_was_written_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = FolderRecorder(tmp_path / "out", INFO, ".png")
    write = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if self.name.startswith("000003"):
            raise OSError(28, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"No space left.*3 frames before are kept"):
        add_until_refused(recorder)
    assert len(list(frames_of(tmp_path / "out"))) == 3


def add_until_refused(recorder: FolderRecorder) -> None:
    try:
        for i in range(20):
            recorder.add(frame(i))
    finally:
        recorder.close()


def test_a_source_of_one_stream_records_one(tmp_path: Path) -> None:
    info = SourceInfo("webcam", True, 30.0, True, False)
    writer = FolderWriter(tmp_path / "out", info)
    for i in range(3):
        writer.write(RGBDFrame(frame(i).color, None, i, i / 30))
    writer.close()
    found = list(frames_of(tmp_path / "out"))
    assert len(found) == 3
    assert all(f.depth is None for f in found)
