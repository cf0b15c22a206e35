"""From a checkpoint to a model bundle: ONNX graphs, held to the network they were made from.

An export ends with both running side by side, the bundle opened as the engine opens it. A bundle
that differs is not written.
"""

from __future__ import annotations

import dataclasses
import logging
import warnings
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Protocol

import torch

from motionrgbd.core.decision import DecisionParameters
from motionrgbd.models.bundle import WINDOW, Bundle, Card, Kind, write_bundle
from motionrgbd.models.checkpoint import Checkpoint, load_checkpoint
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.edges import exact_plan, live_plan
from motionrgbd.models.errors import CheckpointError
from motionrgbd.models.fusion import FusionNetwork
from motionrgbd.models.graphs_edges import EdgeFrames
from motionrgbd.models.graphs_window import StreamingFrames
from motionrgbd.models.grouping import Grouping
from motionrgbd.models.recipe import HandView, Modality, Recipe
from motionrgbd.models.released import load_released
from motionrgbd.models.released_recipes import released_labels, released_recipe
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.models.unimodal import UnimodalNetwork
from motionrgbd.training.parity import Clip, Network, check_parity
from motionrgbd.training.performed_clips import performed_clips
from motionrgbd.training.quantise import SAMPLES, quantised_graphs

Mode = Literal["live", "exact"]
Released = UnimodalNetwork | FusionNetwork
_CALIBRATED_ON = 8  # performances


class Exportable(Protocol):
    """A module whose inputs and outputs have names and fixed shapes."""

    def input_shapes(self) -> Mapping[str, tuple[int, ...]]: ...

    def output_names(self) -> tuple[str, ...]: ...


def export_checkpoint(
    checkpoint: str | PathLike[str],
    out: str | PathLike[str],
    *,
    benchmark: str | None = None,
    mode: Mode = "live",
    modality: Modality = "color",
    span_s: float | None = None,
    quantise: bool = False,
    weights: bool = True,
    classes: str | None = None,
) -> Bundle:
    """Write the bundle of a checkpoint and return it.

    Without a benchmark the checkpoint is one of ours (`models/checkpoint.py`); with one it is the
    authors' for that benchmark: `mode` says how it streams, `modality` what a network of one
    modality was trained on (the file does not tell), `span_s` how long a live window lasts.
    quantise: add graphs in 8-bit integers. weights: keep those of ours, for further training.
    classes: name of one of our checkpoint's groupings, for its labels instead of its classes.
    Raises CheckpointError for a checkpoint that does not
    fit, ParityError, with nothing written, where the graphs do not give the network's scores.
    """
    if benchmark is None:
        bundle, network = streaming_bundle(load_checkpoint(checkpoint), classes)
    elif classes is not None:
        raise ValueError("classes are merged of our own checkpoints only")
    else:
        released = load_released(checkpoint, benchmark=benchmark)
        recipe = released_recipe(benchmark, span_s=span_s)
        card = Card(
            data=benchmark,
            command=f"checkpoint {Path(checkpoint).name} as published by the paper's authors",
            licence="the authors' terms; check them before passing this file on",
        )
        bundle, network = released_bundle(released, recipe, mode=mode, modality=modality, card=card)
    clips: list[Clip] = []
    if quantise:
        if isinstance(bundle.recipe.view, HandView):
            clips = performed_clips(bundle, _CALIBRATED_ON, bundle.config.window + SAMPLES)
        graphs = {**bundle.graphs, **quantised_graphs(bundle, clips)}
        bundle = dataclasses.replace(bundle, graphs=graphs)
    if not weights:
        bundle = dataclasses.replace(bundle, weights=None)
    DecisionParameters.from_json(bundle.decision)  # the engine would refuse what this refuses
    for precision in bundle.precisions:
        # a network of hands is held to hands in 8 bits: their ranges are what it was calibrated on
        held_to = clips if precision == "int8" else []
        check_parity(bundle, network, precision=precision, clips=held_to)
    return write_bundle(out, bundle)


