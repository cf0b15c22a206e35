"""One run of the event benchmark as numbers and names: what is printed, shown and kept as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from motionrgbd.core.decision import DecisionParameters
from motionrgbd.core.matching import OUTCOMES
from motionrgbd.training.online.detection import (
    Detection,
    detect,
    idle_peaks,
    piece_length_s,
    rises,
)
from motionrgbd.training.online.matching import JudgedStream, judge
from motionrgbd.training.online.metrics import DEFINITIONS, Figures, edits_of, measure
from motionrgbd.training.online.sources import SeededStream
from motionrgbd.training.online.tracks import ProbabilityTrack

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Setting:
    """How events are judged, and what the figures are of.

    tolerance_s: after a gesture's end, within which its event still counts. false_rate: of idle
    pieces, at which detection is told. repeated: sources whose seeds play the same clips.
    """

    parameters: DecisionParameters
    tolerance_s: float
    false_rate: float
    repeated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class About:
    """What made the figures: the model's file, name, hash and labels, and the rest in words."""

    file: str
    model: str
    sha256: str
    labels: tuple[str, ...]
    precision: str
    device: str
    command: str
    commit: str
    machine: str


@dataclass(frozen=True, slots=True, eq=False)
class StreamRun:
    """A stream, what the model said of it, and what its events are worth."""

    of: SeededStream
    track: ProbabilityTrack
    judged: JudgedStream


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of a group of streams. seed: None of all its seeds."""

    group: str
    seed: int | None
    figures: Figures


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """A run. without_early: the groups' figures with early decisions switched off, empty where
    they are off anyway."""

    about: About
    setting: Setting
    runs: tuple[StreamRun, ...]
    rows: tuple[Row, ...]
    without_early: tuple[Row, ...]
    detections: tuple[Detection, ...]
    notes: tuple[str, ...] = field(default=())

    @staticmethod
    def of(
        about: About,
        setting: Setting,
        streams: Sequence[SeededStream],
        tracks: Sequence[ProbabilityTrack],
    ) -> Results:
        """Decide, judge and measure what the model said of the streams."""
        runs = _runs(setting, setting.parameters, streams, tracks)
        plain = dataclasses.replace(setting.parameters, early_on=None)
        without: tuple[Row, ...] = ()
        if plain != setting.parameters:
            rows = _rows(setting, _runs(setting, plain, streams, tracks))
            without = tuple(row for row in rows if row.seed is None)
        detections = tuple(_detections(setting, runs))
        notes = _notes(about, setting, runs, detections)
        return Results(about, setting, runs, _rows(setting, runs), without, detections, notes)

    def to_json(self) -> dict[str, Any]:
        """Return every figure with its interval, and each stream's events beside its truth."""
        setting = self.setting
        return {
            "format": FORMAT,
            "command": self.about.command,
            "commit": self.about.commit,
            "machine": self.about.machine,
            "model": {
                "file": self.about.file,
                "name": self.about.model,
                "sha256": self.about.sha256,
                "labels": list(self.about.labels),
                "precision": self.about.precision,
                "device": self.about.device,
            },
            "decision": setting.parameters.to_json(),
            "tolerance_s": setting.tolerance_s,
            "false_rate": setting.false_rate,
            "seeds": sorted({run.of.seed for run in self.runs if run.of.seed is not None}),
            "definitions": {
                **DEFINITIONS,
                "events": {outcome.value: text for outcome, text in OUTCOMES.items()},
            },
            "notes": list(self.notes),
            "groups": [_row_json(row) for row in self.rows],
            "without_early_decision": [_row_json(row) for row in self.without_early],
            "detection": [_plain(detection) for detection in self.detections],
            "streams": [_stream_json(run) for run in self.runs],
        }


def _runs(
    setting: Setting,
    parameters: DecisionParameters,
    streams: Sequence[SeededStream],
    tracks: Sequence[ProbabilityTrack],
) -> tuple[StreamRun, ...]:
    runs = []
    for each, track in zip(streams, tracks, strict=True):
        # what goes on while a gesture is held is meant to come again
        events = [event for event in track.events(parameters) if event.kind != "repeat"]
        runs.append(StreamRun(each, track, judge(each.stream, events, setting.tolerance_s)))
    return tuple(runs)


