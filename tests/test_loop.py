"""The training loop: exact resuming, shared batches, and what is refused before the first step."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from motionrgbd.core.errors import OutputError, UsageError
from motionrgbd.training import run_state
from motionrgbd.training.batches import moved
from motionrgbd.training.loop import fit
from motionrgbd.training.schedule import Rates, Schedule, epoch_rate

pytestmark = pytest.mark.usefixtures("one_thread")

SCRIPT = Path(__file__).with_name("loop_task.py")
TASKS = SimpleNamespace(**runpy.run_path(str(SCRIPT)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder and the network of a run that nothing has interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, fit(TASKS.Toy(), TASKS.SCHEDULE, folder, accelerator="cpu")


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def assert_same_weights(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


def test_a_killed_run_ends_with_the_weights_of_an_uninterrupted_one(whole, tmp_path):
    child = subprocess.Popen([sys.executable, str(SCRIPT), "kill", str(tmp_path)])
    deadline = time.monotonic() + 60
    try:
        while (
            not (tmp_path / "tensorboard").exists()
            or '"epoch": 2'
            not in (tmp_path / "log.jsonl").read_text() + f'"epoch": {_epochs_done(tmp_path)}'
        ):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.15)  # into the epoch
    finally:
        child.kill()
    assert child.wait() == -signal.SIGKILL
    assert 2 <= _epochs_done(tmp_path) < TASKS.SCHEDULE.epochs  # else nothing was interrupted
    network = fit(TASKS.Toy(), TASKS.SCHEDULE, tmp_path, accelerator="cpu")
    assert_same_weights(network.state_dict(), whole[1].state_dict())
    for name in ("last", "best"):
        files = [load_file(f / f"{name}.safetensors") for f in (tmp_path, whole[0])]
        assert_same_weights(*files)
    kept = ("epoch", "step", "loss", "accuracy", "lr")
    logs = [[{k: x.get(k) for k in kept} for x in log_of(f)] for f in (tmp_path, whole[0])]
    assert logs[0] == logs[1]


def _epochs_done(folder):
    path = folder / "resume.pt"
    return torch.load(path, weights_only=True)["epochs"] if path.exists() else 0


def test_a_finished_run_is_not_trained_again(whole):
    task = TASKS.Toy()
    before = (whole[0] / "resume.pt").stat().st_mtime_ns
    again = fit(task, TASKS.SCHEDULE, whole[0], accelerator="cpu")
    assert_same_weights(again.state_dict(), whole[1].state_dict())
    assert task.checks == 0
    assert (whole[0] / "resume.pt").stat().st_mtime_ns == before
    assert not again.training
    assert list((whole[0] / "tensorboard").glob("events*"))


def test_another_schedule_does_not_continue_a_run(whole):
    other = Schedule(**{**vars(TASKS.SCHEDULE), "lr": 0.01})
    with pytest.raises(UsageError, match=r"lr 0\.05 there, 0\.01 here"):
        fit(TASKS.Toy(), other, whole[0], accelerator="cpu")


def test_a_damaged_state_is_named(tmp_path):
    (tmp_path / "resume.pt").write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(OutputError, match=r"resume\.pt cannot be read; delete it"):
        fit(TASKS.Toy(), TASKS.SCHEDULE, tmp_path, accelerator="cpu")


def test_a_full_disk_and_bad_data_are_found_before_the_first_step(tmp_path, monkeypatch):
    class Untrained(TASKS.Toy):
        def batches(self, epoch):
            raise AssertionError("trained")

        def check(self, network):
            raise UsageError("the list is broken")

    with pytest.raises(UsageError, match="the list is broken"):
        fit(Untrained(), TASKS.SCHEDULE, tmp_path, accelerator="cpu")
    monkeypatch.setattr(run_state.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**6))
    with pytest.raises(OutputError, match="1 MB are free"):
        fit(TASKS.Toy(), TASKS.SCHEDULE, tmp_path, accelerator="cpu")


def test_an_epoch_that_runs_dry_is_an_error(tmp_path):
    schedule = Schedule(1, 6)
    with pytest.raises(ValueError, match="6 batches, the task gave 5"):
        fit(TASKS.Toy(), schedule, tmp_path, accelerator="cpu")


def test_a_loss_that_is_no_number_ends_the_run(tmp_path):
    class Diverging(TASKS.Toy):
        def loss(self, network, batch, epoch):
            return network(batch["x"]).mean() * (float("nan") if epoch else 1.0)

    with pytest.raises(UsageError, match="loss is nan in step 5 of epoch 2"):
        fit(Diverging(), Schedule(3, 5, lr=0.01, kind="cosine"), tmp_path, accelerator="cpu")
    assert _epochs_done(tmp_path) == 1  # what was whole is kept


def test_accumulated_batches_are_one_batch(tmp_path):
    class Split(TASKS.Still):
        def batches(self, epoch):
            ((inputs, targets),) = super().batches(epoch)
            for half in (slice(0, 2), slice(2, 4)):
                yield [x[half] for x in inputs], targets[half]

    start = fit_step(TASKS.Still(("color",)), TASKS.STEP, tmp_path / "whole")
    parts = Schedule(**{**vars(TASKS.STEP), "accumulate": 2})
    assert_close(fit_step(Split(("color",)), parts, tmp_path / "parts"), start)


def fit_step(task, schedule, folder):
    return fit(task, schedule, folder, accelerator="cpu").state_dict()


def assert_close(got, expected):
    for name, x in expected.items():
        torch.testing.assert_close(got[name], x, rtol=1e-4, atol=1e-6, msg=name)


def run_two(what, folder, **environment):
    """Run `loop_task.py` as two processes of one training."""
    launcher = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2")
    rendezvous = ("--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0")
    done = subprocess.run(
        [*launcher, *rendezvous, str(SCRIPT), what, str(folder)],
        env=os.environ | {"OMP_NUM_THREADS": "1", **environment},
        timeout=150,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_half_batches_on_two_processes_give_the_whole_batchs_gradients(tmp_path):
    run_two("halves", tmp_path / "two", CUDA_VISIBLE_DEVICES="")
    for modalities in (("color",), ("color", "depth")):
        name = "-".join(modalities)
        alone = fit_step(TASKS.Still(modalities), TASKS.STEP, tmp_path / name)
        two = torch.load(tmp_path / "two" / f"{name}.pt", weights_only=True)
        torch.manual_seed(int(np.random.SeedSequence((1,)).generate_state(1)[0]))
        start = TASKS.Still(modalities).build().state_dict()
        gradients = {k: start[k] - alone[k] for k in start if alone[k].is_floating_point()}
        assert sum(float(x.abs().max()) > 1e-6 for x in gradients.values()) > len(start) / 4
        for k, gradient in gradients.items():
            scale = float(gradient.abs().max())
            error = float(((start[k] - two[k]) - gradient).abs().max())
            assert error <= 1e-4 * scale + 1e-6, (k, error, scale)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="no GPU, or one alone")
def test_batch_norm_is_shared_by_two_gpus(tmp_path):
    run_two("shared", tmp_path / "two")
    two = torch.load(tmp_path / "two" / "shared.pt", weights_only=True)
    task = TASKS.Still(("color",), frozen=False)
    alone = fit(task, TASKS.STEP, tmp_path / "one", accelerator="cuda").cpu().state_dict()
    for name in alone:
        torch.testing.assert_close(two[name], alone[name], rtol=1e-3, atol=1e-4, msg=name)


def test_the_cosine_is_the_papers():
    schedule = Schedule(100, 1, lr=0.01, kind="cosine", warmup_epochs=3)
    rates = [epoch_rate(schedule, epoch) for epoch in (0, 1, 2, 3, 100)]
    np.testing.assert_allclose(rates, [1e-8, 0.005000005, 0.01, 0.01, 1e-5])
    assert all(
        a > b for a, b in zip(map_rates(schedule)[3:], map_rates(schedule)[4:], strict=False)
    )


def map_rates(schedule):
    return [epoch_rate(schedule, epoch) for epoch in range(schedule.epochs + 1)]


def test_the_plateau_falls_after_four_validations_without_a_better_one():
    schedule = Schedule(30, 1, lr=0.01, kind="plateau", warmup_epochs=3, optimiser="sgd")
    rates = Rates(schedule, schedule.optimiser_of(nn.Linear(1, 1)))
    seen = []
    for epoch in range(30):
        rates.begin_epoch(epoch)
        seen.append(rates.now)
        rates.after_validation(epoch, 0.5)
    np.testing.assert_allclose(seen[:3], [1e-8, 0.005000005, 0.01])
    changes = [e for e in range(4, 30) if seen[e] != seen[e - 1]]
    assert changes == [9, 17, 25]  # after 4 to 8, and 3 of cooldown more
    assert seen[-1] == pytest.approx(1e-5)


def test_batches_move_whole(tmp_path):
    batch = {"a": (torch.ones(1), [torch.zeros(2)]), "schedule": TASKS.SCHEDULE, "name": "x"}
    there = moved(batch, torch.device("meta"))
    assert there["a"][0].is_meta
    assert there["a"][1][0].is_meta
    assert there["schedule"] == TASKS.SCHEDULE
    assert there["name"] == "x"
