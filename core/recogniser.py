"""Frames in, steps out: the whole path from a frame to a decision, in one thread, no clock."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from motionrgbd.core.decision import (
    DecisionLayer,
    DecisionParameters,
    bundle_parameters,
    check_labels,
)
from motionrgbd.core.errors import ModalityError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.guidance import GuidanceSettings, GuidanceStream
from motionrgbd.core.hand_finder import SPEEDS
from motionrgbd.core.modality_watch import WORDS, ModalityWatch
from motionrgbd.core.preprocess import Picture, Prepared, make_preparer, motion_vector, normalise
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.region_pixels import LimitsOf, RegionLimits, check_region
from motionrgbd.core.results import (
    Box,
    FloatArray,
    GestureEvent,
    GuidanceMap,
    ModalityUse,
    Prediction,
)
from motionrgbd.core.runner import NetworkInput, Scores, make_runner
from motionrgbd.core.sampling import GridSampler
from motionrgbd.core.taught import TaughtMatcher, joined
from motionrgbd.core.timing import StageClock
from motionrgbd.models.bundle import Bundle
from motionrgbd.models.recipe import HandView, Modality, Recipe


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One grid step: what entered the network and what came of it.

    prediction is None while the window fills, and where scoring was skipped (live, late).
    index and timestamp_s are the frame's. use: what it was recognised from. decision: the
    parameters in force. features: of this frame, by modality that counts, and the hand's speeds,
    `path`, where the recipe follows a hand: what classes are taught by. region: what counted of the
    frame, which is whole; None: all of it.
    """

    frame: RGBDFrame
    view: Box
    guidance: Mapping[Modality, GuidanceMap]
    prediction: Prediction | None
    warming_up: bool
    events: tuple[GestureEvent, ...]
    use: ModalityUse | None = None
    decision: DecisionParameters | None = None
    features: Mapping[str, FloatArray] = field(default_factory=dict)
    region: RegionOfInterest | None = None

    @property
    def index(self) -> int:
        """The source's number of the frame."""
        return self.frame.index

    @property
    def timestamp_s(self) -> float:
        """The source's time of the frame."""
        return self.frame.timestamp_s


class _Seen(NamedTuple):
    """A frame as it came, for views, and what of it can be trusted, for the network."""

    frame: RGBDFrame
    trusted: RGBDFrame


def network_input(
    recipe: Recipe, prepared: Prepared, guidance: Mapping[Modality, GuidanceMap]
) -> NetworkInput:
    """Normalise the pictures that have a map, those of the network, for the per-frame graphs."""

    def tensor(modality: Modality) -> FloatArray | None:
        return normalise(_picture(prepared, modality)) if modality in guidance else None

    def values(modality: Modality) -> FloatArray | None:
        return guidance[modality].values if modality in guidance else None

    def motion(modality: Modality) -> FloatArray | None:
        if not recipe.motion or modality not in guidance:
            return None
        return motion_vector(guidance[modality], prepared.trajectory)

    return NetworkInput(
        color=tensor("color"),
        depth=tensor("depth"),
        color_guidance=values("color"),
        depth_guidance=values("depth"),
        color_motion=motion("color"),
        depth_motion=motion("depth"),
    )


