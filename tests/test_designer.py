"""The decision designer: what is dragged decides at once, and every state can be seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from on_screen import pixels, shows, wait_for
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from motionrgbd.app.decision_design import Counts, Truth
from motionrgbd.app.decision_trace import PredictionScan
from motionrgbd.app.gui import theme
from motionrgbd.app.gui.class_table import ClassRow, ClassTable
from motionrgbd.app.gui.design_presenter import Designing, DesignPresenter
from motionrgbd.app.gui.design_timeline import DesignTimeline
from motionrgbd.app.gui.designer import DesignerPage, FigureRow
from motionrgbd.app.gui.presenter import Presenter
from motionrgbd.app.gui.run import join_designer
from motionrgbd.app.gui.window import MainWindow
from motionrgbd.core.decision import bundle_parameters
from motionrgbd.core.engine import Engine
from motionrgbd.core.errors import OutputError
from motionrgbd.core.frames import RGBDFrame, ScriptedGesture
from motionrgbd.core.matching import JudgedEvent, Outcome
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.results import Box, GestureEvent, Health, Snapshot
from motionrgbd.core.sources.open import open_source
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.models.bundle import load_bundle

TRUTH = (ScriptedGesture("push", 1.0, 1.9),)


pytestmark = pytest.mark.usefixtures("app")


class Shown:
    """A window on the clip pair, which the tiny model takes for a push from its first second on."""

    def __init__(
        self,
        tiny_model: Path,
        clip_pair: str,
        truth: Truth,
        decision: Mapping[str, Any] | None = None,
    ) -> None:
        options = SourceOptions(depth_direction="brighter")
        bundle = load_bundle(tiny_model)
        if decision is not None:
            bundle = dataclasses.replace(bundle, decision={**bundle.decision, **decision})
        self.saved: list[Mapping[str, Any]] = []
        self.refuse = ""

        def opened() -> Any:
            return open_source(clip_pair, options=options)

        self.engine = Engine(opened(), Recogniser(bundle, device="cpu"))
        self.window = MainWindow(self.engine.labels)
        self.presenter = Presenter(self.engine, self.window)
        designing = Designing(
            bundle_parameters(bundle),
            lambda: PredictionScan(opened, Recogniser(bundle, device="cpu")),
            lambda _origin_s: truth,
            self.save,
        )
        designer = join_designer(self.engine, self.window, designing)
        assert designer is not None
        self.designer: DesignPresenter = designer
        self.window.show()
        self.presenter.start()

    def save(self, table: Mapping[str, Any]) -> Path:
        if self.refuse:
            raise OutputError(self.refuse)
        self.saved.append(table)
        return Path("settings.toml")

    def open(self) -> None:
        """Open the designer and wait until the whole recording is decided on."""
        self.window.activateWindow()
        assert QTest.qWaitForWindowActive(self.window, 5000)
        QTest.keyClick(self.window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
        design = self.designer
        wait_for(lambda: design._scan is not None and design._scan.finished)
        wait_for(lambda: design.design is not None and design.design.up_to_date)
        QTest.qWait(120)

    def close(self) -> None:
        self.presenter.stop()
        self.designer.stop()
        self.window.close()
        self.window.deleteLater()


@pytest.fixture
def show(tiny_model: Path, clip_pair: str) -> Iterator[Callable[..., Shown]]:
    opened: list[Shown] = []

    def make(
        truth: Truth = Truth(TRUTH, "the test"),  # noqa: B008
        model: Path = tiny_model,
        decision: Mapping[str, Any] | None = None,
    ) -> Shown:
        opened.append(Shown(model, clip_pair, truth, decision))
        return opened[-1]

    yield make
    for shown in opened:
        shown.close()


def figures(shown: Shown) -> list[str]:
    row = shown.window.designer.figures
    return [f.text() for f in (row.right, row.missed, row.false, row.wrong, row.again)]


def test_dragging_a_threshold_decides_again_and_the_engine_goes_on_with_it(
    show: Callable[..., Shown],
) -> None:
    shown = show()
    shown.open()
    page = shown.window.designer
    assert page.isVisible()
    assert figures(shown)[:2] == ["1 of 1", "0"]
    canvas = page.timeline.canvas
    start = QPoint(canvas.width() // 2, round(canvas.threshold_y("on")))
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(canvas, QPoint(start.x(), 0))  # above the plot: the highest there is
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(start.x(), 0))
    assert shown.engine.decision.on == 1.0
    assert figures(shown)[:2] == ["0 of 1", "1"]
    assert shown.window.designer.state() == "changed: in use now"
    assert canvas.scene().missed == TRUTH
    assert shows(canvas, theme.LIGHT.error)
    page.reset_button.click()
    assert figures(shown)[:2] == ["1 of 1", "0"]
    assert shown.engine.decision == bundle_parameters(load_bundle_of(shown))
    assert not page.reset_button.isEnabled()


def load_bundle_of(shown: Shown) -> Any:
    return shown.engine._recogniser.bundle


def test_a_class_is_decided_by_its_own_threshold(show: Callable[..., Shown]) -> None:
    shown = show()
    shown.open()
    page = shown.window.designer
    page.table.setCurrentCell(2, 0)
    page.timeline.threshold_moved.emit("on", 0.99)
    assert shown.engine.decision.of("push")[0] == 0.99
    assert shown.engine.decision.of("wave")[0] == shown.engine.decision.on
    assert page.table.texts()[2][:2] == ("push", "0.99")
    assert page.timeline.canvas.scene().curves == (2,)
    assert page.reset_class_button.isEnabled()
    assert not page.spins["smoothing_s"].isEnabled()
    page.reset_class_button.click()
    assert shown.engine.decision.classes == {}
    assert not page.reset_class_button.isEnabled()


def test_depth_alone_is_designed_by_what_decides_it(
    show: Callable[..., Shown], tiny_depth_model: Path
) -> None:
    own = {"depth": {"push": {"on": 0.7, "hold_s": 0.1}}}
    shown = show(model=tiny_depth_model, decision={"alone": own})
    shown.open()
    page, depth = shown.window.designer, ("depth",)
    page.table.setCurrentCell(2, 0)
    assert page.table.texts()[2][:2] == ("push", "0.70")
    assert page.spins["hold_s"].value() == 0.1
    page.timeline.threshold_moved.emit("on", 0.99)
    page.spins["hold_s"].setValue(0.25)
    decision = shown.engine.decision
    assert (decision.of("push", depth)[0], decision.of("push", depth)[2]) == (0.99, 0.25)
    assert decision.classes == {}
    assert page.table.texts()[2][:2] == ("push", "0.99")
    page.save_wanted.emit()
    assert shown.saved == [{"alone": {"depth": {"push": {"on": 0.99, "hold_s": 0.25}}}}]
    page.reset_class_button.click()
    assert shown.engine.decision.alone == {}


def test_times_are_set_for_all_and_how_long_it_is_held_for_a_class(
    show: Callable[..., Shown],
) -> None:
    shown = show()
    shown.open()
    page = shown.window.designer
    page.spins["smoothing_s"].setValue(0.25)
    page.spins["hold_s"].setValue(0.5)
    assert (shown.engine.decision.smoothing_s, shown.engine.decision.hold_s) == (0.25, 0.5)
    page.table.setCurrentCell(1, 0)
    page.spins["hold_s"].setValue(0.75)
    assert shown.engine.decision.of("wave")[2] == 0.75
    assert shown.engine.decision.hold_s == 0.5


def test_what_is_read_again_is_decided_as_it_was(show: Callable[..., Shown]) -> None:
    shown = show()
    shown.designer.read_again()  # nothing was read yet
    shown.open()
    page = shown.window.designer
    page.timeline.threshold_moved.emit("on", 0.97)
    before, scan, decided = figures(shown), shown.designer._scan, shown.engine.decision
    shown.designer.read_again()
    again = shown.designer
    assert again._scan is not scan
    wait_for(lambda: again._scan is not None and again._scan.finished)
    wait_for(lambda: again.design is not None and again.design.up_to_date)
    wait_for(lambda: figures(shown) == before)
    assert shown.engine.decision == decided
    assert decided.on == 0.97


def test_keys_move_thresholds_and_save(show: Callable[..., Shown]) -> None:
    shown = show()
    shown.open()
    before = shown.engine.decision
    control = Qt.KeyboardModifier.ControlModifier
    QTest.keyClick(shown.window, Qt.Key.Key_Up, control)
    QTest.keyClick(shown.window, Qt.Key.Key_Down, control | Qt.KeyboardModifier.ShiftModifier)
    after = shown.engine.decision
    assert (after.on, after.off) == pytest.approx((before.on + 0.01, before.off - 0.01))
    QTest.keyClick(shown.window, Qt.Key.Key_S, control)
    assert shown.saved == [{"on": after.on, "off": after.off}]
    assert shown.window.designer.state() == "saved in settings.toml"
    assert not shown.window.designer.save_button.isEnabled()
    QTest.keyClick(shown.window, Qt.Key.Key_Up, control)
    assert shown.window.designer.save_button.isEnabled()
    shown.refuse = "the disk is full"
    QTest.keyClick(shown.window, Qt.Key.Key_S, control)
    assert shown.window.designer.state() == "the disk is full"
    assert shows(shown.window.designer._state, theme.LIGHT.error)
    QTest.keyClick(shown.window, Qt.Key.Key_D, control)
    assert not shown.window.designer.isVisible()
    assert shown.window.watch.bars.isVisible()


def test_without_truth_events_are_counted_and_the_reason_is_said(
    show: Callable[..., Shown],
) -> None:
    shown = show(Truth(problem="no take.labels.csv beside the recording"))
    shown.open()
    events, *others = figures(shown)
    assert events.endswith("events")
    assert set(others) == {"–"}
    assert "no take.labels.csv" in shown.window.designer.figures.truth()
    assert all(row[3:] == ("", "") for row in shown.window.designer.table.texts())


def test_a_recording_that_cannot_be_read_again_is_said_in_its_place(tiny_model: Path) -> None:
    timeline = DesignTimeline()
    timeline.resize(600, 300)
    empty = pixels(timeline)
    timeline.set_scene(reading="take.bag is damaged")
    assert (pixels(timeline) != empty).any()


def test_before_it_can_be_designed_there_is_no_menu_for_it() -> None:
    window = MainWindow(("a", "b"))
    assert not window.menus.menu("Decisions").isVisible()
    window.set_designable(True)
    assert window.menus.menu("Decisions").isVisible()
    window.close()
    window.deleteLater()


# ---- its parts ----


def event(label: str, at_s: float) -> GestureEvent:
    return GestureEvent(label, 0.9, at_s - 0.3, at_s, at_s)


def test_what_is_wrong_is_red_and_what_is_right_is_not() -> None:
    timeline = DesignTimeline()
    timeline.resize(600, 300)
    timeline.set_duration(10.0)
    red = theme.LIGHT.error
    right = JudgedEvent(event("a", 5.0), Outcome.HIT, 0)
    timeline.set_scene(events=(right,), truth=(ScriptedGesture("a", 4, 5),), colours={"a": 2})
    assert not shows(timeline.canvas, red)
    assert shows(timeline.canvas, theme.LIGHT.series[2])
    timeline.set_scene(events=(JudgedEvent(event("a", 5.0), Outcome.FALSE, None),))
    assert shows(timeline.canvas, red)
    timeline.set_scene(events=(), missed=(ScriptedGesture("a", 4, 5),))
    assert shows(timeline.canvas, red)


def test_depth_alone_is_shown_in_its_own_range() -> None:
    page = DesignerPage()
    depth = np.full((48, 64), 700, np.uint16)
    depth[:, 32:] = 900
    frame = RGBDFrame(None, depth, 0, 0.0)
    page.set_snapshot(Snapshot(frame, Box(8, 0, 56, 48), {}, None, False, Health()))
    scene = page.picture.scene()
    assert scene is not None
    assert (scene.image == depth).all()
    assert scene.range_mm == (700, 900)
    page.deleteLater()


def test_a_short_peak_is_never_lost_between_two_pixels() -> None:
    timeline = DesignTimeline()
    timeline.resize(300, 300)
    timeline.set_duration(1000.0)
    rows = np.zeros((30_000, 1), np.float32)
    flat = np.arange(30_000) / 30
    timeline.set_scene(times_s=flat, probabilities=rows, curves=(0,), on=0.9, off=0.9)
    without = pixels(timeline.canvas)
    peak = rows.copy()
    peak[12_345] = 0.6
    timeline.set_scene(probabilities=peak)
    assert (pixels(timeline.canvas) != without).any()


def test_a_click_seeks_and_the_wheel_zooms_around_it() -> None:
    timeline = DesignTimeline()
    timeline.resize(600, 300)
    timeline.set_duration(60.0)
    timeline.show()
    canvas = timeline.canvas
    sought: list[float] = []
    timeline.sought.connect(sought.append)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(canvas.width() // 2, 5))
    assert sought == [pytest.approx(30.0, abs=0.2)]
    timeline.zoom_in()
    assert canvas.axes.shown_s < 60
    timeline.follow(59.0)
    assert canvas.axes.start_s <= 59.0 <= canvas.axes.end_s
    timeline.zoom_out()
    timeline.close()


def test_thresholds_that_lie_on_each_other_can_be_parted_both_ways() -> None:
    timeline = DesignTimeline()
    timeline.resize(600, 300)
    timeline.set_scene(on=0.5, off=0.5)
    canvas = timeline.canvas
    canvas.resize(600, 280)
    moved: list[str] = []
    timeline.threshold_moved.connect(lambda name, _value: moved.append(name))
    y = round(canvas.threshold_y("on"))
    for at in (y - 2, y + 3):
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(50, at))
    assert moved == ["on", "off"]


def test_figures_are_red_where_something_is_wrong() -> None:
    row = FigureRow()
    row.resize(700, 60)
    row.set_counts(Counts(18, 18), 18, "by the script")
    assert not shows(row, theme.LIGHT.error)
    row.set_counts(Counts(18, 17, false=2), 19, "by the script")
    assert [f.text() for f in (row.right, row.missed, row.false)] == ["17 of 18", "1", "2"]
    assert shows(row, theme.LIGHT.error)


@pytest.mark.parametrize("dark", [False, True])
def test_the_table_follows_the_theme(app: QApplication, dark: bool) -> None:
    table = ClassTable()
    rows = [ClassRow("All gestures", 0.6, 0.3, True, Counts(2, 1, wrong=1))]
    table.set_rows(rows, True)
    theme.apply(app, dark=dark)
    app.processEvents()
    assert table.texts() == [("All gestures", "0.60", "0.30", "1 / 2", "1")]
    wanted = theme.DARK if dark else theme.LIGHT
    item = table.item(0, 3)
    assert item is not None
    assert item.foreground().color().name() == QColor(wanted.error).name()
    table.deleteLater()


@pytest.mark.parametrize("labels", [3, 249])
def test_nothing_of_the_designer_is_cut_at_the_smallest_size(labels: int) -> None:
    window = MainWindow([f"a label with a long name {k}" for k in range(labels)])
    window.set_designable(True)
    window.show_designer(True)
    window.show()
    hint = window.minimumSizeHint()
    assert (hint.width() <= 1024, hint.height() <= 640) == (True, True), hint
    window.resize(1024, 640)
    QApplication.processEvents()
    assert (window.width(), window.height()) == (1024, 640)
    page = window.designer
    for button in (page.save_button, page.reset_button, page.reset_class_button):
        assert button.visibleRegion().boundingRect().size() == button.size()
        assert button.width() >= button.minimumSizeHint().width()
    assert window.transport.isVisible()
    window.close()
    window.deleteLater()
