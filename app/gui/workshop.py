"""What the teaching window works with, and which of its mistakes are the user's to mend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from motionrgbd.app.gui.teach_worker import Lesson
from motionrgbd.app.teaching_session import Take
from motionrgbd.core.errors import MotionRGBDError
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.sources.source import Source
from motionrgbd.models.bundle import Bundle
from motionrgbd.models.errors import ModelFileError

MISTAKES = (MotionRGBDError, ModelFileError, OSError)


@dataclass(frozen=True, slots=True)
class Workshop:
    """What teaching works with.

    open_source: opens what `--replay` and `--camera` spell. make_lesson: what teaches a model the
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

    def recogniser(self) -> Recogniser:
        """Return what runs the model over a recording."""
        return Recogniser(self.bundle, device=self.device, precision=self.precision)
