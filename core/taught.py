"""Taught classes at work: every frame is aligned with every example, and the network's
probabilities make room for what is recognised.

An example is a sequence of frames in a space of few dimensions (`models.taught`). The newest frames
of the stream are aligned with it by dynamic time warping that may begin at any frame; what counts
is the mean distance along the best alignment that has reached the example's end. Far below the
class's limit, the class takes the probability; the network's classes share what is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.results import FloatArray
from motionrgbd.models.taught import FrameSpace, Taught, Template

SELF_COST, SKIP_COST = 0.02, 0.05  # of standing still, and of leaving out a frame of the example
KEEP_S = 0.4  # an alignment that reached its end counts for so long
_END_SHARE = 0.2  # of an example: its last frames are its end
_FAR = 1e3  # a distance that no frame has
_PATH_SMOOTHING = 0.5  # of the path's speeds: what the newest frame counts


class Aligner:
    """Aligns `batch` streams with templates, a frame at a time. Used by one thread.

    A step costs one product of (batch, P) with (P, frames of all templates) per part.
    """

    def __init__(self, space: FrameSpace, templates: Sequence[Template], batch: int = 1) -> None:
        self._space, self._batch = space, batch
        lengths = [len(template) for template in templates]
        starts = np.cumsum([0, *lengths[:-1]])
        self._total = int(sum(lengths))
        self._first = np.zeros(self._total, np.bool_)
        self._second = np.zeros(self._total, np.bool_)
        self._first[starts] = True
        self._second[[s + 1 for s, n in zip(starts, lengths, strict=True) if n > 1]] = True
        self._ends = [
            slice(int(s) + n - max(1, round(_END_SHARE * n)), int(s) + n)
            for s, n in zip(starts, lengths, strict=True)
        ]
        self._frames = {name: _joined(templates, name) for name in space.parts}
        self.reset()

    def reset(self) -> None:
        """Begin new streams."""
        self._cost = np.full((self._batch, self._total), np.inf)
        self._length = np.ones((self._batch, self._total))

    def push(self, vectors: Mapping[str, FloatArray]) -> FloatArray:
        """Take the next frame, (batch, P) by part; return mean distances (batch, templates)."""
        near = self._distances(vectors)  # (B, S)
        cost, length = self._cost, self._length
        entry = np.where(self._first, 0.0, np.inf)
        before = np.where(self._first, np.inf, np.roll(cost, 1, axis=1))
        skipped = np.where(self._first | self._second, np.inf, np.roll(cost, 2, axis=1))
        ways = np.stack(
            [
                np.broadcast_to(entry, cost.shape),
                cost + SELF_COST,
                before,
                skipped + SKIP_COST,
            ]
        )
        lengths = np.stack(
            [np.zeros_like(length), length, np.roll(length, 1, axis=1), np.roll(length, 2, axis=1)]
        )
        means = (ways + near) / (lengths + 1.0)
        best = means.argmin(axis=0)[None]
        self._cost = np.take_along_axis(ways, best, axis=0)[0] + near
        self._length = np.take_along_axis(lengths, best, axis=0)[0] + 1.0
        mean = self._cost / self._length
        return np.stack([mean[:, end].min(axis=1) for end in self._ends], axis=1).astype(np.float32)

    def _distances(self, vectors: Mapping[str, FloatArray]) -> NDArray[np.float64]:
        """Return distances (batch, S); a part that a stream or a template lacks does not count."""
        total = np.zeros((self._batch, self._total))
        weights = np.zeros((self._batch, self._total))
        for name, part in self._space.parts.items():
            given, (frames, there) = vectors.get(name), self._frames[name]
            if given is None or not there.any():
                continue
            squared = (
                (given**2).sum(axis=1)[:, None] + (frames**2).sum(axis=1) - 2.0 * given @ frames.T
            )
            seen = np.isfinite(given).all(axis=1, keepdims=True)
            counted = part.weight * there * seen
            total += counted * np.nan_to_num(np.maximum(squared, 0.0))
            weights += counted
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(weights > 0, np.sqrt(total / weights), _FAR)


def _joined(
    templates: Sequence[Template], name: str
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return a part's frames of all templates (S, P), and where there are any (S,), 0 or 1."""
    width = next((t.vectors[name].shape[1] for t in templates if name in t.vectors), 1)
    frames = [t.vectors.get(name, np.zeros((len(t), width), np.float32)) for t in templates]
    there = [np.full(len(t), float(name in t.vectors)) for t in templates]
    return np.concatenate(frames), np.concatenate(there)


class TaughtMatcher:
    """The probabilities of taught classes over one stream. Used by one thread."""

    def __init__(self, taught: Taught, fps_hz: float, batch: int = 1) -> None:
        self._taught, self._placer = taught, FramePlacer(taught.space)
        self._aligner = Aligner(taught.space, taught.templates, batch)
        self._of = [
            [i for i, t in enumerate(taught.templates) if t.label == label]
            for label in taught.labels
        ]
        self._limits = np.array([taught.limits[label] for label in taught.labels])
        self._keep = max(1, round(KEEP_S * fps_hz))
        self.reset()

    def reset(self) -> None:
        """Begin new streams."""
        self._placer.reset()
        self._aligner.reset()
        self._recent: list[NDArray[np.float32]] = []

    def take(self, features: Mapping[str, FloatArray]) -> FloatArray:
        """Take the next frame of one stream, as `FramePlacer.place`; return probabilities."""
        shares: FloatArray = self.push(self._placer.place(features))[0]
        return shares

    def push(self, vectors: Mapping[str, FloatArray]) -> FloatArray:
        """Take the next frame, (batch, P) by part; return probabilities (batch, taught)."""
        found = self._aligner.push(vectors)
        of_class = np.stack([found[:, i].min(axis=1) for i in self._of], axis=1)
        self._recent = [*self._recent[-self._keep + 1 :], of_class]
        best = np.min(self._recent, axis=0)
        return taught_shares(best, self._limits, self._taught.slope)


def taught_shares(
    distances: NDArray[np.float32], limits: NDArray[np.float64], slope: float
) -> FloatArray:
    """Return probabilities (..., K) of distances (..., K); all the network's classes have the rest.

    A class at its limit is as likely as the rest: p = e^z / (1 + sum e^z),
    z = (limit - distance) / slope.
    """
    z = np.clip((limits - distances) / slope, -50.0, 50.0)
    odds = np.exp(z)
    return np.asarray(odds / (1.0 + odds.sum(axis=-1, keepdims=True)), np.float32)


def joined(known: FloatArray, taught: FloatArray) -> FloatArray:
    """Return probabilities (..., K + taught) that sum to 1, of the network's and of what it was
    taught."""
    rest = 1.0 - taught.sum(axis=-1, keepdims=True)
    return np.concatenate([known * rest, taught], axis=-1, dtype=np.float32)


class FramePlacer:
    """Puts the frames of one stream into a space. Used by one thread."""

    def __init__(self, space: FrameSpace) -> None:
        self._space = space
        self.reset()

    def reset(self) -> None:
        """Begin a new stream."""
        self._speed: FloatArray | None = None

    def place(self, features: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Return the next frame's place, (1, P) by part.

        features: of the network by modality, (F,), without those that do not count now; `path`:
        the hand's speeds (3,), which are smoothed.
        """
        found = dict(features)
        if "path" in found:
            now, last = found["path"], self._speed
            self._speed = now if last is None else last + _PATH_SMOOTHING * (now - last)
            found["path"] = self._speed
        return {
            n: part.place(found[n])[None] for n, part in self._space.parts.items() if n in found
        }
