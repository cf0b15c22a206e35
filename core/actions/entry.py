"""What became of an event: the line of the log, and what a terminal prints of it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from motionrgbd.core.actions.sink import Request
from motionrgbd.core.results import GestureEvent

Outcome = Literal[
    "sent",  # done, as far as the sink can tell
    "dry-run",  # would have been sent
    "switched",  # the mode
    "unmapped",  # the file says nothing of this event in this mode
    "not-allowed",  # in this state, or not any more
    "rate-limited",
    "nothing-to-undo",
    "late",  # not sent within the deadline
    "lost",  # the sink's queue was full
    "rejected",  # by the peer
    "unsure",  # the connection broke before the answer came
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One event and one action, or a change of how actions are handled (`note`).

    armed, state, mode: as they were. line: of the mapping file. request: what the sink was asked.
    detail: the reason, in words.
    """

    time: datetime
    armed: bool
    state: str | None
    mode: str | None
    event: GestureEvent | None = None
    line: int | None = None
    sink: str | None = None
    request: Request | None = None
    outcome: Outcome | None = None
    detail: str = ""
    note: str = ""

    def to_json(self) -> str:
        """Return one line of JSON."""
        values: dict[str, Any] = {
            "time_utc": self.time.astimezone(UTC).isoformat(timespec="milliseconds"),
            "dry_run": not self.armed,
            "state": self.state,
            "mode": self.mode,
        }
        if self.note:
            values["note"] = self.note
        if self.event is not None:
            values["event"] = dataclasses.asdict(self.event)
        if self.sink is not None:
            values["action"] = {"line": self.line, "sink": self.sink, "request": self.request}
        if self.outcome is not None:
            values["outcome"] = self.outcome
        if self.detail:
            values["detail"] = self.detail
        return json.dumps(values, ensure_ascii=False, default=str) + "\n"

    def to_text(self) -> str:
        """Return what a person reads."""
        if self.note:
            return f"{self.note}: {self.detail}" if self.detail else self.note
        what = self.sink or (self.event.label if self.event else "")
        asked = ", ".join(
            f"{k}={_short(v)}" for k, v in (self.request or {}).items() if v not in (None, "")
        )
        text = f"{what}: {asked} — {self.outcome}" if asked else f"{what} — {self.outcome}"
        return f"{text} ({self.detail})" if self.detail else text


def _short(value: object) -> str:
    text = " ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
