"""The streaming network: a new frame pays for itself, a window for recoupling and recognition.

Per frame: the DSN, whose causal temporal pools remember two frames per block. Per window: the
embedded motion energies, interaction, RCM, DTN and heads or CAPF, over the features of T frames.
Frame by frame gives what the whole clip gives, for every prefix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.dsn import DSN, State
from motionrgbd.models.dtn import SHARPNESS, Picks
from motionrgbd.models.fusion import FusionNetwork, FusionOutput
from motionrgbd.models.presence import at_rows
from motionrgbd.models.unimodal import UnimodalNetwork, UnimodalOutput


@dataclass(frozen=True)
class StreamingOutput:
    """Scores (B, K) of windows; of a modality that the network does not have, None."""

    scores: Tensor  # what is ranked: f1 + f2 + f3, or the one modality's logits
    color: Tensor | None
    depth: Tensor | None
    features: Tensor  # (B, D) or, of both modalities, (B, 2 D): for learning from few examples
    parts: UnimodalOutput | FusionOutput  # for the losses


def energy_map(config: NetworkConfig) -> nn.Module:
    """What embeds a frame's motion energies (..., E) beside its features (..., D)."""
    E, D, hidden = config.energies, config.feature, config.energy_hidden
    if not hidden:
        return nn.Linear(E, D, bias=False)
    return nn.Sequential(nn.Linear(E, hidden), nn.GELU(), nn.Linear(hidden, D))


class StreamingNetwork(nn.Module):
    """Scores of windows over streams of frames.

    Whatever there is one of per modality comes as a tuple in the order of `config.modalities`:
    clips (B, C, L, H, W), images (B, C, H, W), guidance (B, 1, L, H, W) or (B, 1, H, W), energies
    (B, L, E), features (B, L, D). `present` (B, 2) says of a network of both which are there, 1 or
    0; None: both.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        if config.temporal_pool == "centred":
            raise ValueError("a streaming network cannot look ahead: temporal_pool causal or none")
        self.config = config
        self.network: UnimodalNetwork | FusionNetwork
        if len(config.modalities) == 1:
            self.network = UnimodalNetwork(config)
        else:
            self.network = FusionNetwork(config)
        embeddings = len(config.modalities) if config.energies else 0
        self.energy_maps = nn.ModuleList(energy_map(config) for _ in range(embeddings))

    @property
    def streams(self) -> tuple[DSN, ...]:
        """The per-frame part of each modality."""
        if isinstance(self.network, FusionNetwork):
            return self.network.Modalit_rgb, self.network.Modalit_depth
        return (self.network,)

    def forward(
        self, clips: Sequence[Tensor], guidance: Sequence[Tensor], energies: Sequence[Tensor] = ()
    ) -> StreamingOutput:
        """Scores of the window that ends with the clips' last frame."""
        last = [clips[0].shape[2] - 1]
        features = self.frames(clips, guidance)  # (B, L, D) each
        return self.window(
            [windows_at(x, last, self.config.window) for x in features],  # (B, T, D) each
            [windows_at(e, last, self.config.window) for e in energies],
        )

    def frames(
        self,
        clips: Sequence[Tensor],
        guidance: Sequence[Tensor],
        *,
        present: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Features (B, L, D) of every frame of whole clips; zeros where a modality is absent."""
        columns = (None,) * len(self.streams) if present is None else present.unbind(1)
        modalities = zip(columns, self.streams, clips, guidance, strict=True)
        return tuple(at_rows(rows, dsn, dsn.spatial, clip, g) for rows, dsn, clip, g in modalities)

    def initial_state(self, batch: int) -> tuple[State, ...]:
        """The state before the first frame, on the network's device."""
        size = self.config.image_size
        return tuple(stream.initial_state(batch, size, size) for stream in self.streams)

    def step(
        self, images: Sequence[Tensor], guidance: Sequence[Tensor], states: Sequence[State]
    ) -> tuple[tuple[Tensor, ...], tuple[State, ...]]:
        """Features (B, D) of the next frame, and the states after it."""
        modalities = zip(self.streams, images, guidance, states, strict=True)
        steps = [
            stream.advance(image[:, :, None], g[:, :, None], state)
            for stream, image, g, state in modalities
        ]
        return tuple(x[:, 0] for x, _ in steps), tuple(state for _, state in steps)

    def window(
        self,
        features: Sequence[Tensor],
        energies: Sequence[Tensor] = (),
        *,
        present: Tensor | None = None,
        temperature: float = SHARPNESS,
        picks: Sequence[Picks | None] | None = None,
    ) -> StreamingOutput:
        """Scores of windows of features (B, T, D); training sets the options.

        The temperature is that of a single modality's heads; fused scores have none.
        """
        if self.energy_maps:
            features = [
                x + embed(e)  # (B, T, D)
                for embed, x, e in zip(self.energy_maps, features, energies, strict=True)
            ]
        picks = picks or (None,) * len(features)
        if isinstance(self.network, FusionNetwork):
            fused = self.network.recognise(
                *features, present=present, color_picks=picks[0], depth_picks=picks[1]
            )
            return StreamingOutput(
                fused.scores, fused.color, fused.depth, fused.embedding, parts=fused
            )
        single = self.network.recognise(features[0], temperature=temperature, picks=picks[0])
        color, depth = (
            single.logits if name in self.config.modalities else None for name in ("color", "depth")
        )
        return StreamingOutput(single.logits, color, depth, single.embedding, parts=single)


def windows_at(x: Tensor, ends: Sequence[int], window: int) -> Tensor:
    """The windows (B E, T, ...) of a sequence (B, L, ...) that end at the E frames `ends`."""
    return windows_of(x, torch.tensor(ends, device=x.device).expand(len(x), -1), window)


def windows_of(x: Tensor, ends: Tensor, window: int) -> Tensor:
    """The windows (B E, T, ...) of sequences (B, L, ...), each at its own frames `ends` (B, E).

    Frames before a sequence's start repeat its first one, in training as in a live stream.
    """
    steps = torch.arange(window, device=x.device)
    index = (ends[:, :, None] - window + 1 + steps).clamp(min=0)  # (B, E, T)
    return x[torch.arange(len(x), device=x.device)[:, None, None], index].flatten(0, 1)
