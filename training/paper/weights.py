"""What a network starts from: tensors of other networks whose names and shapes match."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from motionrgbd.models.errors import CheckpointError
from motionrgbd.models.released import read_tensors

_LAST_LINEAR = re.compile(r"(mlp_head_\w+|classifier[12])\.1\.|fusion_model\.efc\.")
_STREAMS = ("Modalit_rgb.", "Modalit_depth.")  # of colour and depth in a fused network


def tensors_of(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file: ours (.safetensors), or PyTorch's as the authors publish.

    Raises CheckpointError for a file that is missing, damaged or holds code.
    """
    if path.suffix != ".safetensors":
        return read_tensors(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a safetensors file, or a damaged one") from error


def start_from(network: nn.Module, tensors: Mapping[str, Tensor], prefix: str = "") -> int:
    """Copy every tensor whose name and shape match, but the last linear layers.

    prefix: put before the tensors' names. Return how many were taken.
    """
    own = network.state_dict()
    taken = {
        prefix + name: x
        for name, x in tensors.items()
        if prefix + name in own
        and own[prefix + name].shape == x.shape
        and not _LAST_LINEAR.search(name)
    }
    network.load_state_dict(own | taken)
    return len(taken)


def start_from_file(network: nn.Module, path: Path, prefix: str = "") -> int:
    """Copy what matches out of a file. Raises CheckpointError where nothing does."""
    taken = start_from(network, tensors_of(path), prefix)
    if not taken:
        raise CheckpointError(
            f"{path}: no tensor has the name and shape of one of this network — "
            "is it a checkpoint of this architecture, and of the same size?"
        )
    return taken


def start_from_both(network: nn.Module, color: Path, depth: Path) -> None:
    """Let a fused network begin with the two networks of one modality."""
    for path, prefix in zip((color, depth), _STREAMS, strict=True):
        start_from_file(network, path, prefix)
