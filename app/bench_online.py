"""`motionrgbd bench online`: what a model's events are worth on whole streams, as tables."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_online(kinds: Any) -> None:
    """Add the sub-command to an argparse action of sub-commands."""
    online = kinds.add_parser(
        "online", help="a model's events on streams: right, twice, late, at rest"
    )
    online.add_argument(
        "sources", metavar="SOURCE", nargs="*",
        help="streams by NAME or NAME:SPLIT, see --list, or the path of an own recording with "
        "its NAME.labels.csv beside it",
    )  # fmt: skip
    online.add_argument("--list", action="store_true", help="say which streams there are")
    online.add_argument("--model", metavar="FILE", type=Path, help="a bundle (the built-in one)")
    online.add_argument(
        "--data", metavar="FOLDER", type=Path, help="holds the data sets ($MOTIONRGBD_DATA)"
    )
    online.add_argument(
        "--seed", metavar="N", type=int, nargs="+", action="extend",
        help="of drawn and composed streams, one each (0)",
    )  # fmt: skip
    online.add_argument(
        "--decision", metavar="NAME=VALUE", nargs="+", action="extend",
        help="decision parameters in place of the model's: on=0.7, classes.Tap.on=0.8",
    )  # fmt: skip
    online.add_argument(
        "--tolerance-s", type=float, default=0.5,
        help="an event counts until so long after its gesture's end (0.5)",
    )  # fmt: skip
    online.add_argument(
        "--fpr", dest="false_rate", metavar="RATE", type=float, default=0.05,
        help="share of false idle pieces at which detection is told (0.05)",
    )  # fmt: skip
    online.add_argument(
        "--limit", metavar="N", type=int, help="at most N streams per source and seed"
    )
    online.add_argument(
        "--depth-direction", choices=("brighter", "darker"), help="of 8-bit own recordings"
    )
    online.add_argument("--device", default="cpu", choices=("auto", "cpu", "cuda"))
    online.add_argument("--precision", default="fp32", choices=("fp32", "int8"))
    online.add_argument("--workers", metavar="N", type=int, default=1, help="processes (1)")
    online.add_argument(
        "--cache", metavar="FOLDER", type=Path, help="keeps what the model said, for another time"
    )
    online.add_argument("--out", metavar="FOLDER", type=Path, help="for report.html, report.json")
    online.set_defaults(action=_bench_online)


def _bench_online(options: argparse.Namespace) -> int:
    from motionrgbd.app.bench import machine, table
    from motionrgbd.app.live import DEFAULT_MODEL
    from motionrgbd.training.evaluation.page import PAGE
    from motionrgbd.training.online.command import Asked, run
    from motionrgbd.training.online.sources import SOURCES
    from motionrgbd.training.online.tables import tables

    if options.list:
        for name, known in SOURCES.items():
            spelled = name if not known.splits else f"{name}[:{'|'.join(known.splits)}]"
            print(f"{spelled:<24} {known.help}")
        return 0
    names = (
        "data", "tolerance_s", "false_rate", "limit", "depth_direction", "device", "precision",
        "workers", "cache", "out",
    )  # fmt: skip
    asked = Asked(
        sources=tuple(options.sources),
        model=Path(options.model or DEFAULT_MODEL),
        named_model=options.model is not None,
        seeds=tuple(options.seed or (0,)),
        decision=tuple(options.decision or ()),
        **{name: getattr(options, name) for name in names},
    )
    results = run(asked, machine())
    about, setting = results.about, results.setting
    print(
        f"{about.model} ({about.file}, sha256 {about.sha256[:8]}...): {len(results.runs)} streams."
    )
    print(machine())
    print(f"{about.command}")
    decision = ", ".join(f"{name} {value}" for name, value in setting.parameters.to_json().items())
    print(f"decision: {decision}; events count until {setting.tolerance_s:g} s after a gesture")
    print("figures with 95 % intervals; --out writes what each of them is")
    for each in tables(results):
        print(f"\n{each.title}\n\n{table(each.header, each.rows)}")
    for note in results.notes:
        print(f"\nnote: {note}")
    if asked.out is not None:
        print(f"\nreport: {asked.out / PAGE}")
    return 0
