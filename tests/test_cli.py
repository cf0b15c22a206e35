"""`motionrgbd`: exceptions become one line and an exit code, sub-commands do what they say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from motionrgbd.app import bench, cli, live
from motionrgbd.app.command import BROKEN_PIPE_EXIT_CODE, DEFECT_EXIT_CODE, run_command
from motionrgbd.core import errors, recorder
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.models import errors as model_errors


def raising(error: BaseException) -> int:
    def action() -> int:
        raise error

    before = signal.getsignal(signal.SIGTERM)
    try:
        return run_command("program", action)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    "kind",
    [
        errors.MotionRGBDError,
        errors.UsageError,
        errors.SourceError,
        errors.CameraError,
        errors.ModalityError,
        errors.OutputError,
        errors.LibraryError,
        errors.DemoError,
        model_errors.BundleError,
        model_errors.CheckpointError,
        model_errors.ParityError,
    ],
)
def test_a_users_mistake_is_one_line(
    kind: type[errors.MotionRGBDError], capsys: pytest.CaptureFixture[str]
) -> None:
    assert raising(kind("it is wrong\n  — mend it")) == kind.exit_code
    assert capsys.readouterr().err == "program: error: it is wrong — mend it\n"


def test_exit_codes_are_distinct() -> None:
    kinds = [
        kind
        for module in (errors, model_errors)
        for kind in vars(module).values()
        if isinstance(kind, type) and kind is not model_errors.ModelFileError
    ]
    codes = [kind.exit_code for kind in kinds if hasattr(kind, "exit_code")]
    assert len(set(codes)) == len(codes)


def test_a_defect_asks_for_a_report_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOTIONRGBD_DEBUG", raising=False)
    assert raising(ZeroDivisionError("division by zero")) == DEFECT_EXIT_CODE
    text = capsys.readouterr().err
    assert text.startswith("program: error: unexpected ZeroDivisionError: division by zero")
    assert "please report it" in text
    assert len(text.splitlines()) == 1
    monkeypatch.setenv("MOTIONRGBD_DEBUG", "1")
    raising(ZeroDivisionError("division by zero"))
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "program: interrupted\n"


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    code = (
        "import sys; from motionrgbd.app.command import run_command\n"
        "def shout():\n"
        "    while True: print('x' * 1000)\n"
        "sys.exit(run_command('program', shout))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(20) == BROKEN_PIPE_EXIT_CODE
        assert process.stderr.read() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_an_output_without_room_is_no_defect_of_ours() -> None:
    code = (
        "import sys; from motionrgbd.app.command import run_command as run\n"
        "sys.exit(run('program', lambda: print('x', flush=True) or 0))"
    )
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-c", code],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert result.returncode == errors.OutputError.exit_code
    assert result.stderr.startswith("program: error: the disk is full")
    assert len(result.stderr.splitlines()) == 1


def test_signs_that_a_terminal_lacks_are_replaced() -> None:
    code = "import sys; from motionrgbd.app.command import run_command as run\n"
    code += "sys.exit(run('program', lambda: print('✓ done') or 0))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, "? done\n")


@pytest.mark.parametrize(
    "argv", [[], ["fly"], ["model"], ["model", "info"], ["bench", "everything"]]
)
def test_a_wrong_command_line_is_one_line(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == 2
    text = capsys.readouterr().err
    assert text.startswith("motionrgbd: error: ")
    assert len(text.splitlines()) == 1
    assert "--help" in text


def test_a_bundle_is_shown_and_verified(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["model", "info", str(tiny_model)]) == 0
    shown = capsys.readouterr().out
    assert "tiny: streaming, from color and depth" in shown
    assert "labels     3: idle, wave, push" in shown
    assert cli.main(["model", "verify", str(tiny_model)]) == 0
    assert "3 graphs open" in capsys.readouterr().out


def test_a_damaged_bundle_does_not_verify(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.mrgbd"
    path.write_bytes(tiny_model.read_bytes()[:-10])
    assert cli.main(["model", "verify", str(path)]) == 5
    assert "cut.mrgbd" in capsys.readouterr().err


def test_a_converted_recording_replays_with_the_same_events(
    clip_pair: str, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    direction = ["--depth-direction", "brighter"]
    assert cli.main(["convert", clip_pair, str(folder), *direction]) == 0
    assert "60 frames are in" in capsys.readouterr().out
    common = ["--headless", "--model", str(tiny_model), "--out"]
    assert live.main(["--replay", clip_pair, *direction, *common, str(tmp_path / "a")]) == 0
    assert live.main(["--replay", str(folder), *common, str(tmp_path / "b")]) == 0
    events = [(tmp_path / name / "events.jsonl").read_bytes() for name in "ab"]
    assert events[0] == events[1] != b""


def test_a_conversion_that_is_interrupted_says_what_it_left(
    clip_pair: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = recorder.FolderWriter.write

    def interrupted(self: recorder.FolderWriter, frame: RGBDFrame) -> None:
        if self.written == 40:
            raise KeyboardInterrupt
        write(self, frame)

    monkeypatch.setattr(recorder.FolderWriter, "write", interrupted)
    folder = tmp_path / "pictures"
    direction = ["--depth-direction", "brighter"]
    assert cli.main(["convert", clip_pair, str(folder), *direction]) == 130
    text = capsys.readouterr()
    assert text.out == f"40 frames are in {folder}\n"
    assert text.err == "motionrgbd: interrupted\n"


@pytest.mark.parametrize("camera", ["webcam", "webcam:1", "realsense", "realsense:123"])
def test_a_camera_is_not_converted(
    camera: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["convert", camera, str(tmp_path / "x")]) == 2
    assert "motionrgbd record" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "nan"])
def test_the_doctor_needs_time(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--seconds", seconds]) == 2
    assert "--seconds must be more than 0" in capsys.readouterr().err


def test_a_folder_that_exists_is_not_converted_into(
    clip_pair: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    code = cli.main(["convert", clip_pair, str(tmp_path), "--depth-direction", "brighter"])
    assert code == 7
    assert "exists already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("seconds", ["0", "-1", "nan"])
def test_a_recording_needs_time(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["record", "--camera", "webcam", "--out", "x", "--seconds", seconds]) == 2
    assert "--seconds must be more than 0" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--benchmark", "NvGesture"], []])
def test_a_missing_checkpoint_is_named(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "x.mrgbd"
    assert cli.main(["export", str(tmp_path / "absent.pth"), "-o", str(target), *arguments]) == 10
    assert "absent.pth: no such file" in capsys.readouterr().err
    assert not target.exists()


def test_without_torch_export_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from motionrgbd.app.cli import main; sys.exit(main(['export', 'a', '-o', 'b']))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 8
    assert "pip install '.[train]'" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_bench_guidance_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.bench_guidance(frames=5) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len({len(row) for row in rows}) == 1
    assert len(rows) == 2 + 3
