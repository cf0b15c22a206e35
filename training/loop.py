"""The training loop, on Lightning Fabric: what a task computes, a schedule paces, a folder keeps.

Under `torchrun` every process takes its share; alone it is one process on one device.
"""

from __future__ import annotations

import contextlib
import copy
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
import torch
from lightning.fabric import Fabric
from lightning.fabric.loggers.tensorboard import TensorBoardLogger
from lightning.fabric.strategies.ddp import DDPStrategy
from lightning.fabric.strategies.strategy import Strategy
from lightning.fabric.utilities.seed import seed_everything
from torch import Tensor, nn
from tqdm import tqdm

from motionrgbd.core.errors import UsageError
from motionrgbd.models.checkpoint import Checkpoint
from motionrgbd.training.batches import Batch, moved, prefetched
from motionrgbd.training.run_state import RunFolder, RunState
from motionrgbd.training.schedule import Rates, Schedule

__all__ = ["Checked", "Schedule", "Task", "fit", "prepared", "process"]

Network = TypeVar("Network", bound=nn.Module)
Loss = Tensor | Mapping[str, Tensor]

DISTILLATION_TAU = 0.4  # the paper's for gestures
_LOG_EVERY = 25  # steps
_LONGEST_WAIT = timedelta(hours=12)  # of other processes for the one that validates


class Task(Protocol[Batch]):
    """What a run computes.

    batches(epoch): this process's batches, at least `steps_per_epoch * accumulate` of them; a pure
    function of seed, epoch and rank, which is what makes resuming exact. It runs in a thread of
    its own. Batches are tensors in tuples, lists, dictionaries and dataclasses.
    loss(network, batch, epoch): the mean over the batch, or a mapping with `loss` and further
    numbers to log. Every term must be a mean over clips: only then do parts of a batch on several
    processes give the whole batch's gradients.
    validate(network): figures by name, on the averaged weights in evaluation mode; the first one,
    where more is better, decides which epoch is the best.
    """

    def build(self) -> nn.Module: ...

    def batches(self, epoch: int) -> Iterator[Batch]: ...

    def loss(self, network: Any, batch: Batch, epoch: int) -> Loss: ...

    def validate(self, network: Any) -> dict[str, float]: ...


@runtime_checkable
class Checked(Protocol):
    """A task that can tell before the first step whether its data will do."""

    def check(self, network: Any) -> None:
        """Raise an error for the user where the training would fail or mean nothing."""
        ...


Description = Callable[[Any, Mapping[str, float]], Checkpoint]


def process() -> tuple[int, int]:
    """Return this process's rank and the number of processes, as torchrun sets them."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


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
    task: Task[Any],
    schedule: Schedule,
    folder: Path,
    *,
    accelerator: str = "auto",
    strategy: str | Strategy = "auto",
    resume: bool = True,
    describe: Description | None = None,
) -> Any:
    """Train; return the moving average of the weights (the weights, without one), in eval mode.

    folder: gets `log.jsonl`, `tensorboard/`, `resume.pt`, `best.safetensors` and
    `last.safetensors`. resume: go on with what is there; a run that was killed loses at most its
    epoch. describe(network, figures): makes the two safetensors files checkpoints.
    strategy: Fabric's; `auto` is data-parallel under torchrun.
    Raises UsageError where the folder holds another run or the loss is no number any more, and
    OutputError where the folder cannot hold this run.
    """
    fabric = _fabric(schedule, accelerator, strategy, folder)
    fabric.launch()
    return _Run(task, schedule, folder, fabric, describe).run(resume)


def _fabric(schedule: Schedule, accelerator: str, strategy: str | Strategy, folder: Path) -> Fabric:
    world = process()[1]
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if strategy == "auto" and world > 1:
        strategy = DDPStrategy(timeout=_LONGEST_WAIT)
    if accelerator == "auto" and not torch.cuda.is_available():
        accelerator = "cpu"  # Apple's GPUs lack operators of this network
    return Fabric(
        accelerator=accelerator,
        strategy=strategy,
        devices=local,
        num_nodes=world // local,
        precision=schedule.precision,
        loggers=TensorBoardLogger(folder, name="tensorboard", version=""),
    )


class _Step(nn.Module):
    """Network and loss as one module: what data-parallel training wraps has one forward."""

    def __init__(self, network: nn.Module, task: Task[Any]) -> None:
        super().__init__()
        self.network = network
        self._loss = task.loss

    def forward(self, given: _Opaque, epoch: int) -> dict[str, Tensor]:
        loss = self._loss(self.network, given.batch, epoch)
        return {"loss": loss} if isinstance(loss, Tensor) else dict(loss)


class _Opaque:
    """Carries a batch past what would convert its tensors: Fabric refuses frozen dataclasses."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch


