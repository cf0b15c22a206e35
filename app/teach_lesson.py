"""What the teaching window has taught: its recordings, as `teach` takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from motionrgbd.app.teaching_session import Limits, Take
from motionrgbd.core.teaching import MOST_EXAMPLES, Teaching, teach
from motionrgbd.core.teaching_examples import LEAST_IDLE_S, LEAST_SPAN_S, LabelledRecording
from motionrgbd.core.teaching_fit import MARGIN_S
from motionrgbd.models.bundle import Bundle

Progress = Callable[[float, str], None]
Lesson = Callable[[Progress, Callable[[], bool]], Teaching]


def lesson_maker(device: str, precision: str) -> Callable[[Bundle, Sequence[Take]], Lesson]:
    """Return what makes a lesson of recordings; their spans are taken as they are then."""

    def make(bundle: Bundle, takes: Sequence[Take]) -> Lesson:
        recordings = [
            LabelledRecording(
                take.info.name, take.open, take.spans, str(take.table or take.spec), take.region
            )
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
    return Limits(
        LEAST_SPAN_S, bundle.recipe.window_s, LEAST_IDLE_S, margin_s=MARGIN_S, most=MOST_EXAMPLES
    )
