"""What can be wrong with a camera's calibration."""

from __future__ import annotations


class CalibrationError(ValueError):
    """One line that says which value is wrong; `exit_code` is what the command line returns."""

    exit_code = 3
