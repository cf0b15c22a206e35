"""The running system: order, losses, ends, and a replay that is the same every time."""

from __future__ import annotations

import dataclasses
import resource
import threading
import time

import numpy as np
import pytest

from motionrgbd.core.engine import Engine
from motionrgbd.core.errors import CameraError, ModalityError, SourceError, UsageError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.models.bundle import load_bundle

SEED = 1_000_100


@pytest.fixture(scope="module")
def bundle(tiny_model):
    return load_bundle(tiny_model)


def recording(**changes):
    return SyntheticRecording(SEED, labels=["Tap"], size_px=(64, 48), **changes)


class Flashes:
    """A live camera: light and dark by turns, `failures` say at which reads it is silent."""

    def __init__(self, count, hz=200.0, failures=(), live=True, has_depth=True):
        self.info = SourceInfo("flashes", live, hz, True, has_depth)
        self._count, self._hz, self._failures = count, hz, set(failures)
        self._next = self._reads = 0
        self._closed = threading.Event()

    def read(self):
        self._reads += 1
        if self._reads in self._failures:
            raise CameraError("the camera is silent: check its cable")
        if self._closed.wait(1 / self._hz) or self._next >= self._count:
            return None
        i = self._next
        self._next += 1
        picture = np.full((24, 32, 3), 255 * (i // 20 % 2), np.uint8)
        arrival = time.monotonic() if self.info.live else None
        return RGBDFrame(picture, np.full((24, 32), 500, np.uint16), i, i / self._hz, arrival)

    def close(self):
        self._closed.set()


def run(source, bundle, **options):
    engine = Engine(source, Recogniser(bundle, device="cpu"), **options)
    steps = []
    engine.add_observer(steps.append)
    engine.start()
    try:
        assert engine.wait(60)
    finally:
        engine.stop()
    return engine, steps


def test_a_replay_takes_every_frame_and_is_the_same_every_time(bundle):
    first, once = run(recording(), bundle)
    _, twice = run(recording(), bundle)
    count = first.info.frame_count
    assert [step.index for step in once] == list(range(count))
    health = first.health()
    assert (health.frames, health.dropped, health.missing, health.skipped) == (count, 0, 0, 0)
    for a, b in zip(once, twice, strict=True):
        assert a.prediction.probabilities.tobytes() == b.prediction.probabilities.tobytes()
        assert a.guidance["depth"].values.tobytes() == b.guidance["depth"].values.tobytes()
        assert a.events == b.events
    assert first.state == "finished"
    assert set(health.stages) == {"prepare", "guidance", "features", "window", "total"}
    assert all(0 < p.p50_ms <= p.p95_ms <= p.p99_ms for p in health.stages.values())


def test_realtime_changes_nothing_but_the_clock(bundle):
    _, fast = run(recording(fps_hz=60.0), bundle)
    engine = Engine(recording(fps_hz=60.0), Recogniser(bundle, device="cpu"), pace="realtime")
    engine.set_speed(8.0)
    slow = []
    engine.add_observer(slow.append)
    begun = time.monotonic()
    engine.start()
    engine.wait(60)
    engine.stop()
    assert time.monotonic() - begun >= engine.info.duration_s / 8.0 * 0.95
    assert [s.prediction.probabilities.tobytes() for s in fast] == [
        s.prediction.probabilities.tobytes() for s in slow
    ]


def test_a_live_camera_loses_the_oldest_and_counts_it(bundle):
    seen = []

    class Slow(Recogniser):
        def push(self, frame, *, score=True):
            seen.append(frame.index)
            time.sleep(0.02)
            return super().push(frame, score=score)

    source = Flashes(200, hz=400.0)
    engine = Engine(source, Slow(bundle, device="cpu"))
    engine.start()
    shown = []
    while not engine.wait(0.005):
        snapshot = engine.snapshot()
        if snapshot is not None:
            shown.append(snapshot.frame.index)
    engine.stop()
    health = engine.health()
    assert health.dropped > 0
    assert health.frames == 200
    assert len(seen) + health.dropped == 200
    assert health.skipped > 0
    assert shown == sorted(shown)  # never an older frame after a newer one
    assert seen[-1] == 199  # the newest is always kept


def test_an_engine_that_never_catches_up_still_predicts(bundle):
    class Slow(Recogniser):
        def push(self, frame, *, score=True):
            time.sleep(0.03)  # three frames of the camera: there is always one waiting
            return super().push(frame, score=score)

    source = Flashes(300, hz=100.0)
    engine = Engine(source, Slow(bundle, device="cpu"))
    scored = []
    engine.add_observer(lambda step: scored.append(step.index) if step.prediction else None)
    engine.start()
    assert engine.wait(60)
    engine.stop()
    # at the stream's two ends nothing waits
    assert [index for index in scored if 30 < index < 290]


def test_a_silent_camera_is_said_and_gone_on_with(bundle):
    engine = Engine(Flashes(60, failures={30, 31}), Recogniser(bundle, device="cpu"))
    engine.start()
    errors = []
    while not engine.wait(0.01):
        snapshot = engine.snapshot()
        errors.append(snapshot.source_error if snapshot else None)
    last = engine.snapshot()
    engine.stop()
    assert "the camera is silent: check its cable" in errors
    assert last.source_error is None
    assert engine.health().frames == 60


def test_a_camera_silent_from_the_start_is_reported(bundle):
    engine = Engine(Flashes(60, failures=range(1, 10_000)), Recogniser(bundle, device="cpu"))
    engine.start()
    assert _soon(lambda: engine.source_error is not None)
    assert "silent" in engine.source_error
    assert engine.snapshot() is None
    engine.stop()


def test_a_camera_that_stays_silent_ends_the_run_where_asked(bundle):
    source = Flashes(60, failures=range(30, 10_000))
    engine = Engine(source, Recogniser(bundle, device="cpu"), give_up_after_s=0.3)
    engine.start()
    with pytest.raises(CameraError, match="silent"):
        engine.wait(10)
    assert engine.state == "failed"
    assert engine.snapshot() is not None
    engine.stop()


def test_what_breaks_a_source_reaches_the_caller(bundle):
    class Broken(Flashes):
        def read(self):
            if self._next == 10:
                raise SourceError("frame 10 is damaged")
            return super().read()

    engine = Engine(Broken(60, hz=30.0, live=False), Recogniser(bundle, device="cpu"))
    steps = []
    engine.add_observer(steps.append)
    engine.start()
    with pytest.raises(SourceError, match="frame 10"):
        engine.wait(10)
    engine.stop()
    assert len(steps) >= 8  # everything before it was recognised and delivered


def test_an_observer_that_raises_ends_the_run(bundle):
    engine = Engine(recording(), Recogniser(bundle, device="cpu"))

    def fail(_step):
        raise OSError("disk full")

    engine.add_observer(fail)
    engine.start()
    with pytest.raises(OSError, match="disk full"):
        engine.wait(10)
    engine.stop()


def test_pause_step_seek(bundle):
    engine = Engine(recording(), Recogniser(bundle, device="cpu"), pace="realtime")
    engine.pause()
    engine.start()
    assert engine.state == "paused"
    assert not engine.wait(0.1)
    assert engine.snapshot() is None
    engine.step()
    assert _soon(lambda: engine.snapshot() is not None)
    assert engine.snapshot().frame.index == 0
    engine.step()
    assert _soon(lambda: engine.snapshot().frame.index == 1)
    engine.seek(2.0)
    assert _soon(lambda: engine.snapshot().frame.timestamp_s == pytest.approx(2.0))
    engine.set_speed(0)
    engine.resume()
    assert engine.wait(30)
    assert engine.state == "finished"
    engine.seek(0.5)  # a finished recording plays again
    assert _soon(lambda: engine.snapshot().frame.timestamp_s < 3.0)
    assert engine.wait(30)
    engine.stop()


def test_after_a_seek_nothing_of_the_past_is_left(bundle):
    """Replaying from a place equals a fresh stream that starts there."""
    engine = Engine(recording(), Recogniser(bundle, device="cpu"))
    steps = []
    engine.add_observer(steps.append)
    engine.start()
    engine.wait(30)
    first = len(steps)
    engine.seek(1.0)
    assert _soon(lambda: len(steps) > first)
    engine.wait(30)
    engine.stop()
    source = recording()
    source.seek(1.0)
    _, fresh = run(source, bundle)
    again = steps[first:]
    assert [s.prediction.probabilities.tobytes() for s in again] == [
        s.prediction.probabilities.tobytes() for s in fresh
    ]


@pytest.mark.parametrize("pace", ["fast", "realtime"])
def test_stop_ends_all_threads_at_once(bundle, pace):
    before = threading.active_count()
    engine = Engine(Flashes(100_000, hz=2.0), Recogniser(bundle, device="cpu"), pace=pace)
    engine.start()
    begun = time.monotonic()
    engine.stop()
    engine.stop()
    assert time.monotonic() - begun < 2.0  # half a second, with room for a loaded machine
    assert threading.active_count() == before


def test_a_model_for_another_modality_is_refused(bundle):
    with pytest.raises(ModalityError, match=r"needs depth.*--model"):
        Engine(Flashes(3, has_depth=False), Recogniser(bundle, device="cpu"))


def test_a_camera_has_no_transport(bundle):
    engine = Engine(Flashes(3), Recogniser(bundle, device="cpu"))
    for call in (engine.pause, engine.step, lambda: engine.seek(1.0), lambda: engine.set_speed(2)):
        with pytest.raises(UsageError, match="live camera"):
            call()
    engine.stop()


def test_a_gap_starts_a_new_stream(bundle):
    recogniser = Recogniser(bundle, device="cpu")
    frames = [Flashes(40, live=False).read() for _ in range(1)]
    source = Flashes(40, live=False, hz=30.0)
    recogniser.open(source.info)
    frames = [source.read() for _ in range(20)]
    whole = [step for f in frames for step in recogniser.push(f)]
    late = [dataclasses.replace(f, timestamp_s=f.timestamp_s + 10.0) for f in frames]
    again = [step for f in late for step in recogniser.push(f)]
    assert [s.prediction.probabilities.tobytes() for s in whole] == [
        s.prediction.probabilities.tobytes() for s in again
    ]


def test_a_new_stream_warms_up_even_where_its_first_windows_are_skipped(bundle):
    recogniser = Recogniser(bundle, device="cpu")
    source = Flashes(2, live=False, hz=30.0)
    recogniser.open(source.info)
    frame = source.read()
    for start_s in (0.0, 100.0):  # the second is a new stream: it knows nothing of the first
        late = dataclasses.replace(frame, timestamp_s=start_s + bundle.recipe.warmup_s + 0.5)
        recogniser.push(dataclasses.replace(frame, timestamp_s=start_s), score=False)
        (*_, step) = recogniser.push(late, score=False)
        assert step.warming_up
        (*_, step) = recogniser.push(dataclasses.replace(late, timestamp_s=late.timestamp_s + 0.1))
        assert not step.warming_up


def test_a_missing_image_is_held_and_a_skipped_index_counted(bundle):
    class Holes(Flashes):
        def read(self):
            frame = super().read()
            if frame is None:
                return None
            if frame.index % 3 == 1:
                return dataclasses.replace(frame, color=None)
            if frame.index % 3 == 2:
                return dataclasses.replace(frame, depth=None)
            return dataclasses.replace(frame, index=frame.index * 2)

    engine, steps = run(Holes(30, live=False), bundle)
    assert engine.health().frames == 30
    assert len(steps) >= 5
    assert all(s.frame.color is not None and s.frame.depth is not None for s in steps)


def test_memory_stays_flat_over_ten_thousand_frames(bundle):
    recogniser = Recogniser(bundle, device="cpu")
    source = Flashes(1, live=False)
    recogniser.open(source.info)
    picture = np.zeros((24, 32, 3), np.uint8)
    depth = np.full((24, 32), 500, np.uint16)

    def push(start, stop):
        for i in range(start, stop):
            recogniser.push(RGBDFrame(picture, depth, i, i / 200.0))

    push(0, 2_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    push(2_000, 12_000)
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kb < 4_000


def _soon(condition, timeout_s=10.0):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return False
