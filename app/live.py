"""`motionrgbd-live`: from the command line to a running engine, in a window or without one."""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from motionrgbd.app.command import run_command
from motionrgbd.app.live_options import read_options
from motionrgbd.app.live_play import play
from motionrgbd.app.settings import Settings
from motionrgbd.app.start_settings import start_settings
from motionrgbd.core.decision_parameters import DecisionError, DecisionParameters, overridden
from motionrgbd.core.errors import UsageError

# Libraries that take long to load are imported where they are used: --help must answer at once.
if TYPE_CHECKING:
    from motionrgbd.app.actions import RunActions
    from motionrgbd.app.cockpit.command import RunCockpit
    from motionrgbd.app.demo import DemoReport
    from motionrgbd.app.outputs import RunOutputs
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
    options = read_options(PROGRAM, argv)
    return start_settings(options, options.pop("config"), DEFAULT_MODEL)


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
        cockpit = _open_cockpit(settings, session, window, actions)
        outputs = _open_outputs(settings, session)
        demo = _open_demo(settings, session)
        play(session, settings, window, outputs, demo, cockpit, actions, teaching)
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
    region = settings.region and (engine.region or "none")  # as it was left, not as it was given
    settings = dataclasses.replace(settings, region=region)
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
        region=settings.limited_to,
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


def _open_cockpit(
    settings: Settings, session: Session, window: bool, actions: RunActions | None
) -> RunCockpit | None:
    if not settings.cockpit:
        return None
    from motionrgbd.app.cockpit.command import RunCockpit

    return RunCockpit(
        session.engine,
        _folder(settings),
        window=window,
        actions=actions,
        state=settings.actions_state,
    )


def _open_demo(settings: Settings, session: Session) -> DemoReport | None:
    if not settings.demo:
        return None
    from motionrgbd.app.demo import DemoReport

    folder = settings.out or DEMO_FOLDER
    demo = DemoReport(session.engine, folder, session.bundle.modalities)
    session.engine.add_observer(demo.add)
    return demo


def _check_whole(session: Session) -> None:
    """Tell of a recording that broke off; what was read of it is counted and kept."""
    from motionrgbd.core.sources.source import check_whole

    if session.engine.state == "finished":
        check_whole(session.source)


if __name__ == "__main__":
    sys.exit(main())
