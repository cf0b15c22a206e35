"""What is known of a benchmark before its files are opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from motionrgbd.core.errors import UsageError
from motionrgbd.models.recipe import Modality
from motionrgbd.training.datasets.records import NUMBERED, PictureNames

LISTS_FOLDER = "dataset_splits"
SHORTEST_CLIP = 17  # frames: the released loader drops clips of 16 or fewer, in validation too


@dataclass(frozen=True, slots=True)
class Split:
    """One official list.

    clips: its lines, short clips included; None where nobody has published a list.
    lists: the file of each modality, below LISTS_FOLDER. Sets whose modalities share one list
    name it once, under the modality that its folders are spelled for.
    """

    clips: int | None
    lists: Mapping[Modality, str]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where a modality lies below the set's folder, and how a clip of it is called.

    folder: of the modality. names: of the pictures in a clip's folder. clip: the clip's folder from
    the name in the list.
    """

    folder: str
    names: PictureNames = NUMBERED
    clip: Callable[[str], str] = str


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Facts of one benchmark.

    name: as the paper spells it. key: of its folder and on the command line. labels: in the order
    of the list's numbers from 0. fps_hz: of its recordings. guidance_window: w of its maps.
    download: what the owners hand
    out. request, terms: where the owners hand it out, and under which conditions. mirror: pairs of
    labels that change places when the picture is mirrored.
    """

    name: str
    key: str
    labels: tuple[str, ...]
    splits: Mapping[str, Split]
    pictures: Mapping[Modality, Pictures]
    fps_hz: float
    guidance_window: int
    download: str
    request: str
    terms: str
    citation: str
    packed: bool = False
    mirror: tuple[tuple[str, str], ...] = field(default=())

    def __post_init__(self) -> None:
        twice = [label for label, count in Counter(self.labels).items() if count > 1]
        if twice or not self.labels:
            raise ValueError(f"{self.name}: labels must be there and differ, got twice {twice}")

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Colour, depth or both, colour first."""
        return tuple(self.pictures)

    def split(self, name: str) -> Split:
        """Return a split. Raises `UsageError` that lists the ones there are."""
        if name not in self.splits:
            raise UsageError(f"{self.name} has no split '{name}': one of {', '.join(self.splits)}")
        return self.splits[name]

    def list_file(self, root: Path, split: str, modality: Modality) -> Path | None:
        """Return where the split's list of a modality lies, None where it shares another's."""
        relative = self.split(split).lists.get(modality)
        return None if relative is None else root / LISTS_FOLDER / relative
