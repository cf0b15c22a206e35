"""Plug-ins of installed packages: found by name, loaded when asked for, broken ones told apart."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from motionrgbd.app.doctor import check_plugins
from motionrgbd.app.live import main
from motionrgbd.core.errors import LibraryError, SourceError
from motionrgbd.core.plugins import SOURCES, find_plugin, plugins
from motionrgbd.core.sources.open import SourceOptions, open_source

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


DUSK = """
import numpy as np
from motionrgbd.core.api import RGBDFrame, SourceError, SourceInfo

class Dusk:
    def __init__(self, spec, options):
        if spec == "mist":
            raise SourceError("there is mist: come back later")
        self.left = int(spec or 3)
        self.info = SourceInfo(f"dusk {self.left}", False, options.fps_hz or 30.0, True, True)

    def read(self):
        if not self.left:
            return None
        self.left -= 1
        grey, depth = np.full((8, 8, 3), 90, np.uint8), np.full((8, 8), 700, np.uint16)
        return RGBDFrame(grey, depth, 9 - self.left, (9 - self.left) / 30)

    def close(self):
        self.left = 0
"""


@pytest.fixture
def dusk(install: Install) -> None:
    install("dusk-camera", "dusk_of_test", DUSK, "dusk = dusk_of_test:Dusk", SOURCES)


@pytest.mark.usefixtures("dusk")
def test_a_source_of_a_plugin_is_opened_by_its_name() -> None:
    source = open_source("dusk:2", options=SourceOptions(fps_hz=15.0))
    assert (source.info.name, source.info.fps_hz) == ("dusk 2", 15.0)
    frames = [source.read() for _ in range(3)]
    assert [frame is None for frame in frames] == [False, False, True]
    assert open_source("dusk").info.name == "dusk 3"


@pytest.mark.usefixtures("dusk")
def test_files_come_before_plugins_and_other_names_stay_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SourceError, match="dawn:2: no such file, folder or camera"):
        open_source("dawn:2")
    monkeypatch.chdir(tmp_path)
    Path("dusk:2").write_text("no recording")
    with pytest.raises(SourceError, match="is of no known kind"):
        open_source("dusk:2")


@pytest.mark.usefixtures("dusk")
@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("dusk:mist", r"^there is mist: come back later$"),
        ("dusk:many", r"^the plug-in 'dusk' of dusk-camera 1\.5 cannot open 'many' \(ValueError: "),
    ],
)
def test_what_a_source_of_a_plugin_refuses_is_told_under_its_name(spec: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        open_source(spec)


def test_what_a_plugin_makes_must_be_a_source(install: Install) -> None:
    install(
        "clock",
        "clock_of_test",
        "make = lambda spec, _: spec",
        "clock = clock_of_test:make",
        SOURCES,
    )
    with pytest.raises(SourceError, match=r"'clock' of clock 1\.5 made a str, which is no source"):
        open_source("clock:12")


@pytest.mark.usefixtures("dusk")
def test_the_command_line_takes_a_plugin_as_camera_and_as_replay(tmp_path: Path) -> None:
    for option in ("--camera", "--replay"):
        out = tmp_path / option
        assert main([option, "dusk:4", "--headless", "--out", str(out)]) == 0
        about = json.loads((out / "run.json").read_text("utf-8"))
        assert about["source"]["name"] == "dusk 4"
        assert about["health"]["frames"] == 4
    assert main(["--camera", "dawn", "--headless"]) == 2


def test_the_doctor_lists_plugins_and_goes_on_after_a_broken_one(install: Install) -> None:
    install("dusk-camera", "dusk_of_test", DUSK, "dusk = dusk_of_test:Dusk", SOURCES)
    install("frail", "broken_of_test", "import no_such_module", "ash = broken_of_test:x", SOURCES)
    install("loud", "loud_of_test", DUSK, "webcam = loud_of_test:Dusk", SOURCES)
    broken, good, hidden = check_plugins()
    assert (broken.status, broken.name) == ("note", "source ash")
    assert "frail 1.5 does not load (ModuleNotFoundError: No module named" in broken.text
    assert broken.remedy == "update that package or uninstall it"
    assert str(good) == f"ok    {'source dusk':<24} a plug-in of dusk-camera 1.5"
    assert (hidden.status, hidden.name) == ("note", "source webcam")
    assert "a built-in source has its name" in hidden.text
