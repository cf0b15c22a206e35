"""The per-frame part of released networks: rings around the graph of `models/graphs_edges.py`."""

from __future__ import annotations

import numpy as np

from motionrgbd.core.feature_ring import FeatureRing
from motionrgbd.core.results import FloatArray
from motionrgbd.core.session import InputOutput
from motionrgbd.models.edges import EdgePlan


class EdgeStage:
    """Frames of one modality to features: of the newest frame, and of those that it changes.

    The graph reads kept frames where they lie in the ring and writes settled ones there; a frame
    keeps its slot as long as it is needed. Used by one thread.
    """

    def __init__(
        self, io: InputOutput, plan: EdgePlan, guidance_window: int, features: FeatureRing
    ) -> None:
        self._io = io
        self._plan, self._zero_maps, self._features = plan, guidance_window - 1, features
        shapes = io.input_shapes
        if not _names(plan) <= set(shapes):
            raise ValueError("the graph was exported for another window or guidance window")
        self._rings = [
            np.zeros((_ring_size(plan, k), *shapes[f"kept_{k}_{plan.blocks[k].kept[0]}"][1:]), "f4")
            for k in range(len(plan.blocks))
        ]
        self._carried = {
            (k, i): np.zeros((2, *shapes[f"carried_{k}_{i}"]), np.float32)
            for k, block in enumerate(plan.blocks)
            for i in block.carried
        }
        self._maps = np.zeros((plan.window, *shapes["guidance_kept"][1:]), np.float32)
        self._kept_maps = np.zeros(shapes["guidance_kept"], np.float32)
        self._started = np.zeros(shapes["started"], np.float32)
        self._image = np.zeros(shapes["image"], np.float32)
        self._guidance = np.zeros(shapes["guidance"], np.float32)
        self._out = np.zeros((len(plan.features), self._io.output_shapes["features"][1]), "f4")
        # Where the graph writes what belongs to frames before the stream's start.
        self._nowhere = np.zeros(
            max(r[0].size for r in [*self._rings, *self._carried.values()]), "f4"
        )
        for name, array in (
            ("image", self._image),
            ("guidance", self._guidance),
            ("guidance_kept", self._kept_maps),
            ("started", self._started),
        ):
            self._io.bind_input(name, array)
        self._io.bind_output("features", self._out)
        self.reset()

    def reset(self) -> None:
        """Start a new stream: everything before it is zeros."""
        self._newest = -1  # the newest frame's number in the stream
        for array in (*self._rings, *self._carried.values(), self._maps):
            array.fill(0.0)

    def push(self, image: FloatArray, guidance: FloatArray) -> None:
        """Take the next frame, image (C, h, w) and map (h, w); bring the features up to date."""
        self._newest += 1
        self._image[0] = image
        self._guidance[0, 0] = guidance
        if self._plan.left and self._newest < self._zero_maps:
            self._guidance.fill(0.0)
        self._started[:, 0, 0, 0] = self._newest >= np.arange(len(self._started))[::-1]
        self._gather_maps()
        for k in range(len(self._plan.blocks)):
            self._bind(k)
        self._io.run()
        self._keep_first_carries()
        self._features.append()
        full = self._newest >= self._plan.window
        for index, feature in zip(self._plan.features, self._out, strict=True):
            if full or self._is_new(index):
                self._features.write(self._plan.window - 1 - index, feature)

    def _frame(self, index: int) -> int:
        """Number in the stream of the frame at an index of the window; before its start below 0."""
        return self._newest - (self._plan.window - 1) + index

    def _is_new(self, index: int) -> bool:
        """Whether an index belongs to the newest frames, not to the window's start."""
        return index >= self._plan.window - 1 - len(self._plan.blocks)

    def _valid(self, index: int) -> bool:
        """Whether a result is one: its frame exists, and the window's start has begun to move."""
        return self._frame(index) >= 0 and (
            self._is_new(index) or self._newest >= self._plan.window
        )

    def _gather_maps(self) -> None:
        for row, index in zip(self._kept_maps, self._plan.guided, strict=True):
            frame = self._frame(index)
            if frame < 0 or (self._plan.left and index < self._zero_maps):
                row.fill(0.0)
            else:
                row[:] = self._maps[frame % len(self._maps)]
        self._io.bind_output("guidance_small", self._maps[self._newest % len(self._maps)][None])

    def _bind(self, k: int) -> None:
        """Point the graph at the ring's slots and the carried results of one block."""
        ring, plan = self._rings[k], self._plan.blocks[k]
        for i in plan.kept:
            self._io.bind_input(f"kept_{k}_{i}", ring[self._frame(i) % len(ring)][None])
        for i in plan.settles:
            slot = ring[self._frame(i) % len(ring)][None]
            self._io.bind_output(f"settled_{k}_{i}", slot if self._valid(i) else self._sink(slot))
        for i in plan.carried:
            then, now = (
                self._carried[k, i][self._newest % 2],
                self._carried[k, i][1 - self._newest % 2],
            )
            self._io.bind_input(f"carried_{k}_{i}", then)
            self._io.bind_output(
                f"carries_{k}_{i + 1}", now if self._valid(i + 1) else self._sink(now)
            )

    def _sink(self, like: FloatArray) -> FloatArray:
        return self._nowhere[: like.size].reshape(like.shape)

    def _keep_first_carries(self) -> None:
        """While the window fills, keep what its start will carry when it first moves.

        The newest frames' settled convolutions are the same numbers: frame f settles in block k
        when frame f + k arrives.
        """
        if not self._plan.left or self._newest >= self._plan.window:
            return
        for (k, i), buffers in self._carried.items():
            if not self._is_new(i) and self._newest == i + 1 + k:
                newest = max(self._plan.blocks[k].carried)
                buffers[:] = self._carried[k, newest][1 - self._newest % 2]


def _names(plan: EdgePlan) -> set[str]:
    """The graph's inputs that earlier steps leave."""
    blocks = list(enumerate(plan.blocks))
    kept = {f"kept_{k}_{i}" for k, block in blocks for i in block.kept}
    return kept | {f"carried_{k}_{i}" for k, block in blocks for i in block.carried}


def _ring_size(plan: EdgePlan, k: int) -> int:
    """Frames from the newest that settles to the oldest still needed."""
    return max(plan.blocks[k].settles) - min(plan.blocks[k].kept) + 1
