"""What the network sees of a frame."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.depth8 import EightBitDepth
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.preprocess import cut_square, make_preparer, normalise, relative_depth
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.results import Box
from motionrgbd.core.synthetic.domain import TRAINING_DOMAIN
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.models.bundle import load_bundle
from motionrgbd.models.recipe import (
    FrameView,
    GreyDepth,
    HandView,
    MaskedJetDepth,
    Recipe,
    RelativeDepth,
)
from motionrgbd.models.released_recipes import released_recipe

LENS = Intrinsics(320, 240, 290.0, 290.0, 160.0, 120.0)


def recipe(**changes):
    base = {
        "name": "test",
        "fps_hz": 30.0,
        "window": 8,
        "size_px": (224, 224),
        "view": FrameView((256, 256), (32, 32, 256, 256)),
    }
    return Recipe(**(base | changes))


def frame(color=None, depth=None, index=0):
    return RGBDFrame(color, depth, index, index / 30)


def hand_scene(shift=0):
    """A synthetic performer's raised hand, the picture moved to the right by `shift` pixels."""
    recording = SyntheticRecording(700_123, domain=TRAINING_DOMAIN, fps_hz=10.0)
    depth = recording.read().depth
    return np.pad(depth, ((0, 0), (100, 100)), "edge")[:, 100 - shift : 420 - shift]


def test_released_picture_is_pillows():
    color = np.random.default_rng(0).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    prepared = make_preparer(recipe(), None).prepare(frame(color))
    expected = Image.fromarray(color).resize((256, 256), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(prepared.color, np.asarray(expected)[32:, 32:])
    assert prepared.view == Box(40.0, 30.0, 320.0, 240.0)


@pytest.mark.parametrize("benchmark", ["NvGesture", "IsoGD", "THU-READ", "Jester"])
@pytest.mark.parametrize("direction", ["brighter_is_nearer", "darker_is_nearer"])
@pytest.mark.parametrize("scale", [(200, 4), (500, 2)])
def test_released_recipes_see_the_codes_of_eight_bit_depth(benchmark, direction, scale):
    """Whatever scale made millimetres of a data set's pictures, the network sees the pictures."""
    made = dataclasses.replace(
        released_recipe(benchmark), view=FrameView((16, 16), (0, 0, 16, 16)), size_px=(16, 16)
    )
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    stored = EightBitDepth(direction, *scale)
    seen = make_preparer(made, None, stored).prepare(frame(depth=stored.to_mm(codes))).depth
    mirrored = np.where(codes == 0, 0, 256 - codes.astype(int))
    np.testing.assert_array_equal(seen, codes if made.depth.direction == direction else mirrored)


def test_a_recogniser_hands_the_network_the_codes_of_eight_bit_depth(tiny_model):
    bundle = load_bundle(tiny_model)
    grey = dataclasses.replace(
        bundle.recipe,
        view=FrameView((64, 48), (0, 0, 64, 48)),
        depth=GreyDepth("darker_is_nearer", near_mm=500, step_mm=10),
    )
    recogniser = Recogniser(dataclasses.replace(bundle, recipe=grey), device="cpu")
    stored = EightBitDepth("darker_is_nearer")
    recogniser.open(SourceInfo("video", False, 30.0, True, True, eight_bit=stored))
    codes = np.full((48, 64), 77, np.uint8)
    prepared = recogniser._preparer.prepare(frame(depth=stored.to_mm(codes)))
    assert np.unique(prepared.depth).tolist() == [77]


@pytest.mark.parametrize("direction", ["brighter_is_nearer", "darker_is_nearer"])
def test_eight_bit_depth_comes_back_as_it_was(direction):
    """An 8-bit recording becomes millimetres in the source and the same 8 bits in the recipe."""
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16).repeat(16, 0).repeat(16, 1)
    depth = EightBitDepth(direction).to_mm(codes)
    view = FrameView((256, 256), (0, 0, 256, 256))
    made = recipe(view=view, size_px=(256, 256), depth=GreyDepth(direction))
    np.testing.assert_array_equal(
        make_preparer(made, None).prepare(frame(depth=depth)).depth, codes
    )