class _Run:
    """One call of `fit`: network, average, optimiser and where they stand."""

    def __init__(
        self,
        task: Task[Any],
        schedule: Schedule,
        folder: Path,
        fabric: Fabric,
        describe: Description | None,
    ) -> None:
        self._task, self._schedule, self._fabric = task, schedule, fabric
        self._describe = describe
        self._folder = RunFolder(folder, schedule)
        _seed(schedule.seed)
        network = task.build().train()
        if fabric.world_size > 1 and fabric.device.type == "cuda":
            convert = cast(
                Callable[[nn.Module], nn.Module], nn.SyncBatchNorm.convert_sync_batchnorm
            )
            network = convert(network)
        self._average = copy.deepcopy(network).eval().to(fabric.device) if schedule.ema else None
        optimiser = schedule.optimiser_of(network)
        self._step, self._optimiser = fabric.setup(_Step(network, task), optimiser)
        self._network: nn.Module = self._step.network
        self._rates = Rates(schedule, optimiser)
        self._best: float | None = None
        self._begun = time.monotonic()

    def run(self, resume: bool) -> nn.Module:
        state = self._folder.load() if resume else None
        done = self._restore(state) if state is not None else 0
        if done < self._schedule.epochs:
            self._folder.check_space(self._network, self._optimiser)
            if isinstance(self._task, Checked):
                with torch.no_grad():
                    self._task.check(self._result.eval())
            if self._fabric.is_global_zero:
                self._folder.cut_log(done)
        for epoch in range(done, self._schedule.epochs):
            self._epoch(epoch)
        self._fabric.logger.finalize("success")
        return self._result.eval()

    @property
    def _result(self) -> nn.Module:
        return self._average if self._average is not None else self._network

    def _epoch(self, epoch: int) -> None:
        _seed(self._schedule.seed, epoch, self._fabric.global_rank)
        self._rates.begin_epoch(epoch)
        self._network.train()
        schedule = self._schedule
        batches = prefetched(
            self._task.batches(epoch), schedule.steps_per_epoch * schedule.accumulate
        )
        hidden = not (self._fabric.is_global_zero and sys.stderr.isatty())
        title = f"epoch {epoch + 1}/{schedule.epochs}"
        with (
            contextlib.closing(batches),
            tqdm(total=schedule.steps_per_epoch, desc=title, disable=hidden, leave=False) as bar,
        ):
            for n in range(schedule.steps_per_epoch):
                figures = self._optimise(batches, epoch)
                bar.update()
                self._log_step(epoch, n, figures)
        self._finish(epoch)

    def _optimise(self, batches: Iterator[Any], epoch: int) -> dict[str, Tensor]:
        """Take one optimiser step; return the last batch's figures."""
        count = self._schedule.accumulate
        self._optimiser.zero_grad(set_to_none=True)
        for n in range(count):
            batch = moved(next(batches), self._fabric.device)
            with self._fabric.no_backward_sync(self._step, enabled=n < count - 1):
                figures: dict[str, Tensor] = self._step(_Opaque(batch), epoch)
                self._fabric.backward(figures["loss"] / count)
        if self._schedule.gradient_norm:
            # not an error where gradients overflow: with 16 bits the scaler leaves the step out
            self._fabric.clip_gradients(
                self._step,
                self._optimiser,
                max_norm=self._schedule.gradient_norm,
                error_if_nonfinite=False,
            )
        self._optimiser.step()
        self._rates.after_step()
        return figures

    def _log_step(self, epoch: int, n: int, figures: Mapping[str, Tensor]) -> None:
        step = epoch * self._schedule.steps_per_epoch + n
        if self._average is not None:
            _follow(self._average, self._network, min(self._schedule.ema, (step + 1) / (step + 10)))
        last = n == self._schedule.steps_per_epoch - 1
        if step % _LOG_EVERY == 0 or last:
            values = {name: float(value.detach()) for name, value in figures.items()}
            if not math.isfinite(values["loss"]):
                raise UsageError(
                    f"the loss is {values['loss']} in step {n + 1} of epoch {epoch + 1}: training "
                    "diverges — lower the learning rate, or choose --precision 32-true"
                )
            if self._fabric.is_global_zero:
                passed = time.monotonic() - self._begun
                self._log(epoch, step, {**values, "lr": self._rates.now, "elapsed_s": passed})

    def _log(self, epoch: int, step: int, values: Mapping[str, float]) -> None:
        self._folder.log(epoch, step, values)
        self._fabric.log_dict(dict(values), step)

    def _finish(self, epoch: int) -> None:
        """Validate, keep what is worth keeping, and the state last: it says what is done."""
        validated = self._schedule.is_validated(epoch)
        figures = self._validated() if validated else {}
        better = False
        if figures:
            figure = next(iter(figures.values()))
            better = self._best is None or figure > self._best
            self._best = figure if better else self._best
            self._rates.after_validation(epoch, figure)
        if self._fabric.is_global_zero:
            if figures:
                self._log(epoch, (epoch + 1) * self._schedule.steps_per_epoch - 1, figures)
                shown = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
                print(f"epoch {epoch + 1}/{self._schedule.epochs}: {shown}", flush=True)
            self._keep(epoch, figures, better)
        self._fabric.barrier()

    def _validated(self) -> dict[str, float]:
        """Figures of the first process, given to all: they decide about rates."""
        figures: dict[str, float] = {}
        if self._fabric.is_global_zero:
            network = self._result
            with torch.no_grad():
                figures = dict(self._task.validate(network.eval()))
        return self._fabric.broadcast(figures)

    def _keep(self, epoch: int, figures: Mapping[str, float], better: bool) -> None:
        network = self._result
        checkpoint = self._describe(network, figures) if self._describe is not None else None
        for name in ("last", "best") if better else ("last",):
            self._folder.save_weights(name, network, checkpoint)
        self._folder.save(
            RunState(
                epoch + 1,
                self._network.state_dict(),
                {} if self._average is None else self._average.state_dict(),
                self._optimiser.state_dict(),
                self._rates.state_dict(),
                self._best,
            )
        )

    def _restore(self, state: RunState) -> int:
        """Continue from a state; return how many epochs are done."""
        self._network.load_state_dict(state.network)
        if self._average is not None:
            self._average.load_state_dict(state.average)
        self._optimiser.load_state_dict(state.optimiser)
        self._rates.load_state_dict(state.rates)
        self._best = state.best
        return state.epochs


def _seed(*parts: int) -> None:
    """Seed every generator; torch's on all devices, NumPy's and Python's."""
    seed_everything(int(np.random.SeedSequence(parts).generate_state(1)[0]), verbose=False)


def _follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    with torch.no_grad():
        pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
        for old, new in pairs:
            if old.is_floating_point():
                old.lerp_(new, 1 - keep)
            else:
                old.copy_(new)
