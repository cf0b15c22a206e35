"""Widgets show what is set and tell what is asked of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from on_screen import pixels, shows
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QFontMetricsF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

from motionrgbd.app import overlay
from motionrgbd.app.gui import texts, theme
from motionrgbd.app.gui.bars import MOST_ROWS, ProbabilityBars
from motionrgbd.app.gui.controls import HEAT_CHOICES, HeatControls, RecordBar
from motionrgbd.app.gui.elided import ElidedCheck, ElidedCombo, ElidedLabel, elided_name
from motionrgbd.app.gui.history import History
from motionrgbd.app.gui.menus import MENUS, ShortcutDialog
from motionrgbd.app.gui.panels import NoticeBar, Tabs
from motionrgbd.app.gui.picture import PictureView
from motionrgbd.app.gui.timeline import ScrolledTimeline, Timeline, shares
from motionrgbd.app.gui.transport import SPEEDS, TransportBar
from motionrgbd.app.gui.watch_views import GestureList, HealthView
from motionrgbd.app.overlay import Scene
from motionrgbd.app.tapped_source import RecordingCount
from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.results import Box, GestureEvent, Health, Percentiles, Prediction

RNG = np.random.default_rng(5)
LABELS = ("left", "right", "up", "down")
PROBABILITIES = np.array([0.1, 0.2, 0.6, 0.1], np.float32)
PREDICTION = Prediction(
    PROBABILITIES, {"color": PROBABILITIES[::-1].copy(), "depth": PROBABILITIES}, 1, 1.0
)


pytestmark = pytest.mark.usefixtures("app")


def scene(opacity: float = 0.6) -> Scene:
    heat = RNG.uniform(0, 2, (14, 14)).astype(np.float32)
    image = RNG.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    return Scene(image, Box(8, 0, 56, 48), heat, opacity)


# ---- the list of keys ----


def test_every_key_is_listed_on_a_small_screen() -> None:
    parent = QWidget()
    dialog = ShortcutDialog(parent)
    size = dialog.sizeHint()
    assert size.width() <= 1024
    assert size.height() <= 640
    shown = {label.text() for label in dialog.findChildren(QLabel)}
    assert {item.text.replace("&", "") for _, items in MENUS for item in items} <= shown


# ---- the timeline's past ----


def test_the_timeline_is_scrolled_by_wheel_drag_and_bar_and_returns_by_a_double_click() -> None:
    timeline = Timeline(LABELS)
    scrolled = ScrolledTimeline(timeline)
    scrolled.resize(400, 220)
    scrolled.show()
    history = History(4, 30.0)
    for k in range(1800):
        history.add(k / 30, PROBABILITIES)
    timeline.set_history(history, 0.0)
    scrolled.show_part()
    assert timeline.end_s() == pytest.approx(60, abs=0.1)
    middle = QPoint(200, 50)
    QTest.mousePress(timeline, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(timeline, QPoint(300, 50))
    QTest.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=QPoint(300, 50))
    assert timeline.end_s() == pytest.approx(60 - 15 * 100 / timeline.width(), abs=0.1)
    timeline.scroll_to(-100.0)
    assert timeline.span_s() == (pytest.approx(0, abs=0.05), pytest.approx(15, abs=0.05))
    assert scrolled.bar.value() == 0
    scrolled.bar.setValue(100)
    assert timeline.end_s() == pytest.approx(25, abs=0.2)
    QTest.mouseDClick(timeline, Qt.MouseButton.LeftButton, pos=middle)
    assert not timeline.is_back()
    assert scrolled.bar.value() == scrolled.bar.maximum()
    scrolled.close()


def test_what_lies_back_is_drawn_with_its_own_leading_labels() -> None:
    timeline = Timeline(LABELS)
    timeline.resize(400, 200)
    history = History(4, 30.0)
    for k in range(1200):
        row = np.zeros(4, np.float32)
        row[0 if k < 600 else 3] = 1.0
        history.add(k / 30, row)
    history.mark(GestureEvent("left", 0.9, 5.0, 6.0, 6.0))
    timeline.set_history(history, 0.0)
    assert history.leading() == [3]
    assert history.leading(end_s=19.0) == [0]
    now = pixels(timeline)
    timeline.scroll_to(15.0)
    assert (pixels(timeline) != now).any()


# ---- pictures ----


def test_the_screen_shows_exactly_the_rendered_heat() -> None:
    view = PictureView()
    view.resize(320, 240)
    view.set_outline(False)
    shown = scene()
    view.set_scene(shown)
    assert (pixels(view) == shown.render(320, 240)).all()


def test_a_picture_keeps_its_shape_and_fills_what_it_can() -> None:
    view = PictureView()
    view.resize(500, 240)
    view.set_scene(scene())
    where = view.picture_rect()
    assert (where.width(), where.height()) == (320, 240)
    assert where.center().x() == pytest.approx(250, abs=1)


def test_the_outline_lies_on_the_edge_of_what_the_network_sees() -> None:
    view = PictureView()
    view.resize(320, 240)
    shown = Scene(np.full((48, 64, 3), 90, np.uint8), Box(8, 0, 56, 48))
    view.set_scene(shown)
    changed = (pixels(view) != 90).any(axis=2)
    columns = np.flatnonzero(changed.mean(axis=0) > 0.9)
    assert columns.min() == 40
    assert columns.max() == 279
    assert not changed[10:-10, 50:270].any()


def test_without_a_picture_the_placeholder_is_painted() -> None:
    view = PictureView("this source has no depth")
    view.resize(320, 240)
    empty = pixels(view)
    view.set_placeholder("")
    assert (pixels(view) != empty).any()
    view.set_scene(scene())
    view.set_scene(None)
    assert view.picture_rect().isEmpty()


def test_as_in_a_mirror_left_is_right_and_the_outline_goes_along() -> None:
    view = PictureView()
    view.resize(320, 240)
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :32] = 200
    view.set_scene(Scene(image, Box(0, 0, 16, 48)))
    plain = pixels(view)
    view.set_mirrored(True)
    assert (pixels(view) == plain[:, ::-1]).all()


def test_weak_guidance_is_not_drawn_below_the_threshold() -> None:
    grey = np.full((48, 64, 3), 90, np.uint8)
    heat = np.array([[0.2, 1.8]], np.float32)
    drawn = Scene(grey, Box(0, 0, 64, 48), heat, threshold=0.5).render(64, 48)
    assert (drawn[:, :32] == 90).all()
    assert (drawn[:, 32:] != 90).any()
    assert (Scene(grey, Box(0, 0, 64, 48), heat).render(64, 48)[:, :32] != 90).any()


# ---- bars ----


def test_the_likeliest_label_alone_is_highlighted_and_bars_are_as_long_as_probabilities() -> None:
    bars = ProbabilityBars(LABELS)
    bars.resize(300, 100)
    bars.set_prediction(Prediction(PROBABILITIES, {}, 1, 1.0))
    assert bars.top() == 2
    assert bars.rows() == LABELS
    picture = pixels(bars)
    accent = QColor(theme.LIGHT.accent)
    lit = (picture == (accent.red(), accent.green(), accent.blue())).all(axis=2)
    assert set(np.flatnonzero(lit.any(axis=1)) // int(bars.row_height())) == {2}
    lane = QColor(theme.LIGHT.window)
    track = (picture == (lane.red(), lane.green(), lane.blue())).all(axis=2)
    middle = int(2.5 * bars.row_height())
    lengths = lit[middle].sum(), track[middle].sum()
    assert lengths[0] / sum(lengths) == pytest.approx(0.6, abs=0.02)


def test_ticks_show_what_each_modality_says() -> None:
    bars = ProbabilityBars(LABELS)
    bars.resize(300, 100)
    bars.set_prediction(Prediction(PROBABILITIES, {}, 1, 1.0))
    plain = pixels(bars)
    bars.set_prediction(PREDICTION)
    assert (pixels(bars) != plain).any()
    bars.set_prediction(None)
    assert bars.top() is None


def test_probabilities_of_another_model_are_refused() -> None:
    with pytest.raises(ValueError, match="4 probabilities for 3 labels"):
        ProbabilityBars(LABELS[:3]).set_prediction(PREDICTION)


def test_of_very_many_labels_the_leading_ones_have_a_row() -> None:
    bars = ProbabilityBars([f"label {k}" for k in range(249)])
    assert len(bars.rows()) == MOST_ROWS
    values = np.full(249, 0.5 / 248, np.float32)
    values[200] = 0.5
    bars.set_prediction(Prediction(values, {}, 1, 1.0))
    assert "label 200" in bars.rows()


# ---- timeline ----


def test_the_timeline_draws_curves_gestures_and_the_script() -> None:
    timeline = Timeline(LABELS)
    timeline.resize(400, 180)
    history = History(len(LABELS), 30)
    timeline.set_history(history, 0.0)
    pictures = [pixels(timeline)]
    for k in range(90):
        history.add(k / 30, PROBABILITIES)
    timeline.set_history(history, 0.0)
    pictures.append(pixels(timeline))
    history.mark(GestureEvent("up", 0.9, 1.0, 2.0, 2.1))
    timeline.set_history(history, 0.0)
    pictures.append(pixels(timeline))
    timeline.set_script([ScriptedGesture("up", 1.0, 2.2), ScriptedGesture("odd", 30.0, 31.0)])
    pictures.append(pixels(timeline))
    for earlier, later in itertools.pairwise(pictures):
        assert (earlier != later).any()


def test_the_legend_cuts_long_names_only() -> None:
    assert shares([10, 20, 30], 100) == [10, 20, 30]
    assert shares([10, 200, 300], 100) == [10, 45, 45]
    assert shares([], 100) == []


# ---- panels ----


def test_a_long_line_is_elided_and_whole_in_its_tooltip() -> None:
    label = ElidedLabel("a name that is far too long for the room it has")
    label.resize(120, 20)
    label.grab()
    assert label.shown_text().endswith("…")
    assert label.toolTip() == label.text()
    label.setText("short")
    label.grab()
    assert label.shown_text() == "short"
    assert not label.toolTip()
    label.setToolTip("what it means")
    label.grab()
    assert label.toolTip() == "what it means"


def test_a_sentence_takes_the_lines_it_needs_and_no_more() -> None:
    parent = QWidget()
    layout = QVBoxLayout(parent)
    label = ElidedLabel("copy it again from where it came, or record it again", lines=2)
    layout.addWidget(label)
    wide = label.fontMetrics().horizontalAdvance(label.text())
    parent.resize(wide + 60, 90)
    parent.show()
    one_line_px = label.height()
    parent.resize(wide * 2 // 3 + 60, 90)
    QApplication.processEvents()
    assert label.height() == one_line_px + label.fontMetrics().lineSpacing()
    assert label.shown_text() == label.text()
    assert len(label.shown_lines()) == 2
    assert label.toolTip() == ""
    parent.resize(wide // 3, 90)
    QApplication.processEvents()
    assert len(label.shown_lines()) == 2
    assert label.shown_lines()[1].endswith("…")
    label.grab()
    assert label.toolTip() == label.text()
    label.setText("x" * 300)  # no gap to break it at
    assert len(label.shown_lines()) == 2
    assert label.shown_lines()[0].strip("x") == ""
    parent.close()


def test_names_that_begin_alike_are_told_apart_by_their_ends() -> None:
    metrics = QFontMetricsF(QApplication.font())
    name = "swipe with two fingers to the left"
    room = metrics.horizontalAdvance(name) / 2
    assert elided_name(metrics, name, room).endswith("left")
    assert elided_name(metrics, name, 30).endswith("…")
    assert elided_name(metrics, "tap", 300) == "tap"


def test_a_choice_that_does_not_fit_has_an_ellipsis() -> None:
    combo, check = ElidedCombo(), ElidedCheck()
    combo.addItem("")
    named: list[tuple[QWidget, Callable[[str], None]]] = [
        (combo, lambda text: combo.setItemText(0, text)),
        (check, check.setText),
    ]
    for widget, name in named:
        widget.setFixedSize(110, 24)
        name("parked in the garage below the house")
        widget.show()
        before = pixels(widget)
        name("parked in the cellar below the house")  # differs where nothing is shown
        np.testing.assert_array_equal(pixels(widget), before)
        name("parked in the cellar below the horse")  # and where something is
        assert (pixels(widget) != before).any()
        widget.close()


def test_why_nothing_is_recorded_stands_beside_the_button_in_the_colour_of_errors() -> None:
    bar = RecordBar()
    bar.resize(700, 30)
    bar.show()
    bar.set_said("No space left on device", bad=True)
    QApplication.processEvents()
    assert shows(bar, theme.LIGHT.error)
    (said,) = (s for s in bar.findChildren(ElidedLabel) if s.isVisible())
    assert said.x() < bar.button.geometry().right() + 20
    bar.set_count(RecordingCount(10, 0, 0, 1.0))
    bar.set_said("into a folder")
    assert not shows(bar, theme.LIGHT.error)
    bar.set_count(RecordingCount(10, 2, 0, 1.0))
    assert shows(bar, theme.LIGHT.error)
    bar.close()


def test_the_newest_gesture_is_on_top_and_the_list_is_bounded() -> None:
    gestures = GestureList()
    for k in range(510):
        gestures.add(GestureEvent(f"g{k}", 0.9, k, k + 0.5, k + 0.6), origin_s=0.0)
    rows = gestures.rows()
    assert rows[0] == ("8:29.6", "g509", "0.90")
    assert len(rows) == 500
    gestures.clear()
    assert gestures.rows() == []


def test_the_notice_shows_words_and_tone() -> None:
    bar = NoticeBar()
    bar.resize(600, 32)
    bar.set_badges(("synthetic recording",))
    calm = pixels(bar)
    notice = texts.Notice("error", "Failed", "the camera went away")
    bar.set_notice(notice)
    assert bar.notice() == notice
    assert (pixels(bar) != calm).any()


def test_health_grows_with_its_stages() -> None:
    view = HealthView()
    small = view.minimumSizeHint().height()
    view.set_health(Health(stages={"total": Percentiles(1, 2, 3)}))
    assert view.minimumSizeHint().height() > small
    view.resize(240, 200)
    before = pixels(view)
    view.set_health(Health(stages={"total": Percentiles(4, 5, 6)}))
    assert (pixels(view) != before).any()


def test_tabs_tell_which_is_chosen() -> None:
    tabs, chosen = Tabs(("one", "two")), []
    tabs.chosen.connect(chosen.append)
    tabs.choose(1)
    assert chosen == [1]


# ---- controls ----


def test_heat_choices_say_whose_map_lies_where() -> None:
    heat, changes = HeatControls(), []
    heat.changed.connect(lambda: changes.append(1))
    assert (heat.heat_on("color"), heat.heat_on("depth")) == ("color", "depth")
    heat.set_choice("depth")
    assert (heat.heat_on("color"), heat.heat_on("depth")) == ("depth", "depth")
    heat.set_choice("off")
    assert heat.heat_on("color") is None
    heat.next_choice()
    assert heat.choice() == HEAT_CHOICES[0][0]
    assert len(changes) == 3


def test_opacity_stays_between_none_and_all() -> None:
    heat = HeatControls()
    heat.add_opacity(0.1)
    assert heat.opacity() == pytest.approx(0.8)
    heat.add_opacity(5)
    assert heat.opacity() == 1
    heat.add_opacity(-5)
    assert heat.opacity() == 0


def test_a_click_on_the_slider_asks_for_that_moment() -> None:
    bar, asked = TransportBar(), []
    bar.seek_requested.connect(asked.append)
    bar.resize(700, 40)
    bar.set_duration(20.0)
    bar.set_elapsed(2.0)
    assert bar.elapsed_s() == 2.0
    assert asked == []
    bar.grab()  # lays out
    slider = bar.slider
    QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width() // 2, 8))
    assert asked == [pytest.approx(10.0, abs=0.5)]


def test_a_recording_of_unknown_length_cannot_be_sought() -> None:
    bar = TransportBar()
    bar.set_duration(None)
    assert not bar.slider.isEnabled()


def test_buttons_and_speeds_tell_what_is_wanted() -> None:
    bar, told = TransportBar(), []
    bar.play_toggled.connect(lambda: told.append("play"))
    bar.step_requested.connect(lambda: told.append("step"))
    bar.speed_changed.connect(told.append)
    bar.play_button.click()
    bar.step_button.click()
    for _ in SPEEDS:
        bar.change_speed(1)
    bar.set_speed(0.25)
    assert told == ["play", "step", 2.0, 0.0, 0.25]
    bar.set_playing(False)
    assert not bar.playing()


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_in_both_themes(dark: bool, app: QApplication) -> None:
    """WCAG: 4.5 for text against what it lies on."""
    theme.apply(app, dark)
    colours = theme.theme_of(QWidget())
    assert colours is (theme.DARK if dark else theme.LIGHT)
    texts_on = [
        (colours.text, colours.card), (colours.text, colours.window), (colours.muted, colours.card),
        (colours.muted, colours.window), (colours.on_accent, colours.accent),
    ]  # fmt: skip
    for text, ground in texts_on:
        assert contrast(text, ground) >= 4.5, (text, ground)
    for series in colours.series:
        assert contrast(series, colours.card) >= 3, series


def contrast(a: str, b: str) -> float:
    def luminance(name: str) -> float:
        c = QColor(name)
        linear = [
            v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4
            for v in (c.redF(), c.greenF(), c.blueF())
        ]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    lighter, darker = sorted((luminance(a), luminance(b)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_pictures_of_depth_follow_the_same_code() -> None:
    depth = RNG.integers(0, 3000, (48, 64), dtype=np.uint16)
    view = PictureView()
    view.resize(64, 48)
    view.set_outline(False)
    view.set_scene(Scene(depth, Box(0, 0, 64, 48), range_mm=(300, 2500)))
    assert (pixels(view) == overlay.colour_depth(depth, (300, 2500))).all()
