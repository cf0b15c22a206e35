"""What is to be made of a download: the clips' folders, and the lists that name them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from motionrgbd.training.datasets.clip_files import Maker
from motionrgbd.training.datasets.download import Download, Member, MemberRow


@dataclass(frozen=True, slots=True)
class Job:
    """One folder to be made. target: below the set's folder, parted by `/`."""

    target: str
    maker: Maker
    files: tuple[Member | MemberRow, ...]

    @property
    def members(self) -> list[Member]:
        """The files, rows taken apart."""
        return [
            member
            for file in self.files
            for member in ([file] if isinstance(file, Member) else file)
        ]


@dataclass(frozen=True, slots=True)
class PlannedClip:
    """A line of a list. targets: the jobs it needs. frames: what a given list says, else None."""

    name: str
    label: int
    targets: tuple[str, ...]
    frames: int | None = None


class Finisher(Protocol):
    """Makes one thing of all clips."""

    def is_whole(self, root: Path) -> bool: ...

    def finish(self, root: Path, complete: bool) -> None: ...


@dataclass(slots=True)
class Plan:
    """jobs: by target. lists: of each split. missing: what the official lists name and the
    download lacks. notes: what the user should know. finisher: what turns the clips into the set
    where that is more than lists.
    """

    jobs: dict[str, Job] = field(default_factory=dict)
    lists: dict[str, list[PlannedClip]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    finisher: Finisher | None = None

    def add(self, target: str, maker: Maker, *files: Member | MemberRow) -> None:
        """Add a job; the first of two copies of a clip counts."""
        self.jobs.setdefault(target, Job(target, maker, files))


Planner = Callable[[Download], Plan]
