"""`motionrgbd evaluate`: score a model on labelled clips."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from motionrgbd.app.command import Commands
from motionrgbd.app.model_commands import BENCHMARKS
from motionrgbd.core.errors import UsageError

SET_OPTIONS = {  # of `evaluate`: each belongs to some sets, which refuse the others
    "depth-direction": "recordings: brighter or darker, where depth has 8 bits",
    "gestures-per-class": "synthetic: how often each gesture is drawn (4)",
    "classes": "shrec17: 14, or 28 with the fingers",
    "timing": "shrec17: cut (32 equally spaced samples), or timed (as they were taken)",
    "scene": "shrec17: plain (the hand alone), or person (in front of one, in a room)",
    "boxes": "shrec17: annotated, or found by the application's finder",
}


def add_evaluate(commands: Commands) -> None:
    """Add the command to an argparse action of sub-commands."""
    evaluate = commands.add_parser("evaluate", help="score a model on labelled clips")
    evaluate.add_argument(
        "model", metavar="MODEL", type=Path, help="a bundle, a checkpoint of ours or the authors'"
    )
    evaluate.add_argument(
        "--set", required=True, metavar="NAME", help="a benchmark, recordings, or synthetic"
    )
    evaluate.add_argument(
        "--root", metavar="FOLDER", type=Path, help="the set's folder ($MOTIONRGBD_DATA/NAME)"
    )
    evaluate.add_argument("--split", metavar="NAME", help="default: the set's held-out one")
    evaluate.add_argument(
        "--streamed",
        action="store_true",
        help="push clips through the engine, which must give the same scores (else exit code 11)",
    )
    evaluate.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    evaluate.add_argument("--precision", default="fp32", choices=("fp32", "int8"))
    evaluate.add_argument("--out", metavar="DIR", type=Path, help="for report.html, report.json")
    evaluate.add_argument(
        "--no-pictures", action="store_true", help="show no clips in the report: most may not be"
    )
    evaluate.add_argument("--limit", type=int, metavar="N", help="at most N clips")
    evaluate.add_argument(
        "--merge", type=int, default=1, metavar="N", help="sum N neighbouring classes of the model"
    )
    evaluate.add_argument("--without-idle", action="store_true", help="idle is no answer")
    evaluate.add_argument(
        "--benchmark", choices=BENCHMARKS, help="of the authors' file (default: the set)"
    )
    evaluate.add_argument(
        "--modality", choices=("color", "depth"), help="of the authors' network of one modality"
    )
    for name, help_text in SET_OPTIONS.items():
        evaluate.add_argument(f"--{name}", metavar="VALUE", help=help_text)
    evaluate.set_defaults(action=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    from motionrgbd.training.evaluation.command import Evaluation, evaluate

    for name in ("limit", "merge"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name} must be 1 or more, got {value}")
    given = {name: getattr(options, name.replace("-", "_")) for name in SET_OPTIONS}
    fields = {field.name for field in dataclasses.fields(Evaluation)} - {"options", "pictures"}
    return evaluate(
        Evaluation(
            **{name: getattr(options, name) for name in fields},
            options={name: value for name, value in given.items() if value is not None},
            pictures=not options.no_pictures,
        )
    )
