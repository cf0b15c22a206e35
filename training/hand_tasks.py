"""What the default model's stages compute, for the training loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.fusion import FusionOutput
from motionrgbd.models.losses import distillation, modality_loss, reconstruction_loss
from motionrgbd.models.recipe import Modality, Recipe
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.training.batches import moved
from motionrgbd.training.hand_batches import HandBatch, hand_batch
from motionrgbd.training.hand_clips import HandClips
from motionrgbd.training.hand_network import (
    FusionStage,
    HandStage,
    class_loss,
    gesture_scores,
    stage_loss,
)
from motionrgbd.training.hand_plans import Planner, plan_clip
from motionrgbd.training.hand_recipe import Mixture
from motionrgbd.training.hand_streams import Augmentation, HandStream, draw, take_of
from motionrgbd.training.loop import DISTILLATION_TAU, process
from motionrgbd.training.schedule import Schedule
from motionrgbd.training.synthetic_hands import HandRecording, recorded_take

_AT_ONCE = 16  # clips of a validation batch


@dataclass(frozen=True)
class HandData:
    """What a stage trains on, and what it is watched on.

    synthetic: recordings of gestures; still: of a performer who makes none; rest: of real people.
    """

    clips: HandClips
    synthetic: Sequence[HandRecording]
    watched: HandClips
    rest: Sequence[HandRecording] = ()
    still: Sequence[HandRecording] = ()


class HandBatches:
    """Draws augmented batches; each is a pure function of seed, epoch, step and rank."""

    def __init__(
        self,
        data: HandData,
        recipe: Recipe,
        mixture: Mixture,
        schedule: Schedule,
        modalities: Sequence[Modality],
    ) -> None:
        self._data, self._recipe, self._mixture = data, recipe, mixture
        self._schedule, self._modalities = schedule, tuple(modalities)
        self._planner = Planner(data.clips, recipe.fps_hz)
        self._augmentation = Augmentation()

    def epoch(self, epoch: int) -> Iterator[HandBatch]:
        """Yield an epoch's batches."""
        rank = process()[0]
        for step in range(self._schedule.steps_per_epoch * self._schedule.accumulate):
            rng = np.random.default_rng((self._schedule.seed, epoch, step, rank))
            yield hand_batch(self._streams(rng), self._recipe, self._modalities)

    def _streams(self, rng: np.random.Generator) -> list[HandStream]:
        mixture, clips = self._mixture, self._data.clips
        takes = [take_of(self._planner.alone(rng), clips) for _ in range(mixture.alone)]
        takes += [take_of(self._planner.stream(rng), clips) for _ in range(mixture.streams)]
        takes += [take_of(self._planner.unrest(rng), clips) for _ in range(mixture.unrest)]
        for recordings, count in (
            (self._data.synthetic, mixture.synthetic),
            (self._data.rest, mixture.rest),
            (self._data.still, mixture.still),
        ):
            if recordings:
                size = mixture.recorded_frames, mixture.recorded_windows
                takes += [recorded_take(recordings, rng, *size) for _ in range(count)]
        color = "color" in self._modalities
        return [draw(take, self._recipe, rng, self._augmentation, color=color) for take in takes]


class StageTask:
    """One modality alone. start: the other modality's stage to begin from, or None."""

    def __init__(
        self,
        modality: Modality,
        config: NetworkConfig,
        recipe: Recipe,
        data: HandData,
        mixture: Mixture,
        schedule: Schedule,
        start: HandStage | None = None,
    ) -> None:
        self._modality, self._config, self._recipe, self._data = modality, config, recipe, data
        self._start = start
        self._batches = HandBatches(data, recipe, mixture, schedule, [modality])

    def build(self) -> HandStage:
        stage = HandStage(self._config, self._modality)
        if self._start is not None:
            stage.adopt(self._start)
        return stage

    def batches(self, epoch: int) -> Iterator[HandBatch]:
        return self._batches.epoch(epoch)

    def loss(self, network: HandStage, batch: HandBatch, epoch: int) -> dict[str, Tensor]:
        part = batch.depth if self._modality == "depth" else batch.color
        assert part is not None
        output = network(part, batch.windows)
        right = (gesture_scores(output.scores).argmax(1) == batch.gesture).float().mean()
        return {
            "loss": stage_loss(output, batch.fine, batch.gesture),
            "train_accuracy": right.detach(),
        }

    def validate(self, network: HandStage) -> dict[str, float]:
        """Return accuracies on the watched clips, as cut and at their real duration."""
        figures = {}
        for timed, name in ((False, "cut"), (True, "timed")):
            scores = clip_scores(
                network, self._data.watched, self._recipe, self._modality, timed=timed
            )
            for classes, value in accuracies(scores, self._data.watched.fine).items():
                figures[f"{name} {classes}"] = value
        return figures


