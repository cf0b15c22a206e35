"""Small sets in NvGesture's layout, for the recipes' tests: drawn ones, and the real samples."""

from __future__ import annotations

from pathlib import Path

from motionrgbd.training.paper.drawn_set import DrawnSet, write_lists
from motionrgbd.training.paper.recipes import RECIPES, ScoreFusion, Size, with_labels

TINY = Size(0.05, 32, 1, 2, 8, 8, window=8, branches=(3, 4, 6), scale=1 / 8)
LABELS = ("Swipe Right", "Swipe Left")
SET = DrawnSet(LABELS, frames=20, fps_hz=10.0, size_px=(96, 72))
NAMES = [name for name in RECIPES if name.startswith("nvgesture")]


def recipes_for_two():
    """Every NvGesture recipe, with two classes instead of the official ones."""
    made = {name: RECIPES[name] for name in NAMES}
    return {
        name: recipe if isinstance(recipe, ScoreFusion) else with_labels(recipe, LABELS)
        for name, recipe in made.items()
    }


def real_set(root: Path, shared: Path) -> Path:
    """Put lists beside the two real clips: both in training and validation."""
    root.mkdir()
    for modality in ("rgb", "depth"):
        (root / modality).symlink_to(shared / "nvgesture" / modality)
    for split in ("train", "valid"):
        write_lists(root, split, [("subject11_r0", 80, 0), ("subject11_r1", 80, 1)])
    return root
