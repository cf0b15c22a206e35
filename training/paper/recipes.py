"""One recipe per row of the paper's tables that is its own, each a parent with a few lines changed.

Settings are the released ones (section 4 of the paper and its configuration files). `RECIPES` holds
all of them by name: `motionrgbd train recipe nvgesture-color`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.recipe import FrameView, Modality, Recipe
from motionrgbd.models.released_recipes import released_recipe
from motionrgbd.training.augmentation import Augmentation
from motionrgbd.training.datasets.benchmark import Benchmark
from motionrgbd.training.datasets.isogd import ISOGD
from motionrgbd.training.datasets.jester import JESTER
from motionrgbd.training.datasets.ntu import NTU
from motionrgbd.training.datasets.nvgesture import NVGESTURE
from motionrgbd.training.datasets.thuread import HELD_OUT, THU_READ
from motionrgbd.training.objective import ACTION_TAU, GESTURE_TAU, Objective
from motionrgbd.training.schedule import Schedule

# steps_per_epoch is a list's length: set when the list is read
_COSINE = Schedule(
    epochs=100,
    steps_per_epoch=1,
    lr=0.01,
    optimiser="sgd",
    weight_decay=3e-4,
    warmup_epochs=3,
    kind="cosine",
    gradient_norm=5.0,
    ema=0.0,
)
_GPUS = 8  # of the authors
FIGURE_TAUS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)  # our grid around the released 0.4 and 0.5


@dataclass(frozen=True)
class TrainingRecipe:
    """Everything a training run is made of but the data's place and the seed.

    train, valid: splits of the benchmark. frames: from stored pictures to the network. batch: clips
    under one step, over all processes. begins_with: recipes of one modality whose weights a fused
    network starts from, colour's first. pretrained: whether the authors started from Jester.
    """

    name: str
    benchmark: Benchmark
    train: str
    valid: str
    network: NetworkConfig
    frames: Recipe
    objective: Objective
    schedule: Schedule
    batch: int
    augmentation: Augmentation = field(default_factory=Augmentation)
    begins_with: tuple[str, ...] = ()
    pretrained: bool = True

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What the network sees."""
        return self.network.modalities  # type: ignore[return-value]


@dataclass(frozen=True)
class ScoreFusion:
    """No training: the class probabilities of two networks, added or multiplied."""

    name: str
    of: tuple[str, str]
    multiplied: bool


@dataclass(frozen=True)
class Size:
    """A network and pictures smaller than the paper's; `scale` is the share of the pictures' sides.

    Figures obtained with it are not comparable with published ones.
    """

    width: float = 0.25
    feature: int = 128
    blocks: int = 2
    heads: int = 4
    recoupling_hidden: int = 64
    recoupling_width: int = 32
    window: int = 32
    branches: tuple[int, int, int] = (8, 16, 24)
    scale: float = 0.5


SMALL = Size()


def _base(
    benchmark: Benchmark, train: str, valid: str, name: str, *, clips_per_gpu: int, tau: float
) -> TrainingRecipe:
    """The colour network of a benchmark."""
    return TrainingRecipe(
        name=f"{name}-color",
        benchmark=benchmark,
        train=train,
        valid=valid,
        network=NetworkConfig(len(benchmark.labels), modalities=("color",)),
        frames=released_recipe(benchmark.name),
        # the released distillation is a sum over one GPU's clips
        objective=Objective(tau=tau, distillation_clips=clips_per_gpu),
        schedule=_COSINE,
        batch=clips_per_gpu * _GPUS,
    )


def _family(
    color: TrainingRecipe, name: str
) -> tuple[TrainingRecipe, TrainingRecipe, TrainingRecipe]:
    """Colour, depth, and the fusion that starts from both."""
    depth = replace(
        color, name=f"{name}-depth", network=replace(color.network, modalities=("depth",))
    )
    fusion = replace(
        color,
        name=f"{name}-fusion",
        network=replace(color.network, modalities=("color", "depth")),
        begins_with=(color.name, depth.name),
    )
    return color, depth, fusion


def _interactions(fusion: TrainingRecipe) -> tuple[TrainingRecipe, ...]:
    """Table 6: in which of space and time the modalities exchange features."""
    return tuple(
        replace(
            fusion,
            name=f"{fusion.name}-{interaction}",
            network=replace(fusion.network, interaction=interaction),
        )
        for interaction in ("spatial", "temporal")
    )


def _without(color: TrainingRecipe) -> tuple[TrainingRecipe, ...]:
    """Table 5, from the last but one row up: each lacks one thing more than the one before."""
    knn = replace(
        color, name=f"{color.name}-no-knn", network=replace(color.network, neighbours=1.0)
    )
    sharpness = replace(
        knn, name=f"{color.name}-no-sharpness", objective=replace(knn.objective, sharpened=False)
    )
    losses = replace(
        sharpness,
        name=f"{color.name}-no-multiloss",
        objective=replace(sharpness.objective, multi_loss=False),
    )
    baseline = replace(
        losses, name=f"{color.name}-baseline", network=replace(losses.network, guided=False)
    )
    return knn, sharpness, losses, baseline


