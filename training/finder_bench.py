"""`motionrgbd bench finder`: how well the hand finder finds hands that were marked by eye."""

from __future__ import annotations

import csv
import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.hand_color import ColorHandDetector
from motionrgbd.core.hand_depth import DepthHandDetector
from motionrgbd.core.hand_place import FoundHand, HandDetector
from motionrgbd.core.results import Box
from motionrgbd.core.sources.open import open_source
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.models.recipe import HandView
from motionrgbd.training.hand_clips import load_package
from motionrgbd.training.rebuilt_frames import RebuiltClip, plain_clip, staged_clip

Picture = Literal["color", "depth"]
MakeDetector = Callable[[SourceInfo], HandDetector]

_COLUMNS = ("source", "frame", "picture", "x0", "y0", "x1", "y1", "note")
_STAGE_SEED = 7  # not one of those that the network learned from
_DIRECTIONS = {"cgd2011": "darker", "isogd": "darker", "nvgesture_untrimmed": "brighter"}


@dataclass(frozen=True, slots=True)
class Mark:
    """What one picture of a recording shows, marked by eye.

    boxes: the hands that gesture (both where both do), or the one that lies at rest, or none.
    raised: whether a hand gestures; only then must one be found.
    """

    source: str
    frame: int
    boxes: tuple[Box, ...]
    raised: bool


def read_marks(path: Path, picture: Picture) -> list[Mark]:
    """Read the marks of one kind of picture. Raises SourceError where the file is no such list."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read ({error.strerror}): give the file of hand marks with --marks"
        ) from error
    if not rows or tuple(rows[0]) != _COLUMNS:
        raise SourceError(f"{path} is no list of hand marks: its columns must be {_COLUMNS}")
    frames: dict[tuple[str, int], list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        if row["picture"] in (picture, "both"):
            frames[row["source"], int(row["frame"])].append(row)
    return [_mark(source, frame, rows) for (source, frame), rows in frames.items()]


def _mark(source: str, frame: int, rows: Sequence[dict[str, str]]) -> Mark:
    boxes = tuple(
        Box(*(float(row[edge]) for edge in ("x0", "y0", "x1", "y1"))) for row in rows if row["x0"]
    )
    raised = bool(boxes) and not any("rest" in row["note"] for row in rows)
    return Mark(source, frame, boxes, raised)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mark and what was found there."""

    mark: Mark
    found: FoundHand | None

    @property
    def hit(self) -> bool:
        """Whether the middle of what was found lies in a marked hand."""
        return self.found is not None and any(
            _holds(box, *self.found.center_px) for box in self.mark.boxes
        )

    @property
    def overlap(self) -> float:
        """Return the intersection over union with the marked hand that fits best."""
        if self.found is None:
            return 0.0
        found = self.found.box
        return max((intersection_over_union(box, found) for box in self.mark.boxes), default=0.0)


def _holds(box: Box, x: float, y: float) -> bool:
    return box.left_px <= x <= box.right_px and box.top_px <= y <= box.bottom_px


def intersection_over_union(a: Box, b: Box) -> float:
    """Return the area that two boxes share over the area that either covers."""
    width = min(a.right_px, b.right_px) - max(a.left_px, b.left_px)
    height = min(a.bottom_px, b.bottom_px) - max(a.top_px, b.top_px)
    shared = max(0.0, width) * max(0.0, height)
    areas = sum((x.right_px - x.left_px) * (x.bottom_px - x.top_px) for x in (a, b))
    return shared / (areas - shared) if shared else 0.0


def outcomes(
    marks: Sequence[Mark], data: Path, picture: Picture, make: MakeDetector
) -> Iterator[Outcome]:
    """Play each marked recording once through a detector, colour or depth alone."""
    by_source: dict[str, dict[int, Mark]] = defaultdict(dict)
    for mark in marks:
        by_source[mark.source][mark.frame] = mark
    for name, wanted in by_source.items():
        path = data / name
        if not path.is_file():
            raise SourceError(f"{path} is missing: --root names the folder that holds {name}")
        direction = _DIRECTIONS.get(Path(name).parts[0])
        source = open_source(path, options=SourceOptions(depth_direction=direction))
        try:
            detector = make(source.info)
            place = 0
            while (frame := source.read()) is not None and place <= max(wanted):
                found = detector.detect(_only(frame, picture))
                if place in wanted:
                    yield Outcome(wanted[place], found)
                place += 1
        finally:
            source.close()


def _only(frame: RGBDFrame, picture: Picture) -> RGBDFrame:
    if picture == "color":
        return dataclasses.replace(frame, depth=None)
    return dataclasses.replace(frame, color=None)


