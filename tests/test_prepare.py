"""From each set's official layout, written small by these tests, to records and shards."""

from __future__ import annotations

import csv
import json
import lzma
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from motionrgbd.core.errors import OutputError, SourceError, UsageError
from motionrgbd.training.datasets.check import check
from motionrgbd.training.datasets.clip_files import crop_half, person_point
from motionrgbd.training.datasets.download import Download, Member
from motionrgbd.training.datasets.plan import Plan
from motionrgbd.training.datasets.plans import (
    PLANNERS,
    plan_isogd,
    plan_jester,
    plan_nvgesture,
)
from motionrgbd.training.datasets.prepare import REPORT_FILE, SCRATCH_FOLDER, prepare
from motionrgbd.training.datasets.reader import (
    packed_depth,
    read_list,
    read_pictures,
    read_records,
)
from motionrgbd.training.datasets.shard_reader import read_shard_set
from motionrgbd.training.datasets.shards import write_shards
from motionrgbd.training.datasets.table import BENCHMARKS

SIZE_PX = (64, 48)


def write_video(path: Path, levels: Sequence[int], size_px: tuple[int, int] = SIZE_PX) -> None:
    """A video as the sets have them, MPEG-4 in AVI; each frame is one grey level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = *size_px, "yuv420p"
        stream.bit_rate = 4_000_000
        for level in levels:
            picture = np.full((size_px[1], size_px[0], 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))


def write_png(path: Path, picture: NDArray[np.generic]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)


def nvgesture_line(clip: str, start: int, label: int, stop: int | None = None) -> str:
    cut = f"{start}:{start + 80 if stop is None else stop}"
    return (
        f"path:./Video_data/{clip} depth:sk_depth:{cut} color:sk_color:{cut} "
        f"duo_left:duo_left:1:9 label:{label} \n"
    )


def nvgesture_download(root: Path, clips: int = 2, size_px: tuple[int, int] = SIZE_PX) -> None:
    lines: dict[str, str] = {"train": "", "test": ""}
    for i in range(clips):
        clip = f"class_{i % 25 + 1:02d}/subject{i + 3}_r0"
        for k, video in enumerate(("sk_color", "sk_depth")):
            levels = range(20 + 10 * k, 110 + 10 * k)
            write_video(root / "Video_data" / clip / f"{video}.avi", levels, size_px)
        lines["test" if i == 1 else "train"] += nvgesture_line(clip, 5, i % 25 + 1)
    for part, text in lines.items():
        (root / f"nvgesture_{part}_correct_cvpr2016_v2.lst").write_text(text)


def isogd_download(root: Path) -> None:
    """As zip archives with lists inside; validation has no labels, as handed out."""
    root.mkdir(parents=True)
    for k, letter in enumerate("MK"):
        write_video(root / f"train/001/{letter}_00001.avi", range(60 + 50 * k, 84 + 50 * k))
        write_video(root / f"valid/001/{letter}_00001.avi", range(60, 90))
    (root / "train_list.txt").write_text("train/001/M_00001.avi train/001/K_00001.avi 26\n")
    (root / "valid_list.txt").write_text("valid/001/M_00001.avi valid/001/K_00001.avi\n")
    with zipfile.ZipFile(root / "IsoGD_phase_1.zip", "w") as archive:
        for path in sorted(root.rglob("*.avi")):
            archive.write(path, f"IsoGD_phase_1/{path.relative_to(root).as_posix()}")
            path.unlink()


def thuread_download(root: Path) -> None:
    """Colour JPEG, depth in 16 bits."""
    for name in ("thumb_cwx_1", "thumb_gs_1"):
        for i in range(20):
            write_png(
                root / "RGB" / f"RGB_{name}" / f"{i + 1}.jpg",
                np.full((48, 64, 3), 40 + 5 * i, np.uint8),
            )
            write_png(
                root / "Depth" / f"D_{name}" / f"{i + 1}.png",
                np.full((48, 64), 600 + 50 * i, np.uint16),
            )


def masked_person(x: int) -> NDArray[np.uint16]:
    depth = np.zeros((424, 512), np.uint16)
    depth[100:300, x : x + 100] = 2000
    return depth


def ntu_download(root: Path) -> None:
    """An archive of each modality and setup, as the owners name them, with the same folders."""
    for setup, name in enumerate(("S001C002P001R001A003", "S002C001P003R002A060"), 1):
        video = root / "video.avi"
        write_video(video, range(50, 70), (384, 216))
        with zipfile.ZipFile(root / f"nturgbd_rgb_s{setup:03d}.zip", "w") as archive:
            archive.write(video, f"nturgb+d_rgb/{name}_rgb.avi")
        video.unlink()
        with zipfile.ZipFile(root / f"nturgbd_depth_masked_s{setup:03d}.zip", "w") as archive:
            for i in range(20):
                done, data = cv2.imencode(".png", masked_person(100 + 5 * i))
                assert done
                path = f"nturgb+d_depth_masked/{name}/MDepth-{i + 1:08d}.png"
                archive.writestr(path, data.tobytes())


def jester_download(root: Path) -> None:
    """One compressed archive, cut into parts."""
    for name in ("177", "24"):
        for i in range(20):
            picture = np.full((100, 176, 3), 10 * i + int(name) % 10, np.uint8)
            write_png(root / "20bn-jester-v1" / name / f"{i + 1:05d}.jpg", picture)
    whole = root / "whole"
    with tarfile.open(whole, "w:gz") as archive:
        archive.add(root / "20bn-jester-v1", "20bn-jester-v1")
    data = whole.read_bytes()
    whole.unlink()
    for path in (root / "20bn-jester-v1").rglob("*.jpg"):
        path.unlink()
    for i in range(2):
        part = data[i * len(data) // 2 : (i + 1) * len(data) // 2]
        (root / f"20bn-jester-v1-{i:02d}").write_bytes(part)
    (root / "jester-v1-train.csv").write_text("177;Turning Hand Clockwise\n")
    (root / "jester-v1-validation.csv").write_text("24;Thumb Down\n")


def shrec17_download(root: Path) -> None:
    """Two training sequences (one of a subject held back) and one for testing."""
    lines = {"train": "1 1 2 1 1 1 40\n14 2 19 3 14 28 20\n", "test": "3 1 6 1 3 5 34\n"}
    for part, text in lines.items():
        root.mkdir(exist_ok=True)
        (root / f"{part}_gestures.txt").write_text(text)
        for line in text.splitlines():
            gesture, finger, subject, essai, _, _, frames = map(int, line.split())
            folder = f"gesture_{gesture}/finger_{finger}/subject_{subject}/essai_{essai}"
            regions = ""
            for i in range(frames):
                depth = np.full((480, 640), 900, np.uint16)
                depth[200:300, 100 + i : 200 + i] = 400 + 3 * i
                write_png(root / folder / f"{i}_depth.png", depth)
                regions += f"{i * 333333} {100 + i} 200 100 100\n"
            (root / folder / "general_informations.txt").write_text(regions)


DOWNLOADS: dict[str, tuple[Callable[[Path], None], str]] = {
    "nvgesture": (nvgesture_download, "train"),
    "isogd": (isogd_download, "train"),
    "thuread": (thuread_download, "CS1/train"),
    "ntu": (ntu_download, "CS/train"),
    "jester": (jester_download, "train"),
    "shrec17": (shrec17_download, "train"),
}


@pytest.mark.parametrize("key", DOWNLOADS)
def test_from_download_to_shards(key: str, tmp_path: Path) -> None:
    build, split = DOWNLOADS[key]
    benchmark, source, root = BENCHMARKS[key], tmp_path / "download", tmp_path / "set"
    build(source)
    report = prepare(benchmark, source, root)
    assert report.made > 0
    assert not report.broken
    assert not report.missing
    assert not (root / SCRATCH_FOLDER).exists()
    assert not list(root.rglob(".*.part"))
    assert json.loads((root / REPORT_FILE).read_text())["made"] == report.made

    again = prepare(benchmark, source, root)  # nothing is left to do
    assert again.made == 0
    assert again.clips == report.clips
    assert again.clips[split][0] == len(read_records(benchmark, root, split)) > 0

    (result,) = check(benchmark, root, [split])
    official = benchmark.splits[split].clips
    assert f"{result.lines} clips, the official list has {official}" in result.problems
    assert len(result.problems) == 2  # the other is that classes are empty

    records = read_records(benchmark, root, split)
    shards = write_shards(benchmark, root, split, tmp_path / "shards", clips_per_shard=1)
    stored = read_shard_set(str(tmp_path / "shards"), benchmark, split)
    assert shards == [shard.url for shard in stored.shards]
    clips = [clip for shard in stored.shards for clip in stored.clips(shard)]
    clips.sort(key=lambda clip: clip.listed.place)
    assert len(clips) == len(shards) == len(records)
    for record, clip in zip(records, clips, strict=True):
        assert (clip.name, clip.frames, clip.label) == (record.name, record.frames, record.label)
        indices = [record.frames - 1, 0, record.frames // 2]
        for modality in benchmark.modalities:
            ours = clip.pictures(modality, indices)
            for one, other in zip(ours, read_pictures(record, modality, indices), strict=True):
                assert (one == other).all()


def test_nvgesture_is_cut_to_the_official_frames(tmp_path: Path) -> None:
    nvgesture_download(tmp_path / "download")
    root = tmp_path / "set"
    prepare(BENCHMARKS["nvgesture"], tmp_path / "download", root)
    (record,) = read_records(BENCHMARKS["nvgesture"], root, "train")
    assert (record.name, record.frames, record.label) == ("train/class_01/subject3_r0", 80, 0)
    (test,) = read_records(BENCHMARKS["nvgesture"], root, "valid")
    assert test.name == "test/class_02/subject4_r0"
    first, last = read_pictures(record, "color", [0, 79])
    assert abs(first.mean() - 25) < 2  # level 20 + the fifth frame
    assert abs(last.mean() - 104) < 2
    assert abs(read_pictures(record, "depth", [0])[0].mean() - 35) < 2
    assert (root / "dataset_splits" / "depth" / "train.txt").read_text() == (
        "train/class_01/subject3_r0 80 0\n"
    )


def test_real_nvgesture_recordings_are_cut(shared_data: Path, tmp_path: Path) -> None:
    untrimmed = shared_data / "nvgesture_untrimmed"
    with (untrimmed / "clips.csv").open() as file:
        row = next(csv.DictReader(file))
    clip = f"class_{int(row['label_1_25']):02d}/{row['subject']}_{row['rep']}"
    folder = tmp_path / "download" / "Video_data" / clip
    folder.mkdir(parents=True)
    (folder / "sk_color.mp4").symlink_to(untrimmed / row["color_registered_file"])
    (folder / "sk_depth.mp4").symlink_to(untrimmed / row["depth_file"])
    start = int(row["depth_start"])
    line = nvgesture_line(clip, start, int(row["label_1_25"]))
    for part, text in (("train", line), ("test", "")):
        file_name = f"nvgesture_{part}_correct_cvpr2016_v2.lst"
        (tmp_path / "download" / file_name).write_text(text)
    prepare(BENCHMARKS["nvgesture"], tmp_path / "download", tmp_path / "set")
    (record,) = read_records(BENCHMARKS["nvgesture"], tmp_path / "set", "train")
    assert record.frames == int(row["depth_end"]) - start == 80
    with av.open(untrimmed / row["depth_file"]) as container:
        frames = [f.to_ndarray(format="gray") for f in container.decode(video=0)]
    for i, picture in zip((0, 79), read_pictures(record, "depth", [0, 79]), strict=True):
        assert np.abs(picture[..., 0].astype(int) - frames[start + i]).mean() < 1


def test_real_isogd_clips_have_the_listed_frames(shared_data: Path, tmp_path: Path) -> None:
    isogd = shared_data / "isogd"
    with (isogd / "clips.csv").open() as file:
        rows = list(csv.DictReader(file))
    source = tmp_path / "download"
    source.mkdir()
    for part in ("train", "test"):
        (source / part).symlink_to(isogd / part)
        lines = [
            f"{r['official_id']}.avi {r['official_id'].replace('M_', 'K_')}.avi "
            f"{int(r['label_0_248']) + 1}\n"
            for r in rows
            if r["split"] == part
        ]
        (source / f"{part}_list.txt").write_text("".join(lines))
    report = prepare(BENCHMARKS["isogd"], source, tmp_path / "set", workers=2)
    assert report.clips == {"train": (8, 35876), "valid": (0, 5784), "test": (4, 6271)}
    assert not report.broken
    for part in ("train", "test"):
        records = read_records(BENCHMARKS["isogd"], tmp_path / "set", part)
        expected = {
            r["official_id"]: (int(r["frames"]), int(r["label_0_248"]))
            for r in rows
            if r["split"] == part
        }
        assert {r.name: (r.frames, r.label) for r in records} == expected
        color = read_pictures(records[0], "color", [0])[0]
        depth = read_pictures(records[0], "depth", [0])[0]
        assert color.shape == depth.shape == (240, 320, 3)
        assert (depth[..., 0] == depth[..., 2]).all()


def test_isogd_takes_the_labels_of_given_lists(tmp_path: Path) -> None:
    isogd_download(tmp_path / "download")
    root, lists = tmp_path / "set", tmp_path / "lists"
    report = prepare(BENCHMARKS["isogd"], tmp_path / "download", root)
    assert any("valid_list.txt has no labels" in note for note in report.notes)
    assert report.clips["valid"] == (0, 5784)
    (lists / "rgb").mkdir(parents=True)
    (lists / "rgb" / "valid.txt").write_text("valid/001/M_00001 33 108\n")
    report = prepare(BENCHMARKS["isogd"], tmp_path / "download", root, lists=lists)
    (record,) = read_records(BENCHMARKS["isogd"], root, "valid")
    assert (record.frames, record.label) == (30, 108)
    assert "valid/001/M_00001 has 30 frames, the given list says 33" in report.notes


def test_16_bit_depth_of_thuread_becomes_what_its_recipe_takes(tmp_path: Path) -> None:
    thuread_download(tmp_path / "download")
    root = tmp_path / "set"
    prepare(BENCHMARKS["thuread"], tmp_path / "download", root)
    (held_out,) = read_records(BENCHMARKS["thuread"], root, "CS1/valid")
    assert held_out.name == "RGB_thumb_cwx_1"
    (record,) = read_records(BENCHMARKS["thuread"], root, "CS1/train")
    near, far = read_pictures(record, "depth", [0, 19])
    assert (near[..., 0] == near[..., 2]).all()
    assert abs(int(near.mean()) - 11) <= 1  # 600 mm: 1 + (600 - 500) / 10
    assert abs(int(far.mean()) - 106) <= 1


def test_ntu_colour_is_cut_around_the_person(tmp_path: Path) -> None:
    assert person_point(np.zeros((424, 512), np.uint16)) is None
    place = person_point(masked_person(100))
    assert place is not None
    # the middle of the person, moved by the even-sized dilation
    assert np.allclose(place, (150 / 512, 200 / 424), atol=0.01)
    picture = np.zeros((216, 384, 3), np.uint8)
    picture[:, :, 0] = np.arange(384)[None] % 256
    cut = crop_half(picture, (0.5, 0.5))
    assert cut.shape == (108, 192, 3)
    assert cut[0, 0, 0] == 96
    assert crop_half(picture, (0.0, 0.0)).shape == (108, 192, 3)  # moved inside
    assert crop_half(picture, (0.9, 0.5)).shape[1] < 192  # clamped, as released

    ntu_download(tmp_path / "download")
    root = tmp_path / "set"
    prepare(BENCHMARKS["ntu"], tmp_path / "download", root)
    (record,) = read_records(BENCHMARKS["ntu"], root, "CS/train")
    assert (record.label, record.frames) == (2, 20)
    assert [r.name for r in read_records(BENCHMARKS["ntu"], root, "CV/train")] == [record.name]
    for split in ("CS/valid", "CV/valid"):
        (other,) = read_records(BENCHMARKS["ntu"], root, split)
        assert (other.name, other.label) == ("S002C001P003R002A060_rgb", 59)
    color = read_pictures(record, "color", [0, 19])
    assert color[0].shape == (240, 320, 3)
    assert abs(color[1].mean() - 69) < 2


def test_jester_keeps_its_pictures(tmp_path: Path) -> None:
    jester_download(tmp_path / "download")
    root = tmp_path / "set"
    prepare(BENCHMARKS["jester"], tmp_path / "download", root)
    (record,) = read_records(BENCHMARKS["jester"], root, "valid")
    assert BENCHMARKS["jester"].labels[record.label] == "Thumb Down"
    levels = [int(image.mean()) for image in read_pictures(record, "color", [0, 19])]
    assert np.allclose(levels, [4, 194], atol=1)
    prepared = {path.name for path in root.iterdir()}
    assert prepared == {"177", "24", "dataset_splits", REPORT_FILE}


def test_real_hands_are_packed_as_they_came(shared_data: Path, tmp_path: Path) -> None:
    """Real clips, put back into full frames as handed out, give the rows they came from."""
    package = shared_data / "shrec17"
    with (package / "clips.csv").open(newline="") as table:
        reader = csv.DictReader(table)
        rows = list(reader)
    real = np.load(package / "aux.npz")
    sides = real["bbox_y0x0y1x1"][..., 2:] - real["bbox_y0x0y1x1"][..., :2]
    chosen = [
        next(
            int(row["index"])
            for row in rows
            if row["split"] == split
            and 32 <= int(row["orig_frames"]) <= 40
            and sides[int(row["index"])].min() >= 50  # else a pixel of the crop has no place
        )
        for split in ("train", "test", "val")
    ]
    depth = packed_depth(package / "depth_u8.npy.xz")
    record = read_records(BENCHMARKS["shrec17"], package, "test")[0]
    last = read_pictures(record, "depth", [0, 31])[1]
    assert last.shape == (50, 50, 3)
    assert (last == depth[int(record.name), 31][..., None]).all()
    lists: dict[str, str] = {"train": "", "test": ""}
    for index in chosen:
        row = rows[index]
        put_back(tmp_path / "download", row, depth[index], real, index)
        fields = ("gesture", "finger", "subject", "essai", "label14", "label28", "orig_frames")
        part = "test" if row["split"] == "test" else "train"
        lists[part] += " ".join(row[name] for name in fields) + "\n"
    for part, text in lists.items():
        (tmp_path / "download" / f"{part}_gestures.txt").write_text(text)
    prepare(BENCHMARKS["shrec17"], tmp_path / "download", tmp_path / "set")

    made = np.load(tmp_path / "set" / "aux.npz")
    assert sorted(made.files) == sorted(real.files)
    assert all(made[name].dtype == real[name].dtype for name in real.files)
    assert made["depth_step_mm"] == real["depth_step_mm"]
    assert (made["depth_offset_mm"] == real["depth_offset_mm"][chosen]).all()
    assert (made["bbox_y0x0y1x1"] == real["bbox_y0x0y1x1"][chosen]).all()
    with lzma.open(tmp_path / "set" / "depth_u8.npy.xz") as file:
        again = np.load(file)
    assert again.dtype == depth.dtype
    assert (again == depth[chosen]).all()
    with (tmp_path / "set" / "clips.csv").open(newline="") as table:
        made_rows = csv.DictReader(table)
        assert made_rows.fieldnames == reader.fieldnames
        expected = [rows[index] | {"index": str(i)} for i, index in enumerate(chosen)]
        assert list(made_rows) == expected


def put_back(
    root: Path, row: dict[str, str], crops: NDArray[np.uint8], real: np.lib.npyio.NpzFile, i: int
) -> None:
    """Write one sequence as its owners hand it out."""
    folder = root.joinpath(
        f"gesture_{row['gesture']}",
        f"finger_{row['finger']}",
        f"subject_{row['subject']}",
        f"essai_{row['essai']}",
    )
    frames = int(row["orig_frames"])
    samples = {frames * k // 32: k for k in range(32)}
    regions = ""
    for frame in range(frames):
        k = samples.get(frame, 0)
        y0, x0, y1, x1 = map(int, real["bbox_y0x0y1x1"][i, k])
        regions += f"{frame} {x0} {y0} {x1 - x0} {y1 - y0}\n"
        picture = np.zeros((480, 640), np.uint16)
        mm = crops[k].astype(np.int32) * 3 + int(real["depth_offset_mm"][i])
        at = np.ix_(y0 + np.arange(50) * (y1 - y0) // 50, x0 + np.arange(50) * (x1 - x0) // 50)
        picture[at] = np.where(crops[k] > 0, mm, 0)
        write_png(folder / f"{frame}_depth.png", picture)
    (folder / "general_informations.txt").write_text(regions)


def test_what_is_missing_or_broken_is_reported_and_left_out(tmp_path: Path) -> None:
    source, root = tmp_path / "download", tmp_path / "set"
    nvgesture_download(source, clips=4)
    videos = source / "Video_data"
    (videos / "class_03/subject5_r0/sk_depth.avi").unlink()
    (videos / "class_04/subject6_r0/sk_color.avi").write_bytes(b"no video")
    with (source / "nvgesture_train_correct_cvpr2016_v2.lst").open("a") as file:
        file.write(nvgesture_line("class_01/subject3_r0", 20, 1).replace("class_01", "class_05"))
        file.write(nvgesture_line("class_02/subject4_r0", 50, 2, stop=130))
    report = prepare(BENCHMARKS["nvgesture"], source, root)
    assert not report.complete
    assert "depth/train/class_03/subject5_r0" in report.missing
    assert "rgb/train/class_05/subject3_r0" in report.missing
    assert "cannot be decoded" in report.broken["rgb/train/class_04/subject6_r0"]
    assert (
        "has 90 frames, but the list cuts 50 to 130"
        in (report.broken["rgb/train/class_02/subject4_r0"])
    )
    (record,) = read_records(BENCHMARKS["nvgesture"], root, "train")
    assert record.name == "train/class_01/subject3_r0"
    assert not (root / "rgb/train/class_04/subject6_r0").exists()
    assert "broken: rgb/train/class_04" in report.text()
    # once the download is whole, only what was missing is made
    write_video(videos / "class_04/subject6_r0/sk_color.avi", range(20, 110))
    report = prepare(BENCHMARKS["nvgesture"], source, root)
    assert report.made == 1
    assert len(read_records(BENCHMARKS["nvgesture"], root, "train")) == 2


def test_a_gap_in_numbered_pictures_is_named(tmp_path: Path) -> None:
    source = tmp_path / "download"
    thuread_download(source)
    (source / "RGB" / "RGB_thumb_gs_1" / "7.jpg").unlink()
    whole = (source / "RGB" / "RGB_thumb_cwx_1" / "4.jpg").read_bytes()
    (source / "RGB" / "RGB_thumb_cwx_1" / "4.jpg").write_bytes(whole[:-20])
    report = prepare(BENCHMARKS["thuread"], source, tmp_path / "set")
    assert "picture 7 is missing" in report.broken["RGB/RGB_thumb_gs_1"]
    assert "4.jpg is cut off" in report.broken["RGB/RGB_thumb_cwx_1"]


def test_hands_whose_frames_are_not_those_listed_are_left_out(tmp_path: Path) -> None:
    source = tmp_path / "download"
    shrec17_download(source)
    clip = source / "gesture_1/finger_1/subject_2/essai_1"
    (clip / "39_depth.png").unlink()
    (source / "gesture_3/finger_1/subject_6/essai_1/general_informations.txt").unlink()
    report = prepare(BENCHMARKS["shrec17"], source, tmp_path / "set")
    (why,) = report.broken.values()
    assert "39 pictures, the list counts 40" in why
    assert report.missing == ["gesture_3/finger_1/subject_6/essai_1: general_informations.txt"]
    assert report.clips == {"train": (0, 1730), "val": (1, 230), "test": (0, 840)}
    (source / "test_gestures.txt").write_text("3 1 6 1 4 5 34\n")
    with pytest.raises(SourceError, match=r"test_gestures\.txt, line 1: labels"):
        prepare(BENCHMARKS["shrec17"], source, tmp_path / "set")


class WriteToFullDisk:
    """A maker whose disk is full."""

    def __call__(self, members: Sequence[Member], folder: Path) -> None:
        Path("/dev/full").write_bytes(b"picture")


def test_a_disk_that_fills_up_is_told_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan()
    plan.add("rgb/train/a", WriteToFullDisk())
    monkeypatch.setitem(PLANNERS, "nvgesture", lambda _download: plan)
    (tmp_path / "download").mkdir()
    with pytest.raises(OutputError, match=r"the disk is full.*goes on where it stopped"):
        prepare(BENCHMARKS["nvgesture"], tmp_path / "download", tmp_path / "set")
    assert not list((tmp_path / "set" / "rgb" / "train").iterdir())


def test_official_lists_give_the_released_ones(shared_data: Path, tmp_path: Path) -> None:
    """NvGesture's names, labels and cuts, Jester's classes, all of them; IsoGD's labels."""
    wanted = ("nvgesture_official", "jester_v1", "isogd_official", "NvGesture/rgb", "IsoGD/rgb")
    with tarfile.open(shared_data / "splits.tar.xz") as archive:
        for member in archive:
            if member.isfile() and any(part in member.name for part in wanted):
                archive.extract(member, tmp_path, filter="data")
    download = Download(tmp_path)
    plan = plan_nvgesture(download)
    for split in ("train", "valid"):
        (file,) = tmp_path.rglob(f"NvGesture/rgb/{split}.txt")
        released = {(line.name, line.label) for line in read_list(file, 25)}
        assert {(clip.name, clip.label) for clip in plan.lists[split]} == released
    assert not plan.notes
    for file in tmp_path.rglob("*_v2.lst"):
        cuts = re.findall(r"sk_(?:depth|color):(\d+):(\d+)", file.read_text())
        assert {int(stop) - int(start) for start, stop in cuts} == {80}
    plan = plan_isogd(download)
    (file,) = tmp_path.rglob("IsoGD/rgb/train.txt")
    released = {(line.name, line.label) for line in read_list(file, 249)}
    assert {(clip.name, clip.label) for clip in plan.lists["train"]} == released
    jester = BENCHMARKS["jester"]
    plan = plan_jester(download)
    assert {split: len(clips) for split, clips in plan.lists.items()} == {
        split: facts.clips for split, facts in jester.splits.items()
    }
    (labels,) = tmp_path.rglob("jester-v1-labels.csv")
    assert tuple(labels.read_text().splitlines()) == jester.labels


