"""Plug-ins of installed packages: found by name, loaded when asked for, broken ones told apart."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from motionrgbd.core.errors import LibraryError
from motionrgbd.core.plugins import find_plugin, plugins

Install = Callable[..., None]
GROUP = "motionrgbd.sinks"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package of one module, as pip would leave it."""
    monkeypatch.syspath_prepend(tmp_path)

    def install_one(package: str, module: str, code: str, entries: str, group: str = GROUP) -> None:
        info = tmp_path / f"{package}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{entries}\n")
        (tmp_path / f"{module}.py").write_text(code)
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install_one


def test_a_plugin_is_found_without_being_imported_and_loaded_when_asked_for(
    install: Install,
) -> None:
    install("lamp", "lamp_of_test", "def make(spec):\n    return spec * 2\n", "b=lamp_of_test:make")
    install("bell", "bell_of_test", "raise AssertionError", "a = bell_of_test:make")
    assert [(p.name, p.package) for p in plugins(GROUP)] == [("a", "bell 1.5"), ("b", "lamp 1.5")]
    assert "lamp_of_test" not in sys.modules
    plugin = find_plugin(GROUP, "b")
    assert plugin is not None
    assert plugin.load()("x") == "xx"


def test_nothing_is_found_under_other_names_and_groups(install: Install) -> None:
    install("lamp", "lamp_of_test", "make = print", "lamp = lamp_of_test:make", "other.group")
    assert plugins(GROUP) == ()
    assert find_plugin("other.group", "Lamp") is None


@pytest.mark.parametrize(
    ("code", "entry", "reason"),
    [
        ("import no_such_module_here", "broken_of_test:make", "No module named"),
        ("raise SystemExit('not today')", "broken_of_test:make", "SystemExit: not today"),
        ("make = 3", "broken_of_test:make", "nothing to call"),
        ("make = print", "broken_of_test:other", "AttributeError"),
        ("x = (", "broken_of_test:make", "SyntaxError"),
        ("make = print", "no module: at all", "plug-in 'it'"),
    ],
)
def test_a_broken_plugin_is_named_with_its_package_and_reason(
    install: Install, code: str, entry: str, reason: str
) -> None:
    install("frail", "broken_of_test", code, f"it = {entry}")
    (plugin,) = plugins(GROUP)
    with pytest.raises(LibraryError, match=r"the plug-in 'it' of frail 1\.5 ") as told:
        plugin.load()
    assert reason in str(told.value)
    assert "\n" not in str(told.value)


def test_a_name_that_two_packages_offer_is_refused_with_both(install: Install) -> None:
    install("lamp", "lamp_of_test", "make = print", "light = lamp_of_test:make")
    install("torch-light", "light_of_test", "make = print", "light = light_of_test:make")
    with pytest.raises(LibraryError, match=r"lamp 1\.5 and torch-light 1\.5"):
        find_plugin(GROUP, "light")
