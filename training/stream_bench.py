"""What one new frame costs the released fusion network, mode by mode, against what it replaces.

`motionrgbd bench stream` prints it: 79.8 M parameters (rebuilt weights: timings do not depend on
their values), 224x224, window 64, w 4. All rows are measured in turns within one run.
"""

from __future__ import annotations

import argparse
import dataclasses
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from motionrgbd.core.guidance import GuidanceSettings, GuidanceStream
from motionrgbd.core.runner import make_runner
from motionrgbd.core.session import default_threads, open_session
from motionrgbd.models.bundle import Bundle
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.dsn import DSN
from motionrgbd.models.graphs_window import StreamingFrames
from motionrgbd.models.released import ReleasedFusionNetwork
from motionrgbd.models.released_recipes import released_recipe
from motionrgbd.training.export import export_graph, released_bundle
from motionrgbd.training.parity import Network, random_clip
from motionrgbd.training.plain_forward import plain_fusion
from motionrgbd.training.quantise import quantised_graphs
from motionrgbd.training.rebuilt_weights import rebuild_weights

BENCHMARK, CLASSES = "NvGesture", 25
FRAMES_PER_ROUND = 15


class WholeClip(nn.Module):
    """The per-frame part of one modality on a whole window at once: no state, nothing reused."""

    def __init__(self, dsn: DSN, frames: int) -> None:
        super().__init__()
        self.dsn, self.frames = dsn, frames

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        size, channels = self.dsn.image_size, self.dsn.Conv3d_1a_7x7.conv3d.in_channels
        T = self.frames
        return {"image": (1, channels, T, size, size), "guidance": (1, 1, T, size, size)}

    def output_names(self) -> tuple[str, ...]:
        return ("features",)

    def forward(self, image: Tensor, guidance: Tensor) -> Tensor:
        return self.dsn.spatial(image, guidance)


@dataclass
class Row:
    """Milliseconds of one way to get the scores at a new frame, per stage."""

    name: str
    frame_ms: list[float] = field(default_factory=list)
    window_ms: list[float] = field(default_factory=list)

    @property
    def total_ms(self) -> float:
        """The medians of both stages."""
        return float(np.median(self.frame_ms) + np.median(self.window_ms or [0.0]))

    @property
    def spread_ms(self) -> tuple[float, float]:
        """The 10th and the 90th percentile of both stages together."""
        windows = self.window_ms or [0.0] * len(self.frame_ms)
        low, high = np.percentile(np.add(self.frame_ms, windows), (10, 90))
        return float(low), float(high)


Measure = Callable[[Row], None]


