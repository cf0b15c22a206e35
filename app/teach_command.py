"""`motionrgbd teach`, `model remember` and `bench teach`: own gestures from the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motionrgbd.app.command import add_region
from motionrgbd.app.settings import settings_from
from motionrgbd.core.errors import LibraryError, OutputError, UsageError

if TYPE_CHECKING:
    from motionrgbd.core.teaching_examples import LabelledRecording

CHECKPOINT = ".safetensors"
Commands = Any  # argparse's class of sub-commands has no public name


def add_teach(commands: Commands) -> None:
    """Add the sub-command that adds classes to a bundle."""
    teach = commands.add_parser(
        "teach",
        help="add own gestures to a bundle, from a few examples; or train a checkpoint on them",
    )
    teach.add_argument(
        "model",
        metavar="MODEL",
        help="a .mrgbd bundle with stored examples; with --fine-tune a checkpoint (.safetensors)",
    )
    teach.add_argument(
        "--from",
        dest="recordings",
        metavar="RECORDING",
        action="append",
        required=True,
        help="what --replay takes, with its spans in RECORDING.labels.csv (start_s,end_s,label)",
    )
    teach.add_argument(
        "--classes", metavar="NAME", nargs="+", help="to be added (all that the model lacks)"
    )
    teach.add_argument("-o", "--output", metavar="FILE", required=True, type=Path)
    teach.add_argument("--depth-direction", metavar="brighter|darker", help="of 8-bit depth")
    add_region(teach)
    teach.add_argument(
        "--fine-tune",
        action="store_true",
        help="train the checkpoint's network on the examples, in minutes (needs torch)",
    )
    teach.add_argument("--device", default="cpu", choices=("auto", "cpu", "cuda"))
    teach.add_argument("--precision", default="fp32", choices=("fp32", "int8"))
    teach.set_defaults(action=_teach)


def _teach(options: argparse.Namespace) -> int:
    from motionrgbd.core.sources.options import SourceOptions
    from motionrgbd.core.teaching import teach
    from motionrgbd.core.teaching_examples import read_recording
    from motionrgbd.core.teaching_report import ForgettingError
    from motionrgbd.models.bundle import load_bundle

    source = SourceOptions(depth_direction=options.depth_direction)
    region = settings_from({"region": options.region}, None).limited_to
    recordings = [read_recording(x, options=source, region=region) for x in options.recordings]
    if options.fine_tune:
        return _fine_tune(options, recordings)
    bundle = load_bundle(options.model)
    try:
        teaching = teach(
            bundle,
            recordings,
            options.classes,
            progress=_progress if sys.stderr.isatty() else None,
            device=options.device,
            precision=options.precision,
        )
    except ForgettingError as error:
        print("\n".join(error.report.lines()))
        raise
    print("\n".join(teaching.report.lines()))
    write(options.output, teaching.bundle)
    return 0


def _fine_tune(options: argparse.Namespace, recordings: Sequence[LabelledRecording]) -> int:
    from motionrgbd.core.teaching_report import ForgettingError
    from motionrgbd.models.checkpoint import load_checkpoint, save_checkpoint

    if (options.device, options.precision) != ("cpu", "fp32"):
        raise UsageError("--fine-tune trains on the CPU in fp32: leave out --device, --precision")
    for file in (Path(options.model), options.output):
        if file.suffix != CHECKPOINT:
            raise UsageError(f"{file}: --fine-tune reads and writes checkpoints, *{CHECKPOINT}")
    try:
        from motionrgbd.training.teach.fine_tune import fine_tune
    except ImportError as error:
        raise LibraryError(
            f"--fine-tune needs torch ({error}) - pip install '.[train]' in the checkout"
        ) from error
    checkpoint = load_checkpoint(options.model)
    try:
        tuned = fine_tune(
            checkpoint, recordings, options.classes, tell=lambda text: print(text, flush=True)
        )
    except ForgettingError as error:
        print("\n".join(error.report.lines()))
        raise
    print("\n".join(tuned.report.lines()))
    try:
        save_checkpoint(options.output, tuned.checkpoint)
    except OSError as error:
        raise OutputError(
            f"{options.output} cannot be written ({error.strerror}) - choose another with -o"
        ) from error
    classes = "".join(f" --classes {name}" for name in list(checkpoint.groupings)[:1])
    print(
        f"{options.output}: {len(tuned.checkpoint.labels)} classes; a bundle of it: "
        f"motionrgbd export {options.output}{classes} -o MODEL.mrgbd"
    )
    return 0


def _progress(share: float, what: str) -> None:
    end = "\n" if share >= 1 else ""
    print(f"\r{share:4.0%} {what[:70]:<70}", end=end, file=sys.stderr, flush=True)


def write(path: Path, bundle: Any) -> None:
    """Write a bundle and say so. Raises OutputError."""
    from motionrgbd.models.bundle import SUFFIX, write_bundle

    if path.suffix != SUFFIX:
        raise UsageError(f"{path}: a model's file ends with {SUFFIX}")
    try:
        written = write_bundle(path, bundle)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}) - choose another with -o"
        ) from error
    print(f"{path}: {len(written.labels)} labels, sha256 {written.sha256}")


def add_remember(verbs: Commands) -> None:
    """Add the verb that stores examples of a bundle's classes in it."""
    remember = verbs.add_parser(
        "remember", help="store examples of a bundle's classes in it, so that it can be taught more"
    )
    remember.add_argument("file", metavar="FILE", help="a .mrgbd bundle of SHREC'17's 14 gestures")
    remember.add_argument(
        "--root", metavar="FOLDER", type=Path, help="holds shrec17/ ($MOTIONRGBD_DATA)"
    )
    remember.add_argument("-o", "--output", metavar="FILE", required=True, type=Path)
    remember.set_defaults(action=_remember)


def _remember(options: argparse.Namespace) -> int:
    from motionrgbd.models.bundle import load_bundle
    from motionrgbd.training.datasets.table import data_folder
    from motionrgbd.training.teach.memory import remember

    root = data_folder(options.root, "--root")
    bundle = remember(load_bundle(options.file), root, lambda text: print(text, flush=True))
    write(options.output, bundle)
    return 0


def add_bench_teach(kinds: Commands) -> None:
    """Add the one-shot benchmark."""
    bench = kinds.add_parser(
        "teach", help="eleven gestures of ChaLearn 2011, each learned from one example"
    )
    bench.add_argument("model", metavar="MODEL", nargs="?", help="a bundle (the built-in one)")
    bench.add_argument(
        "--root", metavar="FOLDER", type=Path, help="holds cgd2011/ ($MOTIONRGBD_DATA)"
    )
    bench.add_argument(
        "--composed",
        action="store_true",
        help="on streams made of altered copies of the examples, which choices are made on",
    )
    bench.set_defaults(action=_bench)


def _bench(options: argparse.Namespace) -> int:
    from motionrgbd.app.bench import machine, table
    from motionrgbd.app.live import DEFAULT_MODEL
    from motionrgbd.models.bundle import load_bundle
    from motionrgbd.training.datasets.table import data_folder
    from motionrgbd.training.teach.one_shot import HEADER, bench_one_shot

    root = data_folder(options.root, "--root") / "cgd2011"
    bundle = load_bundle(options.model or DEFAULT_MODEL)
    print(machine())
    print(table(HEADER, bench_one_shot(bundle, root, composed=options.composed)))
    return 0
