"""The benchmarks' clips, as their official lists name them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from motionrgbd.core.depth8 import EightBitDepth
from motionrgbd.core.errors import SourceError
from motionrgbd.core.frames import DepthImage, RGBDFrame, SourceInfo
from motionrgbd.models.recipe import GreyDepth, Modality
from motionrgbd.models.released_recipes import released_recipe
from motionrgbd.training.datasets.benchmark import Benchmark
from motionrgbd.training.datasets.reader import read_pictures, read_records
from motionrgbd.training.datasets.records import ClipRecord
from motionrgbd.training.datasets.table import set_folder
from motionrgbd.training.evaluation.clips import EvaluationClip, EvaluationSet, SetRequest

RELEASED = ("NvGesture", "IsoGD", "THU-READ", "NTU", "Jester")  # what the authors trained on


def read_benchmark(benchmark: Benchmark, request: SetRequest) -> EvaluationSet:
    """Return a benchmark's split. Raises SourceError and UsageError as its reader does."""
    root = set_folder(benchmark, request.root)
    records = read_records(benchmark, root, request.split)
    return EvaluationSet(
        name=benchmark.name,
        split=request.split,
        classes=benchmark.labels,
        clips=tuple(benchmark_clip(benchmark, record) for record in records),
        notes=(f"Terms of the data: {benchmark.terms}", f"Data: {benchmark.citation}"),
    )


def benchmark_clip(benchmark: Benchmark, record: ClipRecord) -> EvaluationClip:
    """Return one clip; its frames are read when they are asked for."""
    masked = record.depth_names.masked
    stored = None if record.depth is None or masked else stored_depth(benchmark)

    def frames(modalities: Sequence[Modality]) -> Iterator[RGBDFrame]:
        for i in range(record.frames):
            color = read_pictures(record, "color", [i])[0] if "color" in modalities else None
            depth = _depth(record, i, stored) if "depth" in modalities else None
            _check_aligned(record, color, depth)
            yield RGBDFrame(color, depth, i, i / benchmark.fps_hz)

    info = SourceInfo(
        name=record.name,
        live=False,
        fps_hz=benchmark.fps_hz,
        has_color=record.color is not None,
        has_depth=record.depth is not None,
        duration_s=record.frames / benchmark.fps_hz,
        frame_count=record.frames,
        eight_bit=stored,
    )
    return EvaluationClip(record.name, record.label, info, frames)


def stored_depth(benchmark: Benchmark) -> EightBitDepth:
    """Return what the 8-bit depth of a benchmark stands for, as its released recipe has it."""
    name = benchmark.name if benchmark.name in RELEASED else "NvGesture"
    mapping = released_recipe(name).depth
    assert isinstance(mapping, GreyDepth)
    return EightBitDepth(mapping.direction, mapping.near_mm, mapping.step_mm)


def _depth(record: ClipRecord, index: int, stored: EightBitDepth | None) -> DepthImage:
    if stored is None:
        assert record.depth is not None
        return _masked_depth(record.depth / record.depth_names(index))
    return stored.to_mm(np.ascontiguousarray(read_pictures(record, "depth", [index])[0][..., 0]))


def _masked_depth(path: Path) -> DepthImage:
    """NTU's 16 bits as they are: the recipe's preparer makes the released pictures of them."""
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image)
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as problem:
        raise SourceError(
            f"{path} is missing or damaged ({problem}); `motionrgbd data prepare` makes it again"
        ) from None
    if pixels.ndim != 2:
        raise SourceError(f"{path} has {pixels.ndim} axes; masked depth has one channel")
    return pixels.astype(np.uint16)


def _check_aligned(
    record: ClipRecord, color: NDArray[np.uint8] | None, depth: DepthImage | None
) -> None:
    if color is not None and depth is not None and color.shape[:2] != depth.shape:
        raise SourceError(
            f"clip {record.name}: colour is {color.shape[1]}x{color.shape[0]} px and depth "
            f"{depth.shape[1]}x{depth.shape[0]}: they are not aligned, and a stream of both cannot "
            "be made of them — leave --streamed out"
        )
