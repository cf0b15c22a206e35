"""What a tuned network is worth: its events on recordings, its answers on windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from motionrgbd.core.decision import DecisionLayer
from motionrgbd.core.decision_parameters import DecisionParameters
from motionrgbd.core.results import FloatArray, GestureEvent, Prediction
from motionrgbd.models.checkpoint import Checkpoint
from motionrgbd.models.grouping import Grouping
from motionrgbd.models.recipe import Modality
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.training.teach.frames import Frames
from motionrgbd.training.teach.windows import Window, ranked_scores

_AT_ONCE = 64  # windows


class Judge:
    """Turns scores into labels and events as a bundle of the checkpoint does.

    checkpoint: with its new classes. grouping: whose labels count, None: the network's own.
    """

    def __init__(self, checkpoint: Checkpoint, grouping: Grouping | None) -> None:
        self._recipe = checkpoint.recipe
        self._modalities: tuple[Modality, ...] = checkpoint.config.modalities  # type: ignore[assignment]
        self._classes = checkpoint.config.classes
        self.labels = (grouping or checkpoint).labels
        self._groups = torch.tensor(grouping.groups if grouping else range(self._classes))
        self._temperatures = (grouping or checkpoint).temperatures
        self.decision = DecisionParameters.from_json(
            (grouping and grouping.decision) or checkpoint.decision
        )

    @torch.no_grad()
    def probabilities(self, network: StreamingNetwork, windows: Sequence[Window]) -> FloatArray:
        """Return (N, labels); of classes that the network does not have, 0."""
        parts = [
            ranked_scores(network, windows[i : i + _AT_ONCE])
            for i in range(0, len(windows), _AT_ONCE)
        ]
        scores = torch.cat(parts)
        scores = functional.pad(scores, (0, self._classes - scores.shape[1]), value=-torch.inf)
        merged = torch.stack(
            [scores[:, self._groups == k].logsumexp(dim=1) for k in range(len(self.labels))], dim=1
        )
        at = torch.tensor([self._temperature(w.frames) for w in windows])
        found: FloatArray = (merged / at[:, None]).softmax(dim=1).numpy()
        return found

    def right(
        self, network: StreamingNetwork, windows: Sequence[tuple[Window, str]]
    ) -> NDArray[np.bool_]:
        """Return which windows (N,) get their label."""
        best = self.probabilities(network, [w for w, _ in windows]).argmax(axis=1).tolist()
        return np.array(
            [self.labels[i] == label for i, (_, label) in zip(best, windows, strict=True)]
        )

    def events(self, network: StreamingNetwork, frames: Frames) -> list[GestureEvent]:
        """Return what is decided over a whole recording."""
        rows = range(len(frames.times_s))
        p = self.probabilities(network, [Window(frames, i) for i in rows])
        layer = DecisionLayer(self.labels, self.decision)
        found: list[GestureEvent] = []
        recipe, used = self._recipe, self._used(frames)
        first = recipe.window - 1 if recipe.padding == "wait" else 0
        for i, at_s in zip(rows, frames.times_s.tolist(), strict=True):
            begin = int(frames.begins[i])
            if i == begin:
                layer.reset()
            if i - begin >= first:
                warm = at_s - float(frames.times_s[begin]) >= recipe.warmup_s
                found += layer.update(Prediction(p[i], {}, i, at_s, used), allowed=warm)
        return found

    def _used(self, frames: Frames) -> tuple[Modality, ...]:
        shares = zip(self._modalities, frames.present.tolist(), strict=True)
        return tuple(m for m, there in shares if there)

    def _temperature(self, frames: Frames) -> float:
        used = self._used(frames)
        alone = len(used) < len(self._modalities)
        return float(getattr(self._temperatures, used[0] if alone else "fused"))
