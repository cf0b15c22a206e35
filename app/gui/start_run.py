"""Ask in a window what to watch, and open it there: what cannot be opened is said in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QTimer

from motionrgbd.app.command import go_on_after
from motionrgbd.app.gui.application import application, show_until_closed
from motionrgbd.app.gui.start_window import StartWindow
from motionrgbd.app.my_settings import WindowMemory
from motionrgbd.app.settings import Settings
from motionrgbd.app.start_page import (
    LOOKING,
    NO_CAMERA,
    Camera,
    chosen_settings,
    first_choice,
    offers,
    webcam_numbers,
)
from motionrgbd.calibration.errors import CalibrationError
from motionrgbd.core.errors import MotionRGBDError
from motionrgbd.models.errors import ModelFileError

_POLL_MS = 50
Opened = TypeVar("Opened")


class StartPresenter(QObject, Generic[Opened]):
    """Looks for cameras and opens what is chosen, in a thread of its own. Window's thread.

    opened: the settings and what they opened, once something was.
    """

    def __init__(
        self,
        window: StartWindow,
        settings: Settings,
        memory: WindowMemory,
        find: Callable[[], Sequence[Camera]],
        open_: Callable[[Settings], Opened],
    ) -> None:
        super().__init__(window)
        self._window, self._settings, self._memory = window, settings, memory
        self._find, self._open = find, open_
        self.opened: tuple[Settings, Opened] | None = None
        self._worker = ThreadPoolExecutor(1, "start")
        self._looking: Future[Sequence[Camera]] | None = None
        self._opening: Future[Opened] | None = None
        self._wanted = settings
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self.poll)
        first = first_choice(settings, memory, ())
        window.set_models(memory.models, first.model)
        window.set_choice(first)
        window.set_offers(offers((), webcam_numbers(), memory), first.spec)
        window.start_wanted.connect(self.start)
        window.look_wanted.connect(self.look)
        window.closed.connect(self._timer.stop)  # what is opened from now on, nobody waits for

    def begin(self) -> None:
        """Look for cameras, and follow what goes on."""
        self._timer.start()
        self.look()

    def look(self) -> None:
        """Look for cameras."""
        self._window.set_note(LOOKING)
        self._looking = self._worker.submit(self._find)

    def start(self) -> None:
        """Open what is chosen."""
        choice = self._window.choice()
        if choice is None or self._opening is not None:
            return
        self._window.set_error("")
        self._window.set_busy(True)
        self._wanted = chosen_settings(self._settings, choice)
        self._opening = self._worker.submit(self._open, self._wanted)

    def poll(self) -> None:
        """Show what the thread has found or opened."""
        if self._looking is not None and self._looking.done():
            self._show_cameras(self._looking.result())
            self._looking = None
        if self._opening is None or not self._opening.done():
            return
        opening, self._opening = self._opening, None
        self._window.set_busy(False)
        try:
            self.opened = self._wanted, opening.result()
        except (MotionRGBDError, ModelFileError, CalibrationError) as error:
            self._window.set_error(str(error))
            return
        self._window.close()

    def _show_cameras(self, cameras: Sequence[Camera]) -> None:
        """List the cameras; what somebody has chosen meanwhile stays chosen."""
        now = self._window.choice()
        before = first_choice(self._settings, self._memory, ())
        first = first_choice(self._settings, self._memory, cameras)
        chosen = now.spec if now is not None and now.spec != before.spec else first.spec
        self._window.set_offers(offers(cameras, webcam_numbers(), self._memory), chosen)
        self._window.set_note("" if cameras else NO_CAMERA)

    def stop(self) -> Opened | None:
        """End the thread; returns what it has opened after nobody waited for it any more."""
        self._timer.stop()
        self._worker.shutdown()
        if self._opening is None or self._opening.exception() is not None:
            return None
        return self._opening.result()


def choose_in_window(
    settings: Settings,
    memory: WindowMemory,
    find: Callable[[], Sequence[Camera]],
    open_: Callable[[Settings], Opened],
    close: Callable[[Opened], None],
) -> tuple[Settings, Opened] | None:
    """Ask what to watch until it could be opened; None where the window was closed instead.

    close: of what was opened when the window was gone. Raises KeyboardInterrupt for Ctrl-C,
    SystemExit for a polite kill.
    """
    application()
    window = StartWindow()
    presenter: StartPresenter[Opened] = StartPresenter(window, settings, memory, find, open_)

    def stop() -> None:
        late = presenter.stop()
        if late is not None:
            close(late)

    go_on_after(show_until_closed(window, window.closed, start=presenter.begin, stop=stop))
    return presenter.opened
