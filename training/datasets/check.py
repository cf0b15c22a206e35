"""`motionrgbd data check`: is a set whole, before hours of training depend on it?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from motionrgbd.core.errors import MotionRGBDError, SourceError
from motionrgbd.models.recipe import MODALITIES
from motionrgbd.training.datasets.benchmark import Benchmark
from motionrgbd.training.datasets.reader import ListLine, read_list, read_pictures, read_records
from motionrgbd.training.datasets.records import ClipRecord

_SHOWN = 10  # problems of a split on the screen


@dataclass(slots=True)
class SplitCheck:
    """What was found of one split. lines: of its list; clips: of them those long enough to use."""

    split: str
    lines: int
    clips: int
    official: int | None
    problems: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return what the screen shows."""
        of = "" if self.official is None else f" of {self.official}"
        short = self.lines - self.clips
        left_out = f", {short} too short to use" if short else ""
        lines = [f"{self.split:<12} {self.lines}{of} clips{left_out}"]
        lines += [f"  {problem}" for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            lines.append(f"  and {len(self.problems) - _SHOWN} more")
        return "\n".join(lines)


def check(
    benchmark: Benchmark,
    root: Path,
    splits: Sequence[str] | None = None,
    show_progress: bool = False,
) -> list[SplitCheck]:
    """Check a set's lists against the official counts, and its clips' first and last pictures.

    splits: those to check, by default all; one whose list is missing is a problem.
    Raises `SourceError` for a folder that is no such set, or a damaged list.
    """
    there = splits_there(benchmark, root)
    return [
        _check_split(benchmark, root, split, show_progress)
        if split in there
        else _absent(benchmark, split)
        for split in splits or benchmark.splits
    ]


def lists_there(benchmark: Benchmark, root: Path, split: str) -> list[Path]:
    """Return a split's list files that are there, colour's first."""
    files = (benchmark.list_file(root, split, m) for m in benchmark.modalities)
    return [file for file in files if file is not None and file.is_file()]


def splits_there(benchmark: Benchmark, root: Path) -> list[str]:
    """Return the splits whose clips this copy lists. Raises `SourceError` where it lists none."""
    if benchmark.packed:
        return [split for split in benchmark.splits if _has(benchmark, root, split)]
    there = [split for split in benchmark.splits if lists_there(benchmark, root, split)]
    if not there:
        read_records(benchmark, root, next(iter(benchmark.splits)))  # says what is missing
    return there


def _has(benchmark: Benchmark, root: Path, split: str) -> bool:
    """Whether a packed set has clips of a split; its training part must be there."""
    try:
        return bool(read_records(benchmark, root, split))
    except SourceError:
        if split == next(iter(benchmark.splits)):
            raise
        return False


def _absent(benchmark: Benchmark, split: str) -> SplitCheck:
    problem = "its list is missing, or has no clips"
    return SplitCheck(split, 0, 0, benchmark.split(split).clips, [problem])


def _check_split(benchmark: Benchmark, root: Path, split: str, show_progress: bool) -> SplitCheck:
    records = read_records(benchmark, root, split)
    lines = len(records)
    problems: list[str] = []
    if not benchmark.packed:
        lists = [read_list(f, len(benchmark.labels)) for f in lists_there(benchmark, root, split)]
        lines = len(lists[0])
        problems += _disagreements(benchmark, lists)
    official = benchmark.split(split).clips
    if official is not None and lines != official:
        problems.append(f"{lines} clips, the official list has {official}")
    problems += _names_twice(records)
    empty = sorted(set(range(len(benchmark.labels))) - {r.label for r in records})
    if empty:
        names = ", ".join(benchmark.labels[i] for i in empty[:5])
        more = f" and {len(empty) - 5} more" if len(empty) > 5 else ""
        problems.append(f"{len(empty)} of {len(benchmark.labels)} classes empty: {names}{more}")
    bar = tqdm(records, desc=split, unit="clip", disable=None if show_progress else True)
    for record in bar:
        problems += _unreadable(record)
    return SplitCheck(split, lines, len(records), official, problems)


def _disagreements(benchmark: Benchmark, lists: Sequence[Sequence[ListLine]]) -> Iterator[str]:
    """Where colour's list and depth's are not of the same clips, frames and labels."""
    name = benchmark.pictures[benchmark.modalities[0]].clip
    first, *others = ({(name(x.name), x.frames, x.label) for x in lines} for lines in lists)
    for other in others:
        different = sorted(first ^ other)
        if different:
            yield f"the modalities' lists differ in {len(different)} lines, such as {different[0]}"


def _names_twice(records: Sequence[ClipRecord]) -> Iterator[str]:
    for name, count in Counter(record.name for record in records).items():
        if count > 1:
            yield f"{name} is listed {count} times"


def _unreadable(record: ClipRecord) -> Iterator[str]:
    """What is wrong with the first and last picture of each modality."""
    for modality in MODALITIES:
        if (record.color if modality == "color" else record.depth) is None:
            continue
        try:
            read_pictures(record, modality, [0, record.frames - 1])
        except MotionRGBDError as problem:
            yield str(problem)