def streaming_bundle(checkpoint: Checkpoint, classes: str | None = None) -> tuple[Bundle, Network]:
    """Return the bundle of a network trained here, and the network.

    classes: name of the checkpoint's grouping whose labels the bundle has, None: its own labels.
    """
    network = streaming_network(checkpoint)
    config = checkpoint.config
    modalities: tuple[Modality, ...] = config.modalities  # type: ignore[assignment]
    grouping = _grouping(checkpoint, classes)
    groups = None if grouping is None else grouping.groups
    wrapped = Network(network, modalities, falls_back=checkpoint.fallback, groups=groups)
    graphs: dict[str, bytes] = {
        modality: export_graph(StreamingFrames(stream))
        for modality, stream in zip(modalities, network.streams, strict=True)
    }
    bundle = Bundle(
        kind="streaming",
        config=config,
        recipe=checkpoint.recipe,
        labels=(grouping or checkpoint).labels,
        decision=(grouping and grouping.decision) or checkpoint.decision,
        card=checkpoint.card,
        graphs={**graphs, WINDOW: export_graph(wrapped.window_scores())},
        weights=checkpoint.to_bytes(),
        groups=groups,
        temperatures=(grouping or checkpoint).temperatures,
    )
    return bundle, wrapped


def _grouping(checkpoint: Checkpoint, name: str | None) -> Grouping | None:
    if name is None:
        return None
    if name not in checkpoint.groupings:
        known = ", ".join(checkpoint.groupings) or "none"
        raise CheckpointError(f"the checkpoint has no classes {name!r}: it knows {known}")
    return checkpoint.groupings[name]


def streaming_network(checkpoint: Checkpoint) -> StreamingNetwork:
    """Return the network of a checkpoint, in evaluation mode."""
    network = StreamingNetwork(checkpoint.config)
    state = {name: torch.from_numpy(array.copy()) for name, array in checkpoint.state.items()}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(f"the weights do not fit their configuration: {error}") from error
    return network.eval()


def released_bundle(
    network: Released,
    recipe: Recipe,
    *,
    mode: Mode,
    modality: Modality = "color",
    card: Card | None = None,
) -> tuple[Bundle, Network]:
    """Return the bundle of a released network in one of its two modes, and the network."""
    fused = isinstance(network, FusionNetwork)
    modalities: tuple[Modality, ...] = ("color", "depth") if fused else (modality,)
    config: NetworkConfig = dataclasses.replace(
        network.config, modalities=modalities, image_size=recipe.size_px[0]
    )
    w = recipe.guidance_window if config.guided else None
    plan = live_plan() if mode == "live" else exact_plan(config.window, w)
    kind: Kind = "released-live" if mode == "live" else "released-exact"
    wrapped = Network(network.eval(), modalities)
    graphs: dict[str, bytes] = {
        m: export_graph(EdgeFrames(wrapped.dsn(m), plan)) for m in modalities
    }
    bundle = Bundle(
        kind=kind,
        config=config,
        recipe=recipe,
        labels=released_labels(recipe.name, config.classes),
        decision={},
        card=card or Card(),
        graphs={**graphs, WINDOW: export_graph(wrapped.window_scores())},
    )
    return bundle, wrapped


def export_graph(module: Any) -> bytes:
    """Return a module as ONNX, with its input and output names and without external data."""
    shapes = module.input_shapes()
    inputs = tuple(torch.zeros(shape) for shape in shapes.values())
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it tells of optional packages that are not needed
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of torch's own deprecations, on every export
            program = torch.onnx.export(
                module.eval(),
                inputs,
                dynamo=True,
                external_data=False,  # else quantisation tools fail
                input_names=list(shapes),
                output_names=list(module.output_names()),
                verbose=False,
            )
    finally:
        logger.setLevel(level)
    assert program is not None
    return without_notes(program.model_proto)


def without_notes(model: Any) -> bytes:
    """Return an ONNX model without what the exporter notes of every node.

    These are file names and lines of the machine that exported: no one else's business, and a sixth
    of the file.
    """
    graph = model.graph
    for noted in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        del noted.metadata_props[:]
    data: bytes = model.SerializeToString()
    return data
