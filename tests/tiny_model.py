"""A model bundle of a few kilobytes, graph by graph: tests of the application need no torch.

It scores brightness: the darker the recent pictures, the likelier the first label.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from motionrgbd.models.bundle import Bundle, Card, write_bundle
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.recipe import FrameView, GreyDepth, Modality, Recipe

LABELS = ("idle", "wave", "push")
SIZE, WINDOW, FEATURE = 32, 4, 16


def write_tiny_model(
    path: Path,
    modalities: tuple[Modality, ...],
    *,
    falls_back: bool = False,
    frames: int = WINDOW,
) -> Path:
    """Write the bundle and return its path.

    One that falls back does without either modality. frames: of its window.
    """
    config = NetworkConfig(
        classes=len(LABELS),
        window=frames,
        branches=(1, 2, 3),
        feature=FEATURE,
        heads=1,
        modalities=modalities,
        image_size=SIZE,
        temporal_pool="causal",
    )
    recipe = Recipe(
        name="tiny",
        fps_hz=30.0,
        window=frames,
        size_px=(SIZE, SIZE),
        view=FrameView((SIZE, SIZE), (0, 0, SIZE, SIZE)),
        depth=GreyDepth(),
        padding="repeat_first",
    )
    frame, window = _frame_graph(), _window_graph(modalities, falls_back, frames)
    graphs = {**dict.fromkeys(modalities, frame), "window": window}
    bundle = Bundle("streaming", config, recipe, LABELS, {"hold_s": 0.0}, Card(), graphs)
    write_bundle(path, bundle)
    return path


def _frame_graph() -> bytes:
    """feature = mean over the picture, and a state that only counts."""
    nodes = [
        helper.make_node("ReduceMean", ["image", "axes"], ["mean"], keepdims=0),  # (1,)
        helper.make_node("Reshape", ["mean", "one"], ["column"]),
        helper.make_node("MatMul", ["column", "ones"], ["feature"]),
        helper.make_node("ReduceMax", ["guidance", "axes"], ["strongest"], keepdims=0),
        helper.make_node("Add", ["state_0", "strongest"], ["next_state_0"]),
    ]
    constants = {
        "axes": np.array([1, 2, 3], np.int64),
        "one": np.array([1, 1], np.int64),
        "ones": np.ones((1, FEATURE), np.float32),
    }
    image, guidance = (1, 3, SIZE, SIZE), (1, 1, SIZE, SIZE)
    inputs = {"image": image, "guidance": guidance, "state_0": (1,)}
    return _model(nodes, constants, inputs, {"feature": (1, FEATURE), "next_state_0": (1,)})


def _window_graph(modalities: tuple[Modality, ...], falls_back: bool, frames: int) -> bytes:
    """fused = mean feature of the window, times weights that differ from label to label."""
    weights = np.outer(np.ones(FEATURE), [-0.6, 0.2, 0.6]).astype(np.float32)
    nodes = []
    for m in modalities:
        nodes.append(helper.make_node("ReduceMean", [m, "axes"], [f"{m}_mean"], keepdims=0))
        scores = "fused" if len(modalities) == 1 else f"{m}_scores"
        nodes.append(helper.make_node("MatMul", [f"{m}_mean", "weights"], [scores]))
    outputs = {"fused": (1, len(LABELS)), "embedding": (1, FEATURE)}
    if len(modalities) > 1:
        nodes.append(helper.make_node("Add", ["color_scores", "depth_scores"], ["fused"]))
        outputs |= {"color_scores": (1, len(LABELS)), "depth_scores": (1, len(LABELS))}
    nodes.append(helper.make_node("Identity", [f"{modalities[0]}_mean"], ["embedding"]))
    constants = {"axes": np.array([1], np.int64), "weights": weights}
    inputs = dict.fromkeys(modalities, (1, frames, FEATURE))
    if falls_back:
        inputs["present"] = (1, 2)
        for n, m in enumerate(modalities):
            constants[f"{m}_column"] = np.eye(2, dtype=np.float32)[:, n : n + 1]
            nodes.append(helper.make_node("MatMul", ["present", f"{m}_column"], [f"{m}_there"]))
            nodes.append(helper.make_node("Mul", [f"{m}_scores", f"{m}_there"], [f"{m}_part"]))
        nodes = [n for n in nodes if list(n.output) != ["fused"]]
        nodes.append(helper.make_node("Add", ["color_part", "depth_part"], ["fused"]))
    return _model(nodes, constants, inputs, outputs)


def _model(
    nodes: list[object],
    constants: dict[str, np.ndarray],
    inputs: dict[str, tuple[int, ...]],
    outputs: dict[str, tuple[int, ...]],
) -> bytes:
    def values(shapes: dict[str, tuple[int, ...]]) -> list[object]:
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]

    graph = helper.make_graph(
        nodes,
        "tiny",
        values(inputs),
        values(outputs),
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(model.SerializeToString())
