"""The command line of `motionrgbd-live`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from motionrgbd.app.command import Parser, add_region, program_version, with_region_joined


def read_options(program: str, argv: Sequence[str] | None) -> dict[str, Any]:
    """Return every option by its name in settings files, and `config`; None: it was not given."""
    parser = Parser(
        program,
        description="Recognise gestures live from a depth camera, or in a recording.",
        epilog="Without a source a window asks for one; without a window it is a RealSense camera "
        "if one answers, else the demo.",
    )
    source = parser.add_argument_group("source (one of them)").add_mutually_exclusive_group()
    source.add_argument(
        "--camera",
        metavar="NAME",
        help="realsense[:SERIAL], webcam[:NUMBER], or NAME[:SPEC] of a plug-in",
    )
    source.add_argument(
        "--replay",
        metavar="PATH",
        help="a .bag or .db3 file, a folder of image pairs, or two videos as COLOR,DEPTH",
    )
    source.add_argument(
        "--demo", action="store_const", const=True, help="the built-in synthetic recording"
    )
    parser.add_argument(
        "--teach",
        metavar="RECORDING",
        nargs="?",
        const="",
        help="teach own gestures in a window, from this recording or the camera, and use them",
    )
    run = parser.add_argument_group("run")
    run.add_argument("--model", metavar="FILE", help="a .mrgbd bundle (default: the built-in one)")
    run.add_argument("--device", metavar="auto|cpu|cuda", help="what to compute on (auto)")
    run.add_argument("--precision", metavar="fp32|int8", help="of the model's graphs (fp32)")
    run.add_argument("--headless", action="store_const", const=True, help="no window")
    run.add_argument("--out", metavar="DIR", help="write events, probabilities and run.json here")
    pace = run.add_mutually_exclusive_group()
    pace.add_argument(
        "--realtime",
        dest="pace",
        action="store_const",
        const="realtime",
        help="play a recording at its own speed (default with a window)",
    )
    pace.add_argument(
        "--fast",
        dest="pace",
        action="store_const",
        const="fast",
        help="play it as fast as it goes (default without)",
    )
    run.add_argument("--config", metavar="FILE", type=Path, help="TOML file of these options")
    run.add_argument("--screenshot", metavar="FILE", help="save a picture of the window")
    run.add_argument(
        "--close-when-finished",
        action="store_const",
        const=True,
        help="close the window at the recording's end",
    )
    run.add_argument(
        "--cockpit",
        action="store_const",
        const=True,
        help="a simulated car display, driven by gestures alone (cockpit.jsonl with --out)",
    )
    run.add_argument(
        "--drive", metavar="left|right", help="the driver's side of the car display (left)"
    )
    actions = parser.add_argument_group("actions (see README)")
    actions.add_argument("--actions", metavar="FILE", help="which gestures do what; a dry run")
    actions.add_argument("--arm", action="store_const", const=True, help="really send actions")
    actions.add_argument("--state", metavar="NAME", help="a state of FILE, such as parked")
    actions.add_argument(
        "--actions-log", metavar="FILE", help="log (actions.jsonl, with --out there)"
    )
    camera = parser.add_argument_group("camera")
    camera.add_argument("--fps", metavar="HZ", help="frames per second")
    camera.add_argument("--size", metavar="WxH", help="pixels, such as 640x480")
    camera.add_argument("--preset", metavar="NAME", help="RealSense visual preset")
    camera.add_argument("--filter", metavar="NAME,...", help="RealSense post-processing filters")
    add_region(parser.add_argument_group("region of interest"))
    depth = parser.add_argument_group("8-bit depth (never guessed)")
    depth.add_argument(
        "--depth-direction", metavar="brighter|darker", help="what nearer looks like"
    )
    depth.add_argument("--depth-near-mm", metavar="MM", help="distance of the nearest code")
    depth.add_argument("--depth-step-mm", metavar="MM", help="millimetres between two codes")
    parser.add_argument("--version", action="version", version=f"{program} {program_version()}")
    given = vars(parser.parse_args(with_region_joined(argv)))
    return {name.replace("_", "-"): value for name, value in given.items()}
