"""One evaluation as numbers and names: what the table prints, the report shows and JSON keeps."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from motionrgbd.training.evaluation.answers import Answers
from motionrgbd.training.evaluation.clip_inputs import Model
from motionrgbd.training.evaluation.clips import EvaluationClip, EvaluationSet
from motionrgbd.training.evaluation.metrics import (
    ClassScore,
    Indices,
    Metrics,
    Probabilities,
    Share,
    measure,
    truth_ranks,
)

FORMAT = 1
SAME_GRAPHS_TOLERANCE = 1e-5  # relative: float32 sums in another order
OTHER_GRAPHS_TOLERANCE = 1e-3  # torch against ONNX: the k-NN selection is discontinuous
_TOP = 5


@dataclass(frozen=True, slots=True)
class StreamedCheck:
    """How far the engine's scores are from those of whole clips.

    largest: relative difference in score space. tolerance: what is allowed. beyond: names of the
    clips that differ by more. above_float: how many differ by more than SAME_GRAPHS_TOLERANCE.
    """

    largest: float
    tolerance: float
    beyond: tuple[str, ...]
    above_float: int

    @staticmethod
    def of(differences: Sequence[float], names: Sequence[str], tolerance: float) -> StreamedCheck:
        """Compare the clips' differences with what is allowed."""
        return StreamedCheck(
            max(differences),
            tolerance,
            tuple(n for n, d in zip(names, differences, strict=True) if not d <= tolerance),
            sum(not d <= SAME_GRAPHS_TOLERANCE for d in differences),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """An evaluated set. probabilities (n, A) of the answers; labels (n,) index the first C."""

    model: Model
    set: EvaluationSet
    answers: Answers
    probabilities: Probabilities
    labels: Indices
    metrics: Metrics
    command: str
    streamed: StreamedCheck | None

    @staticmethod
    def of(
        model: Model,
        clips: EvaluationSet,
        answers: Answers,
        scores: Sequence[np.ndarray],
        command: str,
        streamed: StreamedCheck | None,
    ) -> Results:
        """Return the results of probabilities (K,) per clip under the model's labels."""
        probabilities = answers.of(np.stack(scores))
        labels = np.array([clip.label for clip in clips.clips], np.int64)
        metrics = measure(probabilities, labels, answers.classes, answers.names)
        return Results(model, clips, answers, probabilities, labels, metrics, command, streamed)

    @property
    def predicted(self) -> Indices:
        """The best answer of each clip (n,)."""
        return np.asarray(self.probabilities.argmax(1), np.int64)

    @property
    def mistakes(self) -> list[int]:
        """Clips whose best answer is wrong, the most confident first."""
        wrong = np.flatnonzero(self.predicted != self.labels)
        confidence = self.probabilities.max(1)
        return sorted((int(i) for i in wrong), key=lambda i: (-float(confidence[i]), i))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know before believing the figures."""
        notes = list(self.set.notes)
        if self.answers.note:
            notes.append(self.answers.note[0].upper() + self.answers.note[1:])
        if empty := self.set.empty_classes:
            notes.append(
                f"No clip of {len(empty)} of the {len(self.set.classes)} classes: "
                + ", ".join(empty[:10])
                + (f" and {len(empty) - 10} more" if len(empty) > 10 else "")
            )
        return tuple(f"{note.rstrip('.')}." for note in notes)

    @property
    def sampling(self) -> str:
        """How clips became windows, in words."""
        recipe = self.model.recipe
        if self.model.stretched:
            return f"{recipe.window} frames of each clip by the released bin rule"
        return (
            f"each clip on a grid of {recipe.fps_hz:g} Hz, scored at its last frame over "
            f"{recipe.window} frames ({recipe.window_s:.2f} s)"
        )

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON types; two evaluations alike give the same."""
        return {
            "format": FORMAT,
            "command": self.command,
            "model": _model_json(self.model),
            "set": {
                "name": self.set.name,
                "split": self.set.split,
                "clips": len(self.set.clips),
                "classes": list(self.set.classes),
            },
            "sampling": self.sampling,
            "notes": list(self.notes),
            "answers": list(self.answers.names),
            "metrics": _metrics_json(self.metrics),
            "streamed": None if self.streamed is None else dataclasses.asdict(self.streamed),
            "clips": [self._clip_json(i, clip) for i, clip in enumerate(self.set.clips)],
        }

    def _clip_json(self, i: int, clip: EvaluationClip) -> dict[str, Any]:
        row, names = self.probabilities[i], self.answers.names
        best = np.argsort(-row, kind="stable")[:_TOP]
        rank = int(truth_ranks(row[None], self.labels[i : i + 1])[0]) + 1
        return {
            "name": clip.name,
            "label": names[int(self.labels[i])],
            "predicted": names[int(best[0])],
            "rank_of_truth": rank,
            "best": [[names[int(k)], _rounded(row[k])] for k in best],
            "probabilities": [_rounded(p) for p in row],
        }


def percent(share: Share) -> str:
    """Return a share as 91.70, its two decimals as papers give them; "-" of nothing."""
    return "-" if share.value is None else f"{100 * share.value:.2f}"


def percent_interval(share: Share) -> str:
    """Return a share's interval as 88.9–93.9."""
    low, high = share.interval
    return f"{100 * low:.1f}–{100 * high:.1f}"


def _model_json(model: Model) -> dict[str, Any]:
    return {
        "file": model.file,
        "kind": model.kind,
        "sha256": model.sha256,
        "modalities": list(model.modalities),
        "labels": list(model.labels),
        "device": model.device,
        "recipe": model.recipe.to_json(),
        "card": dataclasses.asdict(model.card),
    }


def _metrics_json(metrics: Metrics) -> dict[str, Any]:
    return {
        "top1": _share_json(metrics.top1),
        "top5": None if metrics.top5 is None else _share_json(metrics.top5),
        "mean_recall": _rounded(metrics.mean_recall),
        "negative_log_likelihood": _rounded(metrics.nll),
        "ece": _rounded(metrics.reliability.ece),
        "classes": [_class_json(score) for score in metrics.classes],
        "confusion": metrics.confusion.tolist(),
        "reliability": [dataclasses.asdict(b) for b in metrics.reliability.bins],
    }


def _class_json(score: ClassScore) -> dict[str, Any]:
    return {
        "name": score.name,
        "recall": _share_json(score.recall),
        "precision": _share_json(score.precision),
        "most_mistaken_for": score.most_mistaken,
    }


def _share_json(share: Share) -> dict[str, Any]:
    return {
        "right": share.right,
        "count": share.count,
        "share": None if share.value is None else _rounded(share.value),
        "interval95": [_rounded(end) for end in share.interval],
    }


def _rounded(value: float) -> float:
    """Six digits: more would be noise, and would double the file."""
    return float(f"{value:.6g}")
