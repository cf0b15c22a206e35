"""How far the streaming modes agree with `exact`, on trained weights of the released architecture.

Clips follow each other without a pause, so every mode has a past that a cut clip has not; scores
are compared where each clip ends and its window is exactly the clip.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from motionrgbd.core.guidance import GuidanceSettings, GuidanceStream
from motionrgbd.core.preprocess import normalise
from motionrgbd.core.recogniser import softmax
from motionrgbd.core.results import FloatArray
from motionrgbd.core.runner import NetworkInput, make_runner
from motionrgbd.models.bundle import Bundle, Precision
from motionrgbd.models.unimodal import UnimodalNetwork
from motionrgbd.training.export import released_bundle
from motionrgbd.training.probe_clips import load_probe_clips, resized
from motionrgbd.training.quantise import quantised_graphs
from motionrgbd.training.reference_probe import CONFIG, RECIPE, SIZE_PX
from motionrgbd.training.stream_bench import without_refresh


def agreement_table(probe: Path, data: Path, clips: int = 200) -> str:
    """Return the table for a probe's state dict (`motionrgbd train probe`) on SHREC'17's `val`."""
    network = UnimodalNetwork(CONFIG)
    network.load_state_dict(torch.load(probe, weights_only=True)["model"])
    exact, wrapped = released_bundle(network, RECIPE, mode="exact", modality="depth")
    live, _ = released_bundle(network, RECIPE, mode="live", modality="depth")
    found = load_probe_clips(data / "shrec17", "val")
    chosen = np.random.default_rng(0).permutation(len(found.labels))[:clips]
    pictures = [resized(found.depth[i], SIZE_PX) for i in chosen]
    modes: tuple[tuple[str, Bundle, Precision], ...] = (
        ("exact", exact, "fp32"),
        ("live", live, "fp32"),
        ("live without refresh", without_refresh(live, wrapped), "fp32"),
        ("exact, 8 bit", _with_8_bits(exact), "int8"),
        ("live, 8 bit", _with_8_bits(live), "int8"),
    )
    scores = {name: stream_scores(bundle, pictures, how) for name, bundle, how in modes}
    return _table(scores, found.labels[chosen])


def stream_scores(
    bundle: Bundle, clips: list[NDArray[np.uint8]], precision: Precision
) -> FloatArray:
    """Return probabilities (n, K) at the last frame of each clip of one long stream."""
    runner = make_runner(bundle, "cpu", precision=precision)
    guidance = GuidanceStream(GuidanceSettings.of(RECIPE))
    rows = []
    for clip in clips:
        for image in clip:
            maps = guidance.push(image).values
            runner.push(NetworkInput(depth=normalise(image), depth_guidance=maps))
        scores = runner.predict()
        assert scores is not None
        rows.append(softmax(scores.fused))
    return np.stack(rows)


def _with_8_bits(bundle: Bundle) -> Bundle:
    return dataclasses.replace(bundle, graphs={**bundle.graphs, **quantised_graphs(bundle)})


def _table(scores: dict[str, FloatArray], labels: NDArray[np.int64]) -> str:
    exact = scores["exact"]
    lines = ["| mode | same best class as exact | mean distance of probabilities | accuracy |"]
    lines.append("| --- | ---: | ---: | ---: |")
    for name, p in scores.items():
        same = float((p.argmax(1) == exact.argmax(1)).mean())
        distance = float(np.abs(p - exact).sum(1).mean() / 2)  # total variation, 0..1
        right = float((p.argmax(1) == labels).mean())
        lines.append(f"| {name} | {same:.1%} | {distance:.4f} | {right:.1%} |")
    return "\n".join(lines)
