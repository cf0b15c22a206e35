"""RealSense recordings, through librealsense and without it."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.sources.recording import RecordingSource
from motionrgbd.core.sources.rosbag import open_recording

RECORDINGS = {  # images listed, pairs
    "single_depth_color_640x480.bag": (3, 0),
    "fpha_sr300_24f.bag": (48, 24),
    "cgd_devel59_22_60f.bag": (120, 60),
}


def sdk_source(path: Path) -> RecordingSource:
    from motionrgbd.core.sources.sdk import SdkPlayer

    return RecordingSource(path, SdkPlayer(path))


READERS = {"pure": RecordingSource, "librealsense": sdk_source}


def all_frames(source: RecordingSource) -> list[RGBDFrame]:
    return list(iter(source.read, None))


def same(a: RGBDFrame, b: RGBDFrame) -> bool:
    return (
        (a.index, a.timestamp_s, a.arrival_s) == (b.index, b.timestamp_s, b.arrival_s)
        and np.array_equal(a.color, b.color)  # type: ignore[arg-type]
        and np.array_equal(a.depth, b.depth)  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def db3(software_camera: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recorded by librealsense from a software camera: frames 0, 1, 2 ... at 30 Hz.

    The camera ends before the recording: were it cut between the two images of a moment, it would
    be chance whether the last one is in the file.
    """
    from motionrgbd.core.sources.realsense import record_realsense

    path = tmp_path_factory.mktemp("db3") / "software.db3"
    camera = software_camera.SoftwareCamera()
    seen: list[int] = []
    with software_camera.Sending(camera) as sending:

        def enough() -> bool:
            if len(seen) < 12:
                return False
            sending.end()
            return True

        record_realsense(
            path,
            stop=enough,
            on_frame=lambda frame: seen.append(frame.index),
            device=camera.device,
        )
    return path


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_image_of_a_recording_is_counted(shared_data: Path, name: str) -> None:
    source = RecordingSource(shared_data / "realsense" / name)
    frames = all_frames(source)
    images, pairs = RECORDINGS[name]
    assert len(frames) == source.counts.pairs == pairs
    assert source.counts.images_read == images
    assert source.ended_early is None
    stamps = [f.timestamp_s for f in frames]
    assert stamps == sorted(set(stamps))
    source.close()


@pytest.mark.parametrize("name", RECORDINGS)
def test_both_readers_give_the_same_frames(
    shared_data: Path, software_camera: Any, name: str
) -> None:
    path = shared_data / "realsense" / name
    pure, sdk = RecordingSource(path), sdk_source(path)
    assert pure.info == sdk.info
    theirs = all_frames(sdk)
    ours = all_frames(pure)
    assert len(ours) == len(theirs)
    assert all(same(a, b) for a, b in zip(ours, theirs, strict=True))
    assert pure.counts == sdk.counts
    pure.close()
    sdk.close()


def test_both_readers_give_the_same_frames_of_a_db3(db3: Path) -> None:
    pure, sdk = RecordingSource(db3), sdk_source(db3)
    assert pure.info == sdk.info
    ours, theirs = all_frames(pure), all_frames(sdk)
    assert len(ours) >= 12
    assert all(same(a, b) for a, b in zip(ours, theirs, strict=True))
    for frame in ours:  # what the software camera sent
        assert frame.color is not None
        assert frame.depth is not None
        assert (frame.color == frame.index).all()
        assert set(np.unique(frame.depth)) <= {0, 1000 + frame.index}
        assert frame.timestamp_s == pytest.approx(frame.index / 30, abs=1e-6)
    assert pure.counts == sdk.counts
    pure.close()
    sdk.close()


@pytest.mark.parametrize("name", ["fpha_sr300_24f.bag", "single_depth_color_640x480.bag"])
def test_calibration_is_what_librealsense_says(
    shared_data: Path, software_camera: Any, name: str
) -> None:
    from motionrgbd.core.sources import sdk

    path = shared_data / "realsense" / name
    file = open_recording(path)
    rig = file.header.rig
    file.close()
    rs = sdk.load()
    device = rs.context().load_device(str(path))
    profiles = {p.stream_type(): p for s in device.query_sensors() for p in s.get_stream_profiles()}
    depth, color = profiles[rs.stream.depth], profiles[rs.stream.color]
    assert rig.depth == sdk.intrinsics(depth)
    assert rig.color == sdk.intrinsics(color)
    theirs = sdk.extrinsics(depth, color)
    assert rig.depth_to_color.rotation == pytest.approx(theirs.rotation, abs=1e-6)
    assert rig.depth_to_color.translation_m == pytest.approx(theirs.translation_m, abs=1e-6)
    assert rig.depth_unit_m == pytest.approx(0.001)


@pytest.mark.parametrize("reader", READERS)
def test_seek_goes_to_the_first_frame_at_or_after(
    shared_data: Path, software_camera: Any, reader: str
) -> None:
    source = READERS[reader](shared_data / "realsense" / "cgd_devel59_22_60f.bag")
    whole = all_frames(source)
    for index in (45, 0, 59, 30):
        source.seek(whole[index].timestamp_s - 0.01)
        found = source.read()
        assert found is not None
        assert same(found, whole[index])
    assert len(all_frames(source)) == 29
    source.seek(1e6)
    assert source.read() is None
    source.close()


