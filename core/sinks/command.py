"""A program of this machine with arguments; never through a shell."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from typing import IO

from motionrgbd.core.actions.fields import Number, Texts
from motionrgbd.core.actions.sink import (
    Options,
    Request,
    SinkKind,
    SinkRejectedError,
    SinkUnsureError,
)

_TOLD = 400  # bytes of a failed program's last words


class CommandSink:
    """Runs one program after the other, and waits for each.

    One that takes longer than `timeout_s` is ended, with everything that it started.
    """

    def __init__(self, options: Options) -> None:
        self._timeout_s: float = options["timeout_s"]

    def open(self) -> None:
        pass

    def send(self, request: Request) -> None:
        words = [str(word) for word in request["command"]]
        with tempfile.TemporaryFile() as told:
            try:
                process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=told,
                    start_new_session=True,  # a group that can be ended as a whole
                )
            except (OSError, ValueError) as error:
                raise SinkRejectedError(f"{words[0]} does not start: {error}") from error
            code = self._wait(process, words[0])
            if code:
                raise SinkRejectedError(f"{words[0]} ended with code {code}{_last_words(told)}")

    def _wait(self, process: subprocess.Popen[bytes], name: str) -> int:
        try:
            return process.wait(self._timeout_s)
        except subprocess.TimeoutExpired as error:
            _end(process)
            text = f"{name} took longer than {self._timeout_s:g} s and was ended"
            raise SinkUnsureError(text) from error

    def check(self) -> None:
        pass

    def close(self) -> None:
        pass


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(told: IO[bytes]) -> str:
    size = told.seek(0, os.SEEK_END)
    told.seek(max(0, size - _TOLD))
    text = " ".join(told.read().decode(errors="replace").split())
    return f": {text}" if text else ""


KIND = SinkKind(
    name="command",
    help="a program with arguments, never through a shell",
    options={
        "timeout_s": Number("end it after this time", default=2.0, low=0.1, high=60.0),
    },
    arguments={"command": Texts("the program and its arguments, as a list", required=True)},
    make=CommandSink,
)
