"""The pictures show exactly what entered the network."""

from __future__ import annotations

import numpy as np
import pytest

from motionrgbd.app import overlay
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.results import (
    Box,
    GestureEvent,
    GuidanceMap,
    Health,
    Prediction,
    Snapshot,
)

RNG = np.random.default_rng(3)
LABELS = ("left", "right", "a label far too long for the room that it is given in the strip", "up")


def guidance(values: np.ndarray) -> GuidanceMap:
    return GuidanceMap(values, np.zeros(values.shape, np.int32), (0.0, 0.0))


def snapshot(color: bool = True, depth: bool = True, scored: bool = True) -> Snapshot:
    frame = RGBDFrame(
        RNG.integers(0, 256, (48, 64, 3), dtype=np.uint8) if color else None,
        RNG.integers(0, 3000, (48, 64), dtype=np.uint16) if depth else None,
        7,
        0.25,
    )
    heat = guidance(RNG.uniform(0, 2, (14, 14)).astype(np.float32))
    p = Prediction(np.array([0.1, 0.2, 0.6, 0.1], np.float32), {}, 7, 0.25) if scored else None
    maps = {m: heat for m, there in (("color", color), ("depth", depth)) if there}
    return Snapshot(frame, Box(8, 0, 56, 48), maps, p, not scored, Health())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "box",
    [
        Box(8, 4, 40, 36),
        Box(0, 0, 64, 48),
        Box(10.3, 5.7, 33.9, 47.2),
        Box(-20.5, -9, 30, 60),
        Box(50, 40, 90, 80),
    ],
)
def test_every_pixel_shows_the_cell_that_covers_it(box: Box) -> None:
    """The fast path against its definition, pixel by pixel."""
    rgb = RNG.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    heat = RNG.uniform(0, 2, (16, 12)).astype(np.float32)
    drawn = overlay.draw_heat(rgb, heat, box, 0.6)
    ramp = overlay.heat_colours().astype(float)
    for y in range(48):
        for x in range(64):
            column = (x + 0.5 - box.left_px) / (box.right_px - box.left_px) * 12
            row = (y + 0.5 - box.top_px) / (box.bottom_px - box.top_px) * 16
            if not (0 <= column < 12 and 0 <= row < 16):
                assert (drawn[y, x] == rgb[y, x]).all()
                continue
            code = round(float(heat[int(row), int(column)]) * 127.5)
            a = 0.6 * np.sqrt(code / 255)
            expected = (1 - a) * rgb[y, x] + a * ramp[code]
            assert np.abs(drawn[y, x] - expected).max() <= 1.6, (x, y)


def test_the_map_can_be_read_back_from_the_picture() -> None:
    heat = np.linspace(0, 2, 24 * 24, dtype=np.float32).reshape(24, 24)
    black = np.zeros((48, 48, 3), np.uint8)
    drawn = overlay.draw_heat(black, heat, Box(0, 0, 48, 48), 1.0)
    every = np.arange(256, dtype=np.float32)[None] * (2 / 255)
    table = overlay.draw_heat(np.zeros((1, 256, 3), np.uint8), every, Box(0, 0, 256, 1), 1.0)[0]
    cells = drawn[::2, ::2].astype(int)
    assert (cells == drawn[1::2, 1::2]).all()
    distance = np.abs(cells[..., None, :] - table.astype(int)).sum(-1)
    read = distance.argmin(-1) * (2 / 255)
    assert distance.min(-1).max() == 0
    assert np.abs(read - heat).max() <= 3 * 2 / 255


def test_drawing_leaves_the_frame_alone_and_no_opacity_draws_nothing() -> None:
    s = snapshot()
    before = s.frame.color.copy()  # type: ignore[union-attr]
    heat = s.guidance["color"].values
    assert (overlay.draw_heat(s.frame.color, heat, s.view, 0.0) == before).all()  # type: ignore[arg-type]
    overlay.draw_heat(s.frame.color, heat, s.view, 1.0)  # type: ignore[arg-type]
    assert (s.frame.color == before).all()


