"""The training of fine-tuning: new gestures beside what the network must go on saying.

The heads and the last block of every transformer learn; the per-frame part stays as it is. Half of
a batch are windows of new gestures; of the other half, in equal parts old gestures and the rest,
the network is held to the answers that it gave before (Z. Li and D. Hoiem, "Learning without
Forgetting", 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from motionrgbd.core.errors import SourceError
from motionrgbd.models.checkpoint import Checkpoint
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.training.export import streaming_network
from motionrgbd.training.teach.widening import widened
from motionrgbd.training.teach.windows import Example, Window, head_scores

STEPS = 160
_HALF_BATCH = 16
_HEAD_RATE, _BLOCK_RATE = 3e-3, 2e-4
_SEED = 1


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """How a checkpoint learns.

    before: its network. new: names of classes. gestures, rest: windows that it is held to, of old
    classes and of all else.
    """

    checkpoint: Checkpoint
    before: StreamingNetwork
    new: tuple[str, ...]
    steps: int = STEPS

    def tuned(
        self, examples: Sequence[Example], gestures: Sequence[Window], rest: Sequence[Window]
    ) -> StreamingNetwork:
        """Return a network that learned the examples, in evaluation mode.

        gestures, rest: windows that it is held to its old answers on. Raises SourceError where no
        window shows an example.
        """
        shown = [(w, self.new.index(e.span.label)) for e in examples for w in e.windows()]
        if not shown:
            raise SourceError("no example lasts long enough for a window to end in it")
        network = streaming_network(widened(self.checkpoint, self.new))  # dropout stays off
        heads, blocks = self._learning(network)
        optimiser = torch.optim.AdamW(
            [{"params": heads, "lr": _HEAD_RATE}, {"params": blocks, "lr": _BLOCK_RATE}],
            weight_decay=0.0,  # what no batch touches stays
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(1, self.steps))
        rng = np.random.default_rng(_SEED)
        sides = [side for side in (gestures, rest) if side]
        for _ in range(self.steps):
            drawn = [shown[i] for i in rng.integers(0, len(shown), _HALF_BATCH)]
            again = [
                side[i]
                for side in sides
                for i in rng.integers(0, len(side), _HALF_BATCH // len(sides))
            ]
            loss = self._loss(network, drawn, again)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        return network.requires_grad_(False)

    def _loss(
        self,
        network: StreamingNetwork,
        drawn: Sequence[tuple[Window, int]],
        again: Sequence[Window],
    ) -> Tensor:
        """Sum the cross entropy of all heads that have something to say."""
        K, N = len(self.checkpoint.labels), len(self.new)
        wanted = functional.one_hot(torch.tensor([K + n for _, n in drawn]), K + N).float()
        with torch.no_grad():
            answers = head_scores(self.before, again)
        loss = torch.zeros(())
        scores = head_scores(network, [*(w for w, _ in drawn), *again])
        for mine, its in zip(scores, answers, strict=True):
            kept = functional.pad(its.softmax(dim=1), (0, N))
            rows = torch.isfinite(mine).all(dim=1)
            if rows.any():
                target = torch.cat([wanted, kept])  # (2 * half, K + N)
                loss = loss + functional.cross_entropy(mine[rows], target[rows])
        return loss

    def _learning(self, network: StreamingNetwork) -> tuple[list[Tensor], list[Tensor]]:
        """Return the heads' parameters and those of the last blocks; all others stay."""
        last = f"multi_scale_transformers.{self.checkpoint.config.blocks - 1}."
        heads: list[Tensor] = []
        blocks: list[Tensor] = []
        for name, x in network.named_parameters():
            if x.shape != self.checkpoint.state[name].shape:
                heads.append(x)
            elif last in name:
                blocks.append(x)
            else:
                x.requires_grad_(False)
        return heads, blocks