def _recoupled(color: TrainingRecipe) -> tuple[TrainingRecipe, ...]:
    """Figure 6: without recoupling, and with other temperatures of its distillation."""
    without = replace(
        color,
        name=f"{color.name}-no-recoupling",
        network=replace(color.network, recoupling=False),
        objective=replace(color.objective, distillation_clips=0.0),
    )
    others = tuple(
        replace(color, name=f"{color.name}-tau-{tau}", objective=replace(color.objective, tau=tau))
        for tau in FIGURE_TAUS
        if tau != color.objective.tau
    )
    return without, *others


def _late(name: str) -> tuple[ScoreFusion, ...]:
    of = f"{name}-color", f"{name}-depth"
    return (
        ScoreFusion(f"{name}-addition", of, multiplied=False),
        ScoreFusion(f"{name}-multiplication", of, multiplied=True),
    )


_NVGESTURE = replace(
    _base(NVGESTURE, "train", "valid", "nvgesture", clips_per_gpu=4, tau=GESTURE_TAU),
    augmentation=Augmentation(corner_px=(10, 32)),
)
_ISOGD = replace(
    _base(ISOGD, "train", "valid", "isogd", clips_per_gpu=6, tau=GESTURE_TAU),
    schedule=replace(_COSINE, epochs=300, kind="plateau"),
)
_THU_READ = {
    split: replace(
        _base(
            THU_READ,
            f"{split}/train",
            f"{split}/valid",
            f"thuread-{split.lower()}",
            clips_per_gpu=6,
            tau=ACTION_TAU,
        ),
        augmentation=Augmentation(rotated=0.8, angles_deg=(-45, 45), mirrored=0.5),
    )
    for split in HELD_OUT
}
_NTU = {
    split: replace(
        _base(
            NTU,
            f"{split}/train",
            f"{split}/valid",
            f"ntu-{split.lower()}",
            clips_per_gpu=6,
            tau=ACTION_TAU,
        ),
        augmentation=Augmentation(mirrored=0.5),
        pretrained=False,
    )
    for split in ("CS", "CV")
}
_JESTER = replace(
    _base(JESTER, "train", "valid", "jester", clips_per_gpu=6, tau=GESTURE_TAU), pretrained=False
)
_FAMILIES = {
    name.removesuffix("-color"): _family(color, name.removesuffix("-color"))
    for color in (_NVGESTURE, _ISOGD, *_THU_READ.values(), *_NTU.values())
    for name in (color.name,)
}

_TRAINED: tuple[TrainingRecipe, ...] = (
    _JESTER,
    *(recipe for family in _FAMILIES.values() for recipe in family),
    *(
        recipe
        for name in ("nvgesture", "thuread-cs2")
        for color, _, fusion in (_FAMILIES[name],)
        for recipe in (*_without(color), *_recoupled(color), *_interactions(fusion))
    ),
)
_FUSED_LATE = tuple(late for name in _FAMILIES for late in _late(name))

RECIPES: dict[str, TrainingRecipe | ScoreFusion] = {
    **{recipe.name: recipe for recipe in _TRAINED},
    **{recipe.name: recipe for recipe in _FUSED_LATE},
}


def resized(recipe: TrainingRecipe, size: Size) -> TrainingRecipe:
    """Return a recipe with a smaller network and smaller pictures."""
    view, px = recipe.frames.view, recipe.frames.size_px
    assert isinstance(view, FrameView)
    s = size.scale
    left, top = round(view.crop_px[0] * s), round(view.crop_px[1] * s)
    crop = round((view.crop_px[2] - view.crop_px[0]) * s)
    side = round(px[0] * s)
    corner = recipe.augmentation.corner_px
    network = replace(
        recipe.network,
        width=size.width,
        feature=size.feature,
        blocks=size.blocks,
        heads=size.heads,
        recoupling_hidden=size.recoupling_hidden,
        recoupling_width=size.recoupling_width,
        window=size.window,
        branches=size.branches,
        image_size=side,
    )
    frames = replace(
        recipe.frames,
        name=f"{recipe.frames.name}, small",
        fps_hz=recipe.frames.fps_hz * size.window / recipe.frames.window,
        window=size.window,
        size_px=(side, side),
        view=FrameView(
            (round(view.resize_px[0] * s), round(view.resize_px[1] * s)),
            (left, top, left + crop, top + crop),
        ),
    )
    if corner is not None:
        corner = int(corner[0] * s), int(corner[1] * s)
    augmentation = replace(recipe.augmentation, corner_px=corner)
    return replace(recipe, network=network, frames=frames, augmentation=augmentation)


def with_labels(recipe: TrainingRecipe, labels: tuple[str, ...]) -> TrainingRecipe:
    """Return a recipe for a set in the same layout with other classes, none of which mirrors."""
    benchmark = replace(recipe.benchmark, labels=labels, mirror=())
    network = replace(recipe.network, classes=len(labels))
    return replace(recipe, benchmark=benchmark, network=network)
