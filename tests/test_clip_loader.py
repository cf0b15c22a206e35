"""The loader of clips: evaluation is the live path, training draws once for all of a clip."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from motionrgbd.core.depth8 import EightBitDepth
from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.guidance import GuidanceSettings, GuidanceStream
from motionrgbd.core.preprocess import FramePreparer, normalise
from motionrgbd.core.sampling import bin_indices
from motionrgbd.models.recipe import FrameView, GreyDepth
from motionrgbd.models.released_recipes import released_recipe
from motionrgbd.training.augmentation import Augmentation, DepthNoise, Draw, noisy_depth
from motionrgbd.training.clip_loader import ClipLoader, ClipReader, random_indices
from motionrgbd.training.datasets.nvgesture import NVGESTURE
from motionrgbd.training.datasets.reader import read_pictures, read_records

SETS = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("paper_set.py"))))
BOTH = ("color", "depth")
SMALL_VIEW = FrameView((32, 32), (4, 4, 32, 32))
SMALL = replace(
    released_recipe("NvGesture"), window=8, size_px=(28, 28), view=SMALL_VIEW, guidance_window=3
)


@pytest.fixture(scope="module")
def real(tmp_path_factory, shared_data):
    return read_records(
        NVGESTURE, SETS.real_set(tmp_path_factory.mktemp("s") / "n", shared_data), "train"
    )


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return read_records(NVGESTURE, SETS.SET.write(tmp_path_factory.mktemp("s") / "n"), "train")


def test_evaluation_gives_the_bytes_of_the_live_path(real):
    recipe = replace(released_recipe("NvGesture"), window=10)
    batch = ClipReader(recipe, BOTH).read(real[0])
    chosen = bin_indices(80, 10).tolist()
    color = read_pictures(real[0], "color", chosen)
    depth = [EightBitDepth("brighter_is_nearer").to_mm(x[..., 0]) for x in
             read_pictures(real[0], "depth", chosen)]  # fmt: skip
    preparer = FramePreparer(recipe, recipe.view, EightBitDepth("brighter_is_nearer"))
    streams = {m: GuidanceStream(GuidanceSettings(recipe.guidance_window)) for m in BOTH}
    clips = {m: batch.inputs(m, 3) for m in BOTH}
    for t in range(10):
        live = preparer.prepare(RGBDFrame(color[t], depth[t], t, t / 24))
        for m, picture in (("color", live.color), ("depth", live.depth)):
            np.testing.assert_array_equal(np.squeeze(batch.pictures[m][0, t]), picture)
            clip, maps = clips[m]
            expected = np.broadcast_to(normalise(picture), (3, 224, 224))
            np.testing.assert_array_equal(clip[0, :, t], expected)
            np.testing.assert_array_equal(maps[0, 0, t], streams[m].push(picture).values)


def test_training_is_the_released_geometry(real):
    """Rotate the stored picture, Pillow's BICUBIC, crop, mirror, resize the crop."""
    view = FrameView((320, 240), (60, 20, 260, 220))
    picture = read_pictures(real[0], "color", [7])[0]
    seen = Draw(-17, (33, 11, 233, 211), mirrored=True).applied(picture, view, (224, 224))
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -17, 1)
    image = Image.fromarray(cv2.warpAffine(picture, turn, (width, height)))
    image = image.resize((320, 240)).crop((33, 11, 233, 211))
    image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((224, 224))
    np.testing.assert_array_equal(seen, np.asarray(image))


def test_draws_keep_to_the_released_ranges():
    rng = np.random.default_rng(0)
    nv = released_recipe("NvGesture").view
    draws = [Augmentation(corner_px=(10, 32)).draw(rng, nv) for _ in range(600)]
    assert {d.crop_px[0] for d in draws} == {d.crop_px[1] for d in draws} == set(range(10, 33))
    assert {d.angle_deg for d in draws} == set(range(-10, 10))
    assert 0.4 < np.mean([d.angle_deg == 0 for d in draws]) < 0.65
    assert not any(d.mirrored for d in draws)
    thu = Augmentation(rotated=0.8, angles_deg=(-45, 45), mirrored=0.5)
    view = released_recipe("THU-READ").view
    draws = [thu.draw(rng, view) for _ in range(2000)]
    assert {d.crop_px[0] for d in draws} == set(range(120))
    assert {d.crop_px[1] for d in draws} == set(range(40))
    assert {d.angle_deg for d in draws} == set(range(-45, 45))
    assert 0.45 < np.mean([d.mirrored for d in draws]) < 0.55


def test_one_draw_is_shared_and_guidance_follows_it(drawn):
    """Colour replaced by depth's own pictures: what both become must be the same."""
    twin = replace(drawn[0], color=drawn[0].depth)
    augmentation = Augmentation(rotated=1.0, mirrored=0.5)
    reader = ClipReader(SMALL, BOTH, augmentation)
    batch = reader.read(twin, np.random.default_rng(5))
    color, depth = batch.pictures["color"], batch.pictures["depth"]
    assert color.shape == (1, 8, 28, 28, 3)
    assert torch.equal(color[..., :1], depth)
    plain = ClipReader(SMALL, BOTH).read(twin)
    assert not torch.equal(depth, plain.pictures["depth"])
    stream = GuidanceStream(GuidanceSettings(3))
    maps = [stream.push(x).values for x in depth[0, ..., 0].numpy()]
    np.testing.assert_array_equal(batch.guidance["depth"][0], np.stack(maps))


