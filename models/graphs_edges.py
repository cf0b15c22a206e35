"""The per-frame graph of a released network: only what a moved window changes (`live`, `exact`).

The plain definition is `DSN.spatial` over the whole window; the tests hold this to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionrgbd.models.dsn import BLOCKS, DSN, POOL_AFTER, GuidanceGate, shrink
from motionrgbd.models.edges import GATED, BlockPlan, EdgePlan
from motionrgbd.models.units import InceptionBlock, shrinking_max_pool, spatial_max_pool

Frames = Mapping[int, Tensor]
"""Single frames (1, C, H, W) by their index in the window."""


class EdgeFrames(nn.Module):
    """One step of one modality: the newest frame in, the features that changed out.

    What earlier steps left (`kept`, `carried`) comes in and goes out as separate tensors of one
    frame each, so that a run-time can point them at its ring and copy nothing. Block inputs are
    kept as they were before guidance entered: the guidance of a frame can become zero later.
    Beside its convolutions a block passes over its frames as few times as we could make it: the
    passes are a quarter of the time.
    """

    def __init__(self, dsn: DSN, plan: EdgePlan) -> None:
        super().__init__()
        self.dsn, self.plan = dsn, plan
        self.rectified = _gate_keeps_sign(dsn)

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Every input by name, in order: the frame, then what earlier steps left."""
        size, channels = self.dsn.image_size, self.dsn.Conv3d_1a_7x7.conv3d.in_channels
        h = -(-size // 8)  # the stem halves three times, rounding up
        shapes: dict[str, tuple[int, ...]] = {
            "image": (1, channels, size, size),
            "guidance": (1, 1, size, size),
            "guidance_kept": (len(self.plan.guided), 1, h, h),
            "started": (len(BLOCKS), 1, 1, 1),
        }
        for k, name in enumerate(BLOCKS):
            block, plan = self.dsn.block(name), self.plan.blocks[k]
            shapes |= {f"kept_{k}_{i}": (1, block.inputs, h, h) for i in plan.kept}
            width = block.outputs - block.b3b.conv3d.out_channels
            shapes |= {f"carried_{k}_{i}": (1, width, h, h) for i in plan.carried}
            if name in POOL_AFTER:
                h = -(-h // 2)
        return shapes

    def output_names(self) -> tuple[str, ...]:
        """Every output, in the order of `forward`."""
        names = ["features", "guidance_small"]
        for k, plan in enumerate(self.plan.blocks):
            names += [f"settled_{k}_{i}" for i in plan.settles]
            names += [f"carries_{k}_{i}" for i in plan.carries]
        return tuple(names)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Inputs as in `input_shapes`, outputs as in `output_names`.

        started (6, 1, 1, 1): 1 for each of the six newest frames that the stream had, else 0: a
        frame before the stream's start counts as zeros in every block, which batch norm would not
        leave it.
        """
        given = dict(zip(self.input_shapes(), inputs, strict=True))
        x = self.dsn.stem(given["image"])  # (1, C, H/8, W/8)
        newest = shrink(given["guidance"], x)  # (1, 1, H/8, W/8)
        maps = dict(zip(self.plan.guided, torch.split(given["guidance_kept"], 1), strict=True))
        maps[self.plan.window - 1] = newest
        left: list[Tensor] = []
        for k, name in enumerate(BLOCKS):
            plan = self.plan.blocks[k]
            left += [x[at : at + 1] for at in _positions(plan.settles, plan.fresh)]
            kept = {i: given[f"kept_{k}_{i}"] for i in plan.kept}
            carried = {i: given[f"carried_{k}_{i}"] for i in plan.carried}
            if k > 0:
                scale = self._started(
                    plan, given["started"]
                )  # (len(plan.fresh), 1, 1 or H, 1 or W)
                if k in GATED and isinstance(self.dsn.frp_module, GuidanceGate):
                    small = {i: shrink(maps[i], x) for i in plan.frames}
                    scale = scale * self._gain(torch.cat([small[i] for i in plan.fresh]))
                    kept = {i: frame * self._gain(small[i]) for i, frame in kept.items()}
                x = x * scale
            x, carries = self._block(self.dsn.block(name), plan, x, kept, carried)
            left += carries
            if name in POOL_AFTER:
                x = shrinking_max_pool(x, POOL_AFTER[name])
        features = self.dsn.LinearMap(x.mean(dim=(2, 3)))  # (len(plan.features), D)
        return features, newest, *left

    def _block(
        self, block: InceptionBlock, plan: BlockPlan, x: Tensor, kept: Frames, carried: Frames
    ) -> tuple[Tensor, list[Tensor]]:
        """Outputs (len(plan.out), C', H', W') of an inception block, and what to carry.

        x: the fresh frames. carried: the outputs of the three convolutional paths of a frame.
        """
        frames = dict(zip(plan.fresh, torch.split(x, 1), strict=True)) | dict(kept)
        pooled = block.b3b(self._pool(plan, frames))  # (len(plan.out), C3, H, W)
        x = x if plan.heavy == plan.fresh else torch.cat([frames[i] for i in plan.heavy])
        last = pooled if not carried else _take(pooled, _positions(plan.heavy, plan.out))
        paths = block.b0(x), block.b1b(block.b1a(x)), block.b2b(block.b2a(x)), last
        y = torch.cat(paths, dim=1)  # (len(plan.heavy), C', H, W)
        width = y.shape[1] - last.shape[1]
        carries = [y[at : at + 1, :width] for at in _positions(plan.carries, plan.heavy)]
        at = plan.out.index
        others = {i: torch.cat((c, pooled[at(i) : at(i) + 1]), 1) for i, c in carried.items()}
        return _merge(plan.heavy, y, others), carries

    def _pool(self, plan: BlockPlan, frames: Frames) -> Tensor:
        """[3, 3, 3] max pool at each of plan.out: first over time, frame by frame, then space."""
        zero = torch.zeros_like(next(iter(frames.values())))  # beyond the window, and its frame
        over_time = []
        for i in plan.out:
            before, after = frames.get(i - 1, zero), frames.get(i + 1, zero)
            over_time.append(torch.maximum(torch.maximum(before, frames[i]), after))
        x = torch.cat(over_time)
        # Where nothing is negative, padding with zeros and with nothing are the same.
        return functional.max_pool2d(x, 3, 1, padding=1) if self.rectified else spatial_max_pool(x)

    def _gain(self, g: Tensor) -> Tensor:
        """What guidance multiplies a frame with (Eq. 5)."""
        return self.dsn.frp_module(torch.ones_like(g), g)  # type: ignore[no-any-return]

    def _started(self, plan: BlockPlan, started: Tensor) -> Tensor:
        """Per fresh frame 1, or 0 where it lies before the stream's start."""
        newest = [i for i in plan.fresh if i >= self.plan.window - len(BLOCKS)]
        ones = started.new_ones(len(plan.fresh) - len(newest), 1, 1, 1)
        started = started[-len(newest) :]
        return torch.cat((ones, started)) if len(ones) else started


def _gate_keeps_sign(dsn: DSN) -> bool:
    """Whether 1 + a + b + b g cannot be negative for guidance g in [0, 2]."""
    if not isinstance(dsn.frp_module, GuidanceGate):
        return True
    a, b = dsn.frp_module.rpconv1d.weight.detach().flatten().tolist()
    return bool(min(1 + a + b, 1 + a + 3 * b) >= 0)


def _positions(wanted: Sequence[int], among: Sequence[int]) -> list[int]:
    return [among.index(i) for i in wanted]


def _take(x: Tensor, positions: Sequence[int]) -> Tensor:
    """Frames by position, by slices of neighbours: run-times copy those fast."""
    runs: list[list[int]] = []
    for at in positions:
        if runs and runs[-1][-1] == at - 1:
            runs[-1].append(at)
        else:
            runs.append([at])
    slices = [x[run[0] : run[-1] + 1] for run in runs]
    return slices[0] if len(slices) == 1 else torch.cat(slices)


def _merge(indices: Sequence[int], x: Tensor, others: Frames) -> Tensor:
    """Frames x, named by `indices`, and single frames of others, all in order of time."""
    pieces: list[tuple[int, Tensor]] = list(others.items())
    start = 0
    for at in range(1, len(indices) + 1):
        # cut where another frame belongs in between
        if at == len(indices) or any(indices[at - 1] < i < indices[at] for i in others):
            pieces.append((indices[start], x[start:at]))
            start = at
    return torch.cat([piece for _, piece in sorted(pieces, key=lambda piece: piece[0])])