@pytest.mark.parametrize("reader", READERS)
def test_close_from_another_thread_ends_reading(
    shared_data: Path, software_camera: Any, reader: str
) -> None:
    source = READERS[reader](shared_data / "realsense" / "cgd_devel59_22_60f.bag")
    reading = threading.Thread(target=lambda: all_frames(source))
    reading.start()
    began = time.monotonic()
    source.close()
    reading.join(2)
    assert not reading.is_alive()
    assert time.monotonic() - began < 1  # 0.3 s is the aim; the machine may be busy
    source.close()
    assert source.read() is None


def damaged(whole: bytes, kind: str) -> bytes:
    middle = len(whole) // 2
    return {
        "empty": b"",
        "garbage": bytes(range(256)) * 40,
        "cut off": whole[:middle],
        "head only": whole[:200],
        "zeros": bytes(len(whole) // 10),
    }[kind]


@pytest.mark.parametrize("suffix", [".bag", ".db3"])
@pytest.mark.parametrize("kind", ["empty", "garbage", "cut off", "head only", "zeros"])
def test_damaged_recordings_are_refused_in_one_line(
    shared_data: Path, db3: Path, tmp_path: Path, kind: str, suffix: str
) -> None:
    whole = db3 if suffix == ".db3" else shared_data / "realsense" / "fpha_sr300_24f.bag"
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(damaged(whole.read_bytes(), kind))
    for reader in READERS.values():
        message = read_damaged(reader, path)
        assert path.name in message
        assert "\n" not in message


def read_damaged(reader: Callable[[Path], RecordingSource], path: Path) -> str:
    """What is said of it: as an error, or, where the first frames could be read, beside them."""
    try:
        source = reader(path)
        frames = all_frames(source)
    except SourceError as problem:
        return str(problem)
    source.close()
    assert len(frames) > 0
    return str(source.ended_early)


@pytest.mark.parametrize("reader", READERS)
def test_what_was_read_before_the_damage_is_kept(db3: Path, tmp_path: Path, reader: str) -> None:
    path = tmp_path / "damaged.db3"
    shutil.copy(db3, path)
    with sqlite3.connect(path) as file:
        file.execute(
            "UPDATE messages SET data = x'00010000' WHERE id = (SELECT id FROM messages"
            " WHERE topic_id = (SELECT id FROM topics WHERE name LIKE '%compressedDepth')"
            " ORDER BY id LIMIT 1 OFFSET 6)"
        )
    file.close()
    source = READERS[reader](path)
    frames = all_frames(source)
    assert len(frames) >= 5
    assert source.ended_early is not None
    assert "damaged.db3" in source.ended_early
    source.close()


@pytest.mark.parametrize("unit", ["0.000000", "nan", "-1", "7"])
def test_an_impossible_depth_scale_is_refused(db3: Path, tmp_path: Path, unit: str) -> None:
    path = tmp_path / "scale.db3"
    shutil.copy(db3, path)
    text = unit.encode() + b"\0"
    data = b"\x00\x01\x00\x00" + len(text).to_bytes(4, "little") + text
    with sqlite3.connect(path) as file:
        file.execute(
            "UPDATE messages SET data = ? WHERE topic_id ="
            " (SELECT id FROM topics WHERE name LIKE '%Depth_Units/value')",
            (data,),
        )
    file.close()
    with pytest.raises(SourceError, match="depth unit"):
        RecordingSource(path)


def test_missing_file_and_foreign_database(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        RecordingSource(tmp_path / "absent.bag")
    other = tmp_path / "other.db3"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE notes(text)")
    connection.commit()
    connection.close()
    with pytest.raises(SourceError, match="no RealSense recording"):
        RecordingSource(other)


def test_close_ends_a_read_that_waits_for_its_player(shared_data: Path) -> None:
    """A player that neither delivers nor stops must not hold up the program's end."""

    class Stuck:
        def __init__(self) -> None:
            self.asked, self.closed = threading.Event(), threading.Event()

        def images(self, skip_s: float) -> Any:
            self.asked.set()
            self.closed.wait(5)
            yield from ()

        def close(self) -> None:
            self.closed.set()

    player = Stuck()
    source = RecordingSource(shared_data / "realsense" / "fpha_sr300_24f.bag", player)
    found: list[RGBDFrame | None] = []
    thread = threading.Thread(target=lambda: found.append(source.read()))
    thread.start()
    assert player.asked.wait(5)
    began = time.monotonic()
    source.close()
    thread.join()
    assert time.monotonic() - began < 3
    assert found == [None]
    assert source.ended_early is None


def test_a_closed_player_waits_for_nothing() -> None:
    from motionrgbd.core.sources.sdk import _Run

    run, closed = object.__new__(_Run), threading.Event()
    closed.set()
    assert list(run.images(closed)) == []  # it has no player to ask
