"""From networks to bundles to runners: what the engine computes is what the network computes."""

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from tiny_networks import FUSED, RELEASED, WINDOW

from motionrgbd.core.errors import ModalityError
from motionrgbd.core.runner import NetworkInput, make_runner
from motionrgbd.models.bundle import Bundle, load_bundle
from motionrgbd.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.errors import BundleError, CheckpointError, ParityError
from motionrgbd.models.graphs_window import WindowScores
from motionrgbd.models.recipe import FrameView, Recipe
from motionrgbd.models.released import ReleasedFusionNetwork, ReleasedUnimodalNetwork
from motionrgbd.models.released_recipes import released_labels, released_recipe
from motionrgbd.models.streaming import StreamingNetwork, windows_at
from motionrgbd.training import export, parity
from motionrgbd.training.export import (
    export_checkpoint,
    export_graph,
    released_bundle,
    streaming_bundle,
)
from motionrgbd.training.parity import Network, check_parity, random_clip
from motionrgbd.training.rebuilt_weights import rebuild_weights

pytestmark = pytest.mark.usefixtures("one_thread")

T, CONFIG = WINDOW, RELEASED
RECIPE = Recipe("tiny", 24.0, T, (40, 40), FrameView((40, 40), (0, 0, 40, 40)), guidance_window=4)


def make_checkpoint(padding: str = "repeat_first") -> Checkpoint:
    """A streaming network of depth with motion energies."""
    depth = ("depth",)
    config = dataclasses.replace(CONFIG, modalities=depth, temporal_pool="causal", energies=2)
    network = StreamingNetwork(config).eval()
    rebuild_weights(network)
    state = {name: x.numpy() for name, x in network.state_dict().items()}
    recipe = dataclasses.replace(RECIPE, motion=True, padding=padding)
    return Checkpoint(state, config, recipe, ("a", "b", "c"), {"on": 0.5, "off": 0.3})


def make_released(config: NetworkConfig = FUSED) -> ReleasedUnimodalNetwork | ReleasedFusionNetwork:
    fused = len(config.modalities) == 2
    network = (ReleasedFusionNetwork if fused else ReleasedUnimodalNetwork)(config).eval()
    rebuild_weights(network)
    return network


Made = tuple[Bundle, Network]


@pytest.fixture(scope="module")
def streaming() -> Made:
    return streaming_bundle(make_checkpoint())


@pytest.fixture(scope="module")
def live() -> Made:
    return released_bundle(make_released(), RECIPE, mode="live")


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Of one modality, as the command exports it."""
    network = make_released(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "load_released", lambda path, benchmark: network)
        patch.setattr(export, "released_recipe", lambda benchmark, span_s: RECIPE)
        path = tmp_path_factory.mktemp("exact") / "m.mrgbd"
        export_checkpoint("x.pth", path, benchmark="NvGesture", mode="exact")
    return load_bundle(path), Network(network, ("color",))


@pytest.mark.parametrize("made", ["streaming", "live", "exact"])
def test_runners_score_as_their_networks(made: str, request: pytest.FixtureRequest) -> None:
    check_parity(*request.getfixturevalue(made))


@pytest.mark.parametrize("made", ["streaming", "live", "exact"])
def test_parity_notices_other_weights(made: str, request: pytest.FixtureRequest) -> None:
    bundle, network = request.getfixturevalue(made)
    other = copy.deepcopy(network)
    with torch.no_grad():
        next(other.dsn(bundle.modalities[0]).parameters()).mul_(1.001)
    with pytest.raises(ParityError, match="features of the random stream differ"):
        check_parity(bundle, other)


def test_one_modality_without_guidance_as_depth(
    monkeypatch: pytest.MonkeyPatch, exact: Made
) -> None:
    """Its window graph is the guided network's: rebuilt weights depend on names alone."""

    def export_frames(module: Any) -> bytes:
        if isinstance(module, WindowScores):
            return relabelled(exact[0].graphs["window"])
        return export_graph(module)

    monkeypatch.setattr(export, "export_graph", export_frames)
    config = dataclasses.replace(CONFIG, guided=False)
    bundle, network = released_bundle(make_released(config), RECIPE, mode="exact", modality="depth")
    assert bundle.modalities == ("depth",)
    check_parity(bundle, network)


