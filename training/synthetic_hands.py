"""Streams of the synthetic hand as wide crops around its true place, with a target per frame."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.hand_place import hand_distance_mm, hand_square
from motionrgbd.core.preprocess import cut_square, relative_depth
from motionrgbd.core.synthetic.domain import TRAINING_DOMAIN, Domain
from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.models.recipe import Recipe, RelativeDepth
from motionrgbd.training.hand_clips import WIDE_M, WIDE_PX
from motionrgbd.training.hand_streams import IDLE_GESTURE, UNKNOWN, Take
from motionrgbd.training.whole_files import keep_arrays, kept_arrays

IGNORED = -2  # frames at which neither idle nor the gesture would be wrong


@dataclass(frozen=True)
class HandRecording:
    """One recording on the recipe's grid, L frames.

    color uint8 (L, W, W, 3), depth uint8 (L, W, W): wide crops. place float64 (L, 3) in m, found
    bool (L,), gesture int (L,): 0..13, IDLE_GESTURE or IGNORED.
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.uint8]
    place: NDArray[np.float64]
    found: NDArray[np.bool_]
    gesture: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.gesture)


@dataclass(frozen=True)
class TargetRule:
    """Which class a window that ends at time t has.

    The gesture's, from `known` of its duration until `after_s` past its end; idle outside the
    span from `begun` of its duration until `over_s` past its end; between, either is right.
    """

    begun: float = 0.25
    known: float = 0.65
    after_s: float = 0.25
    over_s: float = 0.5

    def target(self, time_s: float, script: Sequence[ScriptedGesture]) -> int:
        """Return the class at `time_s`, or IGNORED."""
        ignored = False
        for gesture in script:
            span = gesture.end_s - gesture.start_s
            if gesture.start_s + self.known * span <= time_s <= gesture.end_s + self.after_s:
                return GESTURES.index(gesture.label)
            if gesture.start_s + self.begun * span < time_s < gesture.end_s + self.over_s:
                ignored = True
        return IGNORED if ignored else IDLE_GESTURE


def synthetic_hands(
    seed: int,
    recipe: Recipe,
    domain: Domain = TRAINING_DOMAIN,
    labels: Sequence[str] | None = None,
    idle_s: float | None = None,
) -> HandRecording:
    """Render the recording of this seed and cut the hand out of it by its true box.

    labels: what to perform; None: all fourteen gestures, shuffled. idle_s: so long of no gesture.
    """
    mapping = recipe.depth
    assert isinstance(mapping, RelativeDepth)
    source = SyntheticRecording(
        seed, domain=domain, labels=labels, fps_hz=recipe.fps_hz, idle_s=idle_s
    )
    camera = source.info.intrinsics
    assert camera is not None
    side, rule = WIDE_PX, TargetRule()
    colors, depths, places, found, gestures = [], [], [], [], []
    x, y, z = camera.cx_px, camera.cy_px, 500.0
    while (frame := source.read()) is not None:
        assert frame.color is not None
        assert frame.depth is not None
        truth = source.hand_truth(frame.index).box_px
        if truth is not None:
            y0, x0, y1, x1 = truth
            distance = hand_distance_mm(frame.depth[y0:y1, x0:x1])
            if distance > 0:
                x, y, z = (x0 + x1) / 2, (y0 + y1) / 2, distance
            else:
                truth = None
        box = hand_square(x, y, z, side_m=WIDE_M, focal_px=camera.fx_px)
        near = relative_depth(cut_square(frame.depth, box), z, mapping)
        depths.append(cv2.resize(near, (side, side), interpolation=cv2.INTER_AREA))
        cut = cut_square(frame.color, box)
        colors.append(cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA))
        metres = z / 1000.0
        places.append(
            (
                (x - camera.cx_px) * metres / camera.fx_px,
                (y - camera.cy_px) * metres / camera.fy_px,
                metres,
            )
        )
        found.append(truth is not None)
        gestures.append(rule.target(frame.timestamp_s, source.info.script))
    return HandRecording(
        color=np.stack(colors).astype(np.uint8),
        depth=np.stack(depths).astype(np.uint8),
        place=np.array(places),
        found=np.array(found),
        gesture=np.array(gestures),
    )


def recordings_folder(cache: Path, recipe: Recipe) -> Path:
    """Return where recordings are kept; its name carries what their crops depend on."""
    mapping = recipe.depth
    assert isinstance(mapping, RelativeDepth)
    return cache / f"synthetic-{WIDE_PX}px-{mapping.step_mm:g}mm-{recipe.fps_hz:g}hz"


def recording_file(seed: int, domain: Domain = TRAINING_DOMAIN, idle_s: float | None = None) -> str:
    """Return the name under which a recording is kept."""
    idle = "" if idle_s is None else f"-idle-{idle_s:g}s"
    return f"{domain.name}-{seed:07d}{idle}.npz"


def _cached(job: tuple[int, Recipe, Domain, float | None, Path]) -> Path:
    seed, recipe, domain, idle_s, folder = job
    path = folder / recording_file(seed, domain, idle_s)
    if not path.exists():
        keep_arrays(path, vars(synthetic_hands(seed, recipe, domain, idle_s=idle_s)))
    return path


def load_synthetic_hands(
    seeds: Sequence[int],
    recipe: Recipe,
    cache: Path,
    *,
    domain: Domain = TRAINING_DOMAIN,
    idle_s: float | None = None,
    workers: int = 2,
) -> list[HandRecording]:
    """Return the recordings of these seeds, rendering in parallel what the cache does not hold.

    idle_s: so long of a performer who gestures nothing; None: of all fourteen gestures.
    """
    folder = recordings_folder(cache, recipe)
    jobs = [(seed, recipe, domain, idle_s, folder) for seed in seeds]
    # a fork of a process with threads (torch has some) may wait for a lock that nobody holds
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        paths = list(pool.map(_cached, jobs))
    return [HandRecording(**kept_arrays(path)) for path in paths]


def recorded_take(
    recordings: Sequence[HandRecording], rng: np.random.Generator, frames: int, windows: int
) -> Take:
    """Draw a stretch of a recording, scored where windows end in gestures and where they do not."""
    recording = recordings[int(rng.integers(len(recordings)))]
    start = int(rng.integers(0, max(1, len(recording) - frames)))
    span = slice(start, start + frames)
    targets = recording.gesture[span]
    inside = np.flatnonzero((targets >= 0) & (targets != IDLE_GESTURE))
    idle = np.flatnonzero(targets == IDLE_GESTURE)
    wanted = min(len(inside), (2 * windows) // 3)
    rest = min(len(idle), windows - wanted)
    ends = np.concatenate([rng.choice(inside, wanted), rng.choice(idle, rest)]).astype(np.int64)
    gesture = targets[ends]
    return Take(
        depth=recording.depth[span],
        color=recording.color[span],
        place=recording.place[span],
        found=recording.found[span],
        ends=ends,
        fine=np.where(gesture == IDLE_GESTURE, 2 * IDLE_GESTURE, UNKNOWN),
        gesture=gesture,
    )
