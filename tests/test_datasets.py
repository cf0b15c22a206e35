"""Facts of the benchmarks, and the reader of their lists and pictures."""

from __future__ import annotations

import dataclasses
import io
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from motionrgbd.core.errors import ModalityError, SourceError, UsageError
from motionrgbd.core.person_crop import PersonCrop
from motionrgbd.models.recipe import MaskedJetDepth
from motionrgbd.training.datasets import ntu, thuread
from motionrgbd.training.datasets.reader import read_list, read_pictures, read_records
from motionrgbd.training.datasets.records import ClipRecord, PictureNames
from motionrgbd.training.datasets.table import BENCHMARKS, find_benchmark, set_folder

PUBLISHED = {  # of the released lists, by our keys
    "nvgesture": "NvGesture",
    "isogd": "IsoGD",
    "thuread": "THU-READ",
    "ntu": "NTU-RGBD",
}
SHORT = {"isogd": {"train": 503, "valid": 2, "test": 1}, "thuread": {"CS1/train": 1}}


@pytest.fixture(scope="module")
def released_lists(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of the sets that hold the authors' lists and no pictures."""
    folder = tmp_path_factory.mktemp("lists")
    with tarfile.open(shared_data / "splits.tar.xz") as archive:
        for member in archive:
            parts = member.name.split("/")
            if not member.isfile() or "motionrgbd_pami_splits" not in parts:
                continue
            name, *rest = parts[parts.index("motionrgbd_pami_splits") + 1 :]
            key = next(key for key, published in PUBLISHED.items() if published == name)
            target = folder / key / "dataset_splits" / Path(*rest)
            target.parent.mkdir(parents=True, exist_ok=True)
            data = archive.extractfile(member)
            assert data is not None
            target.write_bytes(data.read())
    for key in PUBLISHED:
        for pictures in BENCHMARKS[key].pictures.values():
            (folder / key / pictures.folder).mkdir(parents=True, exist_ok=True)
    return folder


def small_set(root: Path, lines: str = "train/class_01/a 20 0\n") -> Path:
    """An NvGesture of one clip of grey pictures whose level is their number."""
    for top in ("rgb", "depth"):
        clip = root / top / "train" / "class_01" / "a"
        clip.mkdir(parents=True)
        for i in range(20):
            Image.fromarray(np.full((24, 32, 3), 10 * i, np.uint8)).save(
                clip / f"{i:06d}.jpg", quality=95
            )
    (root / "dataset_splits" / "rgb").mkdir(parents=True)
    (root / "dataset_splits" / "rgb" / "train.txt").write_text(lines)
    return root


@pytest.mark.parametrize("key", PUBLISHED)
def test_every_released_list_has_the_counts_of_its_facts(key: str, released_lists: Path) -> None:
    benchmark = BENCHMARKS[key]
    for split, facts in benchmark.splits.items():
        for modality in facts.lists:
            file = benchmark.list_file(released_lists / key, split, modality)
            assert file is not None
            lines = read_list(file, len(benchmark.labels))
            assert len(lines) == facts.clips, file
            assert {line.label for line in lines} == set(range(len(benchmark.labels))), file


@pytest.mark.parametrize("key", SHORT)
def test_clips_of_16_frames_or_fewer_are_left_out(key: str, released_lists: Path) -> None:
    for split, short in SHORT[key].items():
        records = read_records(BENCHMARKS[key], released_lists / key, split)
        assert min(record.frames for record in records) > 16
        official = BENCHMARKS[key].splits[split].clips
        assert official is not None
        assert len(records) == official - short


def test_folders_of_both_modalities_come_from_one_list(released_lists: Path) -> None:
    expected = {
        "nvgesture": (
            "train",
            "rgb/train/class_01/subject3_r0",
            "depth/train/class_01/subject3_r0",
        ),
        "isogd": ("valid", "rgb/valid/001/M_00001", "depth/valid/001/K_00001"),
        "thuread": (
            "CS2/valid",
            "RGB/RGB_throw_paperplane_fjw_3",
            "Depth/D_throw_paperplane_fjw_3",
        ),
        "ntu": (
            "CV/train",
            "ImagesResize/S001C002P001R001A002_rgb",
            "nturgb+d_depth_masked/S001C002P001R001A002",
        ),
    }
    for key, (split, color, depth) in expected.items():
        root = released_lists / key
        first = read_records(BENCHMARKS[key], root, split)[0]
        assert (first.color, first.depth) == (root / color, root / depth)


def test_official_split_rules_give_the_released_lists(released_lists: Path) -> None:
    for split in BENCHMARKS["ntu"].splits:
        protocol, part = split.split("/")
        file = BENCHMARKS["ntu"].list_file(released_lists / "ntu", split, "color")
        assert file is not None
        for line in read_list(file, 60):
            clip = ntu.parse_name(line.name)
            assert clip is not None
            assert ntu.split_of(protocol, clip) == part
            assert clip.action - 1 == line.label
    labels = BENCHMARKS["thuread"].labels
    for split in BENCHMARKS["thuread"].splits:
        protocol, part = split.split("/")
        for record in read_records(BENCHMARKS["thuread"], released_lists / "thuread", split):
            action, person, _ = record.name.removeprefix("RGB_").rsplit("_", 2)
            assert labels[record.label] == action
            assert (person in thuread.HELD_OUT[protocol]) == (part == "valid")


def test_packed_hands_are_read_as_clips(shared_data: Path) -> None:
    package = shared_data / "shrec17"
    for key, column in (("shrec17", 14), ("shrec17-28", 28)):
        records = read_records(BENCHMARKS[key], package, "val")
        assert len(records) == BENCHMARKS[key].splits["val"].clips
        assert {record.label for record in records} == set(range(column))


def test_real_nvgesture_pictures(shared_data: Path) -> None:
    folder = shared_data / "nvgesture"
    name = "subject11_r0"
    record = ClipRecord(name, 80, 0, folder / "rgb" / name, folder / "depth" / name)
    color = read_pictures(record, "color", [79, 0])
    depth = read_pictures(record, "depth", range(80))
    assert color[0].shape == (240, 320, 3)
    last = cv2.imread(str(folder / "rgb" / name / "000079.jpg"))
    assert np.abs(color[0][..., ::-1].astype(int) - last).max() <= 1  # RGB, of the frame asked for
    assert len(depth) == 80
    assert all((image[..., 0] == image[..., 1]).all() for image in depth)


def test_real_jester_pictures(shared_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "jester"
    (root / "dataset_splits").mkdir(parents=True)
    (root / "177").symlink_to(shared_data / "jester" / "177")
    frames = len(list((root / "177").iterdir()))
    (root / "dataset_splits" / "train.txt").write_text(f"177 {frames} 14\n")
    (record,) = read_records(BENCHMARKS["jester"], root, "train")
    assert record.depth is None
    first, last = read_pictures(record, "color", [0, frames - 1])
    assert first.shape == last.shape == (100, 176, 3)
    with pytest.raises(SourceError, match=rf"{frames + 1:05d}\.jpg"):
        read_pictures(record, "color", [frames])  # names count from 1
    with pytest.raises(ModalityError, match="no depth"):
        read_pictures(record, "depth", [0])


def test_masked_depth_is_coloured_around_the_person(tmp_path: Path) -> None:
    names = PictureNames("MDepth-{:08d}.png", first=1, masked=True)
    depth = np.zeros((424, 512), np.uint16)
    images = []
    for i in range(3):
        image = depth.copy()
        image[100:300, 150 + 40 * i : 250 + 40 * i] = 2000 + 7 * i
        cv2.imwrite(str(tmp_path / names(i)), image)
        images.append(image)
    assert (tmp_path / "MDepth-00000001.png").is_file()
    record = ClipRecord("a", 3, 0, None, tmp_path, depth_names=names)
    person = PersonCrop(MaskedJetDepth())
    pictures = read_pictures(record, "depth", [0, 2])
    for picture, image in zip(pictures, (images[0], images[2]), strict=True):
        assert (picture == person.picture(image)).all()
    assert (pictures[0] != pictures[1]).any()


def test_a_list_of_depth_alone_still_finds_colour(tmp_path: Path) -> None:
    (tmp_path / "dataset_splits" / "depth").mkdir(parents=True)
    (tmp_path / "dataset_splits" / "depth" / "train.txt").write_text("train/001/K_00001 30 0\n")
    for top in ("rgb", "depth"):
        (tmp_path / top).mkdir()
    (record,) = read_records(BENCHMARKS["isogd"], tmp_path, "train")
    assert record.color == tmp_path / "rgb" / "train" / "001" / "M_00001"
    assert record.depth == tmp_path / "depth" / "train" / "001" / "K_00001"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("a 20 0\nb 20 25\n", r"line 2: label 25 is out of range.*0 to 24"),
        ("a 20 -1\n", "line 1: label -1 is out of range"),
        ("a 20\n", "line 1: 'a 20' is not 'folder frame_count label'"),
        ("a twenty 0\n", "line 1"),
        ("a 0 0\n", "line 1: a has 0 frames"),
        ("\n", "is empty"),
    ],
)
def test_bad_lists_name_file_line_and_reason(tmp_path: Path, lines: str, words: str) -> None:
    root = small_set(tmp_path, lines)
    with pytest.raises(SourceError, match=rf"rgb/train\.txt.*{words}"):
        read_records(BENCHMARKS["nvgesture"], root, "train")


