"""The public Python API: what a script needs, under names that stay.

    for event in recognise("demo"):
        print(event.decided_s, event.label, event.score)

Runs without torch and Qt. What a user can get wrong raises one of `ERRORS`, whose text says what
was wrong, what was expected and what to do.
"""

from __future__ import annotations

import importlib.resources
import math
import os
import threading
import warnings
from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any, Literal, get_args

from motionrgbd.calibration.errors import CalibrationError
from motionrgbd.core.decision import bundle_parameters
from motionrgbd.core.decision_parameters import overridden
from motionrgbd.core.engine import Engine
from motionrgbd.core.errors import CameraError, MotionRGBDError, SourceError, UsageError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.pipes import Pipe
from motionrgbd.core.recogniser import Recogniser, Step
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.results import FloatArray, GestureEvent, Prediction
from motionrgbd.core.session import Device
from motionrgbd.core.sources.open import SourceFactory, SourceOptions, open_source
from motionrgbd.core.sources.source import Source, check_whole
from motionrgbd.models.bundle import Bundle, Precision, load_bundle
from motionrgbd.models.errors import ModelFileError

__all__ = [
    "ERRORS",
    "Bundle",
    "CameraError",
    "Device",
    "GestureEvent",
    "Pace",
    "Precision",
    "Prediction",
    "RGBDFrame",
    "RegionOfInterest",
    "ScoredStep",
    "Source",
    "SourceError",
    "SourceFactory",
    "SourceInfo",
    "SourceOptions",
    "default_bundle",
    "load_bundle",
    "open_source",
    "predictions",
    "recognise",
]

Pace = Literal["fast", "realtime"]
AnySource = str | os.PathLike[str] | Source
AnyModel = str | os.PathLike[str] | Bundle | None
AnyRegion = str | RegionOfInterest | None

ERRORS = (MotionRGBDError, ModelFileError, CalibrationError)
"""Everything that a user can get wrong, for an `except`."""

_STALL_S = 60.0  # a loop over a live source may take this long without losing a step
_READ_AHEAD = 32  # steps of a recording that wait for the loop
_LOOK_S = 0.05  # the end of a source is noticed this late at most


@dataclass(frozen=True, slots=True, eq=False)
class ScoredStep:
    """One step of the model's grid: what is likely at a moment, and what was decided there.

    prediction: of all classes; labels: their names in the same order. events: decided here.
    warming_up: the stream is too young for a decision.
    """

    prediction: Prediction
    labels: tuple[str, ...]
    events: tuple[GestureEvent, ...]
    warming_up: bool

    @property
    def timestamp_s(self) -> float:
        """The time of the newest frame, in the source's clock."""
        return self.prediction.timestamp_s

    @property
    def probabilities(self) -> FloatArray:
        """float32 (K,), sums to 1."""
        return self.prediction.probabilities

    @property
    def best(self) -> tuple[str, float]:
        """The likeliest label and its probability."""
        at = int(self.probabilities.argmax())
        return self.labels[at], float(self.probabilities[at])


def recognise(
    source: AnySource,
    model: AnyModel = None,
    *,
    device: Device = "auto",
    precision: Precision = "fp32",
    decision: Mapping[str, Any] | None = None,
    region: AnyRegion = None,
    pace: Pace = "fast",
    options: SourceOptions | None = None,
    give_up_after_s: float | None = 10.0,
) -> Generator[GestureEvent]:
    """Yield the gestures of a source as they are decided, until a recording ends.

    source: what `--replay` or `--camera` takes, "demo", or any object that is a `Source`.
    model: a `.mrgbd` file, a bundle of `load_bundle`, or None for the bundled model.
    device, precision: as `--device` and `--precision`. decision: parameters in place of the
    bundle's, named as in the table `[decision]` of a settings file: {"hold_s": 0.3}.
    region: what lies outside this box in metres before the camera does not count, as with
    `--region`: "-0.3:0.3,-0.2:0.2,0.3:0.9" or a `RegionOfInterest`; None: everything counts. The
    source needs depth in millimetres and a known lens.
    pace: a recording is played "fast", as fast as the loop takes its steps, or in "realtime".
    options: of the source, such as the direction of 8-bit depth.
    give_up_after_s: a camera silent for so long ends the loop with CameraError; None waits for it.

    Everything is opened at the first step, and closed, the source too, where the loop ends: at the
    end of the recording, by `break`, by an error or by the generator's `close`. A recording waits
    for a slow loop; of a live source the oldest steps are lost, with a RuntimeWarning, once a loop
    stands still for a minute. Raises the errors of `ERRORS`.
    """
    steps = predictions(
        source,
        model,
        device=device,
        precision=precision,
        decision=decision,
        region=region,
        pace=pace,
        options=options,
        give_up_after_s=give_up_after_s,
    )
    with closing(steps):
        for step in steps:
            yield from step.events


