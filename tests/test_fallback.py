"""A fused network that does without a modality, from its checkpoint to what the engine scores."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from motionrgbd.core.errors import ModalityError
from motionrgbd.core.runner import NetworkInput, Runner, Scores, make_runner
from motionrgbd.models.bundle import Bundle, load_bundle, write_bundle
from motionrgbd.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.errors import BundleError, CheckpointError, ParityError
from motionrgbd.models.graphs_window import WindowScores
from motionrgbd.models.grouping import Grouping, Temperatures
from motionrgbd.models.recipe import FrameView, Modality, Recipe
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.training.export import export_checkpoint, export_graph, streaming_bundle
from motionrgbd.training.parity import Network, check_parity, random_clip
from motionrgbd.training.quantise import quantised_graphs
from motionrgbd.training.rebuilt_weights import rebuild_weights

pytestmark = pytest.mark.usefixtures("one_thread")

T, SIDE = 6, 32
CONFIG = NetworkConfig(
    classes=5,
    window=T,
    branches=(2, 4, 5),
    feature=32,
    width=1 / 16,
    blocks=1,
    heads=4,
    recoupling_hidden=8,
    recoupling_width=4,
    modalities=("color", "depth"),
    depth_channels=3,
    image_size=SIDE,
    temporal_pool="causal",
    energies=2,
)
RECIPE = Recipe(
    "tiny",
    15.0,
    T,
    (SIDE, SIDE),
    FrameView((SIDE, SIDE), (0, 0, SIDE, SIDE)),
    motion=True,
    padding="repeat_first",
)
COARSE = Grouping(("rest", "move"), (0, 1, 1, 0, 1), Temperatures(2.0, 3.0, 4.0), {"on": 0.7})
BOTH: tuple[Modality, ...] = ("color", "depth")


def make_checkpoint(**changes: object) -> Checkpoint:
    network = StreamingNetwork(CONFIG).eval()
    rebuild_weights(network)
    state = {name: x.numpy() for name, x in network.state_dict().items()}
    made = Checkpoint(state, CONFIG, RECIPE, ("a", "b", "c", "d", "e"), fallback=True)
    return dataclasses.replace(made, groupings={"2": COARSE}, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made() -> tuple[Bundle, Network]:
    return streaming_bundle(make_checkpoint())


@pytest.fixture(scope="module")
def quantised(made: tuple[Bundle, Network]) -> Bundle:
    bundle = made[0]
    return dataclasses.replace(bundle, graphs={**bundle.graphs, **quantised_graphs(bundle)})


def run(runner: Runner, frames: list[NetworkInput]) -> list[Scores]:
    runner.reset()
    scores = []
    for frame in frames:
        runner.push(frame)
        scores.append(runner.predict())
    assert all(s is not None for s in scores)
    return scores  # type: ignore[return-value]


def clip(bundle: Bundle, there: tuple[Modality, ...], length: int = 3 * T) -> list[NetworkInput]:
    return list(random_clip(bundle, length).frames(there))


def test_every_state_of_presence_is_held_to_the_network(made: tuple[Bundle, Network]) -> None:
    bundle, network = made
    assert bundle.falls_back
    check_parity(bundle, network)
    other = Network(network.module, network.modalities)  # takes both for there, always
    with pytest.raises(ParityError, match="scores of the random stream without color"):
        check_parity(bundle, other)


def test_eight_bit_graphs_fall_back_too(made: tuple[Bundle, Network], quantised: Bundle) -> None:
    check_parity(quantised, made[1], precision="int8")


@pytest.mark.parametrize("alone", BOTH)
def test_a_modality_alone_scores_as_its_head(made: tuple[Bundle, Network], alone: Modality) -> None:
    bundle, _ = made
    for scores in run(make_runner(bundle, "cpu"), clip(bundle, (alone,))):
        assert scores.used == (alone,)
        head = scores.color if alone == "color" else scores.depth
        other = scores.depth if alone == "color" else scores.color
        np.testing.assert_array_equal(scores.fused, head)
        assert other is None


def test_a_modality_lost_is_gone_at_once_and_counts_after_a_window_of_its_own(
    made: tuple[Bundle, Network],
) -> None:
    bundle, _ = made
    runner = make_runner(bundle, "cpu")
    lost, back = T + 2, T + 5
    both, depth = clip(bundle, BOTH, 4 * T), clip(bundle, ("depth",), 4 * T)
    mixed = both[:lost] + depth[lost:back] + both[back:]
    scores = run(runner, mixed)
    counted = [s.used == BOTH for s in scores]
    assert counted == [n < lost or n >= back + T - 1 for n in range(4 * T)]
    alone = run(runner, depth)
    for n in range(lost, back + T - 1):  # as if there had never been colour
        np.testing.assert_array_equal(scores[n].fused, alone[n].fused)
    whole = run(runner, both[back:])
    # the returned colour began there; depth's past reaches further back by its causal pools
    np.testing.assert_allclose(scores[-1].fused, whole[-1].fused, rtol=1e-3, atol=1e-3)


def test_where_the_other_one_goes_before_that_the_stream_begins_anew(
    made: tuple[Bundle, Network],
) -> None:
    bundle, _ = made
    runner = make_runner(bundle, "cpu")
    both, color, depth = (clip(bundle, there) for there in (BOTH, ("color",), ("depth",)))
    back, lost = T + 2, T + 4
    scores = run(runner, depth[:back] + both[back:lost] + color[lost:])
    assert [s.used for s in scores[lost - 1 : lost + 1]] == [("depth",), ("color",)]
    assert runner.age == len(color) - back
    for got, expected in zip(scores[lost:], run(runner, color[back:])[lost - back :], strict=True):
        np.testing.assert_array_equal(got.fused, expected.fused)


def test_a_frame_of_nothing_is_refused(made: tuple[Bundle, Network]) -> None:
    with pytest.raises(ModalityError, match="colour or depth"):
        make_runner(made[0], "cpu").push(NetworkInput())


def test_a_network_not_trained_for_it_refuses_a_missing_modality() -> None:
    bundle, _ = streaming_bundle(make_checkpoint(fallback=False))
    assert not bundle.falls_back
    with pytest.raises(ModalityError, match="needs colour and depth; this stream has no depth"):
        make_runner(bundle, "cpu").push(clip(bundle, ("color",))[0])


def test_merged_scores_are_the_logsumexp_of_their_classes(tmp_path: Path) -> None:
    """As exported by name from a saved checkpoint, in every head, and both graphs' precisions."""
    save_checkpoint(tmp_path / "c.safetensors", make_checkpoint())
    checkpoint = load_checkpoint(tmp_path / "c.safetensors")
    assert checkpoint.groupings == {"2": COARSE}
    assert checkpoint.fallback
    export_checkpoint(tmp_path / "c.safetensors", tmp_path / "m.mrgbd", classes="2")
    bundle = load_bundle(tmp_path / "m.mrgbd")
    assert (bundle.labels, bundle.groups) == (COARSE.labels, COARSE.groups)
    assert (bundle.temperatures, bundle.decision) == (COARSE.temperatures, {"on": 0.7})
    fine, _ = streaming_bundle(checkpoint)
    frames = clip(fine, BOTH)
    fine_scores = run(make_runner(fine, "cpu"), frames)[-1]
    merged = run(make_runner(bundle, "cpu"), frames)[-1]
    for head in ("fused", "color", "depth"):
        scores = torch.from_numpy(getattr(fine_scores, head))
        expected = [torch.logsumexp(scores[c], 0) for c in ([0, 3], [1, 2, 4])]
        np.testing.assert_allclose(getattr(merged, head), expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(CheckpointError, match="no classes '14': it knows 2"):
        export_checkpoint(tmp_path / "c.safetensors", tmp_path / "n.mrgbd", classes="14")


def test_what_a_bundle_says_of_its_labels_survives_writing(
    tmp_path: Path, made: tuple[Bundle, Network]
) -> None:
    bundle, network = made
    window = export_graph(WindowScores(network.module, BOTH, groups=COARSE.groups))
    merged = dataclasses.replace(
        bundle,
        graphs={**bundle.graphs, "window": window},
        labels=COARSE.labels,
        groups=COARSE.groups,
        temperatures=COARSE.temperatures,
    )
    write_bundle(tmp_path / "m.mrgbd", merged)
    loaded = load_bundle(tmp_path / "m.mrgbd")
    assert (loaded.groups, loaded.temperatures) == (COARSE.groups, COARSE.temperatures)
    assert not loaded.falls_back


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"groups": (0, 1, 1, 0)}, "4 groups for 5 classes"),
        ({"groups": (0, 1, 1, 0, 2)}, "2 labels, but classes go to"),
        ({"labels": ("a", "b", "c")}, "3 labels for 5 classes"),
    ],
)
def test_impossible_merges(
    made: tuple[Bundle, Network], changes: dict[str, object], reason: str
) -> None:
    given = {"labels": COARSE.labels, **changes}
    with pytest.raises(BundleError, match=reason):
        dataclasses.replace(made[0], **given)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), "1"])
def test_impossible_temperatures(value: float) -> None:
    with pytest.raises(BundleError, match="temperature of depth must be positive"):
        Temperatures(depth=value)
