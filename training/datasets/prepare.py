"""`motionrgbd data prepare`: from what the owners hand out to the layout that the reader takes.

Every clip is written under a temporary name and renamed when it is whole, so a run that was
interrupted, in whatever way, goes on where it stopped.
"""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import wait
from pathlib import Path

import cv2
from tqdm import tqdm

from motionrgbd.core.errors import OutputError, SourceError, UsageError
from motionrgbd.training.datasets.benchmark import LISTS_FOLDER, Benchmark
from motionrgbd.training.datasets.clip_files import BrokenClipError
from motionrgbd.training.datasets.download import (
    Download,
    FreeBytes,
    check_space,
    disk_free,
    make_folder,
    open_download,
)
from motionrgbd.training.datasets.pack_shrec17 import plan_shrec17
from motionrgbd.training.datasets.plan import Job, Plan, PlannedClip, Planner
from motionrgbd.training.datasets.plans import PLANNERS, use_lists
from motionrgbd.training.whole_files import replacing

REPORT_FILE = "prepare_report.json"
SCRATCH_FOLDER = ".unpacked"  # of tar archives, in the destination
_SHOWN = 5  # of each kind of problem on the screen; the report's file has them all

# What one folder takes on average, in bytes: measured, or reckoned from pictures of that size.
_FOLDER_BYTES = {
    "nvgesture": 1_150_000,  # 80 pictures of 320x240: 1.9 MB in colour, 0.3 MB in depth
    "isogd": 650_000,  # 38 pictures of 320x240
    "thuread": 3_000_000,  # 160 pictures
    "ntu": 1_400_000,  # 76 pictures of 320x240, or masked depth
    "ntu120": 1_400_000,
    "jester": 190_000,  # 36 pictures of 176x100
    "shrec17": 85_000,
}


@dataclass(slots=True)
class Report:
    """How a preparation ended. clips: of each split, those listed and those of the official list.

    made, kept: folders made now, and found finished. missing: what the download lacks.
    broken: why a clip cannot be made. notes: what else the user should know.
    """

    benchmark: str
    made: int = 0
    kept: int = 0
    clips: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every clip of the official lists is there and whole."""
        short = any(n != official for n, official in self.clips.values() if official is not None)
        return bool(self.clips) and not (short or self.missing or self.broken)

    def text(self) -> str:
        """Return what the screen shows."""
        lines = [f"{self.benchmark}: {self.made} folders made, {self.kept} were there already"]
        for split, (listed, official) in self.clips.items():
            of = "" if official is None else f" of {official}"
            lines.append(f"  {split:<12} {listed}{of} clips")
        broken = [f"{target}: {why}" for target, why in self.broken.items()]
        for title, items in (("missing", self.missing), ("broken", broken)):
            lines += [f"  {title}: {item}" for item in items[:_SHOWN]]
            if len(items) > _SHOWN:
                lines.append(f"  and {len(items) - _SHOWN} more {title}: see {REPORT_FILE}")
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def prepare(
    benchmark: Benchmark,
    source: Path,
    destination: Path,
    *,
    lists: Path | None = None,
    workers: int = 1,
    free_bytes: FreeBytes = disk_free,
    show_progress: bool = False,
) -> Report:
    """Make the set in `destination` out of the download in `source`; return how it went.

    lists: a folder of lists that replace those made of the download. workers: processes; 1 works
    in this one. Raises `SourceError` where the download is not this set, `UsageError` where the
    destination lies in it, `OutputError` where the disk is too small or full: what was made is
    kept.
    """
    if destination.resolve().is_relative_to(source.resolve()):
        raise UsageError(
            f"{destination} lies in the download; name a folder outside {source} with --to"
        )
    scratch = destination / SCRATCH_FOLDER
    download = open_download(source, scratch, free_bytes)
    plan = _planner(benchmark)(download)
    if not plan.jobs:
        raise SourceError(_nothing_found(benchmark, source, download))
    make_folder(destination)
    if lists is not None:
        use_lists(benchmark, plan, lists)
    report = Report(benchmark.name, missing=plan.missing, notes=plan.notes)
    todo = _todo(plan, destination)
    report.kept = len(plan.jobs) - len(todo)
    check_space(destination, _FOLDER_BYTES[_kind(benchmark)] * len(todo), free_bytes)
    for job, why in _run(todo, destination, workers, show_progress):
        if why is None:
            report.made += 1
        else:
            report.broken[job.target] = why
    _finish(benchmark, plan, destination, report)
    shutil.rmtree(scratch, ignore_errors=True)
    return report


def make_clip(job: Job, destination: Path) -> str | None:
    """Make one folder; return why it cannot be made, or None. Runs in a worker process."""
    target = destination / job.target
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        job.maker(job.members, part)
        part.rename(target)
    except BrokenClipError as problem:
        return str(problem)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return None


def _planner(benchmark: Benchmark) -> Planner:
    return plan_shrec17 if benchmark.packed else PLANNERS[benchmark.key]


def _kind(benchmark: Benchmark) -> str:
    return "shrec17" if benchmark.packed else benchmark.key


def _todo(plan: Plan, destination: Path) -> list[Job]:
    if plan.finisher is not None and plan.finisher.is_whole(destination):
        return []
    return [job for job in plan.jobs.values() if not (destination / job.target).is_dir()]


def _run(
    jobs: Sequence[Job], destination: Path, workers: int, show_progress: bool
) -> Iterator[tuple[Job, str | None]]:
    """Yield each job with what became of it, as they end."""
    # tqdm's None: a bar on a terminal, nothing in a file
    bar = tqdm(total=len(jobs), unit="clip", disable=None if show_progress else True)
    with bar:
        try:
            done = (
                ((job, make_clip(job, destination)) for job in jobs)
                if workers <= 1
                else _run_parallel(jobs, destination, workers)
            )
            for job, why in done:
                bar.update()
                yield job, why
        except OSError as problem:
            if problem.errno == errno.ENOSPC:
                raise OutputError(
                    f"{destination}: the disk is full; free some space and run the command again, "
                    "it goes on where it stopped"
                ) from None
            raise


def _run_parallel(
    jobs: Sequence[Job], destination: Path, workers: int
) -> Iterator[tuple[Job, str | None]]:
    # spawn: a fork of a process with threads (a progress bar, OpenCV) can hang
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    try:
        futures = {pool.submit(make_clip, job, destination): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """One core each; Ctrl-C is the parent's to answer, and without it there is nothing to do."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def leave_with_parent() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=leave_with_parent, daemon=True).start()


