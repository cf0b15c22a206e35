"""The network of both modalities: interaction in space and time, and CAPF (paper, Eq. 17-18)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionrgbd.models.config import MODALITIES, NetworkConfig
from motionrgbd.models.dtn import Picks, Temporal, head
from motionrgbd.models.presence import at_rows
from motionrgbd.models.unimodal import Stream


@dataclass(frozen=True)
class FusionOutput:
    """Scores (B, K) of the fused and the single streams, and what the losses and views need.

    In rows where a modality is absent, what is computed from it means nothing.
    """

    fusion: Tensor  # f3
    color: Tensor  # f1
    depth: Tensor  # f2
    color_features: Tensor  # R' (B, D)
    depth_features: Tensor  # D' (B, D)
    decoded: Tensor  # CAPF's reconstruction of both (B, D)
    color_modality: Tensor  # logit that R' is colour (B, 1)
    depth_modality: Tensor  # logit that D' is colour (B, 1)
    color_tokens: Tensor  # (B, 3, D)
    depth_tokens: Tensor
    color_student: Tensor  # (B, D)
    depth_student: Tensor
    color_frame_attention: Tensor  # A_Y (B, T)
    depth_frame_attention: Tensor
    present: Tensor  # (B, 2): 1 where colour, depth is there

    @property
    def scores(self) -> Tensor:
        """What is ranked to name a gesture: f1 + f2 + f3 (B, K); of one modality alone, its own."""
        color, depth = self.present[:, :1], self.present[:, 1:]  # (B, 1)
        return self.color * color + self.depth * depth + self.fusion * (color * depth)

    @property
    def embedding(self) -> Tensor:
        """One vector (B, 2 D) per window, for learning new gestures from few examples."""
        return torch.cat((self.color_features, self.depth_features), dim=1)


def joint(width: int) -> nn.Sequential:
    """What both interactions apply to two concatenated features (B, 2 D, T, 1)."""
    return nn.Sequential(
        nn.Conv2d(2 * width, width, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 1, bias=False),
        nn.Dropout(0.4),
    )


class Silence(nn.Sequential):
    """In place of `joint` where modalities do not interact: adds nothing (B, D, T, 1)."""

    def forward(self, x: Tensor) -> Tensor:  # (B, 2 D, T, 1)
        return torch.zeros_like(x[:, : x.shape[1] // 2])


class Encoder(nn.Module):
    """CAPF's encoder (B, 2 D, 1, 1) -> (B, D/2, 1, 1)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = (2 * width, 2 * width, width, width // 2)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
        self.enconv = nn.Sequential(*layers, nn.Conv2d(width // 2, width // 2, 1, bias=False))


class Decoder(nn.Module):
    """CAPF's decoder (B, D/2, 1, 1) -> (B, D, 1, 1)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.deconv = nn.Sequential(
            nn.Conv2d(width // 2, width // 2, 1, bias=False),
            nn.BatchNorm2d(width // 2),
            nn.ReLU(),
            nn.Conv2d(width // 2, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )


class CAPF(nn.Module):
    """Scores of the fused features and their reconstruction, z = encoder(x): efc(z), decoder(z)."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.encoder = Encoder(width)
        self.decoder = Decoder(width)
        self.efc = nn.Conv2d(width // 2, classes, 1, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # (B, 2 D)
        z = self.encoder.enconv(x[:, :, None, None])  # (B, D/2, 1, 1)
        return self.efc(z).flatten(1), self.decoder.deconv(z).flatten(1)  # (B, K), (B, D)


class FusionNetwork(nn.Module):
    """f1 + f2 + f3 of two streams that exchange features in space and in time."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        D, K = config.feature, config.classes
        self.config = config
        self.Modalit_rgb = Stream(config, MODALITIES[0])
        self.Modalit_depth = Stream(config, MODALITIES[1])
        self.crossFusion = joint(D) if config.interaction in ("both", "spatial") else Silence()
        self.crossFusionT = joint(D) if config.interaction in ("both", "temporal") else Silence()
        self.classifier1 = head(D, K)
        self.classifier2 = head(D, K)
        self.fusion_model = CAPF(D, K)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Conv2d(D, 1, 1, bias=False)

    def forward(
        self,
        color: Tensor,
        depth: Tensor,
        color_guidance: Tensor,
        depth_guidance: Tensor,
        *,
        color_picks: Picks | None = None,
        depth_picks: Picks | None = None,
    ) -> FusionOutput:
        """Scores of clips (B, C, T, H, W) with guidance (B, 1, T, H, W)."""
        return self.recognise(
            self.Modalit_rgb.spatial(color, color_guidance),
            self.Modalit_depth.spatial(depth, depth_guidance),
            color_picks=color_picks,
            depth_picks=depth_picks,
        )

    def recognise(
        self,
        O_color: Tensor,
        O_depth: Tensor,
        *,
        present: Tensor | None = None,
        color_picks: Picks | None = None,
        depth_picks: Picks | None = None,
    ) -> FusionOutput:
        """Scores of windows of both features O (B, T, D).

        present: (B, 2), 1 where colour, depth is there, 0 where not; None: both everywhere. What
        is absent adds nothing to the other modality, which computes as if it were alone.
        """
        C, Z = (None, None) if present is None else (present[:, 0], present[:, 1])  # (B,)
        both = None if C is None or Z is None else C * Z
        O_shared = at_rows(both, self.crossFusion, self.interact, O_color, O_depth)
        rgb_dtn, depth_dtn = self.Modalit_rgb.dtn, self.Modalit_depth.dtn
        color: Temporal = at_rows(C, rgb_dtn, lambda x: rgb_dtn(x, color_picks), O_color + O_shared)
        depth: Temporal = at_rows(
            Z, depth_dtn, lambda x: depth_dtn(x, depth_picks), O_depth + O_shared
        )
        R, D = color.tokens.amax(dim=1), depth.tokens.amax(dim=1)  # (B, D)
        f1, f2 = self.classifier1(R), self.classifier2(D)  # (B, K)

        x = functional.normalize(torch.cat((R, D), dim=1), dim=1)  # (B, 2 D)
        shared = at_rows(both, self.crossFusionT, self.interact_in_time, x)  # (B, D)
        R, D = R + shared, D + shared  # R', D'
        f3, decoded = at_rows(
            both, self.fusion_model, self.fusion_model, torch.cat((R, D), dim=1)
        )  # (B, K), (B, D)

        return FusionOutput(
            fusion=f3,
            color=f1,
            depth=f2,
            color_features=R,
            depth_features=D,
            decoded=decoded,
            color_modality=self.fc(self.drop(R)[:, :, None, None]).flatten(1),
            depth_modality=self.fc(self.drop(D)[:, :, None, None]).flatten(1),
            color_tokens=color.tokens,
            depth_tokens=depth.tokens,
            color_student=color.student,
            depth_student=depth.student,
            color_frame_attention=color.frame_attention,
            depth_frame_attention=depth.frame_attention,
            present=O_color.new_ones(len(O_color), 2) if present is None else present,
        )

    def interact(self, O_color: Tensor, O_depth: Tensor) -> Tensor:
        """Spatial interaction: what both modalities add to every frame (B, T, D)."""
        x = functional.normalize(torch.cat((O_color, O_depth), dim=2), dim=2)  # (B, T, 2 D)
        x = cast(Tensor, self.crossFusion(x.transpose(1, 2)[..., None]))  # (B, D, T, 1)
        return x[..., 0].transpose(1, 2)  # (B, T, D)

    def interact_in_time(self, x: Tensor) -> Tensor:
        """Temporal interaction: what both modalities' class tokens (B, 2 D) share (B, D)."""
        return cast(Tensor, self.crossFusionT(x[:, :, None, None])).flatten(1)
