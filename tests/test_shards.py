"""Shards: whole clips, shared between ranks and workers, damaged ones named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from motionrgbd.core.errors import ModalityError, SourceError
from motionrgbd.training.datasets.reader import read_pictures, read_records
from motionrgbd.training.datasets.shards import shard_files, shard_records, write_shards
from motionrgbd.training.datasets.table import BENCHMARKS

JESTER = BENCHMARKS["jester"]
CLIPS, FRAMES = 7, 17


@pytest.fixture(scope="module")
def jester(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("jester")
    rng = np.random.default_rng(0)
    for clip in range(CLIPS):
        (root / str(clip)).mkdir()
        for i in range(FRAMES):
            picture = rng.integers(0, 256, (20, 30, 3), np.uint8)
            Image.fromarray(picture).save(root / str(clip) / f"{i + 1:05d}.jpg")
    (root / "dataset_splits").mkdir()
    lines = "".join(f"{clip} {FRAMES} {clip}\n" for clip in range(CLIPS))
    (root / "dataset_splits" / "train.txt").write_text(lines)
    return root


def names(shards: list[str]) -> list[str]:
    return [clip.name for clip in shard_records(shards)]


def test_ranks_and_workers_share_the_shards(
    jester: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = write_shards(JESTER, jester, "train", tmp_path, clips_per_shard=1)
    assert names(shards) == [str(i) for i in range(CLIPS)]
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("NUM_WORKERS", "2")
    seen = []
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        for worker in range(2):
            monkeypatch.setenv("WORKER", str(worker))
            part = names(shards)
            assert len(part) in (1, 2)
            seen += part
    assert sorted(seen) == [str(i) for i in range(CLIPS)]


def test_a_pattern_names_shards(jester: Path, tmp_path: Path) -> None:
    write_shards(JESTER, jester, "train", tmp_path, clips_per_shard=3)
    pattern = f"{tmp_path}/train-{{000000..000001}}.tar"
    assert [clip.name for clip in shard_records(pattern)] == [str(i) for i in range(6)]


def test_interrupted_shards_are_not_whole_and_go_on(
    jester: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = jester / "4" / "00009.jpg"
    data = picture.read_bytes()
    picture.unlink()
    with pytest.raises(SourceError, match=r"4/00009\.jpg cannot be read"):
        write_shards(JESTER, jester, "train", tmp_path, clips_per_shard=2)
    picture.write_bytes(data)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".train.cut",
        "train-000000.tar",
        "train-000001.tar",
    ]
    with pytest.raises(SourceError, match=r"train\.json is missing"):
        shard_files(tmp_path, "train")
    before = (tmp_path / "train-000000.tar").stat().st_mtime_ns
    shards = write_shards(JESTER, jester, "train", tmp_path, clips_per_shard=2)
    assert (tmp_path / "train-000000.tar").stat().st_mtime_ns == before
    assert names(shards) == [str(i) for i in range(CLIPS)]
    assert json.loads((tmp_path / "train.json").read_text())["clips"] == CLIPS


def test_shards_of_another_size_are_made_anew(jester: Path, tmp_path: Path) -> None:
    write_shards(JESTER, jester, "train", tmp_path, clips_per_shard=2)
    shards = write_shards(JESTER, jester, "train", tmp_path, clips_per_shard=3)
    assert names(shards) == [str(i) for i in range(CLIPS)]


def test_damaged_and_missing_shards_are_named(jester: Path, tmp_path: Path) -> None:
    shards = write_shards(JESTER, jester, "train", tmp_path, clips_per_shard=4)
    data = Path(shards[0]).read_bytes()
    Path(shards[0]).write_bytes(data[: len(data) // 2 + 100])
    with pytest.raises(SourceError, match=r"train-000000\.tar is missing or damaged"):
        names(shards)
    Path(shards[0]).unlink()
    with pytest.raises(SourceError, match=r"train-000000\.tar is missing"):
        shard_files(tmp_path, "train")
    with pytest.raises(SourceError, match=r"train-000000\.tar is missing or damaged"):
        names(shards)


def test_a_clip_out_of_a_shard_answers_as_the_folder_does(jester: Path, tmp_path: Path) -> None:
    (clip, *_) = shard_records(write_shards(JESTER, jester, "train", tmp_path))
    record = read_records(JESTER, jester, "train")[0]
    ours, theirs = (
        clip.pictures("color", [16, 0]),
        read_pictures(record, "color", [16, 0]),
    )
    assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))
    with pytest.raises(SourceError, match="no frame 17"):
        clip.pictures("color", [17])
    with pytest.raises(ModalityError, match="no depth"):
        clip.pictures("depth", [0])
