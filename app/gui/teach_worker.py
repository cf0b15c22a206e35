"""Teaching in a thread of its own: progress and the end are signalled to the window's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from motionrgbd.core.teaching import Teaching

Progress = Callable[[float, str], None]
Lesson = Callable[[Progress, Callable[[], bool]], "Teaching"]
"""Takes where to report progress and how to ask whether to stop; blocks until it is done."""


class TeachWorker(QObject):
    """Runs one lesson at a time. `start`, `cancel` and `join` are the window thread's; `_run` is
    the lesson's thread. The signals arrive in the window's thread.

    progressed: share 0..1 and what is being done. taught: a `Teaching`. failed: the exception.
    cancelled: it stopped because it was asked to.
    """

    progressed = Signal(float, str)
    taught = Signal(object)
    failed = Signal(object)
    cancelled = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether a lesson is going on."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, lesson: Lesson) -> None:
        """Begin a lesson."""
        self.join()
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(lesson,), name="teaching")
        self._thread.start()

    def cancel(self) -> None:
        """Ask the lesson to stop; `cancelled` tells when it has."""
        self._stop.set()

    def join(self) -> None:
        """Stop the lesson, where there is one, and wait for its thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, lesson: Lesson) -> None:
        try:
            teaching = lesson(self.progressed.emit, self._stop.is_set)
        except Exception as error:
            if self._stop.is_set():
                self.cancelled.emit()
            else:
                self.failed.emit(error)
        else:
            self.taught.emit(teaching)
