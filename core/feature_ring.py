"""The features of the window's frames, in memory that is laid out once."""

from __future__ import annotations

import numpy as np

from motionrgbd.core.results import FloatArray


class FeatureRing:
    """Features (T, D) of the last T frames of a stream.

    Every row is stored twice, T rows apart, so that each window is one contiguous view: nothing is
    moved or copied to score it.
    """

    def __init__(self, window: int, width: int) -> None:
        self._window = window
        self._rows = np.zeros((2 * window, width), np.float32)
        self._padded = np.zeros((window, width), np.float32)
        self.reset()

    def reset(self) -> None:
        """Start a new stream: an empty window reads as zeros."""
        self.count = 0
        self._rows.fill(0.0)

    def append(self) -> None:
        """Make place for one more frame, the newest; its features follow by `write`."""
        self.count += 1

    def write(self, age: int, feature: FloatArray) -> None:
        """Set the feature (D,) of the frame `age` before the newest; one never had is ignored."""
        if age >= min(self.count, self._window):
            return
        row = (self.count - 1 - age) % self._window
        self._rows[row] = self._rows[row + self._window] = feature

    @property
    def full(self) -> bool:
        """Whether T frames were seen."""
        return self.count >= self._window

    def view(self) -> FloatArray:
        """Return the window (T, D), oldest first: a view, valid until the next frame."""
        start = self.count % self._window
        return self._rows[start : start + self._window]

    def padded(self) -> FloatArray:
        """Return the window (T, D) in which the first frame stands for those not seen yet."""
        missing = self._window - self.count
        if missing <= 0:
            return self.view()
        self._padded[:missing] = self._rows[0]
        self._padded[missing:] = self._rows[: self.count]
        return self._padded
