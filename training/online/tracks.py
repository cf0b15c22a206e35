"""What a model says of a stream, grid step by grid step: recorded once, decided on many times."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.decision import DecisionLayer, DecisionParameters
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.results import FloatArray, GestureEvent, Prediction
from motionrgbd.models.bundle import load_bundle
from motionrgbd.models.recipe import Modality
from motionrgbd.training.online.streams import OnlineStream
from motionrgbd.training.whole_files import keep_arrays, kept_arrays


@dataclass(frozen=True, slots=True, eq=False)
class ProbabilityTrack:
    """Predictions of one stream on the model's grid.

    times_s: float64 (n,), the source's clock. probabilities: float32 (n, K) of `labels`.
    warm: bool (n,), whether decisions are taken yet. used: the modalities that each was scored
    from; empty: not known.
    """

    labels: tuple[str, ...]
    times_s: NDArray[np.float64]
    probabilities: FloatArray
    warm: NDArray[np.bool_]
    used: tuple[tuple[Modality, ...], ...] = ()

    def events(self, parameters: DecisionParameters) -> tuple[GestureEvent, ...]:
        """Return what the decision layer makes of it."""
        layer = DecisionLayer(self.labels, parameters)
        found: list[GestureEvent] = []
        for i in range(len(self.times_s)):
            used = self.used[i] if self.used else ()
            prediction = Prediction(self.probabilities[i], {}, i, float(self.times_s[i]), used)
            found += layer.update(prediction, allowed=bool(self.warm[i]))
        return tuple(found)


def track_of(stream: OnlineStream, recogniser: Recogniser) -> ProbabilityTrack:
    """Run a stream through the application's recogniser, frame by frame."""
    times: list[float] = []
    scores: list[FloatArray] = []
    warm: list[bool] = []
    used: list[tuple[Modality, ...]] = []
    source = stream.open()
    try:
        recogniser.open(source.info)
        while (frame := source.read()) is not None:
            for step in recogniser.push(frame):
                if step.prediction is not None:
                    times.append(step.prediction.timestamp_s)
                    scores.append(step.prediction.probabilities)
                    warm.append(not step.warming_up)
                    used.append(step.prediction.used)
    finally:
        source.close()
    classes = len(recogniser.labels)
    return ProbabilityTrack(
        recogniser.labels,
        np.array(times),
        np.stack(scores) if scores else np.zeros((0, classes), np.float32),
        np.array(warm, np.bool_),
        tuple(used),
    )


def tracks(
    streams: Sequence[OnlineStream],
    model: Path,
    *,
    cache: Path | None = None,
    workers: int = 1,
    device: str = "cpu",
    precision: str = "fp32",
) -> Iterator[ProbabilityTrack]:
    """Yield the tracks of streams, in order, several processes at a time.

    cache: a folder that keeps tracks by the model's hash and what the stream is made of.
    """
    bundle = load_bundle(model)
    jobs = [(stream, model, bundle.sha256, cache, device, precision) for stream in streams]
    if workers == 1:
        yield from map(_track, jobs)
        return
    # a fork of a process with threads (torch has some) may wait for a lock that nobody holds
    context = get_context("spawn")
    cores = context.Queue()
    for share in shares(workers):
        cores.put(share)
    with ProcessPoolExecutor(workers, context, _keep_to, (cores,)) as pool:
        with _plain_products():
            answers = pool.map(_track, jobs)  # starts the processes
        yield from answers


def shares(workers: int) -> list[set[int]]:
    """Return each process its cores: sessions that wait for a core that others use spin."""
    usable = sorted(os.sched_getaffinity(0))
    return [set(usable[n::workers]) or {usable[n % len(usable)]} for n in range(workers)]


@contextmanager
def _plain_products() -> Iterator[None]:
    """Have processes that start now multiply matrices with one thread.

    NumPy's BLAS reads this as it loads; its threads spin while they share a core (measured: 48
    instead of 3 ms a frame).
    """
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _keep_to(cores: Queue[set[int]]) -> None:
    """Keep this process to its cores; ONNX Runtime and OpenCV take no more threads than those."""
    share = cores.get()
    os.sched_setaffinity(0, share)
    cv2.setNumThreads(len(share))


_Job = tuple[OnlineStream, Path, str, Path | None, str, str]
_opened: dict[tuple[str, str, str], Recogniser] = {}  # of this process


def _track(job: _Job) -> ProbabilityTrack:
    stream, model, sha256, cache, device, precision = job
    path = None
    if cache is not None:
        key = hashlib.sha256(f"2 {sha256} {precision} {stream.made_of}".encode()).hexdigest()
        path = cache / f"track-{key[:20]}.npz"
        if path.is_file():
            return _load(path)
    at = (sha256, device, precision)
    if at not in _opened:
        _opened[at] = Recogniser(load_bundle(model), device=device, precision=precision)
    track = track_of(stream, _opened[at])
    if path is not None:
        arrays = {
            "labels": np.array(track.labels),
            "times_s": track.times_s,
            "probabilities": track.probabilities,
            "warm": track.warm,
            "used": np.array(["+".join(used) for used in track.used], np.str_),
        }
        keep_arrays(path, arrays, small=True)
    return track


def _load(path: Path) -> ProbabilityTrack:
    saved = kept_arrays(path)
    return ProbabilityTrack(
        tuple(saved["labels"].tolist()),
        saved["times_s"],
        saved["probabilities"],
        saved["warm"],
        tuple(_modalities(text) for text in saved["used"].tolist()),
    )


def _modalities(text: str) -> tuple[Modality, ...]:
    return tuple(m for m in get_args(Modality) if m in text.split("+"))
