"""One recipe, one seed: train, keep the best epoch's weights, score them; or fuse two scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from motionrgbd.core.errors import OutputError, UsageError
from motionrgbd.models.bundle import Card
from motionrgbd.models.checkpoint import Checkpoint
from motionrgbd.training.augmentation import DepthNoise
from motionrgbd.training.datasets.benchmark import Benchmark
from motionrgbd.training.loop import fit, process
from motionrgbd.training.paper.clip_sets import Shards
from motionrgbd.training.paper.recipes import (
    RECIPES,
    SMALL,
    ScoreFusion,
    Size,
    TrainingRecipe,
    resized,
)
from motionrgbd.training.paper.task import BenchmarkTask, Network
from motionrgbd.training.run_state import check_same_run
from motionrgbd.training.schedule import Precision
from motionrgbd.training.whole_files import replacing


@dataclass(frozen=True)
class RunOptions:
    """What a user may choose beside the recipe.

    root: folder of the sets, or where they are as shards. out: folder of the runs. size: None is
    the paper's. batch, epochs: instead of the recipe's. clips: at most so many in one pass over a
    device. pretrained: weights of a network of the same architecture, for recipes of one modality.
    depth_noise: whether training depth gets worse at random (the authors' does not). workers:
    processes that read clips.
    """

    root: Path | Shards
    out: Path
    size: Size | None = None
    batch: int | None = None
    epochs: int | None = None
    clips: int | None = None
    pretrained: Path | None = None
    depth_noise: bool = False
    workers: int = 2
    precision: Precision = "32-true"
    accelerator: str = "auto"

    def recipe(self, name: str) -> TrainingRecipe | ScoreFusion:
        """Return a recipe with the options applied. Raises UsageError for an unknown name."""
        if name not in RECIPES:
            near = [known for known in RECIPES if known.startswith(name.partition("-")[0])]
            raise UsageError(f"there is no recipe '{name}': one of {', '.join(near or RECIPES)}")
        recipe = RECIPES[name]
        return recipe if isinstance(recipe, ScoreFusion) else self.applied(recipe)

    def applied(self, recipe: TrainingRecipe) -> TrainingRecipe:
        """Return a recipe in the chosen size, batch and length."""
        schedule = replace(recipe.schedule, precision=self.precision)
        if self.epochs is not None:  # the warm-up keeps its share
            warmup = int(schedule.warmup_epochs * self.epochs / schedule.epochs)
            schedule = replace(schedule, epochs=self.epochs, warmup_epochs=warmup)
        recipe = replace(recipe, schedule=schedule, batch=self.batch or recipe.batch)
        if self.depth_noise:
            augmentation = replace(recipe.augmentation, depth_noise=DepthNoise())
            recipe = replace(recipe, augmentation=augmentation)
        return recipe if self.size is None else resized(recipe, self.size)

    def folder(self, name: str, seed: int) -> Path:
        """Return the folder of a run."""
        return self.out / name / f"seed-{seed}"

    def set_folder(self, benchmark: Benchmark) -> Path | Shards:
        """Return the place of a set."""
        return self.root / benchmark.key


@dataclass(frozen=True)
class RunResult:
    """Top-1 accuracies (0 to 1) of one run on its validation list of `clips` clips.

    best: of the epoch that was best on this very list, as the authors choose theirs; last: of the
    last epoch; fused scores have one figure, of both best epochs.
    """

    recipe: str
    seed: int
    best: float
    last: float
    clips: int


def run_recipe(name: str, seed: int, options: RunOptions) -> RunResult:
    """Train one recipe, after those it begins with, or return what an earlier run has given.

    Raises an error for the user before any training where lists or clips are not in order.
    """
    recipe = options.recipe(name)
    folder = options.folder(name, seed)
    done = folder / "result.json"
    asked = _identity(recipe, options)
    is_done = done.is_file()
    _wait_for_all()  # all have looked: nobody may write the file before
    if is_done:
        return _read_result(done, asked)
    needed = recipe.of if isinstance(recipe, ScoreFusion) else recipe.begins_with
    for other in needed:
        run_recipe(other, seed, options)
    if isinstance(recipe, ScoreFusion):
        result = _fuse(recipe, seed, options)
    else:
        result = _train(recipe, seed, options)
    if process()[0] == 0:
        folder.mkdir(parents=True, exist_ok=True)
        _write(done, {"options": asked, **asdict(result)})
    _wait_for_all()  # the others will read what is written here
    return result


def _wait_for_all() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.barrier()


def prepare_task(recipe: TrainingRecipe, seed: int, options: RunOptions) -> BenchmarkTask:
    """Return the task of a run; the runs that it begins with need not have happened yet."""
    start: Sequence[Path] = ()
    if recipe.begins_with:
        start = [options.folder(n, seed) / "best.safetensors" for n in recipe.begins_with]
    elif options.pretrained is not None and recipe.pretrained:
        start = [options.pretrained]
    return BenchmarkTask(
        recipe,
        options.set_folder(recipe.benchmark),
        seed=seed,
        workers=options.workers,
        clips=options.clips,
        start=start,
    )


def trained_parts(name: str, options: RunOptions) -> list[str]:
    """Return every recipe that must be trained for this one, itself last, each once."""
    recipe = options.recipe(name)
    needed = recipe.of if isinstance(recipe, ScoreFusion) else recipe.begins_with
    parts = [part for other in needed for part in trained_parts(other, options)]
    return list(dict.fromkeys([*parts, *([] if isinstance(recipe, ScoreFusion) else [name])]))


def _train(recipe: TrainingRecipe, seed: int, options: RunOptions) -> RunResult:
    folder = options.folder(recipe.name, seed)
    task = prepare_task(recipe, seed, options)
    schedule = task.schedule(seed)

    def describe(network: Network, figures: Mapping[str, float]) -> Checkpoint:
        state = {name: x.detach().cpu().numpy() for name, x in network.state_dict().items()}
        card = _card(recipe, seed, figures)
        return Checkpoint(state, recipe.network, recipe.frames, recipe.benchmark.labels, {}, card)

    network: Network = fit(
        task, schedule, folder, accelerator=options.accelerator, describe=describe
    )
    last = task.validate(network)["top1"]
    best_file = folder / "best.safetensors"
    network.load_state_dict(load_file(best_file))
    scores, labels = task.scores(network)
    best = float((scores.argmax(1) == labels).mean())
    if process()[0] == 0:
        names = np.array([record.name for record in task.valid])
        np.savez(folder / "scores.npz", scores=scores, labels=labels, names=names)
        _save_as_released(network, best, schedule.epochs, folder / "model.pth")
    return RunResult(recipe.name, seed, best, last, len(labels))


def _card(recipe: TrainingRecipe, seed: int, figures: Mapping[str, float]) -> Card:
    return Card(
        data=f"{recipe.benchmark.name}, {recipe.train}; {recipe.benchmark.citation}",
        command=f"motionrgbd train recipe {recipe.name} --seeds {seed}",
        scores={f"{name} on {recipe.valid}": value for name, value in figures.items()},
        licence=recipe.benchmark.terms,
    )


def _save_as_released(network: Network, best: float, epochs: int, path: Path) -> None:
    """Write what `motionrgbd export` and `evaluate` take with --benchmark, as the authors do."""
    model = {name: x.cpu() for name, x in network.state_dict().items()}
    with replacing(path) as part, part.open("wb") as file:
        torch.save({"model": model, "epoch": epochs, "bestacc": best}, file)


def _fuse(recipe: ScoreFusion, seed: int, options: RunOptions) -> RunResult:
    color, depth = (_saved_scores(options.folder(name, seed)) for name in recipe.of)
    if color["names"].tolist() != depth["names"].tolist():
        raise UsageError(
            f"{recipe.name}: the runs {' and '.join(recipe.of)} were scored on different clips — "
            "delete their folders and run them again"
        )
    p, q = _softmax(color["scores"]), _softmax(depth["scores"])
    fused = p * q if recipe.multiplied else p + q
    right = float((fused.argmax(1) == color["labels"]).mean())
    return RunResult(recipe.name, seed, right, right, len(fused))


def _saved_scores(folder: Path) -> dict[str, NDArray[Any]]:
    path = folder / "scores.npz"
    try:
        with np.load(path) as saved:
            return {name: saved[name] for name in saved.files}
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} is missing or damaged — delete {folder} to run it again") from (
            error
        )


def _softmax(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    e = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def _identity(recipe: TrainingRecipe | ScoreFusion, options: RunOptions) -> dict[str, Any]:
    """What must be equal for an earlier result to stand for this run."""
    parts = (
        [options.recipe(name) for name in recipe.of]
        if isinstance(recipe, ScoreFusion)
        else [recipe]
    )
    trained = [part for part in parts if isinstance(part, TrainingRecipe)]
    return {
        "root": str(options.root),
        "epochs": [part.schedule.epochs for part in trained],
        "batch": [part.batch for part in trained],
        "size": None if options.size is None else asdict(options.size),
        "depth_noise": options.depth_noise,
        "precision": options.precision,
        "pretrained": None if options.pretrained is None else str(options.pretrained),
    }


def _read_result(path: Path, asked: Mapping[str, Any]) -> RunResult:
    try:
        saved = json.loads(path.read_text())
        there = saved.pop("options")
        result = RunResult(**saved)
    except (ValueError, TypeError, KeyError) as error:
        raise OutputError(f"{path} cannot be read — delete its folder to run it again") from error
    check_same_run(path.parent, there, asked)
    return result


def _write(path: Path, values: Mapping[str, Any]) -> None:
    with replacing(path) as part:
        part.write_text(json.dumps(values, indent=2) + "\n")


SIZES: dict[str, Size | None] = {"full": None, "small": SMALL}
