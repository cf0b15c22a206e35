"""Streams of the event benchmark: the same each time, in any process, with the truth about them."""

from __future__ import annotations

import hashlib
import itertools
import pickle
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from motionrgbd.core.errors import SourceError, UsageError
from motionrgbd.core.synthetic.domain import DEMO_DOMAIN
from motionrgbd.core.synthetic.gestures import GESTURES, POSITION
from motionrgbd.core.synthetic.recording import SyntheticRecording, demo_recording
from motionrgbd.training.online.own_streams import recording_streams
from motionrgbd.training.online.recorded_streams import (
    COUNTED,
    MOTION,
    SHARED,
    cgd2011_streams,
    nvgesture_streams,
)
from motionrgbd.training.online.sources import SOURCES, SourceRequest, read_source
from motionrgbd.training.online.streams import OnlineStream
from motionrgbd.training.online.synthetic_streams import (
    idle_synthetic_streams,
    shuffled_labels,
    synthetic_streams,
)

GRID = SourceRequest(fps_hz=15.0)
SMALL = (80, 60)
DEMO = ("50620baf06af3d84", 1434, 174)
DEMO_DEPTH_MM = 1213.6505  # of the pixels that have any, in frame 174
HEADER = "start_s,end_s,label\n"


def first_frames(stream: OnlineStream, count: int = 3) -> str:
    source = stream.open()
    seen = hashlib.sha256()
    for _ in range(count):
        frame = source.read()
        assert frame is not None
        seen.update(repr((frame.index, frame.timestamp_s)).encode())
        for image in (frame.color, frame.depth):
            seen.update(b"" if image is None else image.tobytes())
    source.close()
    return seen.hexdigest()


def check_reopens(stream: OnlineStream) -> None:
    """The same frames again, and of a copy that went to another process."""
    copy: OnlineStream = pickle.loads(pickle.dumps(stream))
    assert first_frames(stream) == first_frames(stream) == first_frames(copy)


def idle(seed: int = DEMO_DOMAIN.seeds.start + 9, **options: float) -> SyntheticRecording:
    return SyntheticRecording(seed, size_px=SMALL, **{"idle_s": 60.0, **options})


def test_idle_alone_lasts_as_long_as_wanted_and_has_no_gesture() -> None:
    recording = idle(idle_s=7.0, fps_hz=10.0)
    assert recording.info.script == ()
    assert recording.info.frame_count == 70
    frames = list(iter(recording.read, None))
    assert [frame.index for frame in frames] == list(range(70))


def test_idle_frames_are_a_function_of_seed_and_index() -> None:
    recording, other = idle(), idle(DEMO_DOMAIN.seeds.start + 10)
    recording.seek(40.0)
    late = recording.read()
    again = idle()
    for index in (3, 1200):
        again.seek(index / 30.0)
        frame = again.read()
    other.seek(40.0)
    different = other.read()
    assert late.index == frame.index == different.index == 1200
    assert late.depth.tobytes() == frame.depth.tobytes()
    assert late.color.tobytes() == frame.color.tobytes()
    assert late.depth.tobytes() != different.depth.tobytes()


def test_idle_hands_rest_come_up_where_gestures_are_made_and_leave() -> None:
    recording = idle(idle_s=150.0)
    stage = recording._stage
    places = stage.script.states[:, POSITION] - stage.scene.centre_mm
    height = places[:, 1]  # down is positive
    near = np.abs(places).max(axis=1) < 60.0
    assert 0.05 < near.mean() < 0.6
    assert (height > 100.0).mean() > 0.15
    assert height.max() > 250.0  # out of the view
    assert (places[:, 2] > 150.0).any()  # at the face or the shoulder
    speed = np.linalg.norm(np.diff(places[:, :], axis=0), axis=1) * 100.0
    assert (speed[near[1:]] < 40.0).mean() > 0.3  # held up still, for long
    assert speed.max() < 2500.0


@pytest.mark.parametrize("options", [{"labels": ["Tap"], "idle_s": 5.0}, {"idle_s": 0.0}])
def test_idle_with_gestures_or_without_time_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="idle alone"):
        SyntheticRecording(DEMO_DOMAIN.seeds.start, size_px=SMALL, **options)


