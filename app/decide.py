"""`motionrgbd decide`: a run's probabilities decided on again, with other parameters."""

from __future__ import annotations

import argparse
import csv
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motionrgbd.app.settings import settings_from
from motionrgbd.core.errors import OutputError, SourceError, UsageError

if TYPE_CHECKING:
    from motionrgbd.core.results import GestureEvent


def add_decide(commands: Any) -> None:
    """Add the sub-command to those of `motionrgbd`."""
    decide = commands.add_parser("decide", help="decide on a run's probabilities again")
    decide.add_argument("run", metavar="DIR", type=Path, help="what --out of a run has written")
    decide.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="another decision parameter, such as on=0.7 or classes.Tap.on=0.8; may be repeated",
    )
    decide.add_argument("--config", metavar="FILE", type=Path, help="[decision] of a settings file")
    decide.add_argument("--out", metavar="FILE", type=Path, help="write events as JSON lines")
    decide.set_defaults(action=_decide)


def _decide(options: argparse.Namespace) -> int:
    from motionrgbd.app.headless import event_text
    from motionrgbd.app.outputs import event_line
    from motionrgbd.core.decision_parameters import dotted

    given = dict(settings_from({}, options.config).decision)
    for text in options.set:
        given = _merged(given, _table(text))
    events, origin_s, parameters = decide_again(options.run, given)
    for event in events:
        print(event_text(event, origin_s))
    names = ", ".join(f"{dotted([k])} {json.dumps(v)}" for k, v in parameters.items())
    print(f"{len(events)} {'event' if len(events) == 1 else 'events'} with {names}")
    if options.out is not None:
        try:
            lines = "".join(map(event_line, events))
            options.out.write_text(lines, encoding="utf-8", newline="")
        except OSError as error:
            raise OutputError(
                f"{options.out} cannot be written ({error.strerror}) — choose another --out"
            ) from error
    return 0


def decide_again(
    folder: Path, overrides: Mapping[str, Any]
) -> tuple[list[GestureEvent], float, dict[str, Any]]:
    """Return a run's events with other parameters, its first moment, and the last ones in force.

    Without overrides they are the events that the run has written.
    Raises SourceError where the folder holds no run that was closed, UsageError for overrides.
    """
    from motionrgbd.core.decision import DecisionLayer, DecisionParameters
    from motionrgbd.core.decision_parameters import overridden
    from motionrgbd.core.results import Prediction

    run, labels, rows = _read(folder)
    changes = {each["row"]: each["parameters"] for each in run["decision_changes"]}
    marks: dict[int, list[dict[str, Any]]] = {}
    for mark in run["marks"]:
        marks.setdefault(mark["row"], []).append(mark)

    def parameters(data: Mapping[str, Any]) -> DecisionParameters:
        return overridden(DecisionParameters.from_json(data), overrides)

    layer = DecisionLayer(labels, parameters(run["decision"]))
    events: list[GestureEvent] = []
    allowed, used = True, ()
    for n, (index, now_s, probabilities) in enumerate(rows):
        for mark in marks.get(n, ()):
            used = tuple(mark.get("used", used))
            if mark["is"] == "start":
                layer.reset()
            elif mark["is"] == "switch":
                layer.switch(now_s, run["model"]["window_s"])
            else:
                allowed = mark["is"] == "deciding"
        if n in changes:
            layer.use(parameters(changes[n]))
        if probabilities is not None:
            prediction = Prediction(probabilities, {}, index, now_s, used)
            events += layer.update(prediction, allowed=allowed)
    origin_s = min((now_s for _, now_s, _ in rows), default=0.0)
    return events, origin_s, layer.parameters.to_json()


def _read(folder: Path) -> tuple[dict[str, Any], tuple[str, ...], list[tuple[int, float, Any]]]:
    import numpy as np

    from motionrgbd.app.outputs import PROBABILITIES, RUN

    try:
        run = json.loads((folder / RUN).read_text(encoding="utf-8"))
        with (folder / PROBABILITIES).open(encoding="utf-8", newline="") as file:
            (_, _, *labels), *lines = csv.reader(file)
        rows = [
            (int(n), float(t), np.array(cells, np.float32) if cells[0] else None)
            for n, t, *cells in lines
        ]
    except OSError as error:
        raise SourceError(
            f"{error.filename} cannot be read ({error.strerror}) — name the folder that --out of a "
            "run has written"
        ) from error
    except (ValueError, IndexError) as error:
        raise SourceError(f"{folder} holds no run that can be read: {error}") from error
    if not {"marks", "decision", "decision_changes"} <= run.keys():
        raise SourceError(f"{folder} is of a run that was not closed, or of an older version")
    return run, tuple(labels), rows


def _table(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"--set {text}: {error} — write NAME=VALUE as in a settings file, such as on=0.7 or "
            "'classes.\"Swipe Up\".on=0.7'"
        ) from error


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Merge tables within tables; the second wins."""
    merged = dict(first)
    for key, value in second.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            value = _merged(old, value)
        merged[key] = value
    return merged
