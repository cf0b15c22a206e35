"""Computing only what a moved window changes equals the released network's whole window."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from motionrgbd.core.feature_ring import FeatureRing
from motionrgbd.core.runner_edges import EdgeStage
from motionrgbd.models import graphs_edges
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.dsn import DSN, GuidanceGate
from motionrgbd.models.edges import EdgePlan, exact_plan, live_plan
from motionrgbd.models.graphs_edges import EdgeFrames
from motionrgbd.training.rebuilt_weights import rebuild_weights

pytestmark = pytest.mark.usefixtures("one_thread")

SIZE = 40
RELATIVE = 1e-5  # the contract's bound; float32 gives 4e-7
Gate = tuple[float, float]


class TorchIO:
    """Runs a module where `InputOutput` would run its graph."""

    def __init__(self, module: EdgeFrames) -> None:
        self.module = module
        self.arrays: dict[str, np.ndarray] = {}
        self.input_shapes = module.input_shapes()
        zeros = [torch.zeros(shape) for shape in self.input_shapes.values()]
        with torch.no_grad():
            outputs = dict(zip(module.output_names(), module(*zeros), strict=True))
        self.output_shapes = {name: tuple(x.shape) for name, x in outputs.items()}

    def bind_input(self, name: str, array: np.ndarray) -> None:
        assert array.shape == self.input_shapes[name]
        self.arrays[name] = array

    def bind_output(self, name: str, array: np.ndarray) -> None:
        assert array.shape == self.output_shapes[name]
        self.arrays[name] = array

    @torch.no_grad()
    def run(self) -> None:
        inputs = [torch.from_numpy(self.arrays[name]) for name in self.input_shapes]
        for name, x in zip(self.output_shapes, self.module(*inputs), strict=True):
            self.arrays[name][...] = x.numpy()


def make_dsn(window: int, gate: Gate | None = (-0.3, 0.7), size: int = SIZE) -> DSN:
    config = NetworkConfig(
        classes=2,
        window=window,
        width=0.125,
        feature=32,
        heads=2,
        image_size=size,
        guided=gate is not None,
    )
    dsn = DSN(config, "color").eval()
    rebuild_weights(dsn)
    if isinstance(dsn.frp_module, GuidanceGate) and gate is not None:
        dsn.frp_module.rpconv1d.weight.data[:] = torch.tensor(gate).reshape(1, 2, 1)
    return dsn


def stream(count: int, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count)
    images = rng.uniform(-1, 1, (count, 3, size, size)).astype(np.float32)
    return images, rng.uniform(0, 2, (count, size, size)).astype(np.float32)


def make_stage(dsn: DSN, plan: EdgePlan, window: int, w: int) -> tuple[EdgeStage, FeatureRing]:
    ring = FeatureRing(window, 32)
    return EdgeStage(TorchIO(EdgeFrames(dsn, plan)), plan, w, ring), ring  # type: ignore[arg-type]


@torch.no_grad()
def whole(dsn: DSN, images: np.ndarray, maps: np.ndarray) -> np.ndarray:
    clip = torch.from_numpy(images).transpose(0, 1)[None]
    return np.asarray(dsn.spatial(clip, torch.from_numpy(maps)[None, None])[0].numpy())


def difference(got: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(got - expected) / np.linalg.norm(expected))


def worst_exact(dsn: DSN, window: int, w: int, *, plan: EdgePlan | None = None) -> float:
    """Largest difference to the whole network over windows from the first full one on."""
    plan = plan or exact_plan(window, w if isinstance(dsn.frp_module, GuidanceGate) else None)
    stage, ring = make_stage(dsn, plan, window, w)
    images, maps = stream(window + 16, dsn.image_size)
    worst = 0.0
    for n, (image, guidance) in enumerate(zip(images, maps, strict=True)):
        stage.push(image, guidance)
        if not ring.full:
            continue
        last = slice(n - window + 1, n + 1)
        zeroed = maps[last].copy()
        zeroed[: w - 1] = 0.0
        worst = max(worst, difference(ring.view(), whole(dsn, images[last], zeroed)))
    return worst


@pytest.mark.parametrize(("window", "w"), [(16, 4), (24, 4), (22, 10), (29, 10), (14, 2), (15, 3)])
def test_exact_is_the_released_window(window: int, w: int) -> None:
    assert worst_exact(make_dsn(window), window, w) < RELATIVE


@pytest.mark.parametrize("gate", [(-2.0, 0.8), (0.4, -0.9), None])
def test_exact_where_inputs_turn_negative_and_without_guidance(gate: Gate | None) -> None:
    """Negative inputs tell padding with zeros from padding with nothing."""
    assert worst_exact(make_dsn(17, gate), 17, 4) < RELATIVE


def test_exact_with_sizes_that_do_not_halve() -> None:
    assert worst_exact(make_dsn(16, size=33), 16, 4) < RELATIVE


def test_exact_would_notice_padding_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs_edges, "_gate_keeps_sign", lambda _: True)
    assert worst_exact(make_dsn(17, (-2.0, 0.8)), 17, 4) > 1e-3


def test_exact_would_notice_another_guidance_window() -> None:
    assert worst_exact(make_dsn(24), 24, 4, plan=exact_plan(24, 5)) > 1e-3


def test_exact_would_notice_a_start_that_stays() -> None:
    assert worst_exact(make_dsn(24), 24, 4, plan=live_plan()) > 1e-3


def test_exact_refuses_a_window_whose_edges_meet() -> None:
    with pytest.raises(ValueError, match="at least 22 frames for guidance over 10, got 21"):
        exact_plan(21, 10)


@pytest.mark.parametrize("gate", [(-0.3, 0.7), (-2.0, 0.8), None])
def test_live_is_the_whole_stream_so_far(gate: Gate | None) -> None:
    window = 12
    dsn = make_dsn(window, gate)
    stage, ring = make_stage(dsn, live_plan(), window, 4)
    images, maps = stream(24)
    for n in range(len(images)):
        stage.push(images[n], maps[n])
        expected = whole(dsn, images[: n + 1], maps[: n + 1])[-window:]
        assert difference(ring.view()[-len(expected) :], expected) < RELATIVE


def test_live_would_notice_frames_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the mask, batch norm turns the zeros before the stream into something."""
    monkeypatch.setattr(EdgeFrames, "_started", lambda _, plan, started: torch.ones(1, 1, 1, 1))
    dsn = make_dsn(12)
    stage, ring = make_stage(dsn, live_plan(), 12, 4)
    images, maps = stream(3)
    for image, guidance in zip(images, maps, strict=True):
        stage.push(image, guidance)
    assert difference(ring.view()[-3:], whole(dsn, images, maps)) > 1e-3


