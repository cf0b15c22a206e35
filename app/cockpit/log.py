"""The cockpit's log: a line of JSON for everything that happened, the same in every run."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import IO, Any

from motionrgbd.app.cockpit.machine import Happening
from motionrgbd.app.cockpit.state import state_facts
from motionrgbd.core.errors import OutputError

LOG = "cockpit.jsonl"


class CockpitLog:
    """Writes `cockpit.jsonl` in a folder; `add` runs in the engine's thread, the rest in the main.

    Raises OutputError where it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            self._file: IO[str] = self._path.open("w", encoding="utf-8", newline="", buffering=1)
        except OSError as error:
            raise self._refused(error) from error

    def add(self, happening: Happening) -> None:
        """Write one line."""
        with self._lock:
            if self._file.closed:
                return
            try:
                self._file.write(happening_line(happening))
            except OSError as error:
                raise self._refused(error) from error

    def close(self) -> None:
        """Finish the file; may be called again."""
        with self._lock:
            self._file.close()

    def _refused(self, error: OSError) -> OutputError:
        reason = error.strerror or str(error)
        return OutputError(
            f"{self._path} cannot be written ({reason}) — choose another folder with --out"
        )


def happening_line(happening: Happening) -> str:
    """Return a happening as a line: when, why, what was said, and what of the state changed."""
    before, after = state_facts(happening.before), state_facts(happening.after)
    line: dict[str, Any] = {"time_s": round(happening.time_s, 6), "cause": happening.cause}
    if happening.cause == "gesture":
        line |= {"gesture": happening.gesture, "score": round(happening.score, 6)}
    line |= {
        "effect": happening.effect,
        "text": happening.text,
        "page": happening.after.display.page,
        "changed": {key: value for key, value in after.items() if value != before[key]},
    }
    return json.dumps(line, ensure_ascii=False) + "\n"