def main(argv: list[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="motionrgbd bench stream", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often the rows take turns")
    rounds = parser.parse_args(argv).rounds
    torch.set_num_threads(default_threads())
    network = ReleasedFusionNetwork(NetworkConfig(CLASSES, modalities=("color", "depth"))).eval()
    rebuild_weights(network)
    print("exporting the graphs (minutes)", flush=True)
    ways = [(Row(name), measure) for name, measure in _ways(network)]
    for _ in range(rounds):
        for row, measure in ways:
            measure(row)
    parameters = sum(p.numel() for p in network.parameters()) / 1e6
    print(f"{parameters:.1f} M parameters, {default_threads()} threads, {platform.machine()}")
    print(f"torch {torch.__version__}, median of {rounds} rounds")
    print(f"guidance of both modalities: {_guidance_ms():.2f} ms a frame, the same in every row\n")
    print(_table([row for row, _ in ways]))
    return 0


def _ways(network: ReleasedFusionNetwork) -> Iterator[tuple[str, Measure]]:
    """Every row's name and how to measure it."""
    yield "(a) torch eager, 3-D operators", _eager(partial(plain_fusion, network), network.config)
    recipe = released_recipe(BENCHMARK)
    live, wrapped = released_bundle(network, recipe, mode="live")
    exact, _ = released_bundle(network, recipe, mode="exact")
    yield "(b) ONNX Runtime, whole window", _whole_window(live, wrapped)
    yield "torch eager, this package's network", _eager(network, network.config)
    yield "exact", _streamed(exact)
    yield "live", _streamed(live)
    alone = without_refresh(live, wrapped)
    yield "live without refresh", _streamed(alone)
    for name, bundle in (("exact", exact), ("live", live)):
        graphs = {**bundle.graphs, **quantised_graphs(bundle)}
        yield f"{name}, 8 bit", _streamed(dataclasses.replace(bundle, graphs=graphs), "int8")


def without_refresh(bundle: Bundle, network: Network) -> Bundle:
    """Return a bundle whose pools look back only: each feature once, nothing ahead of its frame."""
    config = dataclasses.replace(bundle.config, temporal_pool="causal")
    graphs = dict(bundle.graphs)
    for modality in bundle.modalities:
        dsn = DSN(config, modality)
        dsn.load_state_dict(
            {
                name: x
                for name, x in network.dsn(modality).state_dict().items()
                if name in _names(dsn)
            }
        )
        graphs[modality] = export_graph(StreamingFrames(dsn.eval()))
    return dataclasses.replace(bundle, kind="streaming", config=config, graphs=graphs)


def _names(module: nn.Module) -> set[str]:
    return set(module.state_dict())


def _eager(forward: Callable[..., object], config: NetworkConfig) -> Measure:
    """A whole window in torch for every prediction, as the released code has it."""
    T, size = config.window, config.image_size
    clip, maps = torch.randn(1, 3, T, size, size), torch.rand(1, 1, T, size, size)

    @torch.no_grad()
    def measure(row: Row) -> None:
        row.frame_ms.append(_ms(lambda: forward(clip, clip, maps, maps)))

    return measure


def _whole_window(bundle: Bundle, network: Network) -> Measure:
    """The same network in ONNX Runtime, with the engine's options: 64 frames, then the window."""
    T, threads = bundle.config.window, default_threads()
    frames = []
    for modality in bundle.modalities:
        module = WholeClip(network.dsn(modality), T)
        session = open_session(export_graph(module), "cpu", threads)
        rng = np.random.default_rng(0)
        shapes = module.input_shapes()
        frames.append((session, {n: rng.random(s, np.float32) for n, s in shapes.items()}))
    window = open_session(bundle.graph("window"), "cpu", threads)
    shape = (1, T, bundle.config.feature)
    features = {m: np.zeros(shape, np.float32) for m in bundle.modalities}

    def measure(row: Row) -> None:
        for _ in range(3):
            row.frame_ms.append(_ms(lambda: [s.run(None, inputs) for s, inputs in frames]))
            row.window_ms.append(_ms(lambda: window.run(None, features)))

    return measure


def _streamed(bundle: Bundle, precision: Any = "fp32") -> Measure:
    """A new frame through the engine's runner, its window full."""
    runner = make_runner(bundle, "cpu", precision=precision)
    frames = list(random_clip(bundle, FRAMES_PER_ROUND).frames())
    for n in range(bundle.config.window + 1):
        runner.push(frames[n % len(frames)])

    def measure(row: Row) -> None:
        for frame in frames:
            row.frame_ms.append(_ms(partial(runner.push, frame)))
            row.window_ms.append(_ms(runner.predict))

    return measure


def _guidance_ms() -> float:
    """Both modalities' maps of one frame: colour in three channels, depth in one."""
    rng = np.random.default_rng(0)
    count = 40
    total = np.zeros(count)
    for shape in ((224, 224, 3), (224, 224)):
        push = GuidanceStream(GuidanceSettings(4)).push
        images = rng.integers(0, 256, (count, *shape), np.uint8)
        total += [_ms(partial(push, image)) for image in images]
    return float(np.median(total))


def _ms(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return 1000.0 * (time.perf_counter() - start)


def _table(rows: list[Row]) -> str:
    a, b = rows[0].total_ms, rows[1].total_ms
    lines = [
        "| one new frame | frames ms | window ms | total ms (p10 to p90) | under (a) | under (b) |"
    ]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: |")
    for row in rows:
        frame = float(np.median(row.frame_ms))
        window = f"{float(np.median(row.window_ms)):.1f}" if row.window_ms else "(in frames)"
        ratios = f"{a / row.total_ms:.1f}x | {b / row.total_ms:.1f}x"
        low, high = row.spread_ms
        total = f"{row.total_ms:.1f} ({low:.1f} to {high:.1f})"
        lines.append(f"| {row.name} | {frame:.1f} | {window} | {total} | {ratios} |")
    return "\n".join(lines)
