"""Where something stands in a TOML file: tomllib keeps no lines."""

from __future__ import annotations

import bisect
import tomllib
from typing import Any


def line_of(path: tuple[str | int, ...], text: str) -> int:
    """Return the line, from 1, that completes what a path of keys and indices leads to.

    However it is spelled; the last line where nothing does. Costs a few parses of the text.
    """
    lines = text.splitlines()

    def leads_somewhere(n: int) -> bool:
        return _leads_somewhere(path, _parsed(lines, n)[1])

    n = bisect.bisect_left(range(len(lines)), True, lo=1, key=leads_somewhere)
    return max(1, min(len(lines), _parsed(lines, n)[0]))


def _parsed(lines: list[str], n: int) -> tuple[int, Any]:
    """Return what the first lines say: n of them, or as many as complete a value that goes on."""
    for end in range(n, len(lines)):
        try:
            return end, tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
    return len(lines), tomllib.loads("\n".join(lines))


def _leads_somewhere(path: tuple[str | int, ...], found: Any) -> bool:
    for part in path:
        try:
            found = found[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True
