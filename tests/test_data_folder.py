"""Commands that need data sets find them by $MOTIONRGBD_DATA, or say what to set, at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from motionrgbd.app import cli
from motionrgbd.core.errors import UsageError
from motionrgbd.training.datasets.table import data_folder
from motionrgbd.training.evaluation.sets import known_set


@pytest.mark.parametrize(
    ("command", "option", "lacking"),
    [
        (["bench", "finder"], "--root", "hand_marks.csv"),
        (["bench", "stream", "--probe", "probe.pth"], "--data", "probe.pth"),
        (["train", "finder", "--out", "made.npz"], "--data", "shrec17/clips.csv"),
    ],
)
def test_without_a_folder_the_remedy_is_told(
    command: list[str],
    option: str,
    lacking: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOTIONRGBD_DATA", raising=False)
    assert cli.main(command) == 2
    assert f"Set MOTIONRGBD_DATA to the folder that holds them, or say {option}" in (
        capsys.readouterr().err
    )
    monkeypatch.setenv("MOTIONRGBD_DATA", "nowhere")
    assert cli.main(command) == 2
    assert f"nowhere: no such folder — name the one of the data sets with {option}" in (
        capsys.readouterr().err
    )
    monkeypatch.setenv("MOTIONRGBD_DATA", str(tmp_path))  # empty: the next step says what lacks
    assert cli.main(command) in (3, 10)
    assert lacking in capsys.readouterr().err


def test_shrec17_is_found_beside_the_other_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOTIONRGBD_DATA", raising=False)
    with pytest.raises(UsageError, match="Set MOTIONRGBD_DATA to the folder that holds 'shrec17'"):
        known_set("shrec17").root(None)
    monkeypatch.setenv("MOTIONRGBD_DATA", str(tmp_path))
    assert known_set("shrec17").root(None) == tmp_path / "shrec17"
    assert known_set("SHREC17").root(tmp_path / "mine") == tmp_path / "mine"
    assert known_set("recordings").root(None) is None  # own recordings lie anywhere
    assert data_folder() == tmp_path
    assert data_folder(tmp_path.parent) == tmp_path.parent


def test_a_place_that_cannot_be_written_is_told_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "finder", "--data", str(tmp_path / "nowhere"), "--out"]
    assert cli.main([*command, str(tmp_path / "nofolder" / "x.npz")]) == 7
    assert "cannot be written (No such file or directory)" in capsys.readouterr().err
    assert cli.main([*command, str(tmp_path)]) == 7
    assert cli.main([*command, str(tmp_path / "x.npz")]) == 2  # only the data are missing now
    assert not list(tmp_path.glob("*.npz"))
