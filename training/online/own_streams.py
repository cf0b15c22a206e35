"""Own recordings with a table of what happens when, as streams."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from motionrgbd.core.decision import IDLE_LABEL
from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import RGBDFrame, ScriptedGesture, SourceInfo
from motionrgbd.core.labels import LABELS_SUFFIX, NamedSpan, labels_beside, read_spans
from motionrgbd.core.sources.open import open_source
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.source import Source
from motionrgbd.training.online.sources import SourceRequest
from motionrgbd.training.online.streams import OnlineStream

GROUP = "own recordings"
LEAST_IDLE_S = 1.0


class FromZero:
    """A source whose clock begins at its first frame, as the tables' does. Used by one thread."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._first_s: float | None = None

    @property
    def info(self) -> SourceInfo:
        return self._source.info

    def read(self) -> RGBDFrame | None:
        frame = self._source.read()
        if frame is None:
            return None
        if self._first_s is None:
            self._first_s = frame.timestamp_s
        return dataclasses.replace(frame, timestamp_s=frame.timestamp_s - self._first_s)

    def close(self) -> None:
        self._source.close()


def open_from_zero(recording: Path, options: SourceOptions) -> FromZero:
    """Begin a recording."""
    return FromZero(open_source(recording, options=options))


def recording_streams(request: SourceRequest) -> list[OnlineStream]:
    """Return a recording, or all of a folder, each with `NAME.labels.csv` beside it.

    Spans labelled `idle` are what lies between gestures. Every recording is read once here, so
    that a mistake in the last one shows before hours of scoring. Raises SourceError that names the
    file, the line and the reason: what `read_spans` refuses, a label that is none of the
    request's, a span without frames or beyond the end, and less than a second of idle time.
    """
    assert request.root is not None, "the path is the source's name"
    # librealsense's player may lose a frame of a recording; the same must come every time
    options = SourceOptions(depth_direction=request.depth_direction, prefer_sdk=False)
    tables = _tables(request.root)[: request.limit]
    return [_stream(table, options, request.labels) for table in tables]


def _tables(path: Path) -> list[Path]:
    """Return the table of a recording, or those of a folder of recordings."""
    beside = labels_beside(str(path))
    if beside.is_file():
        return [beside]
    inside = sorted(path.glob(f"*{LABELS_SUFFIX}")) if path.is_dir() else []
    if not inside:
        raise SourceError(
            f"{path} has no labels — put {beside.name} beside it (of a folder of recordings, "
            f"NAME{LABELS_SUFFIX} beside each), with the columns start_s,end_s,label"
        )
    return inside


def _stream(table: Path, options: SourceOptions, labels: Sequence[str] | None) -> OnlineStream:
    spans = [span for span in read_spans(table) if span.label != IDLE_LABEL]
    _check_labels(table, spans, labels)
    recording = table.with_name(table.name.removesuffix(LABELS_SUFFIX))
    times_s, period_s, digest = _read_through(recording, options)
    duration_s = times_s[-1] + period_s
    for span in spans:
        _check_span(table, span, times_s, duration_s + 0.5 * period_s)
    stream = OnlineStream(
        name=recording.name,
        group=GROUP,
        open=partial(open_from_zero, recording, options),
        made_of=f"recording {digest}",
        duration_s=duration_s,
        gestures=tuple(
            ScriptedGesture(span.label, span.start_s, min(span.end_s, duration_s)) for span in spans
        ),
    )
    if stream.idle_s < LEAST_IDLE_S:
        where = spans[-1].place(str(table)) if spans else str(table)
        raise SourceError(
            f"{where}: {stream.idle_s:.2g} s of the recording's {duration_s:.4g} s lie outside "
            f"all spans; false events need at least {LEAST_IDLE_S:g} s in which nobody gestures "
            "— mark the gestures alone, or record a pause"
        )
    return stream


def _check_labels(table: Path, spans: Sequence[NamedSpan], labels: Sequence[str] | None) -> None:
    for span in spans:
        if not span.label:
            raise SourceError(f"{span.place(str(table))}: the span has no label")
        if labels is not None and span.label not in labels:
            known = ", ".join(label for label in labels if label != IDLE_LABEL)
            raise SourceError(
                f"{span.place(str(table))}: the model has no gesture '{span.label}'; one of "
                f"{known}, or take the span out"
            )


def _check_span(table: Path, span: NamedSpan, times_s: Sequence[float], end_s: float) -> None:
    """The last frame lasts one period: ends may be rounded up to that, not beyond."""
    if span.end_s > end_s:
        raise SourceError(
            f"{span.place(str(table))}: the span ends at {span.end_s:g} s, the recording at "
            f"{end_s:.4g} s"
        )
    if not any(span.start_s <= time_s < span.end_s for time_s in times_s):
        raise SourceError(
            f"{span.place(str(table))}: the recording has no frame from {span.start_s:g} to "
            f"{span.end_s:g} s"
        )


def _read_through(recording: Path, options: SourceOptions) -> tuple[list[float], float, str]:
    """Return the times of all frames, how long one lasts, and a digest of the frames."""
    source = open_from_zero(recording, options)
    seen = hashlib.blake2b(digest_size=10)
    times_s: list[float] = []
    try:
        while (frame := source.read()) is not None:
            times_s.append(frame.timestamp_s)
            seen.update(repr(frame.timestamp_s).encode())
            for image in (frame.color, frame.depth):
                seen.update(b"-" if image is None else image.tobytes())
    finally:
        source.close()
    if not times_s:
        raise SourceError(f"{recording} holds no frame")
    return times_s, 1 / source.info.fps_hz, seen.hexdigest()
