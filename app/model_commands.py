"""`motionrgbd export` and `motionrgbd model`: make a bundle, look into it, check it."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from motionrgbd.app.command import Commands, torch_needed
from motionrgbd.app.teach_command import add_remember
from motionrgbd.core.errors import OutputError, UsageError

BENCHMARKS = ("NvGesture", "IsoGD", "THU-READ", "NTU", "Jester")


def add_export(commands: Commands) -> None:
    """Add the command to an argparse action of sub-commands."""
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
    with torch_needed():
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


def add_model(commands: Commands) -> None:
    """Add the command to an argparse action of sub-commands."""
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
