"""The results of a run in a folder, written as it goes, so that a failure keeps what was made."""

from __future__ import annotations

import csv
import dataclasses
import json
import platform
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from motionrgbd.core.errors import OutputError
from motionrgbd.core.results import GestureEvent, Health, ModalityUse

if TYPE_CHECKING:
    from motionrgbd.core.decision import DecisionParameters
    from motionrgbd.core.recogniser import Step
    from motionrgbd.core.region import RegionOfInterest

EVENTS, PROBABILITIES, RUN = "events.jsonl", "probabilities.csv", "run.json"

RunState = Literal["finished", "stopped", "interrupted", "failed"]

_LIBRARIES = (
    "motionrgbd-live",
    "numpy",
    "opencv-python-headless",
    "onnxruntime",
    "onnxruntime-gpu",
    "av",
    "pillow",
    "pyrealsense2",
    "PySide6-Essentials",
)


class RunOutputs:
    """`events.jsonl`, `probabilities.csv` and `run.json` of one run.

    Made and closed by the main thread; `add` is the engine's observer and runs in its thread.
    The first two depend on frames and model only: replays give identical bytes. Whatever depends
    on the clock on the wall or on this machine's load stands in `run.json`.
    """

    def __init__(self, folder: Path, labels: Sequence[str], facts: Mapping[str, Any]) -> None:
        """Replace an earlier run's files in `folder`. Raises OutputError where that fails.

        facts: plain JSON types for `run.json` that are known beforehand.
        """
        self.folder = folder
        self.events = 0
        self._steps = 0
        self._use: ModalityUse | None = None
        self._deciding = True
        self._marks: list[dict[str, Any]] = []
        self._decision: DecisionParameters | None = None
        self._decision_changes: list[dict[str, Any]] = []
        self._region: RegionOfInterest | None = None
        self._regions: list[dict[str, Any]] = []
        self._run: dict[str, Any] = {"started_utc": _utc_now(), "state": "running", **facts}
        self._no_probabilities = [""] * len(labels)
        self._lock = threading.Lock()  # close() must not cut a row in two
        self._closed = False
        with _output_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._write_run()
            self._events = _replace(folder / EVENTS)
            self._probabilities = _replace(folder / PROBABILITIES)
            self._rows = csv.writer(self._probabilities, lineterminator="\n")
            self._rows.writerow(["index", "timestamp_s", *labels])

    def add(self, step: Step) -> None:
        """Write one grid step. A step without a prediction keeps its row, with empty cells."""
        cells = self._no_probabilities
        if step.prediction is not None:
            cells = [str(p) for p in step.prediction.probabilities]  # every digit that counts
        with self._lock, _output_errors(self.folder):
            if self._closed:
                return
            self._note_stream(step)
            self._note_decision(step)
            self._note_region(step)
            self._rows.writerow([step.index, float(step.timestamp_s), *cells])
            self._steps += 1
            for event in step.events:
                self._events.write(event_line(event))
                self.events += 1

    def _note_stream(self, step: Step) -> None:
        """Keep at which rows decisions depend on more than probabilities."""
        if step.use is not self._use:  # one of the same modalities is of a new stream
            before = self._use.used if self._use and step.use else ()
            switched = before and step.use and before != step.use.used
            begins: dict[str, Any] = {
                "row": self._steps,
                "is": "switch" if switched else "start",
            }
            if step.use is not None:
                begins["used"] = list(step.use.used)
            self._marks.append(begins)
            self._use = step.use
        if self._deciding is step.warming_up:
            self._deciding = not step.warming_up
            state = "deciding" if self._deciding else "warming up"
            self._marks.append({"row": self._steps, "is": state})

    def _note_decision(self, step: Step) -> None:
        """Keep what is decided by, from its first step on."""
        if step.decision is None or step.decision is self._decision:
            return
        parameters = step.decision.to_json()
        if self._decision is None:
            self._run["decision"] = parameters
        else:
            since = {"row": self._steps, "timestamp_s": step.timestamp_s}
            self._decision_changes.append({**since, "parameters": parameters})
        self._decision = step.decision

    def _note_region(self, step: Step) -> None:
        """Keep from which steps on what region counts."""
        if step.region is not self._region:
            region = None if step.region is None else str(step.region)
            since = {"row": self._steps, "timestamp_s": step.timestamp_s}
            self._regions.append({**since, "region": region})
            self._region = step.region

    def close(self, state: RunState, health: Health, error: Exception | None = None) -> None:
        """Finish all three files."""
        with self._lock, _output_errors(self.folder):
            if self._closed:
                return
            self._closed = True
            self._run |= {
                "state": state,
                "finished_utc": _utc_now(),
                "steps": self._steps,
                "events": self.events,
                "decision_changes": self._decision_changes,
                "regions": self._regions,
                "marks": self._marks,
                "health": dataclasses.asdict(health),
                "error": None if error is None else str(error),
            }
            self._events.close()
            self._probabilities.close()
            self._write_run()

    def _write_run(self) -> None:
        text = json.dumps(self._run, indent=2, ensure_ascii=False, default=str)
        with _replace(self.folder / RUN) as file:
            file.write(text + "\n")


def event_line(event: GestureEvent) -> str:
    """Return an event as one line of JSON: fixed order of keys, six decimals.

    Its kind is written where it is not a gesture of its own.
    """
    values = dataclasses.asdict(event)
    if event.kind == "gesture":
        del values["kind"]
    rounded = {k: round(v, 6) if isinstance(v, float) else v for k, v in values.items()}
    return json.dumps(rounded, ensure_ascii=False) + "\n"


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of what is installed of our libraries."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _replace(path: Path) -> IO[str]:
    """Open a new file in the place of an old one; a line reaches the disk when it is complete."""
    path.unlink(missing_ok=True)  # not through a link: what it points to is not ours
    return path.open("w", encoding="utf-8", newline="", buffering=1)


@contextmanager
def _output_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"results cannot be written to {folder} ({reason}) — choose another folder with --out"
        ) from error


def _utc_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
