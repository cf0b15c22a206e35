"""A camera that is none: frames drawn ahead by another process, delivered when they are due."""

from __future__ import annotations

import dataclasses
import os
import queue
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection

from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import RGBDFrame, ScriptedGesture
from motionrgbd.core.synthetic.endless import EndlessPerformance

_ROOM = 90  # frames ahead: a new scene takes a second to build on a busy machine
_LOOK_S = 0.2  # between two looks whether the camera was closed


@dataclass(frozen=True, slots=True)
class Performance:
    """What is drawn; the arguments of `EndlessPerformance`."""

    seed: int
    duration_s: float
    fps_hz: float = 30.0
    size_px: tuple[int, int] = (320, 240)

    def begin(self) -> EndlessPerformance:
        """Start it anew."""
        return EndlessPerformance(
            self.seed, self.duration_s, fps_hz=self.fps_hz, size_px=self.size_px
        )


_Item = tuple[RGBDFrame, tuple[ScriptedGesture, ...]]  # and what is begun with it


class DrawnCamera:
    """A live `Source` with the frames of a performance.

    Drawing happens in a process of its own, so that it costs the engine's nothing. With `paced` a
    frame is delivered when its time has come, as a camera does; without, at once. A frame that
    is drawn too late is counted in `late` and moves all later ones. script: as far as delivered.
    """

    def __init__(self, performance: Performance, *, paced: bool) -> None:
        self.info = dataclasses.replace(performance.begin().info, live=True)
        self.script: tuple[ScriptedGesture, ...] = ()
        self.late = 0
        self._paced, self._period_s = paced, 1 / performance.fps_hz
        self._due_s: float | None = None
        self._closed = threading.Event()
        context = get_context("spawn")  # a fork of a process with threads may hang
        self._frames, theirs = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_draw, args=(performance, theirs), name="draw", daemon=True
        )
        self._process.start()
        theirs.close()  # or the end of a process that dies in the middle of a frame goes unseen

    def read(self) -> RGBDFrame | None:
        item = self._take()
        if item is None:
            self._closed.set()  # nothing comes after the end
            return None
        frame, begun = item
        self.script += begun
        if self._paced and not self._wait_until_due():
            return None
        return dataclasses.replace(frame, arrival_s=time.monotonic())

    def close(self) -> None:
        self._closed.set()
        if self._process.is_alive():
            self._process.terminate()
        self._process.join()

    def _take(self) -> _Item | None:
        while not self._closed.is_set():
            try:
                if self._frames.poll(_LOOK_S):
                    item: _Item | None = self._frames.recv()
                    return item
            except (EOFError, OSError) as error:
                if self._closed.is_set():
                    break
                self._process.join()
                raise SourceError(
                    f"drawing {self.info.name} ended early (exit code {self._process.exitcode})"
                ) from error
        return None

    def _wait_until_due(self) -> bool:
        """Return False where the camera was closed meanwhile."""
        now = time.monotonic()
        due = now if self._due_s is None else self._due_s
        if now - due > self._period_s:
            self.late += 1
            due = now
        self._due_s = due + self._period_s
        return not self._closed.wait(max(0.0, due - now))


def _draw(performance: Performance, frames: Connection) -> None:
    """Draw until the end, ahead of what is read; runs in the drawing process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process hears it, and ends this one
    ahead: queue.Queue[_Item | None] = queue.Queue(_ROOM)
    sender = threading.Thread(target=_send, args=(ahead, frames), name="send", daemon=True)
    sender.start()
    source = performance.begin()
    sent = 0
    while (frame := source.read()) is not None:
        ahead.put((frame, source.script[sent:]))
        sent = len(source.script)
    ahead.put(None)
    sender.join()


def _send(ahead: queue.Queue[_Item | None], frames: Connection) -> None:
    try:
        while (item := ahead.get()) is not None:
            frames.send(item)
        frames.send(None)
    except OSError:  # nobody reads any more
        os._exit(0)
