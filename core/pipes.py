"""What joins the threads: a bounded pipe of frames and a slot that holds the newest result."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class PipeClosedError(Exception):
    """The other side of the pipe is gone; `__cause__` is why, where there was a reason."""


class Pipe(Generic[T]):
    """A bounded queue between two threads.

    `put` is called by the producer's thread, `get` by the consumer's, `close` by anyone.
    lossless: a full pipe makes the producer wait. Otherwise its oldest item goes, is counted in
    `dropped`, and the newest is always kept.
    """

    def __init__(self, capacity: int, *, lossless: bool) -> None:
        if capacity < 1:
            raise ValueError(f"a pipe needs room for one item at least, got {capacity}")
        self._capacity = capacity
        self._lossless = lossless
        self._items: deque[T] = deque()
        self._condition = threading.Condition()
        self._closed = False
        self._reason: BaseException | None = None
        self.dropped = 0

    def put(self, item: T) -> None:
        """Add an item. Raises PipeClosedError once the pipe is closed."""
        with self._condition:
            while self._lossless and len(self._items) >= self._capacity and not self._closed:
                self._condition.wait()
            if self._closed:
                raise PipeClosedError from self._reason
            if len(self._items) >= self._capacity:
                self._items.popleft()
                self.dropped += 1
            self._items.append(item)
            self._condition.notify_all()

    def get(self, timeout_s: float | None = None) -> T:
        """Return the oldest item; wait for one.

        Raises PipeClosedError when closed and empty, TimeoutError where none came in `timeout_s`.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._items or self._closed, timeout_s)
            if not self._items:
                if not self._closed:
                    raise TimeoutError
                raise PipeClosedError from self._reason
            item = self._items.popleft()
            self._condition.notify_all()
            return item

    def __len__(self) -> int:
        with self._condition:
            return len(self._items)

    def clear(self) -> None:
        """Throw the waiting items away (a seek made them stale); they are not counted."""
        with self._condition:
            self._items.clear()
            self._condition.notify_all()

    def close(self, reason: BaseException | None = None, *, discard: bool = False) -> None:
        """End the stream; what waits can still be taken, unless it is discarded."""
        with self._condition:
            if not self._closed:
                self._closed, self._reason = True, reason
            if discard:
                self._items.clear()
            self._condition.notify_all()


class LatestSlot(Generic[T]):
    """Room for one: a writer replaces, a reader sees the newest. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: T | None = None

    def set(self, value: T) -> None:
        """Replace what is there."""
        with self._lock:
            self._value = value

    def get(self) -> T | None:
        """Return the newest value, or None where there was none yet."""
        with self._lock:
            return self._value
