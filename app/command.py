"""Exceptions become exit codes: a mistake is one line, a defect of ours asks for a report."""

from __future__ import annotations

import argparse
import atexit
import contextlib
import errno
import gc
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from types import FrameType
from typing import Any, NoReturn

from motionrgbd.calibration.errors import CalibrationError
from motionrgbd.core.errors import (
    INTERRUPTED_EXIT_CODE,
    LibraryError,
    MotionRGBDError,
    OutputError,
    UsageError,
)
from motionrgbd.models.errors import ModelFileError

DEFECT_EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h
TERMINATED_EXIT_CODE = 143  # 128 + SIGTERM, as shells report it
BROKEN_PIPE_EXIT_CODE = 141  # 128 + SIGPIPE

DEBUG_VARIABLE = "MOTIONRGBD_DEBUG"

Commands = Any  # argparse's class of sub-commands has no public name


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are `UsageError`s, so that they too are one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} — see `{self.prog} --help`")


def program_version() -> str:
    """Return the installed version."""
    return version("motionrgbd-live")


def add_region(parser: Any) -> None:
    """Add the option of a region of interest to a parser or a group of one."""
    parser.add_argument(
        "--region",
        metavar="X0:X1,Y0:Y1,Z0:Z1",
        help="a box in metres to the right of the camera, below and before it; the rest does not "
        "count; none: all of it does",
    )


def with_region_joined(argv: Sequence[str] | None) -> list[str]:
    """Return the arguments with a region joined to its option: most begin with -, as options do."""
    given = list(sys.argv[1:] if argv is None else argv)
    if "--region" in given[:-1]:
        at = given.index("--region")
        given[at : at + 2] = [f"--region={given[at + 1]}"]
    return given


@contextlib.contextmanager
def torch_needed() -> Iterator[None]:
    """Say what to install where a library that only training needs is missing."""
    try:
        yield
    except ImportError as error:
        raise LibraryError(
            f"this command needs torch and onnx ({error}) — pip install '.[train]' in the checkout"
        ) from error


def run_command(program: str, action: Callable[[], int]) -> int:
    """Run `action` and return its exit code; whatever it raises becomes one line on stderr.

    Ctrl-C raises KeyboardInterrupt and a polite kill SystemExit in the main thread, so that
    `finally` blocks keep what was produced.
    """
    signal.signal(signal.SIGTERM, _terminate)
    atexit.register(gc.freeze)  # nothing is left to collect: saves 0.15 s of a stop
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without ✓ shows ?
            stream.reconfigure(errors="replace")
    try:
        return action()
    except (MotionRGBDError, ModelFileError, CalibrationError) as error:
        return _fail(program, _one_line(str(error)), error.exit_code)
    except KeyboardInterrupt:
        return _fail(program, "interrupted", INTERRUPTED_EXIT_CODE)
    except BrokenPipeError:
        # Whoever read our output is gone; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE_EXIT_CODE
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            advice = "the disk is full — free some space, or write to another one"
            return _fail(program, advice, OutputError.exit_code)
        what = f"unexpected {type(error).__name__}: {_one_line(str(error))}"
        advice = f"please report it, with the output under {DEBUG_VARIABLE}=1"
        return _fail(program, f"{what} — {advice}", DEFECT_EXIT_CODE)


def go_on_after(code: int) -> None:
    """Go on as a window's exit code says: it may stand for a signal, which is raised again."""
    if code == INTERRUPTED_EXIT_CODE:
        raise KeyboardInterrupt
    if code:
        sys.exit(code)  # a polite kill


def _fail(program: str, text: str, exit_code: int) -> int:
    if os.environ.get(DEBUG_VARIABLE) == "1":
        traceback.print_exc()
    with contextlib.suppress(OSError):  # nobody reads it, or there is no room for it
        sys.stdout.flush()
    label = "" if exit_code == INTERRUPTED_EXIT_CODE else "error: "
    print(f"{program}: {label}{text}", file=sys.stderr)
    return exit_code


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(TERMINATED_EXIT_CODE)
