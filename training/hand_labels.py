"""Names of the default model's classes. torch-free: evaluation needs them too."""

from __future__ import annotations

from motionrgbd.core.synthetic.gestures import GESTURES

FINGERS = ("one finger", "whole hand")
FINE_LABELS = (*(f"{name}, {how}" for name in GESTURES for how in FINGERS), "idle")
LABELS = ("idle", *GESTURES)
# which label each of the network's 29 classes counts for
GROUPS = (*(1 + fine // 2 for fine in range(2 * len(GESTURES))), 0)
