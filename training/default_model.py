"""The default model: `motionrgbd train default` makes it from SHREC'17 depth and synthetic hands.

Three stages: depth alone; colour alone, which starts from what depth learned; then both fused.
Every stage resumes where it was stopped; what is rendered and cut is kept in the run's folder.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from motionrgbd.core.errors import UsageError
from motionrgbd.models.checkpoint import save_checkpoint
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.recipe import Modality
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.training.datasets.shrec17 import SHREC17
from motionrgbd.training.datasets.table import set_folder
from motionrgbd.training.hand_checkpoint import checkpoint_of
from motionrgbd.training.hand_clips import hand_clips, load_package
from motionrgbd.training.hand_network import FusionStage, HandStage, fused
from motionrgbd.training.hand_recipe import (
    CONFIG,
    RECIPE,
    TrainingPlan,
    full_plan,
    quick_plan,
)
from motionrgbd.training.hand_tasks import FusionTask, HandData, StageTask
from motionrgbd.training.loop import fit
from motionrgbd.training.real_idle import load_real_idle
from motionrgbd.training.synthetic_hands import load_synthetic_hands

STAGES: tuple[Modality, ...] = ("depth", "color")
HELD_OUT_SEEDS = range(900_000, 900_012)  # synthetic recordings that no stage trains on
VAL_SUBJECTS = (19, 20)  # of the official training split: hyper-parameters are chosen on them


def main(argv: Sequence[str] | None = None) -> int:
    """Train all stages, or one; see `--help`."""
    given = _parser().parse_args(argv)
    plan = quick_plan(given.seed) if given.quick else full_plan(given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    data = data_of(plan, given)  # whatever is wrong with it is found before hours of training
    if given.stage in STAGES:
        train_stage(given.stage, plan, data, given.out)
        return 0
    for modality in STAGES:
        train_stage(modality, plan, data, given.out)
    network = train_fusion(plan, data, given.out)
    finish(network, plan, data, given)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="motionrgbd train default", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--root", type=Path, help="the prepared SHREC'17 folder")
    parser.add_argument("--quick", action="store_true", help="minutes instead of hours")
    parser.add_argument(
        "--hold-out-val",
        action="store_true",
        help="train without the val subjects, to choose hyper-parameters on them",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stage", choices=(*STAGES, "all"), default="all")
    return parser


def data_of(plan: TrainingPlan, given: argparse.Namespace) -> HandData:
    """Load (or make and keep) everything that stages train on."""
    folder = set_folder(SHREC17, given.root)
    cache = given.out / "cache"
    package = load_package(folder, ("train", "val"))
    held_out = np.isin(package.subject, VAL_SUBJECTS)
    if not held_out.any() or held_out.all():
        raise UsageError(
            f"{folder}: the training split needs subjects {VAL_SUBJECTS} and others — prepare it "
            "again with `motionrgbd data prepare shrec17`"
        )
    missing = sorted(set(range(28)) - set(package.fine[~held_out].tolist()))
    if missing:
        raise UsageError(f"{folder}: no training clip of label28 {[m + 1 for m in missing]}")
    clips = hand_clips(package, RECIPE, cache)
    workers = os.cpu_count() or 1
    synthetic = load_synthetic_hands(range(plan.recordings), RECIPE, cache, workers=workers)
    watched = clips.chosen(np.flatnonzero(held_out))
    without_val = given.hold_out_val or given.quick
    return HandData(
        clips=clips.chosen(np.flatnonzero(~held_out)) if without_val else clips,
        synthetic=synthetic,
        watched=watched,
        rest=load_real_idle(folder.parent, RECIPE),
    )


def config_of(modality: Modality) -> NetworkConfig:
    """Return the sizes of one modality's stage."""
    return replace(CONFIG, modalities=(modality,))


def train_stage(modality: Modality, plan: TrainingPlan, data: HandData, out: Path) -> HandStage:
    """Train one modality alone; colour starts from the finished depth stage."""
    depth = modality == "depth"
    mixture = plan.depth_mixture if depth else plan.color_mixture
    schedule = plan.depth if depth else plan.color
    start = None if depth else trained_stage("depth", out)
    task = StageTask(modality, config_of(modality), RECIPE, data, mixture, schedule, start)
    network: HandStage = fit(task, schedule, out / modality)
    return network


def trained_stage(modality: Modality, out: Path) -> HandStage:
    """Return what a finished stage left."""
    stage = HandStage(config_of(modality), modality)
    stage.load_state_dict(load_file(out / modality / "last.safetensors"))
    return stage.eval()


def train_fusion(plan: TrainingPlan, data: HandData, out: Path) -> StreamingNetwork:
    """Train interaction and CAPF over the two finished stages."""
    stages = (trained_stage("color", out), trained_stage("depth", out))
    network = fused(CONFIG, *stages)
    task = FusionTask(network, RECIPE, data, plan.fusion_mixture, plan.fusion)
    trained: FusionStage = fit(task, plan.fusion, out / "fusion")
    return trained.network


def finish(
    network: StreamingNetwork, plan: TrainingPlan, data: HandData, given: argparse.Namespace
) -> None:
    """Calibrate on what was held out, write the checkpoint, and say how to make bundles of it."""
    unseen = load_synthetic_hands(HELD_OUT_SEEDS[: plan.held_out], RECIPE, given.out / "cache")
    split = "train" if given.hold_out_val or given.quick else "train and val"
    checkpoint = checkpoint_of(
        network,
        HandData(data.watched, unseen, data.watched),
        data=f"SHREC'17 depth, official training clips ({split}, {len(data.clips)} clips); "
        f"{plan.recordings} synthetic recordings (training domain), drawn by this program; rest "
        f"from {len(data.rest)} training videos of ChaLearn's gesture data (devel59) and IsoGD",
        command=f"motionrgbd train default --out DIR --seed {given.seed}"
        + (" --quick" if given.quick else ""),
        commit=_commit(),
    )
    path = given.out / "model.safetensors"
    save_checkpoint(path, checkpoint)
    for name, value in checkpoint.card.scores.items():
        print(f"{name}: {value}")
    print(f"wrote {path}; a bundle of it: motionrgbd export {path} --classes 14 -o MODEL.mrgbd")


def _commit() -> str:
    """Return the checkout's commit; empty where the program is not run from one."""
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    return found.stdout.strip() if found.returncode == 0 else ""


if __name__ == "__main__":
    raise SystemExit(main())
