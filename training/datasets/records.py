"""One labelled clip of a data set, as its official list names it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PictureNames:
    """How a clip's folder numbers its pictures.

    pattern: of one file name, filled with frame + first. masked: 16-bit millimetres of one person,
    0 around them (NTU), which become the released network's pictures when they are read.
    """

    pattern: str = "{:06d}.jpg"
    first: int = 0
    masked: bool = False

    def __call__(self, frame: int) -> str:
        """Return the file name of a frame, counted from 0."""
        return self.pattern.format(frame + self.first)


NUMBERED = PictureNames()


@dataclass(frozen=True, slots=True)
class ClipRecord:
    """A clip on disk: one folder of pictures per modality.

    name: the official list's. frames: the list's count n, which the bin rule uses. label: from 0.
    color, depth: folders, or None where the set, or this copy of it, lacks the modality. A packed
    set (SHREC'17) names its file of all clips in place of a folder.
    """

    name: str
    frames: int
    label: int
    color: Path | None
    depth: Path | None
    color_names: PictureNames = NUMBERED
    depth_names: PictureNames = NUMBERED