def predictions(
    source: AnySource,
    model: AnyModel = None,
    *,
    device: Device = "auto",
    precision: Precision = "fp32",
    decision: Mapping[str, Any] | None = None,
    region: AnyRegion = None,
    pace: Pace = "fast",
    options: SourceOptions | None = None,
    give_up_after_s: float | None = 10.0,
) -> Generator[ScoredStep]:
    """Yield every scored step of a source: probabilities and time, and the events decided there.

    Everything else is as for `recognise`.
    """
    with ExitStack() as last_first:
        if isinstance(source, Source):
            last_first.callback(source.close)
        _check_choice("device", device, get_args(Device))
        _check_choice("pace", pace, get_args(Pace))
        recogniser = _recogniser(model, device, precision, decision, region)
        last_first.callback(recogniser.close)
        opened = _opened(source, options)
        last_first.callback(opened.close)
        engine = Engine(opened, recogniser, pace=pace, give_up_after_s=give_up_after_s)
        feed = _Feed(engine)
        last_first.callback(feed.close)
        yield from feed.steps()
        check_whole(opened)


def default_bundle() -> Bundle:
    """Return the model that is installed with the program."""
    # a file of the application's package, none of whose code is needed
    found = importlib.resources.files("motionrgbd.app").joinpath("default.mrgbd")
    with importlib.resources.as_file(found) as path:
        return load_bundle(path)


class _Feed:
    """The steps of an engine, for a loop that takes them one by one.

    `_put` is called by the engine's thread, `_watch` runs in a thread of its own, the rest in
    whichever thread asks for the next step.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        live = engine.info.live
        room = math.ceil(_STALL_S * engine.recipe.fps_hz) if live else _READ_AHEAD
        self._pipe: Pipe[ScoredStep] = Pipe(room, lossless=not live)
        self._lost = 0
        self._asked_by = threading.current_thread()
        self._closed = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watch")
        engine.add_observer(self._put)

    def steps(self) -> Generator[ScoredStep]:
        """Start, and yield until the source ends. Raises what ended a failed run."""
        self._engine.start()
        self._watcher.start()
        while True:
            over = self._engine.state in ("finished", "failed")
            try:
                step = self._pipe.get(0.0 if over else _LOOK_S)
            except TimeoutError:
                if over:
                    self._engine.wait(0.0)
                    return
                continue
            self._tell_losses()
            yield step
            self._asked_by = threading.current_thread()

    def close(self) -> None:
        """End all threads and close the source."""
        self._closed.set()
        self._pipe.close(discard=True)
        self._engine.stop()
        if self._watcher.ident is not None:
            self._watcher.join()

    def _put(self, step: Step) -> None:
        if step.prediction is not None:
            labels = self._engine.labels
            self._pipe.put(ScoredStep(step.prediction, labels, step.events, step.warming_up))

    def _tell_losses(self) -> None:
        lost = self._pipe.dropped - self._lost
        self._lost += lost
        if lost:
            text = f"the loop over {self._engine.info.name} is too slow: {lost} steps were lost"
            warnings.warn(text, RuntimeWarning, stacklevel=2)

    def _watch(self) -> None:
        """Stop where the program ended with its loop unfinished: Python waits for all threads
        before it closes the generator, which would be for ever.
        """
        while not self._closed.wait(_LOOK_S):
            if not threading.main_thread().is_alive() and not self._asked_by.is_alive():
                self._pipe.close(discard=True)
                self._engine.stop()
                return


def _recogniser(
    model: AnyModel,
    device: Device,
    precision: Precision,
    decision: Mapping[str, Any] | None,
    region: AnyRegion,
) -> Recogniser:
    box = RegionOfInterest.parse(region) if isinstance(region, str) else region
    bundle = model if isinstance(model, Bundle) else _loaded(model)
    parameters = overridden(bundle_parameters(bundle), decision or {})
    return Recogniser(bundle, device=device, precision=precision, decision=parameters, region=box)


def _loaded(model: str | os.PathLike[str] | None) -> Bundle:
    return default_bundle() if model is None else load_bundle(model)


def _opened(source: AnySource, options: SourceOptions | None) -> Source:
    return source if isinstance(source, Source) else open_source(os.fspath(source), options=options)


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{name} must be {' or '.join(choices)}, got {value!r}")
