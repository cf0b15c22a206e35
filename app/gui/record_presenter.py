"""Between the window's record button and the recorder."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from motionrgbd.app.gui.window import MainWindow
from motionrgbd.app.tapped_source import RecordingCount, TappedSource
from motionrgbd.core.errors import OutputError

_POLL_MS = 200


def dated_name(now: datetime | None = None) -> str:
    """Return the name of a recording that begins now."""
    return f"recording-{now or datetime.now():%Y-%m-%d-%H%M%S}"


class RecordPresenter(QObject):
    """Records a camera into folders, and ends that when the window closes. Window's thread.

    folder: holds the recordings. name: of the next one.
    """

    def __init__(
        self,
        tapped: TappedSource,
        window: MainWindow,
        folder: Path,
        name: Callable[[], str] = dated_name,
    ) -> None:
        super().__init__(window)
        self._tapped, self._window, self._folder, self._name = tapped, window, folder, name
        self._destination = folder
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self.poll)
        window.set_recordable()
        window.record_toggled.connect(self.toggle)
        window.closed.connect(self.stop)

    def toggle(self) -> None:
        """Record, or end that."""
        if self._tapped.recording:
            self.stop()
            return
        self._destination = self._folder / self._name()
        try:
            self._tapped.start(self._destination)
        except OutputError as error:
            self._window.set_recording_said(str(error), bad=True)
            return
        self._window.set_recording_said(f"into {self._destination}")
        self._window.set_recording(RecordingCount())
        self._timer.start()

    def poll(self) -> None:
        """Show how the recording is going."""
        try:
            self._window.set_recording(self._tapped.count())
        except OutputError:
            self.stop()  # which says why

    def stop(self) -> None:
        """End a recording, with everything written that was taken; may be called again."""
        self._timer.stop()
        if not self._tapped.recording:
            return
        bad = False
        try:
            count = self._tapped.stop()
        except OutputError as error:
            said, bad = str(error), True
        else:
            lost = f", {count.gone:,} lost" if count.gone else ""
            said = f"{count.frames:,} frames{lost} are in {self._destination}"
        self._window.set_recording(None)
        self._window.set_recording_said(said, bad=bad)
