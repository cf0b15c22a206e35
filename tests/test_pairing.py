"""Colour and depth that belong together."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from motionrgbd.core.sources.pairing import Pairer, StampedImage

PERIOD_S = 0.1
PIXEL = np.zeros((1, 1), np.uint8)


@st.composite
def streams(draw: st.DrawFn) -> list[float]:
    """Stamps of a stream at 10 Hz that jitters by a tenth of a period and loses images."""
    start = draw(st.floats(0, 0.3))
    present = draw(st.lists(st.booleans(), max_size=30))
    jitter = draw(st.lists(st.floats(-0.01, 0.01), min_size=30, max_size=30))
    return [start + i * PERIOD_S + jitter[i] for i, here in enumerate(present) if here]


def image(number: int, stamp_s: float) -> StampedImage:
    return StampedImage(PIXEL, number, stamp_s)


def paired(
    color: list[float], depth: list[float], order: list[bool]
) -> tuple[list[tuple[float, float]], Pairer]:
    """Feed both streams; `order` says whose image comes next while both have some."""
    pairer, pairs, turn = Pairer(PERIOD_S), [], iter(order)
    left = [list(enumerate(color)), list(enumerate(depth))]
    while left[0] or left[1]:
        first = bool(left[0]) if not (left[0] and left[1]) else next(turn, len(left[0]) % 2 == 0)
        stream = left[0] if first else left[1]
        (pairer.add_color if first else pairer.add_depth)(image(*stream.pop(0)))
        while (pair := pairer.pop()) is not None:
            pairs.append((pair[0].stamp_s, pair[1].stamp_s))
    pairer.finish()
    while (pair := pairer.pop()) is not None:
        pairs.append((pair[0].stamp_s, pair[1].stamp_s))
    return pairs, pairer


@given(streams(), streams(), st.lists(st.booleans(), max_size=60))
def test_pairs_depend_on_stamps_not_on_arrival(
    color: list[float], depth: list[float], order: list[bool]
) -> None:
    pairs, pairer = paired(color, depth, order)
    in_turn, _ = paired(color, depth, [True, False] * 30)
    assert pairs == in_turn
    assert pairer.counts.images_read == len(color) + len(depth)


@given(streams(), streams())
def test_partners_are_near_in_order_and_mutually_nearest(
    color: list[float], depth: list[float]
) -> None:
    pairs, pairer = paired(color, depth, [])
    assert all(abs(c - d) <= PERIOD_S / 2 + 2e-6 for c, d in pairs)
    assert all(a[0] < b[0] and a[1] < b[1] for a, b in itertools.pairwise(pairs))
    for c, d in pairs:
        gap = abs(c - d) + 1e-9
        free_depth = set(depth) - {other for _, other in pairs}
        free_color = set(color) - {other for other, _ in pairs}
        assert all(abs(c - other) >= gap - 2e-9 for other in free_depth)
        assert all(abs(d - other) >= gap - 2e-9 for other in free_color)
    assert pairer.counts.unpaired == len(color) + len(depth) - 2 * len(pairs)


def test_no_image_waits_where_partners_are_close() -> None:
    pairer = Pairer(PERIOD_S)
    pairer.add_color(image(0, 1.0))
    assert pairer.pop() is None
    pairer.add_depth(image(7, 1.03))
    pair = pairer.pop()
    assert pair is not None
    assert (pair[0].number, pair[1].number) == (0, 7)


def test_the_genuine_d435_recording_s_stamps_have_no_pair() -> None:
    """Two depth images and one colour image, 102 ms apart at 6 Hz: half a period is 83 ms."""
    pairer = Pairer(1 / 6)
    pairer.add_depth(image(169, 360.815089))
    pairer.add_color(image(162, 360.713523))
    pairer.add_depth(image(170, 360.981765))
    pairer.finish()
    assert pairer.pop() is None
    assert (pairer.counts.unpaired_color, pairer.counts.unpaired_depth) == (1, 2)


def test_stamps_that_do_not_grow_are_counted_not_delivered() -> None:
    pairer = Pairer(PERIOD_S)
    for stamp_s in (1.0, 1.0, 0.5):
        pairer.add_color(image(0, stamp_s))
    assert pairer.counts.out_of_order == 2


def test_a_silent_stream_does_not_fill_the_memory() -> None:
    pairer = Pairer(PERIOD_S)
    for i in range(1000):
        pairer.add_depth(image(i, i * PERIOD_S))
    assert pairer.counts.unpaired_depth > 900
