"""Clips through the running engine, and how far its scores are from those of whole clips."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable

import numpy as np

from motionrgbd.core.engine import Engine
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.recogniser import Recogniser, Step
from motionrgbd.core.results import FloatArray
from motionrgbd.models.bundle import Bundle
from motionrgbd.training.evaluation.clip_inputs import Model, sampled_frames, too_short
from motionrgbd.training.evaluation.clips import EvaluationClip, numbered


class StreamedScorer:
    """Clips replayed through the running engine, its threads, grid and decisions included."""

    def __init__(self, bundle: Bundle, model: Model, device: str, precision: str) -> None:
        self._model = model
        self._recogniser = _ClipRecogniser(bundle, device=device, precision=precision)

    def probabilities(self, clip: EvaluationClip) -> FloatArray:
        """Return the last prediction (K,) that the engine gives of a clip."""
        self._model.used(clip)
        self._recogniser.clip = clip
        last: list[Step] = []

        def keep(step: Step) -> None:
            last[:] = [step]

        engine = Engine(_source(clip, self._model), self._recogniser)
        engine.add_observer(keep)
        try:
            engine.start()
            engine.wait()
        finally:
            engine.stop()
        if not last or last[0].prediction is None:
            raise too_short(clip, self._model.recipe)
        return last[0].prediction.probabilities


class _ClipRecogniser(Recogniser):
    """The application's recogniser, with a clip's own preparer where it brings one."""

    clip: EvaluationClip

    def open(self, info: SourceInfo) -> None:
        super().open(info)
        if self.clip.preparer is not None:
            self._preparer = self.clip.preparer(self.recipe)


class ClipSource:
    """Frames as a recording; used by one thread, closed by any."""

    def __init__(self, info: SourceInfo, frames: Iterable[RGBDFrame]) -> None:
        self.info = info
        self._frames = iter(frames)
        self._closed = threading.Event()

    def read(self) -> RGBDFrame | None:
        """Return the next frame, None after the last."""
        return None if self._closed.is_set() else next(self._frames, None)

    def close(self) -> None:
        """End the recording."""
        self._closed.set()


def score_difference(probabilities: FloatArray, logits: FloatArray) -> float:
    """Return how far probabilities (K,) are from those of logits (K,), relative, in score space.

    Both as log-probabilities without their mean; classes that float32 cannot hold are left out.
    """
    expected = logits.astype(np.float64)
    expected -= expected.max()
    expected -= np.log(np.exp(expected).sum())
    told = (probabilities > 1e-30) & (expected > np.log(1e-30))  # float32 ends at 1e-38
    got = np.log(probabilities[told].astype(np.float64))
    wanted = expected[told]
    gap = (got - got.mean()) - (wanted - wanted.mean())
    if not told[int(expected.argmax())]:
        return float("inf")
    size = float(np.linalg.norm(wanted - wanted.mean()))
    return float(np.linalg.norm(gap)) / max(1.0, size)


def _source(clip: EvaluationClip, model: Model) -> ClipSource:
    """Return a clip as the engine replays it.

    A set without a rate is played so that the clip lasts as long as the model's window: its
    sampled frames, one per grid point.
    """
    recipe, modalities = model.recipe, model.used(clip)
    if recipe.span_s is None:
        return ClipSource(clip.info, numbered(clip.frames(modalities), clip))
    sampled = sampled_frames(clip, model, modalities)
    info = dataclasses.replace(clip.info, fps_hz=recipe.fps_hz, frame_count=recipe.window)
    frames = (
        dataclasses.replace(frame, index=i, timestamp_s=i / recipe.fps_hz)
        for i, frame in enumerate(sampled)
        if frame is not None
    )
    return ClipSource(info, frames)
