"""Folders of pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from motionrgbd.calibration.extrinsics import Extrinsics
from motionrgbd.calibration.files import Calibration, write_calibration
from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.errors import SourceError
from motionrgbd.core.sources.folder import FolderSource
from motionrgbd.core.sources.options import SourceOptions

BRIGHTER = SourceOptions(depth_direction="brighter")


def write_clip(
    folder: Path, frames: int = 5, *, bits: int = 16, names: tuple[str, str] = ("color", "depth")
) -> Path:
    """Colour of frame i is i everywhere; depth is 1000 + i mm, or code 100 + i."""
    for name in names:
        (folder / name).mkdir(parents=True)
    for i in range(frames):
        depth = np.full((6, 8), 1000 + i if bits == 16 else 100 + i, f"uint{bits}")
        cv2.imwrite(str(folder / names[0] / f"{i}.png"), np.full((6, 8, 3), i, np.uint8))
        cv2.imwrite(str(folder / names[1] / f"{i}.png"), depth)
    return folder


def depths(source: FolderSource) -> list[int]:
    found = []
    while (frame := source.read()) is not None:
        assert frame.depth is not None
        found.append(int(frame.depth[3, 4]))
    return found


def test_pairs_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    source = FolderSource(write_clip(tmp_path, 12))
    assert depths(source) == list(range(1000, 1012))  # 10 does not come before 2
    assert source.counts.pairs == source.info.frame_count == 12
    assert source.info.depth_encoding == "millimetres"


def test_the_nvgesture_layout_is_found_from_either_side(shared_data: Path) -> None:
    for side in ("rgb", "depth"):
        source = FolderSource(shared_data / "nvgesture" / side / "subject11_r0", BRIGHTER)
        assert source.info.frame_count == 80
        assert source.info.depth_encoding == "brighter_is_nearer"
        frame = source.read()
        assert frame is not None
        assert frame.color is not None
        assert frame.depth is not None
        assert 0 < frame.depth[frame.depth > 0].min() < frame.depth.max() <= 1216
    with pytest.raises(SourceError, match="holds 2 clips: name one, such as"):
        FolderSource(shared_data / "nvgesture", BRIGHTER)


def test_eight_bit_depth_comes_back_exactly(tmp_path: Path) -> None:
    source = FolderSource(write_clip(tmp_path, bits=8), BRIGHTER)
    assert depths(source) == [200 + (255 - 100 - i) * 4 for i in range(5)]


def test_eight_bit_depth_without_direction_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="--depth-direction brighter or --depth-direction darker"):
        FolderSource(write_clip(tmp_path, bits=8))


def test_the_calibration_may_tell_the_direction_and_the_unit(tmp_path: Path) -> None:
    eight = write_clip(tmp_path / "eight", bits=8)
    told = Calibration(depth_encoding="darker_is_nearer", near_mm=500, step_mm=2)
    write_calibration(eight / "calibration.json", told)
    assert depths(FolderSource(eight))[0] == 500 + 99 * 2
    assert depths(FolderSource(eight, BRIGHTER))[0] == 500 + 155 * 2  # the option is stronger
    sixteen = write_clip(tmp_path / "sixteen")
    write_calibration(sixteen / "calibration.json", Calibration(depth_unit_m=0.0001))
    assert depths(FolderSource(sixteen)) == [100] * 5


def test_depth_of_another_camera_is_aligned(tmp_path: Path) -> None:
    clip = write_clip(tmp_path, frames=1)
    cv2.imwrite(str(clip / "depth" / "0.png"), np.full((12, 16), 700, np.uint16))
    with pytest.raises(SourceError, match=r"colour is 8x6 and depth 16x12.*calibration\.json"):
        FolderSource(clip)
    color = Intrinsics(8, 6, 8.0, 8.0, 4.0, 3.0)
    write_calibration(
        clip / "calibration.json", Calibration(color, color.scaled(16, 12), Extrinsics())
    )
    assert depths(FolderSource(clip)) == [700]


def test_times_rate_and_seek(tmp_path: Path) -> None:
    clip = write_clip(tmp_path)
    assert FolderSource(clip).info.fps_hz == 30
    assert FolderSource(clip, SourceOptions(fps_hz=10)).info.duration_s == pytest.approx(0.5)
    (clip / "timestamps.csv").write_text(
        "index,timestamp_s\n7,100.0\n8,100.05\n11,100.1\n12,100.15\n"
    )
    source = FolderSource(clip)
    assert source.info.fps_hz == pytest.approx(20)
    source.seek(100.06)
    frame = source.read()
    assert frame is not None
    assert (frame.index, frame.timestamp_s) == (11, 100.1)
    assert depths(source) == [1003]  # four times are told, the fifth pair was not finished


@pytest.mark.parametrize("half", ["", "2", "2,", "2,100.", "2,-"])
def test_a_line_that_is_half_written_is_left_out(tmp_path: Path, half: str) -> None:
    clip = write_clip(tmp_path)
    (clip / "timestamps.csv").write_text("index,timestamp_s\n0,100.0\n1,100.05\n" + half)
    assert depths(FolderSource(clip)) == [1000, 1001]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("index,timestamp_s\n" + "".join(f"{i},{i}\n" for i in range(9)), "lists 9 frames"),
        ("index,timestamp_s\n0,1.0\n1,0.5\n", "do not grow"),
        ("index,timestamp_s\n0,now\n", "damaged"),
        ("index,timestamp_s\n0,1.0\n1,nan\n", "not a number"),
        ("", "lists 0 frames"),
    ],
)
def test_times_that_do_not_fit_are_refused(tmp_path: Path, text: str, message: str) -> None:
    clip = write_clip(tmp_path)
    (clip / "timestamps.csv").write_text(text)
    with pytest.raises(SourceError, match=message):
        FolderSource(clip)


def test_mismatched_counts_are_named(tmp_path: Path) -> None:
    clip = write_clip(tmp_path)
    (clip / "depth" / "4.png").unlink()
    with pytest.raises(SourceError, match="5 colour and 4 depth pictures"):
        FolderSource(clip)


def test_folders_without_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no pictures"):
        FolderSource(tmp_path)
    write_clip(tmp_path / "a")
    (tmp_path / "a" / "depth").rename(tmp_path / "a" / "infrared")
    with pytest.raises(SourceError, match="holds no folder 'depth'"):
        FolderSource(tmp_path / "a")
    with pytest.raises(SourceError, match=r"has no partner .*depth"):
        FolderSource(tmp_path / "a" / "color")
    with pytest.raises(SourceError, match="no such folder"):
        FolderSource(tmp_path / "absent")


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    clip = write_clip(tmp_path)
    (clip / "color" / "2.png").write_bytes(b"\x89PNG")
    source = FolderSource(clip)
    source.read()
    source.read()
    with pytest.raises(SourceError, match=r"2\.png is damaged"):
        source.read()
    (clip / "color" / "0.png").write_bytes(b"")
    with pytest.raises(SourceError, match=r"0\.png is damaged"):
        FolderSource(clip)


def test_pictures_alone_are_colour(shared_data: Path) -> None:
    source = FolderSource(shared_data / "jester" / "24")
    frame = source.read()
    assert frame is not None
    assert frame.depth is None
    assert not source.info.has_depth
    assert frame.color is not None
    assert frame.color.shape == (100, 176, 3)
