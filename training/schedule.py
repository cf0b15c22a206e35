"""How long and how hard to train, and the learning rate of every moment of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

_FIRST_RATE = 1e-8  # of a warm-up
_LAST_RATE = 1e-5  # where the cosine ends and the plateau stops falling
_PATIENCE, _COOLDOWN, _DROP = 4, 3, 0.1  # of the plateau, in validations

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


@dataclass(frozen=True)
class Schedule:
    """A run of `epochs` epochs of `steps_per_epoch` optimiser steps each.

    optimiser: sgd (momentum 0.9) or adamw. kind: the learning rate. `one_cycle` changes per step;
    `cosine` per epoch, rising linearly from 1e-8 to `lr` over the warm-up and falling to 1e-5 at
    the last epoch; `plateau` per epoch, after the same warm-up times 0.1 where four validations
    did not better the best, at least 1e-5.
    accumulate: batches under one step. gradient_norm: at which gradients are clipped, 0 = never.
    ema: share of the moving average that a step keeps (less in the first steps), 0 = no average.
    validate_every: epochs; the last one is always validated.
    """

    epochs: int
    steps_per_epoch: int
    lr: float = 1.5e-3
    optimiser: Literal["sgd", "adamw"] = "adamw"
    weight_decay: float = 0.02
    warmup_epochs: float = 0.0
    kind: Literal["one_cycle", "cosine", "plateau"] = "one_cycle"
    gradient_norm: float = 5.0
    accumulate: int = 1
    ema: float = 0.995
    seed: int = 1
    precision: Precision = "32-true"
    validate_every: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "steps_per_epoch", "accumulate", "validate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.ema < 1:
            raise ValueError(f"ema must be 0 to below 1, got {self.ema}")
        if not 0 <= self.warmup_epochs < self.epochs + (self.kind != "one_cycle"):
            raise ValueError(
                f"a warm-up of {self.warmup_epochs} epochs does not fit {self.epochs} epochs"
            )

    def optimiser_of(self, network: nn.Module) -> Optimizer:
        """Return a new optimiser of the network's weights."""
        weights = [p for p in network.parameters() if p.requires_grad]
        if self.optimiser == "sgd":
            return SGD(weights, self.lr, momentum=0.9, weight_decay=self.weight_decay)
        return AdamW(weights, self.lr, weight_decay=self.weight_decay)

    def is_validated(self, epoch: int) -> bool:
        """Tell whether an epoch, counted from 0, ends with a validation."""
        return (epoch + 1) % self.validate_every == 0 or epoch + 1 == self.epochs


def epoch_rate(schedule: Schedule, epoch: int) -> float:
    """Return the learning rate of an epoch of `cosine`, or of the warm-up of `plateau`."""
    warmup = round(schedule.warmup_epochs)
    if epoch < warmup:
        return float(torch.linspace(_FIRST_RATE, schedule.lr, warmup, dtype=torch.float64)[epoch])
    if schedule.kind == "plateau":
        return schedule.lr
    progress = (epoch - warmup) / max(1, schedule.epochs - warmup)
    last = min(_LAST_RATE, schedule.lr)
    return last + 0.5 * (schedule.lr - last) * (1 + math.cos(math.pi * progress))


class Rates:
    """Sets the optimiser's learning rate: told of epochs, steps and validations as they happen."""

    def __init__(self, schedule: Schedule, optimiser: Optimizer) -> None:
        self._schedule, self._optimiser = schedule, optimiser
        self._cycle: OneCycleLR | None = None
        self._plateau: ReduceLROnPlateau | None = None
        if schedule.kind == "one_cycle":
            steps = schedule.epochs * schedule.steps_per_epoch
            share = schedule.warmup_epochs / schedule.epochs
            self._cycle = OneCycleLR(optimiser, schedule.lr, total_steps=steps, pct_start=share)
        elif schedule.kind == "plateau":
            self._plateau = ReduceLROnPlateau(
                optimiser, "max", _DROP, _PATIENCE, cooldown=_COOLDOWN, min_lr=_LAST_RATE
            )

    @property
    def now(self) -> float:
        """The learning rate."""
        return float(self._optimiser.param_groups[0]["lr"])

    def begin_epoch(self, epoch: int) -> None:
        """Set the rate of an epoch where the kind has one."""
        warming_up = epoch <= round(self._schedule.warmup_epochs)
        if self._schedule.kind == "cosine" or (self._plateau is not None and warming_up):
            for group in self._optimiser.param_groups:
                group["lr"] = epoch_rate(self._schedule, epoch)

    def after_step(self) -> None:
        """Move along the cycle."""
        if self._cycle is not None:
            self._cycle.step()

    def after_validation(self, epoch: int, figure: float) -> None:
        """Look whether the figure, where more is better, still rises."""
        if self._plateau is not None and epoch + 1 > round(self._schedule.warmup_epochs):
            self._plateau.step(figure)

    def state_dict(self) -> dict[str, Any]:
        """Return plain numbers."""
        kept = self._cycle or self._plateau
        return {} if kept is None else dict(kept.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where `state_dict` was taken; the rate itself is in the optimiser's state."""
        kept = self._cycle or self._plateau
        if kept is not None:
            kept.load_state_dict(state)