def summary(done: Sequence[Outcome]) -> list[str]:
    """Return the cells of a table's row: frames, hit rate, median IoU, false finds."""
    raised = [o for o in done if o.mark.raised]
    idle = [o for o in done if not o.mark.raised]
    false = [o for o in idle if o.found is not None and not o.hit]
    hits = sum(o.hit for o in raised)
    median = float(np.median([o.overlap for o in raised])) if raised else 0.0
    return [
        str(len(done)),
        f"{hits}/{len(raised)}",
        f"{100 * hits / max(1, len(raised)):.1f} %",
        f"{median:.2f}",
        f"{sum(o.overlap >= 0.3 for o in raised)}/{len(raised)}",
        f"{len(false)}/{len(idle)}",
    ]


MARKS_HEADER = ("marks", "from", "frames", "hits", "hit rate", "median IoU", "IoU >= 0.3", "false")
AGREEMENT_HEADER = (
    "rebuilt frames",
    "with a hand",
    "found",
    "median IoU",
    "IoU >= 0.5",
    "x, y, z offset mm",
    "spread mm",
)


def marks_table(data: Path, marks: Path, view: HandView) -> list[list[str]]:
    """Return the rows of MARKS_HEADER: each source, and all, from depth and from colour alone."""
    rows = []
    makers: tuple[tuple[Picture, str, MakeDetector], ...] = (
        ("depth", "depth", lambda info: _depth_detector(view, info)),
        ("color", "colour", lambda info: ColorHandDetector(info.intrinsics)),
    )
    for picture, word, make in makers:
        done = list(outcomes(read_marks(marks, picture), data, picture, make))
        groups: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in done:
            groups[outcome.mark.source.partition("/")[0]].append(outcome)
        rows += [[name, word, *summary(group)] for name, group in groups.items()]
        rows.append(["all", word, *summary(done)])
    return rows


def _depth_detector(view: HandView, info: SourceInfo) -> DepthHandDetector:
    return DepthHandDetector(view, info.intrinsics, eight_bit=info.eight_bit)


def agreement_table(shrec: Path, split: str, clips: int, view: HandView) -> list[list[str]]:
    """Return the rows of AGREEMENT_HEADER: found against annotated boxes, alone and staged.

    clips: how many of the split, drawn with a fixed seed. Raises SourceError.
    """
    package = load_package(shrec, (split,))
    count = min(clips, len(package))
    chosen = np.random.default_rng(0).choice(len(package), count, replace=False).tolist()
    rebuilt: dict[str, Callable[[int], RebuiltClip]] = {
        "plain": lambda clip: plain_clip(package, clip),
        "body and room": lambda clip: staged_clip(package, clip, seed=_STAGE_SEED),
    }
    return [
        [f"{name}, {count} clips of {split}", *_agreement(map(make, chosen), view)]
        for name, make in rebuilt.items()
    ]


def _agreement(clips: Iterable[RebuiltClip], view: HandView) -> list[str]:
    overlaps, offsets = [], []
    for clip in clips:
        detector = DepthHandDetector(view, clip.camera)
        for frame, hand in zip(clip.frames(), clip.hands, strict=True):
            found = detector.detect(frame)
            if hand is None:
                continue
            overlaps.append(0.0 if found is None else intersection_over_union(hand.box, found.box))
            if found is not None:
                offsets.append(_offset_mm(found, hand, clip.camera.fx_px))
    seen, off = np.array(overlaps), np.array(offsets).reshape(-1, 3)
    middle = np.median(off, axis=0) if len(off) else np.zeros(3)
    # 1.48 median deviations are a normal distribution's standard deviation
    spread = 1.48 * np.median(np.abs(off - middle), axis=0) if len(off) else np.zeros(3)
    return [
        str(len(seen)),
        f"{100 * len(off) / max(1, len(seen)):.1f} %",
        f"{np.median(seen):.2f}" if len(seen) else "",
        f"{100 * (seen >= 0.5).mean():.1f} %" if len(seen) else "",
        ", ".join(f"{value:+.1f}" for value in middle),
        ", ".join(f"{value:.1f}" for value in spread),
    ]


def _offset_mm(found: FoundHand, hand: FoundHand, focal_px: float) -> tuple[float, float, float]:
    """Return how far the found hand lies from the annotated one, at the annotated distance."""
    (fx, fy), (hx, hy) = found.center_px, hand.center_px
    scale = hand.distance_mm / focal_px
    return (fx - hx) * scale, (fy - hy) * scale, found.distance_mm - hand.distance_mm
