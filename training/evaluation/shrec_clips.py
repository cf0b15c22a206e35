"""SHREC'17 clips to evaluate on: full frames rebuilt from hand crops, boxes annotated or found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Literal

from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.preprocess import Preparer, make_preparer
from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.models.recipe import Modality, Recipe
from motionrgbd.training.datasets.shrec17 import SAMPLES
from motionrgbd.training.evaluation.clips import EvaluationClip, EvaluationSet, SetRequest
from motionrgbd.training.hand_clips import (
    CAMERA,
    SOURCE_HZ,
    Package,
    load_package,
)
from motionrgbd.training.hand_labels import FINE_LABELS
from motionrgbd.training.rebuilt_frames import (
    KnownHands,
    RebuiltClip,
    clip_hands,
    plain_clip,
    staged_clip,
)

OPTIONS = {
    "classes": ("14", "28"),
    "timing": ("cut", "timed"),
    "scene": ("plain", "person"),
    "boxes": ("annotated", "found"),
}
_SCENE_SEED = 1


def read_shrec17(request: SetRequest) -> EvaluationSet:
    """Read a split (`train`, `val`, `test`) of the packed folder.

    classes: the 14 gestures, or 28 with the fingers. timing: `cut` takes the 32 samples of a clip
    as equally spaced on the model's grid, `timed` puts each at its real time. scene: the hand's box
    alone, or the hand with forearm in front of a person and a room. boxes: the annotated ones, or
    what the application's finder finds. Raises SourceError for a folder that is not the set.
    """
    folder, options = request.folder("SHREC'17"), request.options
    package = load_package(folder, (request.split,))
    fine = options["classes"] == "28"
    return EvaluationSet(
        name="SHREC'17",
        split=request.split,
        classes=FINE_LABELS[:28] if fine else GESTURES,
        clips=tuple(
            _clip(package, clip, fine, request.recipe.fps_hz, options)
            for clip in range(len(package))
        ),
        notes=(
            "Depth frames rebuilt from hand crops",
            "; ".join(f"{name}: {options[name]}" for name in OPTIONS),
        ),
    )


def _clip(
    package: Package, clip: int, fine: bool, fps_hz: float, options: Mapping[str, str]
) -> EvaluationClip:
    timed, staged = options["timing"] == "timed", options["scene"] == "person"
    source_s = float(package.source_frames[clip]) / SOURCE_HZ
    rate = SAMPLES / source_s if timed else fps_hz
    label = int(package.fine[clip])
    rebuilt = partial(_rebuilt, package, clip, "timed" if timed else "cut", staged, fps_hz)
    annotated = options["boxes"] == "annotated"
    return EvaluationClip(
        name=f"clip {package.index[clip]}, subject {package.subject[clip]}",
        label=label if fine else label // 2,
        info=SourceInfo(
            name=f"SHREC'17 clip {package.index[clip]}",
            live=False,
            fps_hz=rate,
            has_color=False,
            has_depth=True,
            intrinsics=CAMERA,
            duration_s=SAMPLES / rate,
            frame_count=SAMPLES,
        ),
        frames=partial(_frames, rebuilt),
        preparer=partial(_annotated, package, clip) if annotated else None,
    )


def _rebuilt(package: Package, clip: int, timing: str, staged: bool, fps_hz: float) -> RebuiltClip:
    how: Literal["cut", "timed"] = "timed" if timing == "timed" else "cut"
    if staged:
        return staged_clip(package, clip, seed=_SCENE_SEED, timing=how, fps_hz=fps_hz)
    return plain_clip(package, clip, timing=how, fps_hz=fps_hz)


def _frames(rebuilt: partial[RebuiltClip], _modalities: Sequence[Modality]) -> Iterator[RGBDFrame]:
    yield from rebuilt().frames()


def _annotated(package: Package, clip: int, recipe: Recipe) -> Preparer:
    return make_preparer(recipe, CAMERA, detector=KnownHands(clip_hands(package, clip)))
