"""Gestures of the built-in performer as cut clips: an evaluation that needs no data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from motionrgbd.core.errors import UsageError
from motionrgbd.core.frames import RGBDFrame, ScriptedGesture
from motionrgbd.core.synthetic.domain import DEMO_DOMAIN, TRAINING_DOMAIN, Domain
from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.models.recipe import Modality
from motionrgbd.training.evaluation.clips import EvaluationClip, EvaluationSet, SetRequest

# Seeds that neither training, nor the choice of decision parameters, nor the demo has seen.
_SPLITS: dict[str, tuple[Domain, int]] = {
    "test": (DEMO_DOMAIN, 1_700_000),
    "training-domain": (TRAINING_DOMAIN, 950_000),
}
_BEFORE_S, _AFTER_S = 0.8, 0.2  # around the gesture, as a person would cut a clip
_DEFAULT_TIMES = 4


def read_synthetic(request: SetRequest) -> EvaluationSet:
    """Draw every gesture so many times, each time in another recording.

    Split `test`: hands, camera and room of the demo's domain, which the bundled model has not
    seen in training; `training-domain`: those it has seen, with other seeds. Frames are drawn when
    they are read. Raises UsageError for another split.
    """
    if request.split not in _SPLITS:
        raise UsageError(f"the synthetic set has the splits {', '.join(_SPLITS)}")
    domain, first_seed = _SPLITS[request.split]
    times = _times(request.options.get("gestures-per-class", str(_DEFAULT_TIMES)))
    clips = [
        clip
        for seed in range(first_seed, first_seed + times)
        for clip in recording_clips(seed, domain, request.recipe.fps_hz)
    ]
    return EvaluationSet(
        name="synthetic",
        split=request.split,
        classes=GESTURES,
        clips=tuple(clips),
        notes=(
            "The clips are drawn by this program: figures on them say nothing of real hands",
            f"Recordings of seeds {first_seed} to {first_seed + times - 1}, {domain.name} domain",
        ),
        redistributable=True,
    )


def recording_clips(
    seed: int, domain: Domain, fps_hz: float, labels: Sequence[str] | None = None
) -> Iterator[EvaluationClip]:
    """Yield the gestures of one recording, each cut with a little before and after."""
    recording = SyntheticRecording(seed, domain=domain, fps_hz=fps_hz, labels=labels)
    for n, gesture in enumerate(recording.info.script):
        yield _clip(recording, seed, n, gesture)


def _clip(
    recording: SyntheticRecording, seed: int, number: int, gesture: ScriptedGesture
) -> EvaluationClip:
    fps_hz = recording.info.fps_hz
    first = max(0, round((gesture.start_s - _BEFORE_S) * fps_hz))
    count = round((gesture.end_s + _AFTER_S) * fps_hz) - first

    def frames(_modalities: Sequence[Modality]) -> Iterator[RGBDFrame]:
        for index in range(first, first + count):
            recording.seek(index / fps_hz)  # another reader may have moved it
            frame = recording.read()
            if frame is not None:
                yield frame

    return EvaluationClip(
        name=f"seed {seed}, gesture {number + 1}",
        label=GESTURES.index(gesture.label),
        info=dataclasses.replace(
            recording.info, frame_count=count, duration_s=count / fps_hz, script=()
        ),
        frames=frames,
    )


def _times(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise UsageError(f"--gestures-per-class must be 1 to 1000, got {text!r}")
    return int(text)
