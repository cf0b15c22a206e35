"""Files that are there whole, or not at all, whenever the program is stopped."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; what is written there replaces it when all is well.

    Processes that write the same at once do not disturb each other: the last one's stays.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def keep_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], *, small: bool = False) -> None:
    """Keep what took long to make for the next run, as an `.npz`; small: compressed."""
    save = np.savez_compressed if small else np.savez
    with replacing(path) as part, part.open("wb") as file:
        save(file, **arrays)  # type: ignore[arg-type]


def kept_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return what `keep_arrays` kept."""
    with np.load(path) as saved:
        return {name: saved[name] for name in saved.files}
