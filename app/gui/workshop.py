"""What the teaching window works with, and which of its mistakes are the user's to mend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from motionrgbd.app.gui.teach_worker import Lesson
from motionrgbd.app.teaching_session import Take
from motionrgbd.core.errors import MotionRGBDError
from motionrgbd.core.frames import SourceInfo
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.sources.source import Source
from motionrgbd.models.bundle import Bundle
from motionrgbd.models.errors import ModelFileError

RegionOf = Callable[[str, SourceInfo], RegionOfInterest | None]
MISTAKES = (MotionRGBDError, ModelFileError, OSError)


def everything(_spec: str, _info: SourceInfo) -> None:
    """Limit no source to a region of interest."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What teaching works with.

    open_source: opens what `--replay` and `--camera` spell. region_of: what of it counts; may raise
    RegionError. make_lesson: what teaches a model the
    spans of some recordings. folder: where recordings made here, and the taught model, go.
    why_not: why this model cannot be taught, or empty.
    """

    bundle: Bundle
    open_source: Callable[[str], Source]
    make_lesson: Callable[[Bundle, Sequence[Take]], Lesson]
    folder: Path
    device: str = "auto"
    precision: str = "fp32"
    why_not: str = ""
    region_of: RegionOf = everything

    def recogniser(self, region: RegionOfInterest | None) -> Recogniser:
        """Return what runs the model over a recording, or the part of it that counts."""
        return Recogniser(self.bundle, device=self.device, precision=self.precision, region=region)
