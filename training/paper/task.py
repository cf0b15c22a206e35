"""A recipe as a task of the training loop: its clips, its network, its loss, its accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionrgbd.core.errors import SourceError, UsageError
from motionrgbd.models.dtn import Picks, random_picks
from motionrgbd.models.fusion import FusionNetwork, FusionOutput
from motionrgbd.models.released import ReleasedFusionNetwork
from motionrgbd.models.unimodal import UnimodalNetwork, UnimodalOutput
from motionrgbd.training.batches import moved
from motionrgbd.training.clip_loader import Clip, ClipBatch, ClipReader
from motionrgbd.training.loop import process
from motionrgbd.training.paper.clip_sets import Shards, open_clips
from motionrgbd.training.paper.recipes import TrainingRecipe
from motionrgbd.training.paper.weights import start_from_both, start_from_file
from motionrgbd.training.schedule import Schedule

Network = UnimodalNetwork | FusionNetwork
Output = UnimodalOutput | FusionOutput


class BenchmarkTask:
    """The task of one recipe and seed.

    root: the set's own folder, or where its shards are. clips: at most so many in one pass over a
    device; a step's batch is then cut into passes. start: files whose weights the network begins
    with, one of any kind or colour's and depth's of one modality each.
    Raises UsageError where the batch cannot be cut evenly, SourceError for broken lists.
    """

    def __init__(
        self,
        recipe: TrainingRecipe,
        root: Path | Shards,
        *,
        seed: int,
        workers: int = 0,
        clips: int | None = None,
        start: Sequence[Path] = (),
    ) -> None:
        self.recipe, self._start = recipe, tuple(start)
        self._train, self._valid = (
            open_clips(recipe.benchmark, split, root) for split in (recipe.train, recipe.valid)
        )
        self.valid = self._valid.listed
        rank, world = process()
        clips, self._accumulate = _passes(recipe.batch, world, clips)
        if len(recipe.modalities) == 2 and clips * world < 2:
            raise UsageError(
                "a fused network normalises over clips and needs two of them in a pass — choose "
                "--batch and --clips of at least 2"
            )
        reader = ClipReader(recipe.frames, recipe.modalities, guided=recipe.network.guided)
        augmented = replace(reader, augmentation=recipe.augmentation, flips=flips(recipe))
        self._training = self._train.loader(
            augmented, clips, seed=seed, workers=workers, rank=rank, world=world
        )
        self._validation = self._valid.loader(reader, clips, workers=workers)
        self._reader = reader

    def schedule(self, seed: int) -> Schedule:
        """Return the recipe's schedule for the list's length."""
        steps = max(1, len(self._training) // self._accumulate)
        return replace(
            self.recipe.schedule, seed=seed, steps_per_epoch=steps, accumulate=self._accumulate
        )

    def build(self) -> Network:
        if len(self.recipe.modalities) == 2:
            # the interaction in space as released: the published figures are of that network
            network: Network = ReleasedFusionNetwork(self.recipe.network)
        else:
            network = UnimodalNetwork(self.recipe.network)
        if len(self._start) == 2:
            start_from_both(network, *self._start)
        elif self._start:
            start_from_file(network, self._start[0])
        return network

    def batches(self, epoch: int) -> Iterator[ClipBatch]:
        wanted = max(1, len(self._training) // self._accumulate) * self._accumulate
        while wanted > 0:  # lists shorter than a batch repeat
            for batch in self._training.epoch(epoch):
                yield batch
                wanted -= 1
                if not wanted:
                    return

    def loss(self, network: Network, batch: ClipBatch, epoch: int) -> dict[str, Tensor]:
        output = self._output(network, batch, epoch)
        return self.recipe.objective.loss(output, batch.labels)

    def look(self) -> list[tuple[Clip, ClipBatch]]:
        """Look at both lists and at what they name; return the first clip of both."""
        for clips in (self._train, self._valid):
            clips.check(self.recipe.modalities)
        firsts = self._train.first(), self._valid.first()
        return [(clip, self._reader.read(clip)) for clip in firsts]

    def check(self, network: Network) -> None:
        """Look at the data, and at what the network says of the first clips."""
        for clip, batch in self.look():
            scores = self._output(network, _on_device(batch, network), None).scores
            expected = (1, self.recipe.network.classes)
            if tuple(scores.shape) != expected or not bool(scores.isfinite().all()):
                raise SourceError(
                    f"clip {clip.name} gives scores {tuple(scores.shape)} that should be "
                    f"finite and {expected} — look at its pictures, and at the weights it starts "
                    "from"
                )

    def validate(self, network: Network) -> dict[str, float]:
        scores, labels = self.scores(network)
        return {"top1": float((scores.argmax(1) == labels).mean())}

    @torch.no_grad()
    def scores(self, network: Network) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return logits (N, K) of the validation clips in the list's order, and their labels."""
        scores, labels, places = [], [], []
        for batch in self._validation.epoch(0):
            output = self._output(network, _on_device(batch, network), None)
            scores.append(output.scores.float().cpu().numpy())
            labels.append(batch.labels.numpy())
            places.append(batch.places.numpy())
        order = np.argsort(np.concatenate(places))
        return np.concatenate(scores)[order], np.concatenate(labels)[order]

    def _output(self, network: Network, batch: ClipBatch, epoch: int | None) -> Output:
        """Random picks and a growing temperature in training; epoch None: evaluation."""
        config, random = self.recipe.network, torch.default_generator

        def picks() -> Picks | None:
            return None if epoch is None else random_picks(config, random)

        inputs = [batch.inputs(m, config.channels(m)) for m in self.recipe.modalities]
        if isinstance(network, UnimodalNetwork):
            temperature = self.recipe.objective.temperature(epoch)
            single: UnimodalOutput = network(*inputs[0], temperature=temperature, picks=picks())
            return single
        (color, color_maps), (depth, depth_maps) = inputs
        both: FusionOutput = network(
            color, depth, color_maps, depth_maps, color_picks=picks(), depth_picks=picks()
        )
        return both


def flips(recipe: TrainingRecipe) -> dict[int, int]:
    """Return the label that a mirrored clip has, where mirroring changes it."""
    labels = recipe.benchmark.labels
    pairs = [(labels.index(a), labels.index(b)) for a, b in recipe.benchmark.mirror]
    return dict(pairs) | {b: a for a, b in pairs}


def _passes(batch: int, world: int, clips: int | None) -> tuple[int, int]:
    """Return how many clips a pass has and how many passes a step."""
    share, rest = divmod(batch, world)
    clips = min(clips or share, share)
    if rest or share < 1 or share % clips:
        raise UsageError(
            f"a batch of {batch} clips cannot be cut into equal passes of {clips} on {world} "
            "processes — choose --batch and --clips so that it can"
        )
    return clips, share // clips


def _on_device(batch: ClipBatch, network: Network) -> ClipBatch:
    moved_batch: ClipBatch = moved(batch, next(network.parameters()).device)
    return moved_batch
