"""Figures of evaluation reports into the card of the bundle that they were taken of."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from motionrgbd.core.errors import UsageError
from motionrgbd.models.bundle import Bundle

# Options of `evaluate` after which a figure is not of all clips and labels, as a card promises.
_NARROWING = ("--limit", "--merge")
_GESTURES_ALONE = "--without-idle"  # as published figures of cut clips are: said in the name


def with_scores(bundle: Bundle, reports: Sequence[Path]) -> Bundle:
    """Return the bundle with the reports' figures in its card, beside those it has.

    reports: `report.json` files of `motionrgbd evaluate`. Raises UsageError for a file that is
    none, one of another model (a card holds no figures of other weights), one of some of the clips
    or merged classes only, and for two that measure the same.
    """
    added: dict[str, str] = {}
    for path in reports:
        try:
            report = json.loads(path.read_text())
            name, figure, sha256 = _name(report), _figure(report), report["model"]["sha256"]
            words = shlex.split(report["command"])
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{path} is no report of `motionrgbd evaluate --out` ({error!r})"
            ) from error
        if sha256 != bundle.sha256:
            raise UsageError(
                f"{path} is a report of another model (sha256 {sha256[:8]}..., this one "
                f"{bundle.sha256[:8]}...) — evaluate this file, then add its figures at once"
            )
        if narrowed := [option for option in _NARROWING if option in words]:
            raise UsageError(
                f"{path} was made with {' and '.join(narrowed)}: a card's figures are of all clips "
                "and classes — evaluate without"
            )
        if name in added:
            raise UsageError(f"{path} measures what another report does ({name}) — give one")
        added[name] = figure
    scores = {**bundle.card.scores, **added}
    return dataclasses.replace(bundle, card=dataclasses.replace(bundle.card, scores=scores))


def _name(report: dict[str, Any]) -> str:
    tested = report["set"]
    notes = [note for note in report["notes"] if ": " in note and ";" in note]
    eight_bit = "8 bit" if report["model"]["kind"].endswith("int8") else ""
    idle = _GESTURES_ALONE in shlex.split(report["command"])
    answers = "among the gestures alone" if idle else "idle is an answer too"
    parts = [f"{tested['name']} {tested['split']}", *(n.rstrip(".") for n in notes)]
    parts += [answers, eight_bit]
    return "top-1, " + "; ".join(part for part in parts if part)


def _figure(report: dict[str, Any]) -> str:
    top1 = report["metrics"]["top1"]
    low, high = (100 * v for v in top1["interval95"])
    right, count = top1["right"], top1["count"]
    return f"{100 * right / count:.2f} % ({right} of {count}; 95 %: {low:.1f}-{high:.1f})"
