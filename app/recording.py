"""`motionrgbd record` and `motionrgbd convert`: from a source to a file or folder that replays."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable
from pathlib import Path

from motionrgbd.app.live import source_options, source_spec
from motionrgbd.app.settings import Settings
from motionrgbd.core.errors import SourceError, UsageError
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.recorder import FolderRecorder, convert
from motionrgbd.core.sources.open import open_source

_TELL_EVERY = 30  # frames


def record(settings: Settings, destination: Path, seconds: float | None) -> int:
    """Record a camera for some seconds or until Ctrl-C, which is the way to end it, not a failure.

    A RealSense's own images go to a `.db3` with their calibration; other cameras' frames to a
    folder of pictures.
    """
    if seconds is not None and not seconds > 0:
        raise UsageError(f"--seconds must be more than 0, got {seconds:g}")
    written = 0

    def on_frame(_frame: RGBDFrame) -> None:
        nonlocal written
        written += 1
        if written == 1:
            print(f"Recording to {destination}; Ctrl-C ends it.", flush=True)

    try:
        if source_spec(settings).startswith("realsense"):
            _record_realsense(settings, destination, _stopper(seconds), on_frame)
        else:
            _record_folder(settings, destination, _stopper(seconds), on_frame)
    except KeyboardInterrupt:
        pass
    print(f"{written} frames are in {destination}")
    return 0


def _stopper(seconds: float | None) -> Callable[[], bool]:
    """Return what says that the time is up; the time begins with the first question."""
    end_s: float | None = None

    def stop() -> bool:
        nonlocal end_s
        now = time.monotonic()
        if end_s is None:
            end_s = float("inf") if seconds is None else now + seconds
        return now >= end_s

    return stop


def _record_realsense(
    settings: Settings,
    destination: Path,
    stop: Callable[[], bool],
    on_frame: Callable[[RGBDFrame], None],
) -> None:
    from motionrgbd.core.sources.realsense import record_realsense

    serial = source_spec(settings).partition(":")[2]
    options = dataclasses.replace(source_options(settings), serial=serial or None)
    record_realsense(destination, stop=stop, options=options, on_frame=on_frame)


def _record_folder(
    settings: Settings,
    destination: Path,
    stop: Callable[[], bool],
    on_frame: Callable[[RGBDFrame], None],
) -> None:
    source = open_source(source_spec(settings), options=source_options(settings))
    try:
        recorder = FolderRecorder(destination, source.info)
        try:
            while not stop() and (frame := source.read()) is not None:
                recorder.add(frame)
                on_frame(frame)
        finally:
            recorder.close()
        if recorder.lost:
            print(f"{recorder.lost} frames were lost: the disk is too slow")
    finally:
        source.close()


def convert_recording(settings: Settings, destination: Path) -> int:
    """Write a recording as a folder of pictures, without loss; what is written when it ends
    early, for whatever reason, is kept and counted.
    """
    written = 0

    def tell(count: int) -> None:
        nonlocal written
        written = count
        if written % _TELL_EVERY == 0 and sys.stdout.isatty():
            print(f"\r{written} frames", end="", flush=True)

    source = open_source(source_spec(settings), options=source_options(settings))
    whole = False
    try:
        convert(source, destination, on_frame=tell)
        whole = True
    finally:
        source.close()
        if written or whole:
            start = "\r" if sys.stdout.isatty() else ""
            print(f"{start}{written} frames are in {destination}", flush=True)
    why = getattr(source, "ended_early", None)
    if why:
        raise SourceError(f"{why} — the frames before are kept")
    return 0