def relabelled(window: bytes) -> bytes:
    """The window graph of one modality, for depth instead of colour."""
    model = onnx.load_model_from_string(window)
    for node in model.graph.node:
        node.input[:] = ["depth" if name == "color" else name for name in node.input]
    model.graph.input[0].name = "depth"
    data: bytes = model.SerializeToString()
    return data


def test_graphs_tell_nothing_of_the_machine_that_exported_them(streaming: Made) -> None:
    bundled = Path(export.__file__).parents[1] / "app" / "default.mrgbd"
    for data in (*streaming[0].graphs.values(), bundled.read_bytes()):
        assert b'.py"' not in data
        assert b"torch.nn" not in data


def test_every_prefix_scores_as_the_padded_clip(streaming: Made) -> None:
    """What the window lacks, its first frame stands for, in features and energies."""
    bundle, network = streaming
    clip = random_clip(bundle, T + 3)
    runner = make_runner(bundle, "cpu")
    features = {m: network.features(m, clip.images[m], clip.guidance[m]) for m in clip.images}
    for n, frame in enumerate(clip.frames()):
        runner.push(frame)
        scores = runner.predict()
        assert scores is not None
        sequences = [*features.values(), *clip.motion.values()]
        windows = [windows_at(torch.from_numpy(x)[None], [n], T)[0].numpy() for x in sequences]
        expected = network.window(windows[:1], windows[1:])
        for got, name in (
            (scores.fused, "fused"),
            (scores.features, "embedding"),
        ):
            np.testing.assert_allclose(got, expected[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("made", ["live", "exact"])
def test_nothing_is_scored_before_the_window_is_full(
    made: str, request: pytest.FixtureRequest
) -> None:
    bundle, _ = request.getfixturevalue(made)
    runner = make_runner(bundle, "cpu")
    for n, frame in enumerate(random_clip(bundle, T + 1).frames()):
        runner.push(frame)
        assert (runner.predict() is None) == (n < T - 1)
    runner.reset()
    assert runner.predict() is None


@pytest.mark.parametrize("made", ["streaming", "live", "exact"])
def test_a_replay_gives_identical_bytes(made: str, request: pytest.FixtureRequest) -> None:
    bundle, _ = request.getfixturevalue(made)
    runs = []
    runner = make_runner(bundle, "cpu")
    for _ in range(2):
        runner.reset()
        scores = []
        for frame in random_clip(bundle, T + 5).frames():
            runner.push(frame)
            prediction = runner.predict()
            scores.append(b"" if prediction is None else prediction.fused.tobytes())
        runs.append(scores)
    assert runs[0] == runs[1]


def test_a_missing_modality_is_named(live: Made) -> None:
    bundle, _ = live
    frame = next(random_clip(bundle, 1).frames())
    lacking = NetworkInput(color=frame.color, color_guidance=frame.color_guidance)
    with pytest.raises(ModalityError, match="needs colour and depth; this stream has no depth"):
        make_runner(bundle, "cpu").push(lacking)


def test_missing_motion_is_named(streaming: Made) -> None:
    bundle, _ = streaming
    frame = dataclasses.replace(next(random_clip(bundle, 1).frames()), depth_motion=None)
    with pytest.raises(ModalityError, match="motion of depth"):
        make_runner(bundle, "cpu").push(frame)


def test_the_provider_is_the_sessions(live: Made) -> None:
    assert make_runner(live[0], "auto").provider.startswith(("CPU", "CUDA"))


@pytest.mark.parametrize("w", [5, 12])
def test_a_graph_for_another_guidance_window(exact: Made, w: int) -> None:
    recipe = dataclasses.replace(RECIPE, guidance_window=w)
    with pytest.raises(BundleError, match="do not fit its recipe"):
        make_runner(dataclasses.replace(exact[0], recipe=recipe), "cpu")


def test_precision_that_is_not_there(live: Made) -> None:
    with pytest.raises(BundleError, match="no int8"):
        make_runner(live[0], "cpu", precision="int8")


def test_exported_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streaming: Made
) -> None:
    save_checkpoint(tmp_path / "c.safetensors", make_checkpoint())
    monkeypatch.setattr(export, "streaming_bundle", lambda *_: streaming)  # exporting takes long
    written = export_checkpoint(tmp_path / "c.safetensors", tmp_path / "m.mrgbd", quantise=True)
    bundle = load_bundle(tmp_path / "m.mrgbd")
    assert bundle.sha256 == written.sha256
    assert bundle.precisions == ("fp32", "int8")
    assert bundle.decision == {"on": 0.5, "off": 0.3}
    # and back: the weights inside train further
    (tmp_path / "again.safetensors").write_bytes(bundle.weights or b"")
    again = load_checkpoint(tmp_path / "again.safetensors")
    assert all((again.state[n] == x).all() for n, x in make_checkpoint().state.items())
    assert again.recipe == bundle.recipe


def test_an_export_without_parity_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streaming: Made
) -> None:
    save_checkpoint(tmp_path / "c.safetensors", make_checkpoint())
    monkeypatch.setattr(export, "streaming_bundle", lambda *_: streaming)
    monkeypatch.setattr(parity, "FEATURE_TOLERANCE", 0.0)
    with pytest.raises(ParityError, match="nothing was written"):
        export_checkpoint(tmp_path / "c.safetensors", tmp_path / "m.mrgbd")
    assert [p.name for p in tmp_path.iterdir()] == ["c.safetensors"]


