"""Teaching own gestures in the window: from a recording or a camera to spans and a report."""

from __future__ import annotations

import dataclasses
import itertools
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from on_screen import pixels, wait_for
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from motionrgbd.app.activity import ActivityScan
from motionrgbd.app.gui import teach_texts, theme
from motionrgbd.app.gui.span_axes import SpanAxes
from motionrgbd.app.gui.span_timeline import SpanTimeline
from motionrgbd.app.gui.teach_presenter import TeachPresenter
from motionrgbd.app.gui.teach_window import TeachWindow
from motionrgbd.app.gui.window import MainWindow
from motionrgbd.app.gui.workshop import Workshop
from motionrgbd.app.live import main
from motionrgbd.app.my_settings import WindowMemory, window_path, write_memory
from motionrgbd.app.tapped_source import TappedSource
from motionrgbd.app.teach_lesson import lesson_maker
from motionrgbd.app.teaching_session import Limits, Take, TeachingSession
from motionrgbd.core.errors import CameraError, OutputError, SourceError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.labels import NamedSpan, read_spans
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.recorder import FolderRecorder
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.sources.open import open_source
from motionrgbd.core.sources.source import Source
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.core.teaching_examples import read_recording, record
from motionrgbd.models.bundle import load_bundle, write_bundle
from motionrgbd.models.taught import FrameSpace, Memory, SpacePart

SEED = 1_000_018
LIMITS = Limits(least_s=0.2, longest_s=3.2, idle_s=3.0, margin_s=0.3, most=10)
COLOURS = {"push": 0, "wave": 1}
PUSH, WAVE = NamedSpan(1.0, 2.0, "push"), NamedSpan(4.0, 5.0, "wave")


pytestmark = pytest.mark.usefixtures("app")


