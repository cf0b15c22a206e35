"""Open the window on an engine, and close both properly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer

from motionrgbd.app.actions import RunActions
from motionrgbd.app.gui.actions_editor import ActionsEditor
from motionrgbd.app.gui.actions_presenter import ActionsPresenter
from motionrgbd.app.gui.application import Screenshot, application, show_until_closed
from motionrgbd.app.gui.design_presenter import Designing, DesignPresenter
from motionrgbd.app.gui.engine_view import EngineView
from motionrgbd.app.gui.extras import WindowExtras
from motionrgbd.app.gui.presenter import Presenter
from motionrgbd.app.gui.record_presenter import RecordPresenter
from motionrgbd.app.gui.region_presenter import RegionPresenter
from motionrgbd.app.gui.window import MainWindow

_LAST_PAINT_MS = 150  # the last snapshot and the last timeline are on the screen by then


def run_window(
    engine: EngineView,
    *,
    screenshot: Path | None = None,
    close_when_finished: bool = False,
    on_poll: Callable[[], None] | None = None,
    on_teach: Callable[[], None] | None = None,
    why_not_taught: str = "",
    extras: WindowExtras | None = None,
) -> int:
    """Show the engine until the window is closed; return the exit code.

    screenshot: a PNG of the window, taken when the source ends or else when the window closes.
    on_poll: called twenty times a second; what it prints may find no reader, which ends no window.
    on_teach: called where own gestures are to be taught; the window then closes. why_not_taught:
    why this model cannot be taught.
    extras: what else the window offers.
    Ctrl-C (130) and a polite kill (143) close the window too.
    An engine that failed raises its error, after closing.
    Raises OutputError where the screenshot cannot be written.
    """
    application()
    window = MainWindow(engine.labels)
    presenter = Presenter(engine, window)
    extras = extras or WindowExtras()
    designer = join_designer(engine, window, extras.designing)
    if extras.recorder is not None:
        RecordPresenter(extras.recorder, window, extras.recordings)
    if extras.memory is not None:
        window.set_memory(extras.memory)
    switch = window.menus.action("watch.use_region")
    region = RegionPresenter(engine, window.watch, switch, extras.memory)
    if designer is not None:
        region.changed.connect(designer.read_again)
    if extras.warning:
        presenter.warn(extras.warning)
    _join_others(window, extras)
    editor = join_actions(window, extras.actions)
    picture = Screenshot(window, screenshot)

    def ended() -> None:
        if engine.state == "failed" and not close_when_finished:
            return  # the notice says why; the user closes
        QTimer.singleShot(_LAST_PAINT_MS, window, picture.take)
        if close_when_finished:
            QTimer.singleShot(_LAST_PAINT_MS + 1, window, window.close)

    def teach() -> None:
        if on_teach is not None:
            on_teach()
            window.close()

    if on_teach is not None:
        window.set_teachable(why_not_taught)
        window.teach_wanted.connect(teach)
    presenter.ended.connect(ended)
    window.closed.connect(picture.take)

    def stop() -> None:
        presenter.stop()
        if designer is not None:
            designer.stop()
        if editor is not None:
            editor.stop()

    code = show_until_closed(
        window, window.closed, start=presenter.start, stop=stop, on_poll=on_poll
    )
    if engine.error is not None:
        raise engine.error
    picture.check()
    return code


def join_designer(
    engine: EngineView, window: MainWindow, designing: Designing | None
) -> DesignPresenter | None:
    """Let the window design decisions, where it is known how."""
    if designing is None:
        return None
    designer = DesignPresenter(engine, window.designer, designing)
    window.set_designable(True)
    window.designer_shown.connect(lambda shown: designer.open() if shown else designer.close())
    window.threshold_nudged.connect(designer.nudge)
    window.designer.sought.connect(window.seek_requested)
    return designer


def join_actions(window: MainWindow, actions: RunActions | None) -> ActionsEditor | None:
    """Let the window show what gestures do, and change it."""
    if actions is None:
        return None
    ActionsPresenter(actions, window.actions_panel)
    editor = ActionsEditor(actions, window.actions_page)
    window.set_actionable(shown=actions.dispatcher is not None)
    window.actions_edited.connect(lambda shown: editor.open() if shown else None)
    editor.applied.connect(lambda: window.menus.action("show_actions").setChecked(True))
    return editor


def _join_others(window: MainWindow, extras: WindowExtras) -> None:
    """Let the window be left for another source, and remember how it was left."""
    open_other, remember, memory = extras.open_other, extras.remember, extras.memory
    if open_other is not None:
        window.set_openable()
        window.open_wanted.connect(lambda: (open_other(), window.close()))
    if remember is not None and memory is not None:
        window.closed.connect(lambda: remember(window.memory(memory)))
