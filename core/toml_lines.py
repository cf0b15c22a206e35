"""Where something stands in a TOML file: tomllib keeps no lines."""

from __future__ import annotations

import tomllib
from typing import Any


def line_of(path: tuple[str | int, ...], text: str) -> int:
    """Return the line, from 1, that completes what a path of keys and indices leads to.

    However it is spelled; the last line where nothing does. Costs a parse per line: for errors.
    """
    lines = text.splitlines()
    for n in range(1, len(lines)):
        try:
            found: Any = tomllib.loads("\n".join(lines[:n]))
        except tomllib.TOMLDecodeError:  # a value that goes on in the next line
            continue
        if _leads_somewhere(path, found):
            return n
    return max(1, len(lines))


def _leads_somewhere(path: tuple[str | int, ...], found: Any) -> bool:
    for part in path:
        try:
            found = found[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True
