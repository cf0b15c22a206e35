"""Examples to teach from: recordings, and what a model's network says of their frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.decision import IDLE_LABEL
from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.labels import NamedSpan, check_spans, labels_beside, read_spans
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.region_pixels import RegionLimits
from motionrgbd.core.results import FloatArray
from motionrgbd.core.sources.open import open_source
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.source import Source
from motionrgbd.core.taught import FramePlacer
from motionrgbd.models.taught import FrameSpace, Template

Pixel = TypeVar("Pixel", bound=np.generic)
LEAST_IDLE_S = 3.0  # in all recordings together: what a new gesture must not be taken for
LEAST_SPAN_S = 0.3  # shorter ones are a handful of frames: anything resembles them
Vectors = dict[str, FloatArray]
"""By part, float32 (n, P); rows of what a frame lacks are not a number."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRecording:
    """A recording and what happens in it.

    open: begins it anew; every call gives the same frames. spans: of gestures, checked, in order
    of time; what is labelled idle is what lies between. where: how messages name the table of
    spans. region: of interest; what lies outside does not count.
    """

    name: str
    open: Callable[[], Source]
    spans: tuple[NamedSpan, ...]
    where: str
    region: RegionOfInterest | None = None

    def __post_init__(self) -> None:
        spans = check_spans(self.spans, self.where)
        object.__setattr__(self, "spans", tuple(s for s in spans if s.label != IDLE_LABEL))

    def check_seen_whole(self, window_s: float) -> None:
        """Raise SourceError for a span that is longer than what a model sees at a time."""
        for span in self.spans:
            if (length_s := span.end_s - span.start_s) > window_s + 1e-6:
                raise SourceError(
                    f"{span.place(self.where)}: the span of '{span.label}' in {self.name} lasts "
                    f"{length_s:.2f} s, the model sees {window_s:.2f} s at a time - mark only what "
                    "tells the gesture from others, or teach it as two"
                )


def read_recording(
    spec: str,
    labels: Path | None = None,
    options: SourceOptions | None = None,
    region: RegionOfInterest | None = None,
) -> LabelledRecording:
    """Return a recording, as `--replay` names it, with its table (`NAME.labels.csv` beside it).

    region: what lies outside does not count.
    Raises SourceError for a table that is missing or wrong.
    """
    file = labels_beside(spec) if labels is None else labels
    if not file.is_file():
        raise SourceError(
            f"{file}: no such file; mark the gestures of {spec} in it, as start_s,end_s,label"
        )
    opener = partial(open_source, spec, options=options)
    return LabelledRecording(spec, opener, tuple(read_spans(file)), str(file), region)


@dataclass(frozen=True, slots=True, eq=False)
class Alteration:
    """How a copy of a recording differs: turned, scaled and shifted pictures, another speed."""

    turn_deg: float
    scale: float
    shift: tuple[float, float]  # of the picture's width
    speed: float

    def frame(self, frame: RGBDFrame) -> RGBDFrame:
        """Return the frame of the copy."""
        color, depth = frame.color, frame.depth
        return dataclasses.replace(
            frame,
            color=None if color is None else self._moved(color, cv2.INTER_LINEAR),
            depth=None if depth is None else self._moved(depth, cv2.INTER_NEAREST),
            timestamp_s=frame.timestamp_s / self.speed,
        )

    def limits_of(
        self, region: RegionOfInterest, camera: Intrinsics, width_px: int, height_px: int
    ) -> RegionLimits:
        """Return a region's limits in the pictures of the copy: it moves with what it holds."""
        limits = RegionLimits.of(region, camera, width_px, height_px)
        near, far = (self._moved(x, cv2.INTER_NEAREST) for x in (limits.near_mm, limits.far_mm))
        return RegionLimits(near, far)

    def _moved(self, picture: NDArray[Pixel], how: int) -> NDArray[Pixel]:
        height, width = picture.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), self.turn_deg, self.scale)
        turn[:, 2] += np.array(self.shift) * width
        edge = cv2.BORDER_REPLICATE
        size = (width, height)
        moved = cv2.warpAffine(picture, turn, size, flags=how, borderMode=edge)  # type: ignore[arg-type]
        return np.asarray(moved, picture.dtype)