def performance() -> SyntheticRecording:
    return SyntheticRecording(SEED, labels=("Swipe Right",), size_px=(160, 120))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few seconds with one gesture, as the recorder writes them."""
    folder = tmp_path_factory.mktemp("takes") / "take"
    source = performance()
    recorder = FolderRecorder(folder, source.info)
    while (frame := source.read()) is not None:
        recorder.add(frame)
        while recorder.written < frame.index - 20:  # a recording comes no faster than its disk
            time.sleep(0.001)
    recorder.close()
    assert not recorder.lost
    return folder


@pytest.fixture
def take_folder(recorded: Path, tmp_path: Path) -> Path:
    """The same recording in a folder of its own, without labels."""
    folder = tmp_path / "take"
    folder.symlink_to(recorded, target_is_directory=True)
    return folder


# ---- the part of a recording that is shown ----


@pytest.mark.parametrize("around_s", [0.0, 3.3, 10.0])
def test_zooming_keeps_what_is_looked_at_in_its_place(around_s: float) -> None:
    axes = SpanAxes.all_of(10.0, 500)
    assert not axes.zoomed
    closer = axes.zoomed_by(4, around_s)
    assert closer.shown_s == pytest.approx(2.5)
    assert closer.x(around_s) == pytest.approx(axes.x(around_s))
    assert closer.time_s(closer.x(around_s)) == pytest.approx(around_s)
    for _ in range(20):
        closer = closer.zoomed_by(4, around_s)
    assert closer.shown_s == pytest.approx(0.5)
    assert closer.zoomed_by(1e-6, around_s) == axes


def test_the_view_never_leaves_the_recording() -> None:
    axes = SpanAxes.all_of(10.0, 500).zoomed_by(5, 5.0)
    assert axes.moved_to(-3).start_s == 0
    assert axes.moved_to(30).end_s == pytest.approx(10)
    assert axes.showing(9.0).start_s <= 9.0 <= axes.showing(9.0).end_s
    assert axes.showing(5.0) is axes
    assert axes.of_length(4.0).end_s <= 4.0
    assert SpanAxes.all_of(10.0, 500).of_length(20.0).end_s == 20.0


@pytest.mark.parametrize("whole_s", [0.5, 7.0, 90.0, 5000.0])
def test_times_on_the_ruler_are_apart(whole_s: float) -> None:
    axes = SpanAxes.all_of(whole_s, 600)
    step_s, ticks = axes.ticks(64)
    assert step_s / whole_s * 600 >= 64
    assert ticks[0] == 0
    assert all(axes.start_s <= t <= axes.end_s + 1e-6 for t in ticks)


# ---- the timeline ----


@pytest.fixture
def timeline(app: QApplication) -> Iterator[SpanTimeline]:
    shown = SpanTimeline()
    shown.resize(500, 180)
    shown.grab()  # lays out
    shown.set_recording(10.0, lambda span: (2.0, 8.0) if span == WAVE else (0.0, 4.0))
    shown.set_spans((PUSH, WAVE), None, COLOURS)
    yield shown
    shown.deleteLater()


def place(timeline: SpanTimeline, time_s: float, in_lane: bool) -> QPoint:
    canvas = timeline.canvas
    return QPoint(round(canvas.axes.x(time_s)), canvas.height() - 12 if in_lane else 40)


def drag(timeline: SpanTimeline, start_s: float, end_s: float, in_lane: bool) -> None:
    a, b = (place(timeline, t, in_lane) for t in (start_s, end_s))
    QTest.mousePress(timeline.canvas, Qt.MouseButton.LeftButton, pos=a)
    for share in (0.5, 1.0):
        QTest.mouseMove(timeline.canvas, a + (b - a) * share)
    QTest.mouseRelease(timeline.canvas, Qt.MouseButton.LeftButton, pos=b)


def test_dragging_asks_for_moments_all_the_way(timeline: SpanTimeline) -> None:
    asked: list[float] = []
    timeline.scrubbed.connect(asked.append)
    drag(timeline, 2.0, 8.0, in_lane=False)
    assert asked == pytest.approx([2.0, 5.0, 8.0], abs=0.03)


def test_an_edge_is_dragged_no_further_than_its_neighbour(timeline: SpanTimeline) -> None:
    moved: list[tuple[NamedSpan, float, float]] = []
    timeline.edges_moved.connect(lambda *change: moved.append(change))
    drag(timeline, 4.0, 3.0, in_lane=True)
    drag(timeline, 4.0, 0.5, in_lane=True)
    drag(timeline, 5.0, 9.5, in_lane=True)
    drag(timeline, 5.0, 3.0, in_lane=True)  # not past its other edge
    assert [span for span, _, _ in moved] == [WAVE] * 4
    assert moved[0][1:] == pytest.approx((3.0, 5.0), abs=0.03)
    assert moved[1][1:] == (2.0, 5.0)
    assert moved[2][1:] == (4.0, 8.0)
    assert moved[3][1:] == (4.0, 4.0)


def test_a_click_chooses_a_span_or_none(timeline: SpanTimeline) -> None:
    chosen: list[NamedSpan | None] = []
    named: list[NamedSpan] = []
    timeline.chosen.connect(chosen.append)
    timeline.named.connect(named.append)
    for time_s in (1.5, 3.0, 4.5):
        where = place(timeline, time_s, in_lane=True)
        QTest.mouseClick(timeline.canvas, Qt.MouseButton.LeftButton, pos=where)
    QTest.mouseDClick(timeline.canvas, Qt.MouseButton.LeftButton, pos=where)
    assert chosen[:3] == [PUSH, None, WAVE]
    assert named == [WAVE]


def test_the_wheel_zooms_and_the_view_follows_the_playhead(timeline: SpanTimeline) -> None:
    at = QPointF(place(timeline, 4.0, in_lane=False))
    event = QWheelEvent(
        at, at, QPoint(), QPoint(0, 480), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(timeline.canvas, event)
    axes = timeline.canvas.axes
    assert axes.zoomed
    assert axes.time_s(at.x()) == pytest.approx(4.0, abs=0.03)
    timeline.set_playhead(9.0)
    assert timeline.canvas.axes.start_s <= 9.0 <= timeline.canvas.axes.end_s
    timeline.zoom_all()
    assert not timeline.canvas.axes.zoomed


def test_everything_that_is_set_is_drawn(
    timeline: SpanTimeline, recorded: Path, tiny_model: Path
) -> None:
    recogniser = Recogniser(load_bundle(tiny_model), device="cpu")
    scan = ActivityScan(lambda: open_source(recorded), recogniser)
    scan.start()
    scan.wait()
    changes: list[Callable[[], None]] = [
        lambda: timeline.set_activity(scan.activity()),
        lambda: timeline.set_spans((PUSH, WAVE), WAVE, COLOURS),
        lambda: timeline.set_wrong([PUSH]),
        lambda: timeline.set_mark(6.0),
        lambda: timeline.set_playhead(7.0),
        lambda: timeline.set_mark(6.0, 6.5),
        timeline.zoom_in,
        timeline.clear,
    ]
    pictures = [pixels(timeline)]
    for change in changes:
        change()
        pictures.append(pixels(timeline))
    for number, (before, after) in enumerate(itertools.pairwise(pictures)):
        assert (before != after).any(), f"change {number} is not to be seen"


# ---- what moves when ----


def test_motion_is_found_where_the_gesture_is(recorded: Path, tiny_model: Path) -> None:
    recogniser = Recogniser(load_bundle(tiny_model), device="cpu")
    scan = ActivityScan(lambda: open_source(recorded), recogniser)
    scan.start()
    scan.wait()
    found, info = scan.activity(), performance().info
    assert found.finished
    assert found.error is None
    assert found.frames_s == pytest.approx(np.arange(info.frame_count or 0) / info.fps_hz)
    assert 0 <= found.motion.min() <= found.motion.max() == 1
    gesture = info.script[0]
    during = (found.times_s >= gesture.start_s) & (found.times_s < gesture.end_s)
    at_rest = found.times_s < 1.0
    assert found.motion[during].mean() > 2 * found.motion[at_rest].mean()
    known = found.gesture[np.isfinite(found.gesture)]
    assert len(known) > 0.5 * len(found.gesture)
    assert ((known >= 0) & (known <= 1)).all()


def test_a_recording_that_cannot_be_read_says_why(tiny_model: Path) -> None:
    def broken() -> Source:
        return open_source("no such recording.bag")

    scan = ActivityScan(broken, Recogniser(load_bundle(tiny_model), device="cpu"))
    scan.start()
    scan.wait()
    assert isinstance(scan.activity().error, SourceError)
    scan.stop()


# ---- recording ----


class Camera:
    """The performance as a camera delivers it: live, with a frame missing now and then."""

    def __init__(self, skip: int = 0) -> None:
        self._source = performance()
        self._skip = skip
        self.info = dataclasses.replace(
            self._source.info,
            name="camera",
            live=True,
            duration_s=None,
            frame_count=None,
            script=(),
        )

    def read(self) -> RGBDFrame | None:
        time.sleep(0.001)
        frame = self._source.read()
        if frame is not None and self._skip and frame.index % self._skip == 1:
            frame = self._source.read()
        return frame

    def close(self) -> None:
        self._source.close()


def test_what_is_recorded_is_what_came_between_start_and_stop(tmp_path: Path) -> None:
    tapped = TappedSource(Camera(skip=10))
    tapped.read()
    tapped.start(tmp_path / "take")
    between = [tapped.read() for _ in range(25)]
    count = tapped.stop()
    tapped.read()
    assert (count.frames, count.missing, count.lost) == (25, 2, 0)
    again = open_source(tmp_path / "take")
    stamps = [frame.timestamp_s for frame in iter(again.read, None)]
    assert stamps == [frame.timestamp_s for frame in between if frame is not None]
    assert "25 frames, 2 frames lost" in teach_texts.recording_count(count)
    with pytest.raises(OutputError, match="exists already"):
        tapped.start(tmp_path / "take")
    assert not tapped.recording


def test_a_disk_that_fails_is_told_once_and_ends_the_recording(tmp_path: Path) -> None:
    tapped = TappedSource(Camera())
    tapped.start(tmp_path / "take")
    (tmp_path / "take" / "color").rename(tmp_path / "elsewhere")

    def told() -> bool:
        tapped.read()
        try:
            tapped.count()
        except OutputError:
            return True
        return False

    wait_for(told, "the failure")
    with pytest.raises(OutputError, match="cannot be written"):
        tapped.stop()
    assert not tapped.recording


# ---- what stands in the way of teaching ----


def session_of(*spans: NamedSpan, duration_s: float = 10.0) -> TeachingSession:
    session = TeachingSession(("idle", "Swipe Left"), LIMITS)
    info = SourceInfo("made up", False, 30.0, True, True, duration_s=duration_s)
    take = session.add(Take("demo", info, performance))
    for span in spans:
        take.editor.add(span.start_s, span.end_s, span.label)
    return session


def test_every_obstacle_is_said_beside_what_it_concerns() -> None:
    assert "Add a recording" in TeachingSession((), LIMITS).standing().problems[0]
    assert "Mark each example" in session_of().standing().problems[0]
    short, long = NamedSpan(0.0, 0.1, "push"), NamedSpan(1.0, 4.5, "wave")
    standing = session_of(short, long).standing()
    assert "0:00.0: lasts 0.10 s: 0.2 s is the least" in standing.rows[0].problem
    assert "lasts 3.5 s: the model sees 3.2 s" in standing.rows[1].problem
    assert [s.label for s in standing.wrong] == ["push", "wave"]
    assert not standing.ready
    named = session_of(NamedSpan(1, 2, "swipe left")).standing()
    assert "the name exists, as ‘Swipe Left’" in named.rows[0].problem
    known = session_of(NamedSpan(1, 2, "Swipe Left")).standing()
    assert known.rows[0].known
    assert "knows every gesture" in known.problems[0]
    busy = session_of(PUSH, duration_s=3.0).standing()
    assert "1.4 s of rest between the gestures: 3 s are needed" in busy.problems[0]
    fine = session_of(PUSH, WAVE).standing()
    assert fine.ready
    assert fine.new_labels == ("push", "wave")
    assert "altered copies" in fine.rows[0].note


def test_a_gesture_keeps_its_colour_while_others_come_and_go() -> None:
    session = session_of(NamedSpan(1, 2, "m"))
    editor = session.takes[0].editor
    assert session.colours() == {"m": 0}
    editor.add(3, 4, "a")
    assert session.colours() == {"m": 0, "a": 1}
    editor.delete(editor.spans[0])
    editor.add(5, 6, "z")
    assert session.colours() == {"a": 1, "z": 0}


# ---- the window ----


@dataclasses.dataclass
class Bench:
    """A window with what drives it."""

    window: TeachWindow
    presenter: TeachPresenter
    session: TeachingSession

    def ready(self) -> bool:
        """Whether the recording was read to its end."""
        return self.window.take.timeline.canvas.scene().activity.finished

    def keys(self, *keys: Qt.Key) -> None:
        for key in keys:
            QTest.keyClick(self.window, key)


def opener(spec: str) -> Source:
    if spec == "webcam":
        raise CameraError("no webcam 0 answers: plug it in")
    return Camera() if spec == "realsense" else open_source(spec)


@pytest.fixture
def bench(app: QApplication, tiny_model: Path, tmp_path: Path) -> Iterator[Bench]:
    yield from bench_of(app, tiny_model, tmp_path)


def bench_of(
    app: QApplication, model: Path, folder: Path, region: RegionOfInterest | None = None
) -> Iterator[Bench]:
    bundle = load_bundle(model)
    window = TeachWindow()
    session = TeachingSession(bundle.labels, LIMITS)
    lessons = lesson_maker("cpu", "fp32")
    own = folder / "own"
    workshop = Workshop(
        bundle, opener, lessons, own, device="cpu", region_of=lambda _spec, _info: region
    )
    presenter = TeachPresenter(workshop, session, window)
    window.show()
    app.processEvents()  # an inactive window takes no shortcuts
    presenter.start()
    yield Bench(window, presenter, session)
    window.set_unsaved(False)
    window.close()
    window.deleteLater()
    app.processEvents()


ASIDE = RegionOfInterest((5.0, 6.0), (-0.1, 0.1), (0.1, 0.5))  # no pixel looks there
HALF = RegionOfInterest((-2.0, 0.0), (-2.0, 2.0), (0.1, 4.0))


@pytest.fixture
def aside_bench(app: QApplication, tiny_model: Path, tmp_path: Path) -> Iterator[Bench]:
    """A window that teaches what lies in a region that is not in the picture."""
    yield from bench_of(app, tiny_model, tmp_path, ASIDE)


@pytest.fixture(scope="module")
def depths(recorded: Path) -> list[np.ndarray]:
    source = open_source(recorded)
    return [frame.depth for frame in iter(source.read, None) if frame.depth is not None]


def shown_number(window: TeachWindow, depths: list[np.ndarray]) -> int:
    """Return which frame of the recording is in the picture, by its depth."""
    scene = window.take.depth_view.scene()
    assert scene is not None
    return next(i for i, depth in enumerate(depths) if (scene.image == depth).all())


def test_an_example_is_marked_with_the_keyboard(
    bench: Bench, take_folder: Path, depths: list[np.ndarray]
) -> None:
    bench.presenter.open(str(take_folder))
    wait_for(lambda: bench.window.take.depth_view.scene() is not None, "the first frame")
    assert shown_number(bench.window, depths) == 0
    wait_for(bench.ready, "the recording to be read")
    gesture = performance().info.script[0]
    first, last = round(gesture.start_s * 30), round(gesture.end_s * 30)
    bench.window.take.moment_wanted.emit(first / 30)
    bench.keys(Qt.Key.Key_I)
    bench.window.take.moment_wanted.emit((last - 1) / 30)
    bench.keys(Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_O)
    wait_for(lambda: shown_number(bench.window, depths) == last - 1, "the gesture's last frame")
    assert "Type which gesture" in bench.window.take.marks.said()
    QTest.keyClicks(bench.window.focusWidget(), "thumbs up")
    QTest.keyClick(bench.window.focusWidget(), Qt.Key.Key_Return)
    (span,) = read_spans(take_folder.with_name("take.labels.csv"))
    inside = [i for i in range(200) if span.start_s <= i / 30 < span.end_s]
    assert (span.label, inside) == ("thumbs up", list(range(first, last)))
    assert bench.window.lesson.ready()
    bench.keys(Qt.Key.Key_Delete)
    assert not bench.session.takes[0].spans
    QTest.keyClick(bench.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(bench.session.takes[0].spans) == 1


def test_what_is_refused_is_said_and_changes_nothing(bench: Bench, take_folder: Path) -> None:
    take_folder.with_name("take.labels.csv").write_text("start_s,end_s,label\n1,2,push\n")
    bench.presenter.open(str(take_folder))
    window, marks = bench.window, bench.window.take.marks
    bench.keys(Qt.Key.Key_O)
    assert "begins first (I)" in marks.said()
    window.take.moment_wanted.emit(3.0)
    bench.keys(Qt.Key.Key_I)
    window.take.moment_wanted.emit(2.5)
    bench.keys(Qt.Key.Key_O)
    assert "before the start" in marks.said()
    window.take.moment_wanted.emit(1.5)
    bench.keys(Qt.Key.Key_I)
    window.take.moment_wanted.emit(2.5)
    marks.set_label("wave")
    bench.keys(Qt.Key.Key_O)
    assert "overlaps ‘push’" in marks.said()
    bench.keys(Qt.Key.Key_Escape)
    assert [s.label for s in bench.session.takes[0].spans] == ["push"]


def test_the_recording_plays_to_its_end_and_again(
    bench: Bench, take_folder: Path, depths: list[np.ndarray]
) -> None:
    bench.presenter.open(str(take_folder))
    wait_for(bench.ready, "the recording to be read")
    bench.window.take.transport.change_speed(2)  # as fast as it goes
    bench.keys(Qt.Key.Key_Space)
    wait_for(lambda: bench.window.take.transport.elapsed_s() > 1.0, "some frames")
    wait_for(lambda: not bench.window.take.transport.playing(), "the end")
    last_s = (performance().info.frame_count or 0) / 30 - 1 / 30
    assert bench.window.take.transport.elapsed_s() == pytest.approx(last_s, abs=0.2)
    bench.keys(Qt.Key.Key_Home)
    wait_for(lambda: shown_number(bench.window, depths) == 0, "the first frame")


def test_a_table_that_cannot_be_read_is_named_and_left_alone(
    bench: Bench, take_folder: Path
) -> None:
    table = take_folder.with_name("take.labels.csv")
    table.write_text("start_s,end_s,label\n1,2,push\n1.5,3,wave\n")
    bench.presenter.open(str(take_folder))
    notice = bench.window.notice_bar.notice()
    assert notice.tone == "error"
    assert "take.labels.csv, line 3" in notice.detail
    assert not bench.session.takes
    assert table.read_text().endswith("1.5,3,wave\n")


def test_a_camera_that_does_not_answer_is_said(bench: Bench) -> None:
    bench.window.sources.source_wanted.emit("webcam")
    assert "no webcam 0 answers" in bench.window.notice_bar.notice().detail


def test_examples_are_recorded_from_the_camera_and_then_marked(bench: Bench) -> None:
    bench.presenter.open("realsense")
    wait_for(lambda: bench.window.take.color_view.scene() is not None, "the camera's picture")
    assert not bench.window.take.marks.isEnabled()
    bench.keys(Qt.Key.Key_R)
    wait_for(
        lambda: re.search(r"s, [1-9]\d+ frames", bench.window.sources.counted()), "some frames"
    )
    bench.keys(Qt.Key.Key_R)
    (take,) = bench.session.takes
    assert Path(take.spec).parent.name == "own"
    assert take.info.frame_count is not None
    assert take.info.frame_count > 5
    assert bench.window.take.marks.isEnabled()


def test_what_lies_outside_the_region_is_dark_and_moves_nothing(
    aside_bench: Bench, take_folder: Path
) -> None:
    window = aside_bench.window
    aside_bench.presenter.open(str(take_folder))
    assert "its region of interest is taught, the rest not" in window.notice_bar.notice().detail
    wait_for(lambda: window.take.depth_view.scene() is not None, "the first frame")
    for view in (window.take.color_view, window.take.depth_view):
        scene = view.scene()
        assert scene is not None
        assert scene.hidden is not None
        assert scene.hidden.all()
    wait_for(aside_bench.ready, "the recording to be read")
    activity = window.take.timeline.canvas.scene().activity
    assert not activity.motion.any()
    aside_bench.presenter.open("realsense")
    wait_for(lambda: window.take.color_view.scene() is not None, "the camera's picture")
    assert "only the region of interest counts" in window.notice_bar.notice().detail
    aside_bench.keys(Qt.Key.Key_R)
    wait_for(lambda: re.search(r"s, [1-9]\d+ frames", window.sources.counted()), "some frames")
    aside_bench.keys(Qt.Key.Key_R)
    assert [take.region for take in aside_bench.session.takes] == [ASIDE, ASIDE]


def test_the_smallest_window_cuts_nothing_off(app: QApplication) -> None:
    window = TeachWindow()
    try:
        central = window.centralWidget()
        bar = window.menuBar().sizeHint().height()
        assert central.minimumSizeHint().width() <= 1024
        assert central.minimumSizeHint().height() + bar <= 640
    finally:
        window.deleteLater()


@pytest.mark.parametrize("dark", [False, True])
def test_the_list_of_gestures_follows_the_theme(app: QApplication, dark: bool) -> None:
    theme.apply(app, not dark)
    window = TeachWindow()
    standing = session_of(NamedSpan(1, 2, "<b>push</b>")).standing()
    window.set_standing(standing, {"<b>push</b>": 0}, None)
    theme.apply(app, dark)
    app.processEvents()
    colours = theme.DARK if dark else theme.LIGHT
    text = window.lesson.gestures.toHtml()
    assert colours.series[0] in text
    assert "<b>push</b>" in window.lesson.gestures.toPlainText()
    window.deleteLater()


# ---- teaching ----


@pytest.fixture(scope="module")
def teachable(tiny_patient_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with stored examples that no recording resembles."""
    bundle = load_bundle(tiny_patient_model)
    rng = np.random.default_rng(3)
    basis = np.eye(16, 2, dtype=np.float32)
    parts = {m: SpacePart(np.zeros(16, np.float32), basis, 1.0) for m in ("color", "depth")}
    labels = tuple(label for label in bundle.labels for _ in range(5))
    memory = Memory(
        FrameSpace(parts),
        labels,
        np.repeat(np.eye(3, dtype=np.float32), 5, axis=0),
        {m: rng.normal(50, 5, (15, 30, 2)).astype(np.float16) for m in parts},
        {m: np.ones(15, np.bool_) for m in parts},
    )
    path = tmp_path_factory.mktemp("teachable") / "tiny.mrgbd"
    write_bundle(path, dataclasses.replace(bundle, memory=memory))
    return path


