"""What the window offers beside showing an engine; each part may be missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from motionrgbd.app.actions import RunActions
from motionrgbd.app.gui.design_presenter import Designing
from motionrgbd.app.my_settings import WindowMemory
from motionrgbd.app.tapped_source import TappedSource


@dataclass(frozen=True, slots=True)
class WindowExtras:
    """designing: what the decision designer needs. recorder: records what the engine's camera
    shows, into folders in `recordings`. memory: how the window was left; remember: keeps how it is
    left now. actions: what gestures do, or may do later. open_other: called where another source
    or model is wanted; the window then closes. warning: what is to be said first, for a while.
    """

    designing: Designing | None = None
    recorder: TappedSource | None = None
    recordings: Path = Path("recordings")
    memory: WindowMemory | None = None
    remember: Callable[[WindowMemory], None] | None = None
    actions: RunActions | None = None
    open_other: Callable[[], None] | None = None
    warning: str = ""
