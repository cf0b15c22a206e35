"""The per-frame part of streaming networks: state in, state out, in two sets of arrays."""

from __future__ import annotations

import numpy as np

from motionrgbd.core.feature_ring import FeatureRing
from motionrgbd.core.results import FloatArray
from motionrgbd.core.session import InputOutput


class StreamingStage:
    """Frames of one modality to one feature each. Used by one thread."""

    def __init__(self, io: InputOutput, features: FeatureRing) -> None:
        self._io, self._features = io, features
        shapes = io.input_shapes
        self._image = np.zeros(shapes["image"], np.float32)
        self._guidance = np.zeros(shapes["guidance"], np.float32)
        self._feature = np.zeros(io.output_shapes["feature"], np.float32)
        # What the graph wrote in one step it reads in the next: the two take turns.
        self._states = {
            name: np.zeros((2, *shape), np.float32)
            for name, shape in shapes.items()
            if name.startswith("state_")
        }
        io.bind_input("image", self._image)
        io.bind_input("guidance", self._guidance)
        io.bind_output("feature", self._feature)
        self.reset()

    def reset(self) -> None:
        """Start a new stream: everything before it is zeros."""
        self._turn = 0
        for state in self._states.values():
            state.fill(0.0)

    def push(self, image: FloatArray, guidance: FloatArray) -> None:
        """Take the next frame, image (C, h, w) and map (h, w)."""
        self._image[0] = image
        self._guidance[0, 0] = guidance
        for name, state in self._states.items():
            self._io.bind_input(name, state[self._turn])
            self._io.bind_output(f"next_{name}", state[1 - self._turn])
        self._io.run()
        self._turn = 1 - self._turn
        self._features.append()
        self._features.write(0, self._feature[0])
