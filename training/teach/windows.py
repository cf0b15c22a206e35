"""Windows of recordings that were read, and what the later part of a network says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from motionrgbd.core.labels import NamedSpan
from motionrgbd.models.streaming import StreamingNetwork, StreamingOutput, windows_at
from motionrgbd.training.teach.frames import Frames

_FROM, _AFTER_S = 0.75, 0.3  # a window that ends past so much of a gesture, or so soon after, is it


@dataclass(frozen=True, slots=True)
class Window:
    """The window of a recording that ends with frame `end`."""

    frames: Frames
    end: int


@dataclass(frozen=True, slots=True)
class Example:
    """A gesture: span `number` of a recording. Copies of a recording have examples of their own,
    though their spans are the same."""

    frames: Frames
    number: int

    @property
    def span(self) -> NamedSpan:
        return self.frames.spans[self.number]

    def windows(self) -> list[Window]:
        """Return the windows that show the gesture."""
        span, times_s = self.span, self.frames.times_s
        start_s = span.start_s + _FROM * (span.end_s - span.start_s)
        rows = (times_s >= start_s) & (times_s < span.end_s + _AFTER_S)
        return [Window(self.frames, i) for i in np.flatnonzero(rows).tolist()]


def examples_of(recordings: Sequence[Frames]) -> list[Example]:
    """Return all gestures in recordings."""
    return [Example(f, i) for f in recordings for i in range(len(f.spans))]


def ranked_scores(network: StreamingNetwork, windows: Sequence[Window]) -> Tensor:
    """Return the scores (N, K) that gestures are named by."""
    return _forward(network, windows)[0].scores


def head_scores(network: StreamingNetwork, windows: Sequence[Window]) -> list[Tensor]:
    """Return the scores (N, K) of each head; not a number where a head's modality is absent."""
    output, present = _forward(network, windows)
    if present is None:
        return [output.scores]
    color, depth = present[:, :1], present[:, 1:]  # (N, 1)
    assert output.color is not None
    assert output.depth is not None
    parts = [(output.color, color), (output.depth, depth), (output.scores, color * depth)]
    return [torch.where(there > 0, x, torch.nan) for x, there in parts]


def _forward(
    network: StreamingNetwork, windows: Sequence[Window]
) -> tuple[StreamingOutput, Tensor | None]:
    T, modalities = network.config.window, range(len(network.streams))

    def cut(rows: Tensor, w: Window) -> Tensor:
        begin = int(w.frames.begins[w.end])
        return windows_at(rows[None, begin:], [w.end - begin], T)  # (1, T, ...)

    features = [torch.cat([cut(w.frames.features[m], w) for w in windows]) for m in modalities]
    energies = [
        torch.cat([cut(w.frames.energies[m], w) for w in windows])
        for m in (modalities if network.energy_maps else ())
    ]
    both = len(network.streams) > 1
    present = torch.stack([w.frames.present for w in windows]) if both else None  # (N, 2)
    return network.window(features, energies, present=present), present