@pytest.fixture
def lesson(app: QApplication, teachable: Path, recorded: Path, tmp_path: Path) -> Iterator[Bench]:
    """Two recordings with one example each."""
    yield from lesson_of(app, teachable, recorded, tmp_path)


@pytest.fixture
def half_lesson(
    app: QApplication, teachable: Path, recorded: Path, tmp_path: Path
) -> Iterator[Bench]:
    """The same with a region that holds the left half of the pictures."""
    yield from lesson_of(app, teachable, recorded, tmp_path, HALF)


def lesson_of(
    app: QApplication,
    teachable: Path,
    recorded: Path,
    tmp_path: Path,
    region: RegionOfInterest | None = None,
) -> Iterator[Bench]:
    for bench in bench_of(app, teachable, tmp_path, region):
        for name in ("one", "two"):
            (tmp_path / name).symlink_to(recorded, target_is_directory=True)
            table = tmp_path / f"{name}.labels.csv"
            table.write_text("start_s,end_s,label\n2.9,4.1,thumbs up\n")
            bench.presenter.open(str(tmp_path / name))
        yield bench


def test_marked_gestures_are_taught_reported_saved_and_used(
    lesson: Bench, teachable: Path, tmp_path: Path
) -> None:
    window, used = lesson.window, []
    lesson.presenter.used.connect(used.append)
    assert window.lesson.todo() == "Ready to teach ‘thumbs up’."
    window.lesson.teach()
    assert not window.take.marks.isEnabled()
    wait_for(lambda: window.notice_bar.notice().headline != "Teaching", "the lesson")
    assert window.notice_bar.notice().headline == "Taught", window.notice_bar.notice()
    told = window.report_panel.report.toPlainText()
    assert re.search(r"thumbs up\n\d+ to \d+ % \(95 % interval\)\s+[012] of 2", told), told
    assert "right before: 100.0 %, now: " in told
    assert "Each example was left out once" in told
    window.report_panel.use_wanted.emit()
    assert not used, "what is not saved cannot be used"
    window.save_wanted.emit(str(tmp_path / "own" / "mine.mrgbd"))
    taught = load_bundle(tmp_path / "own" / "mine.mrgbd")
    assert taught.taught_labels == ("thumbs up",)
    assert taught.network_labels == load_bundle(teachable).labels
    window.report_panel.use_wanted.emit()
    assert used == [tmp_path / "own" / "mine.mrgbd"]
    assert not window.isVisible()


