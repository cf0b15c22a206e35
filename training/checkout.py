"""Which commit a figure or a model was made with."""

from __future__ import annotations

import subprocess
from pathlib import Path


def checkout_commit() -> str:
    """Return the checkout's commit, marked where files differ; empty outside of a checkout."""
    place = Path(__file__).resolve().parent.parent
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"],
            cwd=place, capture_output=True, text=True,
        )  # fmt: skip
    except OSError:  # no git here
        return ""
    inside = found.returncode == 0 and (place / ".git").exists()
    return found.stdout.strip() if inside else ""
