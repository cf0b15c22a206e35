"""One way to open ONNX Runtime, and the truth about what it runs on."""

import importlib.metadata

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from motionrgbd.core import session
from motionrgbd.core.errors import LibraryError
from motionrgbd.core.session import (
    InputOutput,
    RunningDevice,
    check_onnxruntime,
    default_threads,
    open_session,
    running_device,
)


def doubling(shape: tuple[int, ...] = (2, 3)) -> bytes:
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in ("x", "y")]
    body = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "g", ends[:1], ends[1:])
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    data: bytes = model.SerializeToString()
    return data


def installed(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    def version(name: str) -> str:
        if name in names:
            return "1.22"
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_both_packages_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "onnxruntime", "onnxruntime-gpu")
    with pytest.raises(LibraryError, match="pip uninstall -y onnxruntime onnxruntime-gpu"):
        check_onnxruntime()


def test_no_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch)
    with pytest.raises(LibraryError, match=r"pip install '\.\[cpu\]'"):
        check_onnxruntime()


@pytest.mark.parametrize("name", ["onnxruntime", "onnxruntime-gpu"])
def test_one_package_is_enough(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    installed(monkeypatch, name)
    check_onnxruntime()


def test_cuda_that_does_not_run_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(LibraryError, match="CUDA was asked for but does not run"):
        open_session(doubling(), "cuda")


class Session:
    """What a session of `onnxruntime-gpu` without a driver answers."""

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"]


def test_auto_falls_back_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "onnxruntime-gpu")
    device = running_device(Session(), "auto")
    assert device.fell_back
    assert str(device) == "CPU (CUDA does not work here)"


def test_auto_without_the_gpu_package_is_plain_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "onnxruntime")
    assert str(running_device(Session(), "auto")) == "CPU"
    assert str(RunningDevice("CUDAExecutionProvider", "auto")) == "CUDA"


def test_unknown_device() -> None:
    with pytest.raises(ValueError, match="auto, cpu or cuda"):
        open_session(doubling(), "tpu")


def test_a_damaged_graph_is_one_line() -> None:
    with pytest.raises(LibraryError, match="cannot open this graph"):
        open_session(b"nothing", "cpu")


def test_options_are_those_that_were_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    options = open_session(doubling(), "cpu", 3).get_session_options()
    assert options.intra_op_num_threads == 3
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL


def test_default_threads_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session.os, "sched_getaffinity", lambda _: range(64), raising=False)
    assert default_threads() == 4


def test_arrays_are_read_and_written_in_place() -> None:
    io = InputOutput(open_session(doubling(), "cpu"))
    x, y = np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)
    io.bind_input("x", x)
    io.bind_output("y", y)
    io.run()
    x[:] = 5.0
    io.run()
    assert (y == 10.0).all()


@pytest.mark.parametrize(
    "array", [np.zeros((3, 2), np.float32), np.zeros((2, 3)), np.zeros((2, 6), np.float32)[:, ::2]]
)
def test_arrays_that_cannot_be_bound(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="contiguous float32"):
        InputOutput(open_session(doubling(), "cpu")).bind_input("x", array)
