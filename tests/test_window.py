"""The window on a running engine: what it shows, what it asks for, and how it ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
from on_screen import pixels
from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from motionrgbd.app.gui.engine_view import EngineState, EngineView, StepView
from motionrgbd.app.gui.menus import MENUS, ShortcutDialog
from motionrgbd.app.gui.presenter import EventBridge, Presenter
from motionrgbd.app.gui.record_presenter import RecordPresenter
from motionrgbd.app.gui.run import run_window
from motionrgbd.app.gui.window import MainWindow, size_on
from motionrgbd.app.my_settings import WindowMemory
from motionrgbd.app.tapped_source import TappedSource
from motionrgbd.core.decision_parameters import DecisionParameters
from motionrgbd.core.errors import OutputError, UsageError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.results import (
    Box,
    GestureEvent,
    GuidanceMap,
    Health,
    ModalityUse,
    Percentiles,
    Prediction,
    Snapshot,
)
from motionrgbd.core.sources.open import open_source
from motionrgbd.models.recipe import HandView, Recipe, RelativeDepth

LABELS = ("left", "right", "up", "down")
RECORDING = SourceInfo("demo", False, 30, True, True, duration_s=10.0, synthetic=True)
CAMERA = SourceInfo("camera", True, 30, True, True)
FPS = 30.0
RECIPE = Recipe("test", FPS, 16, (14, 14), HandView(), RelativeDepth())


@dataclass(frozen=True)
class FedStep:
    prediction: Prediction | None
    events: tuple[GestureEvent, ...]
    timestamp_s: float
    warming_up: bool = False
    use: ModalityUse | None = None


def snapshot(
    number: int, color: bool = True, depth: bool = True, warming_up: bool = False
) -> Snapshot:
    """Return the moment `number`, different from every other one."""
    rng = np.random.default_rng(number)
    t = number / FPS
    frame = RGBDFrame(
        rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) if color else None,
        rng.integers(300, 2000, (48, 64), dtype=np.uint16) if depth else None,
        number,
        t,
    )
    heat = GuidanceMap(
        rng.uniform(0, 2, (14, 14)).astype(np.float32), np.zeros((14, 14), np.int32), (0, 0)
    )
    values = np.full(4, 0.1, np.float32)
    values[number // 15 % 4] = 0.7
    prediction = None if warming_up else Prediction(values, {"depth": values}, number, t)
    events = (GestureEvent(LABELS[number // 15 % 4], 0.7, t - 0.4, t - 0.1, t),)
    health = Health(number + 1, 0, 0, 0, 30.0, 30.0, {"total": Percentiles(12, 15, 20)}, "CPU")
    return Snapshot(
        frame,
        Box(8, 0, 56, 48),
        {"color": heat, "depth": heat},
        prediction,
        warming_up,
        health,
        events if number % 15 == 14 and not warming_up else (),
    )


@dataclass
class Feeder:
    """An engine with a thread of its own that publishes made-up moments."""

    info: SourceInfo = RECORDING
    labels: tuple[str, ...] = LABELS
    provider: str = "CPU"
    model_name: str = "made up"
    recipe: Recipe = RECIPE
    steps: int = 0  # published by the thread, as fast as it goes
    make: Callable[[int], Snapshot] = snapshot
    failure: Exception | None = None
    state: EngineState = "running"
    error: Exception | None = None
    source_error: str | None = None
    region: RegionOfInterest | None = None
    asked: list[object] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._newest: Snapshot | None = None
        self._observers: list[Callable[[StepView], None]] = []
        self._thread = threading.Thread(target=self._run)

    def publish(self, shown: Snapshot) -> None:
        step = FedStep(shown.prediction, shown.events, shown.frame.timestamp_s)
        for observer in self._observers:
            observer(step)
        self._newest = shown

    def _run(self) -> None:
        for number in range(self.steps):
            if self.stopped.is_set():
                return
            self.publish(self.make(number))
        if self.failure is not None:
            self.error, self.state = self.failure, "failed"
        elif self.steps:
            self.state = "finished"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self._thread.join()

    def snapshot(self) -> Snapshot | None:
        return self._newest

    def pause(self) -> None:
        self.state = "paused"

    def resume(self) -> None:
        self.state = "running"

    def step(self) -> None:
        self.asked.append("step")

    def seek(self, timestamp_s: float) -> None:
        if timestamp_s > 9.9:
            raise UsageError("demo cannot be moved: it plays from its start only")
        self.asked.append(("seek", round(timestamp_s, 3)))

    def set_speed(self, factor: float) -> None:
        self.asked.append(("speed", factor))

    @property
    def decision(self) -> DecisionParameters:
        return DecisionParameters()

    def decide_with(self, parameters: DecisionParameters) -> None:
        self.asked.append(parameters)

    def limit_to(self, region: RegionOfInterest | None) -> None:
        self.region = region

    def add_observer(self, callback: Callable[[StepView], None]) -> None:
        self._observers.append(callback)


pytestmark = pytest.mark.usefixtures("app")


@dataclass
class Shown:
    feeder: Feeder
    window: MainWindow
    presenter: Presenter

    def publish(self, *moments: Snapshot) -> None:
        for moment in moments:
            self.feeder.publish(moment)
            self.presenter.poll()

    def activate(self) -> None:
        """Show the window and let the keys go to it."""
        self.window.show()
        self.window.activateWindow()
        assert QTest.qWaitForWindowActive(self.window, 5000)

    def headline(self) -> str:
        self.presenter.poll()
        return self.window.notice_bar.notice().headline


@pytest.fixture
def open_window() -> Iterator[Callable[..., Shown]]:
    windows: list[MainWindow] = []

    def opened(**feeder: object) -> Shown:
        engine = Feeder(**feeder)  # type: ignore[arg-type]
        window = MainWindow(engine.labels)
        windows.append(window)
        return Shown(engine, window, Presenter(engine, window))

    yield opened
    for window in windows:
        window.close()
        window.deleteLater()


def test_the_feeder_is_what_the_window_needs_of_an_engine() -> None:
    engine: EngineView = Feeder()
    assert engine.snapshot() is None


# ---- what is shown ----


def test_a_moment_is_shown_everywhere(open_window: Callable[..., Shown]) -> None:
    shown = open_window()
    assert shown.headline() == "Starting"
    shown.publish(*(snapshot(k) for k in range(31)))
    QApplication.processEvents()
    window = shown.window
    assert shown.headline() == "Running"
    assert window.watch.bars.top() == 2
    assert window.transport.elapsed_s() == pytest.approx(1.0)
    assert window.watch.gestures.rows() == [("0:01.0", "right", "0.70"), ("0:00.5", "left", "0.70")]
    assert window.notice_bar.isEnabled()
    assert "12 ms" in window.summary()
    assert window.identity() == "demo   ·   made up   ·   CPU"


def test_an_older_picture_is_never_shown_after_a_newer_one(
    open_window: Callable[..., Shown],
) -> None:
    shown = open_window()
    scenes = []
    for number in (3, 5, 4, 6):
        shown.publish(snapshot(number))
        scenes.append(shown.window.watch.color_view.scene())
    assert scenes[2] is scenes[1]
    assert scenes[3] is not scenes[1]


def test_times_count_from_the_first_moment_even_if_it_was_never_shown(
    open_window: Callable[..., Shown],
) -> None:
    shown = open_window()
    shown.feeder.publish(snapshot(300))
    shown.feeder.publish(snapshot(330))  # the window was slow: it polls only now
    shown.presenter.poll()
    assert shown.window.transport.elapsed_s() == pytest.approx(1.0)


def test_the_same_snapshot_is_drawn_once(open_window: Callable[..., Shown]) -> None:
    shown = open_window()
    shown.publish(snapshot(1))
    scene = shown.window.watch.depth_view.scene()
    shown.presenter.poll()
    assert shown.window.watch.depth_view.scene() is scene


@pytest.mark.parametrize(("choice", "maps"), [("own", "cd"), ("depth", "dd"), ("off", "--")])
def test_the_chosen_map_lies_over_the_pictures(
    open_window: Callable[..., Shown], choice: str, maps: str
) -> None:
    shown = open_window()
    moment = snapshot(1)
    shown.publish(moment)
    shown.window.watch.heat.set_choice(choice)  # type: ignore[arg-type]
    values = {
        "c": moment.guidance["color"].values,
        "d": moment.guidance["depth"].values,
        "-": None,
    }
    for view, name in zip(
        (shown.window.watch.color_view, shown.window.watch.depth_view), maps, strict=True
    ):
        scene = view.scene()
        assert scene is not None
        assert scene.heat is values[name]
        assert scene.box == moment.view


def test_a_missing_picture_leaves_a_placeholder(open_window: Callable[..., Shown]) -> None:
    shown = open_window(info=SourceInfo("phone", False, 30, True, False, duration_s=3.0))
    shown.publish(snapshot(1, depth=False))
    watch = shown.window.watch
    assert watch.depth_view.scene() is None
    assert watch.color_view.scene() is not None
    there = (watch.color_view.isVisibleTo(watch), watch.depth_view.isVisibleTo(watch))
    assert there == (True, False)  # what the source has is given the room
    watch.heat.set_pictures("depth")
    there = (watch.color_view.isVisibleTo(watch), watch.depth_view.isVisibleTo(watch))
    assert there == (False, True)  # who asks for it is told that there is none


def test_how_things_stand_is_always_said(open_window: Callable[..., Shown]) -> None:
    shown = open_window()
    shown.publish(snapshot(0, warming_up=True))
    assert shown.headline() == "Warming up"
    shown.publish(snapshot(1))
    shown.feeder.pause()
    assert shown.headline() == "Paused"
    assert not shown.window.transport.playing()
    shown.feeder.state = "finished"
    assert shown.headline() == "Finished"
    shown.feeder.state, shown.feeder.error = "failed", RuntimeError("out of memory")
    assert shown.headline() == "Failed"
    assert shown.window.notice_bar.notice().detail == "out of memory"


def test_a_silent_camera_s_last_pictures_fade_until_it_returns(
    open_window: Callable[..., Shown],
) -> None:
    shown = open_window(info=CAMERA)
    shown.publish(snapshot(1))
    shown.activate()
    views = (shown.window.watch.color_view, shown.window.watch.depth_view)
    before = [pixels(view) for view in views]
    shown.feeder.source_error = "the camera was unplugged"
    assert shown.headline() == "Source is silent"
    for view, as_it_was in zip(views, before, strict=True):
        assert pixels(view).std() < 0.7 * as_it_was.std()
    shown.feeder.source_error = None
    assert shown.headline() == "Running"
    for view, as_it_was in zip(views, before, strict=True):
        np.testing.assert_array_equal(pixels(view), as_it_was)


def test_a_live_source_has_no_transport(open_window: Callable[..., Shown]) -> None:
    shown = open_window(info=CAMERA)
    assert shown.window.transport.isHidden()
    shown.publish(snapshot(1))
    shown.activate()
    for keys in (Qt.Key.Key_Space, Qt.Key.Key_Right, Qt.Key.Key_Left):
        QTest.keyClick(shown.window, keys)
    assert shown.feeder.asked == []
    assert shown.feeder.state == "running"


@pytest.mark.parametrize(
    ("screen", "size"),
    [
        ((1920, 1080), (1360, 850)),
        ((1366, 728), (1360, 728)),
        ((1024, 640), (1024, 640)),
        ((800, 600), (1024, 640)),
    ],
)
def test_the_window_opens_no_larger_than_the_screen(
    screen: tuple[int, int], size: tuple[int, int]
) -> None:
    assert size_on(QSize(*screen)).toTuple() == size


@pytest.mark.parametrize("labels", [4, 15, 16, 25, 249])
def test_nothing_is_cut_at_the_smallest_size(
    open_window: Callable[..., Shown], labels: int
) -> None:
    names = tuple(f"a label with a long name {k}" for k in range(labels))
    shown = open_window(labels=names, info=SourceInfo("x" * 300, False, 30, True, True))
    window = shown.window
    window.set_health(
        Health(stages={f"stage {k}": Percentiles(1234, 12345, 123456) for k in range(6)})
    )
    window.watch.show_pipeline()
    hint = window.minimumSizeHint()
    assert (hint.width() <= 1024, hint.height() <= 640) == (True, True), hint
    window.show()
    window.resize(1024, 640)
    QApplication.processEvents()
    assert (window.width(), window.height()) == (1024, 640)
    assert window.watch.health_view.height() >= window.watch.health_view.minimumSizeHint().height()
    assert window.watch.bars.visibleRegion().boundingRect().height() == window.watch.bars.height()


def test_only_the_chosen_picture_is_shown_as_large_as_fits(
    open_window: Callable[..., Shown],
) -> None:
    shown = open_window()
    shown.publish(snapshot(1))
    shown.activate()
    window = shown.window
    narrow = window.watch.depth_view.width()
    QTest.keyClick(window, Qt.Key.Key_C)
    assert (window.watch.color_view.isVisible(), window.watch.depth_view.isVisible()) == (
        True,
        False,
    )
    QTest.keyClick(window, Qt.Key.Key_C)
    QApplication.processEvents()
    assert (window.watch.color_view.isVisible(), window.watch.depth_view.isVisible()) == (
        False,
        True,
    )
    assert window.watch.depth_view.width() > 1.5 * narrow
    QTest.keyClick(window, Qt.Key.Key_C)
    assert window.watch.color_view.isVisible()
    assert window.watch.depth_view.isVisible()


def test_the_timeline_looks_back_while_the_recording_goes_on(
    open_window: Callable[..., Shown],
) -> None:
    shown = open_window()
    shown.publish(*(snapshot(k) for k in range(900)))
    window = shown.window
    shown.activate()
    assert window.watch.timeline.span_s()[1] == pytest.approx(899 / FPS, abs=0.11)
    QTest.keyClick(window, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert window.watch.timeline.is_back()
    there = window.watch.timeline.span_s()
    shown.publish(*(snapshot(k) for k in range(900, 960)))
    assert window.watch.timeline.span_s() == there
    QTest.keyClick(window, Qt.Key.Key_End)
    assert not window.watch.timeline.is_back()
    assert window.watch.timeline.span_s()[1] > 31


def test_the_sensor_s_figures_are_of_the_picture(open_window: Callable[..., Shown]) -> None:
    shown = open_window()
    shown.publish(snapshot(1))
    values = {name: value for name, value, _ in shown.window.watch.sensor_view.rows()}
    assert values["Depth without reading"] == "0.0 %"
    assert values["Brightness of colour"].startswith(("49", "50", "51"))
    assert values["Colour after depth"] == "not told"
    shown.window.show()
    assert not shown.window.watch.sensor_view.isVisible()
    shown.window.watch.show_sensor()
    assert shown.window.watch.sensor_view.isVisible()


def test_the_window_is_left_as_it_will_be_found(open_window: Callable[..., Shown]) -> None:
    memory = WindowMemory(1100, 700, "depth", 0.35, 0.2, False, "color", True, source="demo")
    first = open_window().window
    first.set_memory(memory)
    assert first.memory(WindowMemory(source="demo")) == memory
    assert first.watch.heat.choice() == "depth"
    assert not first.watch.depth_view.isVisibleTo(first)


def test_a_camera_is_recorded_and_what_is_lost_is_counted(
    open_window: Callable[..., Shown], tmp_path: Path
) -> None:
    class Camera:
        info = CAMERA
        number = 0

        def read(self) -> RGBDFrame:
            self.number += 1 if self.number != 5 else 3  # two frames never came
            return snapshot(self.number).frame

        def close(self) -> None: ...

    tapped = TappedSource(Camera())
    shown = open_window(info=CAMERA)
    recorder = RecordPresenter(tapped, shown.window, tmp_path, lambda: "take")
    bar = shown.window.record_bar
    assert bar.isVisibleTo(shown.window)
    shown.activate()
    QTest.keyClick(shown.window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    for _ in range(10):
        tapped.read()
    recorder.poll()
    assert bar.texts()[0].startswith("recording 0:00.4, 10 frames")
    assert bar.texts()[1] == "2 frames lost (2 by the camera)"
    shown.window.close()  # in the middle of it
    assert bar.texts()[2] == f"10 frames, 2 lost are in {tmp_path / 'take'}"
    source = open_source(str(tmp_path / "take"))
    frames = 0
    while source.read() is not None:
        frames += 1
    source.close()
    assert frames == 10
    recorder.toggle()  # the name is taken
    assert "exists already" in bar.texts()[2]


# ---- what is asked for ----


def test_keys_reach_the_engine(open_window: Callable[..., Shown]) -> None:
    shown = open_window()
    shown.publish(*(snapshot(k) for k in range(0, 180, 15)))
    window, asked = shown.window, shown.feeder.asked
    shown.activate()
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert shown.feeder.state == "paused"
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert shown.feeder.state == "running"
    QTest.keyClick(window, Qt.Key.Key_Right)
    QTest.keyClick(window, Qt.Key.Key_Left)
    QTest.keyClick(window, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(window, Qt.Key.Key_Home)
    QTest.keyClick(window, Qt.Key.Key_BracketRight)
    # the last one shown is 5.5 s after the first; five on is beyond what this feeder can seek
    assert asked == ["step", ("seek", 4.5), ("seek", 0.0), ("speed", 2.0)]
    before = window.watch.heat.opacity()
    QTest.keyClick(window, Qt.Key.Key_Minus)
    assert window.watch.heat.opacity() == pytest.approx(before - 0.1)


def test_a_seek_that_cannot_be_done_is_said(open_window: Callable[..., Shown]) -> None:
    shown = open_window()
    shown.publish(snapshot(0))
    shown.window.seek_requested.emit(10.0)
    assert shown.headline() == "Cannot move"
    assert "from its start only" in shown.window.notice_bar.notice().detail


def test_after_a_seek_back_the_earlier_moment_is_shown(open_window: Callable[..., Shown]) -> None:
    shown = open_window()
    shown.publish(snapshot(0), snapshot(200))
    shown.window.seek_requested.emit(6.0)
    earlier = snapshot(180)
    shown.publish(earlier)
    scene = shown.window.watch.color_view.scene()
    assert scene is not None
    assert scene.image is earlier.frame.color
    assert shown.window.transport.elapsed_s() == pytest.approx(6.0)


def test_play_at_the_end_starts_over(open_window: Callable[..., Shown]) -> None:
    shown = open_window()
    shown.publish(snapshot(0), snapshot(200))
    shown.feeder.state = "finished"
    shown.window.transport.toggle_play()
    assert shown.feeder.asked == [("seek", 0.0)]


def test_few_labels_leave_room_for_the_pipeline(open_window: Callable[..., Shown]) -> None:
    window = open_window().window
    window.show()
    assert window.watch.gestures.isVisible()
    assert window.watch.health_view.isVisible()


def test_of_many_labels_the_pipeline_lies_behind_a_tab(open_window: Callable[..., Shown]) -> None:
    window = open_window(labels=tuple(f"label {k}" for k in range(25))).window
    window.show()
    assert window.watch.gestures.isVisible()
    window.watch.show_pipeline()
    assert window.watch.health_view.isVisible()
    window.watch.show_gestures()
    assert window.watch.gestures.isVisible()


def test_every_menu_entry_has_a_method_and_keys_of_its_own(
    open_window: Callable[..., Shown],
) -> None:
    window = open_window().window
    items = [item for _, entries in MENUS for item in entries]
    keys = [key for item in items for key in item.keys]
    assert len(keys) == len(set(keys))
    for item in items:
        assert callable(attrgetter(item.method)(window))


def test_the_shortcuts_are_listed_and_the_list_goes_away(
    open_window: Callable[..., Shown],
) -> None:
    window = open_window().window
    window.show()
    window.show_shortcuts()
    dialog = window.findChild(ShortcutDialog)
    assert dialog is not None
    assert dialog.isVisible()
    dialog.close()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert window.findChild(ShortcutDialog) is None


# ---- threads and the end ----


@pytest.mark.parametrize("polls_before", [0, 1, 2])
def test_the_end_is_told_once_and_after_all_was_shown(
    open_window: Callable[..., Shown], polls_before: int
) -> None:
    shown, ends = open_window(), []
    shown.presenter.ended.connect(lambda: ends.append(1))
    for _ in range(polls_before):
        shown.presenter.poll()
    shown.feeder.publish(snapshot(1))
    shown.feeder.state = "finished"
    for _ in range(5):
        shown.presenter.poll()
    assert ends == [1]
    shown.feeder.state = "running"
    shown.presenter.poll()
    shown.feeder.state = "finished"
    shown.presenter.poll()
    assert ends == [1, 1]


def test_gestures_arrive_from_the_engines_thread_in_the_windows() -> None:
    bridge, threads = EventBridge(), []
    bridge.gesture.connect(
        lambda _: threads.append(threading.current_thread()), Qt.ConnectionType.QueuedConnection
    )
    event = GestureEvent("up", 0.9, 0, 1, 1)
    step = FedStep(None, (event,), 1.0)
    worker = threading.Thread(target=bridge.observe, args=(step,))
    worker.start()
    worker.join()
    assert threads == []
    QTest.qWait(1)
    assert all(t is threading.main_thread() for t in threads)


def test_a_window_that_stalls_loses_old_steps_and_no_memory() -> None:
    bridge = EventBridge()
    moment = snapshot(0)
    for number in range(5000):
        bridge.observe(FedStep(moment.prediction, (), float(number)))
    taken = bridge.take()
    assert len(taken) == 2048
    assert taken[-1][0] == 4999.0
    assert bridge.take() == []


def test_a_recording_is_shown_to_its_end_and_a_screenshot_kept(tmp_path: Path) -> None:
    engine = Feeder(steps=90)
    picture = tmp_path / "window.png"
    assert run_window(engine, screenshot=picture, close_when_finished=True) == 0
    assert engine.stopped.is_set()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000


def test_a_screenshot_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    picture = tmp_path / "no folder" / "window.png"
    with pytest.raises(OutputError, match="no folder"):
        run_window(Feeder(steps=3), screenshot=picture, close_when_finished=True)


def test_closing_the_window_stops_the_engine() -> None:
    engine = Feeder(info=CAMERA, steps=1_000_000)
    QTimer.singleShot(300, lambda: [w.close() for w in QApplication.topLevelWidgets()])
    assert run_window(engine) == 0
    assert engine.stopped.is_set()


def test_a_failed_engine_is_shown_and_raised_after_closing() -> None:
    engine = Feeder(steps=3, failure=RuntimeError("the cable was pulled"))
    with pytest.raises(RuntimeError, match="the cable was pulled"):
        run_window(engine, close_when_finished=True)
    assert engine.stopped.is_set()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_closes_the_window(number: signal.Signals, code: int) -> None:
    before = signal.getsignal(number)
    engine = Feeder(info=CAMERA, steps=1_000_000)

    def send() -> None:
        time.sleep(0.3)
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()
    assert run_window(engine) == code
    sender.join()
    assert engine.stopped.is_set()
    assert signal.getsignal(number) is before


def test_the_slider_is_where_the_recording_is(open_window: Callable[..., Shown]) -> None:
    shown = open_window()
    shown.publish(snapshot(0), snapshot(150))
    slider = shown.window.transport.slider
    assert slider.value() / slider.maximum() == pytest.approx(0.5, abs=0.01)
    shown.window.show()
    QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(1, 8))
    assert shown.feeder.asked == [("seek", pytest.approx(0.0, abs=0.2))]
