"""What is wrong with an image is told, a flash is bridged, and a good image must prove itself."""

from __future__ import annotations

import numpy as np
import pytest

from motionrgbd.core.modality_watch import FROZEN_S, HOLD_S, RETURN_S, ModalityWatch
from motionrgbd.core.results import Box

HZ = 30.0
SHAPE = (48, 64)


def color(level: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 4, (*SHAPE, 3))
    return np.minimum(level + noise, 255).astype(np.uint8)


def depth(level: int, seed: int = 0) -> np.ndarray:
    return (level + np.random.default_rng(seed).integers(0, 4, SHAPE)).astype(np.uint16)


def run(watch: ModalityWatch, images: list[np.ndarray | None]) -> list[np.ndarray | None]:
    return [watch.take(image, n / HZ) for n, image in enumerate(images)]


@pytest.mark.parametrize(
    ("modality", "bad", "word"),
    [
        ("color", color(0), "black"),
        ("color", np.full((*SHAPE, 3), 255, np.uint8), "saturated"),
        ("color", None, "missing"),
        ("depth", np.zeros(SHAPE, np.uint16), "empty"),
        ("depth", None, "missing"),
    ],
)
def test_a_bad_image_is_told_held_for_a_moment_and_then_left_out(
    modality: str, bad: np.ndarray | None, word: str
) -> None:
    good = [(color if modality == "color" else depth)(100, n) for n in range(60)]
    watch = ModalityWatch(modality)  # type: ignore[arg-type]
    used = run(watch, [*good[:10], *[bad] * 20, *good[10:50]])
    assert all(u is g for u, g in zip(used, good[:10], strict=False))
    held = int(HOLD_S * HZ)
    assert all(u is good[9] for u in used[10 : 10 + held])
    gone = round(RETURN_S * HZ)
    assert used[10 + held : 30 + gone] == [None] * (20 - held + gone)
    assert all(u is not None for u in used[30 + gone :])
    assert (watch.reason, watch.cause) == (None, word)


def test_a_flash_changes_nothing_else() -> None:
    watch = ModalityWatch("color")
    used = run(watch, [color(100, n) if n % 10 else color(0, n) for n in range(1, 60)])
    assert all(u is not None for u in used)
    assert watch.cause is None


def test_what_comes_and_goes_stays_out() -> None:
    """Good images never last as long as it takes to be trusted again: no flapping."""
    watch = ModalityWatch("color")
    images = [color(100 if n // 8 % 2 else 0, n) for n in range(240)]
    used = run(watch, images)
    assert used == [None] * 240


def test_a_stuck_sensor_is_noticed_and_a_still_scene_is_not() -> None:
    still = ModalityWatch("depth")
    assert all(u is not None for u in run(still, [depth(500, n) for n in range(90)]))
    stuck = ModalityWatch("depth")
    used = run(stuck, [depth(500)] * 90)
    assert stuck.reason == "frozen"
    assert [u is None for u in used].index(True) == int(FROZEN_S * HZ) + 1


def test_holes_count_where_the_hand_is() -> None:
    image = depth(500)
    image[10:30, 20:40] = 0
    watch = ModalityWatch("depth")
    assert run(watch, [image])[0] is image
    watch.look_at(Box(20.4, 10.0, 39.6, 30.0))
    run(watch, [image] * 12)
    assert watch.reason == "without readings at the hand"
    watch.reset()
    assert run(watch, [image])[0] is image  # a new stream: no hand was found yet


def test_a_lit_hand_in_the_dark_is_no_black_picture() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    image[200:280, 300:370] = 90
    assert run(ModalityWatch("color"), [image])[0] is image


def test_a_masked_hand_is_no_empty_picture() -> None:
    image = np.zeros((480, 640), np.uint16)
    image[200:280, 300:370] = 450  # a fist at half a metre: 1.8 % of the picture
    watch = ModalityWatch("depth")
    watch.look_at(Box(215.0, 120.0, 455.0, 360.0))
    assert run(watch, [image])[0] is image
