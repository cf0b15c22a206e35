"""Webcams: colour only, through OpenCV."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import cv2
from numpy.typing import NDArray

from motionrgbd.core.errors import CameraError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.pairing import FrameCounts

_DEFAULT_HZ = 30.0
_CLOSE_S = 0.2  # how long `close` waits for the driver before it leaves the rest to `read`
_RETRY_S = 0.05


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that is used."""

    def read(self) -> tuple[bool, NDArray[Any]]: ...

    def release(self) -> None: ...


class WebcamSource:
    """Colour of webcam `number`; stamps are the host's clock at arrival, webcams tell no other.

    Read by one thread; `close` may come from another.
    """

    def __init__(
        self,
        number: int = 0,
        options: SourceOptions | None = None,
        *,
        capture: Capture | None = None,
    ) -> None:
        self._options = options or SourceOptions()
        self._name = f"webcam {number}"
        self._lock = threading.Lock()
        self._closing = False
        self._count = 0
        self._last_s = 0.0
        hz = self._options.fps_hz or _DEFAULT_HZ
        self._capture: Capture | None = capture or _open(number, self._options)
        self.info = SourceInfo(
            name=self._name, live=True, fps_hz=hz, has_color=True, has_depth=False
        )

    @property
    def counts(self) -> FrameCounts:
        return FrameCounts(singles=self._count)

    def read(self) -> RGBDFrame | None:
        """The next frame; None once closed; CameraError where the camera is silent."""
        give_up_s = time.monotonic() + self._options.silence_timeout_s
        while True:
            with self._lock:
                if self._closing or self._capture is None:
                    self._release()
                    return None
                found, image = self._capture.read()
            if found:
                return self._frame(image)
            if time.monotonic() > give_up_s:
                raise CameraError(
                    f"{self._name} has sent nothing for {self._options.silence_timeout_s:g} s: "
                    "check its cable and whether another program uses it"
                )
            time.sleep(_RETRY_S)

    def close(self) -> None:
        self._closing = True
        if self._lock.acquire(timeout=_CLOSE_S):
            try:
                self._release()
            finally:
                self._lock.release()

    def _frame(self, image: NDArray[Any]) -> RGBDFrame:
        now_s = time.monotonic()
        self._last_s = max(now_s, self._last_s + 1e-6)
        self._count += 1
        return RGBDFrame(
            color=cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype("uint8", copy=False),
            depth=None,
            index=self._count - 1,
            timestamp_s=self._last_s,
            arrival_s=now_s,
        )

    def _release(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def _open(number: int, options: SourceOptions) -> Capture:
    absent = f"no webcam {number} answers: plug it in, or use --replay FILE or --demo"
    if sys.platform.startswith("linux") and not Path(f"/dev/video{number}").exists():
        raise CameraError(absent)
    with _quiet_opencv():
        capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        capture.release()
        raise CameraError(absent)
    if options.size_px is not None:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, options.size_px[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, options.size_px[1])
    if options.fps_hz is not None:
        capture.set(cv2.CAP_PROP_FPS, options.fps_hz)
    return capture


@contextlib.contextmanager
def _quiet_opencv() -> Iterator[None]:
    """OpenCV reports a missing camera on stderr, in its own words."""
    # releases differ in where they keep this, and their type stubs in whether they know it
    logging = getattr(getattr(cv2, "utils", None), "logging", None)
    if logging is None:
        yield
        return
    before = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)
