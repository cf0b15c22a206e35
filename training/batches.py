"""Batches on their way to the network: made ahead in a thread, then moved to its device."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

Batch = TypeVar("Batch")

_AHEAD = 2  # batches that are made while the network works on another


def moved(batch: Any, device: torch.device) -> Any:
    """Return a batch with its tensors on a device; anything that is no container stays."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, Mapping):
        return {key: moved(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(moved(value, device) for value in batch))
    if isinstance(batch, list | tuple):
        return type(batch)(moved(value, device) for value in batch)
    if is_dataclass(batch) and not isinstance(batch, type):
        values = {f.name: moved(getattr(batch, f.name), device) for f in fields(batch)}
        return type(batch)(**values)
    return batch


def prefetched(batches: Iterator[Batch], count: int) -> Generator[Batch]:
    """Make the next batches while the network works on this one; exactly `count` of them."""
    source = iter(batches)
    with ThreadPoolExecutor(1, "batches") as pool:
        waiting = [pool.submit(next, source) for _ in range(min(_AHEAD, count))]
        for n in range(count):
            try:
                ready = waiting.pop(0).result()
            except StopIteration:
                raise ValueError(
                    f"an epoch should have {count} batches, the task gave {n}"
                ) from None
            if n + _AHEAD < count:
                waiting.append(pool.submit(next, source))
            yield ready
