"""The window on the engine that runs in the program."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from on_screen import wait_for
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from motionrgbd.app.gui.engine_view import EngineView
from motionrgbd.app.gui.presenter import Presenter
from motionrgbd.app.gui.run import run_window
from motionrgbd.app.gui.window import MainWindow
from motionrgbd.core.engine import Engine
from motionrgbd.core.errors import CameraError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.sources.source import Source
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.models.bundle import load_bundle


@pytest.fixture(autouse=True)
def no_thread_left(app: QApplication) -> Iterator[None]:
    yield
    assert not {"capture", "engine"} & {t.name for t in threading.enumerate()}


class Pulled:
    """A camera whose cable is pulled after `count` frames."""

    info = SourceInfo("camera", True, 200.0, True, True)

    def __init__(self, count: int) -> None:
        self._recording = recording()
        self._left = count

    def read(self) -> RGBDFrame | None:
        if not self._left:
            raise CameraError("the camera is silent: check its cable")
        self._left -= 1
        return self._recording.read()

    def close(self) -> None:
        self._left = 0


def recording() -> SyntheticRecording:
    return SyntheticRecording(1_000_100, labels=["Tap"], size_px=(64, 48))


@pytest.fixture
def show(tiny_model: Path) -> Iterator[Callable[..., tuple[Engine, MainWindow]]]:
    windows: list[MainWindow] = []

    def shown(source: Source, **options: object) -> tuple[Engine, MainWindow]:
        recogniser = Recogniser(load_bundle(tiny_model), device="cpu")
        engine = Engine(source, recogniser, **options)  # type: ignore[arg-type]
        window = MainWindow(engine.labels)
        windows.append(window)
        presenter = Presenter(engine, window)
        window.show()
        presenter.start()
        return engine, window

    yield shown
    for window in windows:
        window.close()
        window.deleteLater()


def test_a_recording_is_replayed_to_its_end(tiny_model: Path, tmp_path: Path) -> None:
    engine: EngineView = Engine(recording(), Recogniser(load_bundle(tiny_model), device="cpu"))
    picture = tmp_path / "window.png"
    assert run_window(engine, screenshot=picture, close_when_finished=True) == 0
    assert engine.state == "finished"
    assert picture.stat().st_size > 10_000


def test_pause_step_and_seek_show_the_moment_asked_for(
    show: Callable[..., tuple[Engine, MainWindow]],
) -> None:
    engine, window = show(recording(), pace="realtime")
    wait_for(lambda: window.transport.elapsed_s() > 0.4)
    window.transport.toggle_play()
    wait_for(lambda: window.notice_bar.notice().headline == "Paused")
    QTest.qWait(100)
    window.seek_requested.emit(0.2)
    wait_for(lambda: window.transport.elapsed_s() == pytest.approx(0.2, abs=0.02))
    window.transport.step_once()
    wait_for(lambda: window.transport.elapsed_s() == pytest.approx(0.233, abs=0.02))
    shown = window.watch.color_view.scene()
    newest = engine.snapshot()
    assert shown is not None
    assert newest is not None
    assert shown.image is newest.frame.color


def test_play_at_the_end_begins_again(show: Callable[..., tuple[Engine, MainWindow]]) -> None:
    engine, window = show(recording())
    wait_for(lambda: window.notice_bar.notice().headline == "Finished")
    end_s = window.transport.elapsed_s()
    window.transport.set_speed(0.25)
    window.transport.toggle_play()
    wait_for(lambda: window.notice_bar.notice().headline in ("Running", "Warming up"))
    wait_for(lambda: window.transport.elapsed_s() < end_s / 2)
    assert engine.state == "running"


def test_a_pulled_cable_is_said_and_the_window_closes(
    show: Callable[..., tuple[Engine, MainWindow]],
) -> None:
    _, window = show(Pulled(30))
    wait_for(lambda: window.notice_bar.notice().headline == "Source is silent")
    assert "check its cable" in window.notice_bar.notice().detail


def test_a_camera_given_up_is_a_failure(show: Callable[..., tuple[Engine, MainWindow]]) -> None:
    _, window = show(Pulled(10), give_up_after_s=0.1)
    wait_for(lambda: window.notice_bar.notice().headline == "Failed")
    assert "check its cable" in window.notice_bar.notice().detail
