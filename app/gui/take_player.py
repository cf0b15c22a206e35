"""One recording or camera as the teaching window looks at it: an engine to show it, moment by
moment, and a scan for what moves when."""

from __future__ import annotations

import time

from motionrgbd.app.activity import Activity, ActivityScan
from motionrgbd.app.gui.history import FrameOrder
from motionrgbd.app.gui.workshop import Workshop
from motionrgbd.app.tapped_source import TappedSource
from motionrgbd.app.teaching_session import Take
from motionrgbd.core.engine import Engine
from motionrgbd.core.errors import SourceError
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.results import Snapshot
from motionrgbd.core.sources.source import SeekableSource, Source

_ARRIVES_S = 1.0  # a moment that was asked for; later, what comes is shown as it is


class TakePlayer:
    """Plays, holds and moves. Window's thread; the engine and the scan have threads of their own.

    at_s: the moment that is shown or was asked for, from the recording's first frame. camera: what
    records, where this is one. error: why nothing can be shown.
    """

    def __init__(
        self, engine: Engine, *, take: Take | None, camera: TappedSource | None, origin_s: float
    ) -> None:
        self._engine = engine
        self._take = take
        self.camera = camera
        self._origin_s = origin_s
        self._order = FrameOrder(engine.recipe.fps_hz)
        self._scan: ActivityScan | None = None
        self._read = 0  # frames of the scan that the take knows
        self._told_end = False
        self._shown: Snapshot | None = None
        self._sought: tuple[float, float] | None = None  # which moment, and until when it counts
        self.playing = take is None
        self.at_s = 0.0

    @classmethod
    def of_recording(cls, shop: Workshop, take: Take) -> TakePlayer:
        """Open a recording at its first frame, and start looking for motion in it."""
        source = take.open()
        try:
            first = source.read()
            if first is None or not isinstance(source, SeekableSource):
                raise SourceError(f"{take.info.name} cannot be marked: it has no frame to go to")
            source.seek(first.timestamp_s)
            engine = Engine(source, shop.recogniser(take.region), pace="realtime")
        except BaseException:
            source.close()
            raise
        player = cls(engine, take=take, camera=None, origin_s=first.timestamp_s)
        engine.step()  # shows the first frame, and holds
        engine.start()
        player._scan = ActivityScan(take.open, shop.recogniser(take.region))
        player._scan.start()
        return player

    @classmethod
    def of_camera(
        cls, shop: Workshop, source: Source, region: RegionOfInterest | None
    ) -> TakePlayer:
        """Show a camera. region: what of it counts."""
        tapped = TappedSource(source)
        try:
            engine = Engine(tapped, shop.recogniser(region))
        except BaseException:
            source.close()
            raise
        engine.start()
        return cls(engine, take=None, camera=tapped, origin_s=0.0)

    @property
    def error(self) -> Exception | None:
        """Why nothing more can be shown."""
        return self._engine.error

    @property
    def source_error(self) -> str | None:
        """The trouble of a camera that is silent."""
        return self._engine.source_error

    def stop(self) -> None:
        """End all threads. Raises `OutputError` where a recording could not be written."""
        self._engine.stop()
        if self._scan is not None:
            self._scan.stop()
        if self.camera is not None:
            self.camera.stop()

    def new_snapshot(self) -> Snapshot | None:
        """Return what is to be shown now, where it is new; follow a recording that plays."""
        if self._sought is not None and time.monotonic() > self._sought[1]:
            self._sought = None
        snapshot = self._engine.snapshot()
        if snapshot is not None and snapshot is not self._shown:
            time_s = snapshot.frame.timestamp_s
            if not self._order.accepts(time_s):
                return None
            self._shown = snapshot
            self._follow(time_s - self._origin_s)
            return snapshot
        if self.playing and self._engine.state == "finished" and self._sought is None:
            self.hold()
        return None

    def _follow(self, time_s: float) -> None:
        if self._sought is not None:
            near_s = 2.5 / self._engine.info.fps_hz
            if abs(time_s - self._sought[0]) > near_s:
                return  # on its way still
            self._sought = None
        if self.playing and self.camera is None:
            self.at_s = time_s

    def new_activity(self) -> Activity | None:
        """Return what the scan has found where there is more than last time; tell the take."""
        if self._scan is None or self._take is None or self._told_end:
            return None
        activity = self._scan.activity()
        for time_s in activity.frames_s[self._read :].tolist():
            self._take.times.add(time_s)
        self._read = len(activity.frames_s)
        self._told_end = activity.finished or activity.error is not None
        if activity.finished:
            self._take.times.finish()
        return activity

    def toggle(self) -> None:
        """Play or hold; from the end, play from the start."""
        if self.playing:
            self.hold()
            return
        if self._engine.state == "finished" or self._at_end():
            self.go_to(0.0)
        self.playing = True
        self._engine.resume()

    def hold(self) -> None:
        """Stop at the moment that is shown."""
        if self.camera is None:
            self.playing = False
            self._engine.pause()

    def go_to(self, time_s: float) -> None:
        """Show the frame at a moment."""
        if self._take is None:
            return
        if not self.playing:
            self._engine.pause()
        self.at_s = self._take.times.frame(max(0.0, time_s))
        self._sought = self.at_s, time.monotonic() + _ARRIVES_S
        # a stamp is a sum that may end a bit lower: half a millisecond tells no frames apart
        sought_s = self._origin_s + self.at_s - 5e-4
        self._order.seek(sought_s)
        self._engine.seek(sought_s)

    def set_speed(self, factor: float) -> None:
        """1 is real time, 0 as fast as it goes."""
        self._engine.set_speed(factor)

    def _at_end(self) -> bool:
        assert self._take is not None
        return self._take.times.beside(self.at_s, 1) <= self.at_s
