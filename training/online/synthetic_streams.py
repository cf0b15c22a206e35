"""Streams of the synthetic performer: gestures, and hours in which nobody gestures.

Their seeds are seen by nothing else: no training, no evaluation of clips, not the demo.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np

from motionrgbd.core.errors import UsageError
from motionrgbd.core.synthetic import recording as drawn_by
from motionrgbd.core.synthetic.domain import DEMO_DOMAIN, TRAINING_DOMAIN, Domain
from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.training.online.sources import SourceRequest
from motionrgbd.training.online.streams import OnlineStream

IDLE_STREAMS, IDLE_S = 20, 185.0  # an hour, and what warms up in each stream
TIMES = 2  # each gesture per stream; a shuffle of them has about one pair in a row
_LAST_SEED = 999
_GESTURE_SEEDS = ((DEMO_DOMAIN, 1_900_000), (TRAINING_DOMAIN, 990_000))
_IDLE_SEEDS = ((DEMO_DOMAIN, 1_800_000), (TRAINING_DOMAIN, 960_000))


def synthetic_streams(request: SourceRequest) -> list[OnlineStream]:
    """Perform every gesture twice, shuffled: per seed a stream of each domain, the demo's first.

    The bundled model has not seen the demo domain's hands, cameras and rooms in training; of the
    training domain it has not seen these seeds. Frames come at the request's `fps_hz`.
    """
    streams = []
    for seed in _checked(request.seeds):
        for domain, first in _GESTURE_SEEDS[: request.limit]:
            streams.append(_gestures(first + seed, domain, request.fps_hz))
    return streams


def idle_synthetic_streams(request: SourceRequest) -> list[OnlineStream]:
    """Pass 20 times 185 s per seed without a gesture, in the two domains by turns.

    What happens in it, `motionrgbd.core.synthetic.idle` says. Frames come at the request's
    `fps_hz`: a stream on the model's grid says the same as one of 30 Hz, at less cost.
    """
    streams = []
    for seed in _checked(request.seeds):
        for n in range(IDLE_STREAMS)[: request.limit]:
            domain, first = _IDLE_SEEDS[n % len(_IDLE_SEEDS)]
            streams.append(_idle(first + IDLE_STREAMS * seed + n, domain, request.fps_hz))
    return streams


def shuffled_labels(seed: int, times: int = TIMES) -> tuple[str, ...]:
    """Return every gesture so many times, in an order that the seed decides."""
    order = np.random.default_rng((seed, 17)).permutation(times * len(GESTURES))
    return tuple(GESTURES[n % len(GESTURES)] for n in order)


def _gestures(seed: int, domain: Domain, fps_hz: float) -> OnlineStream:
    begin = partial(
        SyntheticRecording, seed, domain=domain, labels=shuffled_labels(seed), fps_hz=fps_hz
    )
    info = begin().info
    return OnlineStream(
        name=f"synthetic {domain.name} {seed}",
        group=f"synthetic hand, {domain.name} domain",
        open=begin,
        made_of=f"gestures {_drawing()} {seed} {fps_hz:g} Hz",
        duration_s=info.duration_s or 0.0,
        gestures=info.script,
    )


def _idle(seed: int, domain: Domain, fps_hz: float) -> OnlineStream:
    return OnlineStream(
        name=f"synthetic idle {seed}",
        group="idle, synthetic hand",
        open=partial(SyntheticRecording, seed, domain=domain, idle_s=IDLE_S, fps_hz=fps_hz),
        made_of=f"idle {_drawing()} {seed} {IDLE_S:g} s {fps_hz:g} Hz",
        duration_s=math.floor(IDLE_S * fps_hz) / fps_hz,
    )


@cache
def _drawing() -> str:
    """Name the code that draws: other code may draw other frames."""
    folder = Path(drawn_by.__file__).parent
    code = b"".join(file.read_bytes() for file in sorted(folder.glob("*.py")))
    return hashlib.sha256(code).hexdigest()[:16]


def _checked(seeds: Sequence[int]) -> Sequence[int]:
    for seed in seeds:
        if not 0 <= seed <= _LAST_SEED:
            raise UsageError(f"seeds of synthetic streams are 0 to {_LAST_SEED}, got {seed}")
    return seeds
