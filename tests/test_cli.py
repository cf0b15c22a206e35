"""`motionrgbd`: exceptions become one line and an exit code, sub-commands do what they say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from motionrgbd.app import cli
from motionrgbd.app.command import BROKEN_PIPE_EXIT_CODE, DEFECT_EXIT_CODE, run_command
from motionrgbd.core import errors
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