def test_too_little_disk_is_said_before_anything_is_written(tmp_path: Path) -> None:
    nvgesture_download(tmp_path / "download")
    root = tmp_path / "set"
    with pytest.raises(OutputError, match=r"0\.0 GB free.*needed.*--to"):
        prepare(BENCHMARKS["nvgesture"], tmp_path / "download", root, free_bytes=lambda _: 1000)
    assert not list(root.iterdir())
    jester_download(tmp_path / "jester")
    with pytest.raises(OutputError, match="GB free"):
        prepare(BENCHMARKS["jester"], tmp_path / "jester", root, free_bytes=lambda _: 1000)
    assert not (root / "177").exists()
    prepare(BENCHMARKS["nvgesture"], tmp_path / "download", root)
    with pytest.raises(OutputError, match="GB free"):
        write_shards(
            BENCHMARKS["nvgesture"], root, "train", tmp_path / "s", free_bytes=lambda _: 1000
        )
    with pytest.raises(SourceError, match="written when all shards are"):
        read_shard_set(str(tmp_path / "s"), BENCHMARKS["nvgesture"], "train")


@pytest.mark.parametrize("key", DOWNLOADS)
def test_a_wrong_download_names_what_is_expected(key: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such folder"):
        prepare(BENCHMARKS[key], tmp_path / "nowhere", tmp_path / "set")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("nothing here")
    with pytest.raises(SourceError, match=r"is no download of|is not in the download"):
        prepare(BENCHMARKS[key], tmp_path / "other", tmp_path / "set")
    with pytest.raises(UsageError, match="outside"):
        prepare(BENCHMARKS[key], tmp_path / "other", tmp_path / "other" / "set")
    assert not (tmp_path / "set").exists()


def test_archives_that_are_damaged_or_unknown_are_named(tmp_path: Path) -> None:
    source = tmp_path / "download"
    jester_download(source)
    (source / "20bn-jester-v1-01").unlink()
    with pytest.raises(SourceError, match=r"20bn-jester-v1-00 cannot be unpacked.*part missing"):
        prepare(BENCHMARKS["jester"], source, tmp_path / "set")
    (tmp_path / "zip").mkdir()
    (tmp_path / "zip" / "IsoGD_phase_1.zip").write_bytes(b"PK no archive")
    with pytest.raises(SourceError, match=r"IsoGD_phase_1\.zip is damaged"):
        prepare(BENCHMARKS["isogd"], tmp_path / "zip", tmp_path / "set")
    (tmp_path / "seven").mkdir()
    (tmp_path / "seven" / "nvGesture_v1.7z.001").write_bytes(b"7z")
    for part in ("train", "test"):
        (tmp_path / "seven" / f"nvgesture_{part}_correct_cvpr2016_v2.lst").write_text("")
    with pytest.raises(SourceError, match=r"nvGesture_v1\.7z\.001.*7-Zip"):
        prepare(BENCHMARKS["nvgesture"], tmp_path / "seven", tmp_path / "set")


def test_a_killed_preparation_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    source, root = tmp_path / "download", tmp_path / "set"
    nvgesture_download(source, clips=8, size_px=(320, 240))
    code = (
        "import sys; from pathlib import Path\n"
        "from motionrgbd.training.datasets.prepare import prepare\n"
        "from motionrgbd.training.datasets.table import BENCHMARKS\n"
        "if __name__ == '__main__':\n"
        "    prepare(BENCHMARKS['nvgesture'], Path(sys.argv[1]), Path(sys.argv[2]), workers=2)\n"
    )
    script = tmp_path / "run.py"
    script.write_text(code)
    process = subprocess.Popen(
        [sys.executable, str(script), str(source), str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + 60
        while len(finished(root)) < 3:
            assert process.poll() is None, process.communicate()[0].decode()
            assert time.monotonic() < deadline
            time.sleep(0.002)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)  # the workers hold the pipe: they have left too
    done = finished(root)
    assert 3 <= len(done) < 16
    assert not (root / "dataset_splits").exists()  # nothing names half a set
    with pytest.raises(SourceError, match="is missing"):
        read_records(BENCHMARKS["nvgesture"], root, "train")

    report = prepare(BENCHMARKS["nvgesture"], source, root)
    assert report.kept == len(done)
    assert report.made == 16 - len(done)
    prepare(BENCHMARKS["nvgesture"], source, tmp_path / "whole")
    assert contents(root) == contents(tmp_path / "whole")


def finished(root: Path) -> list[Path]:
    return [path for path in root.glob("*/*/class_*/*") if not path.name.startswith(".")]


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != REPORT_FILE
    }