def test_what_is_taught_is_what_the_region_holds(
    half_lesson: Bench, teachable: Path, tmp_path: Path
) -> None:
    window = half_lesson.window
    window.lesson.teach()
    wait_for(lambda: window.notice_bar.notice().headline != "Teaching", "the lesson")
    assert window.notice_bar.notice().headline == "Taught", window.notice_bar.notice()
    window.save_wanted.emit(str(tmp_path / "mine.mrgbd"))
    taught = load_bundle(tmp_path / "mine.mrgbd").taught
    assert taught is not None
    example = taught.templates[0]
    bundle = load_bundle(teachable)
    assert bundle.memory is not None
    space, found = bundle.memory.space, []
    for region in (HALF, None):
        recording = read_recording(str(tmp_path / "one"), region=region)
        said = record(recording, Recogniser(bundle, device="cpu"), space)
        found.append(said.template(recording.spans[0]).vectors["depth"])
    np.testing.assert_allclose(example.vectors["depth"], found[0], rtol=2e-3)  # of 16 bits
    assert np.abs(found[1] - found[0]).max() > 0.1 * np.abs(found[0]).max()


def test_a_cancelled_lesson_changes_nothing(lesson: Bench) -> None:
    window = lesson.window
    window.lesson.teach()
    window.lesson.cancel_wanted.emit()
    wait_for(lambda: window.notice_bar.notice().headline != "Teaching", "the end")
    assert window.notice_bar.notice().headline == "Cancelled"
    assert window.take.marks.isEnabled()
    assert window.lesson.ready()


