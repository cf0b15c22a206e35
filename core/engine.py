"""The running system: a capture thread, an engine thread, and what joins them to a view.

| hop | thread | when late |
|---|---|---|
| source -> `RGBDFrame` | capture | live: the oldest waiting frame goes; recording: capture waits |
| every waiting frame -> state, maps, features | engine | always done |
| window -> probabilities -> events | engine | live: skipped, never the state |
| `Snapshot` -> slot of one | engine | newest wins |
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from threadpoolctl import threadpool_limits

from motionrgbd.core.decision import DecisionParameters
from motionrgbd.core.errors import CameraError, UsageError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.pipes import LatestSlot, Pipe, PipeClosedError
from motionrgbd.core.recogniser import Recogniser, Step
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.results import Health, ModalityUse, Percentiles, Snapshot
from motionrgbd.core.sources.source import SeekableSource, Source
from motionrgbd.core.timing import RateMeter, StageClock
from motionrgbd.core.transport import Pacer, Transport
from motionrgbd.models.recipe import Recipe

State = Literal["running", "paused", "finished", "failed"]
Observer = Callable[[Step], None]

LIVE_STALL_S = 0.25  # a pause of the engine this long loses no frame
RECORDING_ROOM = 8  # frames read ahead
_RETRY_S = 0.2  # between two looks at a silent camera
_HEALTH_EVERY = 10  # percentiles cost 0.2 ms a stage


@dataclass(frozen=True, slots=True)
class _Received:
    frame: RGBDFrame
    received_s: float


@dataclass(frozen=True, slots=True)
class _NewStream:
    """The source was moved: what comes next does not continue what came before."""


@dataclass(frozen=True, slots=True)
class _EndOfRecording:
    pass


@dataclass(frozen=True, slots=True)
class _Trouble:
    text: str


_Item = _Received | _NewStream | _EndOfRecording | _Trouble


class Engine:
    """Runs a recogniser over a source in two threads; views poll, observers are called.

    `start`, `stop`, `wait` and the transport are called by the owner's thread; `snapshot`,
    `health`, `state`, `error`, `decide_with` and `limit_to` by any. Observers run in the engine
    thread, for every step.
    pace: a recording is replayed in real time, or as fast as it goes; a live source has its own.
    give_up_after_s: a camera silent for this long ends the run with CameraError; None waits.
    """

    def __init__(
        self,
        source: Source,
        recogniser: Recogniser,
        *,
        pace: Literal["fast", "realtime"] = "fast",
        give_up_after_s: float | None = None,
    ) -> None:
        self._source = source
        self._recogniser = recogniser
        self.info: SourceInfo = source.info
        recogniser.open(self.info)
        live = self.info.live
        room = max(2, math.ceil(LIVE_STALL_S * self.info.fps_hz)) if live else RECORDING_ROOM
        self._pipe: Pipe[_Item] = Pipe(room, lossless=not live)
        self._most_skipped, self._skipped_now = room, 0  # windows in a row
        self._transport = Transport(0.0 if live or pace == "fast" else 1.0)
        self._give_up_after_s = give_up_after_s
        self._slot: LatestSlot[Snapshot] = LatestSlot()
        self._observers: list[Observer] = []
        self._clock = StageClock()
        self._capture_rate, self._engine_rate = RateMeter(), RateMeter()
        self._frames = self._missing = self._skipped = self._steps = self._fallbacks = 0
        self._steps_from: dict[str, int] = {}
        self._use: ModalityUse | None = None
        self._stages: dict[str, Percentiles] = {}
        self._last_index: int | None = None  # of the capture thread
        self._pacer = Pacer(self._transport)
        self._state: State = "running"
        self._ended = threading.Event()
        self.error: Exception | None = None
        self.source_error: str | None = None  # of a camera that is silent now
        self._threads = [
            threading.Thread(target=self._capture, name="capture"),
            threading.Thread(target=self._run, name="engine"),
        ]

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, in the order of the probabilities."""
        return self._recogniser.labels

    @property
    def recipe(self) -> Recipe:
        """The model's recipe."""
        return self._recogniser.recipe

    @property
    def model_name(self) -> str:
        """The model's name."""
        return self._recogniser.recipe.name

    @property
    def provider(self) -> str:
        """What ONNX Runtime really runs on."""
        return self._recogniser.provider

    @property
    def state(self) -> State:
        """Where the run stands."""
        if self._state == "running" and self._transport.paused:
            return "paused"
        return self._state

    @property
    def decision(self) -> DecisionParameters:
        """What the next step is decided by."""
        return self._recogniser.decision

    def decide_with(self, parameters: DecisionParameters) -> None:
        """Decide by these from the next step on. Raises DecisionError where they do not fit."""
        self._recogniser.decide_with(parameters)

    @property
    def region(self) -> RegionOfInterest | None:
        """Where depth counts from the next step on; None: everywhere."""
        return self._recogniser.region

    def limit_to(self, region: RegionOfInterest | None) -> None:
        """Let only depth inside a region count from the next step on; None: all of it.

        Raises RegionError where the source has no depth in millimetres.
        """
        self._recogniser.limit_to(region)

    def add_observer(self, observer: Observer) -> None:
        """Have every step delivered, in the engine thread; call before `start`."""
        self._observers.append(observer)

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End both threads and close the source; under half a second. May be called again."""
        self._transport.set(stopped=True)
        self._pipe.close(discard=True)
        self._source.close()
        for thread in self._threads:
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join()
        self._recogniser.close()
        self._ended.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until the recording is finished or the run failed; False on time-out.

        Raises what ended a failed run.
        """
        ended = self._ended.wait(timeout_s)
        if self.error is not None:
            raise self.error
        return ended

    def snapshot(self) -> Snapshot | None:
        """Return the newest snapshot; the same object until there is a newer one."""
        return self._slot.get()

    def health(self) -> Health:
        """Return how the pipeline is doing now."""
        return self._health_with(self._percentiles())

    def pause(self) -> None:
        """Hold a recording."""
        self._recording("paused")
        self._transport.set(paused=True)

    def resume(self) -> None:
        """Go on."""
        self._transport.set(paused=False)

    def step(self) -> None:
        """Take one frame of a recording and hold."""
        self._recording("stepped")
        self._transport.step()

    def seek(self, timestamp_s: float) -> None:
        """Go on from the first frame at or after this time of the recording."""
        if not isinstance(self._recording("moved"), SeekableSource):
            raise UsageError(f"{self.info.name} cannot be moved: it plays from its start only")
        self._transport.seek(timestamp_s)

    def set_speed(self, factor: float) -> None:
        """1 is real time, 0 as fast as it goes."""
        self._recording("slowed or sped up")
        if not (math.isfinite(factor) and factor >= 0):
            raise UsageError(f"a speed is 0 (as fast as possible) or more, got {factor}")
        self._transport.set(speed=factor)

    def _recording(self, verb: str) -> Source:
        if self.info.live:
            raise UsageError(f"a live camera cannot be {verb}")
        return self._source

    # capture thread

    def _capture(self) -> None:
        try:
            while not self._transport.stopped:
                self._capture_one()
        except PipeClosedError:
            pass
        except Exception as error:
            self._pipe.close(error)

    def _capture_one(self) -> None:
        target = self._transport.take_seek()
        if target is not None:
            assert isinstance(self._source, SeekableSource)
            self._source.seek(target)
            self._last_index = None
            self._pipe.clear()
            self._pipe.put(_NewStream())
        if not self._transport.wait_for_go():
            return
        frame = self._read()
        if frame is None:
            if not self._transport.stopped:
                self._pipe.put(_EndOfRecording())
                self._transport.wait_for_seek()
            return
        self._count(frame)
        if not self.info.live:
            self._pacer.wait_until_due(frame.timestamp_s)
        received = time.monotonic() if frame.arrival_s is None else frame.arrival_s
        self._pipe.put(_Received(frame, received))

    def _count(self, frame: RGBDFrame) -> None:
        if self._last_index is not None:
            self._missing += max(0, frame.index - self._last_index - 1)
        self._last_index = frame.index
        self._frames += 1
        self._capture_rate.tick()

    def _read(self) -> RGBDFrame | None:
        """Read a frame; a silent camera is reported, and asked again until it returns."""
        silent_since: float | None = None
        while True:
            try:
                return self._source.read()
            except CameraError as error:
                now = time.monotonic()
                silent_since = now if silent_since is None else silent_since
                limit = self._give_up_after_s
                if limit is not None and now - silent_since >= limit:
                    raise
                self._pipe.put(_Trouble(str(error)))
                self._transport.sleep(_RETRY_S)
                if self._transport.stopped:
                    return None

    # engine thread

    def _run(self) -> None:
        try:
            # The finder's small products gain nothing from NumPy's threads, which spin between two
            # of them: a core, all the time (measured in real time: 112 % of a core, 16 % without).
            with threadpool_limits(limits=1, user_api="blas"):
                while True:
                    self._handle(self._pipe.get())
        except PipeClosedError as closed:
            if closed.__cause__ is not None:
                self._fail(closed.__cause__)
        except Exception as error:
            self._fail(error)
        finally:
            self._ended.set()

    def _fail(self, error: BaseException) -> None:
        assert isinstance(error, Exception)
        self.error, self._state = error, "failed"
        self._pipe.close(discard=True)
        self._transport.set(stopped=True)

    def _handle(self, item: _Item) -> None:
        match item:
            case _Received(frame, received_s):
                self._recognise(frame, received_s)
            case _NewStream():
                self._recogniser.reset()
                self._state = "running"
                self._ended.clear()
            case _EndOfRecording():
                self._state = "finished"
                self._ended.set()
            case _Trouble(text):
                self.source_error = text
                last = self._slot.get()
                if last is not None:
                    self._slot.set(dataclasses.replace(last, source_error=text))

    def _recognise(self, frame: RGBDFrame, received_s: float) -> None:
        self.source_error = None
        late = self.info.live and len(self._pipe) > 0
        # An engine that never catches up still decides now and then.
        late = late and self._skipped_now < self._most_skipped
        steps = self._recogniser.push(frame, score=not late)
        self._skipped_now = self._skipped_now + len(steps) if late else 0
        self._skipped += len(steps) if late else 0
        if not steps:
            return
        for step in steps:
            self._count_use(step.use)
            for observer in self._observers:
                observer(step)
        self._clock.add("total", time.monotonic() - received_s)
        self._engine_rate.tick()
        self._publish(steps)

    def _count_use(self, use: ModalityUse | None) -> None:
        if use is None:
            return
        name = "+".join(use.used)
        self._steps_from[name] = self._steps_from.get(name, 0) + 1
        if self._use is not None and set(use.used) < set(self._use.used):
            self._fallbacks += 1
        self._use = use

    def _publish(self, steps: list[Step]) -> None:
        if self._steps % _HEALTH_EVERY == 0:
            self._stages = self._percentiles()
        self._steps += 1
        step = steps[-1]
        previous = self._slot.get()
        prediction = step.prediction
        if prediction is None and previous is not None and not step.warming_up:
            prediction = previous.prediction  # this window was skipped
        self._slot.set(
            Snapshot(
                frame=step.frame,
                view=step.view,
                guidance=step.guidance,
                prediction=prediction,
                warming_up=step.warming_up,
                health=self._health_with(self._stages),
                events=tuple(event for each in steps for event in each.events),
                source_error=None,
                use=step.use,
            )
        )

    def _percentiles(self) -> dict[str, Percentiles]:
        return {**self._recogniser.clock.percentiles(), **self._clock.percentiles()}

    def _health_with(self, stages: dict[str, Percentiles]) -> Health:
        return Health(
            frames=self._frames,
            dropped=self._pipe.dropped,
            missing=self._missing,
            skipped=self._skipped,
            capture_hz=self._capture_rate.hz(),
            engine_hz=self._engine_rate.hz(),
            stages=stages,
            provider=self.provider,
            steps_from=dict(self._steps_from),
            fallbacks=self._fallbacks,
        )
