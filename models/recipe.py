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
_LARGEST_PX, _LONGEST_GUIDANCE = 8192, 1024  # beyond, a recipe is a damaged or hostile file
_LARGEST_MM = 65535  # of a depth image


def _require(holds: bool, expected: str, got: object) -> None:
    if not holds:
        raise BundleError(f"a recipe's {expected}, got {got!r}")


def _are_whole(*numbers: object) -> bool:
    return all(isinstance(number, int) for number in numbers)


@dataclass(frozen=True, slots=True)
class FrameView:
    """The whole picture: resized to `resize_px`, then cropped.

    resize_px: (width, height), Pillow BICUBIC. crop_px: (left, top, right, bottom) of the
    resized picture. The crop is resized to the network's `size_px` where they differ.
    """

    resize_px: tuple[int, int]
    crop_px: tuple[int, int, int, int]
    kind: Literal["frame"] = "frame"

    def __post_init__(self) -> None:
        (width, height), (left, top, right, bottom) = self.resize_px, self.crop_px
        _require(
            _are_whole(*self.resize_px, *self.crop_px)
            and 0 <= left < right <= width <= _LARGEST_PX
            and 0 <= top < bottom <= height <= _LARGEST_PX,
            f"crop_px must lie within resize_px, of at most {_LARGEST_PX} px",
            (self.crop_px, self.resize_px),
        )


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

    def __post_init__(self) -> None:
        _require(
            0 < self.near_m < self.far_m <= _LARGEST_MM / 1000,
            "working volume must lie between 0 and 65 m",
            (self.near_m, self.far_m),
        )
        # nearer than a tenth of its side the square would be thousands of pixels wide
        _require(0 < self.side_m <= 10 * self.near_m, "side_m must fit near_m", self.side_m)
        _require(0 <= self.smoothing < 1, "smoothing must be 0 to below 1", self.smoothing)


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

    def __post_init__(self) -> None:
        _require(
            self.direction in ("brighter_is_nearer", "darker_is_nearer"),
            "depth direction must be brighter_is_nearer or darker_is_nearer",
            self.direction,
        )
        _require(
            _are_whole(self.near_mm, self.step_mm)
            and min(self.near_mm, self.step_mm) >= 1
            and self.near_mm + 254 * self.step_mm <= _LARGEST_MM,
            f"near_mm and step_mm must be at least 1 and reach {_LARGEST_MM} mm at most",
            (self.near_mm, self.step_mm),
        )


@dataclass(frozen=True, slots=True)
class RelativeDepth:
    """Depth relative to the hand: code 128 at the hand's distance, one code per `step_mm`.

    Nearer is brighter; readings beyond +-127 codes and missing readings are 0.
    """

    step_mm: float = 1.5
    kind: Literal["relative"] = "relative"

    def __post_init__(self) -> None:
        _require(0 < self.step_mm <= _LARGEST_MM, "step_mm must be positive", self.step_mm)


@dataclass(frozen=True, slots=True)
class MaskedJetDepth:
    """NTU RGB+D's masked depth: wrapped to 8 bits, cropped at the person, JET-coloured."""

    crop_px: tuple[int, int] = (320, 240)
    min_contour_px: int = 500
    kind: Literal["masked_jet"] = "masked_jet"

    def __post_init__(self) -> None:
        _require(
            len(self.crop_px) == 2 and _are_whole(*self.crop_px) and min(self.crop_px) >= 1,
            "person must be cropped to (width, height) px",
            self.crop_px,
        )


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
                (not _are_whole(self.window, *self.size_px), "sizes that are no whole numbers"),
                (
                    not _are_whole(self.guidance_window)
                    or not 2 <= self.guidance_window <= _LONGEST_GUIDANCE,
                    f"guidance_window {self.guidance_window}",
                ),
                (
                    isinstance(self.view, HandView) != isinstance(self.depth, RelativeDepth),
                    f"{self.depth.kind} depth in a {self.view.kind} view",
                ),
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
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(f"the recipe in this file cannot be read: {error!r}") from error


_VIEWS: dict[str, Any] = {"frame": FrameView, "hand": HandView}
_DEPTHS: dict[str, Any] = {
    "grey": GreyDepth,
    "relative": RelativeDepth,
    "masked_jet": MaskedJetDepth,
}


def _tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
