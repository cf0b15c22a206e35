"""The demo: recognised gestures against the script of the built-in recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from motionrgbd.app.headless import event_text
from motionrgbd.app.outputs import RunState
from motionrgbd.app.summary import RunSummary
from motionrgbd.app.video import AnnotatedVideo
from motionrgbd.core.engine import Engine
from motionrgbd.core.errors import DemoError
from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.recogniser import Step
from motionrgbd.core.results import GestureEvent
from motionrgbd.models.recipe import Modality

VIDEO, PICTURE = "annotated.mp4", "summary.png"
LATEST_S = 0.75  # after its end a gesture may still be decided for this long
REQUIRED = 0.9
_JUMP_S = 1.0  # a longer step of time means that somebody moved the recording


class ScriptMatcher:
    """Gives each event its gesture of the script, in the order of the events.

    An event counts where it has the gesture's label and was decided between the gesture's start
    and `LATEST_S` after its end; each gesture counts once. Among several the one that ends first
    is taken, which leaves most to later events.
    """

    def __init__(self, script: Sequence[ScriptedGesture]) -> None:
        self._script_size = len(script)
        self.missed = sorted(script, key=lambda gesture: gesture.end_s)
        self.events = 0

    def take(self, event: GestureEvent) -> ScriptedGesture | None:
        """Return the gesture that this event stands for, or None."""
        self.events += 1
        for gesture in self.missed:
            in_time = gesture.start_s <= event.decided_s <= gesture.end_s + LATEST_S
            if in_time and gesture.label == event.label:
                self.missed.remove(gesture)
                return gesture
        return None

    @property
    def result(self) -> Result:
        """Return the counts so far."""
        return Result(self._script_size - len(self.missed), self._script_size, self.events)


@dataclass(frozen=True, slots=True)
class Result:
    """How many gestures were recognised, of how many, by how many events."""

    matches: int
    gestures: int
    events: int

    @property
    def score(self) -> float:
        """Matches over gestures or events, whichever are more: misses and false alarms count."""
        most = max(self.gestures, self.events)
        return self.matches / most if most else 1.0


def match_events(events: Sequence[GestureEvent], script: Sequence[ScriptedGesture]) -> Result:
    """Compare events with a script."""
    matcher = ScriptMatcher(script)
    for event in sorted(events, key=lambda event: event.decided_s):
        matcher.take(event)
    return matcher.result


class DemoReport:
    """Everything that the demo adds to a run: video, summary picture, comparison.

    `add` is the engine's observer and runs in its thread; the rest is the main thread's.
    """

    def __init__(self, engine: Engine, folder: Path, modalities: Sequence[Modality]) -> None:
        self._folder = folder
        self._script = engine.info.script
        self._matcher = ScriptMatcher(self._script)
        self._summary = RunSummary(engine.labels, modalities)
        self._last_s: float | None = None
        self._moved = False
        self.events: list[tuple[GestureEvent, ScriptedGesture | None]] = []
        for name in (VIDEO, PICTURE):  # of an earlier run: they would be taken for this one's
            (folder / name).unlink(missing_ok=True)
        fps_hz = engine.recipe.fps_hz
        self._video = AnnotatedVideo(folder / VIDEO, engine.labels, modalities, fps_hz)

    def add(self, step: Step) -> None:
        """Take one step in."""
        if self._last_s is not None and not 0 <= step.timestamp_s - self._last_s <= _JUMP_S:
            self._moved = True
        self._last_s = step.timestamp_s
        self.events.extend((event, self._matcher.take(event)) for event in step.events)
        self._summary.add(step)
        self._video.add(step)

    def describe(self, event: GestureEvent, origin_s: float = 0.0) -> str:
        """Return an event's line, its time since `origin_s`, with its mark."""
        gesture = next((match for known, match in self.events if known is event), None)
        return f"{event_text(event, origin_s)}  {_mark(gesture)}"

    def close(self, state: RunState) -> None:
        """Finish the video and draw the picture, of however much was seen.

        Drawing takes a second, which whoever interrupts a run does not want to wait for.
        """
        try:
            self._video.close()
        finally:
            if state != "interrupted":
                self._draw_summary()

    def _draw_summary(self) -> None:
        result = self._matcher.result
        title = (
            f"synthetic demo recording: {result.matches} of {result.gestures} gestures "
            f"recognised, {result.events} events"
        )
        self._summary.draw(self._folder / PICTURE, title, self._script)

    def verdict(self, *, finished: bool) -> str:
        """Return how the run compares with the script. Raises DemoError below `REQUIRED`."""
        if not finished or self._moved:
            why = "the recording was moved" if self._moved else "it was closed before its end"
            return f"Not compared with the script: {why}."
        result = self._matcher.result
        counts = f"{result.matches} of {result.gestures} gestures, {result.events} events"
        if result.score < REQUIRED:
            missed = ", ".join(f"{g.label} at {g.start_s:.1f} s" for g in self._matcher.missed)
            raise DemoError(
                f"the demo recognised {counts} ({result.score:.0%}, {REQUIRED:.0%} needed"
                + (f"; missed: {missed}" if missed else "")
                + ") — run `motionrgbd doctor`, or leave --model out"
            )
        return f"Recognised {counts}: {result.score:.0%} of the script."


def _mark(gesture: ScriptedGesture | None) -> str:
    if gesture is None:
        return "✗ not in the script"
    return f"✓ {gesture.start_s:.2f}–{gesture.end_s:.2f} s"
