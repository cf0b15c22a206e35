"""The event benchmark as one HTML file that needs nothing else, and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from motionrgbd.core.matching import OUTCOMES, Outcome
from motionrgbd.training.evaluation.page import Figure, render, safe, write_page
from motionrgbd.training.evaluation.plots import confusion_svg
from motionrgbd.training.online.metrics import DEFINITIONS, confusion
from motionrgbd.training.online.plots import amoc_svg, latency_svg, roc_svg
from motionrgbd.training.online.results import Results
from motionrgbd.training.online.tables import (
    Table,
    class_table,
    duration,
    milliseconds,
    number,
    percent,
    tables,
)
from motionrgbd.training.online.timeline import STRIP_S, worst_strips

TEMPLATE = Path(__file__).with_name("report.html.jinja")
_STREAMS_AT_MOST = 200  # rows of a table that somebody reads


def write_report(folder: Path, results: Results) -> None:
    """Write `report.html` and `report.json`. Raises OutputError where they cannot be written."""
    write_page(folder, report_html(results), results.to_json())


def report_html(results: Results) -> str:
    """Return the page; equal results give equal bytes."""
    whole = [row for row in results.rows if row.seed is None]
    latencies = [(row.group, row.figures.latencies_ms) for row in whole if row.figures.latencies_ms]
    detections = results.detections
    return render(
        TEMPLATE,
        results=results,
        figures=_headlines(results),
        facts=_facts(results),
        tables=tables(results),
        definitions={**DEFINITIONS, **_events_defined(results.setting.tolerance_s)},
        roc=safe(roc_svg(detections)) if detections else "",
        amoc=safe(amoc_svg(detections)) if detections else "",
        latency=safe(latency_svg(latencies)) if latencies else "",
        groups=_groups(results),
        strips=worst_strips(results.runs),
        strip_s=f"{STRIP_S:g}",
        streams=_stream_table(results),
    )


def _events_defined(tolerance_s: float) -> dict[str, str]:
    shown = (Outcome.HIT, Outcome.DUPLICATE, Outcome.SUBSTITUTION, Outcome.FALSE)
    return {f"event: {o.value}": f"{OUTCOMES[o]} ({tolerance_s:g} s)" for o in shown}


def _headlines(results: Results) -> list[Figure]:
    found = []
    for row in (row for row in results.rows if row.seed is None):
        figures = row.figures
        if figures.gestures:
            found.append(
                _headline("Levenshtein accuracy %", row.group, percent(figures.levenshtein))
            )
        if figures.latency.p95.value is not None:
            p95 = milliseconds(figures.latency.p95)
            found.append(_headline("p95 latency, ms", row.group, p95))
        if not figures.gestures:
            rate = number(figures.false_per_hour, 1)
            count = figures.outcomes[Outcome.FALSE]
            detail = f"{row.group}, {count} in {duration(figures.idle_s)}"
            found.append(_headline("False events per idle hour", detail, rate))
    return found


def _headline(name: str, of: str, text: str) -> Figure:
    """The interval of `91.7 (88.9–93.9)` stands below the figure."""
    value, _, interval = text.partition(" (")
    return Figure(name, value, f"{of}; 95 %: {interval.removesuffix(')')}" if interval else of)


def _facts(results: Results) -> list[tuple[str, str]]:
    about, setting = results.about, results.setting
    seeds = sorted({run.of.seed for run in results.runs if run.of.seed is not None})
    decision = ", ".join(f"{n} {v}" for n, v in setting.parameters.to_json().items())
    facts = [
        ("Model", f"{about.file}: {about.model}, {about.precision}, on {about.device}"),
        ("SHA-256", about.sha256),
        ("Decision", decision),
        ("Tolerance", f"{setting.tolerance_s:g} s after a gesture's end"),
        ("Seeds", ", ".join(map(str, seeds))),
        ("Streams", str(len(results.runs))),
        ("Command", about.command),
        ("Commit", about.commit),
        ("Machine", about.machine),
    ]
    return [(name, text) for name, text in facts if text]


def _groups(results: Results) -> list[dict[str, Any]]:
    """Of each group with timed gestures, its classes and their confusions."""
    found: list[dict[str, Any]] = []
    for row in (row for row in results.rows if row.seed is None and row.figures.classes):
        judged = [run.judged for run in results.runs if run.of.stream.group == row.group]
        name = f"confusion{len(found)}"
        found.append(
            {
                "table": class_table(row.group, row.figures.classes),
                "confusion": safe(confusion_svg(*confusion(judged), name)),
            }
        )
    return found


def _stream_table(results: Results) -> Table:
    header = ("stream", "seconds", "gestures", "hits", "duplicates", "substitutions", "false")
    kinds = (Outcome.HIT, Outcome.DUPLICATE, Outcome.SUBSTITUTION, Outcome.FALSE)
    rows = [
        (
            run.of.stream.name,
            f"{run.of.stream.duration_s:.1f}",
            str(len(run.of.stream.gestures)),
            *(str(run.judged.count(kind)) if run.of.stream.timed else "" for kind in kinds),
        )
        for run in results.runs[:_STREAMS_AT_MOST]
    ]
    left = len(results.runs) - len(rows)
    title = "Streams" + (f" ({left} more stand in report.json)" if left else "")
    return Table(title, header, tuple(rows))
