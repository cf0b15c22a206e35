"""`motionrgbd train recipe NAME` and `motionrgbd reproduce TABLE`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from motionrgbd.core.errors import UsageError
from motionrgbd.training.datasets.table import DATA_VARIABLE
from motionrgbd.training.paper.clip_sets import Shards
from motionrgbd.training.paper.recipes import RECIPES
from motionrgbd.training.paper.reproduce import REDUCED, check_before_training, reproduce, text_of
from motionrgbd.training.paper.run import SIZES, RunOptions, run_recipe
from motionrgbd.training.paper.tables import TABLES, parse_table


class _Parser(argparse.ArgumentParser):
    """Mistakes are UsageErrors, as everywhere on the command line."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(f"{message} — see `{self.prog} --help`")


def main(argv: Sequence[str] | None = None) -> int:
    """Train one recipe and those it begins with; print its accuracy per seed."""
    parser = _Parser(prog="motionrgbd train recipe", description=main.__doc__)
    parser.add_argument("recipe", metavar="NAME", help=f"one of {', '.join(RECIPES)}")
    _add_options(parser)
    given = parser.parse_args(argv)
    options, seeds = _options(given), _seeds(given.seeds)
    options.recipe(given.recipe)  # a wrong name, before a look at the data
    check_before_training([given.recipe], options, seeds)
    for seed in seeds:
        result = run_recipe(given.recipe, seed, options)
        print(
            f"{result.recipe}, seed {seed}: {100 * result.best:.2f} % of {result.clips} clips in "
            f"the best epoch, {100 * result.last:.2f} % in the last; "
            f"{options.folder(result.recipe, seed)}"
        )
    return 0


def reproduce_table(argv: Sequence[str] | None = None) -> int:
    """Run the rows of a table or figure of the paper; print published beside obtained figures."""
    parser = _Parser(prog="motionrgbd reproduce", description=reproduce_table.__doc__)
    parser.add_argument("table", metavar="TABLE", help=f"one of {', '.join(TABLES)}")
    parser.add_argument("--dataset", metavar="NAME", help="only the rows of this data set")
    _add_options(parser)
    given = parser.parse_args(argv)
    options = _options(given)
    rows = reproduce(parse_table(given.table), options, _seeds(given.seeds), given.dataset)
    print(f"\n{text_of(rows)}\n")
    print(
        "Obtained: top-1 %, the epoch that was best on the evaluated list, as the authors choose."
    )
    if options.size is not None:
        print(REDUCED)
    return 0


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", type=Path, help=f"folder of the data sets (${DATA_VARIABLE})")
    parser.add_argument(
        "--shards",
        metavar="WHERE",
        help="read shards instead, WHERE/nvgesture and so on: a folder, the start of an address "
        "(https://, gs://), or an address or `pipe:` command with {} for the file",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs; resumed there")
    parser.add_argument("--seeds", default="1", help="one or several: 1,2,3")
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument(
        "--small", action="store_const", const="small", dest="size", help="--size small"
    )
    parser.add_argument("--pretrained", type=Path, help="weights to begin with (20BN-Jester)")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--batch", type=int, help="clips of a step over all processes")
    parser.add_argument("--clips", type=int, help="clips of one pass over a device (memory)")
    parser.add_argument(
        "--depth-noise", action="store_true", help="holes, noise and steps in training depth"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--precision", choices=("32-true", "bf16-mixed", "16-mixed"), default="32-true"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")


def _options(given: argparse.Namespace) -> RunOptions:
    if given.root and given.shards:
        raise UsageError("--root and --shards name two places of the data sets: choose one")
    root = given.root or os.environ.get(DATA_VARIABLE)
    if given.shards:
        place: Path | Shards = Shards(given.shards)
    elif root:
        place = Path(root).expanduser()
    else:
        raise UsageError(f"where are the data sets? Say --root or --shards, or set {DATA_VARIABLE}")
    for name in ("epochs", "batch", "clips"):
        value = getattr(given, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name} must be at least 1, got {value}")
    return RunOptions(
        root=place,
        out=given.out,
        size=SIZES[given.size],
        batch=given.batch,
        epochs=given.epochs,
        clips=given.clips,
        pretrained=given.pretrained,
        depth_noise=given.depth_noise,
        workers=max(0, given.workers),
        precision=given.precision,
        accelerator=given.device,
    )


def _seeds(text: str) -> list[int]:
    try:
        seeds = [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"--seeds must be whole numbers as in 1,2,3, got '{text}'") from None
    if len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise UsageError(f"--seeds must differ and not be negative, got '{text}'")
    return seeds
