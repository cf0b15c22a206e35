"""Which frames a released network must compute again when its window moves by one frame.

The six blocks of a released DSN pool over the frames t-1, t, t+1, with zeros beyond the window, so
a new frame changes one frame more per block before it. In `exact` mode the window's start matters
too: the frame that leaves was a neighbour, and one more frame gets a zero guidance map. Every
other frame keeps its value. These sets depend on sizes only; the graph (`graphs_edges.py`) and its
runner (`core/runner_edges.py`) are both built from them. Torch-free.

Frames are named by their index in the window, 0 the oldest, T-1 the newest.
"""

from __future__ import annotations

from dataclasses import dataclass

BLOCKS = 6
GATED = (1, 3, 5)  # blocks whose input carries guidance: it enters after blocks 0, 2 and 4
LIVE_SPAN = 12  # frames that a live plan spans: it reaches back 9, the rest is reserve

Indices = tuple[int, ...]


@dataclass(frozen=True)
class BlockPlan:
    """What one block takes and gives when the window has moved.

    fresh: inputs that arrive computed anew from the block before. kept: inputs whose values from
    before still hold. heavy: frames whose convolutions are computed. carried: frames whose
    convolutions were computed one step ago, at index + 1. out: frames that the block gives anew.
    settles: of the fresh inputs, those that later steps need as kept.
    """

    fresh: Indices
    kept: Indices
    heavy: Indices
    carried: Indices
    out: Indices
    settles: Indices

    @property
    def frames(self) -> Indices:
        """All inputs, in order of time."""
        return tuple(sorted((*self.fresh, *self.kept)))

    @property
    def carries(self) -> Indices:
        """Frames whose convolutions the next step takes as `carried`."""
        return tuple(i + 1 for i in self.carried)


@dataclass(frozen=True)
class EdgePlan:
    """The sets of all blocks. left: whether the window's start is recomputed (exact mode)."""

    window: int
    left: bool
    blocks: tuple[BlockPlan, ...]

    @property
    def guided(self) -> Indices:
        """Frames before the newest whose guidance is needed again."""
        frames = {i for k in GATED for i in self.blocks[k].frames}
        return tuple(sorted(frames - {self.window - 1}))

    @property
    def features(self) -> Indices:
        """Frames whose features are given anew."""
        return self.blocks[-1].out


def live_plan() -> EdgePlan:
    """Return the plan of `live` mode: only the newest frames change, the past stays true."""
    return _plan(LIVE_SPAN, left=False, crossing=None)


def exact_plan(window: int, guidance_window: int | None) -> EdgePlan:
    """Return the plan of `exact` mode; guidance_window is w, None for an unguided network.

    Raises ValueError where the window is so short that both edges would meet.
    """
    crossing = None if guidance_window is None else guidance_window - 2
    shortest = max(crossing or 0, 0) + BLOCKS + 8
    if window < shortest:
        raise ValueError(
            f"exact mode needs a window of at least {shortest} frames for guidance over "
            f"{guidance_window}, got {window}: use live mode"
        )
    return _plan(window, left=True, crossing=crossing)


def _plan(window: int, *, left: bool, crossing: int | None) -> EdgePlan:
    """crossing: the frame whose guidance map has just become zero."""
    fresh = {window - 1}
    blocks = []
    for k in range(BLOCKS):
        changed = fresh | ({crossing} if crossing is not None and k in GATED else set())
        out = {j for i in changed for j in (i - 1, i, i + 1) if 0 <= j < window}
        out |= {0} if left else set()
        heavy = set(changed)
        for i in sorted(out - changed, reverse=True):
            if i + 1 not in heavy:
                heavy.add(i)
        seen = {j for i in out for j in (i - 1, i, i + 1) if 0 <= j < window}
        blocks.append(
            BlockPlan(
                fresh=tuple(sorted(fresh)),
                kept=tuple(sorted(seen - fresh)),
                heavy=tuple(sorted(heavy)),
                carried=tuple(sorted(out - heavy)),
                out=tuple(sorted(out)),
                settles=tuple(sorted(i for i in fresh if i > 0 and i - 1 not in fresh)),
            )
        )
        fresh = out
    return EdgePlan(window, left, tuple(blocks))
