"""`motionrgbd bench online`: streams through the recogniser, their events judged and measured."""

from __future__ import annotations

import dataclasses
import json
import math
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motionrgbd.core.decision import DecisionParameters
from motionrgbd.core.decision_parameters import overridden
from motionrgbd.core.errors import UsageError
from motionrgbd.models.bundle import Bundle, load_bundle
from motionrgbd.training.checkout import checkout_commit
from motionrgbd.training.evaluation.page import check_templates, prepare_folder
from motionrgbd.training.evaluation.progress import show_progress
from motionrgbd.training.online.report import write_report
from motionrgbd.training.online.results import About, Results, Setting
from motionrgbd.training.online.sources import (
    SeededStream,
    SourceRequest,
    known_source,
    read_source,
)
from motionrgbd.training.online.tracks import ProbabilityTrack, tracks


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, checked at birth.

    sources: as `read_source` takes them. model: a bundle. named_model: whether the user named it.
    data: folder of data sets, None: $MOTIONRGBD_DATA. decision: `NAME=VALUE`, in place of the
    bundle's. tolerance_s: after a gesture's end. false_rate: of idle pieces, at which detection is
    told. out: folder of the report. cache: keeps what the model said. limit: streams per source and
    seed. Raises UsageError.
    """

    sources: tuple[str, ...]
    model: Path
    named_model: bool = False
    data: Path | None = None
    seeds: tuple[int, ...] = (0,)
    decision: tuple[str, ...] = ()
    tolerance_s: float = 0.5
    false_rate: float = 0.05
    limit: int | None = None
    depth_direction: str | None = None
    device: str = "cpu"
    precision: str = "fp32"
    workers: int = 1
    cache: Path | None = None
    out: Path | None = None

    def __post_init__(self) -> None:
        if not self.sources:
            raise UsageError("name at least one SOURCE — see `motionrgbd bench online --help`")
        for what, names in (("source", self.sources), ("--seed", self.seeds)):
            twice = [str(name) for name, count in Counter(names).items() if count > 1]
            if twice:
                raise UsageError(f"{what} {', '.join(twice)} is named twice: once is enough")
        if any(seed < 0 for seed in self.seeds) or not self.seeds:
            raise UsageError(f"--seed takes whole numbers from 0, got {self.seeds}")
        if not 0 <= self.tolerance_s <= 5:
            raise UsageError(f"--tolerance-s must be 0 to 5 seconds, got {self.tolerance_s:g}")
        if not 0 < self.false_rate < 1:
            raise UsageError(f"--fpr must lie between 0 and 1, got {self.false_rate:g}")
        for option, value in (("--limit", self.limit), ("--workers", self.workers)):
            if value is not None and value < 1:
                raise UsageError(f"{option} must be 1 or more, got {value}")


def run(asked: Asked, machine: str) -> Results:
    """Measure, and write the report where one is wanted; what can be refused early is.

    machine: in words, for the report.
    """
    bundle = load_bundle(asked.model)
    request = SourceRequest(
        root=asked.data,
        seeds=asked.seeds,
        fps_hz=bundle.recipe.fps_hz,
        limit=asked.limit,
        depth_direction=asked.depth_direction,
        labels=bundle.labels,
    )
    known = {source: known_source(source, request)[0] for source in asked.sources}
    parameters = decided_by(bundle, asked.decision)
    if asked.precision not in bundle.precisions:
        raise UsageError(
            f"{asked.model} has no {asked.precision} graphs: {', '.join(bundle.precisions)}"
        )
    if asked.out is not None:
        check_templates()
    for folder in filter(None, (asked.out, asked.cache)):
        prepare_folder(folder)
    streams = [each for source in asked.sources for each in read_source(source, request)]
    _check_names(streams)
    setting = Setting(
        parameters,
        asked.tolerance_s,
        asked.false_rate,
        frozenset(source for source, each in known.items() if each.repeats),
    )
    about = About(
        file=asked.model.name,
        model=bundle.recipe.name,
        sha256=bundle.sha256,
        labels=bundle.labels,
        precision=asked.precision,
        device=asked.device,
        command=command_text(asked),
        commit=checkout_commit(),
        machine=machine,
    )
    results = Results.of(about, setting, streams, _tracks(asked, streams))
    if asked.out is not None:
        write_report(asked.out, results)
    return results


def decided_by(bundle: Bundle, given: Sequence[str]) -> DecisionParameters:
    """Return the bundle's decision parameters with those of `NAME=VALUE` texts instead.

    A dot parts names within `classes`: `classes.Tap.on=0.8`. Raises UsageError.
    """
    parameters = overridden(DecisionParameters.from_json(bundle.decision), assignments(given))
    unknown = [label for label in parameters.named if label not in bundle.labels]
    if unknown:
        raise UsageError(
            f"--decision names {', '.join(unknown)}, the model knows {', '.join(bundle.labels)}"
        )
    return parameters


def assignments(given: Sequence[str]) -> dict[str, Any]:
    """Return `NAME=VALUE` texts as a mapping; a dot leads inside. Raises UsageError."""
    mapping: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not (name and sign):
            raise UsageError(f"--decision takes NAME=VALUE, got {text!r}")
        place, *inner = name.split(".", 2)
        table = mapping
        for part in inner:
            table = table.setdefault(place, {})
            place = part
        table[place] = _value(value)
    return mapping


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text  # a label
    return text if isinstance(value, float) and not math.isfinite(value) else value


def _check_names(streams: Sequence[SeededStream]) -> None:
    twice = [n for n, count in Counter(each.stream.name for each in streams).items() if count > 1]
    if twice:
        raise UsageError(
            f"stream {twice[0]} comes from more than one SOURCE: name each of them once"
        )


def _tracks(asked: Asked, streams: Sequence[SeededStream]) -> list[ProbabilityTrack]:
    made: list[ProbabilityTrack] = []
    show_progress(f"stream 0 of {len(streams)}", last=False)
    for track in tracks(
        [each.stream for each in streams],
        asked.model,
        cache=asked.cache,
        workers=min(asked.workers, len(streams)),
        device=asked.device,
        precision=asked.precision,
    ):
        name = streams[len(made)].stream.name
        made.append(track)
        text = f"stream {len(made)} of {len(streams)}: {name}"
        show_progress(text, last=len(made) == len(streams))
    return made


def command_text(asked: Asked) -> str:
    """Return the command that gives these figures; where results go is left out."""
    defaults = {field.name: field.default for field in dataclasses.fields(Asked)}
    words = ["motionrgbd", "bench", "online", *asked.sources]
    words += ["--model", str(asked.model)] if asked.named_model else []
    if asked.seeds != defaults["seeds"]:
        words += ["--seed", *map(str, asked.seeds)]
    words += ["--decision", *asked.decision] if asked.decision else []
    names = {"tolerance_s": "--tolerance-s", "false_rate": "--fpr", "data": "--data"}
    for name in ("data", "tolerance_s", "false_rate", "limit", "depth_direction", "precision"):
        value = getattr(asked, name)
        if value != defaults[name]:
            words += [names.get(name, "--" + name.replace("_", "-")), str(value)]
    return shlex.join(words)
