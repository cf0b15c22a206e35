"""Placeholders in requests: `{label}` and the like become what is known of the event."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from motionrgbd.core.actions.sink import Request
from motionrgbd.core.results import GestureEvent

_NAMES = ("label", "score", "kind", "start_s", "end_s", "decided_s", "state", "mode", "event")
_PLACE = re.compile("{(" + "|".join(_NAMES) + ")}")  # other braces stay: a payload may be JSON


def filled(
    request: Request, event: GestureEvent, state: str | None, mode: str | None
) -> dict[str, Any]:
    """Return a request with its placeholders filled.

    `{event}` is the event as JSON. An item of a list that is nothing but a placeholder becomes
    the value itself: a score stays a number.
    """
    known: dict[str, Any] = dataclasses.asdict(event)
    known = {k: round(v, 6) if isinstance(v, float) else v for k, v in known.items()}
    known["event"] = json.dumps(known, ensure_ascii=False)
    known |= {"state": state or "", "mode": mode or ""}
    return {name: _filled(value, known) for name, value in request.items()}


def _filled(value: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(value, tuple):
        return tuple(_filled_item(item, known) for item in value)
    if isinstance(value, str):
        return _PLACE.sub(lambda match: str(known[match[1]]), value)
    return value


def _filled_item(item: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(item, str) and (whole := _PLACE.fullmatch(item)):
        return known[whole[1]]
    return _filled(item, known)