def test_the_demo_is_what_it_was() -> None:
    """Its script to the tenth of a millisecond, and the depth of a moment, as first published."""
    recording = demo_recording()
    script = [(g.label, round(g.start_s, 4), round(g.end_s, 4)) for g in recording.info.script]
    recording.seek(5.8)
    frame = recording.read()
    truth = hashlib.sha256(repr(script).encode()).hexdigest()[:16]
    assert (truth, recording.info.frame_count, frame.index) == DEMO
    assert frame.depth[frame.depth > 0].mean() == pytest.approx(DEMO_DEPTH_MM, abs=0.01)


def test_synthetic_streams_say_what_is_gestured() -> None:
    streams = synthetic_streams(SourceRequest(fps_hz=15.0, seeds=(0, 1)))
    assert len({s.name for s in streams}) == len({s.made_of for s in streams}) == 4
    assert len({s.group for s in streams}) == 2
    for stream in streams:
        assert Counter(g.label for g in stream.gestures) == dict.fromkeys(GESTURES, 2)
        assert stream.open().info.script == stream.gestures
        assert stream.idle_s > 20.0
    check_reopens(streams[1])
    assert len(synthetic_streams(SourceRequest(seeds=(0, 1), limit=1))) == 2


def test_some_gestures_come_twice_in_a_row() -> None:
    pairs = [a == b for seed in range(40) for a, b in itertools.pairwise(shuffled_labels(seed))]
    assert 10 < sum(pairs) < 90  # one in 27 by chance: 40


def test_what_a_stream_is_made_of_follows_its_rate() -> None:
    (slow,), (fast,) = (
        idle_synthetic_streams(SourceRequest(fps_hz=hz, limit=1)) for hz in (15.0, 30.0)
    )
    assert slow.name == fast.name
    assert slow.made_of != fast.made_of


def test_idle_streams_sum_to_more_than_an_hour_without_a_gesture() -> None:
    streams = idle_synthetic_streams(GRID)
    assert sum(s.idle_s - 5.0 for s in streams) >= 3600.0  # a model may warm up for seconds
    assert not any(s.gestures for s in streams)
    assert len({s.name for s in streams}) == len({s.made_of for s in streams}) == len(streams)
    more = idle_synthetic_streams(SourceRequest(seeds=(1,)))
    assert not {s.made_of for s in streams} & {s.made_of for s in more}
    source = streams[0].open()
    assert source.info.duration_s == pytest.approx(streams[0].duration_s)
    check_reopens(streams[1])


def test_seeds_that_do_not_exist_are_refused() -> None:
    for make in (synthetic_streams, idle_synthetic_streams):
        with pytest.raises(UsageError, match="0 to 999, got 1000"):
            make(SourceRequest(seeds=(1000,)))


def test_nvgesture_windows_leave_the_real_idle_time(shared_data: Path) -> None:
    streams = nvgesture_streams(SourceRequest(root=shared_data))
    motion = [s for s in streams if s.group == MOTION]
    shared = [s for s in streams if s.group == SHARED]
    assert len(motion) == 25
    assert len(shared) == 13
    assert len({s.name for s in streams}) == 38
    assert 140.0 < sum(s.idle_s for s in motion) < 146.0
    for stream in motion:
        (gesture,) = stream.gestures
        assert gesture.end_s - gesture.start_s == pytest.approx(80 / 30)
        assert stream.is_right(gesture.label, "Tap")
    right = {s.gestures[0].label: s for s in shared}["Hand Right"]
    assert right.is_right("Hand Right", "Swipe Right")
    assert not right.is_right("Hand Right", "Swipe Left")
    check_reopens(motion[3])


def test_cgd2011_knows_the_order_and_claims_no_idle_time(shared_data: Path) -> None:
    streams = cgd2011_streams(SourceRequest(root=shared_data))
    assert len(streams) == 36
    assert {s.group for s in streams} == {COUNTED}
    first = streams[0]
    assert [g.label for g in first.gestures] == [f"devel59 {n}" for n in (10, 10, 9, 1, 6)]
    assert not first.timed
    assert first.idle_s == pytest.approx(0.0)
    assert first.is_right("devel59 10", "Shake")
    check_reopens(first)
    assert len(cgd2011_streams(SourceRequest(root=shared_data, limit=3))) == 3


