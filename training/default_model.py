"""The default model: `motionrgbd train default` makes it from SHREC'17 depth and synthetic hands.

Three stages: depth alone; colour alone, which starts from what depth learned; then both fused.
Every stage resumes where it was stopped; what is rendered and cut is kept in the run's folder.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from motionrgbd.core.errors import OutputError, UsageError
from motionrgbd.models.checkpoint import load_checkpoint, save_checkpoint
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.grouping import Temperatures
from motionrgbd.models.recipe import Modality
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.training.checkout import checkout_commit
from motionrgbd.training.datasets.shrec17 import SHREC17, VALIDATION_SUBJECTS
from motionrgbd.training.datasets.table import set_folder
from motionrgbd.training.hand_checkpoint import checkpoint_of
from motionrgbd.training.hand_clips import hand_clips, load_package
from motionrgbd.training.hand_network import FusionStage, HandStage, fused, with_rarer_idle
from motionrgbd.training.hand_recipe import (
    CONFIG,
    IDLE_S,
    RARER_IDLE_NATS,
    RECIPE,
    TrainingPlan,
    full_plan,
    quick_plan,
    refining_plan,
)
from motionrgbd.training.hand_tasks import FusionTask, HandData, StageTask
from motionrgbd.training.loop import fit, process
from motionrgbd.training.real_idle import load_real_idle
from motionrgbd.training.run_state import check_same_run
from motionrgbd.training.synthetic_hands import load_synthetic_hands

STAGES: tuple[Modality, ...] = ("depth", "color")
IDLE_SEEDS = 1000  # from here on: synthetic recordings without gestures
HELD_OUT_SEEDS = range(900_000, 900_012)  # synthetic recordings that no stage trains on


def main(argv: Sequence[str] | None = None) -> int:
    """Train all stages, or one; see `--help`."""
    given = _parser().parse_args(argv)
    if given.seed < 0:
        raise UsageError(f"--seed must be 0 or more, got {given.seed}")
    if process()[1] > 1:
        raise UsageError("train default runs in one process: start it without torchrun")
    if given.quick and given.start:
        raise UsageError("--quick learns from nothing: leave --start out")
    plan = _plan(given)
    # whatever is wrong with what is given is found before hours of training
    temperatures = temperatures_of(given.calibration) if given.calibration else None
    data = data_of(plan, given)
    same_run(plan, data, given)
    if given.stage in STAGES:
        train_stage(given.stage, plan, data, given.out, given.start)
        return 0
    for modality in STAGES:
        train_stage(modality, plan, data, given.out, given.start)
    network = train_fusion(plan, data, given.out)
    finish(network, plan, data, given, temperatures)
    return 0


def _plan(given: argparse.Namespace) -> TrainingPlan:
    if given.quick:
        return quick_plan(given.seed)
    return refining_plan(given.seed) if given.start else full_plan(given.seed)


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
    parser.add_argument(
        "--start",
        type=Path,
        metavar="RUN",
        help="go on from what this finished run learned, in half of the steps",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="RUN",
        help="take the temperatures of this finished run with --hold-out-val: weights that know "
        "the val subjects are too sure of them",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stage", choices=(*STAGES, "all"), default="all")
    return parser


def same_run(plan: TrainingPlan, data: HandData, given: argparse.Namespace) -> None:
    """Note in the run's folder what it is made of. Raises UsageError where it holds another run."""
    clips = hashlib.sha256(data.clips.index.tobytes() + data.clips.codes.tobytes()).hexdigest()
    made_of = {
        "plan": dataclasses.asdict(plan),
        "recipe": RECIPE.to_json(),
        "network": dataclasses.asdict(CONFIG),
        "clips": clips,
        "rest": len(data.rest),
        **({"start": _digest(given.start)} if given.start else {}),
    }
    path, text = given.out / "run.json", json.dumps(made_of, indent=1, sort_keys=True)
    if not path.is_file():
        path.write_text(text + "\n")
        return
    check_same_run(given.out, json.loads(path.read_text()), made_of)


def _digest(run: Path) -> str:
    """Return what a finished run's stages hold, as a hash."""
    held = hashlib.sha256()
    for modality in STAGES:
        path = run / modality / "last.safetensors"
        if not path.is_file():
            raise UsageError(f"{path} is missing: --start names the folder of a finished run")
        held.update(path.read_bytes())
    return held.hexdigest()


def data_of(plan: TrainingPlan, given: argparse.Namespace) -> HandData:
    """Load (or make and keep) everything that stages train on."""
    folder = set_folder(SHREC17, given.root)
    try:
        given.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{given.out} cannot be made ({error.strerror})") from error
    cache = given.out / "cache"
    package = load_package(folder, ("train", "val"))
    held_out = np.isin(package.subject, VALIDATION_SUBJECTS)
    if not held_out.any() or held_out.all():
        raise UsageError(
            f"{folder}: the training split needs subjects {VALIDATION_SUBJECTS} and others — "
            "prepare it again with `motionrgbd data prepare shrec17`"
        )
    missing = sorted(set(range(28)) - set(package.fine[~held_out].tolist()))
    if missing:
        raise UsageError(f"{folder}: no training clip of label28 {[m + 1 for m in missing]}")
    clips = hand_clips(package, RECIPE, cache)
    workers = os.cpu_count() or 1
    synthetic = load_synthetic_hands(range(plan.recordings), RECIPE, cache, workers=workers)
    seeds = range(IDLE_SEEDS, IDLE_SEEDS + plan.still)
    still = load_synthetic_hands(seeds, RECIPE, cache, idle_s=IDLE_S, workers=workers)
    rest = load_real_idle(folder.parent, RECIPE) if plan.rest else []
    without_val = given.hold_out_val or given.quick
    data = HandData(
        clips=clips.chosen(np.flatnonzero(~held_out)) if without_val else clips,
        synthetic=synthetic,
        watched=clips.chosen(np.flatnonzero(held_out)),
        rest=rest,
        still=still,
    )
    told = f"{len(data.clips)} clips, {len(synthetic)} synthetic recordings"
    if rest:
        told += f", rest of real people from {len(rest)} videos"
    elif plan.rest:
        told += f", NO rest of real people: neither cgd2011 nor isogd lies in {folder.parent}"
    print(told, flush=True)
    return data


