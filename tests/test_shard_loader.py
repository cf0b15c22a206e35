"""Shards give what folders give: the same pictures, every clip once, nothing to two ranks."""

from __future__ import annotations

import itertools
import runpy
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from motionrgbd.app.cli import main as command
from motionrgbd.core.errors import SourceError
from motionrgbd.models.recipe import FrameView
from motionrgbd.models.released_recipes import released_recipe
from motionrgbd.training.augmentation import Augmentation
from motionrgbd.training.clip_loader import ClipLoader, ClipReader
from motionrgbd.training.datasets.nvgesture import NVGESTURE
from motionrgbd.training.datasets.reader import read_records
from motionrgbd.training.datasets.shard_reader import read_shard_set
from motionrgbd.training.datasets.shards import write_shards
from motionrgbd.training.paper import run
from motionrgbd.training.shard_loader import ShardLoader, _Streams

SETS = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("paper_set.py"))))
BOTH = ("color", "depth")
SMALL = replace(
    released_recipe("NvGesture"),
    window=8,
    size_px=(28, 28),
    view=FrameView((32, 32), (4, 4, 32, 32)),
    guidance_window=3,
)
READER = ClipReader(SMALL, BOTH)
AUGMENTED = ClipReader(SMALL, BOTH, Augmentation())
CLIPS = 7


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A drawn set whose lists name its two clips of a split several times, and its shards."""
    folder = SETS.SET.write(tmp_path_factory.mktemp("s") / "nvgesture")
    for split in ("train", "valid"):
        lines = [(f"{split}_{i % 2}", 20, i % 2) for i in range(CLIPS)]
        SETS.write_lists(folder, split, lines)
        write_shards(NVGESTURE, folder, split, folder / "shards", clips_per_shard=3)
    return folder


def stored(folder, split):
    return read_shard_set(str(folder / "shards"), NVGESTURE, split)


def assert_equal(a, b):
    assert torch.equal(a.labels, b.labels)
    for m in BOTH:
        assert torch.equal(a.pictures[m], b.pictures[m])
        assert torch.equal(a.guidance[m], b.guidance[m])


@pytest.mark.parametrize("workers", [0, 2])
def test_evaluation_gives_the_batches_of_the_folder(drawn, workers):
    records = read_records(NVGESTURE, drawn, "valid")
    ours = list(ShardLoader(stored(drawn, "valid"), READER, 2, workers=workers).epoch(0))
    theirs = list(ClipLoader(records, READER, 2).epoch(0))
    ours.sort(key=lambda batch: int(batch.places[0]))
    assert [b.places.tolist() for b in theirs] == [[0, 1], [2, 3], [4, 5], [6]]
    for a, b in zip(ours, theirs, strict=True):
        assert a.places.tolist() == b.places.tolist()
        assert_equal(a, b)


def test_real_clips_are_the_same_out_of_shards(tmp_path, shared_data):
    root = SETS.real_set(tmp_path / "n", shared_data)
    write_shards(NVGESTURE, root, "valid", root / "shards", clips_per_shard=1)
    reader = ClipReader(replace(released_recipe("NvGesture"), window=4), BOTH)
    (ours,) = ShardLoader(stored(root, "valid"), reader, 2).epoch(0)
    (theirs,) = ClipLoader(read_records(NVGESTURE, root, "valid"), reader, 2).epoch(0)
    assert_equal(ours, theirs)


def test_a_training_clip_looks_as_out_of_the_folder(drawn):
    def clips(loader):
        return {
            int(place): (int(batch.labels[i]), *(batch.pictures[m][i] for m in BOTH))
            for batch in loader.epoch(3)
            for i, place in enumerate(batch.places)
        }

    ours = clips(ShardLoader(stored(drawn, "train"), AUGMENTED, 1, seed=5))
    theirs = clips(ClipLoader(read_records(NVGESTURE, drawn, "train"), AUGMENTED, 1, seed=5))
    assert ours.keys() == theirs.keys() == set(range(CLIPS))
    for place, (label, *pictures) in ours.items():
        assert label == theirs[place][0]
        assert all(map(torch.equal, pictures, theirs[place][1:]))


def test_batches_repeat_for_an_epoch_and_differ_between_epochs(drawn):
    def batches(epochs, workers):
        loader = ShardLoader(stored(drawn, "train"), AUGMENTED, 2, seed=1, workers=workers)
        return [[(b.places.tolist(), b) for b in loader.epoch(epoch)] for epoch in epochs]

    # one process outlives its epochs; the other loader begins with the fourth, as a resumed run
    (second, fourth), (resumed,) = batches([1, 3], workers=1), batches([3], workers=0)
    assert len(fourth) == len(resumed) == 3
    for (places, batch), (others, other) in zip(fourth, resumed, strict=True):
        assert places == others
        assert_equal(batch, other)
    assert [places for places, _ in second] != [places for places, _ in fourth]


@pytest.mark.parametrize(
    ("world", "workers", "batch"), [(1, 1, 1), (2, 1, 1), (2, 3, 1), (3, 2, 2)]
)
def test_ranks_and_workers_share_an_epoch(drawn, world, workers, batch):
    """Each of them as many batches as the others expect, together every clip at most once."""
    clips = stored(drawn, "train")
    dropped = Counter()
    for epoch in range(20):
        seen = Counter()
        for rank in range(world):
            streams = _Streams(clips, READER, batch, 1, rank, world)
            parts = [list(streams._parts(epoch, w, workers)) for w in range(workers)]
            counts = [sum(len(places) for _, places in part) for part in parts]
            expected = [len(range(w, streams.batches, workers)) * batch for w in range(workers)]
            assert counts == expected
            for number, places in itertools.chain(*parts):
                assert set(places) <= {clip.place for clip in clips.shards[number].clips}
                seen.update(places)
        assert set(seen.values()) == {1}
        assert seen.total() == CLIPS // (batch * world) * batch * world
        dropped.update(set(range(CLIPS)) - set(seen))
    assert len(dropped) in (0, CLIPS)  # what an epoch leaves out, another takes


def test_a_set_shorter_than_a_batch_repeats(drawn):
    (batch,) = ShardLoader(stored(drawn, "train"), READER, CLIPS + 2, seed=1).epoch(0)
    counts = Counter(batch.places.tolist())
    assert sorted(counts) == list(range(CLIPS))
    assert counts.total() == CLIPS + 2


def test_a_shard_that_vanishes_is_named_in_one_line(drawn, tmp_path):
    shards = write_shards(NVGESTURE, drawn, "train", tmp_path, clips_per_shard=3)
    clips = read_shard_set(str(tmp_path), NVGESTURE, "train")
    Path(shards[1]).unlink()
    with pytest.raises(SourceError, match=r"^\S+train-000001\.tar is missing or damaged"):
        list(ShardLoader(clips, READER, 2).epoch(0))


def test_recipes_score_the_same_from_shards(drawn, monkeypatch, tmp_path, capsys):
    """`train recipe` from folders and from shards: equal scores of equal weights."""
    monkeypatch.setattr(run, "RECIPES", SETS.recipes_for_two())
    monkeypatch.setitem(run.SIZES, "small", SETS.TINY)
    for split in ("train", "valid"):
        write_shards(NVGESTURE, drawn, split, tmp_path / "nvgesture", clips_per_shard=3)
    trial = ["--epochs", "1", "--batch", "2", "--small", "--device", "cpu", "--workers", "0"]
    out = tmp_path / "out"
    recipe = ["train", "recipe", "nvgesture-depth", "--out", str(out), *trial]
    assert command([*recipe, "--shards", str(tmp_path)]) == 0
    assert f"of {CLIPS} clips" in capsys.readouterr().out
    saved = np.load(out / "nvgesture-depth" / "seed-1" / "scores.npz")
    options = run.RunOptions(drawn.parent, out, SETS.TINY, batch=2, workers=0)
    task = run.prepare_task(options.recipe("nvgesture-depth"), 1, options)
    network = task.build()
    weights = torch.load(out / "nvgesture-depth" / "seed-1" / "model.pth", weights_only=True)
    network.load_state_dict(weights["model"])
    scores, labels = task.scores(network.eval())
    np.testing.assert_array_equal(saved["scores"], scores)
    np.testing.assert_array_equal(saved["labels"], labels)
    assert saved["names"].tolist() == [record.name for record in task.valid]


def test_shards_are_looked_at_before_training(drawn, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(run, "RECIPES", SETS.recipes_for_two())
    monkeypatch.setattr(run, "fit", lambda *_, **__: pytest.fail("trained"))
    shards = write_shards(NVGESTURE, drawn, "train", tmp_path / "nvgesture", clips_per_shard=3)
    place = ["--shards", str(tmp_path), "--out", str(tmp_path / "out"), "--batch", "2"]
    reproduce = ["reproduce", "table 1", *place, "--workers", "0"]
    assert command(reproduce) == 3
    assert "valid.json is missing" in capsys.readouterr().err
    SETS.write_lists(drawn, "valid", [("valid_0", 20, 0)])
    write_shards(NVGESTURE, drawn, "valid", tmp_path / "nvgesture")
    assert command(reproduce) == 3
    assert "NvGesture valid: no clip of Swipe Left" in capsys.readouterr().err
    Path(shards[2]).unlink()
    assert command(reproduce) == 3
    assert "train-000002.tar has 0 of" in capsys.readouterr().err
    assert command([*reproduce, "--root", str(tmp_path)]) == 2
    assert "--root and --shards" in capsys.readouterr().err
