"""Full frames rebuilt from hand crops: seeded, true to their boxes, whole where a crop is empty."""

import numpy as np
import pytest

from motionrgbd.training.finder_pictures import SMALL_CAMERA
from motionrgbd.training.hand_clips import CAMERA, Package
from motionrgbd.training.rebuilt_frames import KnownHands, plain_clip, staged_clip

EMPTY = 5  # the sample whose crop holds nothing


@pytest.fixture(scope="module")
def package():
    """One clip of a round palm with a wrist, moving to the right at half a metre."""
    y, x = np.mgrid[:50, :50]
    palm = (x - 25) ** 2 + (y - 20) ** 2 < 18**2
    wrist = (np.abs(x - 25) < 9) & (y >= 20)
    crop = np.where(palm | wrist, 130, 0).astype(np.uint8)
    crop[:3, :3] = 255  # what the package could not say: it lies far behind
    depth = np.repeat(crop[None, None], 32, axis=1)
    depth[0, EMPTY] = 0
    left = 200 + 4 * np.arange(32)
    boxes = np.stack([np.full(32, 150), left, np.full(32, 300), left + 120], 1)[None]
    return Package(
        depth=depth,
        boxes=boxes.astype(np.int64),
        step_mm=3.0,
        offset_mm=np.array([110]),
        fine=np.array([0]),
        subject=np.array([1]),
        source_frames=np.array([64]),
        index=np.array([0]),
    )


def test_a_plain_frame_holds_the_box_and_nothing_else(package):
    clip = plain_clip(package, 0)
    for i in (0, 31):
        ys, xs = np.nonzero(clip.depth[i])
        y0, x0, y1, x1 = package.boxes[0, i]
        assert y0 <= ys.min() < ys.max() < y1
        assert x0 <= xs.min() < xs.max() < x1
        assert clip.hands[i].center_px == ((x0 + x1) / 2, (y0 + y1) / 2)
        assert clip.hands[i].distance_mm == 500.0
    assert not clip.depth[EMPTY].any()
    assert clip.hands[EMPTY] is None


def test_one_seed_is_one_stream(package):
    first, again, other = (
        staged_clip(package, 0, seed=seed, camera=SMALL_CAMERA) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.depth, again.depth)
    assert (first.depth != other.depth).mean() > 0.2


def test_the_hand_stands_in_front_of_what_is_drawn(package):
    plain, staged = plain_clip(package, 0), staged_clip(package, 0, seed=0)
    assert staged.depth.shape == (32, CAMERA.height_px, CAMERA.width_px)
    hand = plain.depth[8] == 500
    np.testing.assert_array_equal(staged.depth[8][hand], 500)
    assert (staged.depth[8] > 0).mean() > 2 * hand.mean()  # a person, and mostly a room
    behind = staged.depth[8][(staged.depth[8] > 0) & ~hand]
    assert np.median(behind) > 600
    # the forearm leads on from the wrist: below the box something at about its distance
    y1, middle = package.boxes[0, 8, 2], package.boxes[0, 8, 1] + 60
    below = staged.depth[8][y1 : y1 + 15, middle - 60 : middle + 60]
    assert ((below > 450) & (below < 640)).mean() > 0.1


def test_a_frame_without_a_hand_is_the_room(package):
    clip = staged_clip(package, 0, seed=1, camera=SMALL_CAMERA)
    assert clip.hands[EMPTY] is None
    assert clip.depth[EMPTY].any()
    assert KnownHands(clip.hands).detect(list(clip.frames())[EMPTY]) is None


def test_samples_stand_on_the_grid_or_where_they_were_taken(package):
    assert plain_clip(package, 0, fps_hz=20.0).times_s[31] == pytest.approx(31 / 20)
    timed = plain_clip(package, 0, timing="timed", fps_hz=20.0)
    assert timed.times_s[31] == pytest.approx(31 * 64 / 32 / 30)
    frame = next(iter(timed.frames()))
    assert frame.color is None
    assert frame.depth.dtype == np.uint16


def test_a_clip_without_any_hand_is_a_room_throughout(package):
    fields = vars(package) | {"depth": np.zeros_like(package.depth)}
    clip = staged_clip(Package(**fields), 0, seed=2, camera=SMALL_CAMERA)
    assert not any(clip.hands)
    assert clip.depth.any(axis=(1, 2)).all()