class Recogniser:
    """A model applied to one stream at a time. Used by one thread; `open` starts a stream.

    decision: decides by these instead of the bundle's. Raises DecisionError where they name
    labels that the model does not have. region: depth outside it is no reading.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        device: str = "auto",
        precision: str = "fp32",
        decision: DecisionParameters | None = None,
        region: RegionOfInterest | None = None,
    ) -> None:
        self.bundle = bundle
        self.recipe = bundle.recipe
        self.labels = bundle.labels
        self.clock = StageClock()
        self._decision = DecisionLayer(bundle.labels, decision or bundle_parameters(bundle))
        self._decide_with = self._decision.parameters
        self._region = self._prepared_for = region
        self._limits_of: LimitsOf = RegionLimits.of
        self._info: SourceInfo | None = None
        self._runner = make_runner(bundle, device=device, precision=precision)
        self._taught = TaughtMatcher(bundle.taught, self.recipe.fps_hz) if bundle.taught else None
        self._taught_shares: FloatArray | None = None
        settings = GuidanceSettings.of(self.recipe)
        self._guidance: dict[Modality, GuidanceStream] = {
            modality: GuidanceStream(settings) for modality in bundle.modalities
        }
        self._watches: dict[Modality, ModalityWatch] = {}

    @property
    def provider(self) -> str:
        """What ONNX Runtime really runs on."""
        return self._runner.provider

    @property
    def decision(self) -> DecisionParameters:
        """What the next step is decided by."""
        return self._decide_with

    def decide_with(self, parameters: DecisionParameters) -> None:
        """Decide by these from the next step on; may be called by any thread.

        A gesture that was decided stays so. Raises DecisionError, with nothing changed, where they
        name labels that the model does not have.
        """
        check_labels(parameters, self.labels)
        self._decide_with = parameters  # one reference: a step sees the old ones or the new ones

    @property
    def region(self) -> RegionOfInterest | None:
        """Where depth counts from the next step on; None: everywhere."""
        return self._region

    def limit_to(
        self, region: RegionOfInterest | None, *, limits_of: LimitsOf = RegionLimits.of
    ) -> None:
        """Let depth outside a region be no reading from the next step on; None: all counts.

        limits_of: gives its limits in pictures that are not quite as the camera took them.
        May be called by any thread. The search for the hand begins anew; a gesture that was decided
        stays so. Raises RegionError, with nothing changed, where the source has no millimetres.
        """
        if region is not None and self._info is not None:
            check_region(self._info)
        self._limits_of = limits_of
        self._region = region  # one reference: a step sees the old one or the new one

    def open(self, info: SourceInfo) -> None:
        """Begin a stream of this source.

        Raises ModalityError where the model needs more, RegionError where there is a region and
        the source has no depth in millimetres.
        """
        has = {"color": info.has_color, "depth": info.has_depth}
        lacking = [WORDS[m] for m in self.bundle.modalities if not has[m]]
        if lacking and not (self.bundle.falls_back and len(lacking) == 1):
            raise ModalityError(
                f"the model {self.recipe.name!r} needs {' and '.join(lacking)}, which "
                f"{info.name} does not have: choose another source, or another model with --model"
            )
        self._watching = self.bundle.falls_back and not lacking
        self._watches = {m: ModalityWatch(m, live=info.live) for m in self.bundle.modalities}
        self._sampler = GridSampler(self.recipe.fps_hz, info.fps_hz)
        if self._region is not None:
            check_region(info)
        self._info = info
        self._prepare_for(self._region)
        self.reset()

    def _prepare_for(self, region: RegionOfInterest | None) -> None:
        assert self._info is not None
        intrinsics, eight_bit = self._info.intrinsics, self._info.eight_bit
        self._preparer = make_preparer(
            self.recipe, intrinsics, eight_bit, region=region, limits_of=self._limits_of
        )
        self._prepared_for = region

    def reset(self) -> None:
        """Forget the past: the next frame begins a new stream."""
        self._sampler.reset()
        self._preparer.reset()
        self._runner.reset()
        self._decision.reset()
        if self._taught is not None:
            self._taught.reset()
        for stream in self._guidance.values():
            stream.reset()
        for watch in self._watches.values():
            watch.reset()
        self._last: _Seen | None = None
        self._use: ModalityUse | None = None
        self._start_s: float | None = None
        self._scored = False  # any window of this stream

    def close(self) -> None:
        """End the network's own threads; a later frame starts them again."""
        self._runner.close()

    def push(self, frame: RGBDFrame, *, score: bool = True) -> list[Step]:
        """Take the next frame; return the grid steps it completes (often one, or none).

        score=False keeps all state exact but scores no window.
        """
        if self._last is not None:
            silence = frame.timestamp_s - self._last.frame.timestamp_s
            if silence > self.recipe.max_gap_s or silence <= 0:
                self.reset()
        seen = self._see(frame)
        last, self._last = self._last, seen
        if not self._is_enough(seen):
            return []
        steps = []
        if last is not None and self._is_enough(last):
            late = self._sampler.late_points(frame.timestamp_s)
            steps = [self._step(last, score) for _ in range(late)]
        count = self._sampler.points(frame.timestamp_s)
        return steps + [self._step(seen, score) for _ in range(count)]

    def _see(self, frame: RGBDFrame) -> _Seen:
        """Decide what of a frame is used."""
        if self._watching:
            return _Seen(frame, self._trusted(frame))
        whole = self._complete(frame)
        return _Seen(whole, whole)

    def _trusted(self, frame: RGBDFrame) -> RGBDFrame:
        """Leave out what is not to be trusted; where nothing is, the frame is used as it is."""
        with self.clock.measure("health"):
            color = self._watches["color"].take(frame.color, frame.timestamp_s)
            depth = self._watches["depth"].take(frame.depth, frame.timestamp_s)
        if color is None and depth is None:
            return frame
        return dataclasses.replace(frame, color=color, depth=depth)

    def _complete(self, frame: RGBDFrame) -> RGBDFrame:
        """Let the previous image stand for one that this frame lacks."""
        if self._last is None:
            return frame
        last = self._last.trusted
        if frame.color is None and last.color is not None:
            frame = dataclasses.replace(frame, color=last.color)
        if frame.depth is None and last.depth is not None:
            frame = dataclasses.replace(frame, depth=last.depth)
        return frame

    def _is_enough(self, seen: _Seen) -> bool:
        images = {"color": seen.trusted.color, "depth": seen.trusted.depth}
        there = [images[modality] is not None for modality in self.bundle.modalities]
        return any(there) if self.bundle.falls_back else all(there)

    def _step(self, seen: _Seen, score: bool) -> Step:
        frame = seen.frame
        if self._start_s is None:
            self._start_s = frame.timestamp_s
        region = self._region
        if region is not self._prepared_for:
            self._prepare_for(region)
        with self.clock.measure("prepare"):
            prepared = self._preparer.prepare(seen.trusted)
        if self._watching:
            found = prepared.trajectory[-1] > 0  # its last number says so
            self._watches["depth"].look_at(prepared.view if found else None)
        with self.clock.measure("guidance"):
            guidance = self._maps(prepared)
        with self.clock.measure("features"):
            age = self._runner.age
            self._runner.push(network_input(self.recipe, prepared, guidance))
        if self._runner.age != age + 1:  # it began anew, with frames that it had already
            self._start_s = frame.timestamp_s - (self._runner.age - 1) / self.recipe.fps_hz
        self._follow_use(frame.timestamp_s)
        features = self._features(prepared)
        if self._taught is not None:
            self._taught_shares = self._taught.take(features)
        prediction = self._predict(frame) if score else None
        self._scored = self._scored or prediction is not None
        warming_up = not self._scored or self._warming_up(frame)
        decision = self._decide_with
        if decision is not self._decision.parameters:
            self._decision.use(decision)
        events = self._decision.update(prediction, allowed=not warming_up) if prediction else ()
        return Step(
            frame,
            prepared.view,
            guidance,
            prediction,
            warming_up,
            events,
            self._use,
            decision,
            features,
            region,
        )

    def _features(self, prepared: Prepared) -> dict[str, FloatArray]:
        """Return what taught classes are recognised by in the newest frame."""
        found: dict[str, FloatArray] = dict(self._runner.newest().items())
        if isinstance(self.recipe.view, HandView):
            found["path"] = prepared.trajectory[SPEEDS]
        return found

    def _maps(self, prepared: Prepared) -> dict[Modality, GuidanceMap]:
        """Guidance of what is there; what is not starts anew when it returns."""
        maps = {}
        for modality, stream in self._guidance.items():
            picture = prepared.color if modality == "color" else prepared.depth
            if picture is None:
                stream.reset()
            else:
                maps[modality] = stream.push(picture)
        return maps

    def _follow_use(self, now_s: float) -> None:
        """Notice where other modalities count than before."""
        used = self._runner.used
        if self._use is not None and used == self._use.used:
            return
        if self._use is not None:
            self._decision.switch(now_s, self.recipe.window_s)
        causes = [
            f"{WORDS[modality]} is {watch.cause}"
            for modality, watch in self._watches.items()
            if modality not in used and watch.cause
        ]
        self._use = ModalityUse(used, now_s, ", ".join(causes))

    def _warming_up(self, frame: RGBDFrame) -> bool:
        assert self._start_s is not None
        return frame.timestamp_s - self._start_s < self.recipe.warmup_s

    def _predict(self, frame: RGBDFrame) -> Prediction | None:
        with self.clock.measure("window"):
            scores = self._runner.predict()
        if scores is None:
            return None
        prediction = calibrated(scores, self.bundle, frame)
        if self._taught_shares is None:
            return prediction
        return with_taught(prediction, self._taught_shares)


