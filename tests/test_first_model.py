"""What the first model is trained on, and that training moves it towards its targets."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.guidance import GuidanceSettings, GuidanceStream
from motionrgbd.core.preprocess import motion_vector, normalise
from motionrgbd.models.streaming import windows_at, windows_of
from motionrgbd.training.chunks import ChunkPlan, ChunkSampler, batch_of
from motionrgbd.training.first_model import (
    LABELS,
    RECIPE,
    FirstModel,
    window_accuracy,
)
from motionrgbd.training.loop import Schedule, fit
from motionrgbd.training.synthetic_streams import IGNORED, TargetRule, cached_streams


@pytest.fixture(scope="module")
def streams(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streams")
    made = list(cached_streams([1, 2], RECIPE, LABELS, folder, workers=2))
    again = list(cached_streams([1, 2], RECIPE, LABELS, folder, workers=1))
    assert not list(folder.glob("*.part*"))
    for a, b in zip(made, again, strict=True):
        np.testing.assert_array_equal(a.depth, b.depth)
    return made


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_window_has_the_class_of_what_it_has_seen():
    script = [ScriptedGesture("Tap", 1.0, 2.0)]
    rule = TargetRule(begun=0.25, known=0.6, after_s=0.25, over_s=0.45)
    times = {0.5: "idle", 1.2: "idle", 1.4: None, 1.6: "Tap", 2.2: "Tap", 2.3: None, 2.5: "idle"}
    for time_s, label in times.items():
        expected = IGNORED if label is None else LABELS.index(label)
        assert rule.target(time_s, script, LABELS) == expected, time_s


def test_streams_hold_every_gesture_and_rest(streams):
    for stream in streams:
        assert set(range(len(LABELS))) <= set(stream.targets.tolist())
        assert stream.color.shape == (len(stream.targets), 48, 48, 3)
        assert stream.trajectory[:, 6].mean() > 0.8  # the hand is found


def test_batches_repeat_and_windows_are_the_live_ones(streams):
    sampler = ChunkSampler(streams, RECIPE, ChunkPlan(batch=2, windows=4))
    once, twice = sampler.batch(3), sampler.batch(3)
    assert torch.equal(once.clips[0], twice.clips[0])
    assert torch.equal(once.targets, twice.targets)
    assert not torch.equal(once.clips[0], sampler.batch(4).clips[0])
    assert (once.targets >= 0).all()
    x = torch.randn(1, 20, 3)
    expected = windows_at(x, [2, 15], 8)
    assert torch.equal(expected[0], x[0, [0, 0, 0, 0, 0, 0, 1, 2]])  # the first frame stands in
    assert torch.equal(expected[1], x[0, 8:16])
    torch.testing.assert_close(windows_of(x, torch.tensor([[2, 15]]), 8), expected)


def test_a_batch_is_what_the_live_path_makes(streams):
    stream = streams[0]
    batch = batch_of([stream], RECIPE, np.array([[5]]))
    guidance = GuidanceStream(GuidanceSettings(RECIPE.guidance_window, RECIPE.guidance_floor))
    for i in range(6):
        last = guidance.push(stream.depth[i])
    np.testing.assert_array_equal(batch.guidance[1][0, 0, 5], last.values)
    np.testing.assert_array_equal(batch.clips[0][0, :, 5], normalise(stream.color[5]))
    expected = motion_vector(last, stream.trajectory[5])
    np.testing.assert_array_equal(batch.motion[1][0, 5], expected)


def test_training_learns(streams, tmp_path):
    """Forty steps on two recordings: far from good, and well above chance on what it saw."""
    sampler = ChunkSampler(streams, RECIPE, ChunkPlan(batch=3, chunk=40, windows=8))
    schedule = Schedule(2, 20, warmup_epochs=0.2, ema=0.8, seed=2)
    network = fit(FirstModel(sampler, 20), schedule, tmp_path, accelerator="cpu")
    assert window_accuracy(network, streams[:1]) > 0.3  # chance is 1 in 15
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[-1]["loss"] < 0.9 * log[0]["loss"]
