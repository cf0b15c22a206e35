"""A run from its first frame to its last: in a window, in the car display, or without either."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from motionrgbd.app.command import go_on_after
from motionrgbd.app.settings import Settings

# Libraries that take long to load are imported where they are used: --help must answer at once.
if TYPE_CHECKING:
    from motionrgbd.app.actions import RunActions
    from motionrgbd.app.cockpit.command import RunCockpit
    from motionrgbd.app.demo import DemoReport
    from motionrgbd.app.headless import EventPrinter
    from motionrgbd.app.live import Session
    from motionrgbd.app.outputs import RunOutputs, RunState
    from motionrgbd.core.engine import Engine


def play(
    session: Session,
    settings: Settings,
    window: bool,
    outputs: RunOutputs | None,
    demo: DemoReport | None,
    cockpit: RunCockpit | None,
    actions: RunActions | None,
    teaching: threading.Event,
) -> None:
    """Run to the end, close the results in every case, and say where they are."""
    from motionrgbd.app.headless import (
        EventCounter,
        EventPrinter,
        event_text,
        run_headless,
        run_summary,
    )

    engine, counter = session.engine, EventCounter()
    printer = EventPrinter(demo.describe if demo else event_text)
    engine.add_observer(counter.add)
    engine.add_observer(printer.add)
    state: RunState = "failed"
    try:
        if actions is not None:
            engine.add_observer(actions.add)  # behind the printer: first the event is told
            actions.start(printer.tell)
        if window and cockpit is not None:
            _play_in_cockpit(engine, settings, printer, cockpit)
        elif window:
            _play_in_window(session, settings, printer, teaching, actions)
        else:
            run_headless(engine, printer)
        state = "finished" if engine.state == "finished" else "stopped"
    except (KeyboardInterrupt, SystemExit, BrokenPipeError):
        state = "finished" if engine.state == "finished" else "interrupted"
        raise
    finally:
        engine.stop()
        health = engine.health()
        with ExitStack() as last_first:  # each is done, even where another one fails
            last_first.callback(_say_where, settings, outputs)
            if cockpit is not None:
                last_first.callback(cockpit.close)
            counts = getattr(session.source, "counts", None)
            text = run_summary(engine.info, health, counter.events, counts)
            last_first.callback(print, text, flush=True)
            if demo is not None:
                last_first.callback(demo.close, state)
            if outputs is not None:
                last_first.callback(outputs.close, state, health, engine.error)


def _play_in_window(
    session: Session,
    settings: Settings,
    printer: EventPrinter,
    teaching: threading.Event,
    actions: RunActions | None,
) -> None:
    from motionrgbd.app.gui.run import run_window
    from motionrgbd.app.teach_window import why_not_taught
    from motionrgbd.app.window_extras import window_extras

    engine = session.engine
    try:
        code = run_window(
            engine,
            screenshot=settings.screenshot,
            close_when_finished=settings.close_when_finished,
            on_poll=printer.print_all,
            on_teach=teaching.set,
            why_not_taught="" if session.bundle.memory is not None else why_not_taught(),
            extras=window_extras(settings, session, actions),
        )
    finally:
        engine.stop()
        printer.print_all()
    go_on_after(code)


def _play_in_cockpit(
    engine: Engine, settings: Settings, printer: EventPrinter, cockpit: RunCockpit
) -> None:
    try:
        code = cockpit.show(
            printer.print_all,
            screenshot=settings.screenshot,
            close_when_finished=settings.close_when_finished,
            right_hand_drive=settings.drive == "right",
        )
    finally:
        engine.stop()
        printer.print_all()
    go_on_after(code)


def _say_where(settings: Settings, outputs: RunOutputs | None) -> None:
    if outputs is None:
        return
    what = "The recording is synthetic: drawn by this program. " if settings.demo else ""
    print(f"{what}Results are in {outputs.folder}{os.sep}", flush=True)
