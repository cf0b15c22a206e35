"""What is installed is what is in the tree, and metadata name nobody."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

PACKAGES = ("app", "core", "models", "calibration", "training")


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel built from a copy: an old `build/` in the checkout would leak into it."""
    copy = tmp_path_factory.mktemp("tree")
    for name in PACKAGES:
        shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, copy / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist"]
    built = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = (copy / "dist").glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_tree_and_nothing_else(root: Path, wheel: zipfile.ZipFile) -> None:
    expected = {
        f"motionrgbd/{path.relative_to(root).as_posix()}"
        for package in PACKAGES
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    installed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert installed == expected


def test_the_installed_package_runs_without_the_checkout(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    wheel.extractall(site)
    code = (
        "import motionrgbd, motionrgbd.app.live as live; "
        "assert motionrgbd.__spec__.origin is None; print(live.__file__); live.main(['--version'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert str(site) in result.stdout
    assert re.search(r"motionrgbd-live \d+\.\d+", result.stdout)


def test_metadata_name_no_person_and_invent_no_address(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert not {"authors", "maintainers", "urls"} & set(project)
    for name in ("pyproject.toml", "CITATION.cff", "CHANGELOG.md"):
        text = (root / name).read_text("utf-8")
        assert not re.search(r"https?://|\S+@\S+\.\S+", text), name


def test_both_onnxruntimes_are_refused_before_anything_runs(tmp_path: Path) -> None:
    for name in ("onnxruntime", "onnxruntime_gpu"):
        info = tmp_path / f"{name}-1.99.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.99.0\n"
        )
    command = [sys.executable, "-m", "motionrgbd.app.live", "--demo", "--headless"]
    result = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 8, result.stderr
    assert "onnxruntime and onnxruntime-gpu are both installed" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "demo-output").exists()
