"""A performance that goes on: one performer gestures, idles, and the next one comes."""

from __future__ import annotations

import dataclasses

from motionrgbd.core.frames import RGBDFrame, ScriptedGesture, SourceInfo
from motionrgbd.core.synthetic.domain import DEMO_DOMAIN, Domain
from motionrgbd.core.synthetic.recording import SyntheticRecording


class EndlessPerformance:
    """Recordings of seed after seed as one `Source`: all gestures shuffled, then idle time.

    Numbers and times of frames go on from recording to recording. script: of what was begun so
    far. info.intrinsics are the first scene's; those of later ones differ by some per cent.
    """

    def __init__(
        self,
        seed: int,
        duration_s: float,
        *,
        idle_s: float = 30.0,
        domain: Domain = DEMO_DOMAIN,
        fps_hz: float = 30.0,
        size_px: tuple[int, int] = (320, 240),
    ) -> None:
        self._seed, self._idle_s = seed, idle_s
        self._domain, self._fps_hz, self._size_px = domain, fps_hz, size_px
        self._count = int(duration_s * fps_hz)
        self._part = self._next = self._first = 0
        self._closed = False
        self.script: tuple[ScriptedGesture, ...] = ()
        self._now = self._begin()
        self.info: SourceInfo = dataclasses.replace(
            self._now.info,
            name=f"endless synthetic performance (from seed {seed})",
            duration_s=self._count / fps_hz,
            frame_count=self._count,
            script=(),
        )

    def read(self) -> RGBDFrame | None:
        if self._closed or self._next >= self._count:
            return None
        frame = self._now.read()
        while frame is None:
            self._part += 1
            self._first = self._next
            self._now = self._begin()
            frame = self._now.read()
        index = self._next
        self._next += 1
        return dataclasses.replace(frame, index=index, timestamp_s=index / self._fps_hz)

    def close(self) -> None:
        self._closed = True

    def _begin(self) -> SyntheticRecording:
        """Every other part is idle time."""
        seed, idle = self._seed + self._part // 2, self._part % 2 == 1
        part = SyntheticRecording(
            seed,
            domain=self._domain,
            labels=() if idle else None,
            idle_s=self._idle_s if idle else None,
            fps_hz=self._fps_hz,
            size_px=self._size_px,
        )
        begin_s = self._first / self._fps_hz
        self.script += tuple(
            ScriptedGesture(g.label, g.start_s + begin_s, g.end_s + begin_s)
            for g in part.info.script
        )
        return part