def test_live_would_notice_a_refresh_that_is_too_short(monkeypatch: pytest.MonkeyPatch) -> None:
    write = FeatureRing.write

    def only_newest(ring: FeatureRing, age: int, feature: np.ndarray) -> None:
        if age < 2:
            write(ring, age, feature)

    monkeypatch.setattr(FeatureRing, "write", only_newest)
    dsn = make_dsn(12)
    stage, ring = make_stage(dsn, live_plan(), 12, 4)
    images, maps = stream(12)
    for image, guidance in zip(images, maps, strict=True):
        stage.push(image, guidance)
    assert difference(ring.view(), whole(dsn, images, maps)) > 1e-4


def test_a_reset_starts_a_new_stream() -> None:
    dsn = make_dsn(16)
    stage, ring = make_stage(dsn, exact_plan(16, 4), 16, 4)
    images, maps = stream(20)
    seen = []
    for _ in range(2):
        for image, guidance in zip(images, maps, strict=True):
            stage.push(image, guidance)
        seen.append(ring.view().copy())
        stage.reset()
        ring.reset()
    assert (seen[0] == seen[1]).all()


def test_plans_of_the_released_windows() -> None:
    """The frames given anew: the newest seven, and w + 4 at the start (six without guidance)."""
    assert live_plan().features == tuple(range(5, 12))
    newest = tuple(range(57, 64))
    sizes: Mapping[int | None, int] = {4: 8, 10: 14, 2: 6, None: 6}
    for w, count in sizes.items():
        assert exact_plan(64, w).features == (*range(count), *newest)


def test_feature_ring_pads_with_the_first() -> None:
    ring = FeatureRing(4, 1)
    for n in range(1, 7):
        ring.append()
        ring.write(0, np.array([n], np.float32))
        assert ring.full == (n >= 4)
        expected = [max(1, n - 3 + i) for i in range(4)]
        assert ring.padded()[:, 0].tolist() == expected
    ring.write(2, np.array([40], np.float32))
    assert ring.view()[:, 0].tolist() == [3, 40, 5, 6]
