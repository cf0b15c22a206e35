"""`motionrgbd`: everything beside the live application, one sub-command each."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from motionrgbd.app.bench_online import add_online
from motionrgbd.app.command import Parser, program_version, run_command
from motionrgbd.app.data import add_data
from motionrgbd.app.decide import add_decide
from motionrgbd.app.settings import settings_from
from motionrgbd.app.teach_command import add_bench_teach, add_remember, add_teach
from motionrgbd.core.errors import LibraryError, OutputError, UsageError

PROGRAM = "motionrgbd"
BENCHMARKS = ("NvGesture", "IsoGD", "THU-READ", "NTU", "Jester")
TRAININGS = {
    "default": "motionrgbd.training.default_model",
    "decision": "motionrgbd.training.online.choose",
    "finder": "motionrgbd.training.finder_training",
    "probe": "motionrgbd.training.reference_probe",
    "recipe": "motionrgbd.training.paper.commands",
}
SET_OPTIONS = {  # of `evaluate`: each belongs to some sets, which refuse the others
    "depth-direction": "recordings: brighter or darker, where depth has 8 bits",
    "gestures-per-class": "synthetic: how often each gesture is drawn (4)",
    "classes": "shrec17: 14, or 28 with the fingers",
    "timing": "shrec17: cut (32 equally spaced samples), or timed (as they were taken)",
    "scene": "shrec17: plain (the hand alone), or person (in front of one, in a room)",
    "boxes": "shrec17: annotated, or found by the application's finder",
}

# Sub-commands import what they need when they run: --help must answer at once, and only the
# sub-commands that train need torch.


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return run_command(PROGRAM, lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    options = _parser().parse_args(argv)
    code: int = options.action(options)
    return code


def _parser() -> Parser:
    parser = Parser(PROGRAM, description="Tools around motionrgbd-live.")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {program_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (
        _add_record,
        _add_convert,
        _add_export,
        _add_model,
        add_decide,
        _add_bench,
        _add_doctor,
        _add_train,
        _add_reproduce,
        add_data,
        _add_evaluate,
        add_teach,
    ):
        add(commands)
    return parser


Commands = Any  # argparse's class of sub-commands has no public name


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


def _add_export(commands: Commands) -> None:
    export = commands.add_parser("export", help="make a bundle of a checkpoint (needs torch)")
    export.add_argument("checkpoint", metavar="CHECKPOINT", help="ours, or a file of the authors")
    export.add_argument("-o", "--output", metavar="FILE", required=True, help="a .mrgbd file")
    export.add_argument(
        "--benchmark", choices=BENCHMARKS, help="of the authors' file; without it, it is ours"
    )
    export.add_argument("--mode", choices=("live", "exact"), default="live")
    export.add_argument(
        "--modality", choices=("color", "depth"), default="color", help="of a unimodal network"
    )
    export.add_argument(
        "--span-s", type=float, help="how long a live window lasts, where clips are stretched"
    )
    export.add_argument(
        "--classes", metavar="NAME", help="labels of our checkpoint to merge its classes to"
    )
    export.add_argument("--quantise", action="store_true", help="add graphs in 8-bit integers")
    export.add_argument(
        "--without-weights", action="store_true", help="leave out what further training needs"
    )
    export.set_defaults(action=_export)


def _export(options: argparse.Namespace) -> int:
    with _torch_needed():
        from motionrgbd.training.export import export_checkpoint
    try:
        bundle = export_checkpoint(
            options.checkpoint,
            options.output,
            benchmark=options.benchmark,
            mode=options.mode,
            modality=options.modality,
            weights=not options.without_weights,
            span_s=options.span_s,
            quantise=options.quantise,
            classes=options.classes,
        )
    except ValueError as error:  # options that contradict each other
        raise UsageError(f"{error} — see `motionrgbd export --help`") from error
    except OSError as error:
        raise OutputError(
            f"{options.output} cannot be written ({error.strerror}) — choose another with -o"
        ) from error
    print(f"{options.output}: gives the checkpoint's scores; sha256 {bundle.sha256}")
    return 0


@contextmanager
def _torch_needed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise LibraryError(
            f"this command needs torch and onnx ({error}) — pip install '.[train]' in the checkout"
        ) from error


def _add_model(commands: Commands) -> None:
    model = commands.add_parser("model", help="show or check a .mrgbd bundle (torch not needed)")
    verbs = model.add_subparsers(title="commands", metavar="COMMAND", required=True)
    info = verbs.add_parser("info", help="print what is in a bundle")
    info.set_defaults(action=_model_info)
    verify = verbs.add_parser("verify", help="check hashes and open every graph")
    verify.set_defaults(action=_model_verify)
    score = verbs.add_parser("score", help="add figures of `evaluate` to a bundle's card")
    score.set_defaults(action=_model_score)
    add_remember(verbs)
    for verb in (info, verify, score):
        verb.add_argument("file", metavar="FILE", help="a .mrgbd bundle")
    score.add_argument(
        "reports", metavar="REPORT", type=Path, nargs="+", help="report.json of this very bundle"
    )


def _model_info(options: argparse.Namespace) -> int:
    from motionrgbd.models.bundle import load_bundle

    bundle = load_bundle(options.file)
    enough = ", of which one is enough" if bundle.falls_back else ""
    print(f"{bundle.recipe.name}: {bundle.kind}, from {' and '.join(bundle.modalities)}{enough}")
    print(f"sha256     {bundle.sha256}")
    print(f"precision  {', '.join(bundle.precisions)}")
    print(f"labels     {len(bundle.labels)}: {', '.join(bundle.labels)}")
    for name, graph in bundle.graphs.items():
        print(f"graph      {name}, {len(graph) / 1e6:.1f} MB")
    stored = len(bundle.memory.labels) if bundle.memory else 0
    print(f"stored     {stored or 'no'} examples to teach further classes by")
    if bundle.taught_labels:
        print(f"taught     {', '.join(bundle.taught_labels)}")
    print(f"weights    {'for further training' if bundle.weights else 'none'}")
    parts = {
        "recipe": bundle.recipe.to_json(),
        "decision": dict(bundle.decision),
        "temperatures": dataclasses.asdict(bundle.temperatures),
        "card": dataclasses.asdict(bundle.card),
    }
    for name, values in parts.items():
        print(f"{name}:")
        for key, value in values.items():
            print(f"  {key:<16} {json.dumps(value, ensure_ascii=False)}")
    return 0


def _model_score(options: argparse.Namespace) -> int:
    from motionrgbd.models.bundle import load_bundle, write_bundle
    from motionrgbd.training.evaluation.card_scores import with_scores

    bundle = with_scores(load_bundle(options.file), options.reports)
    written = write_bundle(options.file, bundle)
    print(f"{options.file}: {len(options.reports)} figures added, sha256 {written.sha256}")
    return 0


def _model_verify(options: argparse.Namespace) -> int:
    from motionrgbd.core.recogniser import Recogniser
    from motionrgbd.core.session import open_session
    from motionrgbd.models.bundle import load_bundle

    bundle = load_bundle(options.file)
    Recogniser(bundle, device="cpu").close()  # as the engine opens it
    for graph in bundle.graphs.values():
        open_session(graph, "cpu")
    print(f"{options.file}: matches itself; {len(bundle.graphs)} graphs open")
    print(f"sha256 {bundle.sha256}")
    return 0


def _add_bench(commands: Commands) -> None:
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
    with _torch_needed():
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
    with _torch_needed():
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
    with _torch_needed():
        from motionrgbd.training.paper.commands import reproduce_table
    return reproduce_table([options.table, *options.options])


def _train(options: argparse.Namespace) -> int:
    with _torch_needed():
        module = importlib.import_module(TRAININGS[options.name])
    code: int = module.main(options.options)
    return code


def _add_evaluate(commands: Commands) -> None:
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


if __name__ == "__main__":
    sys.exit(main())
