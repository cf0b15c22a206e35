"""Play, pause, step, seek and speed: what a user asks of a recording, and when frames are due."""

from __future__ import annotations

import threading
import time


class Transport:
    """Play, pause, step, seek and speed of a recording; any thread sets, capture obeys.

    speed: 1 is real time, 0 as fast as the engine goes.
    """

    def __init__(self, speed: float) -> None:
        self.changed = threading.Condition()
        self.stopped = False
        self.paused = False
        self.speed = speed
        self._steps = 0
        self._seek_s: float | None = None
        self._epoch = 0  # of the pacing clock

    def set(
        self, *, paused: bool | None = None, speed: float | None = None, stopped: bool = False
    ) -> None:
        """Change what is given; pacing starts anew."""
        with self.changed:
            self.paused = self.paused if paused is None else paused
            self.speed = self.speed if speed is None else speed
            self.stopped = self.stopped or stopped
            self._epoch += 1
            self.changed.notify_all()

    def step(self) -> None:
        """Let one frame through while paused."""
        with self.changed:
            self.paused = True
            self._steps += 1
            self.changed.notify_all()

    def seek(self, timestamp_s: float) -> None:
        """Go on from there; the newest request wins."""
        with self.changed:
            self._seek_s = timestamp_s
            self._epoch += 1
            self.changed.notify_all()

    def take_seek(self) -> float | None:
        """Return the pending request, once."""
        with self.changed:
            target, self._seek_s = self._seek_s, None
            if target is not None and self.paused:
                self._steps = 1  # show the picture that was sought
            return target

    @property
    def epoch(self) -> int:
        """Changes whenever pacing must start anew."""
        return self._epoch

    def wait_for_go(self) -> bool:
        """Block while paused; False when something else needs attention first."""
        with self.changed:
            while self.paused and not self._steps and not self.stopped and self._seek_s is None:
                self.changed.wait()
            if self.stopped or self._seek_s is not None:
                return False
            self._steps = max(0, self._steps - 1)
            return True

    def wait_for_seek(self) -> None:
        """Block at the end of a recording until a seek or the stop."""
        with self.changed:
            while self._seek_s is None and not self.stopped:
                self.changed.wait()

    def sleep(self, duration_s: float) -> None:
        """Sleep, but not past a stop or a seek."""
        with self.changed:
            if not self.stopped and self._seek_s is None and duration_s > 0:
                self.changed.wait(duration_s)


class Pacer:
    """Delays a recording's frames to the transport's speed. Runs in the capture thread."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._epoch = -1
        self._wall_s = 0.0
        self._stamp_s = 0.0

    def wait_until_due(self, timestamp_s: float) -> None:
        transport = self._transport
        while transport.speed > 0 and not transport.stopped:
            if self._epoch != transport.epoch:
                self._epoch = transport.epoch
                self._wall_s, self._stamp_s = time.monotonic(), timestamp_s
            due = self._wall_s + (timestamp_s - self._stamp_s) / transport.speed
            left = due - time.monotonic()
            if left <= 0:
                return
            transport.sleep(left)
