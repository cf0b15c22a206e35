"""Frames in, steps out: the whole path from a frame to a decision, in one thread, no clock."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from motionrgbd.core.decision import DecisionLayer, DecisionParameters
from motionrgbd.core.errors import ModalityError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.guidance import GuidanceSettings, GuidanceStream
from motionrgbd.core.preprocess import Picture, Prepared, make_preparer, motion_vector, normalise
from motionrgbd.core.results import Box, FloatArray, GestureEvent, GuidanceMap, Prediction
from motionrgbd.core.runner import NetworkInput, Scores, make_runner
from motionrgbd.core.sampling import GridSampler
from motionrgbd.core.timing import StageClock
from motionrgbd.models.bundle import Bundle
from motionrgbd.models.recipe import Modality, Recipe


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One grid step: what entered the network and what came of it.

    prediction is None while the window fills, and where scoring was skipped (live, late).
    index and timestamp_s are the frame's.
    """

    frame: RGBDFrame
    view: Box
    guidance: Mapping[Modality, GuidanceMap]
    prediction: Prediction | None
    warming_up: bool
    events: tuple[GestureEvent, ...]

    @property
    def index(self) -> int:
        """The source's number of the frame."""
        return self.frame.index

    @property
    def timestamp_s(self) -> float:
        """The source's time of the frame."""
        return self.frame.timestamp_s


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
    """A model applied to one stream at a time. Used by one thread; `open` starts a stream."""

    def __init__(self, bundle: Bundle, *, device: str = "auto", precision: str = "fp32") -> None:
        self.bundle = bundle
        self.recipe = bundle.recipe
        self.labels = bundle.labels
        self.clock = StageClock()
        self._runner = make_runner(bundle, device=device, precision=precision)
        self._decision = DecisionLayer(bundle.labels, DecisionParameters.from_json(bundle.decision))
        settings = GuidanceSettings(self.recipe.guidance_window, self.recipe.guidance_floor)
        self._guidance: dict[Modality, GuidanceStream] = {
            modality: GuidanceStream(settings) for modality in bundle.modalities
        }

    @property
    def provider(self) -> str:
        """What ONNX Runtime really runs on."""
        return self._runner.provider

    def open(self, info: SourceInfo) -> None:
        """Begin a stream of this source. Raises ModalityError where the model needs more."""
        has = {"color": info.has_color, "depth": info.has_depth}
        words = {"color": "colour", "depth": "depth"}
        lacking = [words[m] for m in self.bundle.modalities if not has[m]]
        if lacking:
            raise ModalityError(
                f"the model {self.recipe.name!r} needs {' and '.join(lacking)}, which "
                f"{info.name} does not have: choose another source, or another model with --model"
            )
        self._sampler = GridSampler(self.recipe.fps_hz, info.fps_hz)
        self._preparer = make_preparer(self.recipe, info.intrinsics, info.eight_bit)
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next frame begins a new stream."""
        self._sampler.reset()
        self._preparer.reset()
        self._runner.reset()
        self._decision.reset()
        for stream in self._guidance.values():
            stream.reset()
        self._last: RGBDFrame | None = None
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
            silence = frame.timestamp_s - self._last.timestamp_s
            if silence > self.recipe.max_gap_s or silence <= 0:
                self.reset()
        frame = self._complete(frame)
        last, self._last = self._last, frame
        if not self._is_complete(frame):
            return []
        steps = []
        if last is not None and self._is_complete(last):
            late = self._sampler.late_points(frame.timestamp_s)
            steps = [self._step(last, score) for _ in range(late)]
        count = self._sampler.points(frame.timestamp_s)
        return steps + [self._step(frame, score) for _ in range(count)]

    def _complete(self, frame: RGBDFrame) -> RGBDFrame:
        """Let the previous image stand for one that this frame lacks."""
        last = self._last
        if last is None:
            return frame
        if frame.color is None and last.color is not None:
            frame = dataclasses.replace(frame, color=last.color)
        if frame.depth is None and last.depth is not None:
            frame = dataclasses.replace(frame, depth=last.depth)
        return frame

    def _is_complete(self, frame: RGBDFrame) -> bool:
        images = {"color": frame.color, "depth": frame.depth}
        return all(images[modality] is not None for modality in self.bundle.modalities)

    def _step(self, frame: RGBDFrame, score: bool) -> Step:
        if self._start_s is None:
            self._start_s = frame.timestamp_s
        with self.clock.measure("prepare"):
            prepared = self._preparer.prepare(frame)
        with self.clock.measure("guidance"):
            guidance = {
                modality: stream.push(_picture(prepared, modality))
                for modality, stream in self._guidance.items()
            }
        with self.clock.measure("features"):
            self._runner.push(network_input(self.recipe, prepared, guidance))
        prediction = self._predict(frame) if score else None
        self._scored = self._scored or prediction is not None
        warming_up = not self._scored or self._warming_up(frame)
        events = self._decision.update(prediction, allowed=not warming_up) if prediction else ()
        return Step(frame, prepared.view, guidance, prediction, warming_up, events)

    def _warming_up(self, frame: RGBDFrame) -> bool:
        assert self._start_s is not None
        return frame.timestamp_s - self._start_s < self.recipe.warmup_s

    def _predict(self, frame: RGBDFrame) -> Prediction | None:
        with self.clock.measure("window"):
            scores = self._runner.predict()
        if scores is None:
            return None
        return Prediction(
            softmax(scores.fused), _by_modality(scores), frame.index, frame.timestamp_s
        )


def softmax(logits: FloatArray) -> FloatArray:
    """Return probabilities of float32 (K,) logits."""
    exponents = np.exp(logits - logits.max())
    return np.asarray(exponents / exponents.sum(), np.float32)


def _by_modality(scores: Scores) -> dict[Modality, FloatArray]:
    each: dict[Modality, FloatArray | None] = {"color": scores.color, "depth": scores.depth}
    return {name: softmax(logits) for name, logits in each.items() if logits is not None}


def _picture(prepared: Prepared, modality: Modality) -> Picture:
    picture = prepared.color if modality == "color" else prepared.depth
    assert picture is not None
    return picture
