"""Own recordings: any source that the application replays, and a table of what happens when.

The table is CSV with the columns `start_s,end_s,label`: seconds from the recording's first frame,
and the name of a class. What lies outside all spans has no label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.labels import NamedSpan, read_spans
from motionrgbd.core.sources.open import open_source
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.source import Source


@dataclass(frozen=True, slots=True)
class LabelledSpan:
    """One gesture of a recording, from `start_s` to before `end_s`; line: of the table, from 1."""

    start_s: float
    end_s: float
    label: int
    line: int


@dataclass(frozen=True, slots=True)
class LabelledClip:
    """A span with the frames that fall into it."""

    span: LabelledSpan
    frames: tuple[RGBDFrame, ...]


def read_labels(
    file: Path, classes: Sequence[str], *, every_class: bool = False
) -> list[LabelledSpan]:
    """Return a table's spans in order of time.

    classes: names in the order of their numbers. every_class: whether a class without a span is a
    mistake. Raises `SourceError` as `core.labels.read_spans` does, and for an unknown class.
    """
    spans = [_numbered(span, file, classes) for span in read_spans(file)]
    if every_class:
        check_classes([file], [spans], classes)
    return spans


def check_classes(
    files: Sequence[Path], spans: Sequence[Sequence[LabelledSpan]], classes: Sequence[str]
) -> None:
    """Raise `SourceError` that names the classes of which no recording has a span."""
    seen = {span.label for table in spans for span in table}
    empty = [name for i, name in enumerate(classes) if i not in seen]
    if empty:
        names = ", ".join(map(str, files))
        raise SourceError(
            f"{names}: no span of {', '.join(empty)}; record some, or leave the class out"
        )


def read_clips(
    source: str | Path,
    labels: Path,
    classes: Sequence[str],
    *,
    options: SourceOptions | None = None,
    every_class: bool = False,
) -> Iterator[LabelledClip]:
    """Yield the labelled spans of a recording with their frames, in order of time.

    source, options: what `open_source` takes. The recording is read once, from its first frame.
    Raises what `open_source` and `read_labels` raise, and `SourceError` that names the line of a
    span that reaches beyond the recording or holds no frame.
    """
    spans = read_labels(labels, classes, every_class=every_class)
    opened = open_source(source, options=options)
    try:
        _check_inside(labels, spans, opened.info.duration_s)
        yield from _cut(opened, labels, spans)
    finally:
        opened.close()


def _numbered(span: NamedSpan, file: Path, classes: Sequence[str]) -> LabelledSpan:
    if span.label not in classes:
        raise SourceError(
            f"{span.place(str(file))}: there is no class '{span.label}'; one of "
            f"{', '.join(classes)}"
        )
    return LabelledSpan(span.start_s, span.end_s, list(classes).index(span.label), span.line)


def _check_inside(file: Path, spans: Sequence[LabelledSpan], duration_s: float | None) -> None:
    """The last frame lasts one period: ends may be rounded up to that, not beyond."""
    for span in spans:
        if duration_s is not None and span.end_s > duration_s + 1e-6:
            raise SourceError(
                f"{file}, line {span.line}: the span ends at {span.end_s:g} s, the recording at "
                f"{duration_s:g} s"
            )


def _cut(source: Source, file: Path, spans: Sequence[LabelledSpan]) -> Iterator[LabelledClip]:
    waiting = list(spans)
    frames: list[RGBDFrame] = []
    first_s: float | None = None
    at_s = 0.0
    while waiting and (frame := source.read()) is not None:
        first_s = frame.timestamp_s if first_s is None else first_s
        at_s = frame.timestamp_s - first_s
        while waiting and at_s >= waiting[0].end_s:
            yield _clip(file, waiting.pop(0), frames)
            frames = []
        if waiting and at_s >= waiting[0].start_s:
            frames.append(frame)
    # the last frame has no successor that would tell its end
    _check_inside(file, waiting, at_s + 1.5 / source.info.fps_hz)
    for span in waiting:
        yield _clip(file, span, frames)
        frames = []


def _clip(file: Path, span: LabelledSpan, frames: Sequence[RGBDFrame]) -> LabelledClip:
    if not frames:
        raise SourceError(
            f"{file}, line {span.line}: the recording has no frame from {span.start_s:g} to "
            f"{span.end_s:g} s"
        )
    return LabelledClip(span, tuple(frames))
