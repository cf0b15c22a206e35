"""Shared by all tests: Qt without a screen, the recordings, and when a skip is not allowed."""

from __future__ import annotations

import importlib.util
import os
import runpy
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp()  # not the settings of whoever runs the tests

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = Path(os.environ.get("MOTIONRGBD_DATA", ROOT.parent / "shared" / "data"))

# A GPU cannot be installed. Every other reason to skip is a hole in the environment:
# MOTIONRGBD_REQUIRE_ALL=1 makes it a failure.
ALLOWED_REASONS = ("no GPU",)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recordings beside the checkout (or in MOTIONRGBD_DATA)."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no recordings: {SHARED_DATA} is absent (set MOTIONRGBD_DATA)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def software_camera() -> Any:
    """The module of cameras that need no camera (`tests/software_camera.py`)."""
    from motionrgbd.core.sources import sdk

    if not sdk.is_available():
        pytest.skip("pyrealsense2 does not load")
    path = ROOT / "tests" / "software_camera.py"
    spec = importlib.util.spec_from_file_location("software_camera", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None]:
    outcome = yield
    _refuse_skip(outcome.get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None]:
    outcome = yield
    _refuse_skip(outcome.get_result())


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure where everything is required to be there."""
    if os.environ.get("MOTIONRGBD_REQUIRE_ALL") != "1":
        return
    if report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(ALLOWED_REASONS):
        report.outcome = "failed"
        report.longrepr = f"skipped although MOTIONRGBD_REQUIRE_ALL=1: {reason}"


@pytest.fixture
def app() -> Generator[Any]:
    """The application; a widget left over after a test fails it."""
    from PySide6.QtCore import QEvent

    from motionrgbd.app.gui import theme
    from motionrgbd.app.gui.application import application

    app = application()
    theme.apply(app, dark=False)
    before = set(app.topLevelWidgets())
    yield app
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    app.processEvents()
    left = [w for w in app.topLevelWidgets() if w not in before]
    assert not left, f"top-level widgets leaked: {left}"


@pytest.fixture(scope="module")
def one_thread() -> Generator[None]:
    """Tensors this small take longer on several threads, much longer on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that needs colour and depth and costs nothing to run."""
    return _write_tiny_model(tmp_path_factory.mktemp("model"), ("color", "depth"))


@pytest.fixture(scope="session")
def tiny_depth_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for depth alone."""
    return _write_tiny_model(tmp_path_factory.mktemp("model"), ("depth",))


@pytest.fixture(scope="session")
def tiny_fallback_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for colour and depth, of which one is enough."""
    folder = tmp_path_factory.mktemp("model")
    return _write_tiny_model(folder, ("color", "depth"), falls_back=True)


@pytest.fixture(scope="session")
def tiny_patient_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for colour and depth, with a window (1.33 s) that sees a whole gesture."""
    return _write_tiny_model(tmp_path_factory.mktemp("model"), ("color", "depth"), frames=40)


def _write_tiny_model(folder: Path, modalities: tuple[str, ...], **options: int) -> Path:
    module = runpy.run_path(str(ROOT / "tests" / "tiny_model.py"))
    path: Path = module["write_tiny_model"](folder / "tiny.mrgbd", modalities, **options)
    return path


@pytest.fixture(scope="session")
def clip_pair(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two videos of two seconds, colour and depth, as `--replay` names a pair."""
    folder = tmp_path_factory.mktemp("clips")
    paths = [folder / "color.mkv", folder / "depth.mkv"]
    rng = np.random.default_rng(0)
    for path in paths:
        with av.open(path, "w") as container:
            stream = container.add_stream("ffv1", rate=30)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "gray"
            for n in range(60):
                level = 40 if n < 30 else 200
                picture = rng.integers(level, level + 40, (48, 64), np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "gray")))
            container.mux(stream.encode(None))
    return ",".join(map(str, paths))
