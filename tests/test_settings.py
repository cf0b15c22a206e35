"""Settings: the command line wins, and whatever is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from motionrgbd.app.settings import Settings, settings_from
from motionrgbd.core.errors import UsageError


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text('# mine\nreplay = "a.bag"\nfps = 15\nsize = "640x480"\nfilter = ["spatial"]\n')
    return path


def test_nothing_given_leaves_every_choice_open() -> None:
    assert settings_from({}, None) == Settings()


def test_command_line_wins_over_file(config: Path) -> None:
    settings = settings_from({"fps": "30", "size": None}, config)
    assert settings.fps_hz == 30.0
    assert settings.size_px == (640, 480)
    assert settings.filters == ("spatial",)
    assert settings.replay == "a.bag"


def test_a_source_on_the_command_line_replaces_the_file_s(config: Path) -> None:
    settings = settings_from({"demo": True}, config)
    assert settings.demo
    assert settings.replay is None


def test_two_sources_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        settings_from({"demo": True, "camera": "webcam"}, None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("dept-near-mm = 3", r":2: unknown key 'dept-near-mm' — valid are camera, replay, .*size"),
        ("depth-near-mm = 0", r":2: depth-near-mm must be a whole number .* got 0"),
        ("depth-near-mm = nan", r":2: depth-near-mm must be a number"),
        ('headless = "yes"', r":2: headless must be true or false, got 'yes'"),
        ("fps = true", r":2: fps must be a number"),
        ('size = "640"', r":2: size must be WIDTHxHEIGHT"),
        ('device = "tpu"', r":2: device must be auto or cpu or cuda"),
        ("replay = ", r"is not a TOML file: .*line 2"),
        ("[camera]\nname = 1", r":2: camera must be realsense"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(f"# a comment\n{line}\n")
    with pytest.raises(UsageError, match=message):
        settings_from({}, path)


def test_a_missing_settings_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.toml cannot be read"):
        settings_from({}, tmp_path / "absent.toml")


def test_a_wrong_option_is_named_as_it_was_typed() -> None:
    with pytest.raises(UsageError, match=r"--size must be WIDTHxHEIGHT .* got '6x4'"):
        settings_from({"size": "6x4"}, None)