class FusionTask:
    """Interaction and CAPF over two finished stages."""

    def __init__(
        self,
        network: StreamingNetwork,
        recipe: Recipe,
        data: HandData,
        mixture: Mixture,
        schedule: Schedule,
    ) -> None:
        self._network, self._recipe, self._data = network, recipe, data
        self._batches = HandBatches(data, recipe, mixture, schedule, ["color", "depth"])
        # what figures are taken on: the same draws every time
        watched = HandData(data.watched, data.synthetic[:1], data.watched)
        self._watched = HandBatches(
            watched, recipe, mixture, Schedule(epochs=1, steps_per_epoch=8), ["color", "depth"]
        )

    def build(self) -> nn.Module:
        return FusionStage(self._network)

    def batches(self, epoch: int) -> Iterator[HandBatch]:
        return self._batches.epoch(epoch)

    def loss(self, network: FusionStage, batch: HandBatch, epoch: int) -> dict[str, Tensor]:
        parts = network(batch.color, batch.depth, batch.windows).parts
        right = (gesture_scores(parts.scores).argmax(1) == batch.gesture).float().mean()
        return {"loss": fused_loss(parts, batch), "train_accuracy": right.detach()}

    def validate(self, network: FusionStage) -> dict[str, float]:
        """Return window accuracies of the fused and the single scores, on relit watched clips."""
        right: dict[str, list[Tensor]] = {"fused": [], "color": [], "depth": []}
        device = next(network.parameters()).device
        for drawn in self._watched.epoch(0):
            batch = moved(drawn, device)
            parts = network(batch.color, batch.depth, batch.windows).parts
            for name, scores in (
                ("fused", parts.scores),
                ("color", parts.color),
                ("depth", parts.depth),
            ):
                right[name].append(gesture_scores(scores).argmax(1) == batch.gesture)
        return {name: float(torch.cat(hits).float().mean()) for name, hits in right.items()}


def fused_loss(parts: FusionOutput, batch: HandBatch) -> Tensor:
    """The fusion loss (Eq. 18) with the classes' loss of both label sets."""
    students = distillation(parts.color_tokens, parts.color_student, DISTILLATION_TAU)
    students = students + distillation(parts.depth_tokens, parts.depth_student, DISTILLATION_TAU)
    return (
        class_loss(parts.color, batch.fine, batch.gesture)
        + class_loss(parts.depth, batch.fine, batch.gesture)
        + class_loss(parts.fusion, batch.fine, batch.gesture)
        + class_loss(parts.scores, batch.fine, batch.gesture)
        + modality_loss(parts)
        + reconstruction_loss(parts)
        + students / len(batch.fine)
    )


@torch.no_grad()
def clip_scores(
    network: HandStage, clips: HandClips, recipe: Recipe, modality: Modality, *, timed: bool
) -> Tensor:
    """Return scores (n, 29) of whole clips, at their last frame, unaugmented (colour: relit)."""
    device = next(network.parameters()).device
    scores = []
    for start in range(0, len(clips), _AT_ONCE):
        streams = []
        for clip in range(start, min(len(clips), start + _AT_ONCE)):
            take = take_of(plan_clip(clips, clip, timed=timed, fps_hz=recipe.fps_hz), clips)
            streams.append(draw(take, recipe, color=modality == "color", light=clip))
        batch = hand_batch(streams, recipe, [modality])
        part = batch.depth if modality == "depth" else batch.color
        assert part is not None
        scores.append(network(moved(part, device), batch.windows.to(device)).scores.cpu())
    return torch.cat(scores)


def accuracies(
    scores: Tensor, fine: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> dict[str, float]:
    """Return the share of right clips among the 14 and the 28 classes; idle is an answer too."""
    truth = torch.from_numpy(fine)
    return {
        "14": float((gesture_scores(scores).argmax(1) == truth // 2).float().mean()),
        "28": float((scores.argmax(1) == truth).float().mean()),
    }
