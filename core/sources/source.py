"""The one protocol of everything that delivers frames."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import RGBDFrame, SourceInfo


@runtime_checkable
class Source(Protocol):
    """Delivers frames in order; used by one thread at a time.

    `read` returns the next frame, or None where there is no more (end of a recording).
    A live source that falls silent raises `CameraError` from `read` after its time-out
    and may be read again: it goes on when the camera returns.
    `close` may be called from another thread, more than once, and ends a blocked `read`.
    """

    @property
    def info(self) -> SourceInfo: ...

    def read(self) -> RGBDFrame | None: ...

    def close(self) -> None: ...


@runtime_checkable
class SeekableSource(Source, Protocol):
    """A recording that can be replayed from any of its moments."""

    def seek(self, timestamp_s: float) -> None:
        """Go on from the first frame at or after `timestamp_s` (the recording's own clock)."""


def check_whole(source: Source) -> None:
    """Raise SourceError for a recording that broke off; to be called once it was read."""
    why = getattr(source, "ended_early", None)
    if why:
        raise SourceError(f"{why} — everything up to there was used; copy the file again")
