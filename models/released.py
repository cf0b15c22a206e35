"""The networks that the paper's authors released, from their checkpoints.

`load_released` is the door: it reads sizes and kind off the tensors and refuses, by name, whatever
does not fit. The networks compute in float32; lower precision changes which neighbours the k-NN
attention keeps.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.errors import CheckpointError
from motionrgbd.models.fusion import FusionNetwork
from motionrgbd.models.unimodal import UnimodalNetwork

NAMED_AT_MOST = 12  # tensors in an error message


@dataclass(frozen=True)
class Benchmark:
    """What a data set's released settings say beyond the tensors."""

    classes: int
    distillation_temperature: float  # 0.4 for gestures, 0.5 for actions


BENCHMARKS = {
    "NvGesture": Benchmark(25, 0.4),
    "IsoGD": Benchmark(249, 0.4),
    "THU-READ": Benchmark(40, 0.5),
    "NTU": Benchmark(60, 0.5),
    "Jester": Benchmark(27, 0.4),
}


class ReleasedUnimodalNetwork(UnimodalNetwork):
    """A released network of colour or depth pictures; both have three channels."""

    benchmark: str


class ReleasedFusionNetwork(FusionNetwork):
    """A released network of both modalities."""

    benchmark: str

    def interact(self, O_color: Tensor, O_depth: Tensor) -> Tensor:
        """Spatial interaction as released: memory reinterpreted where a transpose was meant.

        The checkpoints were trained this way and only work with exactly that.
        """
        x = torch.cat((O_color, O_depth), dim=2)  # (B, T, 2 D)
        x = functional.normalize(x, dim=2)
        B, T, width = x.shape
        x = cast(Tensor, self.crossFusion(x.reshape(B, width, T, 1)))  # (B, D, T, 1)
        return x.reshape(B, T, width // 2)


def load_released(
    source: str | PathLike[str] | Mapping[str, object], *, benchmark: str
) -> ReleasedUnimodalNetwork | ReleasedFusionNetwork:
    """The network of a released checkpoint, in evaluation mode.

    `source` is a file or the dictionary in one, with or without `model` around the tensors and
    `module.` before their names. Raises `ValueError` for an unknown benchmark and
    `CheckpointError` for a file that is missing, not a checkpoint, or does not fit.
    """
    if benchmark not in BENCHMARKS:
        raise ValueError(f"unknown benchmark {benchmark!r}: use one of {', '.join(BENCHMARKS)}")
    tensors = _tensors(source if isinstance(source, Mapping) else _read(Path(source)))
    fused = any(name.startswith(("Modalit_", "crossFusion", "fusion_model")) for name in tensors)
    config = _config(tensors, BENCHMARKS[benchmark], fused)
    with torch.device("meta"):  # no memory, no random numbers: every tensor comes from the file
        network = ReleasedFusionNetwork(config) if fused else ReleasedUnimodalNetwork(config)
    _check(tensors, network.state_dict())
    network.load_state_dict(
        {
            name: x.clone() if name.endswith("tracked") else x.float().clone()
            for name, x in tensors.items()
        },
        assign=True,
    )
    network.benchmark = benchmark
    return network.eval()


def read_tensors(path: str | PathLike[str]) -> dict[str, Tensor]:
    """Return the named tensors of a PyTorch checkpoint. Raises `CheckpointError`."""
    return _tensors(_read(Path(path)))


def _read(path: Path) -> Mapping[str, object]:
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickle protocols: the file is read or refused
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: not a checkpoint of tensors alone; files that would run code are never opened"
        ) from error
    except Exception as error:  # an unpickler in a damaged file can raise anything
        raise CheckpointError(f"{path}: not a PyTorch checkpoint, or a damaged one") from error
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path}: a checkpoint is a dictionary, got {type(content).__name__}")
    return content


def _tensors(content: Mapping[str, object]) -> dict[str, Tensor]:
    """The named tensors of a checkpoint, without `model` around and `module.` before them."""
    model = content.get("model", content)
    if not isinstance(model, Mapping):
        raise CheckpointError(f"'model' should be a dictionary, got {type(model).__name__}")
    tensors = {str(name).removeprefix("module."): x for name, x in model.items()}
    others = [
        f"{name}: {type(x).__name__}" for name, x in tensors.items() if not isinstance(x, Tensor)
    ]
    if others:
        raise CheckpointError(f"these entries should be tensors: {_listed(others)}")
    if not tensors:
        raise CheckpointError("the checkpoint has no tensors")
    return tensors


def _config(tensors: Mapping[str, Tensor], benchmark: Benchmark, fused: bool) -> NetworkConfig:
    """Sizes read off the tensors; where one is missing, the released size, so that it is named."""
    dtn = "Modalit_rgb.dtn." if fused else "dtn."

    def size(name: str, axis: int, default: int) -> int:
        x = tensors.get(name)
        return x.shape[axis] if x is not None and x.dim() > axis and x.shape[axis] > 0 else default

    def branch(name: str, default: int) -> int:
        return max(1, size(f"{dtn}pos_embedding_{name}", 1, default + 1) - 1)

    classifier = "classifier1.1.weight" if fused else "dtn.mlp_head_small.1.weight"
    block = re.compile(re.escape(dtn) + r"multi_scale_transformers\.(\d{1,2})\.")
    blocks = [int(match[1]) for match in map(block.match, tensors) if match]
    return NetworkConfig(
        classes=size(classifier, 0, benchmark.classes),
        window=size(f"{dtn}rcm.q.weight", 1, 64),
        branches=(branch("small", 16), branch("media", 32), branch("large", 48)),
        blocks=max(blocks, default=5) + 1,
        recoupling_hidden=size(f"{dtn}rcm.project.0.weight", 0, 256),
        recoupling_heads=max(1, size(f"{dtn}rcm.q.weight", 0, 64) // 64),
        modalities=("color", "depth") if fused else ("color",),
        guided=any("frp_module." in name for name in tensors),
    )


def _check(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Refuse tensors that miss, are too many, have other shapes, or are not finite."""
    problems = [f"missing {n} {_shape(x)}" for n, x in expected.items() if n not in tensors]
    problems += [f"unexpected {n} {_shape(x)}" for n, x in tensors.items() if n not in expected]
    problems += [
        f"{n} should be {_shape(expected[n])}, got {_shape(x)}"
        for n, x in tensors.items()
        if n in expected and x.shape != expected[n].shape
    ]
    if problems:
        raise CheckpointError(
            f"the checkpoint does not fit a released network: {_listed(problems)}"
        )
    broken = [n for n, x in tensors.items() if not bool(torch.isfinite(x).all())]
    if broken:
        raise CheckpointError(f"these tensors have NaN or infinite values: {_listed(broken)}")


def _shape(x: Tensor) -> str:
    return str(tuple(x.shape))


def _listed(items: list[str]) -> str:
    more = len(items) - NAMED_AT_MOST
    return "; ".join(items[:NAMED_AT_MOST]) + (f"; and {more} more" if more > 0 else "")
