"""`motionrgbd-live`: from the command line to a running engine, in a window or without one."""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from motionrgbd.app.command import Parser, program_version, run_command
from motionrgbd.app.settings import Settings
from motionrgbd.app.start_settings import start_settings
from motionrgbd.core.decision_parameters import DecisionError, DecisionParameters, overridden
from motionrgbd.core.errors import INTERRUPTED_EXIT_CODE, UsageError

# Libraries that take long to load are imported where they are used: --help must answer at once.
if TYPE_CHECKING:
    from motionrgbd.app.actions import RunActions
    from motionrgbd.app.cockpit.command import RunCockpit
    from motionrgbd.app.demo import DemoReport
    from motionrgbd.app.headless import EventPrinter
    from motionrgbd.app.outputs import RunOutputs, RunState
    from motionrgbd.app.tapped_source import TappedSource
    from motionrgbd.core.engine import Engine
    from motionrgbd.core.sources.options import SourceOptions
    from motionrgbd.core.sources.source import Source
    from motionrgbd.models.bundle import Bundle

PROGRAM = "motionrgbd-live"
DEFAULT_MODEL = Path(__file__).with_name("default.mrgbd")
DEMO_FOLDER = Path("demo-output")
_GIVE_UP_AFTER_S = 10.0  # of a silent camera, where nobody looks at a window


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return run_command(PROGRAM, lambda: run(parse(argv)))


