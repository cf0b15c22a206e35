"""The sets that `motionrgbd evaluate --set NAME` knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from motionrgbd.core.errors import UsageError
from motionrgbd.training.datasets.benchmark import Benchmark
from motionrgbd.training.datasets.shrec17 import SHREC17
from motionrgbd.training.datasets.table import BENCHMARKS, set_folder
from motionrgbd.training.evaluation.benchmark_clips import RELEASED, read_benchmark
from motionrgbd.training.evaluation.clips import EvaluationSet, SetRequest
from motionrgbd.training.evaluation.own_clips import read_recordings
from motionrgbd.training.evaluation.shrec_clips import OPTIONS, read_shrec17
from motionrgbd.training.evaluation.synthetic_clips import read_synthetic


@dataclass(frozen=True, slots=True)
class KnownSet:
    """read: returns the clips of a request. split: taken where none is named.

    options: further choices by name, each with its values, the first of which is taken where
    nothing is said; a name without values takes any text and has no default.
    benchmark: the released networks' name of the set, "" where they were not trained on it.
    stored: of the set's folder in $MOTIONRGBD_DATA; None where `read` itself knows, or where the
    folder must be named.
    """

    read: Callable[[SetRequest], EvaluationSet]
    split: str = "test"
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    benchmark: str = ""
    stored: Benchmark | None = None

    def root(self, given: Path | None) -> Path | None:
        """Return the set's folder, where it is known. Raises UsageError where it must be said."""
        return given if self.stored is None else set_folder(self.stored, given)

    def chosen(self, name: str, given: Mapping[str, str]) -> dict[str, str]:
        """Return the options to use. Raises UsageError for one that the set does not have."""
        for option, value in given.items():
            if option not in self.options:
                raise UsageError(f"--{option} is no option of the set {name}; leave it out")
            if self.options[option] and value not in self.options[option]:
                raise UsageError(
                    f"--{option} of {name} is one of {', '.join(self.options[option])}, "
                    f"got {value!r}"
                )
        defaults = {option: values[0] for option, values in self.options.items() if values}
        return {**defaults, **given}


def _of_benchmark(benchmark: Benchmark) -> KnownSet:
    held_out = [name for name in benchmark.splits if name.endswith(("test", "valid"))]
    return KnownSet(
        partial(read_benchmark, benchmark),
        # IsoGD has both, and its figures are of `test`
        split="test" if "test" in held_out else held_out[0],
        benchmark=benchmark.name if benchmark.name in RELEASED else "",
    )


# One line makes a set known to the command line.
SETS: dict[str, KnownSet] = {
    "recordings": KnownSet(read_recordings, split="all", options={"depth-direction": ()}),
    "shrec17": KnownSet(read_shrec17, options=OPTIONS, stored=SHREC17),
    "synthetic": KnownSet(read_synthetic, options={"gestures-per-class": ()}),
    **{key: _of_benchmark(b) for key, b in BENCHMARKS.items() if not b.packed},
}


def known_set(name: str) -> KnownSet:
    """Return a set by its name. Raises UsageError that lists the known ones."""
    key = name.lower().replace("-", "") if name not in SETS else name
    if key not in SETS:
        raise UsageError(f"there is no set {name!r}: one of {', '.join(sorted(SETS))}")
    return SETS[key]
