"""What the window says of actions: sinks, results, how they are handled. Words only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from motionrgbd.core.actions.entry import Entry, Outcome
from motionrgbd.core.actions.mapping import ActionRule
from motionrgbd.core.actions.sink import Request
from motionrgbd.core.actions.status import ActionsStatus
from motionrgbd.core.actions.worker import WorkerStatus

Tone = Literal["calm", "muted", "warning", "error"]
_LONGEST = 40  # characters of a value in a list
_LONGEST_NAME = 12  # of a sink, where there is room for a few words only
_BUSY_S = 0.5  # of one call: from here on a person wonders


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a list: its cells, and how they are meant."""

    cells: tuple[str, ...]
    tone: Tone = "calm"


_RESULTS: dict[Outcome, tuple[str, Tone]] = {
    "sent": ("sent", "calm"),
    "dry-run": ("dry run", "muted"),
    "switched": ("switched", "calm"),
    "unmapped": ("nothing to do", "muted"),
    "not-allowed": ("not allowed", "warning"),
    "rate-limited": ("too many, dropped", "warning"),
    "nothing-to-undo": ("nothing to undo", "warning"),
    "late": ("too late, dropped", "warning"),
    "lost": ("dropped", "warning"),
    "rejected": ("rejected", "error"),
    "unsure": ("perhaps sent", "error"),
}


def headline(status: ActionsStatus | None) -> tuple[str, Tone]:
    """Return whether anything is sent."""
    if status is None:
        return "No actions", "muted"
    return ("Armed", "warning") if status.armed else ("Dry run", "calm")


def sub_headline(status: ActionsStatus | None) -> str:
    """Return what that means, or what is wrong beside it."""
    if status is None:
        return "Open or write a mapping (Ctrl+E)"
    if status.log_lost:
        return f"{status.log_lost} lines of the log are lost: {status.log_error or 'too many'}"
    return "Actions are really sent" if status.armed else "Nothing is sent"


def sink_lines(status: ActionsStatus) -> tuple[Line, ...]:
    """Return every sink and how it is."""
    limited = status.rate_limited
    return tuple(_sink_line(n, s, limited.get(n, 0)) for n, s in status.sinks.items())


def in_brief(status: ActionsStatus | None, error: str = "") -> tuple[str, Tone]:
    """Return the one thing to know besides whether it is armed: what is wrong, or how sinks are.

    error: why what was asked did not happen.
    """
    if error:
        return error, "error"
    if status is None:
        return sub_headline(None), "muted"
    if status.log_lost:
        return sub_headline(status), "warning"
    lines = sink_lines(status)
    bad = [line for line in lines if line.tone in ("warning", "error")]
    if bad:
        worst = min(bad, key=lambda line: line.tone)  # an error before a warning
        some = f"{len(bad)} of {len(lines)} sinks, " if len(bad) > 1 else ""
        return f"{some}{worst.cells[0]}: {worst.cells[1]}", worst.tone
    if len(lines) == 1:
        return ": ".join(lines[0].cells), lines[0].tone
    healths = ", ".join(dict.fromkeys(line.cells[1] for line in lines))
    return (f"{len(lines)} sinks: {healths}" if lines else ""), "muted"


def last_in_brief(lines: Sequence[Line]) -> tuple[str, Tone]:
    """Return the newest line of `entry_line` as one text, its result first: the end may be cut."""
    if not lines:
        return "", "muted"
    *what, result = lines[0].cells
    result, _, detail = result.partition(": ")
    return " · ".join(part for part in (result, *what, detail) if part), lines[0].tone


def down_text(status: ActionsStatus) -> str:
    """Return in a few words what is down; empty where nothing is."""
    down = [name for name, sink in status.sinks.items() if sink.state == "down"]
    if len(down) == 1 and len(down[0]) <= _LONGEST_NAME:
        return f"{down[0]} down"
    return f"{len(down)} sink{'s' if len(down) > 1 else ''} down" if down else ""


def _sink_line(name: str, status: WorkerStatus, limited: int) -> Line:
    text, tone = _health(status)
    if limited:
        text, tone = f"{text} · {limited} over the limit, dropped", _worse(tone)
    return Line((name, text), tone)


def _worse(tone: Tone) -> Tone:
    return tone if tone == "error" else "warning"


def _health(status: WorkerStatus) -> tuple[str, Tone]:
    if status.state == "off":
        return "not connected", "muted"
    if status.state == "connecting":
        return "connecting …", "muted"
    if status.state == "down":
        again = f"again in {math.ceil(status.retry_s)} s" if status.retry_s else "trying again"
        return f"down, {again}: {status.reason}", "error"
    waiting = f", {status.waiting} waiting" if status.waiting else ""
    if status.busy_s > _BUSY_S:
        return f"slow: busy for {status.busy_s:.0f} s{waiting}", "warning"
    return f"fine{waiting}", "calm"


def entry_line(entry: Entry) -> Line | None:
    """Return what became of an event; None for what is seen elsewhere or concerns nobody."""
    if entry.outcome is None:
        text = entry.to_text()
        return Line(("", text, ""), "warning") if entry.note == "nothing to undo" else None
    if entry.outcome == "unmapped":
        return None
    gesture = "" if entry.event is None else entry.event.label
    result, tone = _RESULTS[entry.outcome]
    detail = f"{result}: {entry.detail}" if entry.detail else result
    return Line((gesture, action_text(entry.sink, entry.request), detail), tone)


def action_text(sink: str | None, request: Request | None) -> str:
    """Return where something goes and what is asked, such as `player: volume 0.1`."""
    values = [_short(v) for v in (request or {}).values() if v not in (None, "", ())]
    return f"{sink}: {' '.join(values)}" if values else str(sink)


def rule_line(rule: ActionRule) -> Line:
    """Return an action of the mapping as the editor lists it."""
    events = ", ".join(rule.events)
    where = ", ".join(rule.states) or "all"
    return Line((rule.gesture, events, action_text(rule.sink, rule.request), where))


def _short(value: object) -> str:
    text = " ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    if len(text) <= _LONGEST:
        return text
    return "{…}" if text.startswith("{") else text[: _LONGEST - 1] + "…"
