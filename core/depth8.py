"""Depth stored in eight bits, and the millimetres it stands for.

Recordings of this field keep depth as a grey picture whose scale nobody wrote down, some with
near things bright, some with near things dark, all with 0 for "no reading". The direction must be
told; the scale is chosen (`near_mm`, `step_mm`) such that the 8-bit codes come back exactly, which
is what networks trained on such pictures need.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.errors import UsageError

Direction = Literal["brighter_is_nearer", "darker_is_nearer"]

DEFAULT_NEAR_MM = 200  # the closest a RealSense of this class measures
DEFAULT_STEP_MM = 4  # 255 codes then reach 1.2 m, arm's length and a little more
_CODES = np.arange(256)
_LARGEST_MM = 65535


@dataclass(frozen=True, slots=True)
class EightBitDepth:
    """A linear map between codes 1..255 and millimetres; code 0 and 0 mm: no reading.

    brighter_is_nearer: mm = near_mm + (255 - q) * step_mm.
    darker_is_nearer:   mm = near_mm + (q - 1) * step_mm.
    """

    direction: Direction
    near_mm: int = DEFAULT_NEAR_MM
    step_mm: int = DEFAULT_STEP_MM

    def __post_init__(self) -> None:
        if self.direction not in ("brighter_is_nearer", "darker_is_nearer"):
            raise UsageError(f"depth direction must be brighter or darker, got '{self.direction}'")
        if self.near_mm < 1 or self.step_mm < 1 or self.far_mm > _LARGEST_MM:
            raise UsageError(
                f"8-bit depth needs near_mm and step_mm of at least 1 and a far end of at most "
                f"{_LARGEST_MM} mm, got near {self.near_mm}, step {self.step_mm}"
            )

    @property
    def far_mm(self) -> int:
        """The farthest distance that has a code."""
        return self.near_mm + 254 * self.step_mm

    @property
    def table(self) -> NDArray[np.uint16]:
        """Millimetres of the 256 codes."""
        steps = 255 - _CODES if self.direction == "brighter_is_nearer" else _CODES - 1
        return np.where(_CODES == 0, 0, self.near_mm + steps * self.step_mm).astype(np.uint16)

    def to_mm(self, codes: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """uint8 codes as uint16 millimetres, any shape."""
        return self.table[codes]

    def to_u8(self, depth_mm: NDArray[np.uint16]) -> NDArray[np.uint8]:
        """uint16 millimetres as uint8 codes, any shape: the exact inverse of `to_mm`.

        Between two codes the nearest is taken. Nearer than `near_mm`: the nearest code. Farther
        than `far_mm` (by more than half a step): 0 where brighter is nearer, so that background
        fades to black; 255 where darker is nearer, so that background stays bright.
        """
        return _all_codes(self)[depth_mm]


@lru_cache(maxsize=8)
def _all_codes(depth: EightBitDepth) -> NDArray[np.uint8]:
    """The code of every uint16 distance: a look-up is ten times faster than the division."""
    millimetres = np.arange(_LARGEST_MM + 1)
    step = (millimetres - depth.near_mm + depth.step_mm // 2) // depth.step_mm
    if depth.direction == "brighter_is_nearer":
        codes = 255 - np.clip(step, 0, 255)
    else:
        codes = 1 + np.clip(step, 0, 254)
    return np.where(millimetres == 0, 0, codes).astype(np.uint8)
