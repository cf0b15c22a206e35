"""Training losses of both networks and the sharpness schedule (paper, Eq. 10, 14 and 18)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from motionrgbd.models.dtn import SHARPEST, SHARPNESS
from motionrgbd.models.fusion import FusionOutput
from motionrgbd.models.presence import mean_of
from motionrgbd.models.unimodal import UnimodalOutput

SHARPENING_EPOCHS = 30


def sharpness(epoch: int) -> float:
    """Temperature of the heads: linear from 0.04 to 0.07 over 30 epochs (the paper: cosine)."""
    progress = min(epoch / (SHARPENING_EPOCHS - 1), 1.0)
    return SHARPEST + (SHARPNESS - SHARPEST) * progress


def cross_entropy(logits: Tensor, target: Tensor, rows: Tensor | None = None) -> Tensor:
    """Mean over the batch, or over its rows (B,) that are 1; targets (B,)."""
    if rows is None:
        return functional.cross_entropy(logits, target, label_smoothing=0.1)
    each = functional.cross_entropy(logits, target, label_smoothing=0.1, reduction="none")
    return mean_of(rows, each)


def distillation(
    tokens: Tensor, student: Tensor, temperature: float, rows: Tensor | None = None
) -> Tensor:
    """KL(softmax(mean of class tokens / tau), detached || softmax(linear(A_Y) / tau)) (Eq. 14).

    Class tokens (B, 3, D), student (B, D). Summed over batch (its rows (B,) that are 1) and
    features, without tau^2.
    """
    teacher = (tokens.mean(dim=1) / temperature).softmax(dim=1).detach()
    log_student = (student / temperature).log_softmax(dim=1)
    if rows is None:
        return functional.kl_div(log_student, teacher, reduction="sum")
    each = functional.kl_div(log_student, teacher, reduction="none").sum(dim=1)  # (B,)
    return (each * rows).sum()


@dataclass(frozen=True)
class UnimodalLoss:
    cross_entropy: Tensor
    distillation: Tensor

    @property
    def total(self) -> Tensor:
        return self.cross_entropy + self.distillation


def unimodal_loss(output: UnimodalOutput, target: Tensor, temperature: float) -> UnimodalLoss:
    """CE(max) + (CE(small) + CE(medium) + CE(large)) / 2, and distillation; targets (B,)."""
    small = cross_entropy(output.small, target)
    medium = cross_entropy(output.medium, target)
    large = cross_entropy(output.large, target)
    return UnimodalLoss(
        cross_entropy(output.logits, target) + 0.5 * (small + medium + large),
        distillation(output.tokens, output.student, temperature),
    )


@dataclass(frozen=True)
class FusionLoss:
    cross_entropy: Tensor
    modality: Tensor  # BCE: which modality are R' and D' of
    reconstruction: Tensor  # MSE of CAPF's decoder
    distillation: Tensor

    @property
    def total(self) -> Tensor:
        return self.cross_entropy + self.modality + self.reconstruction + self.distillation


def fusion_loss(output: FusionOutput, target: Tensor, temperature: float) -> FusionLoss:
    """CE(f1) + CE(f2) + CE(f3), BCE, MSE and both distillations, all of weight 1; targets (B,).

    Each term is a mean over the rows that have what it is about: f1 counts where colour is there,
    f2 where depth is, f3, BCE and MSE where both are. A term without rows is 0.
    """
    o = output
    color, depth = o.present.unbind(1)  # (B,)
    both = color * depth
    return FusionLoss(
        cross_entropy(o.color, target, color)
        + cross_entropy(o.depth, target, depth)
        + cross_entropy(o.fusion, target, both),
        modality_loss(o, both),
        reconstruction_loss(o, both),
        distillation(o.color_tokens, o.color_student, temperature, color)
        + distillation(o.depth_tokens, o.depth_student, temperature, depth),
    )


def modality_loss(output: FusionOutput, rows: Tensor | None = None) -> Tensor:
    """Cross entropy of R' being colour's and D' not; mean over the batch, or its rows (B,)."""
    return _modality_error(output.color_modality, 1.0, rows) + _modality_error(
        output.depth_modality, 0.0, rows
    )


def reconstruction_loss(output: FusionOutput, rows: Tensor | None = None) -> Tensor:
    """Squared error of what CAPF's decoder returns, to colour's features and to depth's."""
    decoded, color, depth = output.decoded, output.color_features, output.depth_features
    if rows is None:
        return functional.mse_loss(decoded, color) + functional.mse_loss(decoded, depth)
    return mean_of(rows, (decoded - color).square().mean(dim=1)) + mean_of(
        rows, (decoded - depth).square().mean(dim=1)
    )


def _modality_error(logit: Tensor, is_color: float, rows: Tensor | None) -> Tensor:
    """Binary cross entropy of logits (B, 1) that features are colour's."""
    target = torch.full_like(logit, is_color)
    if rows is None:
        return functional.binary_cross_entropy_with_logits(logit, target)
    each = functional.binary_cross_entropy_with_logits(logit, target, reduction="none")[:, 0]
    return mean_of(rows, each)


def network_loss(
    output: UnimodalOutput | FusionOutput, target: Tensor, temperature: float
) -> UnimodalLoss | FusionLoss:
    """The loss that belongs to the network's kind; targets (B,)."""
    if isinstance(output, FusionOutput):
        return fusion_loss(output, target, temperature)
    return unimodal_loss(output, target, temperature)
