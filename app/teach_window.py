"""`motionrgbd-live --teach`: the window that teaches own gestures, from the settings."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from motionrgbd.app.live import DEFAULT_MODEL, source_options, source_spec
from motionrgbd.app.my_settings import read_memory, window_path
from motionrgbd.app.settings import Settings
from motionrgbd.core.errors import UsageError
from motionrgbd.core.frames import SourceInfo
from motionrgbd.core.region import RegionOfInterest

if TYPE_CHECKING:
    from motionrgbd.app.gui.workshop import RegionOf

_WHY_NOT = (
    "This model carries no stored examples of its gestures: nobody could tell whether it forgets "
    "them. Gestures can be marked; to teach them, start with another --model."
)
FOLDER = Path("own-gestures")  # of recordings made in the window, and of the taught model


def teach_in_window(settings: Settings) -> Path | None:
    """Teach until the window is closed; return the taught model that is to be used now, if any.

    Raises UsageError where no window can be opened, and what opening the model raises. A recording
    that cannot be opened is said in the window.
    """
    from motionrgbd.app.gui.available import why_no_window

    reason = why_no_window()
    if settings.headless or reason is not None:
        why = reason or "--headless was asked for"
        raise UsageError(f"own gestures are marked in a window: {why}")
    from motionrgbd.app.gui.teach_run import run_teaching
    from motionrgbd.app.gui.workshop import Workshop
    from motionrgbd.app.teach_lesson import lesson_maker, limits_of
    from motionrgbd.core.session import check_onnxruntime
    from motionrgbd.core.sources.open import open_source
    from motionrgbd.models.bundle import load_bundle

    check_onnxruntime()
    bundle = load_bundle(settings.model or DEFAULT_MODEL)
    # librealsense's player may lose a frame of a recording; marks must mean the same every time
    options = dataclasses.replace(source_options(settings), prefer_sdk=False)
    workshop = Workshop(
        bundle,
        lambda spec: open_source(spec, options=options),
        lesson_maker(settings.device, settings.precision),
        settings.out or FOLDER,
        device=settings.device,
        precision=settings.precision,
        why_not="" if bundle.memory is not None else _WHY_NOT,
        region_of=_region_of(settings),
    )
    sources = _sources(settings)
    return run_teaching(workshop, limits_of(bundle), sources, screenshot=settings.screenshot)


def _region_of(settings: Settings) -> RegionOf:
    """Return what tells the region of interest of a source: the one given, or the remembered one.

    What is taught is what is seen live.
    """
    from motionrgbd.core.region_pixels import check_region, why_no_region

    memory, _warning = read_memory(window_path())  # told by the window that remembers

    def region_of(spec: str, info: SourceInfo) -> RegionOfInterest | None:
        if settings.region is None:
            return None if why_no_region(info) else memory.region_for(spec)
        if settings.limited_to is not None:
            check_region(info)
        return settings.limited_to

    return region_of


def why_not_taught() -> str:
    """Say, in a menu's few words, why a model without stored examples is not taught."""
    return "this model carries no stored examples"


def _sources(settings: Settings) -> list[str]:
    if settings.teach:
        return [settings.teach]
    if settings.camera or settings.replay:
        return [source_spec(settings)]
    return []
