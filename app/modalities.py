"""What is recognised from, in words: at the start of a run and whenever it changes."""

from __future__ import annotations

from collections.abc import Sequence

from motionrgbd.core.frames import SourceInfo
from motionrgbd.core.modality_watch import WORDS
from motionrgbd.core.results import ModalityUse
from motionrgbd.models.bundle import Bundle
from motionrgbd.models.recipe import Modality


def words(used: Sequence[Modality]) -> str:
    """Return `depth only`, or `colour and depth`."""
    names = [WORDS[modality] for modality in used]
    return f"{names[0]} only" if len(names) == 1 else " and ".join(names)


def use_text(use: ModalityUse, origin_s: float = 0.0) -> str:
    """Return a line for the terminal: `depth only since 3.2 s: colour is black`."""
    why = f": {use.reason}" if use.reason else ""
    return f"{words(use.used)} since {use.since_s - origin_s:.1f} s{why}"


def start_text(bundle: Bundle, info: SourceInfo) -> str | None:
    """Say that a source has one modality of the two that a model knows; None where it has both."""
    if not bundle.falls_back or (info.has_color and info.has_depth):
        return None
    if info.has_depth:
        return f"{info.name} has no colour: recognising from depth alone."
    note = bundle.card.color_note
    return f"{info.name} has no depth: recognising from colour alone. {note}".rstrip()
