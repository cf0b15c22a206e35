"""`motionrgbd data`: lists the data sets, prepares, checks and shards them."""

from __future__ import annotations

import argparse
import os
import random
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motionrgbd.core.errors import LibraryError, SourceError, UsageError

if TYPE_CHECKING:
    from motionrgbd.training.datasets.benchmark import Benchmark
    from motionrgbd.training.datasets.records import ClipRecord


def add_data(commands: Any) -> None:
    """Add the sub-command to an argparse action of sub-commands."""
    data = commands.add_parser("data", help="list, prepare, check or shard data sets")
    verbs = data.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verbs.add_parser("list", help="where each set is requested, and its terms").set_defaults(
        action=_list
    )
    _add_prepare(verbs)
    _add_check(verbs)
    _add_shard(verbs)


def _add_prepare(verbs: Any) -> None:
    prepare = verbs.add_parser("prepare", help="turn what a set's owners hand out into our layout")
    prepare.add_argument("name", metavar="NAME", help="as `motionrgbd data list` names it")
    prepare.add_argument(
        "--from", dest="source", type=Path, metavar="DOWNLOAD", required=True, help="its folder"
    )
    prepare.add_argument(
        "--to", type=Path, metavar="FOLDER", help="the set's folder ($MOTIONRGBD_DATA/NAME)"
    )
    prepare.add_argument(
        "--lists", type=Path, metavar="FOLDER", help="of lists that replace the download's"
    )
    prepare.add_argument("--workers", type=int, metavar="N", help="processes (one per core)")
    prepare.set_defaults(action=_prepare)


def _add_check(verbs: Any) -> None:
    check = verbs.add_parser("check", help="compare a set with its official lists, and look at it")
    check.add_argument("name", metavar="NAME")
    _add_root(check)
    check.add_argument("--split", action="append", metavar="SPLIT", help="(all there are)")
    check.add_argument(
        "--sheet", type=Path, metavar="FILE", help="the contact sheet (NAME_contact_sheet.png)"
    )
    check.add_argument("--clips", type=int, default=5, metavar="N", help="on the sheet (5)")
    check.add_argument("--seed", type=int, default=0, metavar="N", help="of their choice (0)")
    check.set_defaults(action=_check)


def _add_shard(verbs: Any) -> None:
    shard = verbs.add_parser("shard", help="write a set as tar files that a cluster streams")
    shard.add_argument("name", metavar="NAME")
    _add_root(shard)
    shard.add_argument("--to", type=Path, metavar="FOLDER", required=True)
    shard.add_argument("--split", action="append", metavar="SPLIT", help="(all there are)")
    shard.add_argument("--clips-per-shard", type=int, default=100, metavar="N", help="(100)")
    shard.set_defaults(action=_shard)


def _add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root", type=Path, metavar="FOLDER", help="the set's folder ($MOTIONRGBD_DATA/NAME)"
    )


def _list(_options: argparse.Namespace) -> int:
    from motionrgbd.training.datasets.table import BENCHMARKS

    for benchmark in BENCHMARKS.values():
        print(f"{benchmark.key:<12} {benchmark.name}, {len(benchmark.labels)} classes")
        facts = {
            "request": benchmark.request,
            "terms": benchmark.terms,
            "hand-out": benchmark.download,
            "cite": benchmark.citation,
        }
        for name, text in facts.items():
            lines = textwrap.wrap(text, 76, break_long_words=False, break_on_hyphens=False)
            print(f"  {name:<9} " + f"\n{'':<12}".join(lines))
    return 0


def _prepare(options: argparse.Namespace) -> int:
    with _libraries_needed():
        from motionrgbd.training.datasets.prepare import REPORT_FILE, prepare
    from motionrgbd.training.datasets.table import find_benchmark, set_folder

    benchmark = find_benchmark(options.name)
    workers = options.workers if options.workers is not None else os.cpu_count() or 1
    _require_positive("--workers", workers)
    destination = set_folder(benchmark, options.to, "--to")
    report = prepare(
        benchmark,
        options.source.expanduser(),
        destination,
        lists=options.lists,
        workers=workers,
        show_progress=True,
    )
    print(report.text())
    print(f"{destination / REPORT_FILE} has the whole report")
    if not report.complete:
        raise SourceError(
            f"{benchmark.name} is not complete; add what is missing to the download and run the "
            "command again: what is made is kept"
        )
    return 0


def _check(options: argparse.Namespace) -> int:
    with _libraries_needed():
        from motionrgbd.training.datasets.check import check
        from motionrgbd.training.datasets.reader import read_records
    from motionrgbd.training.datasets.table import find_benchmark, set_folder

    _require_positive("--clips", options.clips)
    benchmark = find_benchmark(options.name)
    root = set_folder(benchmark, options.root)
    results = check(benchmark, root, options.split, show_progress=True)
    for result in results:
        print(result.text())
    split = next((result.split for result in results if result.clips), None)
    if split is not None:
        records = read_records(benchmark, root, split)
        file = options.sheet or Path(f"{benchmark.key}_contact_sheet.png")
        _write_sheet(benchmark, records, file, options, split)
    problems = sum(len(result.problems) for result in results)
    if problems:
        raise SourceError(
            f"{root} is not whole ({problems} of the above); `motionrgbd data prepare "
            f"{benchmark.key}` makes what is missing"
        )
    print(f"{benchmark.name} is whole.")
    return 0


def _write_sheet(
    benchmark: Benchmark,
    records: Sequence[ClipRecord],
    file: Path,
    options: argparse.Namespace,
    split: str,
) -> None:
    from motionrgbd.training.datasets.sheet import contact_sheet

    count = min(options.clips, len(records))
    chosen = random.Random(options.seed).sample(range(len(records)), count)
    heading = f"{benchmark.name} · {split} · {count} of {len(records)} clips"
    try:
        contact_sheet(benchmark, [records[i] for i in sorted(chosen)], file, heading)
    except SourceError as problem:
        print(f"no contact sheet: {problem}")
    else:
        print(f"{file} shows {count} clips")


def _shard(options: argparse.Namespace) -> int:
    with _libraries_needed():
        from motionrgbd.training.datasets.check import splits_there
        from motionrgbd.training.datasets.shards import write_shards
    from motionrgbd.training.datasets.table import find_benchmark, set_folder

    _require_positive("--clips-per-shard", options.clips_per_shard)
    benchmark = find_benchmark(options.name)
    root = set_folder(benchmark, options.root)
    for split in options.split or splits_there(benchmark, root):
        shards = write_shards(
            benchmark,
            root,
            split,
            options.to.expanduser(),
            clips_per_shard=options.clips_per_shard,
            show_progress=True,
        )
        print(f"{split}: {len(shards)} shards in {options.to}")
    return 0


def _require_positive(name: str, value: int) -> None:
    if value < 1:
        raise UsageError(f"{name} must be at least 1, got {value}")


@contextmanager
def _libraries_needed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise LibraryError(
            f"this command needs tqdm and webdataset ({error}) — pip install '.[train]' in the "
            "checkout"
        ) from error
