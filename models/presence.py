"""Rows of a batch that lack a modality: what is absent gives zeros, and no batch statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from torch import Tensor, nn

Output = TypeVar("Output", Tensor, tuple[Tensor, ...])


def at_rows(
    rows: Tensor | None, module: nn.Module, part: Callable[..., Output], *inputs: Tensor
) -> Output:
    """Return part(*inputs), with zeros in the rows (B,) that are 0; None stands for all ones.

    module: what `part` computes with. In training it sees only the rows that are there, so that
    no statistics are taken over what is not; fewer than two have none, running ones stand in.
    """
    if rows is None:
        return part(*inputs)
    if not module.training:
        return _each(part(*inputs), lambda x: x * _like(rows, x))
    chosen = rows > 0
    count = int(chosen.sum())
    if count == len(rows):
        return part(*inputs)
    if count < 2:
        with _evaluating(module):
            return _each(part(*inputs), lambda x: x * _like(rows, x))

    def spread(x: Tensor) -> Tensor:
        whole = x.new_zeros(len(rows), *x.shape[1:])
        whole[chosen] = x
        return whole

    return _each(part(*(x[chosen] for x in inputs)), spread)


def mean_of(rows: Tensor, values: Tensor) -> Tensor:
    """Return the mean of `values` (B,) over the rows (B,) that are 1; 0 where there is none."""
    return (values * rows).sum() / rows.sum().clamp(min=1.0)


def _like(rows: Tensor, x: Tensor) -> Tensor:
    """Rows (B,) as (B, 1, ...), to be multiplied with x (B, ...)."""
    return rows.to(x.dtype).reshape(-1, *(1,) * (x.ndim - 1))


def _each(output: Output, change: Callable[[Tensor], Tensor]) -> Output:
    if isinstance(output, Tensor):
        return change(output)
    parts = (change(x) for x in output)
    make = getattr(output, "_make", tuple)  # a named tuple stays one
    return make(parts)


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
