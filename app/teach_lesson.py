"""What the teaching window has taught: its recordings, as `teach` takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from motionrgbd.app.teaching_session import Limits, Take
from motionrgbd.models.bundle import Bundle

if TYPE_CHECKING:
    from motionrgbd.core.teaching import Teaching

Progress = Callable[[float, str], None]
Lesson = Callable[[Progress, Callable[[], bool]], "Teaching"]


def lesson_maker(device: str, precision: str) -> Callable[[Bundle, Sequence[Take]], Lesson]:
    """Return what makes a lesson of recordings; their spans are taken as they are then."""

    def make(bundle: Bundle, takes: Sequence[Take]) -> Lesson:
        from motionrgbd.core.teaching import teach
        from motionrgbd.core.teaching_examples import LabelledRecording

        recordings = [
            LabelledRecording(take.info.name, take.open, take.spans, str(take.table or take.spec))
            for take in takes
        ]

        def lesson(progress: Progress, stop: Callable[[], bool]) -> Teaching:
            return teach(
                bundle,
                recordings,
                progress=progress,
                stop=stop,
                device=device,
                precision=precision,
            )

        return lesson

    return make


def limits_of(bundle: Bundle) -> Limits:
    """Return what examples must be for a model."""
    from motionrgbd.core.teaching_examples import LEAST_IDLE_S, LEAST_SPAN_S

    return Limits(LEAST_SPAN_S, bundle.recipe.window_s, LEAST_IDLE_S)
