"""Streams planned of real hands: SHREC'17 clips at many speeds, rest, moves, broken-off gestures.

A plan says which sample of which clip stands at every grid frame, where the hand is and which
class a window ending there has. It is drawn, and augmented, afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionrgbd.training.datasets.shrec17 import SAMPLES
from motionrgbd.training.hand_clips import CAMERA, SOURCE_HZ, HandClips

IDLE = 28  # the fine class after the 28 gestures


@dataclass(frozen=True)
class Plan:
    """What stands at each of L grid frames.

    clip, sample: int (L,), into HandClips. place: float64 (L, 3), metres (camera axes) of the hand
    at that moment. ends: frames at which windows are scored; fine: their classes, 0..28.
    """

    clip: NDArray[np.int64]
    sample: NDArray[np.int64]
    place: NDArray[np.float64]
    ends: NDArray[np.int64]
    fine: NDArray[np.int64]


def metres(place: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return camera coordinates (..., 3) in m of places in px, px, mm."""
    z = place[..., 2] / 1000.0
    x = (place[..., 0] - CAMERA.cx_px) * z / CAMERA.fx_px
    y = (place[..., 1] - CAMERA.cy_px) * z / CAMERA.fy_px
    return np.stack([x, y, z], -1).astype(np.float64)


def resampled(frames: int, source_frames: int, fps_hz: float) -> NDArray[np.int64]:
    """Return which of the 32 samples stands at each of `frames` grid frames at real duration."""
    step_s = source_frames / SAMPLES / SOURCE_HZ
    return np.minimum(np.arange(frames) / fps_hz / step_s + 1e-6, SAMPLES - 1).astype(np.int64)


def real_frames(source_frames: int, fps_hz: float) -> int:
    """Return how many grid frames a clip lasts at its real duration."""
    return max(1, math.ceil(source_frames / SOURCE_HZ * fps_hz - 1e-6))


def plan_clip(clips: HandClips, clip: int, *, timed: bool, fps_hz: float) -> Plan:
    """Plan a whole clip for evaluation: as cut, one sample a frame, or at its real duration."""
    source = int(clips.source_frames[clip])
    real = resampled(real_frames(source, fps_hz), source, fps_hz)
    sample = real if timed else np.arange(SAMPLES)
    return Plan(
        clip=np.full(len(sample), clip),
        sample=sample,
        place=metres(clips.place[clip])[sample],
        ends=np.array([len(sample) - 1]),
        fine=clips.fine[[clip]],
    )