def test_a_refused_lesson_says_why(lesson: Bench, tmp_path: Path) -> None:
    (tmp_path / "one").unlink()  # the other one is shown
    lesson.window.lesson.teach()
    wait_for(lambda: lesson.window.notice_bar.notice().headline != "Teaching", "the end")
    notice = lesson.window.notice_bar.notice()
    assert (notice.tone, notice.headline) == ("error", "Not taught")
    assert "no such file" in notice.detail
    assert lesson.window.lesson.ready()


def test_closing_asks_while_a_taught_model_is_not_saved(
    lesson: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [False, True]
    monkeypatch.setattr(lesson.window, "may_discard", lambda: answers.pop(0))
    lesson.window.set_unsaved(True)
    lesson.window.close()
    assert lesson.window.isVisible()
    lesson.window.close()
    assert not lesson.window.isVisible()
    assert not answers


# ---- the way there ----


def test_the_main_window_offers_teaching_where_it_can_be_had(app: QApplication) -> None:
    window = MainWindow(("a", "b"))
    asked: list[bool] = []
    window.teach_wanted.connect(lambda: asked.append(True))
    action = window.menus.action("teach")
    assert not action.isVisible()
    window.set_teachable("it carries nothing")
    assert not action.isEnabled()
    assert "it carries nothing" in action.text()
    window.set_teachable("")
    action.trigger()
    assert asked == [True]
    window.deleteLater()


def test_teaching_needs_a_window(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--teach", "x.bag", "--headless"]) == 2
    assert "own gestures are marked in a window" in capsys.readouterr().err


def close_once_shown(window: QWidget, limited: list[bool]) -> None:
    """Close a window that teaches as soon as it shows a picture; note whether a part is hidden."""
    if isinstance(window, TeachWindow) and window.isVisible():
        scene = window.take.depth_view.scene()
        if scene is not None:
            limited.append(scene.hidden is not None)
            window.close()


@pytest.mark.parametrize(
    ("options", "of", "limited"),
    [
        ((), "the take", True),
        ((), "another", False),
        (("--region", "none"), "the take", False),
        (("--region", str(ASIDE)), "another", True),
    ],
    ids=["remembered", "of another source", "none", "given"],
)
def test_the_region_is_the_one_that_is_given_or_remembered_with_the_source(
    app: QApplication,
    take_folder: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    of: str,
    limited: bool,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    spec = str(take_folder)
    source = spec if of == "the take" else of
    memory = WindowMemory(source=source, region=str(ASIDE), region_on=True, region_of=source)
    write_memory(window_path(), memory)
    shown: list[bool] = []

    def look() -> None:
        for window in app.topLevelWidgets():
            close_once_shown(window, shown)

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(20)
    assert main(["--teach", spec, "--model", str(tiny_model), *options]) == 0
    assert shown == [limited]


def test_teaching_begins_with_the_region_that_the_window_was_left_with(
    app: QApplication,
    take_folder: Path,
    teachable: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    limited: list[bool] = []

    def go_on() -> None:
        for window in app.topLevelWidgets():
            if isinstance(window, MainWindow) and window.isVisible():
                limited.append(window.menus.action("watch.use_region").isChecked())
                if len(limited) == 1:
                    window.menus.action("watch.use_region").setChecked(False)
                    window.menus.action("teach").trigger()
                else:
                    window.close()
            else:
                close_once_shown(window, limited)

    timer = QTimer()
    timer.timeout.connect(go_on)
    timer.start(20)
    spec = ["--replay", str(take_folder), "--model", str(teachable), "--region", str(HALF)]
    assert main(spec) == 0
    assert limited == [True, False, False]  # the last one in the window that follows


def test_intervals_are_wilson_s() -> None:
    assert teach_texts.wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert teach_texts.wilson(0, 0) == (0, 1)
    assert teach_texts.wilson(5, 5)[1] == 1
