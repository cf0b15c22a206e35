"""Networks of the released architecture that cost a test nothing."""

from __future__ import annotations

from dataclasses import replace

from motionrgbd.models.config import NetworkConfig

WINDOW, SIDE_PX = 16, 40
RELEASED = NetworkConfig(
    classes=3,
    window=WINDOW,
    branches=(4, 6, 8),
    width=0.125,
    feature=32,
    heads=2,
    blocks=1,
    recoupling_hidden=8,
    recoupling_width=8,
    image_size=SIDE_PX,
)
FUSED = replace(RELEASED, modalities=("color", "depth"))
