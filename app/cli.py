"""`motionrgbd`: everything beside the live application, one sub-command each."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from typing import Any

from motionrgbd.app.command import Parser, program_version, run_command
from motionrgbd.app.settings import settings_from

PROGRAM = "motionrgbd"

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
    for add in (_add_model, _add_bench, _add_doctor):
        add(commands)
    return parser


Commands = Any  # argparse's class of sub-commands has no public name


def _add_model(commands: Commands) -> None:
    model = commands.add_parser("model", help="show or check a .mrgbd bundle (torch not needed)")
    verbs = model.add_subparsers(title="commands", metavar="COMMAND", required=True)
    info = verbs.add_parser("info", help="print what is in a bundle")
    info.set_defaults(action=_model_info)
    verify = verbs.add_parser("verify", help="check hashes and open every graph")
    verify.set_defaults(action=_model_verify)
    for verb in (info, verify):
        verb.add_argument("file", metavar="FILE", help="a .mrgbd bundle")


def _model_info(options: argparse.Namespace) -> int:
    from motionrgbd.models.bundle import load_bundle

    bundle = load_bundle(options.file)
    print(f"{bundle.recipe.name}: {bundle.kind}, from {' and '.join(bundle.modalities)}")
    print(f"sha256     {bundle.sha256}")
    print(f"precision  {', '.join(bundle.precisions)}")
    print(f"labels     {len(bundle.labels)}: {', '.join(bundle.labels)}")
    for name, graph in bundle.graphs.items():
        print(f"graph      {name}, {len(graph) / 1e6:.1f} MB")
    print(f"weights    {'for further training' if bundle.weights else 'none'}")
    parts = {
        "recipe": bundle.recipe.to_json(),
        "decision": dict(bundle.decision),
        "card": dataclasses.asdict(bundle.card),
    }
    for name, values in parts.items():
        print(f"{name}:")
        for key, value in values.items():
            print(f"  {key:<16} {json.dumps(value, ensure_ascii=False)}")
    return 0


def _model_verify(options: argparse.Namespace) -> int:
    from motionrgbd.core.session import open_session
    from motionrgbd.models.bundle import load_bundle

    bundle = load_bundle(options.file)
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
    live.add_argument("--headless", action="store_const", const=True)
    live.set_defaults(action=_bench_live)


def _bench_guidance(_options: argparse.Namespace) -> int:
    from motionrgbd.app.bench import bench_guidance

    return bench_guidance()


def _bench_live(options: argparse.Namespace) -> int:
    from motionrgbd.app.bench import bench_live

    given = {name: getattr(options, name) for name in ("model", "device", "headless")}
    return bench_live(settings_from({"demo": True, "pace": "realtime", **given}, None))


def _add_doctor(commands: Commands) -> None:
    doctor = commands.add_parser("doctor", help="check libraries, model, window and camera")
    doctor.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    doctor.add_argument(
        "--seconds", type=float, default=5.0, help="how long to run the demo (default 5)"
    )
    doctor.set_defaults(action=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from motionrgbd.app.doctor import run_doctor

    return run_doctor(device=options.device, seconds=options.seconds)


if __name__ == "__main__":
    sys.exit(main())
