"""Own recordings: whatever the application replays, with a table of gestures beside each."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.sources.open import open_source
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.source import SeekableSource
from motionrgbd.models.recipe import Modality
from motionrgbd.training.datasets.own import LabelledClip, read_clips
from motionrgbd.training.evaluation.clips import EvaluationClip, EvaluationSet, SetRequest

SUFFIX = ".labels.csv"


def read_recordings(request: SetRequest) -> EvaluationSet:
    """Return every labelled span of the recordings in a folder.

    `NAME.labels.csv` (`start_s,end_s,label`) belongs to the recording NAME beside it: a folder of
    pictures, a .bag or .db3 file, a video. Classes are the names in the tables, sorted. Every
    recording is read once here, so that a mistake in the last one shows before hours of scoring.
    Raises SourceError that names the file and the line.
    """
    root = request.folder("the recordings")
    tables = sorted(root.glob(f"*{SUFFIX}"))
    if not tables:
        raise SourceError(
            f"{root} holds no table of labels — put NAME{SUFFIX} beside the recording NAME, with "
            "the columns start_s,end_s,label"
        )
    # librealsense's player may lose a frame of a recording; the same must come every time
    options = SourceOptions(
        depth_direction=request.options.get("depth-direction"), prefer_sdk=False
    )
    classes = tuple(sorted({name for table in tables for name in _labels(table)}))
    clips = [clip for table in tables for clip in _clips(table, classes, options)]
    return EvaluationSet(
        name=root.resolve().name,
        split=request.split,
        classes=classes,
        clips=tuple(clips),
        notes=(f"{len(tables)} own recordings, cut to their labelled spans",),
    )


def _labels(table: Path) -> set[str]:
    """The names in a table; what else is wrong with it, `read_labels` says."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            return {(row.get("label") or "").strip() for row in csv.DictReader(stream)}
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise SourceError(f"{table} cannot be read ({problem})") from None


def _clips(table: Path, classes: Sequence[str], options: SourceOptions) -> Iterator[EvaluationClip]:
    recording = table.with_name(table.name.removesuffix(SUFFIX))
    source = open_source(recording, options=options)
    info = source.info
    source.close()
    for labelled in read_clips(recording, table, classes, options=options):
        yield _clip(recording, info, labelled, options)


def _clip(
    recording: Path, info: SourceInfo, labelled: LabelledClip, options: SourceOptions
) -> EvaluationClip:
    span, count = labelled.span, len(labelled.frames)
    first_s = labelled.frames[0].timestamp_s

    def frames(_modalities: Sequence[Modality]) -> Iterator[RGBDFrame]:
        source = open_source(recording, options=options)
        try:
            if isinstance(source, SeekableSource):
                source.seek(first_s)
            left = count
            while left and (frame := source.read()) is not None:
                if frame.timestamp_s >= first_s - 1e-6:
                    left -= 1
                    yield frame
        finally:
            source.close()

    return EvaluationClip(
        name=f"{recording.name}, {span.start_s:g} to {span.end_s:g} s",
        label=span.label,
        info=dataclasses.replace(
            info, frame_count=count, duration_s=count / info.fps_hz, script=()
        ),
        frames=frames,
    )
