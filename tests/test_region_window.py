"""The region of interest in the window: drawn, typed, remembered, refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from motionrgbd.app.gui.application import application
from motionrgbd.app.gui.region_presenter import RegionPresenter
from motionrgbd.app.gui.window import MainWindow
from motionrgbd.app.live import parse, run
from motionrgbd.app.my_settings import WindowMemory, read_memory, write_memory
from motionrgbd.app.region_shade import RegionShade
from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.engine import Engine
from motionrgbd.core.errors import UsageError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.results import Box, Health, Snapshot
from motionrgbd.models.bundle import load_bundle

CAMERA = Intrinsics(64, 48, 55.0, 55.0, 31.5, 23.5)
INFO = SourceInfo("a take", False, 30.0, True, True, CAMERA, duration_s=10.0)
REGION = RegionOfInterest((-0.15, 0.1), (-0.1, 0.05), (0.3, 0.55))
REMEMBERED = WindowMemory(source="take", region=str(REGION), region_on=True, region_of="take")


class Still:
    """A source whose hand, at 0.5 m, stands before a wall at 1.5 m."""

    def __init__(self, info: SourceInfo = INFO) -> None:
        self.info = info

    def read(self) -> None:
        return None

    def close(self) -> None: ...


def still() -> Snapshot:
    depth = np.full((48, 64), 1500, np.uint16)
    depth[10:30, 40:56] = 500
    color = np.full((48, 64, 3), 200, np.uint8)
    return Snapshot(
        RGBDFrame(color, depth, 0, 0.0), Box(8, 0, 56, 48), {}, None, False, Health(), ()
    )


@dataclass
class Shown:
    window: MainWindow
    engine: Engine
    changes: list[RegionOfInterest | None] = field(default_factory=list)

    def toggle(self) -> None:
        QTest.keyClick(self.window, Qt.Key.Key_B)

    def drag(self, box: Box, *, on: str = "depth_view") -> None:
        """Drag with the mouse from pixel to pixel of the picture."""
        view = getattr(self.window.watch, on)
        points = [
            view.widget_point(x, y).toPoint()
            for x, y in ((box.left_px, box.top_px), (box.right_px, box.bottom_px))
        ]
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=points[0])
        QTest.mouseMove(view, (points[0] + points[1]) / 2)
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=points[1])


@pytest.fixture
def show(tiny_model: Path) -> Iterator[Callable[..., Shown]]:
    app = application()
    shown: list[Shown] = []

    def opened(
        memory: WindowMemory | None = None,
        info: SourceInfo = INFO,
        region: RegionOfInterest | None = None,
    ) -> Shown:
        recogniser = Recogniser(load_bundle(tiny_model), device="cpu", region=region)
        engine = Engine(Still(info), recogniser)
        window = MainWindow(engine.labels)
        one = Shown(window, engine)
        shown.append(one)
        window.set_source(info, "tiny", "CPU")
        action = window.menus.action("watch.use_region")
        presenter = RegionPresenter(engine, window.watch, action, memory)
        presenter.changed.connect(lambda: one.changes.append(engine.region))
        window.set_snapshot(still(), 0.0)
        window.show()
        window.activateWindow()
        assert QTest.qWaitForWindowActive(window, 5000)
        return one

    yield opened
    for one in shown:
        one.engine.stop()
        one.window.close()
        one.window.deleteLater()
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def assert_close(region: RegionOfInterest | None, expected: RegionOfInterest, by_m: float) -> None:
    assert region is not None
    pairs = zip(
        (*region.x_m, *region.y_m, *region.z_m),
        (*expected.x_m, *expected.y_m, *expected.z_m),
        strict=True,
    )
    assert max(abs(a - b) for a, b in pairs) < by_m, f"{region} is not {expected}"


def test_it_begins_with_all_that_is_seen_and_ends_with_everything(
    show: Callable[..., Shown],
) -> None:
    shown = show()
    bar = shown.window.watch.region_bar
    assert shown.engine.region is None
    assert not bar.isVisible()
    shown.toggle()
    assert bar.isVisible()
    whole = RegionOfInterest((-2.327, 2.327), (-1.745, 1.745), (0.1, 4.0))
    assert_close(shown.engine.region, whole, 0.002)
    shown.toggle()
    assert shown.engine.region is None
    assert not bar.isVisible()
    assert shown.changes[-1] is None


@pytest.mark.parametrize("on", ["depth_view", "color_view"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_dragged_box_is_taken_at_what_is_nearest_in_it(
    show: Callable[..., Shown], on: str, mirrored: bool
) -> None:
    shown = show()
    shown.window.show_mirrored(mirrored)
    shown.toggle()
    shown.drag(Box(39.5, 9.5, 55.5, 29.5), on=on)
    expected = RegionOfInterest(
        (8 / 55 * 0.5, 24 / 55 * 0.5), (-14 / 55 * 0.5, 6 / 55 * 0.5), (0.1, 4.0)
    )
    assert_close(shown.engine.region, expected, 0.003)  # as well as widget pixels allow
    assert shown.window.watch.region_bar.region() == shown.engine.region
    shown.drag(Box(20.5, 30.5, 10.5, 40.5), on=on)  # before the wall, and leftwards
    expected = RegionOfInterest(
        (-21 / 55 * 1.5, -11 / 55 * 1.5), (7 / 55 * 1.5, 17 / 55 * 1.5), (0.1, 4.0)
    )
    assert_close(shown.engine.region, expected, 0.01)


def test_where_nothing_is_read_a_box_is_taken_in_the_middle(show: Callable[..., Shown]) -> None:
    shown = show(REMEMBERED)
    shown.drag(Box(10.5, 10.5, 20.5, 20.5))  # the wall is beyond 0.55 m
    expected = RegionOfInterest(
        (-21 / 55 * 0.425, -11 / 55 * 0.425), (-13 / 55 * 0.425, -3 / 55 * 0.425), (0.3, 0.55)
    )
    assert_close(shown.engine.region, expected, 0.003)


def test_clicks_and_slips_draw_no_region(show: Callable[..., Shown]) -> None:
    shown = show(REMEMBERED)
    before = len(shown.changes)
    view = shown.window.watch.depth_view
    at = view.widget_point(30, 20).toPoint()
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=at)
    shown.drag(Box(20, 20, 40, 20))
    shown.drag(Box(45, 12, 45.8, 12.8))
    assert len(shown.changes) == before
    assert shown.engine.region == REGION
    assert shown.window.watch.region_bar.said() == "box too small"
    shown.toggle()
    shown.drag(Box(20, 20, 40, 40))  # switched off, it cannot be drawn
    assert shown.engine.region is None


def test_numbers_are_typed_and_no_span_becomes_empty(show: Callable[..., Shown]) -> None:
    shown = show(REMEMBERED)
    x, _, (near, far) = shown.window.watch.region_bar.fields
    far.setFocus()
    far.selectAll()
    QTest.keyClicks(far, "0.8")
    assert shown.engine.region == REGION  # half a number is none
    QTest.keyClick(far, Qt.Key.Key_Return)
    assert shown.engine.region == replace(REGION, z_m=(0.3, 0.8))
    near.setFocus()
    near.selectAll()
    QTest.keyClicks(near, "5")
    QTest.keyClick(near, Qt.Key.Key_Tab)
    assert shown.engine.region is not None
    assert shown.engine.region.z_m[0] <= 0.79
    x[0].setFocus()
    x[0].selectAll()
    QTest.keyClicks(x[0], "-0.4")  # a minus and a point are keys of the menus elsewhere
    QTest.keyClick(x[0], Qt.Key.Key_Return)
    assert shown.engine.region.x_m == (-0.4, 0.1)
    QTest.keyClick(x[0], Qt.Key.Key_Up)
    assert shown.engine.region.x_m[0] == pytest.approx(-0.35)
    assert shown.window.watch.heat.opacity() == pytest.approx(0.7)


def test_the_region_is_drawn_where_it_is_and_the_rest_is_dark(show: Callable[..., Shown]) -> None:
    shown = show(REMEMBERED)
    view = shown.window.watch.depth_view
    near, far, *edges = view.outlines()
    assert near.first() == near.last()
    assert len(edges) == 4
    corner = QPointF(view.widget_point(31.5 - 0.15 / 0.3 * 55, 23.5 - 0.1 / 0.3 * 55))
    assert (near.first() - corner).manhattanLength() < 0.5
    assert far.boundingRect().width() < near.boundingRect().width()
    shown.window.show_mirrored(True)
    mirrored = view.outlines()[0].first()
    where = view.picture_rect()
    assert mirrored.x() - where.left() == pytest.approx(where.right() - corner.x(), abs=0.5)
    scenes = [shown.window.watch.color_view.scene(), view.scene()]
    for scene in scenes:
        assert scene is not None
        bright = replace(scene, hidden=None).render(64, 48).astype(int)
        dark = bright.sum(axis=2) - scene.render(64, 48).astype(int).sum(axis=2) > 20
        np.testing.assert_array_equal(dark, scene.hidden > 0)
    depth_hidden = scenes[1].hidden  # type: ignore[union-attr]
    assert (depth_hidden[25:40, 10:30] == 255).all()  # the wall is behind
    assert not depth_hidden[15:25, 41:43].any()  # the hand is in it
    assert not scenes[0].hidden[15:25, 20:42].any()  # type: ignore[union-attr, index]
    shown.toggle()
    assert view.outlines() == []
    assert view.scene().hidden is None  # type: ignore[union-attr]


def test_the_fields_fit_the_smallest_window(show: Callable[..., Shown]) -> None:
    shown = show(REMEMBERED)
    hint = shown.window.minimumSizeHint()
    assert (hint.width() <= 1024, hint.height() <= 640) == (True, True), hint
    shown.window.resize(1024, 640)
    QApplication.processEvents()
    assert shown.window.size().toTuple() == (1024, 640)
    bar = shown.window.watch.region_bar
    for label in bar.findChildren(QLabel):
        assert label.width() >= label.fontMetrics().horizontalAdvance(label.text()), label.text()
    for spin in (spin for pair in bar.fields for spin in pair):
        assert spin.lineEdit().width() >= spin.fontMetrics().horizontalAdvance("-65.000")


def test_a_rectangle_is_seen_while_it_is_dragged(show: Callable[..., Shown]) -> None:
    shown = show(REMEMBERED)
    view = shown.window.watch.depth_view

    def picture() -> object:
        QApplication.processEvents()
        return view.grab().toImage()

    before = picture()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=view.widget_point(20, 20).toPoint())
    QTest.mouseMove(view, view.widget_point(30, 30).toPoint())
    assert picture() != before
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=view.widget_point(20, 20).toPoint())
    assert picture() == before


def test_what_is_shown_dark_is_what_does_not_count() -> None:
    frame = still().frame
    shade = RegionShade(REGION, CAMERA.scaled(640, 480))  # the lens may be given for another size
    from motionrgbd.core.region_pixels import RegionLimits

    cut = RegionLimits.of(REGION, CAMERA, 64, 48).cut(frame)
    assert cut.depth is not None
    assert cut.color is not None
    np.testing.assert_array_equal(shade.of(frame, "depth") == 0, cut.depth > 0)
    np.testing.assert_array_equal(shade.of(frame, "color") == 0, cut.color.any(axis=2))
    assert shade.outlines(frame) is shade.outlines(frame)


# ---- remembered ----


def test_a_region_is_found_again_with_its_source(show: Callable[..., Shown]) -> None:
    shown = show(REMEMBERED)
    assert shown.engine.region == REGION
    assert shown.window.watch.region_bar.isVisible()
    assert shown.window.memory(REMEMBERED).region == str(REGION)
    shown.toggle()
    left = shown.window.memory(REMEMBERED)
    assert (left.region, left.region_on, left.region_of) == (str(REGION), False, "take")
    again = show(left)
    assert again.engine.region is None
    again.toggle()
    assert again.engine.region == REGION


def test_another_source_begins_without_and_keeps_none(show: Callable[..., Shown]) -> None:
    other = replace(REMEMBERED, source="realsense")
    shown = show(other)
    assert shown.engine.region is None
    shown.toggle()
    assert shown.engine.region != REGION
    left = shown.window.memory(other)
    assert (left.region_on, left.region_of) == (True, "realsense")


def test_a_source_without_millimetres_says_why_and_keeps_what_was_remembered(
    show: Callable[..., Shown],
) -> None:
    shown = show(REMEMBERED, replace(INFO, intrinsics=None))
    action = shown.window.menus.action("watch.use_region")
    assert not action.isEnabled()
    assert action.text().endswith("(its lens is not known)")
    shown.toggle()
    assert shown.engine.region is None
    assert shown.window.memory(REMEMBERED) == replace(
        REMEMBERED,
        width_px=shown.window.width(),
        height_px=shown.window.height(),
    )


def test_the_command_line_s_region_counts_more_than_the_remembered_one(
    show: Callable[..., Shown],
) -> None:
    asked = RegionOfInterest((-0.5, 0.5), (-0.4, 0.4), (0.2, 0.7))
    shown = show(REMEMBERED, region=asked)
    assert shown.engine.region == asked
    assert shown.window.watch.region_bar.region() == asked


def test_the_window_s_file_keeps_a_region_and_refuses_a_broken_one(tmp_path: Path) -> None:
    path = tmp_path / "window.toml"
    write_memory(path, REMEMBERED)
    assert read_memory(path) == (REMEMBERED, "")
    path.write_text(path.read_text().replace("0.300:0.550", "0.9:0.3"))
    memory, warning = read_memory(path)
    assert memory == WindowMemory()
    assert "got 0.9:0.3" in warning


# ---- command line ----


@pytest.mark.parametrize("argv", [["--region", str(REGION)], [f"--region={REGION}"]])
def test_the_option_is_read(argv: list[str]) -> None:
    assert parse(["--demo", "--headless", *argv]).region == REGION
    assert parse(["--demo", "--headless", "--region", "none"]).region == "none"
    json.dumps(parse(["--demo", "--headless", *argv]).to_json())


@pytest.mark.parametrize(
    ("region", "said"),
    [("0:1", "--region must be none, or X0:X1"), ("0:1,0:1,0.5:0.2", "got 0.5:0.2")],
)
def test_a_wrong_option_is_refused(region: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse(["--demo", "--region", region])


def test_a_settings_file_may_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(f'region = "{REGION}"\n')
    assert parse(["--demo", "--headless", "--config", str(path)]).region == REGION
    path.write_text('demo = true\nregion = "1"\n')
    with pytest.raises(UsageError, match=r"my.toml:2: region must be none, or"):
        parse(["--headless", "--config", str(path)])


def test_a_replay_without_a_lens_refuses_a_region(clip_pair: str, tiny_model: Path) -> None:
    argv = ["--replay", clip_pair, "--depth-direction", "brighter", "--headless"]
    settings = parse([*argv, "--model", str(tiny_model), "--region", str(REGION)])
    with pytest.raises(UsageError, match="depth of 8 bits has no known unit"):
        run(settings)
