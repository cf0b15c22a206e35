"""Training losses of both networks and the sharpness schedule (paper, Eq. 10, 14 and 18)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from motionrgbd.models.dtn import SHARPEST, SHARPNESS
from motionrgbd.models.fusion import FusionOutput
from motionrgbd.models.unimodal import UnimodalOutput

SHARPENING_EPOCHS = 30


def sharpness(epoch: int) -> float:
    """Temperature of the heads: linear from 0.04 to 0.07 over 30 epochs (the paper: cosine)."""
    progress = min(epoch / (SHARPENING_EPOCHS - 1), 1.0)
    return SHARPEST + (SHARPNESS - SHARPEST) * progress


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(logits, target, label_smoothing=0.1)


def distillation(tokens: Tensor, student: Tensor, temperature: float) -> Tensor:
    """KL(softmax(mean of class tokens / tau), detached || softmax(linear(A_Y) / tau)) (Eq. 14).

    Class tokens (B, 3, D), student (B, D). Summed over batch and features, without tau^2.
    """
    teacher = (tokens.mean(dim=1) / temperature).softmax(dim=1).detach()
    return functional.kl_div((student / temperature).log_softmax(dim=1), teacher, reduction="sum")


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
    """CE(f1) + CE(f2) + CE(f3), BCE, MSE and both distillations, all of weight 1; targets (B,)."""
    o = output
    is_color, is_depth = torch.ones_like(o.color_modality), torch.zeros_like(o.depth_modality)
    return FusionLoss(
        cross_entropy(o.color, target)
        + cross_entropy(o.depth, target)
        + cross_entropy(o.fusion, target),
        functional.binary_cross_entropy_with_logits(o.color_modality, is_color)
        + functional.binary_cross_entropy_with_logits(o.depth_modality, is_depth),
        functional.mse_loss(o.decoded, o.color_features)
        + functional.mse_loss(o.decoded, o.depth_features),
        distillation(o.color_tokens, o.color_student, temperature)
        + distillation(o.depth_tokens, o.depth_student, temperature),
    )


def network_loss(
    output: UnimodalOutput | FusionOutput, target: Tensor, temperature: float
) -> UnimodalLoss | FusionLoss:
    """The loss that belongs to the network's kind; targets (B,)."""
    if isinstance(output, FusionOutput):
        return fusion_loss(output, target, temperature)
    return unimodal_loss(output, target, temperature)