ALTERATIONS = (
    Alteration(7.0, 0.92, (0.03, -0.02), 1.25),
    Alteration(-7.0, 1.08, (-0.03, 0.02), 0.8),
)


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """What the network says of a recording, grid step by grid step.

    times_s: float64 (n,), from the first frame, in the recording's own time. vectors: in the
    space. probabilities: float32 (n, K) of all labels the model has. spans: its gestures.
    copy: whether it is an altered copy.
    """

    name: str
    times_s: NDArray[np.float64]
    vectors: Vectors
    probabilities: FloatArray
    spans: tuple[NamedSpan, ...]
    copy: bool = False

    def rows(self, start_s: float, end_s: float) -> NDArray[np.bool_]:
        """Return which steps fall into [start_s, end_s)."""
        return np.asarray((self.times_s >= start_s) & (self.times_s < end_s))

    def template(self, span: NamedSpan) -> Template:
        """Return a span as an example; parts that are mostly missing are left out."""
        rows = self.rows(span.start_s, span.end_s)
        parts = {n: v[rows] for n, v in self.vectors.items()}
        whole = {n: v[np.isfinite(v).all(axis=1)] for n, v in parts.items()}
        kept = {n: v for n, v in whole.items() if len(v) == len(parts[n])}
        return Template(span.label, kept)

    def idle_rows(self, margin_s: float) -> NDArray[np.bool_]:
        """Return which steps are farther than `margin_s` from all spans."""
        idle = np.ones(len(self.times_s), np.bool_)
        for span in self.spans:
            idle &= ~self.rows(span.start_s - margin_s, span.end_s + margin_s)
        return idle


def record(
    recording: LabelledRecording,
    recogniser: Recogniser,
    space: FrameSpace,
    *,
    alteration: Alteration | None = None,
    watch: Callable[[float], None] = lambda share: None,
) -> Recorded:
    """Run a model over a recording.

    watch: is told the share that is done, and may raise to end it. Raises SourceError for spans
    beyond the recording or too short, ModalityError where the model needs more than it has,
    RegionError where it cannot have its region.
    """
    limits_of = RegionLimits.of if alteration is None else alteration.limits_of
    source = recording.open()
    placer = FramePlacer(space)
    times: list[float] = []
    places: list[dict[str, FloatArray]] = []
    scores: list[FloatArray] = []
    first_s = last_s = 0.0
    speed = 1.0 if alteration is None else alteration.speed
    try:
        recogniser.limit_to(None)  # the region of the recording before
        recogniser.open(source.info)
        recogniser.limit_to(recording.region, limits_of=limits_of)
        while (frame := source.read()) is not None:
            if not last_s and not times:
                first_s = frame.timestamp_s
            last_s = frame.timestamp_s
            watch((last_s - first_s) / (source.info.duration_s or 60.0))
            altered = frame if alteration is None else alteration.frame(frame)
            for step in recogniser.push(altered):
                if step.prediction is not None:
                    times.append(step.timestamp_s * speed - first_s)
                    places.append(placer.place(step.features))
                    scores.append(step.prediction.probabilities)
        check_within(recording, last_s - first_s + 1.5 / source.info.fps_hz)
    finally:
        source.close()
    if not times:
        raise SourceError(f"{recording.name} is too short: the model never had a window")
    widths = {name: part.basis.shape[1] for name, part in space.parts.items()}
    vectors = {
        n: np.stack([p[n][0] if n in p else np.full(w, np.nan, np.float32) for p in places])
        for n, w in widths.items()
    }
    return Recorded(
        recording.name,
        np.array(times),
        vectors,
        np.stack(scores),
        recording.spans,
        alteration is not None,
    )


def check_within(recording: LabelledRecording, duration_s: float) -> None:
    """Raise SourceError for spans beyond the recording, too short or without a label."""
    for span in recording.spans:
        at = span.place(recording.where)
        if not span.label.strip():
            raise SourceError(f"{at}: the span from {span.start_s:g} s has no label")
        if span.end_s > duration_s:
            raise SourceError(
                f"{at}: the span ends at {span.end_s:g} s, the recording at {duration_s:.2f} s"
            )
        if span.end_s - span.start_s < LEAST_SPAN_S - 1e-6:
            raise SourceError(
                f"{at}: the span lasts {span.end_s - span.start_s:g} s, at least "
                f"{LEAST_SPAN_S:g} s are needed; mark the whole gesture"
            )


def idle_s(recorded: Sequence[Recorded], margin_s: float, fps_hz: float) -> float:
    """Return how long nothing was gestured in all of them."""
    return sum(float(r.idle_rows(margin_s).sum()) for r in recorded) / fps_hz
