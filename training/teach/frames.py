"""Recordings as a torch network sees them, frame by frame; windows of them are cheap afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionrgbd.core.errors import ModalityError, SourceError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.guidance import GuidanceSettings, GuidanceStream
from motionrgbd.core.labels import NamedSpan
from motionrgbd.core.preprocess import make_preparer
from motionrgbd.core.recogniser import network_input
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.region_pixels import RegionLimits, check_region
from motionrgbd.core.runner import NetworkInput
from motionrgbd.core.sources.source import Source
from motionrgbd.core.teaching_examples import Alteration, LabelledRecording, check_within
from motionrgbd.core.teaching_fit import MARGIN_S
from motionrgbd.models.checkpoint import Checkpoint
from motionrgbd.models.recipe import Modality
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.training.evaluation.clip_inputs import frames_on_grid

_CHUNK = 32  # frames at a time: whole recordings of large pictures would fill the memory


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Features of a recording's n frames on the recipe's grid.

    times_s: float64 (n,), from the first frame, in the recording's own time. begins: int (n,), the
    first frame of the unbroken run that each is in. features: (n, D) by modality of the network,
    energies: (n, E) by modality, or none. present: (M,), 1 or 0. spans: its gestures.
    """

    times_s: NDArray[np.float64]
    begins: NDArray[np.int64]
    features: tuple[Tensor, ...]
    energies: tuple[Tensor, ...]
    present: Tensor
    spans: tuple[NamedSpan, ...]

    def idle(self, margin_s: float = MARGIN_S) -> NDArray[np.bool_]:
        """Return which frames (n,) are farther than so much from all gestures."""
        idle = np.ones(len(self.times_s), np.bool_)
        for s in self.spans:
            early, late = s.start_s - margin_s, s.end_s + margin_s
            idle &= (self.times_s < early) | (self.times_s >= late)
        return idle


@torch.no_grad()
def read_frames(
    checkpoint: Checkpoint,
    network: StreamingNetwork,
    recording: LabelledRecording,
    alteration: Alteration | None = None,
) -> Frames:
    """Run the per-frame part of a checkpoint's network over a recording, or an altered copy of it.

    What the recording has counts throughout; the application leaves a modality out while it sees
    nothing of the hand in it, so where that happens its answers can differ. Raises SourceError for
    spans beyond the recording, ModalityError where the network needs more than it has, RegionError
    where it cannot have its region.
    """
    recipe = checkpoint.recipe
    names: tuple[Modality, ...] = checkpoint.config.modalities  # type: ignore[assignment]
    speed = 1.0 if alteration is None else alteration.speed
    source = recording.open()
    try:
        info = source.info
        there = [m for m in names if getattr(info, f"has_{m}")]
        if not there or (len(there) < len(names) and not checkpoint.fallback):
            lacks = " and ".join(m for m in names if m not in there)
            raise ModalityError(
                f"the model needs {' and '.join(names)}, {recording.name} lacks {lacks}: choose "
                "another recording, or a model without it"
            )
        preparer = make_preparer(
            recipe,
            info.intrinsics,
            info.eight_bit,
            region=_checked(recording.region, info),
            limits_of=RegionLimits.of if alteration is None else alteration.limits_of,
        )
        guidance = {m: GuidanceStream(GuidanceSettings.of(recipe)) for m in there}
        run = _Run(network, names, there)
        whole = _whole_frames(source, there, alteration)
        stamps: list[float] = []
        begins: list[int] = []
        begin = 0
        for frame in frames_on_grid(whole, info.fps_hz, recipe):
            if frame is None:
                begin = len(stamps)
                preparer.reset()
                run.begin_anew()
                for stream in guidance.values():
                    stream.reset()
                continue
            prepared = preparer.prepare(frame)
            pictures = {"color": prepared.color, "depth": prepared.depth}
            maps = {m: stream.push(pictures[m]) for m, stream in guidance.items()}  # type: ignore[arg-type]
            run.push(network_input(recipe, prepared, maps))
            stamps.append(frame.timestamp_s * speed)
            begins.append(begin)
    finally:
        source.close()
    if not stamps:
        raise SourceError(f"{recording.name} has no frame with {' and '.join(there)}")
    times_s = np.array(stamps) - stamps[0]
    check_within(recording, float(times_s[-1]) + 1.5 / min(info.fps_hz, recipe.fps_hz))
    features, energies = run.result()
    present = torch.tensor([float(m in there) for m in names])
    return Frames(times_s, np.array(begins), features, energies, present, recording.spans)


def _checked(region: RegionOfInterest | None, info: SourceInfo) -> RegionOfInterest | None:
    if region is not None:
        check_region(info)
    return region


def _whole_frames(
    source: Source, there: list[Modality], alteration: Alteration | None
) -> Iterator[RGBDFrame]:
    while (frame := source.read()) is not None:
        if all(getattr(frame, m) is not None for m in there):
            yield frame if alteration is None else alteration.frame(frame)


class _Run:
    """The per-frame part of a network over one stream, some frames at a time."""

    def __init__(
        self, network: StreamingNetwork, names: tuple[Modality, ...], there: list[Modality]
    ) -> None:
        self._network, self._names, self._there = network, names, there
        self._states = list(network.initial_state(1))
        self._waiting: list[NetworkInput] = []
        self._features: list[list[Tensor]] = [[] for _ in names]
        self._energies: list[list[Tensor]] = [[] for _ in names]

    def push(self, given: NetworkInput) -> None:
        self._waiting.append(given)
        if len(self._waiting) == _CHUNK:
            self._flush()

    def begin_anew(self) -> None:
        """What follows does not go on from what was before."""
        self._flush()
        self._states = list(self._network.initial_state(1))

    def result(self) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return features (n, D) and energies (n, E) by modality, zeros where there is none."""
        self._flush()
        energies = tuple(torch.cat(e) for e in self._energies if e)
        return tuple(torch.cat(x) for x in self._features), energies

    def _flush(self) -> None:
        given, self._waiting = self._waiting, []
        config, count = self._network.config, len(given)
        for i, name in enumerate(self._names if given else ()):
            if name not in self._there:
                self._features[i].append(torch.zeros(count, config.feature))
                if config.energies:
                    self._energies[i].append(torch.zeros(count, config.energies))
                continue
            images = torch.from_numpy(np.stack([getattr(x, name) for x in given]))  # (L, C, h, w)
            maps = torch.from_numpy(np.stack([getattr(x, f"{name}_guidance") for x in given]))
            features, self._states[i] = self._network.streams[i].advance(
                images.transpose(0, 1)[None],  # (1, C, L, h, w)
                maps[None, None],  # (1, 1, L, h, w)
                self._states[i],
            )
            self._features[i].append(features[0])
            if config.energies:
                rows = np.stack([getattr(x, f"{name}_motion") for x in given])
                self._energies[i].append(torch.from_numpy(rows))
