"""`motionrgbd`: everything beside the live application, one sub-command each."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from motionrgbd.app.bench_commands import add_bench
from motionrgbd.app.command import (
    Commands,
    Parser,
    program_version,
    run_command,
    torch_needed,
    with_region_joined,
)
from motionrgbd.app.data import add_data
from motionrgbd.app.decide import add_decide
from motionrgbd.app.evaluate_command import add_evaluate
from motionrgbd.app.model_commands import add_export, add_model
from motionrgbd.app.settings import settings_from
from motionrgbd.app.teach_command import add_teach
from motionrgbd.core.errors import UsageError

PROGRAM = "motionrgbd"
TRAININGS = {
    "default": "motionrgbd.training.default_model",
    "decision": "motionrgbd.training.online.choose",
    "finder": "motionrgbd.training.finder_training",
    "probe": "motionrgbd.training.reference_probe",
    "recipe": "motionrgbd.training.paper.commands",
}

# Sub-commands import what they need when they run: --help must answer at once, and only the
# sub-commands that train need torch.


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return run_command(PROGRAM, lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    options = _parser().parse_args(with_region_joined(argv))
    code: int = options.action(options)
    return code


def _parser() -> Parser:
    parser = Parser(PROGRAM, description="Tools around motionrgbd-live.")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {program_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (
        _add_record,
        _add_convert,
        add_export,
        add_model,
        add_decide,
        add_bench,
        _add_doctor,
        _add_train,
        _add_reproduce,
        add_data,
        add_evaluate,
        add_teach,
    ):
        add(commands)
    return parser


def _add_record(commands: Commands) -> None:
    record = commands.add_parser("record", help="record a camera")
    record.add_argument("--camera", required=True, help="realsense[:SERIAL] or webcam[:NUMBER]")
    record.add_argument(
        "--out", metavar="PATH", required=True, help="a .db3 file (RealSense) or a new folder"
    )
    record.add_argument("--seconds", type=float, help="how long; without it, until Ctrl-C")
    record.add_argument("--fps", metavar="HZ")
    record.add_argument("--size", metavar="WxH")
    record.add_argument("--preset", metavar="NAME", help="RealSense visual preset")
    record.add_argument("--filter", metavar="NAME,...", help="RealSense post-processing filters")
    record.set_defaults(action=_record)


def _record(options: argparse.Namespace) -> int:
    from motionrgbd.app.recording import record

    given = {name: getattr(options, name) for name in ("camera", "fps", "size", "preset", "filter")}
    return record(settings_from(given, None), Path(options.out), options.seconds)


def _add_convert(commands: Commands) -> None:
    convert = commands.add_parser("convert", help="write a recording as a folder of pictures")
    convert.add_argument("source", metavar="SOURCE", help="what --replay takes, or demo")
    convert.add_argument("destination", metavar="FOLDER", help="a new folder")
    convert.add_argument("--fps", metavar="HZ", help="rate of a folder that tells no times")
    convert.add_argument("--depth-direction", metavar="brighter|darker")
    convert.add_argument("--depth-near-mm", metavar="MM")
    convert.add_argument("--depth-step-mm", metavar="MM")
    convert.set_defaults(action=_convert)


def _convert(options: argparse.Namespace) -> int:
    from motionrgbd.app.recording import convert_recording

    camera = options.source.partition(":")[0] in ("realsense", "webcam")
    if camera and not Path(options.source).exists():
        raise UsageError("a camera is recorded with `motionrgbd record`")
    given = {
        "demo": True if options.source == "demo" else None,
        "replay": None if options.source == "demo" else options.source,
        "fps": options.fps,
        "depth-direction": options.depth_direction,
        "depth-near-mm": options.depth_near_mm,
        "depth-step-mm": options.depth_step_mm,
    }
    return convert_recording(settings_from(given, None), Path(options.destination))


def _add_doctor(commands: Commands) -> None:
    doctor = commands.add_parser("doctor", help="check libraries, model, window and camera")
    doctor.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    doctor.add_argument("--precision", default="fp32", choices=("fp32", "int8"))
    doctor.add_argument(
        "--seconds", type=float, default=5.0, help="how long to run the demo (default 5)"
    )
    doctor.set_defaults(action=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from motionrgbd.app.doctor import run_doctor

    if not options.seconds > 0:
        raise UsageError(f"--seconds must be more than 0, got {options.seconds:g}")
    return run_doctor(device=options.device, seconds=options.seconds, precision=options.precision)


def _add_train(commands: Commands) -> None:
    train = commands.add_parser(
        "train", help="train a network (needs torch); --help after the name tells its options"
    )
    train.add_argument("name", choices=TRAININGS, help="what to train")
    train.add_argument("options", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    train.set_defaults(action=_train)


def _add_reproduce(commands: Commands) -> None:
    reproduce = commands.add_parser(
        "reproduce",
        help="train the rows of a table of the paper, published beside obtained figures (needs "
        "torch); --help after the table tells the options",
    )
    reproduce.add_argument("table", metavar="TABLE", help="'table 1' to 'table 6', or 'figure 6'")
    reproduce.add_argument("options", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    reproduce.set_defaults(action=_reproduce)


def _reproduce(options: argparse.Namespace) -> int:
    with torch_needed():
        from motionrgbd.training.paper.commands import reproduce_table
    return reproduce_table([options.table, *options.options])


def _train(options: argparse.Namespace) -> int:
    with torch_needed():
        module = importlib.import_module(TRAININGS[options.name])
    code: int = module.main(options.options)
    return code


if __name__ == "__main__":
    sys.exit(main())
