"""The default model's stages: each modality alone, then both fused over what was learned alone.

A stage holds exactly the fused network's parts of one modality, so depth alone in the fused network
computes what the depth stage computed: fusion cannot cost it anything.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.dtn import BRANCHES, Temporal, head
from motionrgbd.models.fusion import FusionNetwork
from motionrgbd.models.losses import distillation
from motionrgbd.models.recipe import Modality
from motionrgbd.models.streaming import StreamingNetwork, energy_map
from motionrgbd.models.unimodal import Stream
from motionrgbd.training.hand_batches import ModalityBatch
from motionrgbd.training.hand_plans import IDLE
from motionrgbd.training.hand_streams import IDLE_GESTURE, UNKNOWN
from motionrgbd.training.loop import DISTILLATION_TAU, prepared

SMOOTHING = 0.1  # of labels
BRANCH_WEIGHT = 0.3  # of each branch's own head, which only training has
GESTURE_WEIGHT = 0.5  # of the fourteen gestures beside the 28 classes
# Features start small beside the trajectory, which is learned first: at full strength pictures
# that mean nothing yet drown it (measured: 54 instead of 86 % after the first minutes).
PICTURE_START = 0.1


class StageOutput(NamedTuple):
    scores: Tensor  # (E, 29)
    branches: list[Tensor]  # (E, 29) each
    temporal: Temporal


class HandStage(nn.Module):
    """One modality of the fused network: DSN, motion embedding, RCM, DTN and its classifier."""

    def __init__(self, config: NetworkConfig, modality: Modality) -> None:
        super().__init__()
        self.stream = prepared(Stream(config, modality))
        self.energy_map = energy_map(config)
        self.classifier = head(config.feature, config.classes)
        self.branch_heads = nn.ModuleList(head(config.feature, config.classes) for _ in BRANCHES)
        with torch.no_grad():
            linear = self.stream.LinearMap[1]
            assert isinstance(linear, nn.Linear)
            linear.weight.mul_(PICTURE_START)

    def adopt(self, other: HandStage) -> None:
        """Begin with another modality's weights; its first layer is spread over the channels."""
        state = other.state_dict()
        name = next(n for n, x in state.items() if n.startswith("stream.Conv3d_1a") and x.ndim == 5)
        mine, theirs = self.state_dict()[name].shape[1], state[name].shape[1]
        if mine != theirs:
            spread = state[name].mean(dim=1, keepdim=True) * (theirs / mine)
            state[name] = spread.expand(-1, mine, -1, -1, -1)
        self.load_state_dict(state)

    def forward(self, part: ModalityBatch, windows: Tensor) -> StageOutput:
        """Score the windows (E, T) over the frames of a batch."""
        # bfloat16 halves the convolutions' share of a training step; windows stay in float32
        with torch.autocast(part.clip.device.type, torch.bfloat16, enabled=self.training):
            features = self.stream.spatial(part.clip, part.guidance)[0]  # (N, D)
        features = features.float() + self.energy_map(part.motion)
        temporal = self.stream.dtn(features[windows])
        scores = self.classifier(temporal.tokens.amax(dim=1))
        branches = [m(temporal.tokens[:, i]) for i, m in enumerate(self.branch_heads)]
        return StageOutput(scores, branches, temporal)


def gesture_scores(scores: Tensor) -> Tensor:
    """Return scores (E, 15) of gestures and idle from those of the 28 classes and idle (E, 29)."""
    pairs = scores[:, :IDLE].view(len(scores), IDLE_GESTURE, 2)
    return torch.cat([pairs.logsumexp(2), scores[:, IDLE:]], dim=1)


def class_loss(scores: Tensor, fine: Tensor, gesture: Tensor) -> Tensor:
    """Cross-entropy of the 28 classes where they are known, and of the gestures."""
    known = fine != UNKNOWN
    coarse = functional.cross_entropy(gesture_scores(scores), gesture, label_smoothing=SMOOTHING)
    if not known.any():
        return (1 + GESTURE_WEIGHT) * coarse
    exact = functional.cross_entropy(
        scores[known], fine[known], label_smoothing=SMOOTHING, reduction="sum"
    )
    rest = functional.cross_entropy(
        gesture_scores(scores[~known]), gesture[~known], label_smoothing=SMOOTHING, reduction="sum"
    )
    return (exact + rest) / len(fine) + GESTURE_WEIGHT * coarse


def stage_loss(output: StageOutput, fine: Tensor, gesture: Tensor) -> Tensor:
    """The classes' loss of the stage and of its branches, and the RCM's distillation (Eq. 14)."""
    branches = sum(class_loss(b, fine, gesture) for b in output.branches)
    student = distillation(output.temporal.tokens, output.temporal.student, DISTILLATION_TAU)
    return (
        class_loss(output.scores, fine, gesture)
        + BRANCH_WEIGHT * branches
        + student / len(fine)  # released as a sum over the batch
    )


class FusionStage(nn.Module):
    """The fused network over two finished stages: they stay, interaction and CAPF are learned."""

    def __init__(self, network: StreamingNetwork) -> None:
        super().__init__()
        self.network = network
        self._kept: list[nn.Module] = [
            _fusion(network).Modalit_rgb,
            _fusion(network).Modalit_depth,
            _fusion(network).classifier1,
            _fusion(network).classifier2,
            network.energy_maps,
        ]
        for module in self._kept:
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> FusionStage:
        """Train what is new; what is kept neither drops nor adapts its statistics."""
        super().train(mode)
        for module in self._kept:
            module.eval()
        return self

    def forward(self, color: ModalityBatch, depth: ModalityBatch, windows: Tensor) -> Any:
        """Score the windows (E, T) with both modalities."""
        with torch.no_grad():
            clips, guidance = (color.clip, depth.clip), (color.guidance, depth.guidance)
            features = self.network.frames(clips, guidance)
        return self.network.window(
            [x[0][windows] for x in features], [m[windows] for m in (color.motion, depth.motion)]
        )


def fused(config: NetworkConfig, color: HandStage, depth: HandStage) -> StreamingNetwork:
    """Return the network of both stages; the interaction starts at nothing."""
    network = StreamingNetwork(config)
    inner = _fusion(network)
    for stage, stream, classifier in (
        (color, inner.Modalit_rgb, inner.classifier1),
        (depth, inner.Modalit_depth, inner.classifier2),
    ):
        stream.load_state_dict(stage.stream.state_dict())
        classifier.load_state_dict(stage.classifier.state_dict())
    for stage, embedding in zip((color, depth), network.energy_maps, strict=True):
        embedding.load_state_dict(stage.energy_map.state_dict())
    with torch.no_grad():
        for joint in (inner.crossFusion, inner.crossFusionT):
            for layer in list(joint)[3:4]:  # its last; a modality that does not interact has none
                assert isinstance(layer, nn.Conv2d)
                layer.weight.mul_(0.01)
    return network


def with_rarer_idle(network: StreamingNetwork, nats: float) -> StreamingNetwork:
    """Return a copy whose head of depth asks more before it says idle: `nats` off its score.

    Logit adjustment (Menon et al. 2021) for windows among which idle was commoner than where the
    network is asked.
    """
    network = copy.deepcopy(network)
    linear = _fusion(network).classifier2[-1]
    assert isinstance(linear, nn.Linear)
    with torch.no_grad():
        linear.bias[IDLE] -= nats
    return network


def _fusion(network: StreamingNetwork) -> FusionNetwork:
    inner = network.network
    assert isinstance(inner, FusionNetwork)
    return inner
