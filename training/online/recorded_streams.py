"""Streams of two public sets: NvGesture's untrimmed recordings and ChaLearn 2011."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.video import VideoSource
from motionrgbd.training.datasets.nvgesture import NVGESTURE
from motionrgbd.training.online.sources import SourceRequest
from motionrgbd.training.online.streams import OnlineStream

MOTION, SHARED = "NvGesture, motion (any answer)", "NvGesture, shared classes"
COUNTED = "cgd2011, order only, any answer"

ANY: frozenset[str] = frozenset()

# NvGesture's classes (Molchanov et al., CVPR 2016, section 4: the hand or two fingers moved left,
# right, up and down; the index finger clicking; the hand opened, shaken; two fingers rotated both
# ways) that are gestures of SHREC'17 too. Directions and senses are the picture's in both: seen
# in the recordings of classes 1 to 8, 20 and 21. Left out as unsure: Grab closes the hand twice,
# lifting and pressing turn the palm up and down, pushing and pulling go along the view.
SHARED_CLASSES = {
    "Hand Right": "Swipe Right",
    "Hand Left": "Swipe Left",
    "Hand Up": "Swipe Up",
    "Hand Down": "Swipe Down",
    "Two Fingers Right": "Swipe Right",
    "Two Fingers Left": "Swipe Left",
    "Two Fingers Up": "Swipe Up",
    "Two Fingers Down": "Swipe Down",
    "Click": "Tap",
    "Open Hand": "Expand",
    "Shake Hand": "Shake",
    "Rotate Left": "Rotation CCW",
    "Rotate Right": "Rotation CW",
}


def nvgesture_streams(request: SourceRequest) -> list[OnlineStream]:
    """Return each recording with its official window of 80 frames, for motion against none.

    Recordings of `SHARED_CLASSES` come a second time, in a group where the class must be right.
    Real idle is what lies outside the windows of the first group. Raises SourceError where the
    recordings are not there.
    """
    streams, shared = [], []
    for row in _rows(request.root, "nvgesture_untrimmed", request.limit):
        label = NVGESTURE.labels[int(row["label_1_25"]) - 1]
        stream = _nvgesture(row, label)
        streams.append(stream)
        if label in SHARED_CLASSES:
            right = {label: frozenset((SHARED_CLASSES[label],))}
            name = f"{stream.name}, by class"
            shared.append(dataclasses.replace(stream, name=name, group=SHARED, accepted=right))
    return streams + shared


def _nvgesture(row: dict[str, str], label: str) -> OnlineStream:
    color, depth = Path(row["color_registered_file"]), Path(row["depth_file"])
    info = open_videos(color, depth, "brighter").info
    first_s, last_s = (int(row[name]) / info.fps_hz for name in ("depth_start", "depth_end"))
    return OnlineStream(
        name=f"nvgesture {row['clip']}",
        group=MOTION,
        open=partial(open_videos, color, depth, "brighter"),
        made_of=f"brighter {_digest(color)} {_digest(depth)}",
        duration_s=info.duration_s or 0.0,
        gestures=(ScriptedGesture(label, first_s, last_s),),
        accepted={label: ANY},
    )


def cgd2011_streams(request: SourceRequest) -> list[OnlineStream]:
    """Return the test videos of the batch with the order of their gestures, which have no times.

    Its eleven classes are no model's here: any answer is right, so that only the count is
    measured. Each gesture is given its share of the video, so that no idle time is claimed.
    """
    rows = _rows(request.root, "cgd2011", None)
    return [_cgd2011(row) for row in rows if row["part"] == "test"][: request.limit]


def _cgd2011(row: dict[str, str]) -> OnlineStream:
    color, depth = Path(row["color_file"]), Path(row["depth_file"])
    duration_s = open_videos(color, depth, "darker").info.duration_s or 0.0
    labels = [f"{row['batch']} {number}" for number in row["labels"].split()]
    share_s = duration_s / len(labels)
    return OnlineStream(
        name=f"cgd2011 {row['batch']} {row['video']}",
        group=COUNTED,
        open=partial(open_videos, color, depth, "darker"),
        made_of=f"darker {_digest(color)} {_digest(depth)}",
        duration_s=duration_s,
        gestures=tuple(
            ScriptedGesture(label, n * share_s, (n + 1) * share_s) for n, label in enumerate(labels)
        ),
        timed=False,
        accepted=dict.fromkeys(labels, ANY),
    )


def open_videos(color: Path, depth: Path, direction: str) -> VideoSource:
    """Begin a pair of videos."""
    return VideoSource(color, depth, SourceOptions(depth_direction=direction))


def _rows(root: Path | None, name: str, limit: int | None) -> Iterator[dict[str, str]]:
    """Yield the lines of a set's table, its files as paths."""
    assert root is not None, "the sources table gives stored sources their folder"
    table = root / name / "clips.csv"
    if not table.is_file():
        raise SourceError(
            f"{table} is not there — name the folder that holds {name} with --root, or set "
            "MOTIONRGBD_DATA"
        )
    with table.open(encoding="utf-8", newline="") as file:
        for n, row in enumerate(csv.DictReader(file)):
            if limit is not None and n >= limit:
                return
            files = {k: str(table.parent / v) for k, v in row.items() if k.endswith("_file")}
            yield {**row, **files}


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()[:20]
    except OSError as problem:
        raise SourceError(f"{file} cannot be read ({problem.strerror})") from None
