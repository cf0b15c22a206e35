"""The per-window graph, and the per-frame graph of streaming networks: parts wrapped for export."""

from __future__ import annotations

from torch import Tensor, nn

from motionrgbd.models.dsn import DSN
from motionrgbd.models.fusion import FusionNetwork
from motionrgbd.models.recipe import Modality
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.models.unimodal import UnimodalNetwork

Shapes = dict[str, tuple[int, ...]]


class WindowScores(nn.Module):
    """Scores of one window, from the features of its frames.

    modalities: what the network's streams are fed with, in its order (a released network of one
    modality does not say which).
    """

    def __init__(
        self,
        network: StreamingNetwork | UnimodalNetwork | FusionNetwork,
        modalities: tuple[Modality, ...],
    ) -> None:
        super().__init__()
        self.network, self.modalities = network, modalities

    def input_shapes(self) -> Shapes:
        """Features (1, T, D) per modality, then motion energies (1, T, E) where they are used."""
        config = self.network.config
        shapes: Shapes = dict.fromkeys(self.modalities, (1, config.window, config.feature))
        if config.energies:
            shapes |= {f"{m}_motion": (1, config.window, config.energies) for m in self.modalities}
        return shapes

    def output_names(self) -> tuple[str, ...]:
        """fused: what is ranked. embedding: one vector per window."""
        alone = ("color_scores", "depth_scores") if len(self.modalities) > 1 else ()
        return ("fused", *alone, "embedding")

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        count = len(self.modalities)
        features, energies = inputs[:count], inputs[count:]
        if isinstance(self.network, StreamingNetwork):
            parts = self.network.window(features, energies).parts
        elif isinstance(self.network, FusionNetwork):
            parts = self.network.recognise(*features)
        else:
            parts = self.network.recognise(features[0])
        if count == 1:
            return parts.scores, parts.embedding
        return parts.scores, parts.color, parts.depth, parts.embedding  # type: ignore[union-attr]


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
