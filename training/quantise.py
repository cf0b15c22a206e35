"""8-bit graphs of a bundle: convolutions calibrated on streams, matrix products on the fly."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from motionrgbd.core.results import FloatArray
from motionrgbd.core.runner import Runner, make_runner
from motionrgbd.models.bundle import QUANTISED, WINDOW, Bundle
from motionrgbd.training.parity import Clip, moving_clip, random_clip

SAMPLES = 16  # frames per clip whose ranges are recorded


def quantised_graphs(bundle: Bundle, clips: Sequence[Clip] = ()) -> dict[str, bytes]:
    """Return the 8-bit twins of a bundle's graphs, by name.

    clips: what to calibrate on; real streams give the better ranges, random and moving pictures
    stand in. Weights are per channel with one bit less (`reduce_range`): full range overflows
    silently on processors without VNNI.
    """
    length = bundle.config.window + SAMPLES
    clips = clips or (random_clip(bundle, length), moving_clip(bundle, length))
    runner = make_runner(bundle, "cpu")
    seen = _record(runner, bundle, clips)
    graphs = {f"{m}{QUANTISED}": _static(bundle.graphs[m], seen[m]) for m in bundle.modalities}
    return {**graphs, f"{WINDOW}{QUANTISED}": _dynamic(bundle.graphs[WINDOW])}


def _record(
    runner: Runner, bundle: Bundle, clips: Sequence[Clip]
) -> dict[str, list[dict[str, FloatArray]]]:
    """The per-frame graphs' inputs, state included, over the last frames of each clip."""
    seen: dict[str, list[dict[str, FloatArray]]] = {m: [] for m in bundle.modalities}
    for clip in clips:
        runner.reset()
        frames = list(clip.frames())
        for n, frame in enumerate(frames):
            runner.push(frame)
            if n >= len(frames) - SAMPLES:
                for m in bundle.modalities:
                    seen[m].append(runner.inputs_of(m))
    return seen


class _Recorded(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, samples: Sequence[dict[str, FloatArray]]) -> None:
        self._samples = iter(samples)

    def get_next(self) -> dict[str, FloatArray] | None:
        return next(self._samples, None)


def _static(graph: bytes, samples: Sequence[dict[str, FloatArray]]) -> bytes:
    with _quiet_files() as (source, target):
        onnx.save(_without_inner_shapes(graph), source)
        quant_pre_process(str(source), str(source), skip_symbolic_shape=True)
        quantize_static(
            str(source),
            str(target),
            _Recorded(samples),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return target.read_bytes()


def _dynamic(graph: bytes) -> bytes:
    with _quiet_files() as (source, target):
        onnx.save(_without_inner_shapes(graph), source)
        quantize_dynamic(
            str(source),
            str(target),
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
        return target.read_bytes()


def _without_inner_shapes(graph: bytes) -> onnx.ModelProto:
    """The exporter's shapes of inner values; the tools infer their own and stumble over these."""
    model = onnx.load_model_from_string(graph)
    del model.graph.value_info[:]
    return model


@contextlib.contextmanager
def _quiet_files() -> Iterator[tuple[Path, Path]]:
    """Two file names in a folder that goes away; the tools' advice is not printed."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder, "float.onnx"), Path(folder, "int8.onnx")
    finally:
        root.setLevel(level)
