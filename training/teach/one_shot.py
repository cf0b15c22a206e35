"""One-shot benchmark: ChaLearn gesture data 2011, batch devel59 (`motionrgbd bench teach`).

Eleven gestures, each learned from one video; 36 streams of one to five of them in a row. The score
is Levenshtein distance over the number of true gestures, with a bootstrap interval over streams.

Rows: the whole stream aligned with the examples (`alignment`), on features of the hand's crop
(`HandFeatures`); the model taught by `core.teaching` and run as the application does, decisions
included, without seeing what comes; the whole stream on motion, a grid of frame differences; and
the same grid in plain dynamic time warping (`plain_alignment`).

Chosen beforehand, on streams composed of altered copies of the eleven videos (`--composed`) and
SHREC'17's subjects 19 and 20, nothing on the 36: the features, all of equal weight; what costs a
step, a skip and a gesture's beginning (`alignment`); rest: the first and last frames of all
examples and of the stream itself, where people stand still; a gesture's span in its example: what
is farther from rest than half of the farthest.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.errors import MotionRGBDError, SourceError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.labels import NamedSpan
from motionrgbd.core.preprocess import make_preparer
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.source import Source
from motionrgbd.core.sources.video import VideoSource
from motionrgbd.core.teaching import teach
from motionrgbd.core.teaching_examples import Alteration, LabelledRecording
from motionrgbd.models.bundle import Bundle
from motionrgbd.training.teach.alignment import decode, distances, edit_distance
from motionrgbd.training.teach.plain_alignment import connected

Floats = NDArray[np.float64]

HEADER = ("learned from one example each", "distance / gestures", "95 % interval", "gestures found")
_GRID = (12, 9)  # cells of the motion features
_CELLS, _DIRECTIONS = 6, 8  # of the gradients of a crop
_REST_FRAMES = 3
_COMPOSED = 24
_SEED = 1


@dataclass(frozen=True, slots=True, eq=False)
class Video:
    """A video of the batch. labels: its gestures in order."""

    name: str
    labels: tuple[str, ...]
    open: Callable[[], Source]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A video in numbers, grid step by grid step. parts: by name, float64 (n, F)."""

    video: Video
    times_s: Floats
    parts: dict[str, Floats]


def read_batch(folder: Path, part: str) -> list[Video]:
    """Return the videos of a part, `train` or `test`. Raises SourceError where it is missing."""
    table = folder / "clips.csv"
    if not table.is_file():
        raise SourceError(f"{table}: no such file - name the folder that holds cgd2011 with --root")
    options = SourceOptions(depth_direction="darker")
    with table.open(newline="") as rows:
        return [
            Video(
                f"{row['batch']} {row['video']}",
                tuple(f"gesture {label}" for label in row["labels"].split()),
                partial(
                    VideoSource, folder / row["color_file"], folder / row["depth_file"], options
                ),
            )
            for row in csv.DictReader(rows)
            if row["part"] == part
        ]


class HandFeatures:
    """What is compared of a frame: the network's features of it and the gradients of its crop."""

    def __init__(self, bundle: Bundle, recogniser: Recogniser) -> None:
        self._bundle, self._recogniser = bundle, recogniser

    def hear(self, video: Video) -> Heard:
        """Run the model over a video."""
        source = video.open()
        self._recogniser.open(source.info)
        preparer = make_preparer(self._bundle.recipe, source.info.intrinsics, source.info.eight_bit)
        rows: list[dict[str, Floats]] = []
        times: list[float] = []
        before: RGBDFrame | None = None
        try:
            while (frame := source.read()) is not None:
                for step in self._recogniser.push(frame):
                    prepared = preparer.prepare(step.frame)
                    assert prepared.color is not None
                    assert prepared.depth is not None
                    row = {m: x.astype(np.float64) for m, x in step.features.items() if m != "path"}
                    grey = cv2.cvtColor(prepared.color, cv2.COLOR_RGB2GRAY)
                    row["color gradients"] = gradients(np.asarray(grey, np.float32))
                    row["depth gradients"] = gradients(prepared.depth.astype(np.float32))
                    row["motion"] = motion_grid(before or frame, frame)
                    rows.append(row)
                    times.append(step.timestamp_s)
                before = frame
        finally:
            source.close()
        whole = {name: np.stack([row[name] for row in rows]) for name in rows[-1]}
        return Heard(video, np.array(times) - times[0], whole)


