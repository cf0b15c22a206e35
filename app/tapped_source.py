"""A source whose frames can be recorded while it is being shown."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from motionrgbd.core.errors import OutputError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.recorder import FolderRecorder
from motionrgbd.core.sources.source import Source


@dataclass(frozen=True, slots=True)
class RecordingCount:
    """How a recording is going. missing: frames that the camera never delivered; lost: frames that
    the disk was too slow for."""

    frames: int = 0
    missing: int = 0
    lost: int = 0
    seconds: float = 0.0

    @property
    def gone(self) -> int:
        """Frames that are not in the recording."""
        return self.missing + self.lost


class TappedSource:
    """Passes a source's frames on and, between `start` and `stop`, records them into a folder.

    `read` is called by the capture thread, `start`, `stop` and `count` by the owner's; the lock
    is held while a frame is handed to the recorder, which never waits for the disk.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._recorder: FolderRecorder | None = None
        self._problem: OutputError | None = None
        self._taken = self._missing = 0
        self._last_index: int | None = None
        self._first_s = self._last_s = 0.0

    @property
    def info(self) -> SourceInfo:
        return self._source.info

    @property
    def recording(self) -> bool:
        """Whether frames are being recorded."""
        return self._recorder is not None

    def read(self) -> RGBDFrame | None:
        frame = self._source.read()
        if frame is not None:
            with self._lock:
                self._take(frame)
        return frame

    def close(self) -> None:
        self._source.close()

    def start(self, destination: Path) -> None:
        """Record from the next frame on. Raises `OutputError`."""
        recorder = FolderRecorder(destination, self._source.info)
        with self._lock:
            self._recorder, self._problem = recorder, None
            self._taken = self._missing = 0
            self._last_index = None

    def stop(self) -> RecordingCount:
        """End the recording and write what waits; returns what became of it.

        Raises `OutputError` where writing has failed.
        """
        with self._lock:
            recorder, self._recorder = self._recorder, None
        if recorder is None:
            return RecordingCount()
        recorder.close()
        if self._problem is not None:
            raise self._problem
        return self._count(recorder)

    def count(self) -> RecordingCount:
        """Return how the recording is going. Raises `OutputError` where writing has failed."""
        if self._problem is not None:
            raise self._problem
        recorder = self._recorder
        return RecordingCount() if recorder is None else self._count(recorder)

    def _count(self, recorder: FolderRecorder) -> RecordingCount:
        lost = recorder.lost
        seconds = self._last_s - self._first_s if self._taken else 0.0
        return RecordingCount(self._taken - lost, self._missing, lost, seconds)

    def _take(self, frame: RGBDFrame) -> None:
        if self._recorder is None or self._problem is not None:
            return
        try:
            self._recorder.add(frame)
        except OutputError as problem:
            self._problem = problem
            return
        if self._last_index is not None:
            self._missing += max(0, frame.index - self._last_index - 1)
        if not self._taken:
            self._first_s = frame.timestamp_s
        self._last_index, self._last_s = frame.index, frame.timestamp_s
        self._taken += 1