def test_grey_survives_a_codec_and_coloured_depth_is_refused(drawn, tmp_path):
    reader = ClipReader(SMALL, ("depth",))
    plain = reader.read(drawn[0]).pictures["depth"].float()
    for levels, passes in ((6, True), (60, False)):
        folder = tmp_path / str(levels)
        folder.mkdir()
        for file in drawn[0].depth.iterdir():
            picture = np.asarray(Image.open(file)).astype(int)
            picture[..., 2] += levels
            Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(
                folder / file.name, quality=100, subsampling=0
            )
        tinted = replace(drawn[0], depth=folder)
        if passes:
            seen = reader.read(tinted).pictures["depth"].float()
            assert float((seen - plain).abs().max()) <= 4
        else:
            with pytest.raises(SourceError, match="train_0 are coloured"):
                reader.read(tinted)


def test_a_mirrored_gesture_has_the_other_label(drawn):
    reader = ClipReader(SMALL, ("depth",), Augmentation(mirrored=1.0), flips={0: 1, 1: 0})
    labels = [int(reader.read(r, np.random.default_rng(1)).labels[0]) for r in drawn]
    assert labels == [1 - r.label for r in drawn]
    still = replace(reader, augmentation=Augmentation(mirrored=0.0))
    assert int(still.read(drawn[0], np.random.default_rng(1)).labels[0]) == drawn[0].label


def test_training_frames_come_from_their_bins():
    rng = np.random.default_rng(0)
    for count, window in ((80, 64), (20, 64), (300, 64), (64, 64)):
        drawn = np.stack([random_indices(rng, count, window) for _ in range(200)])
        for i in range(window):
            first = count * i // window
            span = range(first, max(first + 1, count * (i + 1) // window))
            assert set(drawn[:, i].tolist()) == set(span)


def test_depth_noise_grows_with_distance_and_leaves_holes_alone():
    mapping = GreyDepth(near_mm=200, step_mm=8)
    codes = np.zeros((60, 90), np.uint8)
    codes[:, 30:60], codes[:, 60:] = 230, 40  # 0.4 m, 1.92 m
    noise = DepthNoise(sigma_mm=12.0, step_mm=0.0, holes=0)
    noisy = noisy_depth(codes, mapping, noise, np.random.default_rng(0)).astype(float)
    assert not noisy[:, :30].any()
    near, far = noisy[:, 30:60].std(), noisy[:, 60:].std()
    assert far > 5 * near
    assert far == pytest.approx(12 * 1.92**2 / 8, rel=0.2)
    coarse = replace(noise, sigma_mm=0.0, step_mm=30.0)
    every = np.arange(256, dtype=np.uint8)[None]
    stepped = np.unique(noisy_depth(every, mapping, coarse, np.random.default_rng(0)))
    assert len(stepped) < 150
    assert np.diff(stepped[1:]).max() == np.diff(stepped[1:])[:3].max()  # coarsest far away
    holes = noisy_depth(codes, mapping, replace(noise, holes=9), np.random.default_rng(0))
    assert (holes[:, 30:] == 0).any()


def test_batches_depend_on_seed_and_epoch_but_not_on_processes(drawn):
    records = [*drawn, *drawn, *drawn]
    reader = ClipReader(SMALL, BOTH, Augmentation())

    def batches(epoch, workers=0, seed=1):
        loader = ClipLoader(records, reader, 2, seed=seed, workers=workers)
        return [(b.labels.tolist(), b.pictures["color"]) for b in loader.epoch(epoch)]

    here, there = batches(3), batches(3, workers=2)
    assert len(here) == 3
    assert all(a[0] == b[0] and torch.equal(a[1], b[1]) for a, b in zip(here, there, strict=True))
    assert not torch.equal(here[0][1], batches(4)[0][1])
    assert not torch.equal(here[0][1], batches(3, seed=2)[0][1])


def test_processes_share_an_epoch_and_short_sets_repeat(drawn):
    records = [*drawn, *drawn, *drawn, drawn[0]]
    reader = ClipReader(SMALL, ("depth",))
    orders = [
        [
            key
            for batch in ClipLoader(records, reader, 2, seed=1, rank=r, world=2)._order
            for key in batch
        ]
        for r in (0, 1)
    ]
    assert len(orders[0]) == len(orders[1]) == 2
    assert not set(orders[0]) & set(orders[1])
    assert len(next(ClipLoader(records[:1], reader, 2, seed=1).epoch(0)).labels) == 2
    last = list(ClipLoader(records, reader, 4).epoch(0))
    assert [len(b.labels) for b in last] == [4, 3]


@pytest.mark.parametrize("workers", [0, 1])
def test_what_cannot_be_read_is_named_in_one_line(drawn, workers):
    lost = replace(drawn[0], depth=Path("nowhere"))
    loader = ClipLoader([lost], ClipReader(SMALL, ("depth",)), 1, workers=workers)
    with pytest.raises(SourceError, match=r"^nowhere/00000.\.jpg cannot be read"):
        next(loader.epoch(0))
