"""The incremental maps equal their definition, and the released network's maps."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from motionrgbd.core.guidance import (
    GuidanceSettings,
    GuidanceStream,
    ScaledGelu,
    clip_guidance,
    plain_guidance,
    rank_weights,
)
from motionrgbd.core.sampling import bin_indices
from motionrgbd.models.recipe import FrameView, GreyDepth, Recipe

DATA = Path(__file__).parent / "data" / "parity"

clips = st.tuples(st.integers(2, 12), st.integers(1, 14), st.booleans()).flatmap(
    lambda t: st.tuples(
        st.just(t[0]),
        hnp.arrays(np.uint8, (t[1], 6, 5, 3) if t[2] else (t[1], 6, 5)),
    )
)


@settings(max_examples=150, deadline=None)
@given(clips, st.sampled_from([0.0, 3.0, 200.0]))
def test_stream_equals_definition(clip, floor):
    window, images = clip
    setting = GuidanceSettings(window, floor)
    stream = GuidanceStream(setting)
    for m, image in enumerate(images):
        fast = stream.push(image)
        if m < window - 1:
            assert not fast.values.any()
            assert fast.energy == (0.0, 0.0)
            continue
        plain = plain_guidance(images[m - window + 1 : m + 1], setting)
        np.testing.assert_array_equal(fast.rank_pool, plain.rank_pool)
        np.testing.assert_array_equal(fast.values, plain.values)
        assert fast.energy == plain.energy


@pytest.mark.parametrize("window", [2, 22, 23, 64, 300])
def test_sums_stay_exact_for_any_window(window):
    """Extreme pixels at every integer width the stream chooses from."""
    rng = np.random.default_rng(window)
    images = rng.choice(np.array([0, 255], np.uint8), (window + 5, 4, 4))
    images[-window // 2 :] = 255
    stream = GuidanceStream(GuidanceSettings(window))
    for image in images:
        last = stream.push(image)
    expected = np.tensordot(rank_weights(window), images[-window:].astype(np.int64), axes=1)
    np.testing.assert_array_equal(last.rank_pool, expected)


def test_plain_definition_in_words():
    """A second, literal reading of the released maps on a moving square."""
    images = np.zeros((4, 24, 24, 3), np.uint8)
    for i in range(4):
        images[i, 6:12, 3 + 4 * i : 9 + 4 * i] = (200, 120, 40)
    x = images.astype(np.float64)
    pooled = -3 * x[0] - x[1] + x[2] + 3 * x[3]
    rectified = np.maximum(pooled, 0)
    scaled = (rectified - rectified.min()) / (rectified.max() - rectified.min())
    dynamic = scaled @ np.array([0.2989, 0.587, 0.114])
    static = np.where(dynamic > dynamic.mean(), dynamic, 0).astype(np.float32)
    static = cv2.dilate(cv2.erode(static, np.ones((2, 2), np.uint8)), np.ones((3, 3), np.uint8))
    static = (static - static.min()) / (static.max() - static.min())
    expected = (dynamic + static) * static
    got = plain_guidance(images, GuidanceSettings(4)).values
    np.testing.assert_allclose(got, expected, atol=1e-6)
    assert got.max() > 0.5


@pytest.mark.parametrize(("name", "window"), [("guidance", 4), ("guidance_w10", 10)])
@pytest.mark.parametrize("modality", ["rgb", "depth"])
def test_equals_released_maps_on_a_real_clip(shared_data, name, window, modality):
    golden = np.load(DATA / f"{name}.npz")
    indices = bin_indices(80, 64)
    np.testing.assert_array_equal(indices, golden["sampled"])
    folder = shared_data / "nvgesture" / modality / "subject11_r0"
    clip = np.stack([_released_picture(folder / f"{i:06d}.jpg") for i in indices])
    means = ((clip - 127.5) / 128).mean((1, 2, 3))
    np.testing.assert_allclose(means, golden[f"{modality}_clip_mean"], atol=1e-12)
    maps = clip_guidance(clip, GuidanceSettings(window))
    np.testing.assert_allclose(
        maps[golden["frames"]], golden[f"{modality}_guidance"].astype(np.float32), atol=2e-3
    )
    np.testing.assert_allclose(
        maps.mean((1, 2)), golden[f"{modality}_guidance_mean"], rtol=0, atol=1e-5
    )
    if modality == "depth":  # one channel stands for three equal ones
        grey = clip_guidance(np.ascontiguousarray(clip[..., 0]), GuidanceSettings(window))
        np.testing.assert_allclose(grey, maps, atol=1e-6)


def _released_picture(path):
    picture = Image.open(path).convert("RGB").resize((256, 256), Image.Resampling.BICUBIC)
    return np.asarray(picture.crop((32, 32, 256, 256)))


def test_floor_attenuates_noise_but_not_motion():
    rng = np.random.default_rng(3)
    noise = rng.integers(99, 102, (6, 32, 32)).astype(np.uint8)
    moving = noise.copy()
    for i in range(6):
        moving[i, 8:16, 3 * i : 3 * i + 8] = 220
    plain, floored = GuidanceSettings(4), GuidanceSettings(4, floor=20.0)
    assert clip_guidance(noise, plain)[-1].max() > 1.0  # min-max makes noise full strength
    assert clip_guidance(noise, floored)[-1].max() < 0.05
    np.testing.assert_array_equal(clip_guidance(moving, floored), clip_guidance(moving, plain))


def test_settings_of_a_recipe_have_its_window_and_floor():
    recipe = Recipe(
        "seven", 30.0, 32, (32, 32), FrameView((32, 32), (0, 0, 32, 32)), GreyDepth(),
        guidance_window=7, guidance_floor=2.5,
    )  # fmt: skip
    assert GuidanceSettings.of(recipe) == GuidanceSettings(7, floor=2.5)


def test_still_scene_gives_zero_maps_and_energy():
    stream = GuidanceStream(GuidanceSettings(3))
    for _ in range(5):
        last = stream.push(np.full((8, 8, 3), 77, np.uint8))
    assert not last.values.any()
    assert last.energy == (0.0, 0.0)


def test_energy_is_in_grey_levels():
    images = np.zeros((4, 8, 8), np.uint8)
    images[2:] = 90  # a step in the middle of the window: every positive weight sees it
    last = [GuidanceStream(GuidanceSettings(4))]
    maps = [last[0].push(image) for image in images]
    assert maps[-1].energy == pytest.approx((90.0, 90.0))


def test_gelu_is_the_papers_equation():
    window = 4
    images = np.random.default_rng(1).integers(0, 255, (window, 5, 5, 3)).astype(np.uint8)
    x = (images - 127.5) / 128
    pooled = np.tensordot(rank_weights(window), x, axes=1)
    from math import erf

    phi = np.vectorize(lambda v: 0.5 * (1 + erf(v / 2**0.5)))(pooled)
    rectified = ScaledGelu(window)(np.tensordot(rank_weights(window), images.astype(int), axes=1))
    np.testing.assert_allclose(rectified, 2 * pooled * phi, rtol=1e-5, atol=1e-6)


def test_refuses_what_is_not_a_picture():
    with pytest.raises(ValueError, match="uint8"):
        GuidanceStream(GuidanceSettings(4)).push(np.zeros((4, 4), np.float32))  # type: ignore[arg-type]
    stream = GuidanceStream(GuidanceSettings(4))
    stream.push(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match=r"\(4, 4\)"):
        stream.push(np.zeros((5, 4), np.uint8))
    with pytest.raises(ValueError, match="at least 2"):
        GuidanceSettings(1)
