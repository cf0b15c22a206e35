"""Scores of clips under a checkpoint, ours or the authors', in torch: the whole clip at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from motionrgbd.core.errors import LibraryError
from motionrgbd.core.results import FloatArray
from motionrgbd.core.runner import NetworkInput
from motionrgbd.models.bundle import Bundle, Card
from motionrgbd.models.checkpoint import load_checkpoint
from motionrgbd.models.errors import CheckpointError
from motionrgbd.models.fusion import FusionNetwork
from motionrgbd.models.recipe import Modality
from motionrgbd.models.released import load_released
from motionrgbd.models.released_recipes import released_labels, released_recipe
from motionrgbd.models.streaming import StreamingNetwork, windows_at
from motionrgbd.models.unimodal import UnimodalNetwork
from motionrgbd.training.evaluation.clip_inputs import (
    Model,
    is_stretched,
    network_inputs,
    too_short,
)
from motionrgbd.training.evaluation.clips import EvaluationClip
from motionrgbd.training.export import released_bundle, streaming_bundle, streaming_network

Network = StreamingNetwork | UnimodalNetwork | FusionNetwork


def open_checkpoint(path: Path, device: str) -> TorchScorer:
    """Open a checkpoint of ours. Raises CheckpointError where it does not fit itself."""
    checkpoint = load_checkpoint(path)
    if len(checkpoint.labels) != checkpoint.config.classes:
        raise CheckpointError(
            f"{path}: {len(checkpoint.labels)} labels for {checkpoint.config.classes} classes — "
            "train it again, or mend its header"
        )
    try:
        network = streaming_network(checkpoint)
    except (CheckpointError, ValueError) as error:
        raise CheckpointError(f"{path}: {error}") from error
    place = torch_device(device)
    model = Model(
        file=path.name,
        kind="checkpoint, streaming",
        sha256=_sha256(path),
        labels=checkpoint.labels,
        recipe=checkpoint.recipe,
        modalities=checkpoint.config.modalities,  # type: ignore[arg-type]
        card=checkpoint.card,
        device=_words(place),
        stretched=is_stretched(checkpoint.recipe, "streaming"),
        falls_back=checkpoint.fallback,
        temperatures=checkpoint.temperatures,
    )
    return TorchScorer(network, model, place, lambda: streaming_bundle(checkpoint)[0])


def open_released(path: Path, benchmark: str, modality: Modality, device: str) -> TorchScorer:
    """Open a checkpoint of the authors. modality: what a network of one modality was trained on.

    Raises CheckpointError where it does not fit.
    """
    try:
        network = load_released(path, benchmark=benchmark)
    except CheckpointError as error:
        text = str(error)
        raise CheckpointError(text if text.startswith(str(path)) else f"{path}: {text}") from error
    recipe = released_recipe(benchmark)
    if network.config.window != recipe.window:
        raise CheckpointError(
            f"{path}: takes {network.config.window} frames, {benchmark}'s recipe {recipe.window} — "
            "is it another set's checkpoint?"
        )
    both: tuple[Modality, ...] = ("color", "depth")
    place = torch_device(device)
    model = Model(
        file=path.name,
        kind=f"the authors' checkpoint, {benchmark}",
        sha256=_sha256(path),
        labels=released_labels(benchmark, network.config.classes),
        recipe=recipe,
        modalities=both if isinstance(network, FusionNetwork) else (modality,),
        card=Card(
            data=benchmark,
            command=f"checkpoint {path.name} as published by the paper's authors",
            licence="the authors' terms; check them before passing the file on",
        ),
        device=_words(place),
        stretched=is_stretched(recipe, "released-exact"),
    )

    def bundle() -> Bundle:
        made = load_released(path, benchmark=benchmark)  # its export must stay on the CPU
        return released_bundle(made, recipe, mode="exact", modality=modality)[0]

    return TorchScorer(network, model, place, bundle)


def torch_device(name: str) -> torch.device:
    """Return the device of `auto`, `cpu` or `cuda`. Raises LibraryError where there is no CUDA."""
    if name == "cuda" and not torch.cuda.is_available():
        raise LibraryError(
            "CUDA was asked for but does not run in this torch: check the driver with "
            "`nvidia-smi`, install a CUDA build of torch, or choose --device cpu"
        )
    return torch.device("cpu" if name == "cpu" or not torch.cuda.is_available() else "cuda")


class TorchScorer:
    """The definition of a checkpoint's scores. export: makes the bundle that the engine runs."""

    def __init__(
        self, network: Network, model: Model, device: torch.device, export: Callable[[], Bundle]
    ) -> None:
        self.model = model
        self._device, self._export = device, export
        self._network = network.to(device).eval()

    @torch.no_grad()
    def score(self, clip: EvaluationClip) -> FloatArray:
        """Return logits (K,)."""
        frames: list[NetworkInput] = []
        for given in network_inputs(clip, self.model):
            if given is None:
                frames.clear()
            else:
                frames.append(given)
        recipe, used = self.model.recipe, self.model.used(clip)
        if len(frames) < (recipe.window if recipe.padding == "wait" else 1):
            raise too_short(clip, recipe)
        # TF32's ten bits would change which neighbours the k-NN attention keeps
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            scores = self._scores(frames, used)
        return self.model.calibrated(scores[0].float().cpu().numpy(), used)

    def bundle(self) -> Bundle:
        """Return the checkpoint's export; a released network's gives the clip's scores exactly."""
        return self._export()

    def close(self) -> None:
        """Nothing is left running."""

    def _scores(self, frames: list[NetworkInput], used: tuple[Modality, ...]) -> Tensor:
        clips = [self._clip(frames, m) for m in used]
        maps = [self._stack(frames, f"{m}_guidance")[None, None] for m in used]
        if not isinstance(self._network, StreamingNetwork):
            return cast(Tensor, self._network(*clips, *maps).scores)
        names = used if self.model.recipe.motion else ()
        motion = [self._stack(frames, f"{m}_motion")[None] for m in names]
        if used != self.model.modalities:
            return self._alone(used[0], clips[0], maps[0], motion)
        return cast(Tensor, self._network(clips, maps, motion).scores)

    def _alone(
        self, modality: Modality, clip: Tensor, maps: Tensor, motion: list[Tensor]
    ) -> Tensor:
        """Scores of one modality of two: the other one is zeros, and said to be absent."""
        network = self._network
        assert isinstance(network, StreamingNetwork)
        L, T = clip.shape[2], network.config.window
        there = [m == modality for m in self.model.modalities]
        present = torch.tensor([there], dtype=torch.float32, device=self._device)
        feature = network.streams[there.index(True)].spatial(clip, maps)  # (1, L, D)
        features = [feature if it else torch.zeros_like(feature) for it in there]
        motion = [e if it else torch.zeros_like(e) for e in motion for it in there]
        return network.window(
            [windows_at(x, [L - 1], T) for x in features],
            [windows_at(e, [L - 1], T) for e in motion],
            present=present,
        ).scores

    def _clip(self, frames: list[NetworkInput], modality: Modality) -> Tensor:
        """(1, C, L, h, w); grey stands for three equal channels where the network has three."""
        clip = self._stack(frames, modality).transpose(0, 1)[None]
        return clip.expand(-1, self._network.config.channels(modality), -1, -1, -1)

    def _stack(self, frames: list[NetworkInput], name: str) -> Tensor:
        return torch.from_numpy(np.stack([getattr(f, name) for f in frames])).to(self._device)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _words(device: torch.device) -> str:
    return "torch, CUDA" if device.type == "cuda" else "torch, CPU"
