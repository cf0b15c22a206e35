"""What fine-tuning learns from and what it is tried on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from motionrgbd.core.errors import SourceError
from motionrgbd.core.labels import NamedSpan
from motionrgbd.core.synthetic.domain import TRAINING_DOMAIN
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.core.teaching_examples import ALTERATIONS, LEAST_IDLE_S, LabelledRecording
from motionrgbd.core.teaching_fit import MARGIN_S
from motionrgbd.models.checkpoint import Checkpoint
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.training.teach.frames import Frames, read_frames
from motionrgbd.training.teach.windows import Example, Window, examples_of

REPLAYED_SEEDS, CHECKED_SEEDS = (920, 921), (922, 923)  # of synthetic hands; no training's
_QUIET_AFTER_S = 0.5  # of a gesture's end, a window is to be quiet again: else it is told twice
_PIECE_S = 2.0  # of idle time: every other piece is kept apart

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What is learned from and tried on.

    given: the recordings; copies: altered ones; replayed, checked: synthetic hands. new: classes.
    """

    new: tuple[str, ...]
    given: list[Frames]
    copies: list[Frames]
    replayed: list[Frames]
    checked: list[Frames]

    def examples(self) -> list[Example]:
        """Return the examples of new classes."""
        return [e for e in examples_of(self.given) if e.span.label in self.new]

    def apart(self) -> list[Example]:
        """Return a third of each class's examples, or the altered copies of a single one."""
        found: list[Example] = []
        for label in self.new:
            own = [e for e in self.examples() if e.span.label == label]
            copied = [e for e in examples_of(self.copies) if e.span.label == label]
            found += own[1::3] if len(own) > 1 else copied
        return found

    def old(self) -> tuple[list[Example], list[Example]]:
        """Return the old gestures to replay, and those to try."""
        marked = [e for e in examples_of(self.given) if e.span.label not in self.new]
        return (
            examples_of(self.replayed) + marked[1::2],
            examples_of(self.checked) + marked[::2],
        )

    def idle(self, *, apart: bool) -> list[Window]:
        """Return windows of idle time in the recordings: of every other piece, or all of it."""
        rows = [(f, i) for f in self.given for i in np.flatnonzero(f.idle(_QUIET_AFTER_S)).tolist()]
        return [Window(f, i) for f, i in rows if not (apart and is_apart(f, i))]

    def between(self) -> list[Window]:
        """Return windows of synthetic hands, whatever they do."""
        return [Window(f, i) for f in self.replayed for i in range(0, len(f.times_s), 2)]


def is_apart(frames: Frames, row: int) -> bool:
    """Whether a frame of idle time is kept apart."""
    return int(frames.times_s[row] // _PIECE_S) % 2 == 1


def read_material(
    checkpoint: Checkpoint,
    network: StreamingNetwork,
    new: tuple[str, ...],
    recordings: Sequence[LabelledRecording],
    performed: bool,
    tell: Tell,
) -> Material:
    """Read recordings, copies of those with single examples, and synthetic hands that perform the
    network's gestures. Raises SourceError where there is too little time without a gesture."""

    def read(recording: LabelledRecording) -> Frames:
        tell(f"reading {recording.name}")
        return read_frames(checkpoint, network, recording)

    given = [read(r) for r in recordings]
    idle_s = sum(float(f.idle().sum()) for f in given) / checkpoint.recipe.fps_hz
    if idle_s < LEAST_IDLE_S:
        raise SourceError(
            f"{', '.join(r.where for r in recordings)}: {idle_s:.1f} s without a gesture, at least "
            f"{LEAST_IDLE_S:g} s are needed (farther than {MARGIN_S:g} s from all spans): record "
            "some rest, the new gestures must not be taken for it"
        )
    count = Counter(s.label for r in recordings for s in r.spans if s.label in new)
    copies = []
    for recording in recordings:
        if any(count[s.label] == 1 for s in recording.spans):
            tell(f"reading {recording.name}, altered")
            copies += [read_frames(checkpoint, network, recording, a) for a in ALTERATIONS]
    replayed = [read(synthetic(seed)) for seed in REPLAYED_SEEDS] if performed else []
    checked = [read(synthetic(seed)) for seed in CHECKED_SEEDS] if performed else []
    return Material(new, given, copies, replayed, checked)


def synthetic(seed: int) -> LabelledRecording:
    """Return a recording of synthetic hands that knows its gestures."""
    make = partial(SyntheticRecording, seed, domain=TRAINING_DOMAIN, fps_hz=15.0)
    spans = tuple(NamedSpan(g.start_s, g.end_s, g.label) for g in make().info.script)
    return LabelledRecording(f"synthetic hands, seed {seed}", make, spans, "synthetic hands")
