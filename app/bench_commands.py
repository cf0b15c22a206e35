"""`motionrgbd bench`: tables of timings, of events and of the hand finder."""

from __future__ import annotations

import argparse
from pathlib import Path

from motionrgbd.app.bench_online import add_online
from motionrgbd.app.command import Commands, torch_needed
from motionrgbd.app.settings import settings_from
from motionrgbd.app.teach_command import add_bench_teach
from motionrgbd.core.errors import UsageError


def add_bench(commands: Commands) -> None:
    """Add the command to an argparse action of sub-commands."""
    bench = commands.add_parser("bench", help="print a table of timings of this machine")
    kinds = bench.add_subparsers(title="what", metavar="WHAT", required=True)
    guidance = kinds.add_parser("guidance", help="a guidance map, against its definition")
    guidance.set_defaults(action=_bench_guidance)
    live = kinds.add_parser("live", help="a model over the demo in real time, window open")
    live.add_argument("--model", metavar="FILE")
    live.add_argument("--device", metavar="auto|cpu|cuda")
    live.add_argument("--precision", metavar="fp32|int8")
    live.add_argument("--headless", action="store_const", const=True)
    live.set_defaults(action=_bench_live)
    window = kinds.add_parser("window", help="the window beside the engine, in percent of a core")
    window.add_argument("--model", metavar="FILE")
    window.add_argument("--seconds", type=float, default=20.0, help="how long (20)")
    window.set_defaults(action=_bench_window)
    engine = kinds.add_parser("engine", help="a new frame on two cores, from pixels to decision")
    engine.add_argument("model", metavar="MODEL", nargs="?", help="a bundle (the built-in one)")
    engine.add_argument("--precision", choices=("fp32", "int8"), help="only this one")
    engine.add_argument("--frames", type=int, default=150, help="how many in a row (150)")
    engine.set_defaults(action=_bench_engine)
    soak = kinds.add_parser("soak", help="the engine for long: does memory grow, is an event lost")
    soak.add_argument("model", metavar="MODEL", nargs="?", help="a bundle (the built-in one)")
    soak.add_argument("--minutes", type=float, default=30.0, help="in real time (30)")
    soak.add_argument("--most-mb", type=float, default=10.0, help="of growth that is allowed (10)")
    soak.add_argument("--device", metavar="auto|cpu|cuda", default="auto")
    soak.add_argument("--json", metavar="FILE", type=Path, help="write every figure here")
    soak.set_defaults(action=_bench_soak)
    loader = kinds.add_parser("loader", help="training clips: loaded alone, and trained on")
    loader.add_argument("--workers", type=int, default=2, help="processes that load (2)")
    loader.add_argument("--batches", type=int, default=24, help="of two clips, to be timed (24)")
    loader.add_argument("--size", choices=("small", "full"), default="small", help="of the network")
    loader.set_defaults(action=_bench_loader)
    stream = kinds.add_parser("stream", help="a new frame of the released network, mode by mode")
    stream.add_argument("--rounds", default="3", help="how often the rows take turns (3)")
    stream.add_argument(
        "--probe", metavar="FILE", help="instead, how far the modes agree on these trained weights"
    )
    stream.add_argument(
        "--data",
        metavar="FOLDER",
        type=Path,
        help="with --probe: holds shrec17/ ($MOTIONRGBD_DATA)",
    )
    stream.set_defaults(action=_bench_stream)
    finder = kinds.add_parser("finder", help="the hand finder, on hands marked by eye and rebuilt")
    finder.add_argument(
        "--root", metavar="FOLDER", type=Path, help="holds marked recordings ($MOTIONRGBD_DATA)"
    )
    finder.add_argument(
        "--marks",
        metavar="FILE",
        type=Path,
        default=Path("tests/data/hand_marks.csv"),
        help="the marks (tests/data/hand_marks.csv, in a checkout)",
    )
    finder.add_argument("--split", choices=("train", "val", "test"), default="val")
    finder.add_argument("--clips", type=int, default=60, help="of the split, to be rebuilt (60)")
    finder.set_defaults(action=_bench_finder)
    add_bench_teach(kinds)
    add_online(kinds)


def _bench_guidance(_options: argparse.Namespace) -> int:
    from motionrgbd.app.bench import bench_guidance

    return bench_guidance()


def _bench_live(options: argparse.Namespace) -> int:
    from motionrgbd.app.bench import bench_live

    names = ("model", "device", "precision", "headless")
    given = {name: getattr(options, name) for name in names}
    return bench_live(settings_from({"demo": True, "pace": "realtime", **given}, None))


def _bench_window(options: argparse.Namespace) -> int:
    from motionrgbd.app.bench_window import bench_window

    given = {"demo": True, "pace": "realtime", "model": options.model}
    return bench_window(settings_from(given, None), options.seconds)


def _bench_engine(options: argparse.Namespace) -> int:
    from motionrgbd.app.bench_engine import bench_engine
    from motionrgbd.app.live import DEFAULT_MODEL

    if options.frames < 1:
        raise UsageError(f"--frames must be at least 1, got {options.frames}")
    model = Path(options.model or DEFAULT_MODEL)
    return bench_engine(model, options.precision, options.frames)


def _bench_soak(options: argparse.Namespace) -> int:
    from motionrgbd.app.bench_soak import SoakPlan, bench_soak
    from motionrgbd.app.live import DEFAULT_MODEL

    plan = SoakPlan(options.minutes, most_mb=options.most_mb)
    model = Path(options.model or DEFAULT_MODEL)
    return bench_soak(model, plan, options.json, options.device)


def _bench_loader(options: argparse.Namespace) -> int:
    with torch_needed():
        from motionrgbd.training.paper.loader_bench import bench_loader
    from motionrgbd.app.bench import machine

    if options.workers < 1 or options.batches < 2:
        raise UsageError("--workers must be at least 1, --batches at least 2")
    print(machine())
    return bench_loader(options.workers, options.batches, options.size)


def _bench_stream(options: argparse.Namespace) -> int:
    from motionrgbd.models.errors import CheckpointError
    from motionrgbd.training.datasets.table import data_folder

    if options.data and not options.probe:
        raise UsageError("--data belongs to --probe — see `motionrgbd bench stream --help`")
    data = data_folder(options.data) if options.probe else None
    with torch_needed():
        from motionrgbd.training.agreement import agreement_table
        from motionrgbd.training.stream_bench import main as bench_stream
    if data is not None:
        if not Path(options.probe).is_file():
            raise CheckpointError(f"{options.probe}: no such file — `train probe` makes one")
        print(agreement_table(Path(options.probe), data))
        return 0
    return bench_stream(["--rounds", options.rounds])


def _bench_finder(options: argparse.Namespace) -> int:
    from motionrgbd.app.bench import table
    from motionrgbd.models.recipe import HandView
    from motionrgbd.training import finder_bench
    from motionrgbd.training.datasets.table import data_folder

    if options.clips < 1:
        raise UsageError(f"--clips must be at least 1, got {options.clips}")
    root, view = data_folder(options.root, "--root"), HandView()
    marked = finder_bench.marks_table(root, options.marks, view)
    print(table(finder_bench.MARKS_HEADER, marked))
    rebuilt = finder_bench.agreement_table(root / "shrec17", options.split, options.clips, view)
    print(f"\n{table(finder_bench.AGREEMENT_HEADER, rebuilt)}")
    return 0