class Planner:
    """Draws plans; what it draws depends on the generator alone."""

    def __init__(self, clips: HandClips, fps_hz: float) -> None:
        self._clips = clips
        self._fps_hz = fps_hz
        self._metres = metres(clips.place)

    def alone(self, rng: np.random.Generator) -> Plan:
        """Plan one clip from its first frame to (nearly) its last."""
        clip = int(rng.integers(len(self._clips)))
        sample = self._timing(rng, clip)
        last = len(sample) - 1
        ends = [last - int(rng.integers(0, 2 + last // 16))]
        if rng.random() < 0.35:
            ends.append(int(last * rng.uniform(0.75, 0.97)))
        fine = np.full(len(ends), self._clips.fine[clip])
        return self._plan([(clip, sample, self._metres[clip][sample])], np.array(ends), fine)

    def stream(self, rng: np.random.Generator) -> Plan:
        """Plan rest, a gesture, rest or a broken-off gesture, and perhaps another gesture."""
        parts: list[tuple[int, NDArray[np.int64], NDArray[np.float64]]] = []
        ends: list[int] = []
        fine: list[int] = []
        position = 0

        def add(clip: int, sample: NDArray[np.int64], place: NDArray[np.float64]) -> int:
            nonlocal position
            parts.append((clip, sample, place))
            begun, position = position, position + len(sample)
            return begun

        subject = self._clips.subject[int(rng.integers(len(self._clips)))]
        own = np.flatnonzero(self._clips.subject == subject)
        clip = int(rng.choice(own))
        idle: list[int] = []
        begun = add(clip, *self._rest(rng, clip, 0, 4, 30))
        idle += list(range(begun + 2, position))
        for _ in range(int(rng.integers(1, 3))):
            if rng.random() < 0.3:
                begun = add(clip, *self._broken(rng, clip))
                idle += list(range(begun, position))
                begun = add(clip, *self._rest(rng, clip, 0, 2, 16))
                idle += list(range(begun, position))
            sample = self._timing(rng, clip)
            length = len(sample)
            begun = add(clip, sample, self._metres[clip][sample])
            idle += list(range(begun, begun + length // 5))
            known = begun + int(0.65 * length)
            gesture = int(self._clips.fine[clip])
            stop = position
            begun = add(clip, *self._rest(rng, clip, SAMPLES - 1, 3, 30))
            latest = min(position, stop + 4)
            chosen = [stop - 1, int(rng.integers(known, latest)), int(rng.integers(known, latest))]
            ends += chosen
            fine += [gesture] * len(chosen)
            idle += list(range(stop + 8, position))
            following = int(rng.choice(own))
            begun = add(following, *self._move(rng, clip, following))
            idle += list(range(max(begun, stop + 8), position))
            clip = following
        wanted = min(len(idle), len(ends) + 1)
        resting = rng.choice(np.array(idle), wanted, replace=False)
        return self._plan(
            parts,
            np.concatenate([np.array(ends), resting]),
            np.concatenate([np.array(fine), np.full(wanted, IDLE)]),
        )

    def _timing(self, rng: np.random.Generator, clip: int) -> NDArray[np.int64]:
        """Draw at which grid frame which sample stands: as cut, at real speed, or warped."""
        kind = rng.random()
        if kind < 0.3:
            return np.arange(SAMPLES)
        source = int(self._clips.source_frames[clip])
        if kind < 0.65:
            frames = real_frames(source, self._fps_hz) * rng.uniform(0.8, 1.3)
        else:
            frames = SAMPLES * rng.uniform(0.5, 1.5)
        frames = int(np.clip(frames, 6, 64))
        u = np.linspace(0, 1, frames)
        # a smooth change of speed within the gesture
        bend = rng.uniform(-0.12, 0.12) * np.sin(np.pi * u) + rng.uniform(-0.06, 0.06) * np.sin(
            2 * np.pi * u
        )
        return np.clip((u + bend) * (SAMPLES - 1) + 0.5, 0, SAMPLES - 1).astype(np.int64)

    def _rest(
        self, rng: np.random.Generator, clip: int, sample: int, least: int, most: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Hold a pose: natural jitter and drift, now and then the next pose and back."""
        frames = int(rng.integers(least, most))
        away = 2 if sample == 0 else SAMPLES - 3
        steps = np.where(rng.random(frames) < 0.15, (sample + away) // 2, sample)
        drift = np.cumsum(rng.normal(0, rng.uniform(0.0005, 0.004), (frames, 3)), 0)
        sway = rng.uniform(0, 0.012) * np.sin(
            np.arange(frames)[:, None] * rng.uniform(0.1, 0.6) + rng.uniform(0, 6, 3)
        )
        return steps, self._metres[clip][sample] + drift + sway

    def _broken(
        self, rng: np.random.Generator, clip: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Begin a gesture, stop early and take it back."""
        most = int(SAMPLES * rng.uniform(0.1, 0.3))
        out = np.linspace(0, most, int(rng.integers(3, 9)))
        steps = np.concatenate([out, out[::-1]]).astype(np.int64)
        return steps, self._metres[clip][steps]

    def _move(
        self, rng: np.random.Generator, clip: int, following: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Move from where a clip ended to where the next one starts, in its first pose."""
        frames = int(rng.integers(4, 16))
        u = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0, 1, frames))[:, None]
        start, stop = self._metres[clip][-1], self._metres[following][0]
        arc = rng.normal(0, 0.03, 3) * np.sin(np.pi * u)
        return np.zeros(frames, np.int64), start + (stop - start) * u + arc

    def _plan(
        self,
        parts: Sequence[tuple[int, NDArray[np.int64], NDArray[np.float64]]],
        ends: NDArray[np.int64],
        fine: NDArray[np.int64],
    ) -> Plan:
        return Plan(
            clip=np.concatenate([np.full(len(sample), clip) for clip, sample, _ in parts]),
            sample=np.concatenate([sample for _, sample, _ in parts]),
            place=np.concatenate([place for _, _, place in parts]),
            ends=ends,
            fine=fine,
        )
