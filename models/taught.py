"""What a bundle knows beside its network: taught classes, and stored examples of the others.

Both are numbers of single frames in few dimensions (a `FrameSpace`), never pictures. Stored as
safetensors; read without torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from motionrgbd.models.errors import BundleError

Array = NDArray[np.float32]
PARTS = ("color", "depth", "path")
_LAYOUT = "layout"  # the tensor that holds the JSON text


@dataclass(frozen=True, slots=True, eq=False)
class SpacePart:
    """How one kind of a frame's features becomes few numbers.

    mean: (F,). basis: (F, P). weight: how much squared distances of this part count.
    """

    mean: Array
    basis: Array
    weight: float

    def place(self, features: Array) -> Array:
        """Return (..., P) of features (..., F)."""
        return np.asarray((features - self.mean) @ self.basis, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class FrameSpace:
    """Where frames are compared: `color` and `depth` are the network's features of a frame, `path`
    is how the hand moves. A model has the parts that its recipe gives.
    """

    parts: Mapping[str, SpacePart]

    def tensors(self) -> dict[str, Array]:
        """Return what `from_tensors` reads."""
        found = {}
        for name, part in self.parts.items():
            found[f"space.{name}.mean"], found[f"space.{name}.basis"] = part.mean, part.basis
            found[f"space.{name}.weight"] = np.array([part.weight], np.float32)
        return found

    @staticmethod
    def from_tensors(tensors: Mapping[str, Array]) -> FrameSpace:
        return FrameSpace(
            {
                name: SpacePart(
                    tensors[f"space.{name}.mean"],
                    tensors[f"space.{name}.basis"],
                    float(tensors[f"space.{name}.weight"][0]),
                )
                for name in PARTS
                if f"space.{name}.mean" in tensors
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """Windows of frames of which it is known what was gestured; nothing was trained on them.

    labels: names, one per window (N,). probabilities: float32 (N, K) of the network's K labels at
    the window's end. vectors: by part, float16 (N, T, P), oldest frame first; zeros where
    `present`, bool (N,) by part, says that the part was missing. source: where they are from.
    """

    space: FrameSpace
    labels: tuple[str, ...]
    probabilities: Array
    vectors: Mapping[str, NDArray[np.float16]]
    present: Mapping[str, NDArray[np.bool_]]
    source: str = ""

    def to_bytes(self) -> bytes:
        """Return safetensors bytes; equal memories give equal bytes."""
        tensors: dict[str, NDArray] = dict(self.space.tensors())  # type: ignore[type-arg]
        tensors["probabilities"] = self.probabilities
        for name, vectors in self.vectors.items():
            tensors[f"vectors.{name}"] = vectors[self.present[name]]
            tensors[f"present.{name}"] = self.present[name].astype(np.uint8)
        return _save(tensors, {"labels": list(self.labels), "source": self.source})

    @staticmethod
    def from_bytes(data: bytes) -> Memory:
        """Raises BundleError for what `to_bytes` does not write."""
        tensors, layout = _load(data, "its stored examples")
        try:
            space = FrameSpace.from_tensors(tensors)
            present = {n: tensors[f"present.{n}"].astype(np.bool_) for n in space.parts}
            vectors = {n: _spread(tensors[f"vectors.{n}"], present[n]) for n in space.parts}
            memory = Memory(
                space,
                tuple(layout["labels"]),
                tensors["probabilities"],
                vectors,
                present,
                layout["source"],
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BundleError(f"its stored examples cannot be read: {error!r}") from error
        count = {len(memory.labels), len(memory.probabilities), *map(len, present.values())}
        if len(count) != 1:
            raise BundleError("its stored examples contradict each other")
        return memory


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One example of a taught class: by part, float32 (n, P); parts it lacks are left out."""

    label: str
    vectors: Mapping[str, Array]

    def __len__(self) -> int:
        return len(next(iter(self.vectors.values())))


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """Classes that were added to a network, each by its examples.

    limits: by class, the mean distance of frames at which it is as likely as all that the network
    knows. slope: how fast that changes.
    """

    space: FrameSpace
    labels: tuple[str, ...]
    templates: tuple[Template, ...]
    limits: Mapping[str, float]
    slope: float

    def to_bytes(self) -> bytes:
        """Return safetensors bytes; equal classes give equal bytes."""
        tensors: dict[str, NDArray] = dict(self.space.tensors())  # type: ignore[type-arg]
        for i, template in enumerate(self.templates):
            for name, vectors in template.vectors.items():
                tensors[f"template.{i:04d}.{name}"] = vectors
        layout = {
            "labels": list(self.labels),
            "templates": [template.label for template in self.templates],
            "limits": dict(self.limits),
            "slope": self.slope,
        }
        return _save(tensors, layout)

    @staticmethod
    def from_bytes(data: bytes) -> Taught:
        """Raises BundleError for what `to_bytes` does not write."""
        tensors, layout = _load(data, "its taught classes")
        try:
            space = FrameSpace.from_tensors(tensors)
            templates = tuple(
                Template(
                    label,
                    {
                        name: tensors[f"template.{i:04d}.{name}"]
                        for name in space.parts
                        if f"template.{i:04d}.{name}" in tensors
                    },
                )
                for i, label in enumerate(layout["templates"])
            )
            taught = Taught(
                space,
                tuple(layout["labels"]),
                templates,
                {label: float(layout["limits"][label]) for label in layout["labels"]},
                float(layout["slope"]),
            )
            whole = all(template.vectors for template in templates)
            if not whole or {t.label for t in templates} != set(taught.labels):
                raise BundleError("its taught classes are not those of its examples")
            if not taught.slope > 0:
                raise BundleError(f"its taught classes have slope {taught.slope:g}")
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BundleError(f"its taught classes cannot be read: {error!r}") from error
        return taught


def _spread(rows: NDArray[np.float16], present: NDArray[np.bool_]) -> NDArray[np.float16]:
    """Put the rows that were stored where they belong, zeros elsewhere."""
    whole = np.zeros((len(present), *rows.shape[1:]), np.float16)
    whole[present] = rows
    return whole


def _save(tensors: Mapping[str, NDArray], layout: Mapping[str, object]) -> bytes:  # type: ignore[type-arg]
    # as a tensor: safetensors writes its own metadata in an order that changes from run to run
    text = json.dumps(layout, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
    arrays = {name: np.ascontiguousarray(array) for name, array in sorted(tensors.items())}
    data: bytes = save({**arrays, _LAYOUT: np.frombuffer(text, np.uint8)})
    return data


def _load(data: bytes, what: str) -> tuple[dict[str, NDArray], dict]:  # type: ignore[type-arg]
    try:
        tensors = load(data)
        layout = json.loads(tensors.pop(_LAYOUT).tobytes())
    except (SafetensorError, KeyError, ValueError) as error:
        raise BundleError(f"{what} cannot be read: {error!r}") from error
    if not isinstance(layout, dict):
        raise BundleError(f"{what} cannot be read: no layout")
    return tensors, layout
