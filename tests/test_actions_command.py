"""`motionrgbd-live --actions`: from a recording to what happens, and what is said of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QCloseEvent

from motionrgbd.app import live
from motionrgbd.app.gui.window import MainWindow

REPLAYED = ["--depth-direction", "brighter", "--headless", "--device", "cpu"]


@pytest.fixture
def replay(clip_pair: str, tiny_model: Path) -> list[str]:
    """A command line that sees two gestures, of which one is a push."""
    return ["--replay", clip_pair, "--model", str(tiny_model), *REPLAYED]


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    """A push is written to a file, by a program."""
    code = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
    words = [sys.executable, "-c", code, str(tmp_path / "told"), "{label} while {state}"]
    path = tmp_path / "map.toml"
    path.write_text(
        'deadline_s = 10\n[states]\nparked = ["program"]\ndriving = []\n[sinks.program]\n'
        'kind = "command"\ntimeout_s = 20\n[[action]]\ngesture = "push"\nsink = "program"\n'
        f"command = {json.dumps(words)}\n"
    )
    return path


def test_a_run_is_dry_unless_it_is_armed(
    replay: list[str], mapping: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, told = tmp_path / "out", tmp_path / "told"
    command = [*replay, "--actions", str(mapping), "--out", str(folder)]
    assert live.main([*command, "--fast"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "actions are a dry run: nothing is sent (--arm sends)"
    n = next(n for n, line in enumerate(lines) if " push " in line)
    assert lines[n + 1].startswith("             -> program: command=")
    assert lines[n + 1].endswith("— dry-run")
    assert lines[-1].endswith(f"; the log is {folder / 'actions.jsonl'}")
    assert not told.exists()

    assert live.main([*command, "--arm"]) == 0
    assert told.read_text() == "push while parked"
    assert "1 sent" in capsys.readouterr().out.splitlines()[-1]
    log = [json.loads(line) for line in (folder / "actions.jsonl").read_text().splitlines()]
    outcomes = [line["outcome"] for line in log if line.get("event", {}).get("label") == "push"]
    assert outcomes == ["dry-run", "sent"]
    run = json.loads((folder / "run.json").read_text())
    assert run["options"]["arm"] is True


def test_a_state_is_chosen_and_a_log_kept_elsewhere(
    replay: list[str], mapping: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "logs" / "day.jsonl"
    command = [*replay, "--actions", str(mapping), "--fast", "--actions-log", str(log)]
    assert live.main([*command, "--state", "driving"]) == 0
    assert "1 not-allowed" in capsys.readouterr().out.splitlines()[-1]
    assert "state driving allows no program" in log.read_text()
    assert live.main([*command, "--state", "asleep"]) == 2
    assert "unknown state 'asleep'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--arm"], "--arm, --state and --actions-log need a mapping file"),
        (["--actions", "MAP", "--arm", "--fast"], "--arm and --fast exclude each other"),
        (["--actions", "none.toml"], "the mapping file none.toml cannot be read"),
        (["--actions", "WRONG"], "wrong.toml:9: unknown gesture 'Push' — the model's are wave,"),
    ],
)
def test_mistakes_are_one_line(
    replay: list[str],
    mapping: Path,
    options: list[str],
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = mapping.with_name("wrong.toml")
    wrong.write_text(mapping.read_text().replace('"push"', '"Push"'))
    words = {"MAP": str(mapping), "WRONG": str(wrong)}
    assert live.main([*replay, *(words.get(word, word) for word in options)]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert reason in told[0]


def test_a_settings_file_does_not_arm(
    replay: list[str], mapping: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f"actions = {json.dumps(str(mapping))}\narm = true\n")
    assert live.main([*replay, "--config", str(settings)]) == 2
    assert "settings.toml:2: arm is for the command line only" in capsys.readouterr().err


def test_nothing_runs_where_a_sink_cannot_be_used(
    replay: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    mapping = tmp_path / "keys.toml"
    mapping.write_text(
        '[sinks.k]\nkind = "keys"\n[[action]]\ngesture = "push"\nsink = "k"\nkeys = "play"\n'
    )
    command = [*replay, "--actions", str(mapping), "--out", str(tmp_path / "out")]
    assert live.main([*command, "--arm"]) == 2
    assert "keys cannot be pressed in a Wayland session" in capsys.readouterr().err
    assert not (tmp_path / "out" / "run.json").exists()
    assert live.main(command) == 0  # a dry run presses nothing


def test_a_window_shows_them_and_is_silent_without_any(
    replay: list[str],
    mapping: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[tuple[str, tuple[str, ...]]] = []
    close = MainWindow.closeEvent

    def look(window: MainWindow, event: QCloseEvent) -> None:
        panel = window.actions_panel
        lines = panel.last.lines()
        seen.append((panel.switch.texts()[0], lines[0].cells if lines else ()))
        assert panel.isVisible() == bool(lines)
        assert window.menus.action("edit_actions").isEnabled()
        close(window, event)

    monkeypatch.setattr(MainWindow, "closeEvent", look)
    monkeypatch.setattr("motionrgbd.app.gui.run._LAST_PAINT_MS", 600)  # the panel has polled
    words = [word for word in replay if word != "--headless"]
    command = [*words, "--fast", "--close-when-finished"]
    assert live.main([*command, "--actions", str(mapping), "--out", str(tmp_path / "out")]) == 0
    assert "actions: 1 dry-run; the log is" in capsys.readouterr().out
    assert live.main(command) == 0
    assert "actions" not in capsys.readouterr().out
    assert not (tmp_path / "actions.jsonl").exists()
    (dry, (gesture, _, result)), without = seen
    assert (dry, gesture, result) == ("Dry run", "push", "dry run")
    assert without == ("No actions", ())
