"""The annotated video: what the program saw, attended to and recognised, as an H.264 file."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

from motionrgbd.app.overlay import annotate
from motionrgbd.core.errors import OutputError
from motionrgbd.core.frames import ColorImage
from motionrgbd.core.pipes import Pipe, PipeClosedError
from motionrgbd.core.recogniser import Step
from motionrgbd.core.results import GestureEvent, Health, Snapshot
from motionrgbd.models.recipe import Modality

_ROOM = 8  # pictures; a stall of the encoder beyond a quarter of a second holds the replay up
_EVENT_SHOWN_S = 1.5


class AnnotatedVideo:
    """Draws and encodes every step in a thread of its own, `video`.

    `add` is called by the engine's thread and waits when the encoder is behind (recordings are
    lossless); `close` by the main thread.
    """

    def __init__(
        self, path: Path, labels: Sequence[str], modalities: Sequence[Modality], fps_hz: float
    ) -> None:
        self._path = path
        self._labels = labels
        self._modalities = modalities
        self._rate = Fraction(fps_hz).limit_denominator(1000)
        self._pipe: Pipe[Step] = Pipe(_ROOM, lossless=True)
        self._error: Exception | None = None
        self._last_event: GestureEvent | None = None
        self._thread = threading.Thread(target=self._run, name="video")
        self._thread.start()

    def add(self, step: Step) -> None:
        """Append one picture. Raises OutputError once writing has failed."""
        try:
            self._pipe.put(step)
        except PipeClosedError:
            self._raise_error()

    def close(self) -> None:
        """Finish the file: what was added is in it. Raises OutputError where that failed."""
        self._pipe.close()
        self._thread.join()
        self._raise_error()

    def _raise_error(self) -> None:
        if isinstance(self._error, OSError | av.FFmpegError):
            raise OutputError(
                f"the video {self._path} cannot be written ({self._error.strerror}) — "
                "choose another folder with --out"
            ) from self._error
        if self._error is not None:
            raise self._error

    # video thread

    def _run(self) -> None:
        try:
            first = self._next_picture()
            if first is not None:  # a file without a picture would not play
                self._encode(first)
        except Exception as error:
            self._error = error
            self._pipe.close(error, discard=True)

    def _encode(self, first: ColorImage) -> None:
        with av.open(self._path, "w") as container:
            stream = container.add_stream("libx264", rate=self._rate)
            assert isinstance(stream, VideoStream)
            stream.height, stream.width = first.shape[:2]
            stream.pix_fmt = "yuv420p"
            # no look-ahead: a stop has no half second of pictures to wait for
            stream.options = {"preset": "veryfast", "crf": "23", "tune": "zerolatency"}
            picture: ColorImage | None = first
            while picture is not None:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
                picture = self._next_picture()
            container.mux(stream.encode(None))

    def _next_picture(self) -> ColorImage | None:
        try:
            step = self._pipe.get()
        except PipeClosedError:
            return None
        if step.events:
            self._last_event = step.events[-1]
        last = self._last_event
        if last is not None and step.timestamp_s > last.decided_s + _EVENT_SHOWN_S:
            last = None
        return annotate(
            snapshot_of(step), self._labels, last_event=last, modalities=self._modalities
        )


def snapshot_of(step: Step) -> Snapshot:
    """Return what a view draws of one step, without the engine's health."""
    return Snapshot(
        frame=step.frame,
        view=step.view,
        guidance=step.guidance,
        prediction=step.prediction,
        warming_up=step.warming_up,
        health=Health(),
        events=step.events,
        use=step.use,
    )
