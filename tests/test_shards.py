"""Shards: whole clips as a stream, what an index promises, damaged ones named."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from motionrgbd.core.errors import ModalityError, SourceError
from motionrgbd.training.datasets.reader import read_pictures, read_records
from motionrgbd.training.datasets.shard_reader import ShardClip, read_shard_set
from motionrgbd.training.datasets.shards import write_shards
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
    for split in ("train", "valid"):
        (root / "dataset_splits" / f"{split}.txt").write_text(lines)
    return root


def clips_of(place: Path | str, split: str = "train") -> list[ShardClip]:
    stored = read_shard_set(str(place), JESTER, split)
    return [clip for shard in stored.shards for clip in stored.clips(shard)]


def is_whole(place: Path) -> bool:
    return sorted(clip.name for clip in clips_of(place)) == [str(i) for i in range(CLIPS)]


def test_training_is_stored_shuffled_and_evaluation_in_order(jester: Path, tmp_path: Path) -> None:
    for split in ("train", "valid"):
        write_shards(JESTER, jester, split, tmp_path, clips_per_shard=3)
    in_order = [str(i) for i in range(CLIPS)]
    assert [clip.name for clip in clips_of(tmp_path, "valid")] == in_order
    assert [clip.name for clip in clips_of(tmp_path)] != in_order
    listed = read_shard_set(str(tmp_path), JESTER, "train").listed
    assert [(clip.place, clip.name) for clip in listed] == list(enumerate(in_order))


def test_a_command_streams_shards_of_elsewhere(jester: Path, tmp_path: Path) -> None:
    write_shards(JESTER, jester, "train", tmp_path, clips_per_shard=3)
    place = f"pipe:cat {shlex.quote(str(tmp_path))}/{{}}"
    here, there = clips_of(tmp_path), clips_of(place)
    assert [(a.listed, a.files) for a in here] == [(b.listed, b.files) for b in there]
    stored = read_shard_set(place, JESTER, "train")
    first = next(iter(stored.clips(stored.shards[0])))  # nobody takes the rest
    assert first.listed == here[0].listed
    (tmp_path / "train-000001.tar").unlink()
    with pytest.raises(SourceError, match=r"train-000001\.tar is missing or damaged"):
        clips_of(place)
    with pytest.raises(SourceError, match=r"valid\.json is .* \(the command .* ended with 1\)"):
        clips_of(place, "valid")


def test_interrupted_shards_are_not_whole_and_go_on(
    jester: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shards(JESTER, jester, "train", tmp_path / "order", clips_per_shard=2)
    third = clips_of(tmp_path / "order")[4].name
    picture = jester / third / "00009.jpg"
    data = picture.read_bytes()
    picture.unlink()
    place = tmp_path / "shards"
    with pytest.raises(SourceError, match=rf"{third}/00009\.jpg cannot be read"):
        write_shards(JESTER, jester, "train", place, clips_per_shard=2)
    picture.write_bytes(data)
    names = [".train.cut", "train-000000.tar", "train-000001.tar"]
    assert sorted(path.name for path in place.iterdir()) == names
    with pytest.raises(SourceError, match=r"train\.json is missing"):
        clips_of(place)
    before = (place / "train-000000.tar").stat().st_mtime_ns
    write_shards(JESTER, jester, "train", place, clips_per_shard=2)
    assert (place / "train-000000.tar").stat().st_mtime_ns == before
    assert is_whole(place)


def test_shards_of_another_size_are_made_anew(jester: Path, tmp_path: Path) -> None:
    write_shards(JESTER, jester, "train", tmp_path, clips_per_shard=2)
    write_shards(JESTER, jester, "train", tmp_path, clips_per_shard=3)
    assert is_whole(tmp_path)


def test_damaged_and_missing_shards_are_named(jester: Path, tmp_path: Path) -> None:
    shards = [Path(x) for x in write_shards(JESTER, jester, "train", tmp_path, clips_per_shard=4)]
    stored = read_shard_set(str(tmp_path), JESTER, "train")
    whole = shards[0].read_bytes()
    shards[0].write_bytes(whole[: len(whole) // 2 + 100])
    with pytest.raises(SourceError, match=r"train-000000\.tar has \d+ of \d+ bytes"):
        clips_of(tmp_path)  # before anything is streamed
    with pytest.raises(SourceError, match=r"train-000000\.tar is missing or damaged"):
        list(stored.clips(stored.shards[0]))
    shards[0].write_bytes(shards[1].read_bytes())
    with pytest.raises(SourceError, match=r"does not hold the clips that its index says"):
        list(stored.clips(stored.shards[0]))
    shards[0].unlink()
    with pytest.raises(SourceError, match=r"train-000000\.tar has 0 of"):
        clips_of(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("benchmark", "nvgesture", "it is of nvgesture train"),
        ("file", "$(reboot).tar", "is no shard's name"),
        ("label", 99, "clip .* has no known label"),
        ("shards", 3, "not iterable"),
    ],
)
def test_an_index_that_is_wrong_is_refused(
    jester: Path, tmp_path: Path, key: str, value: object, words: str
) -> None:
    write_shards(JESTER, jester, "train", tmp_path)
    index = tmp_path / "train.json"
    facts = json.loads(index.read_text())
    if key == "label":
        facts["shards"][0]["clips"][2][3] = value
    else:
        (facts["shards"][0] if key == "file" else facts)[key] = value
    index.write_text(json.dumps(facts))
    with pytest.raises(SourceError, match=rf"train\.json is missing or damaged \(.*{words}"):
        clips_of(tmp_path)


def test_a_clip_out_of_a_shard_answers_as_the_folder_does(jester: Path, tmp_path: Path) -> None:
    write_shards(JESTER, jester, "valid", tmp_path)
    clip, record = clips_of(tmp_path, "valid")[0], read_records(JESTER, jester, "valid")[0]
    ours, theirs = (
        clip.pictures("color", [16, 0]),
        read_pictures(record, "color", [16, 0]),
    )
    assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))
    with pytest.raises(SourceError, match="no frame 17"):
        clip.pictures("color", [17])
    with pytest.raises(ModalityError, match="no depth"):
        clip.pictures("depth", [0])
