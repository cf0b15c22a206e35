"""`motionrgbd reproduce "table 1"`: a table's rows, the published figure beside the obtained."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from statistics import fmean, stdev
from typing import Any

import torch

from motionrgbd.core.errors import UsageError
from motionrgbd.training.loop import process
from motionrgbd.training.paper.recipes import TrainingRecipe
from motionrgbd.training.paper.run import RunOptions, prepare_task, run_recipe, trained_parts
from motionrgbd.training.paper.tables import Row, rows_of
from motionrgbd.training.whole_files import replacing


@dataclass(frozen=True)
class Obtained:
    """Top-1 percent of a row, by seed; of several splits their mean."""

    row: Row
    best: dict[int, float]
    last: dict[int, float]

    @property
    def mean(self) -> float:
        return fmean(self.best.values())

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation over seeds; None for a single one."""
        return stdev(self.best.values()) if len(self.best) > 1 else None


def reproduce(
    table: str, options: RunOptions, seeds: Sequence[int], dataset: str | None = None
) -> list[Obtained]:
    """Run all rows of a table, those of one modality before their fusion; return what they give.

    dataset: only the rows of this one. Everything that will be read is looked at before anything
    is trained; finished runs are not repeated. Writes `TABLE.json` and `TABLE.md` into the folder.
    Raises UsageError where there are no such rows, SourceError for data that are not whole.
    """
    rows = [r for r in rows_of(table) if dataset is None or dataset.lower() in r.dataset.lower()]
    if not rows:
        known = ", ".join(sorted({row.dataset for row in rows_of(table)}))
        raise UsageError(f"{table} has no rows of '{dataset}': it has {known}")
    names = list(dict.fromkeys(name for row in rows for name in row.recipes))
    check_before_training(names, options, seeds)
    obtained: list[Obtained] = []
    for row in rows:
        obtained.append(_run_row(row, options, seeds))
        if process()[0] == 0:
            _write(table, obtained, options)
            print(text_of(obtained[-1:], header=len(obtained) == 1), flush=True)
    return obtained


def check_before_training(names: Sequence[str], options: RunOptions, seeds: Sequence[int]) -> None:
    """Look at every list, every clip's folder and the first clips of all recipes."""
    parts = list(dict.fromkeys(p for name in names for p in trained_parts(name, options)))
    for part in parts:
        recipe = options.recipe(part)
        assert isinstance(recipe, TrainingRecipe)
        prepare_task(recipe, seeds[0], options).look()
    if options.pretrained is not None and not options.pretrained.is_file():
        raise UsageError(f"--pretrained {options.pretrained}: no such file")


def _run_row(row: Row, options: RunOptions, seeds: Sequence[int]) -> Obtained:
    best, last = {}, {}
    for seed in seeds:
        results = [run_recipe(name, seed, options) for name in row.recipes]
        best[seed] = 100 * fmean(result.best for result in results)
        last[seed] = 100 * fmean(result.last for result in results)
    return Obtained(row, best, last)


_HEADER = ("row", "data set", "split", "input", "published", "obtained", "last epoch", "seeds")


def text_of(obtained: Sequence[Obtained], *, header: bool = True) -> str:
    """Return Markdown rows: best epoch as mean ± standard deviation, last epoch's mean."""
    lines = [_HEADER, ("---",) * len(_HEADER)] if header else []
    for one in obtained:
        row = one.row
        spread = "" if one.deviation is None else f" ± {one.deviation:.2f}"
        lines.append(
            (
                row.row,
                row.dataset,
                row.split,
                row.modality,
                "-" if row.published is None else f"{row.published:.2f}",
                f"{one.mean:.2f}{spread}",
                f"{fmean(one.last.values()):.2f}",
                ", ".join(map(str, one.best)),
            )
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _write(table: str, obtained: Sequence[Obtained], options: RunOptions) -> None:
    note = "" if options.size is None else f"\n\n{REDUCED}"
    for suffix, text in (
        ("json", json.dumps(_report(table, obtained, options), indent=2)),
        ("md", f"{text_of(obtained)}{note}\n"),
    ):
        with replacing(options.out / f"{table.replace(' ', '-')}.{suffix}") as part:
            part.write_text(text, encoding="utf-8")


REDUCED = "Reduced pictures and networks: these figures are not comparable with the published ones."


def _report(table: str, obtained: Sequence[Obtained], options: RunOptions) -> dict[str, Any]:
    return {
        "table": table,
        "rows": [
            {
                **asdict(one.row),
                "obtained": {"best_epoch": one.best, "last_epoch": one.last},
                "mean": one.mean,
                "standard_deviation": one.deviation,
            }
            for one in obtained
        ],
        "size": "full" if options.size is None else asdict(options.size),
        "epochs": options.epochs,
        "batch": options.batch,
        "pretrained": None if options.pretrained is None else str(options.pretrained),
        "precision": options.precision,
        "depth_noise": options.depth_noise,
        "program": version("motionrgbd-live"),
        "torch": torch.__version__,
        "machine": platform.platform(),
    }
