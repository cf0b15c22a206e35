"""What a network is trained for: the paper's losses as means over clips, with their switches."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from motionrgbd.models.dtn import SHARPNESS
from motionrgbd.models.fusion import FusionOutput
from motionrgbd.models.losses import FusionLoss, cross_entropy, network_loss, sharpness
from motionrgbd.models.unimodal import UnimodalOutput

GESTURE_TAU, ACTION_TAU = 0.4, 0.5  # of the distillation, as released


@dataclass(frozen=True)
class Objective:
    """The loss of both kinds of network.

    tau: temperature of the distillation. distillation_clips: its weight. The released term is a
    sum over the clips of one GPU's batch, so its weight grows with that batch; here it is the mean
    over clips times this number, whatever the batch and however many processes share it.
    multi_loss: whether each branch has a cross entropy of its own. sharpened: whether a single
    modality's heads are divided by the sharpness temperature; without, by 1.
    """

    tau: float = GESTURE_TAU
    distillation_clips: float = 1.0
    multi_loss: bool = True
    sharpened: bool = True

    def temperature(self, epoch: int | None) -> float:
        """Return the heads' temperature in an epoch, None: at evaluation."""
        if not self.sharpened:
            return 1.0
        return SHARPNESS if epoch is None else sharpness(epoch)

    def loss(self, output: UnimodalOutput | FusionOutput, targets: Tensor) -> dict[str, Tensor]:
        """Return `loss`, to be minimised, and its parts and the accuracy, to be logged.

        targets: (B,).
        """
        parts = network_loss(output, targets, self.tau)
        distilled = parts.distillation * (self.distillation_clips / max(1, len(targets)))
        classified = parts.cross_entropy
        if not self.multi_loss and isinstance(output, UnimodalOutput):
            classified = cross_entropy(output.logits, targets)
        total = classified + distilled
        if isinstance(parts, FusionLoss):
            total = total + parts.modality + parts.reconstruction
        right = (output.scores.detach().argmax(1) == targets).float().mean()
        return {
            "loss": total,
            "cross_entropy": classified.detach(),
            "distillation": distilled.detach(),
            "train_accuracy": right,
        }
