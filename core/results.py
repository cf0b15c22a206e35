"""What the engine makes of frames: maps, predictions, events, health, and the view's snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.frames import RGBDFrame
from motionrgbd.models.recipe import Modality

FloatArray = NDArray[np.float32]
EventKind = Literal["gesture", "arm", "repeat"]


@dataclass(frozen=True, slots=True, eq=False)
class GuidanceMap:
    """Frame-level guidance G = (D + S) * S of FRP (Eq. 2-5), as the network takes it.

    values: float32 (h, w), 0..2. rank_pool: int32 (h, w) or (h, w, 3), the exact rank-pooled
    sums behind it (over uint8 pixels). energy: the unscaled motion, in grey levels: mean and
    maximum of the rectified sums, divided by the sum of the positive weights.
    """

    values: FloatArray
    rank_pool: NDArray[np.int32]
    energy: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the source's picture in pixels (may lie partly outside it)."""

    left_px: float
    top_px: float
    right_px: float
    bottom_px: float


@dataclass(frozen=True, slots=True)
class ModalityUse:
    """What is recognised from.

    used: the modalities. since_s: the source's time since when. reason: what is wrong with the
    one that is not used (`colour is black`), empty where nothing is.
    """

    used: tuple[Modality, ...]
    since_s: float
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Class probabilities at one grid step.

    probabilities: float32 (K,), sums to 1. by_modality: the same from colour or depth alone.
    index, timestamp_s: of the newest frame in the window (source's number and clock).
    used: the modalities that were scored.
    """

    probabilities: FloatArray
    by_modality: Mapping[Modality, FloatArray]
    index: int
    timestamp_s: float
    used: tuple[Modality, ...] = ()

    def __post_init__(self) -> None:
        p = self.probabilities
        if p.ndim != 1 or not np.isfinite(p).all() or abs(float(p.sum()) - 1.0) > 1e-3:
            raise ValueError(f"probabilities must be finite (K,) and sum to 1, got {p!r}")


@dataclass(frozen=True, slots=True)
class GestureEvent:
    """A recognised gesture. All times in the source's clock; score is 0..1.

    kind: `arm` is a gesture that only makes others count for a while, `repeat` one that goes on.
    """

    label: str
    score: float
    start_s: float
    end_s: float
    decided_s: float
    kind: EventKind = "gesture"


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds at the 50th, 95th and 99th percentile over the recent past."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Health:
    """How the pipeline is doing; wall-clock figures live here and nowhere else.

    frames: frames captured so far. dropped: frames thrown away because the engine was late (live
    only). missing: frames the camera never delivered (jumps of the source's index).
    skipped: windows not scored because the engine was late (live only).
    stages: per stage; `total` is arrival of a frame to its decision.
    provider: what ONNX Runtime really runs on.
    steps_from: grid steps by what they were recognised from (`color+depth`, `depth`).
    fallbacks: how often a modality was lost.
    """

    frames: int = 0
    dropped: int = 0
    missing: int = 0
    skipped: int = 0
    capture_hz: float = 0.0
    engine_hz: float = 0.0
    stages: Mapping[str, Percentiles] = field(default_factory=dict)
    provider: str = ""
    steps_from: Mapping[str, int] = field(default_factory=dict)
    fallbacks: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything a view draws, of one grid step.

    frame: the source's frame; view: the part of it that the network saw, in its pixels.
    guidance: the maps that entered the network, by modality (they cover exactly `view`).
    prediction: None until the window can be scored; warming_up: no decision is taken yet.
    events: recognised in this step. source_error: the camera's trouble, or None.
    use: what it was recognised from.
    """

    frame: RGBDFrame
    view: Box
    guidance: Mapping[Modality, GuidanceMap]
    prediction: Prediction | None
    warming_up: bool
    health: Health
    events: tuple[GestureEvent, ...] = ()
    source_error: str | None = None
    use: ModalityUse | None = None