def test_exported_release(exact: Made) -> None:
    bundle, _ = exact
    assert (bundle.kind, bundle.labels) == ("released-exact", ("1", "2", "3"))
    assert bundle.card.data == "NvGesture"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data[:100], "damaged"),
        (lambda data: b"pickle", "damaged"),
        (lambda data: data.replace(b'\\"format\\": 1', b'\\"format\\": 9'), "newer"),
        (lambda data: data.replace(b"motionrgbd", b"otherthing"), "not a checkpoint"),
    ],
)
def test_checkpoints_that_are_none(tmp_path: Path, change: object, reason: str) -> None:
    (tmp_path / "c").write_bytes(change(make_checkpoint().to_bytes()))  # type: ignore[operator]
    with pytest.raises(CheckpointError, match=reason):
        load_checkpoint(tmp_path / "c")
    with pytest.raises(CheckpointError, match="no such file"):
        load_checkpoint(tmp_path / "none")


def test_weights_that_do_not_fit() -> None:
    checkpoint = make_checkpoint()
    state = dict(list(checkpoint.state.items())[1:])
    with pytest.raises(CheckpointError, match="do not fit"):
        streaming_bundle(dataclasses.replace(checkpoint, state=state))


def test_released_recipes() -> None:
    recipe = released_recipe("NvGesture")
    assert (recipe.fps_hz, recipe.guidance_window) == (24.0, 4)
    assert recipe.window_s == pytest.approx(80 / 30)
    for benchmark, span_s in (("IsoGD", 3.8), ("THU-READ", 5.35), ("NTU", 76 / 30)):
        recipe = released_recipe(benchmark)
        assert recipe.span_s == pytest.approx(recipe.window_s) == pytest.approx(span_s)
        assert recipe.guidance_window == 10
        left, top, right, bottom = recipe.view.crop_px  # type: ignore[union-attr]
        width, height = recipe.view.resize_px  # type: ignore[union-attr]
        assert (left, top) == (width - right, height - bottom)  # the centre
    assert released_recipe("IsoGD", span_s=2.0).fps_hz == 32.0
    with pytest.raises(ValueError, match="rate of 24 Hz"):
        released_recipe("NvGesture", span_s=2.0)
    with pytest.raises(ValueError, match="unknown benchmark 'EgoGesture'"):
        released_recipe("EgoGesture")
    assert len(set(released_labels("THU-READ", 40))) == 40
