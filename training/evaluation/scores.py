"""Scores of whole clips under a model; a bundle runs in ONNX Runtime.

torch-free. Checkpoints follow in `torch_scores`, clips through the engine in `streamed`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from motionrgbd.core.results import FloatArray
from motionrgbd.core.runner import make_runner
from motionrgbd.models.bundle import Bundle
from motionrgbd.training.evaluation.clip_inputs import (
    Model,
    is_stretched,
    network_inputs,
    too_short,
)
from motionrgbd.training.evaluation.clips import EvaluationClip


class Scorer(Protocol):
    """A model that scores clips, one at a time. Used by one thread."""

    @property
    def model(self) -> Model: ...

    def score(self, clip: EvaluationClip) -> FloatArray:
        """Return the calibrated logits (K,) of the window that ends with the clip's last frame.

        Raises SourceError for a clip that is too short or broken, ModalityError for one that
        lacks what the model needs.
        """

    def bundle(self) -> Bundle:
        """Return what the engine runs: the model itself, or its export."""

    def close(self) -> None:
        """End threads of the scorer's own."""


class BundleScorer:
    """A bundle's runner over the frames of each clip."""

    def __init__(self, bundle: Bundle, file: Path, device: str, precision: str) -> None:
        self._bundle = bundle
        self._runner = make_runner(bundle, device, precision=precision)
        self.model = Model(
            file=file.name,
            kind=f"bundle, {bundle.kind}" + ("" if precision == "fp32" else f", {precision}"),
            sha256=bundle.sha256,
            labels=bundle.labels,
            recipe=bundle.recipe,
            modalities=bundle.modalities,
            card=bundle.card,
            device=self._runner.provider,
            stretched=is_stretched(bundle.recipe, bundle.kind),
            falls_back=bundle.falls_back,
            temperatures=bundle.temperatures,
        )

    def score(self, clip: EvaluationClip) -> FloatArray:
        """Return logits (K,)."""
        self._runner.reset()
        for given in network_inputs(clip, self.model):
            if given is None:
                self._runner.reset()
            else:
                self._runner.push(given)
        scores = self._runner.predict()
        if scores is None:
            raise too_short(clip, self.model.recipe)
        return self.model.calibrated(scores.fused, scores.used)

    def bundle(self) -> Bundle:
        """Return the bundle itself."""
        return self._bundle

    def close(self) -> None:
        """End the runner's thread."""
        self._runner.close()