def _finish(benchmark: Benchmark, plan: Plan, destination: Path, report: Report) -> None:
    """Write lists, or pack; then the report."""
    if plan.finisher is not None:
        if not plan.finisher.is_whole(destination):
            plan.finisher.finish(destination, complete=not (report.broken or report.missing))
        from motionrgbd.training.datasets.reader import read_records

        for split, facts in benchmark.splits.items():
            try:
                listed = len(read_records(benchmark, destination, split))
            except SourceError:  # no clip of this split is in the download
                listed = 0
            report.clips[split] = (listed, facts.clips)
    else:
        _write_lists(benchmark, plan, destination, report)
    with replacing(destination / REPORT_FILE) as part:
        text = json.dumps(asdict(report) | {"complete": report.complete}, indent=1)
        part.write_text(text + "\n", encoding="utf-8")


def _write_lists(benchmark: Benchmark, plan: Plan, destination: Path, report: Report) -> None:
    counts = {target: _count(destination / target) for target in plan.jobs}
    missing: dict[str, None] = {}  # a set in order: splits name the same clips
    for split, facts in benchmark.splits.items():
        clips = plan.lists.get(split, [])
        lines = defaultdict(list)
        for clip in clips:
            frames = _frames(clip, counts, report, missing)
            if frames is None:
                continue
            for modality in facts.lists:
                name = benchmark.pictures[modality].clip(clip.name)
                lines[modality].append(f"{name} {frames} {clip.label}\n")
        report.clips[split] = (max(map(len, lines.values()), default=0), facts.clips)
        for modality, text in lines.items():
            with replacing(destination / LISTS_FOLDER / facts.lists[modality]) as part:
                part.write_text("".join(text), encoding="utf-8")
    report.missing += missing


def _frames(
    clip: PlannedClip, counts: dict[str, int], report: Report, missing: dict[str, None]
) -> int | None:
    """How many frames every modality of a clip has; None where one is missing or broken."""
    absent = [target for target in clip.targets if not counts.get(target)]
    missing.update((target, None) for target in absent if target not in report.broken)
    if absent or not clip.targets:
        return None
    frames = min(counts[target] for target in clip.targets)
    if clip.frames is None:
        return frames
    if frames < clip.frames:
        note = f"{clip.name} has {frames} frames, the given list says {clip.frames}"
        if note not in report.notes:
            report.notes.append(note)
    return min(frames, clip.frames)


def _count(folder: Path) -> int:
    try:
        return len(os.listdir(folder))
    except OSError:
        return 0


def _nothing_found(benchmark: Benchmark, source: Path, download: Download) -> str:
    if download.unreadable:
        return f"{download.unreadable[0]} cannot be read here: unpack it with 7-Zip first"
    return f"{source} is no download of {benchmark.name}; expected: {benchmark.download}"
