"""The checkpoint of a network trained here: one safetensors file, its metadata beside the weights.

Everything that a bundle needs besides the graphs travels in the file's header, as JSON. torch-free:
tensors are NumPy arrays here.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from motionrgbd.models.bundle import Card
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.errors import BundleError, CheckpointError
from motionrgbd.models.grouping import Grouping, Temperatures
from motionrgbd.models.recipe import Recipe

FORMAT = 1
_KEY = "motionrgbd"  # of the header's entry

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A streaming network's weights, by name, and what they were trained for.

    fallback: whether a network of both modalities was trained to do without either of them; only
    then does its bundle accept a source that lacks one. temperatures: those of `labels`.
    groupings: other labels that a bundle may have, by name.
    """

    state: Arrays
    config: NetworkConfig
    recipe: Recipe
    labels: tuple[str, ...]
    decision: Mapping[str, Any] = field(default_factory=dict)
    card: Card = field(default_factory=Card)
    fallback: bool = False
    temperatures: Temperatures = field(default_factory=Temperatures)
    groupings: Mapping[str, Grouping] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the file; equal checkpoints give equal bytes."""
        header = {
            "format": FORMAT,
            "config": dataclasses.asdict(self.config),
            "recipe": self.recipe.to_json(),
            "labels": list(self.labels),
            "decision": dict(self.decision),
            "card": dataclasses.asdict(self.card),
            "fallback": self.fallback,
            "temperatures": dataclasses.asdict(self.temperatures),
            "groupings": {n: dataclasses.asdict(g) for n, g in self.groupings.items()},
        }
        state = {name: np.ascontiguousarray(x) for name, x in sorted(self.state.items())}
        return save(state, {_KEY: json.dumps(header, sort_keys=True)})


def save_checkpoint(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write a checkpoint whole or not at all. Raises OSError where it cannot be written."""
    path = Path(path)
    part = path.with_name(path.name + ".part")
    part.write_bytes(checkpoint.to_bytes())
    os.replace(part, path)


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read what `save_checkpoint` wrote. Raises CheckpointError with the reason otherwise."""
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})[_KEY])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, OSError) as error:
        raise CheckpointError(f"{path}: not a safetensors file, or a damaged one") from error
    except KeyError as error:
        raise CheckpointError(f"{path}: not a checkpoint of this program: no header") from error
    try:
        if header["format"] > FORMAT:
            raise CheckpointError(
                f"{path}: format {header['format']} is newer than this program reads; upgrade it"
            )
        return Checkpoint(
            state,
            NetworkConfig.from_mapping(header["config"]),
            Recipe.from_json(header["recipe"]),
            tuple(header["labels"]),
            dict(header["decision"]),
            Card(**header["card"]),
            bool(header.get("fallback", False)),
            Temperatures.from_json(header.get("temperatures", {})),
            {n: Grouping.from_json(g) for n, g in header.get("groupings", {}).items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError, BundleError) as error:
        raise CheckpointError(f"{path}: its header cannot be read: {error!r}") from error
