"""The built-in recording: repeatable, true to its own geometry, and outside the training domain."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.sources.source import SeekableSource
from motionrgbd.core.synthetic import gestures, hand
from motionrgbd.core.synthetic.domain import DEMO_DOMAIN, TRAINING_DOMAIN
from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.core.synthetic.recording import (
    IDLE,
    SyntheticRecording,
    demo_recording,
    render_stream,
)
from motionrgbd.core.synthetic.render import Cones, Skin, View, cast
from motionrgbd.core.synthetic.scene import build_scene

SMALL = (80, 60)
DEMO_SEED = DEMO_DOMAIN.seeds.start + 5


def small(seed: int = DEMO_SEED, **options) -> SyntheticRecording:
    return SyntheticRecording(seed, size_px=SMALL, **options)


def test_is_a_seekable_source():
    assert isinstance(small(labels=["Tap"]), SeekableSource)


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    first, again, other = small(), small(), small(DEMO_SEED + 1)
    for _ in range(5):
        a, b, c = first.read(), again.read(), other.read()
        assert a.color.tobytes() == b.color.tobytes()
        assert a.depth.tobytes() == b.depth.tobytes()
        assert a.depth.tobytes() != c.depth.tobytes()


def test_seeking_gives_the_frames_of_reading_on():
    recording = small(labels=["Tap", "Shake"])
    frames = list(iter(recording.read, None))
    assert [f.index for f in frames] == list(range(recording.info.frame_count))
    for index in (40, 3, 77):
        recording.seek(frames[index].timestamp_s)
        for expected in frames[index : index + 2]:
            frame = recording.read()
            assert frame.index == expected.index
            assert frame.color.tobytes() == expected.color.tobytes()
            assert frame.depth.tobytes() == expected.depth.tobytes()


def test_seek_goes_to_the_first_frame_at_or_after_and_past_the_end_to_none():
    recording = small(labels=["Tap"])
    recording.seek(1.01)
    assert recording.read().index == 31
    recording.seek(1e3)
    assert recording.read() is None
    recording.seek(0.0)
    assert recording.read().index == 0


def test_closed_recording_reads_nothing():
    recording = small(labels=["Tap"])
    recording.close()
    recording.close()
    assert recording.read() is None


def test_info_describes_the_frames():
    recording = small(labels=["Grab"], fps_hz=15.0)
    info = recording.info
    frames = list(iter(recording.read, None))
    assert len(frames) == info.frame_count == round(info.duration_s * 15.0)
    assert info.synthetic
    assert not info.live
    assert (info.intrinsics.width_px, info.intrinsics.height_px) == SMALL
    assert frames[0].depth.shape == (60, 80)
    assert [g.label for g in info.script] == ["Grab"]


def test_without_labels_all_fourteen_are_performed_in_a_shuffled_order():
    labels = [g.label for g in small().info.script]
    assert sorted(labels) == sorted(GESTURES)
    assert labels != list(GESTURES)


@pytest.mark.parametrize("seed", range(DEMO_SEED, DEMO_SEED + 8))
def test_truth_is_ordered_with_idle_around_every_gesture(seed):
    info = small(seed).info
    end = 0.0
    for i, gesture in enumerate(info.script):
        assert gesture.start_s - end >= (2.5 if i == 0 else DEMO_DOMAIN.pause_s[0] - 0.011)
        assert 0.59 < gesture.end_s - gesture.start_s < 1.81
        end = gesture.end_s
    assert end + 1.0 < info.duration_s


def test_demo_shows_every_gesture_and_one_twice_in_a_row():
    info = demo_recording().info
    labels = [g.label for g in info.script]
    assert set(labels) == set(GESTURES)
    assert any(a == b for a, b in itertools.pairwise(labels))
    assert 45.0 <= info.duration_s <= 60.0


def test_domains_are_disjoint_in_hand_camera_background_and_seed():
    for name in ("palm_width_mm", "finger_ratio", "camera_pitch_deg", "camera_height_mm"):
        training, demo = getattr(TRAINING_DOMAIN, name), getattr(DEMO_DOMAIN, name)
        assert training[0] < training[1] < demo[0] < demo[1], name
    assert not set(TRAINING_DOMAIN.backgrounds) & set(DEMO_DOMAIN.backgrounds)
    assert TRAINING_DOMAIN.seeds.stop <= 1_000_000 <= DEMO_DOMAIN.seeds.start


def test_sampled_hands_keep_to_their_domain():
    for domain in (TRAINING_DOMAIN, DEMO_DOMAIN):
        for seed in range(30):
            shape = hand.sample_hand(np.random.default_rng(seed), domain)
            ratio = shape.phalanges_mm[2].sum() / shape.palm_length_mm
            assert domain.palm_width_mm[0] <= shape.palm_width_mm <= domain.palm_width_mm[1]
            assert domain.finger_ratio[0] <= ratio + 1e-9
            assert ratio - 1e-9 <= domain.finger_ratio[1]


def test_a_seed_of_the_other_domain_is_refused():
    with pytest.raises(ValueError, match="seed 5 is not one of the demo domain's"):
        SyntheticRecording(5)


def test_an_unknown_label_is_refused():
    with pytest.raises(ValueError, match="'Wave' is not a gesture"):
        small(labels=["Wave"])


@pytest.mark.parametrize("seed", range(3))
def test_depth_is_the_palm_where_the_palm_is(seed):
    scene = build_scene(np.random.default_rng(seed), TRAINING_DOMAIN, (320, 240))
    camera = scene.view.intrinsics
    for tilt in (0.0, 0.4):
        state = np.concatenate([scene.centre_mm, [tilt, 0.1, 0.2], hand.OPEN])
        pose = scene.performer.pose(state, np.zeros(3))
        _, depth = scene.draw(pose, np.zeros(3))
        x, y, z = scene.to_camera(pose.palm_mm)
        row = round(camera.fy_px * y / z + camera.cy_px)
        column = round(camera.fx_px * x / z + camera.cx_px)
        # half a palm's thickness lies between the surface and the centre
        assert 8.0 < z - depth[row, column] < 20.0


def test_cast_meets_a_sphere_where_geometry_says():
    camera = Intrinsics(101, 81, 100.0, 100.0, 50.0, 40.0)
    centre, skin = np.array([[0.0, 0.0, 500.0]]), np.ones((1, 3), np.float32)
    ball = Cones(centre, centre, np.array([50.0]), np.array([50.0]))
    surface = cast(ball, Skin(skin, skin), View.of(camera), 1.0)
    u = (surface.pixel % 101 - 50) / 100.0
    v = (surface.pixel // 101 - 40) / 100.0
    on_it = surface.depth * np.array([u, v, np.ones_like(u)]) - centre.T
    np.testing.assert_allclose(np.linalg.norm(on_it, axis=0), 50.0, atol=0.05)
    np.testing.assert_allclose(surface.normal, on_it / 50.0, atol=2e-3)


def test_sensor_noise_stays_small_and_leaves_holes():
    clean, noisy = (small(labels=["Tap"], sensor_noise=n) for n in (False, True))
    for recording in (clean, noisy):
        recording.seek(2.0)
    a, b = clean.read(), noisy.read()
    assert (a.depth > 0).all()
    read = b.depth > 0
    assert 0.6 < read.mean() < 1.0
    near = read & (a.depth < 1000)
    assert np.median(np.abs(a.depth[near].astype(int) - b.depth[near])) < 4


@pytest.mark.parametrize(
    ("label", "axis", "sign"),
    [("Swipe Right", 0, 1), ("Swipe Left", 0, -1), ("Swipe Down", 1, 1), ("Swipe Up", 1, -1)],
)
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_swipes_go_where_they_say_in_the_picture(label, axis, sign, seed):
    recording = SyntheticRecording(seed, domain=TRAINING_DOMAIN, labels=[label], size_px=SMALL)
    gesture = recording.info.script[0]
    first, last = (
        recording.hand_truth(round(t * 30)).centre_mm for t in (gesture.start_s, gesture.end_s)
    )
    way = (last - first) * sign
    assert way[axis] > 70.0
    assert abs(way[1 - axis]) < 0.5 * way[axis]


def states_of(label: str, seed: int) -> np.ndarray:
    manner = gestures.sample_manner(
        np.random.default_rng(seed), label, np.array([0.0, 0.0, 500.0]), 1.0, 1.0
    )
    return gestures.perform(manner, np.linspace(0, 1, 50))


@pytest.mark.parametrize("label", GESTURES)
def test_every_gesture_moves_something(label):
    for seed in range(4):
        span = np.ptp(states_of(label, seed), axis=0)
        assert span[:3].max() > 20.0 or span[3:6].max() > 0.5 or span[6:].max() > 25.0


@pytest.mark.parametrize(("label", "sign"), [("Rotation CW", 1), ("Rotation CCW", -1)])
def test_rotations_turn_the_hand_as_seen_in_the_picture(label, sign):
    states = states_of(label, 1)
    up = [hand.palm_axes(1.0, s[3:6])[:2, 1] for s in (states[0], states[-1])]
    turned = np.cross(np.append(up[0], 0), np.append(up[1], 0))[2]  # y is down: clockwise > 0
    assert turned * sign > 0.5


def tip_gap_mm(posture: np.ndarray) -> float:
    shape = hand.sample_hand(np.random.default_rng(0), TRAINING_DOMAIN)
    tips = hand.place_fingers(shape, posture).joints_mm[:, 3]
    return float(np.linalg.norm(tips[0] - tips[1]))


def test_pinch_closes_thumb_and_index_and_expand_opens_them():
    for seed in range(4):
        pinch, expand = states_of("Pinch", seed)[:, 6:], states_of("Expand", seed)[:, 6:]
        assert tip_gap_mm(pinch[-1]) < 35.0 < 60.0 < tip_gap_mm(pinch[0])
        assert tip_gap_mm(expand[0]) < 35.0 < 60.0 < tip_gap_mm(expand[-1])


def test_hand_box_holds_the_nearest_pixels():
    recording = SyntheticRecording(DEMO_SEED, labels=["Shake"], sensor_noise=False)
    recording.seek(recording.info.script[0].start_s)
    frame = recording.read()
    y0, x0, y1, x1 = recording.hand_truth(frame.index).box_px
    nearest = np.unravel_index(frame.depth.argmin(), frame.depth.shape)
    assert y0 <= nearest[0] < y1
    assert x0 <= nearest[1] < x1
    assert 0 <= y0 < y1 <= 240
    assert 0 <= x0 < x1 <= 320


def test_stream_is_the_recording_with_labels():
    options = {"labels": ["Tap", "Swipe X"], "size_px": SMALL, "domain": TRAINING_DOMAIN}
    stream, recording = render_stream(7, **options), SyntheticRecording(7, **options)
    frames = list(iter(recording.read, None))
    assert stream.color.tobytes() == b"".join(f.color.tobytes() for f in frames)
    assert stream.depth.tobytes() == b"".join(f.depth.tobytes() for f in frames)
    changes = stream.labels[np.flatnonzero(np.diff(stream.labels, prepend=-2))]
    assert changes.tolist() == [IDLE, GESTURES.index("Tap"), IDLE, GESTURES.index("Swipe X"), IDLE]
    assert stream.boxes_px.shape == (len(frames), 4)
    assert stream.centres_mm.shape == (len(frames), 3)
