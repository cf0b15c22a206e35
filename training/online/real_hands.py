"""Streams of real hands: SHREC'17's clips one after the other, a person and a room around them.

Between two clips the hand rests in the pose it has, and moves from where one clip ended to where
the next one begins; streams of idle alone hold poses, move, and break gestures off. Every clip is
shown at its real duration: at every tick of the stream the newest sample that was taken by then.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.frames import RGBDFrame, ScriptedGesture, SourceInfo
from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.training.datasets.shrec17 import SAMPLES
from motionrgbd.training.hand_clips import CAMERA, SOURCE_HZ, Package, clip_places, load_package
from motionrgbd.training.hand_plans import metres
from motionrgbd.training.online.sources import SourceRequest
from motionrgbd.training.online.streams import OnlineStream
from motionrgbd.training.rebuilt_frames import Stage, StagedHand, staged_hand
from motionrgbd.training.strokes import half_strokes

Array = NDArray[np.float64]

HALF_CAMERA = Intrinsics(  # 320x240: finer than what the network sees of a hand
    CAMERA.width_px // 2,
    CAMERA.height_px // 2,
    CAMERA.fx_px / 2,
    CAMERA.fy_px / 2,
    CAMERA.cx_px / 2,
    CAMERA.cy_px / 2,
)
IDLE_STREAM_S = 900.0  # of each subject: four of them make the hour of idle
REST_S, MOVE_S, READY_S = (0.4, 1.3), (0.4, 0.9), (0.3, 1.0)  # between two clips
LEAD_S = 1.5  # before the first one: the model warms up
HOLD_S = (1.0, 4.0)  # a pose, in streams of idle
BROKEN = (0.4, 1.0)  # of the first half of its stroke is made before a gesture is broken off
_DRIFT_M, _TREMOR_M = 0.008, 0.001  # of a hand that is held: slow (a second), and every frame


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """What stands at each of n ticks.

    clip, sample: int (n,), whose crop is shown. offset_m: float64 (n, 3), how far the hand is from
    where it was then (camera axes). gestures: what was made when.
    """

    clip: NDArray[np.int64]
    sample: NDArray[np.int64]
    offset_m: Array
    gestures: tuple[ScriptedGesture, ...]

    def __len__(self) -> int:
        return len(self.clip)


class Writer:
    """Writes scripts of one person's clips; what it draws depends on the generator alone.

    place_m: (clips, 32, 3), where the hand is in every sample.
    """

    def __init__(
        self, package: Package, place_m: Array, rng: np.random.Generator, fps_hz: float
    ) -> None:
        self._package, self._place, self._rng, self._fps_hz = package, place_m, rng, fps_hz
        self._half = half_strokes(package.depth, place_m)
        self._clips: list[int] = []
        self._samples: list[int] = []
        self._offsets: list[Array] = []
        self._gestures: list[ScriptedGesture] = []
        self._at = (0, 0)  # the clip and sample shown last, and how far it is from its own place
        self._away = np.zeros(3)

    def gestures(self, order: Sequence[int]) -> Script:
        """Show clips in this order, with rest, moves and readiness between them."""
        for clip in order:
            first = not self._clips
            self._begin_at(clip, 0)
            self._hold(LEAD_S if first else self._seconds(READY_S))
            self._perform(clip)
            self._hold(self._seconds(REST_S))
        return self._script()

    def idle(self, clips: Sequence[int], duration_s: float) -> Script:
        """Hold poses, move between them and break gestures off, for so long."""
        while len(self._clips) < duration_s * self._fps_hz:
            clip = int(self._rng.choice(np.asarray(clips)))
            what = self._rng.random()
            if what < 0.35:
                self._hold(self._seconds(HOLD_S))
            elif what < 0.7:
                self._begin_at(clip, int(self._rng.choice([0, SAMPLES - 1])))
            else:
                self._begin_at(clip, 0)
                self._hold(self._seconds(READY_S))
                self._break_off(clip)
                self._hold(self._seconds(REST_S))
        return self._script()

    def _seconds(self, span: tuple[float, float]) -> float:
        return float(self._rng.uniform(*span))

    def _ticks(self, duration_s: float) -> int:
        return max(1, round(duration_s * self._fps_hz))

    def _show(self, clip: int, sample: int, away: Array) -> None:
        self._clips.append(clip)
        self._samples.append(sample)
        self._offsets.append(away)
        self._at, self._away = (clip, sample), away

    def _begin_at(self, clip: int, sample: int) -> None:
        """Move to a sample of another clip; half way the hand takes its pose."""
        if not self._clips:
            self._at = (clip, sample)
        before, after = self._at, (clip, sample)
        start = self._place[before] + self._away
        way = self._place[after] - start
        ticks = self._ticks(self._seconds(MOVE_S))
        arc = self._rng.normal(0.0, 0.03, 3)
        for u in 0.5 - 0.5 * np.cos(np.pi * np.arange(1, ticks + 1) / ticks):
            shown = before if u < 0.5 else after
            here = start + way * u + arc * np.sin(np.pi * u)
            self._show(*shown, here - self._place[shown])

    def _hold(self, duration_s: float) -> None:
        """Keep the pose: slow drift about where it is, and tremor."""
        middle, drift = self._away, np.zeros(3)
        keep = np.exp(-1.0 / self._fps_hz)
        for _ in range(self._ticks(duration_s)):
            step = self._rng.normal(0.0, _DRIFT_M, 3)
            drift = keep * drift + np.sqrt(1 - keep**2) * step
            tremor = self._rng.normal(0.0, _TREMOR_M, 3)
            self._show(*self._at, middle + drift + tremor)

    def _step_s(self, clip: int) -> float:
        return float(self._package.source_frames[clip]) / SAMPLES / SOURCE_HZ

    def _perform(self, clip: int) -> None:
        step_s, begin = self._step_s(clip), len(self._clips)
        ticks = int(np.ceil(SAMPLES * step_s * self._fps_hz - 1e-6))
        self._play(clip, np.arange(ticks) / self._fps_hz / step_s)
        start_s = begin / self._fps_hz
        label = GESTURES[int(self._package.fine[clip]) // 2]
        self._gestures.append(ScriptedGesture(label, start_s, start_s + SAMPLES * step_s))

    def _break_off(self, clip: int) -> None:
        """Begin a gesture at its own speed; then stay, or go back."""
        most = self._half[clip] * self._seconds(BROKEN)
        way = np.arange(0.0, most, 1.0 / self._fps_hz / self._step_s(clip))
        self._play(clip, way)
        if self._rng.random() < 0.5:
            self._play(clip, way[::-1])

    def _play(self, clip: int, samples: Array) -> None:
        """Show samples of a clip, the hand as far from its place as it is now, ever less."""
        away = self._away
        for n, sample in enumerate(samples):
            left = np.exp(-n / self._fps_hz)
            self._show(clip, min(int(sample + 1e-6), SAMPLES - 1), away * left)

    def _script(self) -> Script:
        return Script(
            np.array(self._clips),
            np.array(self._samples),
            np.stack(self._offsets),
            tuple(self._gestures),
        )


@dataclass(frozen=True, slots=True)
class HandStreamPlan:
    """Which stream of whose hand; idle_s: of idle alone, or None for all of the clips."""

    folder: Path
    split: str
    subject: int
    seed: int
    fps_hz: float
    idle_s: float | None = None

    def script(self) -> Script:
        """Write down what happens."""
        package, places = _person(self.folder, self.split, self.subject)
        rng = np.random.default_rng((self.seed, self.subject, self.idle_s is not None))
        writer = Writer(package, places, rng, self.fps_hz)
        order = rng.permutation(len(package))
        if self.idle_s is None:
            return writer.gestures([int(clip) for clip in order])
        return writer.idle([int(clip) for clip in order], self.idle_s)

    def open(self) -> RealHandSource:
        """Begin the stream."""
        return RealHandSource(self)


class RealHandSource:
    """A stream of a real hand as a depth camera would see it; a `Source` without colour."""

    def __init__(self, plan: HandStreamPlan) -> None:
        package, self._places = _person(plan.folder, plan.split, plan.subject)
        self._script = plan.script()
        self._stage = _stage(plan, [int(clip) for clip in np.unique(self._script.clip)])
        self._package = package
        self._hand = lru_cache(maxsize=4)(partial(staged_hand, package, camera=HALF_CAMERA))
        self._next = 0
        self._closed = threading.Event()
        self._fps_hz = plan.fps_hz
        self.info = SourceInfo(
            name=f"SHREC'17 {plan.split}, subject {plan.subject}, seed {plan.seed}",
            live=False,
            fps_hz=plan.fps_hz,
            has_color=False,
            has_depth=True,
            intrinsics=HALF_CAMERA,
            duration_s=len(self._script) / plan.fps_hz,
            frame_count=len(self._script),
            script=self._script.gestures,
        )

    def read(self) -> RGBDFrame | None:
        """Return the next frame, None after the last."""
        tick = self._next
        if self._closed.is_set() or tick >= len(self._script):
            return None
        self._next += 1
        clip, sample = int(self._script.clip[tick]), int(self._script.sample[tick])
        hand = self._hand(clip)
        crop = hand.crops[sample] if hand.hands[sample] is not None else None
        place, offset = self._places[clip, sample], self._script.offset_m[tick]
        crop, box = moved(crop, hand.boxes[sample], place, offset)
        wrist = hand.wrist_mm[sample] + 1000.0 * offset
        depth = self._stage.draw(tick, crop, box, wrist, hand.towards[sample])
        return RGBDFrame(None, depth, tick, tick / self._fps_hz)

    def close(self) -> None:
        """End the stream."""
        self._closed.set()


def moved(
    crop: NDArray[np.uint16] | None, box: NDArray[np.int64], place_m: Array, offset_m: Array
) -> tuple[NDArray[np.uint16] | None, NDArray[np.int64]]:
    """Return a crop (mm) and its box (y0 x0 y1 x1) as seen when the hand is `offset_m` away."""
    here = place_m + offset_m
    here[2] = max(here[2], 0.12)
    camera, near = HALF_CAMERA, place_m[2] / here[2]
    middle = [
        (camera.cy_px, camera.fy_px * here[1] / here[2]),
        (camera.cx_px, camera.fx_px * here[0] / here[2]),
    ]
    was = [
        (camera.cy_px, camera.fy_px * place_m[1] / place_m[2]),
        (camera.cx_px, camera.fx_px * place_m[0] / place_m[2]),
    ]
    edges = np.array(
        [
            sum(middle[axis % 2]) + near * (float(edge) - sum(was[axis % 2]))
            for axis, edge in enumerate(box)
        ]
    )
    if crop is not None:
        shift = round(1000.0 * float(here[2] - place_m[2]))
        crop = np.where(crop > 0, np.maximum(crop.astype(np.int64) + shift, 1), 0).astype(np.uint16)
    return crop, np.rint(edges).astype(np.int64)


def shrec17_streams(request: SourceRequest) -> list[OnlineStream]:
    """Return one stream a seed and person of a split, all of the person's clips in random order."""
    return _streams(request, idle_s=None)


