"""The synthetic performer as the live path sees it, to calibrate 8-bit graphs and hold them to."""

from __future__ import annotations

import numpy as np

from motionrgbd.core.guidance import GuidanceSettings, GuidanceStream
from motionrgbd.core.preprocess import make_preparer
from motionrgbd.core.recogniser import network_input
from motionrgbd.core.results import FloatArray
from motionrgbd.core.runner import NetworkInput
from motionrgbd.core.synthetic.domain import TRAINING_DOMAIN
from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.models.bundle import Bundle
from motionrgbd.training.parity import Clip

FIRST_SEED = 910_000  # recordings that no training sees
_BEFORE_S = 2.8  # the performer is ready, and the first gesture begins


def performed_clips(bundle: Bundle, count: int, length: int) -> list[Clip]:
    """Return `count` clips of `length` grid frames, each another hand, room and gesture."""
    return [_performed(bundle, FIRST_SEED + n, length) for n in range(count)]


def _performed(bundle: Bundle, seed: int, length: int) -> Clip:
    recipe = bundle.recipe
    label = GESTURES[seed % len(GESTURES)]
    source = SyntheticRecording(
        seed, domain=TRAINING_DOMAIN, labels=[label, label], fps_hz=recipe.fps_hz
    )
    source.seek(max(0.0, _BEFORE_S - 0.4 * length / recipe.fps_hz))
    preparer = make_preparer(recipe, source.info.intrinsics)
    settings = GuidanceSettings.of(recipe)
    guidance = {m: GuidanceStream(settings) for m in bundle.modalities}
    inputs: list[NetworkInput] = []
    while len(inputs) < length and (frame := source.read()) is not None:
        prepared = preparer.prepare(frame)
        pictures = {"color": prepared.color, "depth": prepared.depth}
        maps = {}
        for modality, stream in guidance.items():
            picture = pictures[modality]
            assert picture is not None
            maps[modality] = stream.push(picture)
        inputs.append(network_input(recipe, prepared, maps))

    def stacked(name: str) -> FloatArray:
        return np.stack([getattr(given, name) for given in inputs])

    return Clip(
        images={m: stacked(m) for m in bundle.modalities},
        guidance={m: stacked(f"{m}_guidance") for m in bundle.modalities},
        motion={m: stacked(f"{m}_motion") for m in bundle.modalities} if recipe.motion else {},
    )
