"""The log of actions: JSON lines, written by a thread of its own."""

from __future__ import annotations

import threading
from pathlib import Path

from motionrgbd.core.actions.entry import Entry
from motionrgbd.core.errors import OutputError
from motionrgbd.core.pipes import Pipe, PipeClosedError

_ROOM = 1024  # lines: a disk that stalls for seconds loses none at any rate of gestures


class ActionLog:
    """Appends entries to a file; `add` is called by any thread and never waits.

    A disk that stalls or is full costs lines, which are counted in `lost`; `error` says why.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, behind what earlier runs have left there. Raises OutputError."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise OutputError(
                f"the log of actions cannot be written to {path} ({error.strerror}) — "
                "choose another one with --actions-log"
            ) from error
        self.path = path
        self.error: str | None = None
        self._failed = 0
        self._pipe: Pipe[Entry] = Pipe(_ROOM, lossless=False)
        self._thread = threading.Thread(target=self._run, name="actions-log")
        self._thread.start()

    @property
    def lost(self) -> int:
        """Lines that were not written."""
        return self._pipe.dropped + self._failed

    def add(self, entry: Entry) -> None:
        """Have an entry written; one that comes after the end is lost."""
        try:
            self._pipe.put(entry)
        except PipeClosedError:
            self._failed += 1

    def close(self) -> None:
        """Write what waits, and close."""
        self._pipe.close()
        self._thread.join()
        try:
            self._file.close()
        except OSError as error:  # what it could not flush
            self.error = error.strerror or str(error)

    def _run(self) -> None:
        while True:
            try:
                entry = self._pipe.get()
            except PipeClosedError:
                return
            try:
                self._file.write(entry.to_json())
                self.error = None
            except OSError as error:
                self._failed += 1
                self.error = error.strerror or str(error)
