"""What is wrong with an image is told, a flash is bridged, and a good image must prove itself."""

from __future__ import annotations

import numpy as np
import pytest

from motionrgbd.core.modality_watch import FROZEN_S, HOLD_S, RETURN_S, SETTLE_S, ModalityWatch
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


@pytest.mark.parametrize("live", [False, True])
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
    modality: str, bad: np.ndarray | None, word: str, live: bool
) -> None:
    good = [(color if modality == "color" else depth)(100, n) for n in range(90)]
    watch = ModalityWatch(modality, live=live)  # type: ignore[arg-type]
    n = 40  # beyond the time that a live stream has to settle
    used = run(watch, [*good[:n], *[bad] * 20, *good[n:]])
    assert all(u is g for u, g in zip(used, good[:n], strict=False))
    held = int(HOLD_S * HZ)
    assert all(u is good[n - 1] for u in used[n : n + held])
    gone = round(RETURN_S * HZ)
    assert used[n + held : n + 20 + gone] == [None] * (20 - held + gone)
    assert all(u is not None for u in used[n + 20 + gone :])
    assert (watch.reason, watch.cause) == (None, word)


def test_a_flash_changes_nothing_else() -> None:
    watch = ModalityWatch("color", live=False)
    used = run(watch, [color(100, n) if n % 10 else color(0, n) for n in range(1, 60)])
    assert all(u is not None for u in used)
    assert watch.cause is None


def test_what_comes_and_goes_stays_out() -> None:
    """Good images never last as long as it takes to be trusted again: no flapping."""
    watch = ModalityWatch("color", live=False)
    images = [color(100 if n // 8 % 2 else 0, n) for n in range(240)]
    used = run(watch, images)
    assert used == [None] * 240


def test_a_stuck_sensor_is_noticed_and_a_still_scene_is_not() -> None:
    still = ModalityWatch("depth", live=True)
    assert all(u is not None for u in run(still, [depth(500, n) for n in range(90)]))
    stuck = ModalityWatch("depth", live=True)
    used = run(stuck, [depth(500)] * 90)
    assert stuck.reason == "frozen"
    assert [u is None for u in used].index(True) == int(FROZEN_S * HZ) + 1


@pytest.mark.parametrize("modality", ["color", "depth"])
def test_a_recording_may_hold_equal_images(modality: str) -> None:
    watch = ModalityWatch(modality, live=False)  # type: ignore[arg-type]
    image = (color if modality == "color" else depth)(100)
    assert all(u is image for u in run(watch, [image] * 90))
    assert watch.cause is None


@pytest.mark.parametrize("level", [0, 255])
def test_a_camera_may_settle_its_exposure_and_no_longer(level: int) -> None:
    """In the first second of a live stream alone: a recording has no camera that would settle."""
    settle = int(SETTLE_S * HZ)
    begin = [color(level, n) for n in range(settle)]
    well = ModalityWatch("color", live=True)
    assert all(u is not None for u in run(well, [*begin, *[color(100, n) for n in range(60)]]))
    assert well.cause is None
    ill = ModalityWatch("color", live=True)
    used = run(ill, [*begin, *[color(level, n) for n in range(60)]])
    lost = [u is None for u in used].index(True)
    assert lost == pytest.approx(settle + HOLD_S * HZ, abs=1)
    assert ill.reason in ("black", "saturated")
    ill.reset()  # a new stream has a second of its own
    assert all(u is not None for u in run(ill, begin))
    assert run(ModalityWatch("color", live=False), begin) == [None] * settle


def test_holes_count_where_the_hand_is() -> None:
    image = depth(500)
    image[10:30, 20:40] = 0
    watch = ModalityWatch("depth", live=False)
    assert run(watch, [image])[0] is image
    watch.look_at(Box(20.4, 10.0, 39.6, 30.0))
    run(watch, [image] * 12)
    assert watch.reason == "without readings at the hand"
    watch.reset()
    assert run(watch, [image])[0] is image  # a new stream: no hand was found yet


def test_a_lit_hand_in_the_dark_is_no_black_picture() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    image[200:280, 300:370] = 90
    assert run(ModalityWatch("color", live=False), [image])[0] is image


def test_a_masked_hand_is_no_empty_picture() -> None:
    image = np.zeros((480, 640), np.uint16)
    image[200:280, 300:370] = 450  # a fist at half a metre: 1.8 % of the picture
    watch = ModalityWatch("depth", live=False)
    watch.look_at(Box(215.0, 120.0, 455.0, 360.0))
    assert run(watch, [image])[0] is image
