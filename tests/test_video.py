"""Video files, alone and in pairs."""

from __future__ import annotations

import threading
from pathlib import Path

import av
import numpy as np
import pytest

from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.video import VideoSource, find_pair

BRIGHTER = SourceOptions(depth_direction="brighter")
DARKER = SourceOptions(depth_direction="darker")


def write_video(path: Path, frames: int = 20, size: tuple[int, int] = (64, 48)) -> Path:
    """A loss-free video at 10 Hz; frame i is grey i + 10 everywhere."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("ffv1", rate=10)
        stream.width, stream.height = size
        stream.pix_fmt = "gray"
        for i in range(frames):
            image = np.full((size[1], size[0]), i + 10, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="gray")):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)
    return path


def all_frames(source: VideoSource) -> list[RGBDFrame]:
    return list(iter(source.read, None))


def test_a_pair_is_read_frame_by_frame(tmp_path: Path) -> None:
    color = write_video(tmp_path / "M_1.mkv")
    depth = write_video(tmp_path / "K_1.mkv")
    source = VideoSource(color, depth, DARKER)
    assert source.info.fps_hz == 10
    assert source.info.depth_encoding == "darker_is_nearer"
    frames = all_frames(source)
    assert [f.index for f in frames] == list(range(20))
    assert [f.timestamp_s for f in frames] == pytest.approx([i / 10 for i in range(20)])
    for i, frame in enumerate(frames):
        assert frame.depth is not None
        assert (frame.depth == 200 + (i + 10 - 1) * 4).all()
    assert source.counts.pairs == 20
    assert source.ended_early is None
    source.close()


@pytest.mark.parametrize(
    ("color", "depth", "frames", "options"),
    [
        ("cgd2011/devel59/M_22.avi", "cgd2011/devel59/K_22.avi", 60, DARKER),
        ("isogd/train/001/M_00003.avi", "isogd/train/001/K_00003.mp4", 53, DARKER),
        (
            "nvgesture_untrimmed/class_07_subject6_r0_color.mp4",
            "nvgesture_untrimmed/class_07_subject6_r0_depth.mp4",
            241,
            BRIGHTER,
        ),
    ],
)
def test_pairs_of_the_data_sets_are_found_by_name_and_read_whole(
    shared_data: Path, color: str, depth: str, frames: int, options: SourceOptions
) -> None:
    pair = (shared_data / color, shared_data / depth)
    assert find_pair(pair[0]) == find_pair(pair[1]) == pair
    source = VideoSource(*pair, options)
    found = all_frames(source)
    assert len(found) == source.counts.pairs == source.info.frame_count == frames
    stamps = [f.timestamp_s for f in found]
    assert stamps == sorted(set(stamps))
    for index in (frames - 3, 0, frames // 2):
        source.seek(stamps[index])
        frame = source.read()
        assert frame is not None
        assert (frame.index, frame.timestamp_s) == (index, stamps[index])
        assert np.array_equal(frame.color, found[index].color)  # type: ignore[arg-type]
        assert np.array_equal(frame.depth, found[index].depth)  # type: ignore[arg-type]
    source.close()


def test_the_direction_is_never_guessed(shared_data: Path) -> None:
    path = shared_data / "cgd2011" / "devel59" / "M_22.avi"
    with pytest.raises(SourceError, match="say --depth-direction"):
        VideoSource(*find_pair(path))


def test_a_video_alone_is_colour(tmp_path: Path) -> None:
    source = VideoSource(*find_pair(write_video(tmp_path / "holiday.mkv")))
    frames = all_frames(source)
    assert len(frames) == source.counts.singles == 20
    assert all(f.depth is None for f in frames)
    assert not source.info.has_depth
    source.close()


def test_counts_that_differ_are_named(tmp_path: Path) -> None:
    color = write_video(tmp_path / "c.mkv", 20)
    with pytest.raises(SourceError, match=r"c\.mkv has 20 frames and d\.mkv 18"):
        VideoSource(color, write_video(tmp_path / "d.mkv", 18), DARKER)
    source = VideoSource(color, write_video(tmp_path / "e.mkv", 19), DARKER)
    assert len(all_frames(source)) == 19
    assert source.counts.unpaired_color == 1
    source.close()
    with pytest.raises(SourceError, match=r"64x48 pixels and .* 32x24"):
        VideoSource(color, write_video(tmp_path / "f.mkv", 20, (32, 24)), DARKER)


@pytest.mark.parametrize("content", [b"", b"RIFF", bytes(range(256)) * 20])
def test_what_is_no_video_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.avi"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"broken\.avi is damaged") as caught:
        VideoSource(path)
    assert "\n" not in str(caught.value)


def test_a_video_cut_off_gives_its_first_frames(shared_data: Path, tmp_path: Path) -> None:
    whole = (shared_data / "cgd2011" / "devel59" / "M_22.avi").read_bytes()
    path = tmp_path / "cut.avi"
    path.write_bytes(whole[: len(whole) // 2])
    source = VideoSource(path)
    assert 10 < len(all_frames(source)) < 60
    assert "of its 60 frames" in str(source.ended_early)
    source.close()


def test_close_from_another_thread(tmp_path: Path) -> None:
    source = VideoSource(write_video(tmp_path / "a.mkv", 200))
    reading = threading.Thread(target=lambda: all_frames(source))
    reading.start()
    source.close()
    reading.join(2)
    assert not reading.is_alive()
    assert source.read() is None
