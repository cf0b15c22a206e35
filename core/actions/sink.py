"""What a sink is: one small protocol, what its values in the mapping file are, and how it fails."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from motionrgbd.core.actions.fields import Field
from motionrgbd.core.errors import LibraryError

Request = Mapping[str, Any]  # what one action asks of a sink, by argument, checked
Options = Mapping[str, Any]  # where a sink is and how it is reached, by option, checked


class SinkError(Exception):
    """An action was not done, or perhaps not; the text says why, for the log and the status."""


class SinkDownError(SinkError):
    """The peer cannot be reached and has received nothing: may be tried again."""


class SinkRejectedError(SinkError):
    """The peer is there and said no, or there is nothing that could do it: not tried again."""


class SinkUnsureError(SinkError):
    """The connection broke or the answer did not come: it may have been done. Never repeated."""


class Sink(Protocol):
    """A peer that does what actions ask for.

    All methods are called by one thread, the sink's own, which may wait, but not for ever: give
    every call to the peer a time limit of about a second. `open` follows `close` where the peer
    was lost. What is no SinkError is taken for a SinkUnsureError.
    """

    def open(self) -> None:
        """Connect. Raises SinkDownError; it is tried again with growing pauses."""

    def send(self, request: Request) -> Request | None:
        """Do it; return the request that undoes it, or None. Raises any SinkError."""

    def check(self) -> None:
        """Look whether the peer is still there; called about once a second. Raises SinkError."""

    def close(self) -> None:
        """Let go of the peer; also after a failed `open`, and twice."""


def _nothing(_: Mapping[str, Any]) -> None:
    pass


@dataclass(frozen=True)
class SinkKind:
    """A kind of sink: what the mapping file may say of it, and how it is made.

    options: of the sink itself; arguments: of each action. make: builds a sink from its options
    and connects to nothing yet. check_options, check_request: raise ValueError for values that do
    not go together. check_here: raises LibraryError or UsageError where this machine cannot use
    it; called before anything is armed.
    """

    name: str
    help: str
    options: Mapping[str, Field]
    arguments: Mapping[str, Field]
    make: Callable[[Options], Sink]
    check_options: Callable[[Options], None] = field(default=_nothing)
    check_request: Callable[[Request], None] = field(default=_nothing)
    check_here: Callable[[Options], None] = field(default=_nothing)


def require(module: str, package: str, kind: str) -> None:
    """Raise LibraryError where a sink's library cannot be used."""
    try:
        importlib.import_module(module)
    except (ImportError, OSError) as error:  # OSError: a library of the system that it needs
        raise LibraryError(
            f"actions of kind {kind!r} need {package}, which does not load ({error}) — "
            "install it with pip install 'motionrgbd-live[actions]'"
        ) from error
