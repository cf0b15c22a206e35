"""The built-in recording, and streams of the same kind for training."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.frames import ColorImage, DepthImage, RGBDFrame, SourceInfo
from motionrgbd.core.synthetic.domain import DEMO_DOMAIN, TRAINING_DOMAIN, Domain
from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.core.synthetic.idle import write_idle
from motionrgbd.core.synthetic.performer import Pose
from motionrgbd.core.synthetic.scene import Scene, build_scene
from motionrgbd.core.synthetic.script import Script, write_script
from motionrgbd.core.synthetic.sensor import Sensor, sample_sensor

IDLE = -1
"""Label index of a frame that belongs to no gesture; the others index `GESTURES`."""

DEMO_SEED = 1_000_022


@dataclass(frozen=True, slots=True, eq=False)
class HandTruth:
    """Where the hand is: box (y0, x0, y1, x1) in pixels, end exclusive, None out of view;
    centre of the palm (3,) in millimetres, camera frame."""

    box_px: tuple[int, int, int, int] | None
    centre_mm: NDArray[np.float64]


class _Stage:
    """Scene, script and sensor of one seed; draws any moment, in any order."""

    def __init__(
        self,
        seed: int,
        domain: Domain,
        labels: Sequence[str] | None,
        idle_s: float | None,
        size_px: tuple[int, int],
    ) -> None:
        domain.check_seed(seed)
        if idle_s is not None and (labels or not idle_s > 0):
            raise ValueError(f"idle alone lasts more than 0 s and has no gestures, got {idle_s} s")
        choice = np.random.default_rng((seed, 0))
        if labels is None:
            labels = [GESTURES[i] for i in choice.permutation(len(GESTURES))]
        self.scene: Scene = build_scene(np.random.default_rng((seed, 1)), domain, size_px)
        side, centre_mm = self.scene.performer.shape.side, self.scene.centre_mm
        play = np.random.default_rng((seed, 2))
        self.script: Script = (
            write_script(play, domain, side, centre_mm, labels)
            if idle_s is None
            else write_idle(play, side, centre_mm, idle_s)
        )
        self.sensor: Sensor = sample_sensor(np.random.default_rng((seed, 3)), seed, self.scene.view)

    def draw(self, time_s: float, index: int, noisy: bool) -> tuple[ColorImage, DepthImage]:
        state, sway = self.script.state_at(time_s)
        color, depth = self.scene.draw(self.scene.performer.pose(state, sway), sway)
        if noisy:
            return self.sensor.observe(color, depth, index)
        return color, np.rint(depth).astype(np.uint16)

    def truth(self, time_s: float) -> HandTruth:
        state, sway = self.script.state_at(time_s)
        pose: Pose = self.scene.performer.pose(state, sway)
        return HandTruth(self.scene.hand_box(pose), self.scene.to_camera(pose.palm_mm))


class SyntheticRecording:
    """A performer gesturing before a depth camera, drawn with true depth; a `SeekableSource`.

    Every frame is a function of the seed and its index alone. labels: what to perform, in
    order; None: all fourteen gestures, shuffled. idle_s: instead of gestures, pass so much time
    without any. Directions are the picture's: swipe right goes to the right of the image.
    Raises ValueError for a seed that is not the domain's, for an unknown label, and for labels
    in idle time.
    """

    def __init__(
        self,
        seed: int,
        *,
        domain: Domain = DEMO_DOMAIN,
        labels: Sequence[str] | None = None,
        idle_s: float | None = None,
        fps_hz: float = 30.0,
        size_px: tuple[int, int] = (320, 240),
        sensor_noise: bool = True,
    ) -> None:
        self._stage = _Stage(seed, domain, labels, idle_s, size_px)
        self._noisy = sensor_noise
        self._next = 0
        self._closed = threading.Event()
        script = self._stage.script
        count = int(np.floor(script.duration_s * fps_hz))
        self._info = SourceInfo(
            name=f"built-in synthetic recording (seed {seed})",
            live=False,
            fps_hz=fps_hz,
            has_color=True,
            has_depth=True,
            intrinsics=self._stage.scene.view.intrinsics,
            duration_s=count / fps_hz,
            frame_count=count,
            synthetic=True,
            script=script.gestures,
        )

    @property
    def info(self) -> SourceInfo:
        return self._info

    def read(self) -> RGBDFrame | None:
        index = self._next
        if self._closed.is_set() or index >= (self._info.frame_count or 0):
            return None
        self._next += 1
        time_s = index / self._info.fps_hz
        color, depth = self._stage.draw(time_s, index, self._noisy)
        return RGBDFrame(color, depth, index, time_s)

    def seek(self, timestamp_s: float) -> None:
        # A frame's own timestamp finds that frame, whatever the rounding.
        first = int(np.ceil(timestamp_s * self._info.fps_hz - 1e-6))
        self._next = min(max(first, 0), self._info.frame_count or 0)

    def close(self) -> None:
        self._closed.set()

    def hand_truth(self, index: int) -> HandTruth:
        """Where the hand really is in frame `index`."""
        return self._stage.truth(index / self._info.fps_hz)


def demo_recording() -> SyntheticRecording:
    """The recording a newcomer watches first: all fourteen gestures, four of them again."""
    return SyntheticRecording(
        DEMO_SEED,
        labels=(
            "Swipe Right",
            "Swipe Left",
            "Grab",
            "Expand",
            "Pinch",
            "Rotation CW",
            "Rotation CCW",
            "Tap",
            "Tap",  # the same twice in a row: two events, not one
            "Swipe Up",
            "Swipe Down",
            "Swipe V",
            "Shake",
            "Swipe +",
            "Swipe X",
            "Grab",
            "Swipe Right",
            "Shake",
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A whole recording as arrays, for training.

    color uint8 (L, H, W, 3), depth uint16 (L, H, W) in millimetres, labels int64 (L,): index
    into `GESTURES` or IDLE; timestamp_s (L,); boxes_px int64 (L, 4) as `HandTruth`, zeros out
    of view; centres_mm (L, 3).
    """

    color: ColorImage
    depth: DepthImage
    labels: NDArray[np.int64]
    timestamp_s: NDArray[np.float64]
    boxes_px: NDArray[np.int64]
    centres_mm: NDArray[np.float64]
    info: SourceInfo


def render_stream(
    seed: int,
    *,
    domain: Domain = TRAINING_DOMAIN,
    labels: Sequence[str] | None = None,
    fps_hz: float = 30.0,
    size_px: tuple[int, int] = (160, 120),
    sensor_noise: bool = True,
) -> Stream:
    """Draw all frames of the recording with these parameters; the frames are the same bytes."""
    recording = SyntheticRecording(
        seed,
        domain=domain,
        labels=labels,
        fps_hz=fps_hz,
        size_px=size_px,
        sensor_noise=sensor_noise,
    )
    frames = list(iter(recording.read, None))
    count = len(frames)
    times = np.array([frame.timestamp_s for frame in frames])
    found = np.full(count, IDLE, np.int64)
    for gesture in recording.info.script:
        found[(times >= gesture.start_s) & (times < gesture.end_s)] = GESTURES.index(gesture.label)
    truths = [recording.hand_truth(i) for i in range(count)]
    return Stream(
        color=np.stack([frame.color for frame in frames if frame.color is not None]),
        depth=np.stack([frame.depth for frame in frames if frame.depth is not None]),
        labels=found,
        timestamp_s=times,
        boxes_px=np.array([truth.box_px or (0, 0, 0, 0) for truth in truths], np.int64),
        centres_mm=np.stack([truth.centre_mm for truth in truths]),
        info=recording.info,
    )
