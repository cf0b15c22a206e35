"""Small tasks for `tests/test_loop.py`, run in processes of their own: killed ones, and pairs.

`loop_task.py kill FOLDER`: train slowly. `loop_task.py halves FOLDER`: one step under torchrun;
`shared` on two GPUs.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch
from torch import nn

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.fusion import FusionNetwork
from motionrgbd.models.unimodal import UnimodalNetwork
from motionrgbd.training.loop import fit, process
from motionrgbd.training.objective import Objective
from motionrgbd.training.schedule import Schedule

SCHEDULE = Schedule(4, 5, lr=0.05, ema=0.8, seed=3, warmup_epochs=1)
STEP = Schedule(
    1, 1, lr=1.0, optimiser="sgd", weight_decay=0.0, kind="plateau", gradient_norm=0.0, ema=0.0
)
CONFIG = NetworkConfig(
    classes=5, window=8, branches=(3, 4, 6), feature=32, width=0.05, blocks=2, heads=2,
    recoupling_hidden=8, recoupling_width=8, image_size=32,
)  # fmt: skip


class Toy:
    """Random state everywhere it can hide: dropout, batch norm, the batches."""

    def __init__(self, pause_s=0.0):
        self.pause_s = pause_s
        self.checks = 0

    def build(self):
        return nn.Sequential(
            nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 3)
        )

    def batches(self, epoch):
        for step in range(SCHEDULE.steps_per_epoch):
            time.sleep(self.pause_s)
            random = torch.Generator().manual_seed(100 * epoch + step)
            x = torch.randn(8, 4, generator=random)
            yield {"x": x, "target": (x[:, 0] > 0).long()}

    def loss(self, network, batch, epoch):
        logits = network(batch["x"])
        return {
            "loss": nn.functional.cross_entropy(logits, batch["target"]),
            "epoch_was": logits.new_tensor(epoch),
        }

    def check(self, network):
        assert not network.training
        self.checks += 1

    def validate(self, network):
        x = torch.linspace(-1, 1, 40).view(10, 4)
        return {"accuracy": float((network(x).argmax(1) == (x[:, 0] > 0)).float().mean())}


class Still:
    """Networks whose normalisation and dropout are frozen, on this process's part of four clips."""

    def __init__(self, modalities, frozen=True):
        self.frozen = frozen
        self.config = NetworkConfig(**{**vars(CONFIG), "modalities": modalities})
        self.objective = Objective(distillation_clips=4)

    def build(self):
        kind = UnimodalNetwork if len(self.config.modalities) == 1 else FusionNetwork
        network = kind(self.config)
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
            elif self.frozen and isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.train = lambda mode=True, module=module: module
                module.training = False
        return network

    def batches(self, epoch):
        rank, world = process()
        random = torch.Generator().manual_seed(0)
        inputs = []
        for channels in (3,) * len(self.config.modalities) + (1,) * len(self.config.modalities):
            inputs.append(torch.rand(4, channels, 8, 32, 32, generator=random))
        mine = slice(rank * 4 // world, (rank + 1) * 4 // world)
        yield [x[mine] for x in inputs], torch.tensor([0, 1, 2, 4])[mine]

    def loss(self, network, batch, epoch):
        return self.objective.loss(network(*batch[0]), batch[1])

    def validate(self, network):
        return {}


def halves(folder):
    """One step of each kind; its gradients are what the weights have moved by."""
    torch.set_num_threads(1)
    for modalities in (("color",), ("color", "depth")):
        network = fit(Still(modalities), STEP, folder / "-".join(modalities), accelerator="cpu")
        if process()[0] == 0:
            torch.save(network.state_dict(), folder / f"{'-'.join(modalities)}.pt")


def shared(folder):
    """One step on GPUs with normalisation over both halves: weights and running statistics."""
    network = fit(Still(("color",), frozen=False), STEP, folder, accelerator="cuda")
    if process()[0] == 0:
        torch.save({k: x.cpu() for k, x in network.state_dict().items()}, folder / "shared.pt")


if __name__ == "__main__":
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "kill":
        fit(Toy(pause_s=0.1), SCHEDULE, folder, accelerator="cpu")
    else:
        {"halves": halves, "shared": shared}[what](folder)
