"""Opening ONNX Runtime sessions, always with the same options, and saying what they run on."""

from __future__ import annotations

import importlib.metadata
import os
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from motionrgbd.core.errors import LibraryError
from motionrgbd.core.results import FloatArray

Device = Literal["auto", "cpu", "cuda"]
_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_MOST_THREADS = 4  # capture, engine and window want cores too
_FATAL_ONLY = 4  # ORT's log level: a missing CUDA is ours to report, in one line


@dataclass(frozen=True, slots=True)
class RunningDevice:
    """What a session really runs on, as the session itself says.

    provider: ONNX Runtime's name. requested: what the user asked for.
    """

    provider: str
    requested: str

    @property
    def fell_back(self) -> bool:
        """Whether `auto` found CUDA's package but no CUDA that works."""
        return self.requested == "auto" and self.provider == _CPU and _installed("onnxruntime-gpu")

    def __str__(self) -> str:
        name = {_CUDA: "CUDA", _CPU: "CPU"}.get(self.provider, self.provider)
        return f"{name} (CUDA does not work here)" if self.fell_back else name


def default_threads() -> int:
    """Threads inside one session: the usable cores, up to four.

    A fixed number, so that sums are added in the same order in every run on a machine.
    """
    if hasattr(os, "sched_getaffinity"):  # Linux: containers and task sets count
        usable = len(os.sched_getaffinity(0))
    else:
        usable = os.cpu_count() or 1
    return max(1, min(_MOST_THREADS, usable))


def check_onnxruntime() -> None:
    """Raise LibraryError unless exactly one ONNX Runtime package is installed."""
    cpu, gpu = _installed("onnxruntime"), _installed("onnxruntime-gpu")
    if cpu and gpu:
        raise LibraryError(
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other: run "
            "`pip uninstall -y onnxruntime onnxruntime-gpu`, then "
            "`pip install onnxruntime-gpu` (with CUDA) or `pip install onnxruntime`"
        )
    if not (cpu or gpu):
        raise LibraryError(
            "ONNX Runtime is not installed: run `pip install '.[cpu]'` in the checkout, or "
            "`pip install '.[gpu]'` in the checkout for an NVIDIA GPU"
        )


def open_session(graph: bytes, device: str = "auto", threads: int | None = None) -> Any:
    """Open a graph as the engine runs it; returns an `onnxruntime.InferenceSession`.

    Raises LibraryError where ONNX Runtime is missing or doubled, where the graph needs a newer
    one, or where `cuda` was asked for and does not run.
    """
    check_onnxruntime()
    import onnxruntime as ort

    if device not in get_args(Device):
        raise ValueError(f"device must be auto, cpu or cuda, got {device!r}")
    providers: list[Any] = [_CPU]
    # Listed means only that the package could; whether CUDA runs shows in the session.
    if device != "cpu" and _CUDA in ort.get_available_providers():
        # TF32's ten bits would change which neighbours the k-NN attention keeps.
        providers.insert(0, (_CUDA, {"use_tf32": "0"}))
    try:
        session = ort.InferenceSession(graph, _options(ort, threads), providers=providers)
    except Exception as error:  # ORT's own exceptions have no common public base
        raise LibraryError(
            f"ONNX Runtime {ort.__version__} cannot open this graph: {error}"
        ) from error
    running_device(session, device)
    return session


def running_device(session: Any, requested: str) -> RunningDevice:
    """Say what a session runs on. Raises LibraryError if CUDA was asked for and does not run."""
    provider = session.get_providers()[0]
    if requested == "cuda" and provider != _CUDA:
        advice = (
            "check the driver with `nvidia-smi` and that its CUDA fits this onnxruntime-gpu"
            if _installed("onnxruntime-gpu")
            else "run `pip uninstall -y onnxruntime` and `pip install '.[gpu]'` in the checkout"
        )
        raise LibraryError(f"CUDA was asked for but does not run: {advice}, or choose --device cpu")
    return RunningDevice(provider, requested)


class InputOutput:
    """A session reading and writing the caller's float32 arrays in place, without copies.

    An array stays bound until another takes its place; the caller keeps it alive.
    """

    def __init__(self, session: Any) -> None:
        self._session, self._binding = session, session.io_binding()
        self._alive: dict[str, FloatArray] = {}
        self.input_shapes = {x.name: tuple(x.shape) for x in session.get_inputs()}
        self.output_shapes = {x.name: tuple(x.shape) for x in session.get_outputs()}

    def bind_input(self, name: str, array: FloatArray) -> None:
        """Let the session read an input from `array`."""
        self._bind(self._binding.bind_input, self.input_shapes, name, array)

    def bind_output(self, name: str, array: FloatArray) -> None:
        """Let the session write an output into `array`."""
        self._bind(self._binding.bind_output, self.output_shapes, name, array)

    def inputs(self) -> dict[str, FloatArray]:
        """Return copies of the arrays that the inputs are bound to."""
        return {name: self._alive[name].copy() for name in self.input_shapes}

    def run(self) -> None:
        """Compute. Everything must be bound."""
        self._session.run_with_iobinding(self._binding)

    def _bind(
        self, bind: Any, shapes: dict[str, tuple[int, ...]], name: str, array: FloatArray
    ) -> None:
        if array.shape != shapes[name] or array.dtype != np.float32 or not array.flags.c_contiguous:
            raise ValueError(
                f"{name} must be contiguous float32 {shapes[name]}, got {array.dtype} {array.shape}"
            )
        self._alive[name] = array
        bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)


def _options(ort: Any, threads: int | None) -> Any:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads or default_threads()
    # Spinning pools of several sessions starve each other (measured: 35 -> 200 ms).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _FATAL_ONLY
    return options


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
