"""What can go wrong for a user, one exception per situation, each with the exit code scripts see.

Exit codes 5, 10 and 11 belong to model files: see `motionrgbd.models.errors`.
"""

from __future__ import annotations


class MotionRGBDError(Exception):
    """Base of every error shown to a user as one line: what is wrong and what to do about it."""

    exit_code = 1


class UsageError(MotionRGBDError):
    """The command line or the settings file asks for something that does not exist."""

    exit_code = 2


class SourceError(MotionRGBDError):
    """A recording is missing, damaged, empty or not of a known kind."""

    exit_code = 3


class CameraError(MotionRGBDError):
    """No camera answers, or it stopped answering."""

    exit_code = 4


class ModalityError(MotionRGBDError):
    """The model needs colour or depth that the source does not have."""

    exit_code = 6


class OutputError(MotionRGBDError):
    """Results cannot be written where the user asked for them."""

    exit_code = 7


class LibraryError(MotionRGBDError):
    """A library is missing, or two of them exclude each other."""

    exit_code = 8


class DemoError(MotionRGBDError):
    """The demo ran, but recognised too few of the scripted gestures."""

    exit_code = 9


class TeachingError(MotionRGBDError):
    """Classes cannot be added: the model carries no stored examples, or would forget its own."""

    exit_code = 12


INTERRUPTED_EXIT_CODE = 130  # 128 + SIGINT, as shells report it
