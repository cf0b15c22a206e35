"""Between what is shown, a recording or a camera, and the pictures, which are polled."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from motionrgbd.app.gui import teach_texts
from motionrgbd.app.gui.take_player import TakePlayer
from motionrgbd.app.gui.teach_window import TeachWindow
from motionrgbd.app.gui.texts import Notice
from motionrgbd.app.gui.workshop import Workshop
from motionrgbd.app.tapped_source import TappedSource
from motionrgbd.app.teaching_session import Take
from motionrgbd.core.errors import OutputError
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.sources.source import Source

_ACTIVITY_EVERY = 6  # polls: five times a second, while a recording is read


class MomentPresenter(QObject):
    """Plays, holds and moves through what is shown, one thing at a time. Window's thread.

    take: the recording that is shown, where it is one. region: what counts of what is shown; None:
    everything. changed: something else is shown.
    read: all that can be known of the recording's length is.
    """

    changed = Signal()
    read = Signal()

    def __init__(self, workshop: Workshop, window: TeachWindow) -> None:
        super().__init__(window)
        self._workshop, self._window, self._page = workshop, window, window.take
        self._player: TakePlayer | None = None
        self.take: Take | None = None
        self.region: RegionOfInterest | None = None
        self._polls = 0
        page = window.take
        page.transport.play_toggled.connect(self._toggle_play)
        page.transport.speed_changed.connect(self._set_speed)
        page.moment_wanted.connect(self.go_to)
        page.frames_wanted.connect(self._go_frames)
        page.seconds_wanted.connect(self._go_seconds)

    @property
    def at_s(self) -> float | None:
        """The moment of the recording that is shown, from its start."""
        return None if self._player is None or self.take is None else self._player.at_s

    @property
    def camera(self) -> TappedSource | None:
        """What records, where a camera is shown."""
        return None if self._player is None else self._player.camera

    # ---- what is shown ----

    def show_take(self, take: Take) -> None:
        """Show a recording's first frame. Raises what opening it raises."""
        self.end()
        self.take, self.region = take, take.region
        self._window.set_source(take.info, take.region)
        self._window.sources.set_camera(False, False, "")
        self._page.timeline.set_recording(take.times.end_s, take.editor.room)
        self._page.set_editable(True)
        self.changed.emit()
        where = f"labels are kept in {take.table.name}" if take.table else "its labels are not kept"
        where += "" if take.region is None else "; its region of interest is taught, the rest not"
        self._window.set_notice(Notice("calm", take.info.name, where))
        self._player = TakePlayer.of_recording(self._workshop, take)

    def show_camera(self, source: Source, region: RegionOfInterest | None) -> None:
        """Show what a camera sees, and what of it counts. Raises what watching it raises."""
        self._empty(source, region)
        self._player = TakePlayer.of_camera(self._workshop, source, region)
        self._window.sources.set_camera(True, False, "")
        self.changed.emit()
        say = "press Record, make the gesture a few times with pauses, end the recording"
        say += "" if region is None else "; only the region of interest counts"
        self._window.set_notice(Notice("calm", source.info.name, say))

    def show_nothing(self) -> None:
        """Show that there is no recording."""
        self._empty(None, None)
        self.changed.emit()

    def _empty(self, source: Source | None, region: RegionOfInterest | None) -> None:
        self.end()
        self.take = None
        self.region = region
        self._window.set_source(None if source is None else source.info, region)
        self._page.timeline.clear()
        self._page.set_editable(False)

    def end(self) -> None:
        """End all threads; may be called again."""
        if self._player is None:
            return
        player, self._player = self._player, None
        try:
            player.stop()
        except OutputError as error:
            self._say_error("Recording broke off", error)

    # ---- what is new ----

    def poll(self) -> None:
        """Show what is new."""
        self._polls += 1
        player = self._player
        if player is None:
            return
        snapshot = player.new_snapshot()
        if snapshot is not None:
            self._page.set_snapshot(snapshot)
        if player.error is not None:
            self._say_error("Cannot be shown", player.error)
            self.end()
        elif player.camera is not None:
            self._show_recording(player, player.camera)
        else:
            self._page.transport.set_playing(player.playing)
            self._page.set_moment(player.at_s, None)
            if self._polls % _ACTIVITY_EVERY == 0:
                self._show_activity(player)

    def _show_recording(self, player: TakePlayer, camera: TappedSource) -> None:
        try:
            count = camera.count()
        except OutputError as error:
            self._say_error("Recording broke off", error)
            self.end()
            self._window.sources.set_camera(False, False, "")
            return
        recording = camera.recording
        told = teach_texts.recording_count(count) if recording else ""
        self._window.sources.set_camera(True, recording, told)
        if player.source_error is not None:
            self._window.set_notice(Notice("warning", "Source is silent", player.source_error))

    def _show_activity(self, player: TakePlayer) -> None:
        activity = player.new_activity()
        if activity is None or self.take is None:
            return
        self._page.timeline.set_activity(activity)
        if activity.error is not None:
            self._say_error("Cannot be read", activity.error)
        duration_s = self.take.times.duration_s
        if activity.finished or duration_s == float("inf"):
            self._page.set_moment(player.at_s, self.take.times.end_s)
            self.read.emit()

    def _say_error(self, headline: str, error: Exception) -> None:
        self._window.set_notice(teach_texts.trouble(headline, error))

    # ---- moments ----

    def hold(self) -> None:
        """Stop at the moment that is shown."""
        if self._player is not None:
            self._player.hold()

    def go_to(self, time_s: float) -> None:
        """Show the frame at a moment of the recording."""
        if self._player is None or self.take is None:
            return
        self._player.go_to(time_s)
        self._page.set_moment(self._player.at_s, None)

    def _go_frames(self, steps: int) -> None:
        if self.take is not None and self.at_s is not None:
            self.go_to(self.take.times.beside(self.at_s, steps))

    def _go_seconds(self, change_s: float) -> None:
        if self.at_s is not None:
            self.go_to(self.at_s + change_s)

    def _toggle_play(self) -> None:
        if self._player is not None and self._player.camera is None:
            self._player.toggle()

    def _set_speed(self, factor: float) -> None:
        if self._player is not None and self._player.camera is None:
            self._player.set_speed(factor)
