"""Reading a recording through with a model, beside everything else that runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.recogniser import Recogniser, Step
from motionrgbd.core.sources.source import Source


class RecordingScan:
    """Runs a model over a recording in a thread of its own; subclasses keep what it says.

    Owns the source and the recogniser, and closes both. `start`, `wait` and `stop` are the
    owner's; `_run` and `_keep` are the thread's. finished: the whole recording was read, and
    everything kept before. error: why it could not be read to its end.
    """

    def __init__(
        self, open_source: Callable[[], Source], recogniser: Recogniser, *, name: str
    ) -> None:
        self._open = open_source
        self._recogniser = recogniser
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)
        self.finished = False
        self.error: Exception | None = None

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, wherever it is; may be called again."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def wait(self) -> None:
        """Block until the whole recording was read."""
        self._thread.join()

    def _keep(self, frame: RGBDFrame, steps: Sequence[Step]) -> None:
        """Keep what one frame brought."""
        raise NotImplementedError

    def _run(self) -> None:
        try:
            source = self._open()
            try:
                self._recogniser.open(source.info)
                while not self._stop.is_set() and (frame := source.read()) is not None:
                    self._keep(frame, self._recogniser.push(frame))
            finally:
                source.close()
            self.finished = not self._stop.is_set()
        except Exception as error:  # shown in place of what it would have found
            self.error = error
        finally:
            self._recogniser.close()
