"""Between the region of interest in the window and the engine that is limited to it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction

from motionrgbd.app.gui.engine_view import EngineView
from motionrgbd.app.gui.watch_page import WatchPage
from motionrgbd.app.my_settings import WindowMemory
from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.region import RegionError, RegionOfInterest
from motionrgbd.core.region_pixels import nearest_reading_m, region_seen_in, why_no_region
from motionrgbd.core.results import Box

_FIRST_Z_M = (0.1, 4.0)  # farther, depth cameras see hands no more


class RegionPresenter(QObject):
    """Limits the engine to the region that the page shows, from its first frame on.

    Lives in the window's thread. action: switches the region on and off. memory: where it was left,
    for the same source. changed: something else counts now.
    """

    changed = Signal()

    def __init__(
        self, engine: EngineView, page: WatchPage, action: QAction, memory: WindowMemory | None
    ) -> None:
        super().__init__(page)
        self._engine, self._page = engine, page
        reason = why_no_region(engine.info)
        action.setEnabled(not reason)
        if reason or engine.info.intrinsics is None:
            action.setText(f"{action.text()} ({reason})")
            return
        self._camera = engine.info.intrinsics
        page.region_bar.set_region(_first(engine, self._camera, memory))
        page.region_used.connect(self._use)
        page.region_bar.changed.connect(self._limit)
        page.region_drawn.connect(self._draw)
        page.set_region(None, self._camera)
        remembered = memory is not None and memory.region_for(memory.source) is not None
        action.setChecked(engine.region is not None or remembered)

    def _use(self, used: bool) -> None:
        self._limit(self._page.region_bar.region() if used else None)

    def _limit(self, region: RegionOfInterest | None) -> None:
        self._engine.limit_to(region)
        self._page.set_region(region, self._camera)
        self.changed.emit()

    def _draw(self, box: Box) -> None:
        """Take the box for what is nearest in it, or else for the middle of the region."""
        z_m = self._page.region_bar.region().z_m
        depth = self._page.newest_depth()
        camera = self._camera
        distance_m = None
        if depth is not None:
            distance_m = nearest_reading_m(depth, box, z_m)
            camera = camera.scaled(depth.shape[1], depth.shape[0])
        try:
            region = region_seen_in(box, distance_m or sum(z_m) / 2, z_m, camera)
        except RegionError:
            self._page.region_bar.set_said("box too small")
            return
        self._page.region_bar.set_region(region)
        self._limit(region)


def _is_of_source(memory: WindowMemory) -> bool:
    return bool(memory.region) and memory.region_of == memory.source


def _first(engine: EngineView, camera: Intrinsics, memory: WindowMemory | None) -> RegionOfInterest:
    """Return the region to begin with: the engine's, the remembered one, or all that is seen."""
    if engine.region is not None:
        return engine.region
    if memory is not None and _is_of_source(memory):
        return RegionOfInterest.parse(memory.region)
    whole = Box(-0.5, -0.5, camera.width_px - 0.5, camera.height_px - 0.5)
    return region_seen_in(whole, _FIRST_Z_M[1], _FIRST_Z_M, camera)
