"""The network of one modality: DSN, RCM and DTN, and a head per branch."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.dsn import DSN
from motionrgbd.models.dtn import DTN, SHARPNESS, ClassifyingDTN, Picks


@dataclass(frozen=True)
class UnimodalOutput:
    """Logits (B, K), divided by the sharpness temperature, and what the losses and views need."""

    small: Tensor
    medium: Tensor
    large: Tensor
    logits: Tensor  # element-wise maximum of the three
    features: Tensor  # O (B, T, D)
    tokens: Tensor  # (B, 3, D)
    frame_attention: Tensor  # A_Y (B, T)
    student: Tensor  # (B, D)

    @property
    def scores(self) -> Tensor:
        """What is ranked to name a gesture: the logits."""
        return self.logits

    @property
    def embedding(self) -> Tensor:
        """One vector (B, D) per window, for learning new gestures from few examples."""
        return self.tokens.amax(dim=1)


class Stream(DSN):
    """DSN and DTN of one modality, as the fusion network has two of."""

    def __init__(self, config: NetworkConfig, modality: str) -> None:
        super().__init__(config, modality)
        self.dtn = DTN(config)


class UnimodalNetwork(DSN):
    """Logits = max over branches of head(DTN(DSN(clip, guidance))) (Eq. 10, as released)."""

    dtn: ClassifyingDTN

    def __init__(self, config: NetworkConfig) -> None:
        (modality,) = config.modalities
        super().__init__(config, modality)
        self.config = config
        self.dtn = ClassifyingDTN(config)

    def forward(
        self,
        clip: Tensor,
        guidance: Tensor,
        *,
        temperature: float = SHARPNESS,
        picks: Picks | None = None,
    ) -> UnimodalOutput:
        """Scores of clips (B, C, T, H, W), guidance (B, 1, T, H, W); training sets the options."""
        return self.recognise(self.spatial(clip, guidance), temperature=temperature, picks=picks)

    def recognise(
        self, features: Tensor, *, temperature: float = SHARPNESS, picks: Picks | None = None
    ) -> UnimodalOutput:
        """Scores of windows of features O (B, T, D)."""
        tokens, frame_attention, student = self.dtn(features, picks)
        logits = self.dtn.logits(tokens, temperature)  # (B, 3, K)
        small, medium, large = logits.unbind(1)
        return UnimodalOutput(
            small, medium, large, logits.amax(dim=1), features, tokens, frame_attention, student
        )
