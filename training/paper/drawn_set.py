"""A small set in NvGesture's layout that this program draws: to try recipes without downloads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.preprocess import grey_depth
from motionrgbd.core.synthetic.domain import TRAINING_DOMAIN
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.models.recipe import GreyDepth
from motionrgbd.training.datasets.clip_files import write_jpeg
from motionrgbd.training.datasets.nvgesture import NVGESTURE
from motionrgbd.training.datasets.records import NUMBERED

_EARLY_S = 0.3  # a clip begins so long before its gesture
_DEPTH = GreyDepth("brighter_is_nearer", near_mm=200, step_mm=8)


@dataclass(frozen=True)
class DrawnSet:
    """One clip of each label per split: `frames` pictures of `size_px` at `fps_hz`.

    seeds: of the recordings that the splits `train` and `valid` are cut from.
    """

    labels: Sequence[str]
    frames: int = 80
    fps_hz: float = 30.0
    size_px: tuple[int, int] = (320, 240)
    seeds: tuple[int, int] = (3, 4)

    def write(self, folder: Path) -> Path:
        """Render into a new folder and return it."""
        for split, seed in zip(("train", "valid"), self.seeds, strict=True):
            recording = SyntheticRecording(
                seed,
                domain=TRAINING_DOMAIN,
                labels=tuple(self.labels),
                fps_hz=self.fps_hz,
                size_px=self.size_px,
            )
            lines = []
            for n, gesture in enumerate(recording.info.script):
                recording.seek(max(0.0, gesture.start_s - _EARLY_S))
                frames = [recording.read() for _ in range(self.frames)]
                name = f"{split}_{n}"
                _write_clip(folder, name, [frame for frame in frames if frame is not None])
                label = list(self.labels).index(gesture.label)
                lines.append((name, sum(frame is not None for frame in frames), label))
            write_lists(folder, split, lines)
        return folder


def write_lists(folder: Path, split: str, lines: Sequence[tuple[str, int, int]]) -> None:
    """Write the lists of a split for both modalities: name, frames and label of each clip."""
    text = "".join(f"{name} {frames} {label}\n" for name, frames, label in lines)
    for modality in NVGESTURE.modalities:
        path = NVGESTURE.list_file(folder, split, modality)
        assert path is not None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _write_clip(folder: Path, name: str, frames: Sequence[RGBDFrame]) -> None:
    color, depth = (folder / NVGESTURE.pictures[m].folder / name for m in NVGESTURE.modalities)
    for path in (color, depth):
        path.mkdir(parents=True)
    for i, frame in enumerate(frames):
        assert frame.color is not None
        assert frame.depth is not None
        write_jpeg(color / NUMBERED(i), np.ascontiguousarray(frame.color[..., ::-1]))
        grey = grey_depth(frame.depth, _DEPTH)
        write_jpeg(depth / NUMBERED(i), np.repeat(grey[..., None], 3, axis=2))
