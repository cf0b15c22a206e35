"""Choose when probabilities become events: `motionrgbd train decision MODEL`.

Each class's threshold, and for how long it must be exceeded, cost least on streams that no figure
is taken on: gestures missed or not told shortly after their end, events that are wrong and, many
times dearer, events while nobody gestures. Classes are chosen one by one: a class's events hang on
its own threshold, and hardly on the others'. Streams without colour choose what depth alone is
decided by: it has a head of its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motionrgbd.core.decision import IDLE_LABEL
from motionrgbd.core.decision_parameters import ClassParameters, DecisionParameters, overridden
from motionrgbd.core.errors import UsageError
from motionrgbd.core.matching import Outcome
from motionrgbd.models.bundle import load_bundle
from motionrgbd.training.online.command import assignments
from motionrgbd.training.online.matching import judge
from motionrgbd.training.online.sources import SourceRequest, read_source
from motionrgbd.training.online.streams import OnlineStream
from motionrgbd.training.online.tracks import ProbabilityTrack, tracks

SEEDS: Mapping[str, tuple[int, ...]] = {  # the benchmark's tables take others, and other people
    "shrec17:val": (1, 2),
    "idle-hands:val": (1, 2),
    "synthetic": tuple(range(900, 908)),
    "idle-synthetic": (900,),
}
COMMON = DecisionParameters(on=0.9, off=0.3, hold_s=0.06, smoothing_s=0.05, refractory_s=0.5)
# None above 0.95: beyond it, hands that the model has not seen would be asked for too much.
LEVELS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.88, 0.9, 0.92, 0.94, 0.95)
HOLDS_S = (0.06, 0.13, 0.2)  # two, three and four steps at 15 Hz
LATE_S = 0.15  # after a gesture's end, its event comes too late
# What one false event in an hour of idle costs, as a share of a class's gestures: the least of
# these with which all classes together have no more than MOST_HOURLY.
WEIGHTS = (0.05, 0.07, 0.1, 0.15, 0.2, 0.3)
MOST_HOURLY = 4.0
_ALIKE = 0.01  # of the gestures: what costs no more than this above the least is as good

Recorded = Sequence[tuple[OnlineStream, ProbabilityTrack]]
Table = Mapping[tuple[float, float], Mapping[str, "Cost"]]  # by hold and level


@dataclass(frozen=True)
class Cost:
    """What a class's events cost at one level. hourly: false events of idle, group by group."""

    gestures: int
    missed: int
    wrong: int
    hourly: tuple[float, ...]

    def total(self, weight: float) -> float:
        """Return the sum that is made small, as a share of the class's gestures."""
        return (self.missed + self.wrong) / max(1, self.gestures) + weight * sum(self.hourly)


def costs(recorded: Recorded, common: DecisionParameters) -> dict[str, Cost]:
    """Return what each label costs when all classes have these parameters."""
    made: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    false: dict[str, Counter[str]] = defaultdict(Counter)
    hours: dict[str, float] = defaultdict(float)
    for stream, track in recorded:
        judged = judge(stream, track.events(common), LATE_S)
        if not stream.gestures:
            hours[stream.group] += stream.duration_s / 3600.0
            false[stream.group].update(each.event.label for each in judged.events)
            continue
        made.update(g.label for g in stream.gestures)
        missed.update(g.label for n, g in enumerate(stream.gestures) if n not in judged.hits)
        wrong.update(e.event.label for e in judged.events if e.outcome is not Outcome.HIT)
    return {
        label: Cost(
            made[label],
            missed[label],
            wrong[label],
            tuple(false[group][label] / hours[group] for group in hours),
        )
        for label in recorded[0][1].labels
        if label != IDLE_LABEL
    }


def chosen(recorded: Recorded, common: DecisionParameters = COMMON) -> DecisionParameters:
    """Return the parameters with each class's own thresholds, for both modalities and for depth."""
    alone = [(stream, track) for stream, track in recorded if track.used[:1] == (("depth",),)]
    both = [(stream, track) for stream, track in recorded if track.used[:1] != (("depth",),)]
    classes = levels(both, common) if both else {}
    depth = {"depth": levels(alone, common)} if alone else {}
    return dataclasses.replace(common, classes=classes, alone=depth)


def levels(recorded: Recorded, common: DecisionParameters) -> dict[str, ClassParameters]:
    """Return each class's own parameters: the shortest hold, the middle of the cheapest levels."""
    holds_s = sorted({common.hold_s, *HOLDS_S})
    table = {
        (hold_s, on): costs(recorded, dataclasses.replace(common, on=on, hold_s=hold_s))
        for hold_s in holds_s
        for on in LEVELS
    }
    labels = tuple(table[holds_s[0], LEVELS[0]])
    for weight in WEIGHTS:
        best = {label: _cheapest(table, label, weight) for label in labels}
        hourly = [table[pair][label].hourly for label, pair in best.items()]
        if all(sum(group) <= MOST_HOURLY for group in zip(*hourly, strict=True)):
            break
    return {
        label: ClassParameters(on=on, hold_s=None if hold_s == common.hold_s else hold_s)
        for label, (hold_s, on) in best.items()
    }


def _cheapest(table: Table, label: str, weight: float) -> tuple[float, float]:
    """Return hold and level of a class."""
    totals = {pair: cost[label].total(weight) for pair, cost in table.items()}
    dearest = min(totals.values()) + _ALIKE
    hold_s = min(hold_s for (hold_s, _), total in totals.items() if total <= dearest)
    alike = [on for on in LEVELS if totals[hold_s, on] <= dearest]
    return hold_s, alike[len(alike) // 2]


def record(model: Path, data: Path | None, cache: Path | None, workers: int) -> Recorded:
    """Run the model over the streams that thresholds are chosen on."""
    fps_hz = load_bundle(model).recipe.fps_hz
    streams = [
        each.stream
        for source, seeds in SEEDS.items()
        for each in read_source(source, SourceRequest(root=data, seeds=seeds, fps_hz=fps_hz))
    ]
    found = tracks(streams, model, cache=cache, workers=workers)
    return list(zip(streams, found, strict=True))


def main(argv: Sequence[str] | None = None) -> int:
    """Print the decision block of a bundle or of a settings file, as JSON; see `--help`."""
    parser = argparse.ArgumentParser(prog="motionrgbd train decision", description=__doc__)
    parser.add_argument("model", metavar="MODEL", type=Path, help="a .mrgbd bundle")
    parser.add_argument("--data", metavar="FOLDER", type=Path, help="holds the data sets")
    parser.add_argument("--cache", metavar="FOLDER", type=Path, help="keeps what the model said")
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="processes (1)")
    parser.add_argument(
        "--decision", metavar="NAME=VALUE", nargs="+", default=[], help="common to all classes"
    )
    given = parser.parse_args(argv)
    if given.workers < 1:
        raise UsageError(f"--workers must be 1 or more, got {given.workers}")
    common = overridden(COMMON, assignments(given.decision))
    recorded = record(given.model, given.data, given.cache, given.workers)
    print(json.dumps(chosen(recorded, common).to_json(), indent=1))
    return 0
