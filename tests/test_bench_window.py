"""`bench window` measures the window's own thread over a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from motionrgbd.app import cli
from motionrgbd.app.bench_window import Slice


def test_it_tells_cost_rate_machine_and_limit(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["bench", "window", "--model", str(tiny_model), "--seconds", "1"])
    text = capsys.readouterr().out
    assert code in (0, 1)
    for part in ("percent of one core", "moments shown", "cores", "1 slices"):
        assert part in text
    assert ("at most 15 %" in text) != ("The engine came late" in text and code == 1)


def test_too_short_a_time_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "window", "--seconds", "0"]) == 2
    assert "--seconds" in capsys.readouterr().err


def test_where_the_engine_came_late_the_cost_is_of_the_full_rate() -> None:
    assert Slice(1.0, 0.05, 15).at_rate_percent == pytest.approx(10.0)
    assert Slice(1.0, 0.05, 30).at_rate_percent == pytest.approx(5.0)
    assert Slice(2.0, 0.10, 80).at_rate_percent == pytest.approx(5.0)
