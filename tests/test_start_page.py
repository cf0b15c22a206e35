"""Without a source a window asks for one, opens it, and says why where that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from on_screen import wait_for
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from motionrgbd.app import live
from motionrgbd.app.gui.start_run import StartPresenter, choose_in_window
from motionrgbd.app.gui.start_window import StartWindow
from motionrgbd.app.my_settings import WindowMemory
from motionrgbd.app.settings import Settings
from motionrgbd.app.start_page import (
    LOOKING,
    NO_CAMERA,
    Choice,
    chosen_settings,
    first_choice,
    offers,
    webcam_numbers,
)
from motionrgbd.core.errors import SourceError
from motionrgbd.core.sources.realsense import FoundCamera

D435 = FoundCamera("D435", "1234", "3.2")
MEMORY = WindowMemory(recordings=("/takes/first.bag",), models=("/m/own.mrgbd",))


@pytest.fixture(autouse=True)
def no_thread_left(app: QApplication) -> Iterator[None]:
    yield
    assert not [t for t in threading.enumerate() if t.name.startswith("start")]


@dataclass
class Page:
    """A start page whose cameras and openings the test decides on."""

    memory: WindowMemory = MEMORY
    cameras: list[FoundCamera] = field(default_factory=list)
    problem: Exception | None = None
    asked: list[Settings] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.window = StartWindow()
        self.presenter: StartPresenter[str] = StartPresenter(
            self.window, Settings(), self.memory, lambda: self.cameras, self.open
        )
        self.window.show()
        self.presenter.begin()

    def open(self, settings: Settings) -> str:
        self.asked.append(settings)
        if self.problem is not None:
            raise self.problem
        return "opened"

    def titles(self) -> list[str]:
        items = [self.window.list.item(n) for n in range(self.window.list.count())]
        return [item.text().splitlines()[0] for item in items]

    def looked(self) -> None:
        wait_for(lambda: self.window.note.text() != LOOKING)

    def close(self) -> None:
        self.window.close()
        self.presenter.stop()
        self.window.deleteLater()


@pytest.fixture
def page() -> Iterator[Callable[..., Page]]:
    pages: list[Page] = []

    def make(**options: object) -> Page:
        pages.append(Page(**options))  # type: ignore[arg-type]
        return pages[-1]

    yield make
    for each in pages:
        each.close()


def test_without_a_camera_it_says_what_to_do_and_the_demo_is_chosen(
    page: Callable[..., Page],
) -> None:
    shown = page()
    assert shown.window.note.text() == LOOKING
    shown.looked()
    assert shown.window.note.text() == NO_CAMERA
    assert shown.window.choice() == Choice("demo")
    assert {"Demo", "first.bag"} <= set(shown.titles())
    shown.cameras = [D435]
    QTest.keyClick(shown.window, Qt.Key.Key_F5)
    shown.looked()
    assert shown.window.note.isHidden()
    assert shown.titles()[0] == "D435"
    assert shown.window.choice() == Choice("realsense:1234")


def test_what_somebody_chose_meanwhile_stays_chosen(page: Callable[..., Page]) -> None:
    shown = page(cameras=[D435])
    shown.window.choose("/takes/first.bag")
    shown.looked()
    assert shown.window.choice() == Choice("/takes/first.bag")


def test_what_cannot_be_opened_is_said_and_something_else_can_be(
    page: Callable[..., Page],
) -> None:
    shown = page(problem=SourceError("take.bag is damaged: copy it again"))
    shown.looked()
    shown.window.choose("/other/take.bag")
    assert "take.bag" in shown.titles()
    shown.window.start_button.click()
    assert shown.window.start_button.text() == "Opening …"
    assert not shown.window.start_button.isEnabled()
    wait_for(lambda: bool(shown.window.error.text()))
    assert shown.window.error.text() == "take.bag is damaged: copy it again"
    assert shown.window.start_button.isEnabled()
    shown.problem = None
    shown.window.choose("demo")
    QTest.keyClick(shown.window.list, Qt.Key.Key_Return)
    wait_for(lambda: shown.presenter.opened is not None)
    assert shown.presenter.opened == (Settings(demo=True), "opened")
    assert len(shown.asked) == 2
    assert not shown.window.isVisible()


def test_model_device_and_depth_are_chosen_too(page: Callable[..., Page]) -> None:
    shown = page()
    shown.looked()
    window = shown.window
    window.model.setCurrentIndex(1)
    window.device.setCurrentIndex(1)
    window.precision.setCurrentIndex(1)
    window.direction.setCurrentIndex(2)
    choice = Choice("demo", "/m/own.mrgbd", "cpu", "int8", "darker")
    assert window.choice() == choice
    window.set_choice(Choice("demo"))
    assert window.choice() == Choice("demo", "/m/own.mrgbd")


def test_nothing_is_cut_at_the_smallest_size() -> None:
    window = StartWindow()
    window.set_offers(offers([D435], [0], WindowMemory(recordings=("/x" * 200,))), "demo")
    window.set_note(NO_CAMERA)
    window.set_error("no such file " * 30)
    hint = window.minimumSizeHint()
    assert (hint.width() <= 1024, hint.height() <= 640) == (True, True), hint
    window.show()
    window.resize(1024, 640)
    QApplication.processEvents()
    assert window.note.height() >= window.note.heightForWidth(window.note.width())
    assert window.error.height() >= window.error.heightForWidth(window.error.width())
    window.close()
    window.deleteLater()


def test_a_closed_page_opens_nothing_and_what_came_late_is_closed(tmp_path: Path) -> None:
    closed: list[str] = []
    go = threading.Event()

    def slow(_settings: Settings) -> str:
        go.wait(20)
        return "late"

    def leave() -> None:
        window = next(w for w in QApplication.topLevelWidgets() if isinstance(w, StartWindow))
        window.start_wanted.emit()
        window.close()
        go.set()
        QTest.qWait(300)  # time in which a page that still looked would take it

    QTimer.singleShot(200, leave)
    assert choose_in_window(Settings(), MEMORY, list, slow, closed.append) is None
    assert closed == ["late"]


def test_a_run_without_a_source_asks_and_plays_what_was_chosen(
    clip_pair: str, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen: list[str] = []

    def drive() -> None:
        for window in QApplication.topLevelWidgets():
            if isinstance(window, StartWindow) and window.isVisible() and not chosen:
                window.choose(clip_pair)
                window.direction.setCurrentIndex(1)
                chosen.append(clip_pair)
                window.start_button.click()
            elif window.windowTitle().startswith("color.mkv") and window.isVisible():
                window.close()

    timer = QTimer()
    timer.timeout.connect(drive)
    timer.start(300)
    assert live.main(["--model", str(tiny_model), "--device", "cpu"]) == 0
    timer.stop()
    assert chosen
    assert "color.mkv" in capsys.readouterr().out


# ---- without a window ----


def test_choices_become_settings() -> None:
    before = Settings(replay="old.bag", out=Path("here"))
    camera = chosen_settings(before, Choice("realsense:1", "m.mrgbd", "cpu", "int8"))
    assert (camera.camera, camera.replay, camera.demo) == ("realsense:1", None, False)
    assert (camera.model, camera.device, camera.precision) == (Path("m.mrgbd"), "cpu", "int8")
    assert camera.out == before.out
    assert chosen_settings(before, Choice("webcam:0")).camera == "webcam:0"
    assert chosen_settings(before, Choice("demo")).demo
    take = chosen_settings(before, Choice("a.avi,b.avi", direction="darker"))
    assert (take.replay, take.depth_direction) == ("a.avi,b.avi", "darker")


def test_what_was_open_last_is_offered_first() -> None:
    assert first_choice(Settings(), WindowMemory(), ()).spec == "demo"
    assert first_choice(Settings(), WindowMemory(), [D435]).spec == "realsense:1234"
    last = WindowMemory(source="take.bag", model="m.mrgbd", device="cpu", precision="int8")
    assert first_choice(Settings(), last, [D435]) == Choice("take.bag", "m.mrgbd", "cpu", "int8")
    gone = WindowMemory(source="realsense:9")
    assert first_choice(Settings(), gone, [D435]).spec == "realsense:1234"
    named = Settings(model=Path("own.mrgbd"), device="cuda")
    assert first_choice(named, last, ()).model == "own.mrgbd"
    assert first_choice(named, last, ()).device == "cuda"


def test_webcams_are_those_that_the_system_lists(tmp_path: Path) -> None:
    for name in ("video2", "video0", "videox", "audio1"):
        (tmp_path / name).touch()
    assert webcam_numbers(tmp_path) == [0, 2]
    assert webcam_numbers(tmp_path / "none") == [0]