def test_the_hand_is_found_and_followed():
    made = recipe(view=HandView(smoothing=0.0), depth=RelativeDepth(), size_px=(64, 64))
    preparer = make_preparer(made, LENS)
    prepared = [preparer.prepare(frame(depth=hand_scene(shift=-16 * i), index=i)) for i in range(3)]
    centers = [(p.view.left_px + p.view.right_px) / 2 for p in prepared]
    # the finder's cells are 16 pixels wide: a shift by one cell moves the box by as much
    assert np.diff(centers) == pytest.approx([-16, -16], abs=4)
    for p in prepared:
        z = 0.5 + 0.3 * float(p.trajectory[2])
        assert p.view.right_px - p.view.left_px == pytest.approx(0.30 * 290 / z, rel=0.01)
        assert p.trajectory[6] == 1
    # 16 px through a 290 px lens, 30 times a second, to the left
    assert prepared[2].trajectory[3] == pytest.approx(-16 * z / 290 * 30, rel=0.25)
    assert np.median(prepared[0].depth[prepared[0].depth > 0]) == pytest.approx(128, abs=40)


def test_no_hand_keeps_the_box_and_says_so():
    made = recipe(view=HandView(), depth=RelativeDepth(), size_px=(64, 64))
    preparer = make_preparer(made, LENS)
    wall = np.full((240, 320), 2000, np.uint16)
    first = preparer.prepare(frame(depth=wall))
    assert first.view == Box(40, 0, 280, 240)
    assert not first.trajectory.any()
    seen = preparer.prepare(frame(depth=hand_scene(), index=1))
    lost = preparer.prepare(frame(depth=wall, index=2))
    assert lost.view == seen.view
    assert not lost.trajectory.any()


@pytest.mark.parametrize("value", [0, 1, 65535])
def test_absurd_depth_is_only_an_empty_scene(value):
    made = recipe(view=HandView(), depth=RelativeDepth(), size_px=(64, 64))
    prepared = make_preparer(made, None).prepare(frame(depth=np.full((48, 64), value, np.uint16)))
    assert prepared.depth is not None
    assert not prepared.trajectory.any()


def test_noise_pixels_are_not_a_hand():
    depth = np.full((240, 320), 2000, np.uint16)
    rng = np.random.default_rng(0)
    depth[rng.integers(0, 240, 60), rng.integers(0, 320, 60)] = 300
    made = recipe(view=HandView(), depth=RelativeDepth(), size_px=(64, 64))
    assert not make_preparer(made, LENS).prepare(frame(depth=depth)).trajectory.any()


def test_relative_depth_is_brighter_when_nearer():
    depth = np.array([[0, 500, 485, 515, 900, 100]], np.uint16)
    codes = relative_depth(depth, 500.0, RelativeDepth(step_mm=1.5))
    assert codes.tolist() == [[0, 128, 138, 118, 0, 0]]


def test_what_lies_outside_the_picture_is_black():
    picture = np.full((10, 12), 9, np.uint8)
    cut = cut_square(picture, Box(-4, 6, 4, 14))
    assert cut.shape == (8, 8)
    assert cut[:4, 4:].min() == 9
    assert not cut[4:].any()
    assert not cut[:, :4].any()
    assert not cut_square(picture, Box(50, 50, 60, 60)).any()


def test_masked_depth_is_wrapped_and_centred_on_the_person():
    depth = np.zeros((424, 512), np.uint16)
    depth[100:300, 300:400] = 1000
    made = recipe(
        view=FrameView((320, 240), (0, 0, 320, 240)), size_px=(320, 240), depth=MaskedJetDepth()
    )
    preparer = make_preparer(made, None)
    picture = preparer.prepare(frame(depth=depth)).depth
    person = (picture != picture[0, 0]).any(2)
    ys, xs = np.nonzero(person)
    assert abs(xs.mean() - 160) < 3
    assert abs(ys.mean() - 120) < 3
    empty = preparer.prepare(frame(depth=np.zeros_like(depth), index=1)).depth
    assert empty.shape == (240, 320, 3)  # the released code fails on such a frame


def test_normalise_is_the_papers():
    picture = np.array([[[0, 255, 128]]], np.uint8)
    np.testing.assert_allclose(normalise(picture)[:, 0, 0], [-127.5 / 128, 127.5 / 128, 0.5 / 128])
    assert normalise(np.zeros((4, 5), np.uint8)).shape == (1, 4, 5)