def test_sets_that_are_not_there_are_named(tmp_path: Path) -> None:
    for make in (nvgesture_streams, cgd2011_streams):
        with pytest.raises(SourceError, match=r"clips\.csv is not there .* --root"):
            make(SourceRequest(root=tmp_path))


@pytest.fixture
def take(clip_pair: str, tmp_path: Path) -> Path:
    """A recording of two seconds at 30 Hz."""
    for path, name in zip(clip_pair.split(","), ("a_color.mkv", "a_depth.mkv"), strict=True):
        shutil.copy(path, tmp_path / name)
    return tmp_path / "a_color.mkv"


def own(take: Path, rows: str, labels: tuple[str, ...] | None = None) -> list[OnlineStream]:
    take.with_name(take.name + ".labels.csv").write_text(HEADER + rows)
    return recording_streams(SourceRequest(root=take, depth_direction="darker", labels=labels))


def test_an_own_recording_with_its_table(take: Path) -> None:
    (stream,) = own(take, "1.0,1.5,Wave\n0.2,0.4,Point\n1.6,1.8,idle\n", ("Wave", "Point"))
    assert [(g.label, g.start_s, g.end_s) for g in stream.gestures] == [
        ("Point", 0.2, 0.4),
        ("Wave", 1.0, 1.5),
    ]
    assert stream.duration_s == pytest.approx(2.0, abs=1e-3)
    check_reopens(stream)
    (folder,) = recording_streams(SourceRequest(root=take.parent, depth_direction="darker"))
    assert folder.made_of == stream.made_of
    shutil.copy(take.with_name("a_depth.mkv"), take)  # other pictures under the same name
    (changed,) = own(take, "0.2,0.4,Point\n")
    assert changed.made_of != stream.made_of


def test_clocks_of_own_recordings_begin_at_their_first_frame(
    shared_data: Path, tmp_path: Path
) -> None:
    bag = tmp_path / "hand.bag"
    bag.symlink_to(shared_data / "realsense" / "cgd_devel59_22_60f.bag")
    (tmp_path / "hand.bag.labels.csv").write_text(HEADER + "1,2,Wave\n")
    (stream,) = recording_streams(SourceRequest(root=bag))
    source = stream.open()
    frame = source.read()
    source.close()
    assert frame is not None
    assert frame.timestamp_s == 0.0
    assert stream.duration_s == pytest.approx(6.0, abs=0.3)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("0.1,0.5,Wave\n0.4,0.9,Wave\n", r"line 3: .* spans may not overlap"),
        ("0.1,0.5,Jump\n", r"line 2: the model has no gesture 'Jump'; one of Wave, Point"),
        ("0.1,0.5,\n", r"line 2: the span has no label"),
        ("0.1,0.5,Wave\n1.5,2.5,Point\n", r"line 3: the span ends at 2\.5 s"),
        ("0.101,0.11,Wave\n", r"line 2: the recording has no frame"),
        ("0.1,0.5,Wave\n0.5,1.9,Point\n", r"line 3: 0\.2 s of the .* nobody gestures"),
    ],
)
def test_mistakes_in_own_tables_are_told_by_line(take: Path, rows: str, words: str) -> None:
    with pytest.raises(SourceError, match=rf"a_color\.mkv\.labels\.csv, {words}"):
        own(take, rows, ("idle", "Wave", "Point"))


def test_a_recording_without_a_table_is_refused(take: Path) -> None:
    for path in (take, take.parent):
        with pytest.raises(SourceError, match=r"has no labels — put .*\.labels\.csv"):
            recording_streams(SourceRequest(root=path))


def test_sources_of_this_kind_are_known_by_name(shared_data: Path) -> None:
    for name in ("synthetic", "idle-synthetic", "nvgesture", "cgd2011"):
        assert SOURCES[name].help
        assert read_source(name, SourceRequest(root=shared_data, limit=1))
