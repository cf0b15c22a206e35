"""The per-window graph, and the per-frame graph of streaming networks: parts wrapped for export."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from motionrgbd.models.bundle import PRESENT
from motionrgbd.models.dsn import DSN
from motionrgbd.models.fusion import FusionNetwork
from motionrgbd.models.recipe import Modality
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.models.unimodal import UnimodalNetwork

Shapes = dict[str, tuple[int, ...]]
_NOTHING = -1e30  # log of a weight of 0, and finite: 8-bit graphs know no infinity


class WindowScores(nn.Module):
    """Scores of one window, from the features of its frames.

    modalities: what the network's streams are fed with, in its order (a released network of one
    modality does not say which). falls_back: whether one modality of two is enough; an input then
    says which are there. groups: the label of each class, where classes are merged to labels.
    """

    merged_from: Tensor
    merged_weight: Tensor

    def __init__(
        self,
        network: StreamingNetwork | UnimodalNetwork | FusionNetwork,
        modalities: tuple[Modality, ...],
        *,
        falls_back: bool = False,
        groups: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.modalities, self.falls_back = network, modalities, falls_back
        if falls_back and len(modalities) != 2:
            raise ValueError("only a network of both modalities falls back to one")
        self.merges = groups is not None
        if groups is not None:
            classes = [[c for c, g in enumerate(groups) if g == k] for k in range(max(groups) + 1)]
            most = max(map(len, classes))  # a label of fewer classes repeats one, at no weight
            padded = [c + c[:1] * (most - len(c)) for c in classes]
            weights = [[0.0] * len(c) + [_NOTHING] * (most - len(c)) for c in classes]
            self.register_buffer("merged_from", torch.tensor(padded))  # (labels, most)
            self.register_buffer("merged_weight", torch.tensor(weights))

    def input_shapes(self) -> Shapes:
        """Features (1, T, D) per modality, motion energies (1, T, E) where they are used, and which
        modalities are there (1, 2), 1 or 0, where one is enough.
        """
        config = self.network.config
        shapes: Shapes = dict.fromkeys(self.modalities, (1, config.window, config.feature))
        if config.energies:
            shapes |= {f"{m}_motion": (1, config.window, config.energies) for m in self.modalities}
        if self.falls_back:
            shapes[PRESENT] = (1, 2)
        return shapes

    def output_names(self) -> tuple[str, ...]:
        """fused: what is ranked. embedding: one vector per window."""
        alone = ("color_scores", "depth_scores") if len(self.modalities) > 1 else ()
        return ("fused", *alone, "embedding")

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        count = len(self.modalities)
        present = inputs[-1] if self.falls_back else None
        features, energies = inputs[:count], inputs[count : len(inputs) - self.falls_back]
        if isinstance(self.network, StreamingNetwork):
            parts = self.network.window(features, energies, present=present).parts
        elif isinstance(self.network, FusionNetwork):
            parts = self.network.recognise(*features, present=present)
        else:
            parts = self.network.recognise(features[0])
        if count == 1:
            return self.of_labels(parts.scores), parts.embedding
        each = (parts.scores, parts.color, parts.depth)  # type: ignore[union-attr]
        return *map(self.of_labels, each), parts.embedding

    def of_labels(self, scores: Tensor) -> Tensor:
        """Scores of labels (B, labels): the log-sum-exp of their classes' (B, K)."""
        if not self.merges:
            return scores
        return torch.logsumexp(scores[:, self.merged_from] + self.merged_weight, dim=2)


class StreamingFrames(nn.Module):
    """One step of one modality of a streaming network: the frame's feature, and the state after."""

    def __init__(self, dsn: DSN) -> None:
        super().__init__()
        self.dsn = dsn

    def input_shapes(self) -> Shapes:
        """Every input by name, in order: the frame, then the state before it."""
        size, channels = self.dsn.image_size, self.dsn.Conv3d_1a_7x7.conv3d.in_channels
        state = self.dsn.initial_state(1, size, size)
        return {
            "image": (1, channels, size, size),
            "guidance": (1, 1, size, size),
            **{f"state_{i}": tuple(past.shape) for i, past in enumerate(state)},
        }

    def output_names(self) -> tuple[str, ...]:
        size = self.dsn.image_size
        state = self.dsn.initial_state(1, size, size)
        return ("feature", *(f"next_state_{i}" for i in range(len(state))))

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        image, guidance, *state = inputs
        feature, state_after = self.dsn.advance(
            image[:, :, None], guidance[:, :, None], tuple(state)
        )
        return feature[:, 0], *state_after  # (1, D), then as the state came in
