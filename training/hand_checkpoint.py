"""From the trained stages to the default model's checkpoint: calibration, scores, card."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionrgbd.calibration.confidence import fit_temperature
from motionrgbd.models.bundle import Card
from motionrgbd.models.checkpoint import Checkpoint
from motionrgbd.models.grouping import Grouping, Temperatures
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.training.hand_batches import HandBatch
from motionrgbd.training.hand_labels import FINE_LABELS, GROUPS, LABELS
from motionrgbd.training.hand_network import gesture_scores
from motionrgbd.training.hand_recipe import (
    COMMON_DECISION,
    DECISION,
    MIXTURE_OF_CALIBRATION,
    RECIPE,
)
from motionrgbd.training.hand_tasks import HandBatches, HandData
from motionrgbd.training.schedule import Schedule

_BATCHES = 24
HEADS: Mapping[str, tuple[float, float]] = {  # which of colour and depth are there
    "fused": (1.0, 1.0),
    "color": (1.0, 0.0),
    "depth": (0.0, 1.0),
}
COLOR_NOTE = (
    "colour was learned from synthetic hands and from real hands relit from their depth; there is "
    "no labelled real colour of these gestures, so how well it does on real colour is not known"
)
_LICENCE = (
    "Weights: MIT, as the program. The recordings they were learned from (SHREC'17 / DHG, ChaLearn "
    "gesture data 2011, IsoGD: research use) may not be redistributed and are not in this file: "
    "cite them when you publish."
)
_WEAKNESSES = (
    "SHREC'17 was recorded at 0.3 to 0.7 m, by right-handed people, with one camera; other "
    "cameras, distances and left hands are covered by augmentation and synthetic hands alone"
)


@torch.no_grad()
def head_scores(network: StreamingNetwork, batch: HandBatch) -> dict[str, Tensor]:
    """Return the scores (E, 29) of every state: both modalities, colour alone, depth alone."""
    network = network.cpu().eval()
    parts = [part for part in (batch.color, batch.depth) if part is not None]
    features = network.frames([p.clip for p in parts], [p.guidance for p in parts])
    inputs = [x[0][batch.windows] for x in features]
    motion = [p.motion[batch.windows] for p in parts]
    scores = {}
    for name, there in HEADS.items():
        present = torch.tensor(there).expand(len(batch.windows), 2)
        scores[name] = network.window(inputs, motion, present=present).scores
    return scores


def calibration_scores(
    network: StreamingNetwork, watched: HandData
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.int64]]:
    """Return scores (N, 29) per head over augmented streams, and their gestures (N,)."""
    schedule = Schedule(epochs=1, steps_per_epoch=_BATCHES, seed=77)
    drawn = HandBatches(watched, RECIPE, MIXTURE_OF_CALIBRATION, schedule, ["color", "depth"])
    scores: dict[str, list[Tensor]] = {name: [] for name in HEADS}
    gestures = []
    for batch in drawn.epoch(0):
        for name, values in head_scores(network, batch).items():
            scores[name].append(values)
        gestures.append(batch.gesture)
    return (
        {name: torch.cat(values).numpy() for name, values in scores.items()},
        torch.cat(gestures).numpy(),
    )


def checkpoint_of(
    network: StreamingNetwork,
    watched: HandData,
    *,
    held_out: bool,
    temperatures: Temperatures | None = None,
    data: str,
    command: str,
    commit: str,
) -> Checkpoint:
    """Calibrate the heads on augmented streams and return the checkpoint with its card.

    watched: clips of subjects 19 and 20, which held_out says were not trained on, and synthetic
    recordings that never were. temperatures: those of another run, to be taken instead.

    The temperature of the 15 merged labels serves the 29 classes too: fingers are not known of
    every window.
    """
    scores, gestures = calibration_scores(network, watched)
    merged = {
        name: gesture_scores(torch.from_numpy(values)).numpy() for name, values in scores.items()
    }
    if temperatures is None:
        temperatures = Temperatures(
            **{name: fit_temperature(values, gestures) for name, values in merged.items()}
        )
    accuracy = {
        f"stream windows to calibrate on, {name}": f"{100 * float(hit.mean()):.1f} % of {len(hit)} "
        f"(augmented; subjects 19 and 20, {'held out' if held_out else 'trained on'}; synthetic "
        "recordings, held out)"
        for name, values in merged.items()
        for hit in [values.argmax(1) == gestures]
    }
    return Checkpoint(
        state={name: tensor.numpy() for name, tensor in network.state_dict().items()},
        config=network.config,
        recipe=RECIPE,
        labels=FINE_LABELS,
        decision=COMMON_DECISION,
        card=Card(
            data=data,
            command=command,
            commit=commit,
            scores={**accuracy, "known weaknesses": _WEAKNESSES},
            licence=_LICENCE,
            color_note=COLOR_NOTE,
        ),
        fallback=True,
        temperatures=temperatures,
        groupings={"14": Grouping(LABELS, GROUPS, temperatures, DECISION)},
    )
