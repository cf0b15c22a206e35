"""One labelled clip of a data set, as its official list names it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ClipRecord:
    """A clip on disk: one folder of pictures per modality.

    name: the official list's. frames: the list's count n, which the bin rule uses. label: from 0.
    color, depth: folders, or None where the set, or this copy of it, lacks the modality.
    """

    name: str
    frames: int
    label: int
    color: Path | None
    depth: Path | None