def config_of(modality: Modality) -> NetworkConfig:
    """Return the sizes of one modality's stage."""
    return dataclasses.replace(CONFIG, modalities=(modality,))


def train_stage(
    modality: Modality,
    plan: TrainingPlan,
    data: HandData,
    out: Path,
    begin: Path | None = None,
) -> HandStage:
    """Train one modality alone; without another run to begin with, colour starts from depth."""
    depth = modality == "depth"
    mixture = plan.depth_mixture if depth else plan.color_mixture
    schedule = plan.depth if depth else plan.color
    start = None if depth else trained_stage("depth", out)
    if begin is not None:
        start = trained_stage(modality, begin)
    task = StageTask(modality, config_of(modality), RECIPE, data, mixture, schedule, start)
    network: HandStage = fit(task, schedule, out / modality)
    return network


def trained_stage(modality: Modality, out: Path) -> HandStage:
    """Return what a finished stage left."""
    stage, path = HandStage(config_of(modality), modality), out / modality / "last.safetensors"
    if not path.is_file():
        raise UsageError(f"{path} is missing: run the {modality} stage first (--stage {modality})")
    stage.load_state_dict(load_file(path))
    return stage.eval()


def train_fusion(plan: TrainingPlan, data: HandData, out: Path) -> StreamingNetwork:
    """Train interaction and CAPF over the two finished stages."""
    stages = (trained_stage("color", out), trained_stage("depth", out))
    network = fused(CONFIG, *stages)
    task = FusionTask(network, RECIPE, data, plan.fusion_mixture, plan.fusion)
    trained: FusionStage = fit(task, plan.fusion, out / "fusion")
    return trained.network


def temperatures_of(run: Path) -> Temperatures:
    """Return what a finished run that held the val subjects out was calibrated to."""
    checkpoint = load_checkpoint(run / "model.safetensors")
    grouping = checkpoint.groupings.get("14")
    if grouping is None or "--hold-out-val" not in checkpoint.card.command:
        raise UsageError(f"{run}: --calibration names a run that was made with --hold-out-val")
    return grouping.temperatures


def finish(
    network: StreamingNetwork,
    plan: TrainingPlan,
    data: HandData,
    given: argparse.Namespace,
    temperatures: Temperatures | None = None,
) -> None:
    """Calibrate, or take temperatures; write the checkpoint, and say how to make bundles of it."""
    network = with_rarer_idle(network, RARER_IDLE_NATS)
    unseen = load_synthetic_hands(HELD_OUT_SEEDS[: plan.held_out], RECIPE, given.out / "cache")
    without_val = given.hold_out_val or given.quick
    split = "without subjects 19 and 20" if without_val else "all subjects"
    rest = (
        f"; people at rest in {len(data.rest)} training videos of ChaLearn's gesture data 2011 "
        "(devel59; Guyon et al.) and IsoGD (Wan et al., 2016)"
        if data.rest and plan.depth_mixture.rest
        else ""
    )
    switches = (" --quick" if given.quick else "") + (
        " --hold-out-val" if given.hold_out_val else ""
    )
    switches += " --start RUN (a finished run of the same command)" if given.start else ""
    if given.calibration:
        switches += " --calibration RUN (the same with --hold-out-val)"
    checkpoint = checkpoint_of(
        network,
        HandData(data.watched, unseen, data.watched),
        held_out=without_val,
        temperatures=temperatures,
        data="SHREC'17 Track / DHG-14/28 (De Smedt et al., 2017), depth of the official training "
        f"split, {split}, {len(data.clips)} clips; {plan.recordings} synthetic recordings "
        f"(training domain, seeds 0 to {plan.recordings - 1}) and {plan.still} without gestures "
        f"(seeds from {IDLE_SEEDS}), drawn by this program{rest}. The "
        "hand finder beside it: the same training clips, cgd2011 rest frames, the synthetic hand",
        command=f"motionrgbd train default --out DIR --seed {given.seed}{switches}",
        commit=checkout_commit(),
    )
    path = given.out / "model.safetensors"
    save_checkpoint(path, checkpoint)
    for name, value in checkpoint.card.scores.items():
        print(f"{name}: {value}")
    print(
        f"wrote {path}; a bundle of it: motionrgbd export {path} --classes 14 --quantise "
        "-o MODEL.mrgbd"
    )


if __name__ == "__main__":
    raise SystemExit(main())