def _groups(runs: Sequence[StreamRun]) -> dict[str, list[StreamRun]]:
    groups: dict[str, list[StreamRun]] = {}
    for run in runs:
        groups.setdefault(run.of.stream.group, []).append(run)
    return groups


def _repeats(setting: Setting, runs: Sequence[StreamRun]) -> int:
    """How often a group's streams play the same clips."""
    if not all(run.of.source in setting.repeated for run in runs):
        return 1
    return max(1, len({run.of.seed for run in runs}))


def _rows(setting: Setting, runs: Sequence[StreamRun]) -> tuple[Row, ...]:
    rows = []
    for group, members in _groups(runs).items():
        judged = [run.judged for run in members]
        rows.append(Row(group, None, measure(judged, _repeats(setting, members))))
        seeds = list(dict.fromkeys(run.of.seed for run in members))
        for seed in seeds if len(seeds) > 1 else ():
            rows.append(Row(group, seed, measure([r.judged for r in members if r.of.seed == seed])))
    return tuple(rows)


def _detections(setting: Setting, runs: Sequence[StreamRun]) -> list[Detection]:
    """Each group's gestures against its own idle time, and that of groups which are idle only."""
    timed = {
        group: members
        for group, members in _groups(runs).items()
        if all(run.of.stream.timed for run in members)
    }
    found = []
    for group, members in timed.items():
        piece_s = piece_length_s(run.judged for run in members)
        gestures = [rise for run in members for rise in rises(run.judged, run.track)]
        for other, others in timed.items():
            idle_only = not any(run.of.stream.gestures for run in others)
            if piece_s is None or not gestures or not (other == group or idle_only):
                continue
            pieces = [p for run in others for p in idle_peaks(run.judged, run.track, piece_s)]
            if pieces:
                names, repeats = (group, other), _repeats(setting, members)
                found.append(detect(names, gestures, pieces, piece_s, setting.false_rate, repeats))
    return found


def _notes(
    about: About, setting: Setting, runs: Sequence[StreamRun], detections: Sequence[Detection]
) -> tuple[str, ...]:
    """What a reader must know before believing the figures."""
    notes = []
    groups = sorted({run.of.stream.group for run in runs if not run.of.stream.timed})
    if groups:
        notes.append(f"Of {', '.join(groups)} only the order of gestures is known, no times.")
    for detection in detections:
        if detection.pieces * setting.false_rate < 1:
            notes.append(
                f"{detection.idle_of} has only {detection.pieces} idle pieces as long as a "
                f"gesture of {detection.gestures_of}: a rate of {setting.false_rate:g} cannot be "
                "told from 0."
            )
    unknown = sorted(
        {
            gesture.label
            for run in runs
            for gesture in run.of.stream.gestures
            if not any(run.of.stream.is_right(gesture.label, label) for label in about.labels)
        }
    )
    if unknown:
        notes.append(f"The model has no class that is right for {', '.join(unknown)}.")
    return tuple(notes)


def _row_json(row: Row) -> dict[str, Any]:
    figures: dict[str, Any] = _plain(row.figures)
    figures["latencies_ms"] = [round(ms, 3) for ms in row.figures.latencies_ms]
    return {"group": row.group, "seed": row.seed, **figures}


def _stream_json(run: StreamRun) -> dict[str, Any]:
    stream = run.of.stream
    edits = int(edits_of(run.judged).sum()) if stream.gestures else None
    return {
        "name": stream.name,
        "source": run.of.source,
        "group": stream.group,
        "seed": run.of.seed,
        "made_of": stream.made_of,
        "duration_s": stream.duration_s,
        "timed": stream.timed,
        "edits": edits,
        "levenshtein": None if edits is None else _plain(1 - edits / len(stream.gestures)),
        "gestures": [
            _plain(dataclasses.asdict(g)) if stream.timed else {"label": g.label}
            for g in stream.gestures
        ],
        "events": [
            {
                "label": each.event.label,
                "score": _plain(each.event.score),
                "start_s": _plain(each.event.start_s),
                "decided_s": _plain(each.event.decided_s),
                "outcome": each.outcome.value,
                "gesture": each.gesture,
            }
            for each in run.judged.events
        ],
    }


def _plain(value: Any) -> Any:
    """Return JSON types; numbers keep six digits: more would be noise, and double the file."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
