"""`motionrgbd data`: what it prints, the contact sheet, and its exit codes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from motionrgbd.app.cli import main
from motionrgbd.core.guidance import GuidanceSettings, clip_guidance
from motionrgbd.training.datasets.check import check
from motionrgbd.training.datasets.reader import read_records
from motionrgbd.training.datasets.sheet import COLUMNS, contact_sheet, heat, moments
from motionrgbd.training.datasets.table import BENCHMARKS

NVGESTURE = BENCHMARKS["nvgesture"]


@pytest.fixture
def nvgesture(tmp_path: Path) -> Path:
    """One clip of each class and split, a bright square that moves over noise."""
    root = tmp_path / "data" / "nvgesture"
    rng = np.random.default_rng(0)
    files = []
    for i in range(17):
        picture = rng.integers(0, 30, (30, 40, 3), np.uint8)
        picture[10:20, i : i + 10] = 200
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG")
        files.append(file.getvalue())
    for split in ("train", "valid"):
        lines = ""
        for label in range(25):
            name = f"{split}/class_{label + 1:02d}/subject1_r0"
            lines += f"{name} 17 {label}\n"
            for top in ("rgb", "depth"):
                folder = root / top / name
                folder.mkdir(parents=True)
                for i, data in enumerate(files):
                    (folder / f"{i:06d}.jpg").write_bytes(data)
        for top in ("rgb", "depth"):
            (root / "dataset_splits" / top).mkdir(parents=True, exist_ok=True)
            (root / "dataset_splits" / top / f"{split}.txt").write_text(lines)
    return root


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["data", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_list_tells_where_every_set_is_requested(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list")
    assert code == 0
    for benchmark in BENCHMARKS.values():
        assert benchmark.key in out
        assert benchmark.request in out


def test_check_counts_reads_and_draws(
    nvgesture: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MOTIONRGBD_DATA", str(nvgesture.parent))
    sheet = tmp_path / "sheet.png"
    code, out, err = run(capsys, "check", "nvgesture", "--sheet", str(sheet), "--clips", "2")
    assert code == 3  # 25 clips are not the official 1050
    assert "25 of 1050 clips" in out
    assert "is not whole (2 of the above)" in err
    assert str(nvgesture) in err
    with Image.open(sheet) as image:
        width, height = image.size
        assert width > 1000
        pixels = np.asarray(image)
    tall = tmp_path / "tall.png"
    run(capsys, "check", "nvgesture", "--sheet", str(tall), "--clips", "4")
    with Image.open(tall) as image:
        assert image.size[0] == width
        assert image.size[1] > 1.7 * height
    # heat is there: pixels whose red is far above their blue
    assert (pixels[..., 0].astype(int) - pixels[..., 2] > 120).sum() > 200


def test_check_finds_what_would_stop_a_training(nvgesture: Path) -> None:
    def problems(split: str) -> str:
        results = {result.split: result for result in check(NVGESTURE, nvgesture)}
        return "\n".join(results[split].problems)

    assert problems("train") == "25 clips, the official list has 1050"
    clip = nvgesture / "rgb" / "train" / "class_01" / "subject1_r0"
    (clip / "000016.jpg").unlink()
    assert "000016.jpg cannot be read" in problems("train")
    (clip.parents[1] / "class_02" / "subject1_r0" / "000000.jpg").write_bytes(b"no picture")
    assert "class_02/subject1_r0/000000.jpg is damaged" in problems("train")

    lists = nvgesture / "dataset_splits"
    text = (lists / "rgb" / "train.txt").read_text()
    (lists / "rgb" / "train.txt").write_text(text.replace("17 7\n", "17 8\n"))
    assert "1 of 25 classes empty: Two Fingers Down" in problems("train")
    assert "the modalities' lists differ in 2 lines" in problems("train")
    (lists / "rgb" / "train.txt").write_text(text + text.splitlines()[0] + "\n")
    assert "train/class_01/subject1_r0 is listed 2 times" in problems("train")
    for top in ("rgb", "depth"):
        (lists / top / "valid.txt").unlink()
    assert problems("valid") == "its list is missing, or has no clips"


def test_a_sheet_shows_the_maps_that_end_at_its_moments(nvgesture: Path, tmp_path: Path) -> None:
    assert moments(17, 4) == [3, 5, 8, 10, 13, 16]
    assert moments(5, 10) == [4] * COLUMNS
    images = np.zeros((4, 30, 40, 3), np.uint8)
    for i in range(4):
        images[i, 10:20, 5 * i : 5 * i + 10] = 200
    guidance = clip_guidance(images, GuidanceSettings(4))[-1]
    drawn = heat(images[-1], guidance).astype(int)
    strong, none = guidance > 1.5, guidance == 0
    assert strong.any()
    assert (drawn[strong].sum(axis=1) > 300).all()  # bright where the map is strong
    still = drawn[none & (images[-1].max(axis=2) == 200)]
    assert (np.ptp(still, axis=1) < 20).all()  # grey where it is not
    records = read_records(NVGESTURE, nvgesture, "train")[:1]
    contact_sheet(NVGESTURE, records, tmp_path / "new" / "sheet.png", "one")
    assert (tmp_path / "new" / "sheet.png").is_file()


def test_mistakes_are_one_line_and_an_exit_code(
    nvgesture: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MOTIONRGBD_DATA", raising=False)
    root = ("--root", str(nvgesture))
    for code, words, arguments in (
        (2, "MOTIONRGBD_DATA", ("check", "nvgesture")),
        (2, "there is no data set 'nv'", ("check", "nv")),
        (2, "--clips must be at least 1", ("check", "nvgesture", *root, "--clips", "0")),
        (2, "no split 'test'", ("check", "nvgesture", *root, "--split", "test")),
        (3, "no such folder", ("check", "nvgesture", "--root", str(tmp_path / "x"))),
        (3, "no such folder", ("prepare", "jester", "--from", "x", "--to", str(tmp_path))),
        (3, "holds no folder ImagesResize", ("shard", "ntu", *root, "--to", str(tmp_path))),
    ):
        got, _, err = run(capsys, *arguments)
        assert got == code, arguments
        assert words in err, arguments
        assert err.count("\n") == 1, err


def test_shards_are_written_for_every_split(
    nvgesture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(
        capsys, "shard", "nvgesture", "--root", str(nvgesture), "--to", str(tmp_path / "shards")
    )
    assert code == 0
    assert "train: 1 shards" in out
    names = sorted(path.name for path in (tmp_path / "shards").glob("[!.]*"))
    assert names == ["train-000000.tar", "train.json", "valid-000000.tar", "valid.json"]
