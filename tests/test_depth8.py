"""8-bit depth and its millimetres."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionrgbd.core.depth8 import Direction, EightBitDepth
from motionrgbd.core.errors import UsageError

CODES = np.arange(256, dtype=np.uint8)
DIRECTIONS: list[Direction] = ["brighter_is_nearer", "darker_is_nearer"]


@given(
    direction=st.sampled_from(DIRECTIONS),
    near_mm=st.integers(1, 2000),
    step_mm=st.integers(1, 200),
)
def test_every_code_comes_back(direction: Direction, near_mm: int, step_mm: int) -> None:
    depth = EightBitDepth(direction, near_mm, step_mm)
    millimetres = depth.to_mm(CODES)
    assert millimetres.dtype == np.uint16
    assert millimetres[0] == 0
    assert np.array_equal(depth.to_u8(millimetres), CODES)


def test_directions_are_opposite() -> None:
    bright = EightBitDepth("brighter_is_nearer").to_mm(CODES[1:]).astype(int)
    dark = EightBitDepth("darker_is_nearer").to_mm(CODES[1:]).astype(int)
    assert bright[-1] == dark[0] == 200
    assert bright[0] == dark[-1] == 200 + 254 * 4
    assert (np.diff(bright) == -4).all()
    assert (np.diff(dark) == 4).all()


@pytest.mark.parametrize(
    ("direction", "nearest", "beyond"), [(DIRECTIONS[0], 255, 0), (DIRECTIONS[1], 1, 255)]
)
def test_distances_without_a_code(direction: Direction, nearest: int, beyond: int) -> None:
    depth = EightBitDepth(direction)
    codes = depth.to_u8(np.array([0, 1, 199, 5000, 65535], dtype=np.uint16))
    assert codes.tolist() == [0, nearest, nearest, beyond, beyond]


@pytest.mark.parametrize("wrong", [{"near_mm": 0}, {"step_mm": 0}, {"step_mm": 300}])
def test_impossible_scales_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="8-bit depth"):
        EightBitDepth("darker_is_nearer", **wrong)
