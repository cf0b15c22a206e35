"""One line that says how far something is."""

from __future__ import annotations

import sys


def show_progress(text: str, *, last: bool) -> None:
    """Keep one line on a terminal up to date; say nothing elsewhere."""
    if sys.stderr.isatty():
        end = "\n" if last else ""
        print(f"\r\033[K{text}", end=end, file=sys.stderr, flush=True)