@pytest.mark.parametrize("box", [Box(70, 0, 90, 48), Box(10, 10, 10, 30), Box(30, 10, 20, 30)])
def test_a_box_outside_the_picture_draws_nothing(box: Box) -> None:
    rgb = RNG.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    assert (overlay.draw_heat(rgb, np.ones((4, 4), np.float32), box, 1.0) == rgb).all()


def test_near_is_warm_and_light_far_is_cool_and_dark_and_nothing_is_darkest() -> None:
    depth = np.array([[0, 300, 1000, 2000, 3900, 65535]], np.uint16)
    rgb = overlay.colour_depth(depth, (300, 3900))[0].astype(int)
    assert tuple(rgb[0]) == overlay.NO_READING_RGB
    lightness = rgb.sum(1)
    assert (np.diff(lightness[1:5]) < 0).all()
    assert lightness[0] < lightness[4]
    assert rgb[1, 0] > rgb[1, 2]
    assert rgb[4, 2] > rgb[4, 0]
    assert (rgb[4] == rgb[5]).all()


def test_the_range_of_depth_follows_slowly_and_survives_a_picture_without_readings() -> None:
    tracker = overlay.DepthRange(follow=0.1)
    assert tracker.update(np.zeros((48, 64), np.uint16)) == overlay.DEFAULT_RANGE_MM
    near = np.linspace(500, 900, 48 * 64).reshape(48, 64).astype(np.uint16)
    first = tracker.update(near)
    assert 490 <= first[0] <= 520
    assert 870 <= first[1] <= 900
    moved = tracker.update(near * 2)
    assert first[1] < moved[1] < first[1] + 200
    assert tracker.update(np.zeros((48, 64), np.uint16)) == moved


def test_a_rendered_scene_is_the_resized_picture_with_the_exact_heat() -> None:
    s = snapshot()
    picture = overlay.scene(s, "depth", heat="color", opacity=0.5)
    assert picture is not None
    plain = overlay.scene(s, "depth", heat=None, opacity=0.5)
    assert plain is not None
    expected = overlay.draw_heat(
        plain.render(128, 96), s.guidance["color"].values, Box(16, 0, 112, 96), 0.5
    )
    assert (picture.render(128, 96) == expected).all()


def test_a_missing_picture_has_no_scene_and_a_missing_map_no_heat() -> None:
    s = snapshot(color=False)
    assert overlay.scene(s, "color", heat=None, opacity=1) is None
    picture = overlay.scene(s, "depth", heat="color", opacity=1)
    assert picture is not None
    assert picture.heat is None


@pytest.mark.parametrize("scored", [True, False])
@pytest.mark.parametrize(("color", "depth"), [(True, True), (True, False), (False, True)])
def test_annotated_pictures_keep_one_even_size(color: bool, depth: bool, scored: bool) -> None:
    event = GestureEvent("swipe", 0.9, 0.0, 0.2, 0.2)
    plain = overlay.annotate(snapshot(), LABELS, height_px=242)
    picture = overlay.annotate(
        snapshot(color, depth, scored), LABELS, last_event=event, height_px=242
    )
    assert picture.shape == plain.shape
    assert picture.dtype == np.uint8
    assert picture.shape[0] % 2 == picture.shape[1] % 2 == 0


def test_annotated_pictures_hold_the_heat_and_change_with_the_event() -> None:
    s = snapshot()
    picture = overlay.annotate(s, LABELS, height_px=96, opacity=0.5)
    heat = s.guidance["color"].values
    color = overlay.Scene(s.frame.color, s.view, heat, 0.5).render(128, 96)  # type: ignore[arg-type]
    inside = np.s_[2:94, 20:108]  # within the outline of the view
    assert (picture[:96, :128][inside] == color[inside]).all()
    other = overlay.annotate(
        s, LABELS, height_px=96, opacity=0.5, last_event=GestureEvent("up", 0.9, 0, 1, 1)
    )
    assert (other[:96] == picture[:96]).all()
    assert (other[96:] != picture[96:]).any()


def test_one_modality_alone_can_be_annotated() -> None:
    both = overlay.annotate(snapshot(), LABELS, height_px=96)
    one = overlay.annotate(snapshot(depth=False), LABELS, height_px=96, modalities=("color",))
    assert one.shape[1] * 2 == both.shape[1]
