"""What the teaching window says: the list of gestures and the report, as rich text, without Qt."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from motionrgbd.app.gui.texts import Notice
from motionrgbd.app.gui.theme import Theme
from motionrgbd.app.tapped_source import RecordingCount
from motionrgbd.app.teaching_session import ClassRow, Standing
from motionrgbd.core.labels import NamedSpan

if TYPE_CHECKING:
    from motionrgbd.core.teaching import NewClass, TeachReport

_Z = 1.959964  # both sides of a normal distribution leave 5 % outside


def trouble(headline: str, error: Exception) -> Notice:
    """Return what is said where something failed."""
    return Notice("error", headline, " ".join(str(error).split()) or type(error).__name__)


def gesture_list(standing: Standing, colours: Mapping[str, int], theme: Theme) -> str:
    """Return the list of gestures: a coloured mark, the name, how many examples, what is amiss."""
    rows = [_gesture_row(row, colours, theme) for row in standing.rows]
    return _table(rows) if rows else _muted("no gesture is marked yet", theme)


def _gesture_row(row: ClassRow, colours: Mapping[str, int], theme: Theme) -> str:
    colour = theme.series[colours.get(row.label, 0) % len(theme.series)]
    said = _line(row.problem, theme.error) if row.problem else _line(row.note, theme.muted)
    count = f"{row.examples} example" + ("" if row.examples == 1 else "s")
    return (
        f'<td width="12" style="color:{colour}">■</td><td>{escape(row.label)}{said}</td>'
        f'<td width="80" align="right" style="color:{theme.muted}">{count}</td>'
    )


def todo(standing: Standing, refused: str | None) -> str:
    """Return what is still to be done before teaching, or that it can begin; plain text."""
    if refused is not None:
        return refused
    if standing.problems:
        return standing.problems[0]
    wrong = [row.label for row in standing.rows if row.problem]
    if wrong:
        return f"Mend what is said beside {_names(wrong)}."
    return f"Ready to teach {_names(standing.new_labels)}."


def marked(span: NamedSpan | None, mark: tuple[float, float | None] | None) -> str:
    """Return the facts of the chosen span, or what is marked so far, or what to do first."""
    if mark is not None:
        start_s, end_s = mark
        if end_s is None:
            return (
                f"Starts at {start_s:.2f} s: go to the gesture's last frame and mark the end (O)."
            )
        return f"{start_s:.2f} to {end_s:.2f} s: which gesture is it?"
    if span is None:
        return "Go to a gesture's first frame and mark its start (I)."
    return f"{span.start_s:.2f} to {span.end_s:.2f} s, {span.end_s - span.start_s:.2f} s long"


def recording_count(count: RecordingCount) -> str:
    """Return how a recording is going."""
    lost = f"{count.gone} frames lost" if count.gone else "no frame lost"
    return f"{count.seconds:.1f} s, {count.frames} frames, {lost}"


def wilson(right: int, tried: int) -> tuple[float, float]:
    """Return a share's 95 % interval by Wilson's score; everything where nothing was tried."""
    if not tried:
        return 0.0, 1.0
    share, z2 = right / tried, _Z**2 / tried
    middle = (share + z2 / 2) / (1 + z2)
    half = _Z * math.sqrt(share * (1 - share) / tried + z2 / tried / 4) / (1 + z2)
    return max(0.0, middle - half), min(1.0, middle + half)


def report(taught: TeachReport, theme: Theme) -> str:
    """Return what teaching found out, as rich text."""
    parts = [_heading("Examples kept apart"), _table([_new_row(n, theme) for n in taught.new])]
    parts.append(_how(taught, theme))
    events = f"{taught.false_events} false event" + ("" if taught.false_events == 1 else "s")
    parts.append(f"<p>{events} in {taught.idle_s:.0f} s without a gesture</p>")
    parts.append(_heading("Gestures known before"))
    parts.append(
        f"<p>right before: <b>{taught.old_before * 100:.1f} %</b>, "
        f"now: <b>{taught.old_after * 100:.1f} %</b></p>"
    )
    changed = [old for old in taught.old if old.before != old.after]
    if changed:
        rows = [
            f"<td>{escape(old.label)}</td>"
            f'<td width="110" align="right">{old.before * 100:.0f} → {old.after * 100:.0f} %</td>'
            for old in changed
        ]
        parts.append(_table(rows))
    else:
        parts.append(_muted(f"each of {len(taught.old)} exactly as before", theme))
    parts += [f'<p style="color:{theme.warning}">{escape(text)}</p>' for text in taught.warnings]
    return "".join(parts)


def _new_row(new: NewClass, theme: Theme) -> str:
    low, high = wilson(new.recognised, new.tried)
    interval = f"{low * 100:.0f} to {high * 100:.0f} % (95 % interval)"
    return (
        f"<td>{escape(new.label)}{_line(interval, theme.muted)}</td>"
        f'<td width="80" align="right"><b>{new.recognised} of {new.tried}</b></td>'
    )


def _how(taught: TeachReport, theme: Theme) -> str:
    left_out = [new.label for new in taught.new if new.how == "left out"]
    copies = [new.label for new in taught.new if new.how != "left out"]
    said = ""
    if left_out:
        said += _muted("Each example was left out once and tried on what the others taught.", theme)
    if copies:
        said += _muted(
            f"{_names(copies)}: tried on altered copies of the one example.",
            theme,
        )
    return said


def _names(labels: Sequence[str]) -> str:
    shown = [f"‘{label}’" for label in labels[:3]]
    more = [f"{len(labels) - 3} more"] if len(labels) > 3 else []
    parts = shown + more
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _table(rows: Sequence[str]) -> str:
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table width="100%" cellspacing="0" cellpadding="3">{body}</table>'


def _heading(text: str) -> str:
    return f'<p style="margin-bottom:2px"><b>{text}</b></p>'


def _muted(text: str, theme: Theme) -> str:
    return f'<p style="color:{theme.muted}">{escape(text)}</p>'


def _line(text: str, colour: str) -> str:
    return f'<br><span style="color:{colour}">{escape(text)}</span>' if text else ""