def idle_hand_streams(request: SourceRequest) -> list[OnlineStream]:
    """Return idle made of the same people's hands, a quarter of an hour a seed and person."""
    return _streams(request, idle_s=IDLE_STREAM_S)


def _streams(request: SourceRequest, idle_s: float | None) -> list[OnlineStream]:
    assert request.root is not None  # stored: the registry sees to it
    folder, split = request.root / "shrec17", request.split or "test"
    subjects = sorted(set(load_package(folder, (split,)).subject.tolist()))[: request.limit]
    streams = []
    for seed in request.seeds:
        for subject in subjects:
            plan = HandStreamPlan(folder, split, subject, seed, request.fps_hz, idle_s)
            script = plan.script()
            kind = "gestures" if idle_s is None else "idle"
            streams.append(
                OnlineStream(
                    name=f"SHREC'17 {split} {kind}, seed {seed}, subject {subject}",
                    group=f"SHREC'17 {split}, {kind}",
                    open=plan.open,
                    made_of=f"real hands 2 {plan}",
                    duration_s=len(script) / request.fps_hz,
                    gestures=script.gestures,
                )
            )
    return streams


@lru_cache(maxsize=4)
def _person(folder: Path, split: str, subject: int) -> tuple[Package, Array]:
    """Return a person's clips, and where the hand is in them (n, 32, 3), in m."""
    package = load_package(folder, (split,))
    keep = package.subject == subject
    values = {k: v if k == "step_mm" else v[keep] for k, v in vars(package).items()}
    own = Package(**values)
    places = np.stack([clip_places(own, clip) for clip in range(len(own))])
    return own, metres(places)


def _stage(plan: HandStreamPlan, clips: Sequence[int]) -> Stage:
    package, _ = _person(plan.folder, plan.split, plan.subject)
    hands: list[StagedHand] = [staged_hand(package, clip, HALF_CAMERA) for clip in clips]
    rng = np.random.default_rng((plan.seed, plan.subject, 5))
    wrists = np.concatenate([hand.wrist_mm for hand in hands])
    towards = np.concatenate([hand.towards for hand in hands])
    return Stage.build(rng, plan.seed, HALF_CAMERA, wrists, towards)
