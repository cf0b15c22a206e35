"""Stored examples for a bundle: what `teach` holds its old classes to.

From SHREC'17's `val` subjects (19 and 20), depth in front of a person in a room, and from synthetic
recordings of seeds that no training uses, colour and depth. Only numbers of frames in few
dimensions are stored.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from motionrgbd.core.errors import UsageError
from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.labels import NamedSpan
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.synthetic.domain import TRAINING_DOMAIN
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.core.teaching_examples import LabelledRecording, Recorded, record
from motionrgbd.core.teaching_fit import MARGIN_S
from motionrgbd.models.bundle import Bundle
from motionrgbd.models.taught import FrameSpace, Memory
from motionrgbd.training.online.sources import SourceRequest, read_source
from motionrgbd.training.teach.space import learn_space, placed, raw_space

PER_CLASS = 12  # windows of a class from real hands, and as many from synthetic ones
SYNTHETIC_SEEDS = tuple(range(900, 908))  # the training domain's; trainings take the first hundred
WINDOW_S = 3.2  # of frames that are stored, at least: what is taught must find its end in them
IDLE = "idle"
SOURCE = (
    "SHREC'17, subjects 19 and 20 (depth); synthetic recordings, training domain, seeds "
    f"{SYNTHETIC_SEEDS[0]} to {SYNTHETIC_SEEDS[-1]}"
)


def remember(bundle: Bundle, root: Path, tell: Callable[[str], None] = lambda text: None) -> Bundle:
    """Return the bundle with stored examples. root: the folder that holds `shrec17`.

    Raises UsageError for a bundle of other classes, SourceError where the set is missing.
    """
    request = SourceRequest(root=root, seeds=(0,), fps_hz=bundle.recipe.fps_hz)
    real = [
        (s.stream.name, s.stream.open, s.stream.gestures)
        for s in read_source("shrec17:val", request)
    ]
    drawn = [
        (f"synthetic, seed {seed}", partial(_synthetic, seed), _synthetic(seed).info.script)
        for seed in SYNTHETIC_SEEDS
    ]
    groups = [
        [labelled(name, open_, gestures) for name, open_, gestures in group]
        for group in (real, drawn)
    ]
    return dataclasses.replace(bundle, memory=memory_of(bundle, groups, SOURCE, tell), sha256="")


def memory_of(
    bundle: Bundle,
    groups: Sequence[Sequence[LabelledRecording]],
    source: str,
    tell: Callable[[str], None] = lambda text: None,
) -> Memory:
    """Return stored examples from groups of recordings, `PER_CLASS` of a class from each."""
    if bundle.taught is not None:
        raise UsageError("stored examples are added before a model is taught, not after")
    names = {span.label for group in groups for r in group for span in r.spans}
    if unknown := sorted(names - set(bundle.labels)):
        raise UsageError(
            f"the model has no classes {', '.join(unknown)}: examples are stored of the 14 "
            "gestures of SHREC'17 alone"
        )
    recogniser = Recogniser(bundle, device="cpu")
    raw = raw_space(bundle)
    heard: list[list[Recorded]] = []
    for group in groups:
        heard.append([])
        for recording in group:
            tell(recording.name)
            heard[-1].append(record(recording, recogniser, raw))
    recogniser.close()
    space = learn_space(heard)
    return _memory(bundle, space, heard, source)


def _memory(
    bundle: Bundle, space: FrameSpace, heard: Sequence[Sequence[Recorded]], source: str
) -> Memory:
    windows: list[tuple[Recorded, int, str]] = []
    for number, group in enumerate(heard):
        rng = np.random.default_rng(number)
        ends = [end for r in group for end in _ends(r, bundle)]
        taken: Counter[str] = Counter()
        for i in rng.permutation(len(ends)).tolist():
            recorded, end, label = ends[i]
            if taken[label] < PER_CLASS:
                taken[label] += 1
                windows.append((recorded, end, label))
    vectors = {
        name: np.stack(
            [placed(space, name, r.vectors[name][_window(bundle, end)]) for r, end, _ in windows]
        )
        for name in space.parts
    }
    present = {
        name: np.asarray([np.isfinite(window).all() for window in v], np.bool_)
        for name, v in vectors.items()
    }
    return Memory(
        space,
        tuple(label for _, _, label in windows),
        np.stack([r.probabilities[end] for r, end, _ in windows]),
        {
            name: np.where(present[name][:, None, None], v, 0).astype(np.float16)
            for name, v in vectors.items()
        },
        present,
        source,
    )


def _ends(recorded: Recorded, bundle: Bundle) -> list[tuple[Recorded, int, str]]:
    """Return the steps at which windows of known content end."""
    found = []
    for span in recorded.spans:
        end = int(np.searchsorted(recorded.times_s, span.end_s)) - 1  # its last frame
        if _frames(bundle) <= end < len(recorded.times_s):
            found.append((recorded, end, span.label))
    if IDLE in bundle.labels:
        idle = np.flatnonzero(recorded.idle_rows(MARGIN_S))
        found += [(recorded, int(i), IDLE) for i in idle[idle >= _frames(bundle)]]
    return found


def _frames(bundle: Bundle) -> int:
    return max(bundle.recipe.window, round(WINDOW_S * bundle.recipe.fps_hz))


def _window(bundle: Bundle, end: int) -> slice:
    return slice(end + 1 - _frames(bundle), end + 1)


def _synthetic(seed: int) -> SyntheticRecording:
    return SyntheticRecording(seed, domain=TRAINING_DOMAIN, fps_hz=15.0)


def labelled(
    name: str, open_: Callable[[], object], gestures: Sequence[ScriptedGesture]
) -> LabelledRecording:
    """Return a stream of known gestures as a labelled recording."""
    spans = tuple(NamedSpan(g.start_s, g.end_s, g.label) for g in gestures)
    return LabelledRecording(name, open_, spans, name)  # type: ignore[arg-type]
