"""What a stereo depth camera makes of the true picture.

Depth is measured as disparity: its noise and its steps grow with the square of the distance,
and what the second imager cannot see has no reading (a shadow beside near things).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.frames import ColorImage, DepthImage
from motionrgbd.core.synthetic.domain import draw
from motionrgbd.core.synthetic.render import View

Image = NDArray[np.float32]

_TILE_SLACK_PX = 64  # each frame cuts its noise from a larger tile at its own place


@dataclass(frozen=True, slots=True, eq=False)
class Sensor:
    """baseline_px_mm: focal length times baseline. steps_mm: disparity steps times millimetre."""

    seed: int
    baseline_px_mm: float
    steps_mm: float
    depth_noise: Image  # in disparity steps
    dropout: Image  # chance-like field: large where readings tend to be lost
    color_noise: NDArray[np.int8]

    def observe(
        self, color: ColorImage, depth_mm: Image, index: int
    ) -> tuple[ColorImage, DepthImage]:
        """Add noise, steps, shadows and holes; the same (seed, index) gives the same bytes."""
        height, width = depth_mm.shape
        rng = np.random.default_rng((self.seed, 4, index))
        cut = [
            slice(int(o), int(o) + n)
            for o in rng.integers(0, _TILE_SLACK_PX, 6).tolist()
            for n in (height, width)
        ]
        steps = self.steps_mm / depth_mm
        steps += self.depth_noise[cut[0], cut[3]]
        np.rint(steps, out=steps)
        measured = self.steps_mm / steps

        place = np.arange(width, dtype=np.float32) - self.baseline_px_mm / depth_mm
        nearest = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
        lost = place > nearest + 0.75
        slope = cv2.morphologyEx(depth_mm, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        lost |= slope * (1.0 / 60.0) + self.dropout[cut[4], cut[7]] > 3.1
        measured[lost] = 0.0
        noisy = cv2.add(color, self.color_noise[cut[8], cut[11]], dtype=cv2.CV_8U)
        return np.asarray(noisy, np.uint8), measured.astype(np.uint16)


def sample_sensor(rng: np.random.Generator, seed: int, view: View) -> Sensor:
    shape = (view.height_px + _TILE_SLACK_PX, view.width_px + _TILE_SLACK_PX)
    fine = rng.standard_normal(shape, np.float32)
    smooth = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), 1.5) * 5.0
    clumps = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), 2.0) * 7.0
    grain = rng.standard_normal((*shape, 3), np.float32) * draw(rng, (1.5, 3.5))
    return Sensor(
        seed=seed,
        baseline_px_mm=view.intrinsics.fx_px * draw(rng, (14.0, 26.0)),
        steps_mm=1e6 / draw(rng, (1.5, 3.0)),  # a step is 1.5..3 mm at one metre
        depth_noise=(0.35 * fine + 0.55 * smooth) * np.float32(draw(rng, (0.7, 1.2))),
        dropout=clumps + 0.3 * fine,
        color_noise=np.clip(np.rint(grain), -127, 127).astype(np.int8),
    )