def test_wrong_places_are_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = BENCHMARKS["nvgesture"]
    with pytest.raises(SourceError, match=r"no such folder.*data prepare nvgesture"):
        read_records(benchmark, tmp_path / "nowhere", "train")
    with pytest.raises(SourceError, match="holds no folder rgb or depth"):
        read_records(benchmark, tmp_path, "train")
    small_set(tmp_path)
    with pytest.raises(SourceError, match=r"valid\.txt is missing"):
        read_records(benchmark, tmp_path, "valid")
    with pytest.raises(UsageError, match="one of train, valid"):
        read_records(benchmark, tmp_path, "test")
    with pytest.raises(UsageError, match="nvgesture"):
        find_benchmark("nvidia")
    assert find_benchmark("THU-READ") is BENCHMARKS["thuread"]
    monkeypatch.delenv("MOTIONRGBD_DATA", raising=False)
    with pytest.raises(UsageError, match="MOTIONRGBD_DATA"):
        set_folder(benchmark)
    monkeypatch.setenv("MOTIONRGBD_DATA", str(tmp_path))
    assert set_folder(benchmark) == tmp_path / "nvgesture"
    assert set_folder(BENCHMARKS["shrec17-28"]) == tmp_path / "shrec17"
    assert set_folder(benchmark, tmp_path / "x") == tmp_path / "x"


