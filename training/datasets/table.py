"""The benchmarks there are, and where their files lie."""

from __future__ import annotations

import os
from pathlib import Path

from motionrgbd.core.errors import UsageError
from motionrgbd.training.datasets.benchmark import Benchmark
from motionrgbd.training.datasets.isogd import ISOGD
from motionrgbd.training.datasets.jester import JESTER
from motionrgbd.training.datasets.ntu import NTU, NTU120
from motionrgbd.training.datasets.nvgesture import NVGESTURE
from motionrgbd.training.datasets.shrec17 import SHREC17, SHREC17_28
from motionrgbd.training.datasets.thuread import THU_READ

DATA_VARIABLE = "MOTIONRGBD_DATA"

BENCHMARKS: dict[str, Benchmark] = {
    benchmark.key: benchmark
    for benchmark in (NVGESTURE, ISOGD, THU_READ, NTU, NTU120, JESTER, SHREC17, SHREC17_28)
}


def find_benchmark(name: str) -> Benchmark:
    """Return a benchmark by its key or by the paper's spelling, whatever the case.

    Raises `UsageError` that lists the ones there are.
    """
    for benchmark in BENCHMARKS.values():
        if name.lower() in (benchmark.key, benchmark.name.lower()):
            return benchmark
    raise UsageError(f"there is no data set '{name}': one of {', '.join(BENCHMARKS)}")


def set_folder(benchmark: Benchmark, given: Path | None = None, option: str = "--root") -> Path:
    """Return the folder of a set: the given one, else the one of its key in $MOTIONRGBD_DATA.

    option: what the user may say instead. Raises `UsageError` where neither is set.
    """
    if given is not None:
        return given.expanduser()
    name = benchmark.key.removesuffix("-28")  # the same files with other labels
    place = _place()
    if place is None:
        raise UsageError(
            f"where is {benchmark.name}? Set {DATA_VARIABLE} to the folder that holds '{name}', "
            f"or say {option}"
        )
    return place / name


def data_folder(given: Path | None = None, option: str = "--data") -> Path:
    """Return the folder that holds all sets: the given one, else $MOTIONRGBD_DATA.

    option: what the user may say instead. Raises `UsageError` where neither is set, or where there
    is no such folder.
    """
    folder = _place() if given is None else given.expanduser()
    if folder is None:
        raise UsageError(
            f"where are the data sets? Set {DATA_VARIABLE} to the folder that holds them, or say "
            f"{option}"
        )
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder — name the one of the data sets with {option}")
    return folder


def _place() -> Path | None:
    place = os.environ.get(DATA_VARIABLE)
    return Path(place).expanduser() if place else None
