"""What happens when in a recording: a table `start_s,end_s,label`, read, checked and written.

Seconds count from the recording's first frame. What lies outside all spans has no label.
"""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from motionrgbd.core.errors import OutputError, SourceError

COLUMNS = ("start_s", "end_s", "label")
LABELS_SUFFIX = ".labels.csv"


@dataclass(frozen=True, slots=True)
class NamedSpan:
    """One gesture, from `start_s` to before `end_s`; line: of its table, from 1 (0: of none)."""

    start_s: float
    end_s: float
    label: str
    line: int = 0

    def place(self, where: str) -> str:
        """Return where the span stands, for messages."""
        return f"{where}, line {self.line}" if self.line else where


def labels_beside(recording: str) -> Path:
    """Return the table that belongs to a recording; of two videos, the first one names it."""
    return Path(recording.partition(",")[0] + LABELS_SUFFIX).expanduser()


def read_spans(file: Path) -> list[NamedSpan]:
    """Return a table's spans in order of time.

    Raises `SourceError` that names the file, the line and the reason: a missing column, no number,
    a span that ends before it starts or overlaps another.
    """
    spans = [
        NamedSpan(
            _seconds(file, line, "start_s", row["start_s"]),
            _seconds(file, line, "end_s", row["end_s"]),
            row["label"],
            line,
        )
        for line, row in _rows(file)
    ]
    return check_spans(spans, str(file))


def check_spans(spans: Sequence[NamedSpan], where: str) -> list[NamedSpan]:
    """Return spans in order of time. Raises `SourceError` as `read_spans` does."""
    for span in spans:
        at = span.place(where)
        if span.end_s <= span.start_s:
            raise SourceError(f"{at}: the span ends at {span.end_s:g} s, before or as it starts")
        if span.start_s < 0:
            raise SourceError(f"{at}: the span starts at {span.start_s:g} s, before the recording")
    ordered = sorted(spans, key=lambda span: span.start_s)
    for before, after in itertools.pairwise(ordered):
        if after.start_s < before.end_s:
            first = f"line {before.line}" if before.line else f"'{before.label}'"
            raise SourceError(
                f"{after.place(where)}: the span from {after.start_s:g} s begins before the "
                f"one of {first} ends ({before.end_s:g} s); spans may not overlap"
            )
    return ordered


def write_spans(file: Path, spans: Sequence[NamedSpan]) -> None:
    """Write a table that `read_spans` reads. Raises `OutputError` where that cannot be."""
    try:
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(COLUMNS)
            for span in spans:
                writer.writerow((f"{span.start_s:.3f}", f"{span.end_s:.3f}", span.label))
    except OSError as error:
        raise OutputError(
            f"{file} cannot be written ({error.strerror}) - choose another folder"
        ) from error


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restval="")
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise SourceError(
                    f"{file}, line 1: no column {', '.join(missing)}; the first line must be "
                    f"'{','.join(COLUMNS)}'"
                )
            for row in reader:
                yield reader.line_num, {name: row[name].strip() for name in COLUMNS}
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise SourceError(f"{file} cannot be read ({problem})") from None


def _seconds(file: Path, line: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SourceError(
            f"{file}, line {line}: {name} is '{text}'; a number of seconds is expected"
        )
    return value
