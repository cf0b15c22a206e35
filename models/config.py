"""What a network is made of: sizes alone, torch-free, for released and streaming networks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

MODALITIES = ("color", "depth")
TEMPORAL_POOLS = ("centred", "causal", "none")
INTERACTIONS = ("both", "spatial", "temporal", "none")


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of a network; the defaults are those of the released checkpoints.

    `width` scales every channel count of the DSN; `feature` is D, the width of everything after it.
    Raises `ValueError` at birth if the sizes cannot make a network.
    """

    classes: int
    window: int = 64  # T, frames
    branches: tuple[int, int, int] = (16, 32, 48)  # frames of the small, medium and large branch
    feature: int = 512  # D
    width: float = 1.0
    blocks: int = 6  # N
    heads: int = 8
    recoupling_hidden: int = 256  # h
    recoupling_heads: int = 1
    recoupling_width: int = 64  # of a query or key of the RCM, per head
    modalities: tuple[str, ...] = ("color",)
    color_channels: int = 3
    depth_channels: int = 3
    image_size: int = 224  # px
    temporal_pool: str = "centred"
    guided: bool = True
    neighbours: float = 0.7  # share of the tokens that a query attends to, the class token counted
    recoupling: bool = True
    interaction: str = "both"  # in which of space and time two modalities exchange features
    energies: int = 0  # motion energies per frame that a streaming network embeds; 0 = none
    energy_hidden: int = 0  # width of a hidden layer of that embedding; 0 = linear

    def __post_init__(self) -> None:
        for name in ("classes", "window", "blocks", "heads", "image_size"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
        _require(0 < self.neighbours <= 1, "neighbours must be a share of 1", self.neighbours)
        _require(
            self.interaction in INTERACTIONS,
            f"interaction must be one of {', '.join(INTERACTIONS)}",
            self.interaction,
        )
        for name in ("recoupling_hidden", "recoupling_heads", "recoupling_width"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
        _require(self.width > 0, "width must be positive", self.width)
        for name in ("energies", "energy_hidden"):
            _require(getattr(self, name) >= 0, f"{name} must not be negative", getattr(self, name))
        # 16 is what makes the four paths of the temporal inception block sum to D
        _require(self.feature % 16 == 0, "feature must be a multiple of 16", self.feature)
        _require(self.feature % self.heads == 0, "feature must be a multiple of heads", self.heads)
        _require(
            len(self.branches) == 3 and min(self.branches) >= 1,
            "branches must be three frame counts",
            self.branches,
        )
        _require(
            self.modalities in (("color",), ("depth",), MODALITIES),
            "modalities must be color, depth, or both in that order",
            self.modalities,
        )
        _require(
            self.temporal_pool in TEMPORAL_POOLS,
            f"temporal_pool must be one of {', '.join(TEMPORAL_POOLS)}",
            self.temporal_pool,
        )

    def channels(self, modality: str) -> int:
        """Channels of one picture of this modality."""
        return {"color": self.color_channels, "depth": self.depth_channels}[modality]

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> NetworkConfig:
        """The configuration that `to_json` wrote; `ValueError` names unknown or missing fields."""
        return cls.from_mapping(json.loads(text))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> NetworkConfig:
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        _require(not unknown, "unknown fields of a network configuration", unknown)
        _require("classes" in values, "a network configuration needs classes", sorted(values))
        # JSON has lists where the fields have tuples
        sizes: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
        }
        return cls(**sizes)


def _require(condition: bool, expected: str, got: object) -> None:
    if not condition:
        raise ValueError(f"{expected}, got {got}")
