"""What synthetic recordings are drawn from, for training and for the demo.

A demo that shows what the model was trained on proves nothing, so the two domains share no
hand, no camera pose, no background and no seed (`tests/test_synthetic.py` asserts it). The
demo's intervals lie next to the training ones: outside, but not far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Domain:
    """Intervals that a performer, a camera and a room are sampled from, uniformly.

    The first six fields differ between the domains; the others are shared.
    camera_pitch_deg: positive looks down. camera_height_mm: positive is above the hand's level.
    hand_distance_mm: from the camera to the palm before the gesture moves it.
    pause_s: from the end of a gesture to the start of the next one.
    """

    name: str
    seeds: range
    palm_width_mm: Interval
    finger_ratio: Interval  # length of the middle finger over the length of the palm
    camera_pitch_deg: Interval
    camera_height_mm: Interval
    backgrounds: tuple[str, ...]

    palm_ratio: Interval = (1.18, 1.30)  # palm length over width
    finger_girth: Interval = (0.92, 1.10)
    camera_roll_deg: Interval = (-3.0, 3.0)
    focal_ratio: Interval = (0.88, 0.98)  # focal length over image width: 54..59 degrees wide
    hand_distance_mm: Interval = (430.0, 570.0)
    body_gap_mm: Interval = (340.0, 430.0)  # from the palm to the chest
    pause_s: Interval = (0.8, 2.0)
    long_pause_s: Interval = (3.4, 6.0)  # long enough to do something else
    long_pauses: float = 0.15  # probability
    left_handed: float = 0.25  # probability

    def check_seed(self, seed: int) -> None:
        if seed not in self.seeds:
            raise ValueError(
                f"seed {seed} is not one of the {self.name} domain's "
                f"({self.seeds.start}..{self.seeds.stop - 1})"
            )


def draw(rng: np.random.Generator, interval: Interval) -> float:
    return float(rng.uniform(*interval))


TRAINING_DOMAIN = Domain(
    name="training",
    seeds=range(1_000_000),
    palm_width_mm=(72.0, 84.0),
    finger_ratio=(0.84, 0.93),
    camera_pitch_deg=(-6.0, 3.0),
    camera_height_mm=(-40.0, 25.0),
    backgrounds=("plaster", "curtain", "brick", "panels"),
)

DEMO_DOMAIN = Domain(
    name="demo",
    seeds=range(1_000_000, 2_000_000),
    palm_width_mm=(85.0, 89.0),
    finger_ratio=(0.94, 0.98),
    camera_pitch_deg=(3.5, 6.0),
    camera_height_mm=(30.0, 50.0),
    backgrounds=("bookcase",),
    long_pauses=0.06,
)