def calibrated(scores: Scores, bundle: Bundle, frame: RGBDFrame) -> Prediction:
    """Return the probabilities of a window's scores, each head at its own temperature."""
    at = bundle.temperatures
    each: tuple[tuple[Modality, FloatArray | None, float], ...] = (
        ("color", scores.color, at.color),
        ("depth", scores.depth, at.depth),
    )
    alone = {m: softmax(x, temperature) for m, x, temperature in each if x is not None}
    if len(bundle.modalities) > 1 and len(scores.used) == 1:
        fused = alone[scores.used[0]]
    else:
        fused = softmax(scores.fused, at.fused)
    return Prediction(fused, alone, frame.index, frame.timestamp_s, scores.used)


def with_taught(prediction: Prediction, shares: FloatArray) -> Prediction:
    """Return a prediction that knows the taught classes too, whose probabilities are `shares`."""
    alone = {m: joined(p, shares) for m, p in prediction.by_modality.items()}
    probabilities = joined(prediction.probabilities, shares)
    return dataclasses.replace(prediction, probabilities=probabilities, by_modality=alone)


def softmax(logits: FloatArray, temperature: float = 1.0) -> FloatArray:
    """Return probabilities of float32 (K,) logits, divided by a temperature."""
    exponents = np.exp((logits - logits.max()) / np.float32(temperature))
    return np.asarray(exponents / exponents.sum(), np.float32)


def _picture(prepared: Prepared, modality: Modality) -> Picture:
    picture = prepared.color if modality == "color" else prepared.depth
    assert picture is not None
    return picture
