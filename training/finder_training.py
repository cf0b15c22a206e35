"""Training of the hand finder's network: `motionrgbd train finder`, a quarter of an hour.

It learns from SHREC'17's official training split (without the subjects held back) on rebuilt
frames, from people at rest and from the synthetic performer; what it writes is the data file of
`core/hand_net.py`. It does not resume: what is interrupted begins anew.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from motionrgbd.core.errors import OutputError
from motionrgbd.core.hand_net import CELL, PLANES, REACH, STRIDES, input_planes
from motionrgbd.training.datasets.table import data_folder
from motionrgbd.training.finder_pictures import Pictures, in_parallel, varied
from motionrgbd.training.hand_clips import load_package
from motionrgbd.training.rebuilt_scenes import resting_people
from motionrgbd.training.whole_files import keep_arrays

_WIDTHS = (16, 32, 32, 32, 32, 32)
# People at rest before whom hands are rebuilt. None of these recordings carries hand marks.
_PEOPLE = tuple(f"devel59/M_{n}.avi" for n in (2, 4, 6, 8, 10))


class HandNetwork(nn.Module):
    """Six 3x3 convolutions with ReLU and a 1x1 one, as `core/hand_net.py` computes them."""

    def __init__(self) -> None:
        super().__init__()
        widths = (PLANES, *_WIDTHS)
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride, 1)
            for a, b, stride in zip(widths, widths[1:], STRIDES, strict=False)
        )
        self.head = nn.Conv2d(_WIDTHS[-1], 5, 1)

    def forward(self, planes: Tensor) -> Tensor:
        """(B, PLANES, h, w) to (B, 5, h / 4, w / 4): logit, left, top, right, bottom."""
        x = planes
        for layer in self.layers:
            x = F.relu(layer(x))
        out: Tensor = self.head(x)
        return out


def targets(box: NDArray[np.float32], grid: tuple[int, int]) -> NDArray[np.float32]:
    """Return (6, h, w): 1 at a hand's middle, 0 elsewhere; the edges; and what counts.

    The cells around the middle are the hand, the rest of its box neither hand nor not.
    """
    height, width = grid
    out = np.zeros((6, height, width), np.float32)
    out[5] = 1.0
    if not box.any() or box[2] - box[0] < 2 or box[3] - box[1] < 2:
        return out
    x, y = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
    left, top, right, bottom = box / CELL
    inside = (x > left) & (x < right) & (y > top) & (y < bottom)
    cx, cy = (left + right) / 2, (top + bottom) / 2
    reach_x, reach_y = max(0.75, 0.22 * (right - left)), max(0.75, 0.22 * (bottom - top))
    middle = (np.abs(x - cx) < reach_x) & (np.abs(y - cy) < reach_y)
    out[0] = middle
    for i, edge in enumerate((left - x, top - y, right - x, bottom - y)):
        out[1 + i] = np.broadcast_to(edge / REACH, (height, width))
    out[5] = np.where(inside & ~middle, 0.0, 1.0)
    return out


def loss(out: Tensor, target: Tensor) -> Tensor:
    """Focal loss of the scores, and of hand cells the error of the box's edges."""
    there = target[:, 0]
    logit = out[:, 0]
    plain = F.binary_cross_entropy_with_logits(logit, there, reduction="none")
    missed = torch.where(there > 0, 1 - logit.sigmoid(), logit.sigmoid())
    score = (target[:, 5] * missed.square() * plain).sum()
    edges = F.smooth_l1_loss(out[:, 1:5], target[:, 1:5], reduction="none", beta=0.05).sum(1)
    return (score + 1.5 * (edges * there).sum()) / there.sum().clamp(min=1.0)


def _batch(
    pictures: Pictures, chosen: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    planes, wanted = [], []
    for i in chosen:
        depth, box, measured = varied(rng, pictures.depth[i], pictures.boxes[i])
        seen = input_planes(depth, measured)
        planes.append(seen)
        wanted.append(targets(box, (-(-seen.shape[0] // 4), -(-seen.shape[1] // 4))))
    stacked = torch.from_numpy(np.stack(planes)).permute(0, 3, 1, 2).contiguous()
    return stacked, torch.from_numpy(np.stack(wanted))


def train(pictures: Pictures, steps: int, seed: int, batch: int = 48) -> HandNetwork:
    """Return the network after `steps`, its weights averaged over the last ones."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = HandNetwork()
    average = torch.optim.swa_utils.AveragedModel(
        network, avg_fn=lambda kept, new, _: torch.lerp(kept, new, 0.005)
    )
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps, pct_start=0.1)
    running = 0.0
    for step in range(steps):
        planes, wanted = _batch(pictures, rng.integers(0, len(pictures), batch), rng)
        value = loss(network(planes), wanted)
        optimizer.zero_grad()
        torch.autograd.backward(value)
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
        running += 0.02 * (float(value.detach()) - running)
        if step % 200 == 199:
            print(f"step {step + 1}: loss {running:.3f}", flush=True)
    trained = average.module
    assert isinstance(trained, HandNetwork)
    return trained


def check_place(path: Path) -> None:
    """Raise OutputError, before training, where the weights could not be written."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(b"")
        part.unlink()
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}) — name a file in a folder that is there "
            "with --out"
        ) from error
    if path.is_dir():
        raise OutputError(f"{path} is a folder — name a file with --out")


def save(network: HandNetwork, path: Path) -> None:
    """Write the weights as `core/hand_net.py` reads them: half precision, (9 C, O)."""
    layers = [*network.layers, network.head]
    arrays = {}
    for i, layer in enumerate(layers):
        assert isinstance(layer, nn.Conv2d)
        weight = layer.weight.detach().permute(2, 3, 1, 0).reshape(-1, layer.out_channels)
        assert layer.bias is not None
        arrays[f"kernel{i}"] = weight.numpy().astype(np.float16)
        arrays[f"bias{i}"] = layer.bias.detach().numpy().astype(np.float16)
    keep_arrays(path, arrays)


def main(argv: Sequence[str] | None = None) -> int:
    """Rebuild the pictures, train, write the weights."""
    parser = argparse.ArgumentParser(prog="motionrgbd train finder", description=__doc__)
    parser.add_argument(
        "--data", type=Path, help="holds shrec17/ and cgd2011/ (default: $MOTIONRGBD_DATA)"
    )
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--rebuilt", type=int, default=3, help="times that every clip is rebuilt")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    check_place(given.out)
    data = data_folder(given.data)
    package = load_package(data / "shrec17", ("train",))
    people = resting_people(data / "cgd2011", _PEOPLE)
    seeds = [1000 * given.seed + n for n in range(given.rebuilt)]
    pictures = in_parallel(package, seeds, people, os.cpu_count() or 1)
    print(f"{len(pictures)} pictures", flush=True)
    save(train(pictures, given.steps, given.seed), given.out)
    print(f"wrote {given.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
