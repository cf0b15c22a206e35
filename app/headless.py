"""Run without a window: print what is recognised, and count the frames at the end."""

from __future__ import annotations

import math
import queue
from collections.abc import Callable

from motionrgbd.app.modalities import use_text
from motionrgbd.core.engine import Engine
from motionrgbd.core.frames import SourceInfo
from motionrgbd.core.recogniser import Step
from motionrgbd.core.results import GestureEvent, Health, ModalityUse
from motionrgbd.core.sources.pairing import FrameCounts

_POLL_S = 0.05  # an event is printed, and Ctrl-C obeyed, this late at most


def event_text(event: GestureEvent, origin_s: float = 0.0) -> str:
    """Return time since `origin_s`, label and score in columns, and the kind of a special one."""
    text = f"{event.decided_s - origin_s:9.2f} s  {event.label:<24} {event.score:5.2f}"
    return text if event.kind == "gesture" else f"{text}  ({event.kind})"


class EventCounter:
    """Counts events; `add` is the engine's observer."""

    def __init__(self) -> None:
        self.events = 0

    def add(self, step: Step) -> None:
        """Take one step in."""
        self.events += len(step.events)


class EventPrinter:
    """Prints gestures as they come, in a window's terminal too, and what they are recognised from
    where that changes.

    Times count from the first moment, as in the window: a camera's stamps may be those of 1970.

    `add` is the engine's observer, `print_all` the main thread's: events cross through a queue, so
    that a terminal that blocks never holds up the engine.
    """

    def __init__(self, describe: Callable[[GestureEvent, float], str] = event_text) -> None:
        self._describe = describe
        self._origin_s = math.inf
        self._news: queue.SimpleQueue[GestureEvent | ModalityUse | str] = queue.SimpleQueue()
        self._use: ModalityUse | None = None

    def add(self, step: Step) -> None:
        """Take one step in."""
        self._origin_s = min(self._origin_s, step.timestamp_s)
        if step.use is not None and self._is_news(step.use):
            self._news.put(step.use)
        self._use = step.use
        for event in step.events:
            self._news.put(event)

    def tell(self, text: str) -> None:
        """Have a line of text printed in its turn; any thread."""
        self._news.put(text)

    def _is_news(self, use: ModalityUse) -> bool:
        if self._use is None:
            return bool(use.reason)
        return use.used != self._use.used

    def print_all(self) -> None:
        """Print what has come since the last call."""
        while not self._news.empty():
            news = self._news.get()
            if isinstance(news, str):
                print(news, flush=True)
            elif isinstance(news, ModalityUse):
                print(use_text(news, self._origin_s), flush=True)
            else:
                print(self._describe(news, self._origin_s), flush=True)


def run_headless(engine: Engine, printer: EventPrinter) -> None:
    """Start the engine and block until the source ends; called by the main thread.

    printer: observes the engine already. Raises what ended a failed run, KeyboardInterrupt on
    Ctrl-C. The caller stops the engine.
    """
    engine.start()
    trouble: str | None = None
    try:
        while not engine.wait(_POLL_S):
            printer.print_all()
            trouble = _report_trouble(engine, trouble)
    finally:
        printer.print_all()
        if engine.source_error is not None:
            _report_trouble(engine, trouble)


def run_summary(
    info: SourceInfo, health: Health, events: int, counts: FrameCounts | None = None
) -> str:
    """Return one paragraph: what was counted, what was lost, and on what it ran.

    counts: what the source says of its images, where it pairs them.
    """
    parts = [
        f"{health.frames} frames counted",
        f"{health.dropped} dropped",
        f"{health.missing} missing",
    ]
    if counts is not None:
        parts.append(f"{counts.unpaired} images unpaired")
        if counts.out_of_order:
            parts.append(f"{counts.out_of_order} images out of order")
    if info.live:
        parts.append(f"{health.skipped} windows skipped")
    parts.append(f"{events} {'event' if events == 1 else 'events'}")
    text = f"{info.name}: {', '.join(parts)}; ran on {health.provider}."
    if counts is not None and counts.unpaired and not health.frames:
        text += (
            "\nNo colour image lies within half a frame period of a depth image: nothing to show."
        )
    return text


def _report_trouble(engine: Engine, reported: str | None) -> str | None:
    """Print the camera's trouble when it changes; return what is known of it."""
    trouble = engine.source_error
    if trouble != reported:
        print(trouble or "the camera is back", flush=True)
    return trouble
