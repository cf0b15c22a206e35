"""The user's own settings count where no file is named; broken ones never keep from starting."""

from __future__ import annotations

from pathlib import Path

import pytest

from motionrgbd.app import live
from motionrgbd.app.my_settings import read_memory, save_table, settings_path, window_path
from motionrgbd.app.window_extras import window_extras
from motionrgbd.core.errors import UsageError


@pytest.fixture(autouse=True)
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's settings file, which is not there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return settings_path()


def test_saved_decisions_count_in_the_next_run(
    mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert live.parse(["--demo"]).decision == {}
    save_table(mine, "decision", {"on": 0.7})
    assert live.parse(["--demo"]).decision == {"on": 0.7}
    assert str(mine) in capsys.readouterr().out
    other = tmp_path / "other.toml"
    other.write_text("device = 'cpu'\n")
    assert live.parse(["--demo", "--config", str(other)]).decision == {}
    assert live.parse(["--demo", "--headless"]).decision == {}


@pytest.mark.parametrize("text", ["on = ", "colour = 3", "[decision]\non = 7\n"])
def test_broken_settings_are_told_and_ignored(
    mine: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mine.parent.mkdir(parents=True)
    mine.write_text(text)
    assert live.parse(["--demo"]).demo
    assert "Your settings are ignored" in capsys.readouterr().err
    with pytest.raises(UsageError, match="--device"):
        live.parse(["--demo", "--device", "abacus"])


def test_decisions_of_another_model_are_told_and_ignored(
    mine: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_table(mine, "decision", {"classes": {"Swipe Up": {"on": 0.9}}})
    assert live.parse(["--demo"]).decision
    settings = live.parse(["--demo", "--model", str(tiny_model)])
    assert settings.decision == {}
    assert "Swipe Up" in capsys.readouterr().err


def test_the_window_saves_where_the_next_run_looks(
    mine: Path, tiny_model: Path, clip_pair: str
) -> None:
    options = ["--replay", clip_pair, "--depth-direction", "brighter", "--model", str(tiny_model)]
    settings = live.parse([*options, "--device", "cpu"])
    session = live.open_session(settings, window=True)
    try:
        extras = window_extras(settings, session, None)
        assert extras.designing is not None
        assert extras.designing.save({"on": 0.8}) == mine
        assert extras.recorder is None  # a recording is not recorded again
        assert extras.memory is not None
        assert extras.remember is not None
        extras.remember(extras.memory)
        assert read_memory(window_path()) == (extras.memory, "")
        assert "labels.csv" in extras.designing.truth(0.0).problem
    finally:
        session.engine.stop()
    assert live.parse(["--demo"]).decision == {"on": 0.8}