def parse(argv: Sequence[str] | None) -> Settings:
    """Read the command line, and the settings file that it may name."""
    parser = Parser(
        PROGRAM,
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
    parser.add_argument_group("region of interest").add_argument(
        "--region",
        metavar="X0:X1,Y0:Y1,Z0:Z1",
        help="a box in metres to the right of the camera, below and before it; the rest does not "
        "count; none: all of it does",
    )
    depth = parser.add_argument_group("8-bit depth (never guessed)")
    depth.add_argument(
        "--depth-direction", metavar="brighter|darker", help="what nearer looks like"
    )
    depth.add_argument("--depth-near-mm", metavar="MM", help="distance of the nearest code")
    depth.add_argument("--depth-step-mm", metavar="MM", help="millimetres between two codes")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {program_version()}")
    options = {k.replace("_", "-"): v for k, v in vars(parser.parse_args(_joined(argv))).items()}
    return start_settings(options, options.pop("config"), DEFAULT_MODEL)


def _joined(argv: Sequence[str] | None) -> list[str]:
    """Return the arguments with a region joined to its option: most begin with -, as options do."""
    given = list(sys.argv[1:] if argv is None else argv)
    if "--region" in given[:-1]:
        at = given.index("--region")
        given[at : at + 2] = [f"--region={given[at + 1]}"]
    return given


def run(settings: Settings) -> int:
    """Run what was asked for; a window may ask for the next one."""
    following: Settings | None = settings
    while following is not None:
        following = _run_one(following) if following.teach is None else _teach(following)
    return 0


def _teach(settings: Settings) -> Settings | None:
    """Teach own gestures; return the run that uses them, where it is wanted."""
    from motionrgbd.app.teach_window import teach_in_window

    taught = teach_in_window(settings)
    if taught is None:
        return None
    source = settings.camera or settings.replay or settings.demo
    replay = settings.replay if source else settings.teach or None
    return dataclasses.replace(settings, teach=None, model=taught, replay=replay)


def _run_one(settings: Settings) -> Settings | None:
    """Run until the source ends or the user stops it; keep results whatever happens.

    Returns the run that follows: with the model that was taught meanwhile, or as it was.
    """
    teaching = threading.Event()
    window = _wants_window(settings)
    opened = _open_first(settings, window)
    if opened is None:
        return None
    settings, session = opened
    engine = session.engine
    _tell_modalities(session)
    actions: RunActions | None = None
    try:
        actions = _open_actions(settings, session, window)
        cockpit = _open_cockpit(settings, session, window)
        outputs = _open_outputs(settings, session)
        demo = _open_demo(settings, session)
        _play(session, settings, window, outputs, demo, cockpit, actions, teaching)
        _check_whole(session)
        if demo is not None:
            print(demo.verdict(finished=engine.state == "finished"), flush=True)
    finally:
        engine.stop()
        if actions is not None:
            actions.close()
    if session.open_other.is_set():
        return dataclasses.replace(settings, camera=None, replay=None, demo=False)
    if not teaching.is_set():
        return None
    return _teach(dataclasses.replace(settings, teach=source_spec(settings))) or settings


@dataclass(frozen=True, slots=True)
class Session:
    """A model on a source. The engine owns the source: `engine.stop` closes it.

    recorder: records a camera that is watched in a window. open_other: set where the user wants
    another source or model next.
    """

    engine: Engine
    bundle: Bundle
    source: Source
    recorder: TappedSource | None = None
    open_other: threading.Event = field(default_factory=threading.Event)


def _open_first(settings: Settings, window: bool) -> tuple[Settings, Session] | None:
    """Open what is asked for; where nothing is, a window asks. None where it was closed instead."""
    given = settings.camera or settings.replay or settings.demo or settings.cockpit
    if window and not given and not settings.close_when_finished:
        from motionrgbd.app.window_extras import choose_session

        return choose_session(settings, lambda chosen: open_session(chosen, window=True))
    settings = _with_source(settings)
    _tell_unused(settings, window)
    return settings, open_session(settings, window=window)


def open_session(settings: Settings, *, window: bool = False) -> Session:
    """Open model and source; the engine is ready to start."""
    from motionrgbd.app.tapped_source import TappedSource
    from motionrgbd.core.engine import Engine
    from motionrgbd.core.recogniser import Recogniser
    from motionrgbd.core.session import check_onnxruntime
    from motionrgbd.core.sources.open import open_source
    from motionrgbd.models.bundle import load_bundle

    check_onnxruntime()  # the quickest to tell
    bundle = load_bundle(settings.model or DEFAULT_MODEL)
    decision = _decision(settings, bundle)
    recogniser = Recogniser(
        bundle,
        device=settings.device,
        precision=settings.precision,
        decision=decision,
        region=None if settings.region == "none" else settings.region,
    )
    source = open_source(source_spec(settings), options=source_options(settings))
    try:
        pace = settings.pace or ("realtime" if window or settings.arm else "fast")
        give_up_after_s = None if window else _GIVE_UP_AFTER_S
        recorder = TappedSource(source) if window and source.info.live else None
        engine = Engine(recorder or source, recogniser, pace=pace, give_up_after_s=give_up_after_s)
    except BaseException:
        source.close()
        raise
    return Session(engine, bundle, source, recorder)


def _decision(settings: Settings, bundle: Bundle) -> DecisionParameters:
    """Return the bundle's decision parameters with those of the settings instead."""
    from motionrgbd.core.decision import bundle_parameters, check_labels

    bundled = bundle_parameters(bundle)
    try:
        parameters = overridden(bundled, settings.decision)
        check_labels(parameters, bundle.labels)
    except DecisionError as error:
        raise UsageError(
            f"[decision] of the settings does not fit the model {bundle.recipe.name!r}: {error}"
        ) from error
    return parameters


def source_spec(settings: Settings) -> str:
    """Return the source as `open_source` names it."""
    if settings.replay and settings.replay.partition(":")[0] in ("demo", "realsense", "webcam"):
        return os.path.join(os.curdir, settings.replay)  # a file of that name
    return settings.camera or settings.replay or "demo"


def source_options(settings: Settings) -> SourceOptions:
    """Return what the settings ask of a source."""
    from motionrgbd.core.sources.options import SourceOptions

    return SourceOptions(
        size_px=settings.size_px,
        fps_hz=settings.fps_hz,
        filters=settings.filters,
        preset=settings.preset,
        depth_direction=settings.depth_direction,
        near_mm=settings.depth_near_mm,
        step_mm=settings.depth_step_mm,
    )


def _with_source(settings: Settings) -> Settings:
    """Choose a source where none was asked for, and say which."""
    if settings.camera or settings.replay or settings.demo:
        return settings
    from motionrgbd.core.sources.realsense import find_cameras

    if find_cameras():
        print("No source was given; a RealSense camera answers: using it.")
        return dataclasses.replace(settings, camera="realsense")
    print("No source was given and no RealSense camera answers: playing the built-in demo.")
    return dataclasses.replace(settings, demo=True)


def _wants_window(settings: Settings) -> bool:
    """Decide between window and headless, and say why there is no window."""
    if settings.headless:
        return False
    from motionrgbd.app.gui.available import why_no_window

    reason = why_no_window()
    if reason is not None:
        print(f"Running without a window: {reason}", file=sys.stderr)
    return reason is None


def _tell_unused(settings: Settings, window: bool) -> None:
    """Name the options that this run has no use for: silence would look like obedience."""
    if settings.screenshot and not window:
        print("--screenshot is not used: there is no window", file=sys.stderr)
    asked = {"size": settings.size_px, "preset": settings.preset, "filter": settings.filters}
    names = " ".join(f"--{name}" for name, value in asked.items() if value)
    if names and not settings.camera:
        print(f"Not used, a recording plays as it is: {names}", file=sys.stderr)


def _tell_modalities(session: Session) -> None:
    """Say at the start what one modality alone means."""
    from motionrgbd.app.modalities import start_text

    text = start_text(session.bundle, session.engine.info)
    if text is not None:
        print(text, flush=True)


def _open_actions(settings: Settings, session: Session, window: bool) -> RunActions | None:
    """Return what gestures do; in a window that may still be written."""
    writable = window and not settings.cockpit
    if settings.actions is None and not writable:
        return None
    from motionrgbd.app.actions import open_actions

    return open_actions(settings, _folder(settings), session.engine.labels, window=writable)


def _folder(settings: Settings) -> Path | None:
    """Return where results go, if they are kept."""
    return settings.out or (DEMO_FOLDER if settings.demo else None)


def _open_outputs(settings: Settings, session: Session) -> RunOutputs | None:
    folder = _folder(settings)
    if folder is None:
        return None
    from motionrgbd.app.outputs import RunOutputs, library_versions

    engine, bundle, info = session.engine, session.bundle, session.engine.info
    facts = {
        "source": {
            "name": info.name,
            "live": info.live,
            "synthetic": info.synthetic,
            "fps_hz": info.fps_hz,
            "frame_count": info.frame_count,
            "duration_s": info.duration_s,
            "depth_encoding": info.depth_encoding,
        },
        "model": {
            "name": engine.model_name,
            "kind": bundle.kind,
            "sha256": bundle.sha256,
            "window_s": bundle.recipe.window_s,
        },
        "decision": engine.decision.to_json(),
        "provider": engine.provider,
        "options": settings.to_json(),
        "versions": library_versions(),
    }
    outputs = RunOutputs(folder, engine.labels, facts)
    engine.add_observer(outputs.add)
    return outputs


def _open_cockpit(settings: Settings, session: Session, window: bool) -> RunCockpit | None:
    if not settings.cockpit:
        return None
    from motionrgbd.app.cockpit.command import RunCockpit

    folder = settings.out or (DEMO_FOLDER if settings.demo else None)
    return RunCockpit(session.engine, folder, window=window)


def _open_demo(settings: Settings, session: Session) -> DemoReport | None:
    if not settings.demo:
        return None
    from motionrgbd.app.demo import DemoReport

    folder = settings.out or DEMO_FOLDER
    demo = DemoReport(session.engine, folder, session.bundle.modalities)
    session.engine.add_observer(demo.add)
    return demo


def _play(
    session: Session,
    settings: Settings,
    window: bool,
    outputs: RunOutputs | None,
    demo: DemoReport | None,
    cockpit: RunCockpit | None,
    actions: RunActions | None,
    teaching: threading.Event,
) -> None:
    """Run to the end, close the results in every case, and say where they are."""
    from motionrgbd.app.headless import (
        EventCounter,
        EventPrinter,
        event_text,
        run_headless,
        run_summary,
    )

    engine, counter = session.engine, EventCounter()
    printer = EventPrinter(demo.describe if demo else event_text)
    engine.add_observer(counter.add)
    engine.add_observer(printer.add)
    state: RunState = "failed"
    try:
        if actions is not None:
            engine.add_observer(actions.add)  # behind the printer: first the event is told
            actions.start(printer.tell)
        if window and cockpit is not None:
            _play_in_cockpit(engine, settings, printer, cockpit)
        elif window:
            _play_in_window(session, settings, printer, teaching, actions)
        else:
            run_headless(engine, printer)
        state = "finished" if engine.state == "finished" else "stopped"
    except (KeyboardInterrupt, SystemExit, BrokenPipeError):
        state = "finished" if engine.state == "finished" else "interrupted"
        raise
    finally:
        engine.stop()
        health = engine.health()
        with ExitStack() as last_first:  # each is done, even where another one fails
            last_first.callback(_say_where, settings, outputs)
            if cockpit is not None:
                last_first.callback(cockpit.close)
            counts = getattr(session.source, "counts", None)
            text = run_summary(engine.info, health, counter.events, counts)
            last_first.callback(print, text, flush=True)
            if demo is not None:
                last_first.callback(demo.close, state)
            if outputs is not None:
                last_first.callback(outputs.close, state, health, engine.error)


def _play_in_window(
    session: Session,
    settings: Settings,
    printer: EventPrinter,
    teaching: threading.Event,
    actions: RunActions | None,
) -> None:
    from motionrgbd.app.gui.run import run_window
    from motionrgbd.app.teach_window import why_not_taught
    from motionrgbd.app.window_extras import window_extras

    engine = session.engine
    try:
        code = run_window(
            engine,
            screenshot=settings.screenshot,
            close_when_finished=settings.close_when_finished,
            on_poll=printer.print_all,
            on_teach=teaching.set,
            why_not_taught="" if session.bundle.memory is not None else why_not_taught(),
            extras=window_extras(settings, session, actions),
        )
    finally:
        engine.stop()
        printer.print_all()
    _end_with(code)


def _play_in_cockpit(
    engine: Engine, settings: Settings, printer: EventPrinter, cockpit: RunCockpit
) -> None:
    try:
        code = cockpit.show(
            printer.print_all,
            screenshot=settings.screenshot,
            close_when_finished=settings.close_when_finished,
            right_hand_drive=settings.drive == "right",
        )
    finally:
        engine.stop()
        printer.print_all()
    _end_with(code)


def _end_with(code: int) -> None:
    """Go on as a window's exit code says: it may stand for a signal."""
    if code == INTERRUPTED_EXIT_CODE:
        raise KeyboardInterrupt
    if code:
        sys.exit(code)  # a polite kill


def _check_whole(session: Session) -> None:
    """Tell of a recording that broke off; what was read of it is counted and kept."""
    from motionrgbd.core.sources.source import check_whole

    if session.engine.state == "finished":
        check_whole(session.source)


def _say_where(settings: Settings, outputs: RunOutputs | None) -> None:
    if outputs is None:
        return
    what = "The recording is synthetic: drawn by this program. " if settings.demo else ""
    print(f"{what}Results are in {outputs.folder}{os.sep}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
