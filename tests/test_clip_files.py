"""A download that lacks a part is told: half a video, a masked depth too short."""

from __future__ import annotations

import zipfile
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from motionrgbd.training.datasets.clip_files import (
    BrokenClipError,
    CropPerson,
    VideoToPictures,
    read_video,
)
from motionrgbd.training.datasets.download import Member
from motionrgbd.training.datasets.records import NUMBERED

FRAMES = 40


def write_video(path: Path) -> Path:
    """An AVI of noise: every frame takes its share of the file."""
    rng = np.random.default_rng(1)
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(FRAMES):
            noise = rng.integers(0, 256, (48, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise, "rgb24")))
        container.mux(stream.encode(None))
    return path


def half(path: Path) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


@pytest.mark.parametrize("archived", [False, True])
def test_half_a_video_is_not_taken_for_whole(tmp_path: Path, archived: bool) -> None:
    path = write_video(tmp_path / "whole.avi")
    assert sum(1 for _ in read_video(Member(str(path)))) == FRAMES
    cut = half(path)
    member = Member(str(cut))
    if archived:
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            archive.write(cut, "cut.avi")
        member = Member("cut.avi", tmp_path / "all.zip")
    told = rf"\.avi.* is cut off: \d+ frames of the {FRAMES} .* download it again"
    with pytest.raises(BrokenClipError, match=told):
        VideoToPictures()([member], tmp_path)
    with pytest.raises(BrokenClipError, match=told):
        VideoToPictures(5, FRAMES)([member], tmp_path)
    VideoToPictures(2, 8)([member], tmp_path)  # what a list cuts of it is there


def test_a_frame_without_its_mask_is_told(tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.avi")
    masks = []
    for i in range(FRAMES):
        path = tmp_path / f"MDepth-{i + 1:08d}.png"
        assert cv2.imwrite(str(path), np.full((48, 64), 900, np.uint16))
        masks.append(Member(str(path)))
    crop = CropPerson((32, 24), NUMBERED)
    with pytest.raises(BrokenClipError, match=f"more frames than .* {FRAMES - 3}, the last"):
        crop([Member(str(video)), *masks[:-3]], tmp_path)
    with pytest.raises(BrokenClipError, match="download it again"):
        crop([Member(str(half(video))), *masks], tmp_path)
