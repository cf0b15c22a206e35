"""The streams that `motionrgbd bench online` knows, by name."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from motionrgbd.core.errors import SourceError, UsageError
from motionrgbd.training.datasets.table import data_folder
from motionrgbd.training.online.streams import OnlineStream

RECORDINGS = "recordings"


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """Which streams are asked for.

    root: the folder that holds the data sets (of `recordings`: a recording, or a folder of them);
    None where the source is drawn. seeds: one stream each, where the source is put together or
    drawn. split: `test`, `val` or `train`, of sources that have splits; None: the source's own
    choice. fps_hz: of the model's grid, at which drawn sources may deliver their frames.
    limit: at most so many streams per seed. Of own recordings: depth_direction `brighter` or
    `darker`, where depth has 8 bits; labels: the model's, None to take any.
    """

    root: Path | None = None
    seeds: tuple[int, ...] = (0,)
    split: str | None = None
    fps_hz: float = 30.0
    limit: int | None = None
    depth_direction: str | None = None
    labels: tuple[str, ...] | None = None


ReadStreams = Callable[[SourceRequest], Sequence[OnlineStream]]


@dataclass(frozen=True, slots=True)
class KnownSource:
    """function: in this package, `module:name`, imported when asked for. help: one line.

    splits: what may stand behind the colon; the first is taken where nothing does.
    stored: whether it lies in the folder of data sets. seeded: whether seeds make streams of it.
    repeats: every seed plays the same clips, in another order: they are no further clips.
    """

    function: str
    help: str
    splits: tuple[str, ...] = ()
    stored: bool = False
    seeded: bool = False
    repeats: bool = False

    def read(self) -> ReadStreams:
        """Return the function that makes the streams of a request."""
        module, _, name = self.function.partition(":")
        imported = importlib.import_module(f"motionrgbd.training.online.{module}")
        return cast(ReadStreams, getattr(imported, name))


_SPLITS = ("test", "val")

# One line makes a source known to the command line.
SOURCES: dict[str, KnownSource] = {
    "shrec17": KnownSource(
        "real_hands:shrec17_streams",
        "SHREC'17 clips at their real durations, in random order, idle motion between",
        _SPLITS,
        stored=True,
        seeded=True,
        repeats=True,
    ),
    "idle-hands": KnownSource(
        "real_hands:idle_hand_streams",
        "idle made of the same subjects' hands: poses held, moves, gestures cut off early",
        _SPLITS,
        stored=True,
        seeded=True,
    ),
    "idle-synthetic": KnownSource(
        "synthetic_streams:idle_synthetic_streams", "idle of the synthetic hand", seeded=True
    ),
    "synthetic": KnownSource(
        "synthetic_streams:synthetic_streams",
        "gestures and idle of the synthetic hand",
        seeded=True,
    ),
    "nvgesture": KnownSource(
        "recorded_streams:nvgesture_streams",
        "25 untrimmed NvGesture recordings with their windows",
        stored=True,
    ),
    "cgd2011": KnownSource(
        "recorded_streams:cgd2011_streams",
        "ChaLearn 2011 batch devel59: the order of its gestures, no times",
        stored=True,
    ),
    RECORDINGS: KnownSource(
        "own_streams:recording_streams",
        f"{RECORDINGS}:PATH, or just PATH: own recordings with NAME.labels.csv beside them",
    ),
}


@dataclass(frozen=True, slots=True)
class SeededStream:
    """A stream of a source. seed: of it, None where the source has none."""

    source: str
    seed: int | None
    stream: OnlineStream


def read_source(text: str, request: SourceRequest) -> tuple[SeededStream, ...]:
    """Return the streams of a SOURCE: `NAME`, `NAME:SPLIT`, `recordings:PATH` or a path.

    request.root: the folder of data sets, None: $MOTIONRGBD_DATA. Raises UsageError that lists the
    known names, and SourceError where there is no stream.
    """
    known, request = known_source(text, request)
    read = known.read()
    found: list[SeededStream] = []
    for seed in request.seeds if known.seeded else (None,):
        asked = request if seed is None else dataclasses.replace(request, seeds=(seed,))
        found += (SeededStream(text, seed, stream) for stream in read(asked))
    if not found:
        raise SourceError(f"{text} has no stream")
    return tuple(found)


def known_source(text: str, request: SourceRequest) -> tuple[KnownSource, SourceRequest]:
    """Return the source that a SOURCE names, and the request with what the text says of it.

    Raises UsageError for an unknown name or split, SourceError where a path does not exist.
    """
    name, _, rest = text.partition(":")
    if name in SOURCES and name != RECORDINGS:
        known = SOURCES[name]
        split = _split(name, known, rest)
        root = data_folder(request.root) if known.stored else None
        return known, dataclasses.replace(request, root=root, split=split)
    if name == RECORDINGS and not rest:
        raise UsageError(f"{text} needs a path — say {RECORDINGS}:PATH")
    path = Path(rest if name == RECORDINGS else text).expanduser()
    if name != RECORDINGS and not path.exists():
        raise UsageError(
            f"there is no source {text!r}: one of {', '.join(SOURCES)}, or the path of a recording"
        )
    if not path.exists():
        raise SourceError(f"{path}: no such recording or folder")
    return SOURCES[RECORDINGS], dataclasses.replace(request, root=path, split=None)


def _split(name: str, known: KnownSource, given: str) -> str | None:
    if not given:
        return known.splits[0] if known.splits else None
    if given not in known.splits:
        choices = f"one of {', '.join(known.splits)}" if known.splits else "it has none"
        raise UsageError(f"source {name} has no split {given!r}: {choices}")
    return given
