"""The region of interest: a box in metres before the camera; what lies outside does not count."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from motionrgbd.core.errors import UsageError

MOST_M = 65.0  # about as far as 16 bits of millimetres reach
LEAST_M = 0.01  # nearer no lens sees anything; every edge is at least this long
FORM = "X0:X1,Y0:Y1,Z0:Z1 in metres, such as -0.3:0.3,-0.2:0.2,0.3:0.9"

_SPAN = r"\s*([^:,\s]+)\s*:\s*([^:,\s]+)\s*"


class RegionError(UsageError):
    """A region that cannot be, or that this source cannot have."""


@dataclass(frozen=True, slots=True)
class RegionOfInterest:
    """A box, its edges along the camera's axes: x to the right, y down, z away; metres.

    Raises RegionError where a span is empty, not finite, behind the camera or beyond 65 m.
    """

    x_m: tuple[float, float]
    y_m: tuple[float, float]
    z_m: tuple[float, float]

    def __post_init__(self) -> None:
        for axis, span in (("x", self.x_m), ("y", self.y_m), ("z", self.z_m)):
            least = LEAST_M if axis == "z" else -MOST_M
            inside = all(math.isfinite(v) and least <= v <= MOST_M for v in span)
            # rounded: 0.31 - 0.3 is less than 0.01
            if not inside or round(span[1] - span[0], 9) < LEAST_M:
                raise RegionError(
                    f"a region's {axis} must run from a smaller to a larger number of metres, "
                    f"{least:g} to {MOST_M:g} and {LEAST_M:g} apart, got {span[0]:g}:{span[1]:g}"
                )

    @classmethod
    def parse(cls, text: str) -> RegionOfInterest:
        """Read `X0:X1,Y0:Y1,Z0:Z1`, metres. Raises RegionError."""
        match = re.fullmatch(",".join([_SPAN] * 3), text)
        try:
            numbers = [float(part) for part in match.groups()] if match else []
        except ValueError:
            numbers = []
        if len(numbers) != 6:
            raise RegionError(f"a region is {FORM}, got {text!r}")
        x0, x1, y0, y1, z0, z1 = numbers
        return cls((x0, x1), (y0, y1), (z0, z1))

    def __str__(self) -> str:
        """Return what `parse` reads; millimetres are kept."""
        spans = (self.x_m, self.y_m, self.z_m)
        return ",".join(f"{low:.3f}:{high:.3f}" for low, high in spans)
