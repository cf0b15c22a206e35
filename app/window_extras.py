"""What the window offers beside showing a run: from its settings and its session."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motionrgbd.app.decision_design import truth_of
from motionrgbd.app.decision_trace import PredictionScan
from motionrgbd.app.my_settings import (
    WindowMemory,
    read_memory,
    save_table,
    settings_path,
    window_path,
    write_memory,
)
from motionrgbd.app.settings import Settings
from motionrgbd.core.decision import bundle_parameters
from motionrgbd.core.errors import OutputError
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.sources.open import open_source

if TYPE_CHECKING:
    from motionrgbd.app.actions import RunActions
    from motionrgbd.app.gui.extras import WindowExtras
    from motionrgbd.app.live import Session

RECORDINGS = Path("recordings")  # of cameras, made in the window


def window_extras(settings: Settings, session: Session, actions: RunActions | None) -> WindowExtras:
    """Return what a window on this session offers."""
    from motionrgbd.app.gui.design_presenter import Designing
    from motionrgbd.app.gui.extras import WindowExtras
    from motionrgbd.app.live import source_options, source_spec

    spec, options = source_spec(settings), source_options(settings)
    info, bundle = session.engine.info, session.bundle

    def scan() -> PredictionScan:
        recogniser = Recogniser(bundle, device=settings.device, precision=settings.precision)
        recogniser.limit_to(session.engine.region)
        return PredictionScan(lambda: open_source(spec, options=options), recogniser)

    designing = Designing(
        bundled=bundle_parameters(bundle),
        scan=None if info.live else scan,
        truth=lambda origin_s: truth_of(spec, info.script, origin_s),
        save=_save_decision,
    )
    memory, warning = read_memory(window_path())
    memory = memory.opened(spec, str(settings.model or ""), settings.device, settings.precision)
    if settings.region == "none":
        memory = dataclasses.replace(memory, region_on=False)
    return WindowExtras(
        designing=designing,
        recorder=session.recorder,
        open_other=session.open_other.set,
        recordings=(settings.out or Path()) / RECORDINGS,
        memory=memory,
        actions=actions,
        remember=_remember,
        warning=warning,
    )


def choose_session(
    settings: Settings, open_session: Callable[[Settings], Session]
) -> tuple[Settings, Session] | None:
    """Ask in a window what to watch, and open it; None where the window was closed instead."""
    from motionrgbd.app.gui.start_run import choose_in_window
    from motionrgbd.core.sources.realsense import find_cameras

    memory, _warning = read_memory(window_path())  # told by the next window
    return choose_in_window(
        settings, memory, find_cameras, open_session, lambda session: session.engine.stop()
    )


def _save_decision(table: Mapping[str, Any]) -> Path:
    path = settings_path()
    save_table(path, "decision", table)
    return path


def _remember(memory: WindowMemory) -> None:
    """Keep how the window was left; where that fails, the window closes all the same."""
    try:
        write_memory(window_path(), memory)
    except OutputError as error:
        print(error, file=sys.stderr)
