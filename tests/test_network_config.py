from __future__ import annotations

import pytest

from motionrgbd.models.config import NetworkConfig


def test_configuration_survives_json() -> None:
    config = NetworkConfig(
        classes=15, window=32, branches=(8, 16, 24), modalities=("color", "depth"), width=0.25
    )
    assert NetworkConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"classes": 0}, "classes must be at least 1, got 0"),
        ({"feature": 100}, "multiple of 16"),
        ({"heads": 7}, "multiple of heads"),
        ({"modalities": ("depth", "color")}, "in that order"),
        ({"temporal_pool": "centered"}, "centred, causal, none, got centered"),
        ({"branches": (8, 16)}, "three frame counts"),
    ],
)
def test_impossible_sizes_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        NetworkConfig.from_mapping({"classes": 5, **change})


def test_unknown_and_missing_fields_are_named() -> None:
    with pytest.raises(ValueError, match="widht"):
        NetworkConfig.from_json('{"classes": 5, "widht": 1}')
    with pytest.raises(ValueError, match="needs classes"):
        NetworkConfig.from_json('{"width": 1}')
