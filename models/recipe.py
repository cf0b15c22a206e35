"""Everything between a camera frame and the network; it travels inside the model bundle.

One recipe serves training, evaluation and the live path, so they cannot drift apart.
This module is torch-free.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from motionrgbd.models.errors import BundleError

Modality = Literal["color", "depth"]
MODALITIES: tuple[Modality, ...] = ("color", "depth")


@dataclass(frozen=True, slots=True)
class FrameView:
    """The whole picture: resized to `resize_px`, then cropped (REFERENCE preprocessing).

    resize_px: (width, height), Pillow BICUBIC. crop_px: (left, top, right, bottom) of the
    resized picture. The crop is resized to the network's `size_px` where they differ.
    """

    resize_px: tuple[int, int]
    crop_px: tuple[int, int, int, int]
    kind: Literal["frame"] = "frame"


@dataclass(frozen=True, slots=True)
class HandView:
    """A square around the hand, found from depth in the working volume.

    side_m: side of the square in metres at the hand's distance.
    near_m, far_m: the working volume; the nearest surface inside it is taken for the hand.
    smoothing: share of the previous box kept at each grid frame, 0 (none) to below 1.
    """

    side_m: float = 0.30
    near_m: float = 0.15
    far_m: float = 0.90
    smoothing: float = 0.5
    kind: Literal["hand"] = "hand"


@dataclass(frozen=True, slots=True)
class GreyDepth:
    """Depth as an 8-bit grey picture: one code per `step_mm`, 0 = no reading.

    brighter_is_nearer: code 255 at `near_mm`, 1 at near + 254 steps.
    darker_is_nearer: code 1 at `near_mm`, 255 at near + 254 steps.
    """

    direction: Literal["brighter_is_nearer", "darker_is_nearer"] = "brighter_is_nearer"
    near_mm: int = 200
    step_mm: int = 4
    kind: Literal["grey"] = "grey"


@dataclass(frozen=True, slots=True)
class RelativeDepth:
    """Depth relative to the hand: code 128 at the hand's distance, one code per `step_mm`.

    Nearer is brighter; readings beyond +-127 codes and missing readings are 0.
    """

    step_mm: float = 1.5
    kind: Literal["relative"] = "relative"


@dataclass(frozen=True, slots=True)
class MaskedJetDepth:
    """NTU RGB+D's masked depth: wrapped to 8 bits, cropped at the person, JET-coloured."""

    crop_px: tuple[int, int] = (320, 240)
    min_contour_px: int = 500
    kind: Literal["masked_jet"] = "masked_jet"


@dataclass(frozen=True, slots=True)
class Recipe:
    """From frames to network input.

    name: the benchmark or model the recipe belongs to.
    fps_hz: grid rate. A set that stretches every clip to the window has no rate: `span_s` then
        says how long a live window lasts, and fps_hz is window / span_s.
    window: frames in the network's window (T).
    size_px: (width, height) of the network's input.
    view: which part of the picture the network sees.
    depth: how millimetres become an 8-bit picture. Pixels enter as (x - 127.5) / 128.
    guidance_window: frames under one guidance map (w).
    guidance_floor: smallest range, in grey levels of the 8-bit rank-pooled difference per unit of
        summed weight, by which a map may be scaled; 0 is the released min-max scaling.
    motion: whether unscaled motion energy and the view's trajectory enter the temporal part.
    padding: before the window is full, `wait` predicts nothing, `repeat_first` lets the first
        frame stand for the missing ones (as in training).
    warmup_s: no decision before this much of a stream has been seen.
    max_gap_s: a longer silence starts a new stream (state is reset).
    """

    name: str
    fps_hz: float
    window: int
    size_px: tuple[int, int]
    view: FrameView | HandView
    depth: GreyDepth | RelativeDepth | MaskedJetDepth = dataclasses.field(default_factory=GreyDepth)
    guidance_window: int = 4
    guidance_floor: float = 0.0
    motion: bool = False
    padding: Literal["wait", "repeat_first"] = "wait"
    warmup_s: float = 0.0
    max_gap_s: float = 1.0
    span_s: float | None = None

    def __post_init__(self) -> None:
        problems = [
            text
            for bad, text in (
                (not (math.isfinite(self.fps_hz) and self.fps_hz > 0), f"fps_hz {self.fps_hz}"),
                (self.window < 1, f"window {self.window}"),
                (min(self.size_px) < 1, f"size_px {self.size_px}"),
                (self.guidance_window < 2, f"guidance_window {self.guidance_window}"),
                (not self.guidance_floor >= 0, f"guidance_floor {self.guidance_floor}"),
                (self.padding not in ("wait", "repeat_first"), f"padding {self.padding!r}"),
                (not self.warmup_s >= 0, f"warmup_s {self.warmup_s}"),
                (not self.max_gap_s > 0, f"max_gap_s {self.max_gap_s}"),
            )
            if bad
        ]
        if problems:
            raise BundleError(f"recipe {self.name!r} is impossible: {', '.join(problems)}")

    @property
    def window_s(self) -> float:
        """How long a window lasts, in seconds."""
        return self.window / self.fps_hz

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types; `from_json` is the inverse."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Recipe:
        """Read what `to_json` wrote. Raises BundleError on anything else."""
        try:
            fields = dict(data)
            fields["view"] = _VIEWS[fields["view"]["kind"]](**_tuples(fields["view"]))
            fields["depth"] = _DEPTHS[fields["depth"]["kind"]](**_tuples(fields["depth"]))
            return Recipe(**_tuples(fields))
        except (KeyError, TypeError, AttributeError) as error:
            raise BundleError(f"the recipe in this file cannot be read: {error!r}") from error


_VIEWS: dict[str, Any] = {"frame": FrameView, "hand": HandView}
_DEPTHS: dict[str, Any] = {
    "grey": GreyDepth,
    "relative": RelativeDepth,
    "masked_jet": MaskedJetDepth,
}


def _tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
