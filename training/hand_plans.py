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
from motionrgbd.training.strokes import half_strokes

IDLE = 28  # the fine class after the 28 gestures
# Which class a window has that ends within a gesture: idle until half of its stroke, the gesture
# from this share of it on. What is broken off within the first half of the stroke is none.
KNOWN_FROM = 0.72
BROKEN = (0.3, 1.1)  # of half a stroke
_SETTLING = 10  # frames of a held pose in which a window still shows how the hand came there


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


_Part = tuple[NDArray[np.int64], NDArray[np.float64]]  # samples (n,), the hand's places (n, 3) in m


class _Take:
    """What a stream is made of so far, and which windows could be scored.

    parts: (clip, part) one after the other. ends, fine: windows of gestures. idle: frames at which
    there is none; hard: those of them that look most like one.
    """

    def __init__(self) -> None:
        self.parts: list[tuple[int, _Part]] = []
        self.ends: list[int] = []
        self.fine: list[int] = []
        self.idle: list[int] = []
        self.hard: list[int] = []
        self.position = 0

    def add(self, part: _Part, clip: int) -> None:
        if len(part[0]):
            self.parts.append((clip, part))
            self.position += len(part[0])

    def rest(self, part: _Part, clip: int, skip: int = 0) -> None:
        begun = self.position
        self.add(part, clip)
        self.idle += range(begun + skip, self.position)

    def broken(self, part: _Part, clip: int) -> None:
        begun = self.position
        self.rest(part, clip)
        self.hard += range(begun + len(part[0]) // 3, self.position)


class Planner:
    """Draws plans; what it draws depends on the generator alone."""

    def __init__(self, clips: HandClips, fps_hz: float) -> None:
        self._clips = clips
        self._fps_hz = fps_hz
        self._metres = metres(clips.place)
        self._half = np.minimum(half_strokes(clips.codes, self._metres), 0.5 * SAMPLES)

    def alone(self, rng: np.random.Generator) -> Plan:
        """Plan one clip from its first frame to (nearly) its last."""
        clip = int(rng.integers(len(self._clips)))
        sample = self._timing(rng, clip)
        last = len(sample) - 1
        ends = [last - int(rng.integers(0, 2 + last // 16))]
        if rng.random() < 0.35:
            ends.append(int(last * rng.uniform(0.75, 0.97)))
        fine = np.full(len(ends), self._clips.fine[clip])
        return self._plan([(clip, (sample, self._metres[clip][sample]))], np.array(ends), fine)

    def stream(self, rng: np.random.Generator) -> Plan:
        """Plan rest, a gesture, rest or a broken-off gesture, and perhaps another gesture."""
        take = _Take()
        own, clip = self._person(rng)
        take.rest(self._rest(rng, clip, 0, 4, 30), clip, skip=2)
        for _ in range(int(rng.integers(1, 3))):
            if rng.random() < 0.35:
                take.broken(self._broken(rng, clip), clip)
                take.rest(self._rest(rng, clip, 0, 2, 16), clip)
            sample = self._timing(rng, clip)
            begun, length = take.position, len(sample)
            take.add((sample, self._metres[clip][sample]), clip)
            take.idle += range(begun, begun + int((sample <= self._half[clip]).sum()))
            known, stop = begun + int(KNOWN_FROM * length), take.position
            take.add(self._rest(rng, clip, SAMPLES - 1, 3, 30), clip)
            latest = min(take.position, stop + 4)
            chosen = [stop - 1, int(rng.integers(known, latest)), int(rng.integers(known, latest))]
            take.ends += chosen
            take.fine += [int(self._clips.fine[clip])] * len(chosen)
            following = int(rng.choice(own))
            self._move(rng, take, (clip, SAMPLES - 1), (following, 0))
            take.idle, take.hard = (
                [end for end in ends if not stop <= end < stop + 8]
                for ends in (take.idle, take.hard)
            )
            take.idle += range(stop + 8, take.position)
            clip = following
        return self._drawn(rng, take, min(len(take.idle), len(take.ends) + 3))

    def unrest(self, rng: np.random.Generator) -> Plan:
        """Plan a hand that is up and gestures nothing: poses, moves, broken-off gestures.

        Any pose of a gesture is none while it is held, and none on the way to a place where any
        other hand has been: what a gesture is, is how the hand moves and changes together.
        """
        take = _Take()
        own, clip = self._person(rng)
        sample = self._pose(rng)
        for _ in range(int(rng.integers(2, 6))):
            what = rng.random()
            begun = take.position
            if what < 0.3:
                take.add(self._rest(rng, clip, sample, 4, 40), clip)
                take.hard += range(begun, min(begun + _SETTLING, take.position))
            elif what < 0.65:
                others = own if rng.random() < 0.5 else np.arange(len(self._clips))
                following, there = int(rng.choice(others)), self._pose(rng)
                self._move(rng, take, (clip, sample), (following, there))
                clip, sample = following, there
            else:
                if sample != 0:
                    self._move(rng, take, (clip, sample), (clip, 0))
                take.add(self._rest(rng, clip, 0, 2, 10), clip)
                take.broken(self._broken(rng, clip), clip)
                sample = 0
            take.idle += range(begun, take.position)
        return self._drawn(rng, take, min(len(take.idle), 22))

    def _pose(self, rng: np.random.Generator) -> int:
        """Draw a sample: half of the time where gestures begin or end, else any."""
        if rng.random() < 0.5:
            return int(rng.choice([0, SAMPLES - 1]))
        return int(rng.integers(SAMPLES))

    def _person(self, rng: np.random.Generator) -> tuple[NDArray[np.int64], int]:
        """Draw a person, and one of the person's clips."""
        subject = self._clips.subject[int(rng.integers(len(self._clips)))]
        own = np.flatnonzero(self._clips.subject == subject)
        return own, int(rng.choice(own))

    def _drawn(self, rng: np.random.Generator, take: _Take, wanted: int) -> Plan:
        """Score the gestures' windows and some of the idle ones; the hard ones come first."""
        hard = rng.permutation(np.array(take.hard, np.int64))[: (wanted + 1) // 2]
        easy = rng.choice(np.array(take.idle), wanted - len(hard), replace=False)
        return self._plan(
            take.parts,
            np.concatenate([np.array(take.ends, np.int64), hard, easy]),
            np.concatenate([np.array(take.fine, np.int64), np.full(wanted, IDLE)]),
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
    ) -> _Part:
        """Hold a pose: natural jitter and drift, now and then the next pose and back."""
        frames = int(rng.integers(least, most))
        away = sample + 2 if sample < SAMPLES // 2 else sample - 2
        steps = np.where(rng.random(frames) < 0.15, (sample + away) // 2, sample)
        drift = np.cumsum(rng.normal(0, rng.uniform(0.0005, 0.004), (frames, 3)), 0)
        sway = rng.uniform(0, 0.012) * np.sin(
            np.arange(frames)[:, None] * rng.uniform(0.1, 0.6) + rng.uniform(0, 6, 3)
        )
        return steps, self._metres[clip][sample] + drift + sway

    def _broken(self, rng: np.random.Generator, clip: int) -> _Part:
        """Begin a gesture, stop early; take it back or stay."""
        way = self._timing(rng, clip)
        out = way[way <= max(1.0, self._half[clip] * rng.uniform(*BROKEN))]
        back = out[:: -int(rng.integers(1, 3))] if rng.random() < 0.5 else out[-1:]
        steps = np.concatenate([out, back, np.repeat(back[-1:], int(rng.integers(0, 12)))])
        drift = np.cumsum(rng.normal(0, rng.uniform(0, 0.002), (len(steps), 3)), 0)
        return steps, self._metres[clip][steps] + drift

    def _move(
        self,
        rng: np.random.Generator,
        take: _Take,
        before: tuple[int, int],
        after: tuple[int, int],
    ) -> None:
        """Move from a clip's sample to another's; on the way the hand takes its pose."""
        frames = int(rng.integers(4, 16))
        u = 0.5 - 0.5 * np.cos(np.pi * np.arange(1, frames + 1) / frames)
        start, stop = self._metres[before], self._metres[after]
        arc = rng.normal(0, 0.03, 3)
        place = start + (stop - start) * u[:, None] + arc * np.sin(np.pi * u)[:, None]
        turn = int(frames * rng.uniform(0.0, 0.8))
        begun = take.position
        take.add((np.full(turn, before[1]), place[:turn]), before[0])
        take.add((np.full(frames - turn, after[1]), place[turn:]), after[0])
        take.hard += range(begun + frames // 2, take.position)

    def _plan(
        self,
        parts: Sequence[tuple[int, _Part]],
        ends: NDArray[np.int64],
        fine: NDArray[np.int64],
    ) -> Plan:
        return Plan(
            clip=np.concatenate([np.full(len(sample), clip) for clip, (sample, _) in parts]),
            sample=np.concatenate([sample for _, (sample, _) in parts]),
            place=np.concatenate([place for _, (_, place) in parts]),
            ends=ends,
            fine=fine,
        )
