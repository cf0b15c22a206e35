"""Qt's application, and a window of it that is shown until somebody closes it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from PySide6.QtCore import QEvent, QTimer, SignalInstance
from PySide6.QtWidgets import QApplication, QWidget

from motionrgbd.app.gui import theme
from motionrgbd.core.errors import OutputError

_POLL_MS = 50


def application() -> QApplication:
    """Return the application, made and dressed if there is none yet."""
    app = QApplication.instance()
    if isinstance(app, QApplication):
        return app
    made = QApplication(["motionrgbd-live"])
    made.setApplicationDisplayName("motionrgbd-live")
    theme.follow_system(made)
    return made


def show_until_closed(
    window: QWidget,
    closed: SignalInstance,
    *,
    start: Callable[[], None],
    stop: Callable[[], None],
    on_poll: Callable[[], None] | None = None,
) -> int:
    """Show a window until it is closed, and delete it; return the exit code.

    closed: the window's signal, emitted once it was closed. start: called when it is shown; stop:
    before it is deleted, whatever happened. on_poll: called twenty times a second; what it prints
    may find no reader, which ends no window.
    Ctrl-C (130) and a polite kill (143) close the window too; `command.go_on_after` takes the code.
    """
    app = application()
    closed.connect(app.quit)
    timer = QTimer(window)
    timer.timeout.connect(lambda: _poll(on_poll))
    timer.start(_POLL_MS)
    signals: list[int] = []
    try:
        with _closing_on_signals(window, signals):
            window.show()
            start()
            app.exec()
    finally:
        stop()
        window.deleteLater()
        app.sendPostedEvents(window, QEvent.Type.DeferredDelete)  # else it is left to a next loop
    return 128 + signals[0] if signals else 0  # as shells report it


def _poll(told: Callable[[], None] | None) -> None:
    if told is not None:
        with suppress(OSError):  # the terminal is gone
            told()


@contextmanager
def _closing_on_signals(window: QWidget, received: list[int]) -> Iterator[None]:
    """Let Ctrl-C and a polite kill close the window; their numbers go to `received`.

    Python runs signal handlers between its own instructions: the polling timer gives it some.
    """

    def close(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        window.close()

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    before = {s: signal.signal(s, close) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Screenshot:
    """A picture of a window for a file, where one is wanted: taken once."""

    def __init__(self, window: QWidget, path: Path | None) -> None:
        self._window, self._path, self._taken = window, path, False

    def take(self) -> None:
        """Take it, unless it was taken before."""
        if self._path is not None and not self._taken:
            self._taken = self._window.grab().save(str(self._path))

    def check(self) -> None:
        """Raise OutputError where it is wanted and could not be taken."""
        if self._path is not None and not self._taken:
            raise OutputError(
                f"the screenshot cannot be written to {self._path}: is the folder there?"
            )