def test_missing_and_damaged_pictures_are_named(tmp_path: Path) -> None:
    root = small_set(tmp_path)
    (record,) = read_records(BENCHMARKS["nvgesture"], root, "train")
    levels = [int(image.mean()) for image in read_pictures(record, "color", [3, 7, 3])]
    assert np.allclose(levels, [30, 70, 30], atol=1)
    assert record.color is not None
    (record.color / "000007.jpg").unlink()
    with pytest.raises(SourceError, match=r"000007\.jpg cannot be read.*data check"):
        read_pictures(record, "color", [3, 7])
    whole = (record.color / "000008.jpg").read_bytes()
    for data in (b"", b"text", whole[: len(whole) // 2]):
        (record.color / "000008.jpg").write_bytes(data)
        with pytest.raises(SourceError, match=r"000008\.jpg is damaged"):
            read_pictures(record, "color", [8])


def test_16_bit_pictures_are_refused_where_8_are_meant(tmp_path: Path) -> None:
    root = small_set(tmp_path)
    (record,) = read_records(BENCHMARKS["nvgesture"], root, "train")
    file = io.BytesIO()
    Image.fromarray(np.full((24, 32), 900, np.uint16)).save(file, "PNG")
    assert record.depth is not None
    (record.depth / "000000.jpg").write_bytes(file.getvalue())
    with pytest.raises(SourceError, match="8 bits is expected"):
        read_pictures(record, "depth", [0])


def test_mirrored_classes_are_classes() -> None:
    for benchmark in BENCHMARKS.values():
        for pair in benchmark.mirror:
            assert set(pair) <= set(benchmark.labels), benchmark.name
    assert ("Swipe Right", "Swipe Left") in BENCHMARKS["shrec17"].mirror
    with pytest.raises(ValueError, match="got twice"):
        dataclasses.replace(BENCHMARKS["jester"], labels=("a", "a"))
