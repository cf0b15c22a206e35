"""What can be wrong with a checkpoint or a bundle; `exit_code` is what the command line returns."""

from __future__ import annotations


class ModelFileError(Exception):
    """Base: one line that says what is wrong with the file and what to do."""

    exit_code = 5


class BundleError(ModelFileError):
    """Not a model bundle, one that does not match itself, or one newer than this program."""

    exit_code = 5


class CheckpointError(ModelFileError):
    """A checkpoint misses tensors, has tensors too many, or has them in other shapes."""

    exit_code = 10


class ParityError(ModelFileError):
    """An exported graph does not give the scores of the network it was made from."""

    exit_code = 11