def gradients(crop: NDArray[np.float32]) -> Floats:
    """Return (6 * 6 * 8,): how strong which direction of edges is where; the root of shares."""
    x = cv2.Sobel(crop, cv2.CV_32F, 1, 0, ksize=1)
    y = cv2.Sobel(crop, cv2.CV_32F, 0, 1, ksize=1)
    strength = np.hypot(x, y)
    turn = (np.arctan2(y, x) % np.pi) / np.pi * _DIRECTIONS
    lower = np.floor(turn).astype(int)
    upper_share = turn - lower
    cell = crop.shape[0] // _CELLS
    planes = []
    for k in range(_DIRECTIONS):
        plane = np.where(lower % _DIRECTIONS == k, strength * (1 - upper_share), 0.0)
        plane += np.where((lower + 1) % _DIRECTIONS == k, strength * upper_share, 0.0)
        spread = cv2.GaussianBlur(plane, (0, 0), cell * 0.5)
        planes.append(spread[cell // 2 :: cell, cell // 2 :: cell][:_CELLS, :_CELLS])
    found = np.stack(planes, axis=2).ravel().astype(np.float64)
    return np.asarray(np.sqrt(found / (found.sum() + 2.0)), np.float64)  # 2: of noise, not of edges


def motion_grid(before: RGBDFrame, frame: RGBDFrame) -> Floats:
    """Return (12 * 9 * 2,): how much colour and depth changed, by cells of the picture."""
    assert before.color is not None
    assert frame.color is not None
    assert before.depth is not None
    assert frame.depth is not None
    color = np.abs(frame.color.astype(np.float32) - before.color).mean(axis=2)
    known = (frame.depth > 0) & (before.depth > 0)
    depth = np.where(known, np.abs(frame.depth.astype(np.float32) - before.depth), 0.0)
    cells = [
        cv2.resize(np.asarray(x, np.float32), _GRID, interpolation=cv2.INTER_AREA)
        for x in (color, np.minimum(depth, 300.0))
    ]
    return np.sqrt(np.stack(cells)).ravel().astype(np.float64)


class OneShot:
    """Examples of one video each, and the space of their features."""

    def __init__(self, examples: Sequence[Heard], names: Sequence[str]) -> None:
        self._names = names
        every = {name: np.concatenate([e.parts[name] for e in examples]) for name in names}
        self._mean = {name: x.mean(axis=0) for name, x in every.items()}
        self._scale = {name: np.sqrt(x.var(axis=0).sum()) for name, x in every.items()}
        placed = [self._place(e) for e in examples]
        rest = np.concatenate([_ends(x) for x in placed])
        # a video may begin in the midst of its gesture
        far = distances(rest, np.median(rest, axis=0)[None])[:, 0]
        self._rest = rest[far < 2.0 * np.median(far)]
        self.labels = [e.video.labels[0] for e in examples]
        self.spans = [self._span(x) for x in placed]
        self._templates = [x[a:b] for x, (a, b) in zip(placed, self.spans, strict=True)]

    def _place(self, heard: Heard) -> Floats:
        return np.hstack([(heard.parts[n] - self._mean[n]) / self._scale[n] for n in self._names])

    def _span(self, placed: Floats) -> tuple[int, int]:
        far = distances(placed, self._rest).min(axis=1)
        moving = np.flatnonzero(far > 0.5 * np.percentile(far, 95))
        return int(moving[0]), int(moving[-1]) + 1

    def recognise(self, heard: Heard) -> list[str]:
        """Return the gestures of a stream, in order."""
        placed = self._place(heard)
        rest = np.concatenate([self._rest, _ends(placed)])
        return [self.labels[i] for i in decode(placed, self._templates, rest)]


def _ends(placed: Floats) -> Floats:
    return np.concatenate([placed[:_REST_FRAMES], placed[-_REST_FRAMES:]])


def bench_one_shot(bundle: Bundle, folder: Path, *, composed: bool = False) -> list[list[str]]:
    """Return the rows of the table. composed: on streams made of the examples."""
    videos = read_batch(folder, "train")
    streams = composed_streams(videos) if composed else read_batch(folder, "test")
    recogniser = Recogniser(bundle, device="cpu")
    features = HandFeatures(bundle, recogniser)
    examples = [features.hear(video) for video in videos]
    heard = [features.hear(video) for video in streams]
    recogniser.close()
    hand = [*bundle.modalities, "color gradients", "depth gradients"]
    whole, motion = OneShot(examples, hand), OneShot(examples, ["motion"])
    return [
        row("aligned as a whole, hand features", heard, [whole.recognise(h) for h in heard]),
        taught_row(bundle, examples, whole, heard),
        row("aligned as a whole, motion alone", heard, [motion.recognise(h) for h in heard]),
        row("plain dynamic time warping, motion", heard, [plain(examples, h) for h in heard]),
    ]


def plain(examples: Sequence[Heard], heard: Heard) -> list[str]:
    """Return the gestures of a stream by the classic baseline, in order."""
    found = connected(heard.parts["motion"], [e.parts["motion"] for e in examples])
    return [examples[i].video.labels[0] for i in found]


def row(name: str, heard: Sequence[Heard], found: Sequence[Sequence[str]]) -> list[str]:
    """Return one row of the table."""
    truth = [h.video.labels for h in heard]
    wrong = np.array([edit_distance(f, t) for f, t in zip(found, truth, strict=True)], float)
    count = np.array([len(t) for t in truth], float)
    pairs = np.stack([wrong, count], axis=1)
    rng = np.random.default_rng(0)
    drawn = pairs[rng.integers(0, len(pairs), (2000, len(pairs)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    return [
        name,
        f"{wrong.sum() / count.sum():.3f} ({wrong.sum():.0f} / {count.sum():.0f})",
        f"{low:.2f} to {high:.2f}",
        str(sum(map(len, found))),
    ]


def taught_row(
    bundle: Bundle, examples: Sequence[Heard], whole: OneShot, heard: Sequence[Heard]
) -> list[str]:
    """Teach the model as a user would, run it as the application does."""
    name = "taught, decided live"
    recordings = [
        LabelledRecording(
            e.video.name,
            e.video.open,
            (
                NamedSpan(
                    float(e.times_s[a]),
                    float(e.times_s[min(b, len(e.times_s) - 1)]),
                    e.video.labels[0],
                ),
            ),
            e.video.name,
        )
        for e, (a, b) in zip(examples, whole.spans, strict=True)
    ]
    try:
        taught = teach(bundle, recordings)
    except MotionRGBDError as error:
        return [name, f"not taught: {error}", "", ""]
    recogniser = Recogniser(taught.bundle, device="cpu")
    found = [live_events(recogniser, h.video) for h in heard]
    recogniser.close()
    return row(name, heard, found)


def live_events(recogniser: Recogniser, video: Video) -> list[str]:
    """Return the new gestures that the application would report of a video, in order."""
    source = video.open()
    recogniser.open(source.info)
    new = set(recogniser.bundle.taught_labels)
    found: list[str] = []
    try:
        while (frame := source.read()) is not None:
            for step in recogniser.push(frame):
                found += [event.label for event in step.events if event.label in new]
    finally:
        source.close()
    return found


class ComposedSource:
    """Altered copies of videos, one after another, as a source."""

    def __init__(self, parts: Sequence[tuple[Video, Alteration]]) -> None:
        first = parts[0][0].open()
        self.info: SourceInfo = first.info
        first.close()
        self._frames = self._altered(parts)

    def _altered(self, parts: Sequence[tuple[Video, Alteration]]) -> Iterator[RGBDFrame]:
        index, now_s = 0, 0.0
        for video, alteration in parts:
            source = video.open()
            period = 1.0 / (source.info.fps_hz * alteration.speed)
            while (frame := source.read()) is not None:
                altered = alteration.frame(frame)
                yield RGBDFrame(altered.color, altered.depth, index, now_s)
                index, now_s = index + 1, now_s + period
            source.close()

    def read(self) -> RGBDFrame | None:
        return next(self._frames, None)

    def close(self) -> None:
        self._frames.close()  # type: ignore[attr-defined]


def composed_streams(videos: Sequence[Video]) -> list[Video]:
    """Return streams of one to four altered copies of the examples."""
    rng = np.random.default_rng(_SEED)
    found = []
    for number in range(_COMPOSED):
        chosen = rng.integers(0, len(videos), rng.integers(1, 5)).tolist()
        parts = [
            (
                videos[i],
                Alteration(
                    rng.uniform(-10, 10),
                    rng.uniform(0.82, 1.2),
                    (rng.uniform(-0.07, 0.07), rng.uniform(-0.05, 0.05)),
                    rng.uniform(0.65, 1.5),
                ),
            )
            for i in chosen
        ]
        labels = tuple(videos[i].labels[0] for i in chosen)
        found.append(Video(f"composed {number}", labels, partial(ComposedSource, parts)))
    return found
