"""The benchmark's tables as text: the same cells on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from motionrgbd.core.matching import Outcome
from motionrgbd.training.online.detection import Detection
from motionrgbd.training.online.intervals import Estimate
from motionrgbd.training.online.metrics import ClassFigures, Figures
from motionrgbd.training.online.results import Results, Row

NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells below a header."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(results: Results) -> list[Table]:
    """Return the tables of a run that have rows."""
    price = _with_and_without_early(results)
    found = [
        gesture_table("Gestures", [(_named(row), row.figures) for row in results.rows]),
        idle_table("Idle", [(_named(row), row.figures) for row in results.rows]),
        detection_table(results.detections),
        gesture_table("Price of early decisions: gestures", price),
        idle_table("Price of early decisions: idle", price),
    ]
    return [table for table in found if table.rows]


def gesture_table(title: str, rows: Sequence[tuple[str, Figures]]) -> Table:
    """Return the figures of streams with gestures."""
    header = (
        "streams", "gestures", "Levenshtein %", "precision %", "recall %", "F1 %", "duplicates %",
        "latency p50 ms", "p95 ms", "p99 ms", "before the end %", "event NTtD",
    )  # fmt: skip
    return Table(title, header, tuple(_gesture_row(n, f) for n, f in rows if f.gestures))


def _gesture_row(name: str, figures: Figures) -> tuple[str, ...]:
    late = figures.latency
    return (
        name,
        str(figures.gestures),
        percent(figures.levenshtein),
        percent(figures.precision),
        percent(figures.recall),
        percent(figures.f1),
        percent(figures.duplicates),
        milliseconds(late.p50),
        milliseconds(late.p95),
        milliseconds(late.p99),
        percent(late.before_end),
        number(figures.event_nttd, 2),
    )


def idle_table(title: str, rows: Sequence[tuple[str, Figures]]) -> Table:
    """Return false events over idle time."""
    header = ("streams", "idle", "false events", "per idle hour")
    return Table(title, header, tuple(_idle_row(n, f) for n, f in rows if f.idle_s > 0))


def _idle_row(name: str, figures: Figures) -> tuple[str, ...]:
    false = figures.outcomes[Outcome.FALSE]
    return name, duration(figures.idle_s), str(false), number(figures.false_per_hour, 1)


def detection_table(detections: Sequence[Detection]) -> Table:
    """Return how well gestures part from idle time before any decision."""
    header = (
        "gestures of", "against idle of", "pieces", "ROC AUC", "false-positive rate",
        "gestures detected %", "NTtD of detected", "NTtD, missed as 1",
    )  # fmt: skip
    rows = [
        (
            f"{found.gestures_of} ({found.gestures})",
            found.idle_of,
            f"{found.pieces} of {found.piece_s:.2f} s",
            number(found.auc, 3),
            number(found.false, 3),
            percent(found.true),
            number(found.nttd, 2),
            number(found.nttd_all, 2),
        )
        for found in detections
    ]
    return Table("Detection: 1 - p(idle), before any decision", header, tuple(rows))


def class_table(group: str, classes: Sequence[ClassFigures]) -> Table:
    """Return how each gesture of a group fared."""
    header = ("gesture", "made", "hit", "missed", "duplicates", "p50 ms", "p95 ms", "wrong events")
    rows = [
        (
            each.label,
            str(each.gestures),
            str(each.hits),
            str(each.missed),
            str(each.duplicates),
            NOTHING if each.p50_ms is None else f"{each.p50_ms:.0f}",
            NOTHING if each.p95_ms is None else f"{each.p95_ms:.0f}",
            ", ".join(f"{count} {label}" for label, count in each.substituted_by) or NOTHING,
        )
        for each in classes
    ]
    return Table(group, header, tuple(rows))


def _with_and_without_early(results: Results) -> list[tuple[str, Figures]]:
    whole = {row.group: row.figures for row in results.rows if row.seed is None}
    return [
        pair
        for row in results.without_early
        for pair in (
            (f"{row.group}, with", whole[row.group]),
            (f"{row.group}, without", row.figures),
        )
    ]


def _named(row: Row) -> str:
    return row.group if row.seed is None else f"{row.group}, seed {row.seed}"


def percent(estimate: Estimate) -> str:
    """Return a share as 91.7 (88.9–93.9)."""
    return number(estimate.times(100), 1)


def milliseconds(estimate: Estimate) -> str:
    """Return a time as -12 (-20 to 3)."""
    return number(estimate, 0, " to ")


def number(estimate: Estimate, digits: int, between: str = "–") -> str:
    """Return a figure and its interval, as far as there are any."""
    if estimate.value is None:
        return NOTHING
    text = _rounded(estimate.value, digits)
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} ({_rounded(estimate.low, digits)}{between}{_rounded(estimate.high, digits)})"


def _rounded(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text  # no -0


def duration(seconds: float) -> str:
    """Return 143 s, 61.2 min or 5.3 h."""
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 10800 else f"{seconds / 3600:.1f} h"
