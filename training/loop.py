"""The plain training loop: AdamW on one cycle, clipped gradients, a moving average of weights."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from motionrgbd.models.fusion import FusionOutput
from motionrgbd.models.losses import network_loss
from motionrgbd.models.unimodal import UnimodalOutput

Batch = TypeVar("Batch")
Network = TypeVar("Network", bound=nn.Module)
Output = UnimodalOutput | FusionOutput

DISTILLATION_TAU = 0.4  # the paper's for gestures
_GRADIENT_NORM = 5.0  # the paper's
_LOG_EVERY = 25


@dataclass(frozen=True)
class Schedule:
    """How long and how hard to train; ema is the share of the average that a step keeps."""

    steps: int
    lr: float = 1.5e-3
    weight_decay: float = 0.02
    ema: float = 0.995
    seed: int = 1


def prepared(network: Network) -> Network:
    """Return a new network made ready for a run of hundreds of steps.

    The released initialisation draws class tokens and positions from a standard normal, six times
    larger than the recoupled features beside them: a long training outgrows it, a short one does
    not. Running statistics follow faster for the same reason.
    """
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "pos_embedding" in name or "cls_token" in name:
                parameter.mul_(0.02)
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = 0.05
    return network


def fit(
    build: Callable[[], Network],
    batch: Callable[[int], Batch],
    scores: Callable[[Network, Batch], tuple[Output, Tensor]],
    schedule: Schedule,
    log: Path,
) -> Network:
    """Train what `build` gives; return the moving average of its weights, in evaluation mode.

    batch(step) gives the data of a step (it runs in a thread of its own), and
    scores(network, data) the network's output with the targets (B,) of it.
    """
    torch.manual_seed(schedule.seed)
    network = build().train()
    average = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(
        network.parameters(), schedule.lr, weight_decay=schedule.weight_decay
    )
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.lr, total_steps=schedule.steps, pct_start=0.1
    )
    begun = time.monotonic()
    for step, data in enumerate(_prefetched(batch, schedule.steps)):
        output, targets = scores(network, data)
        loss = network_loss(output, targets, DISTILLATION_TAU)
        # the distillation term sums over the batch (as released): its mean keeps the scale
        total = loss.total - loss.distillation * (1 - 1 / max(1, len(targets)))
        optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), _GRADIENT_NORM)
        optimiser.step()
        rates.step()
        _follow(average, network, min(schedule.ema, (step + 1) / (step + 10)))
        if step % _LOG_EVERY == 0 or step == schedule.steps - 1:
            right = (output.scores.argmax(1) == targets).float().mean()
            _log(
                log,
                step=step,
                loss=round(float(total.detach()), 4),
                train_accuracy=round(float(right), 4),
                elapsed_s=round(time.monotonic() - begun, 1),
            )
        if step % 250 == 249:
            torch.save(average.state_dict(), log.with_name("average.pt"))
    return average


def _follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    with torch.no_grad():
        pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
        for old, new in pairs:
            if old.is_floating_point():
                old.lerp_(new, 1 - keep)
            else:
                old.copy_(new)


def _prefetched(batch: Callable[[int], Batch], steps: int) -> Iterator[Batch]:
    """Compute the next batches while the network works on this one."""
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(batch, step) for step in range(min(2, steps))]
        for step in range(steps):
            ready = waiting.pop(0).result()
            if step + 2 < steps:
                waiting.append(pool.submit(batch, step + 2))
            yield ready


def _log(path: Path, **values: Any) -> None:
    line = json.dumps(values)
    print(line, flush=True)
    with path.open("a") as file:
        file.write(line + "\n")
