"""Who imports whom, and that the application runs without torch or Qt."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = ("app", "core", "models", "calibration", "training")
MAY_IMPORT = {
    "app": {"app", "core", "models", "calibration"},
    "core": {"core", "models", "calibration"},
    "models": {"models"},
    "calibration": {"calibration"},
    "training": {"training", "core", "models", "calibration"},
}
# may import training, inside functions
SUB_COMMANDS = {
    "app/bench_commands.py",
    "app/bench_online.py",
    "app/cli.py",
    "app/bench.py",
    "app/data.py",
    "app/evaluate_command.py",
    "app/model_commands.py",
    "app/teach_command.py",
}
QT = {"PySide6", "shiboken6", "pyqtgraph"}
HEAVY = ("torch", "cv2", "numpy", "av", "PySide6", "pyqtgraph", "matplotlib", "onnxruntime")

BLOCK = """
import importlib, sys
BLOCKED = {blocked!r}
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{{name}} is blocked by this test")
sys.meta_path.insert(0, Blocker())
for name in {modules!r}:
    importlib.import_module(name)
"""


def modules(root: Path, package: str) -> Iterator[Path]:
    return (root / package).rglob("*.py")


def dotted(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(("motionrgbd", *(part for part in parts if part != "__init__")))


def imports(tree: ast.AST, *, top_level: bool = False) -> set[str]:
    """Return the dotted names that a module imports, anywhere or on its top level only."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree) if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layers"
            found |= {str(node.module)}
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def our_packages(names: set[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("motionrgbd.")}


def run_python(code: str, root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_what_lies_below_them(root: Path, package: str) -> None:
    for path in modules(root, package):
        name = path.relative_to(root).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        allowed = MAY_IMPORT[package] | ({"training"} if name in SUB_COMMANDS else set())
        assert our_packages(imports(tree)) <= allowed, name
        if name in SUB_COMMANDS:
            assert "training" not in our_packages(imports(tree, top_level=True)), name


@pytest.mark.parametrize("package", PACKAGES)
def test_libraries_stay_in_their_places(root: Path, package: str) -> None:
    for path in modules(root, package):
        name = path.relative_to(root).as_posix()
        libraries = {x.partition(".")[0] for x in imports(ast.parse(path.read_text("utf-8")))}
        if not name.startswith("app/gui/"):
            assert not libraries & QT, name
        if package not in ("models", "training"):
            assert "torch" not in libraries, name
        assert not libraries & set(PACKAGES), f"{name} imports a second copy of our classes"


def test_librealsense_is_imported_by_one_module(root: Path) -> None:
    users = {
        path.relative_to(root).as_posix()
        for package in PACKAGES
        for path in modules(root, package)
        if "pyrealsense2" in imports(ast.parse(path.read_text("utf-8")))
    }
    assert len(users) <= 1, users


def test_tests_import_no_second_copies(root: Path) -> None:
    for path in (root / "tests").glob("*.py"):
        names = {x.partition(".")[0] for x in imports(ast.parse(path.read_text("utf-8")))}
        assert not names & set(PACKAGES), path.name
    assert not list((root / "tests").rglob("__init__.py"))


def test_everything_but_window_and_training_runs_without_torch_qt_and_camera(root: Path) -> None:
    names = [
        dotted(root, path)
        for package in ("app", "core", "calibration")
        for path in modules(root, package)
        if "gui" not in path.parts and path.name != "__main__.py"
    ]
    blocked = [*QT, "torch", "onnx", "onnxscript", "pyrealsense2", "libusb_package"]
    code = BLOCK.format(blocked=blocked, modules=[*names, "motionrgbd.models.bundle"])
    code += f"\nassert not set(sys.modules) & set({PACKAGES!r}), 'a second copy was imported'"
    result = run_python(code, root)
    assert result.returncode == 0, result.stderr


def test_bundles_are_evaluated_without_torch_and_checkpoints_say_what_lacks(root: Path) -> None:
    extra = ["torch", "lightning", "tensorboard", "tqdm", "webdataset", "onnx", "onnxscript"]
    code = BLOCK.format(blocked=extra, modules=["motionrgbd.training.evaluation.command"])
    code += "\nfrom motionrgbd.app.cli import main"
    code += "\nsys.exit(main(['evaluate', 'x.safetensors', '--set', 'synthetic']))"
    result = run_python(code, root)
    assert result.returncode == 8, result.stderr
    told = result.stderr.splitlines()
    assert len(told) == 1, told
    assert told[0].startswith("motionrgbd: error: a checkpoint needs torch (")
    assert told[0].endswith("or evaluate a .mrgbd bundle")


@pytest.mark.parametrize("module", ["live", "cli"])
def test_help_loads_no_library(root: Path, module: str) -> None:
    code = BLOCK.format(blocked=HEAVY, modules=[f"motionrgbd.app.{module}"])
    code += f"\nsys.exit(sys.modules['motionrgbd.app.{module}'].main(['--help']))"
    result = run_python(code, root)
    assert result.returncode == 0, result.stderr
    assert "usage: motionrgbd" in result.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_package_inits_import_nothing(root: Path, package: str) -> None:
    for path in (root / package).rglob("__init__.py"):
        assert not imports(ast.parse(path.read_text("utf-8"))), path
