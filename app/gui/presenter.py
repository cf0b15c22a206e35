"""Between the engine and the window: pictures are polled, facts are signalled."""

from __future__ import annotations

import time
from collections import deque

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from motionrgbd.app.gui import texts
from motionrgbd.app.gui.engine_view import EngineState, EngineView, StepView
from motionrgbd.app.gui.history import FrameOrder, History
from motionrgbd.app.gui.window import MainWindow
from motionrgbd.app.modality_health import modality_health
from motionrgbd.core.errors import MotionRGBDError
from motionrgbd.core.results import FloatArray, GestureEvent, Snapshot

POLL_MS = 33
TIMELINE_EVERY = 3  # polls: ten a second at 3 ms each; it moves some four pixels in between
LONG_NOTICE_S = 12.0  # of what nobody has asked for, and may come while nobody looks
PASSING_NOTICE_S = 4.0  # long enough to read a sentence
HEALTH_EVERY_S = 0.5  # figures that change faster cannot be read
INBOX_STEPS = 2048  # a stall of the window of 2 s while a recording is replayed at 1,000 steps/s


class EventBridge(QObject):
    """Takes steps in the engine's thread; hands probabilities over in a box, gestures by signal.

    earliest_s: the recording's first moment, whether it was ever shown or not.
    """

    gesture = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._inbox: deque[tuple[float, FloatArray]] = deque(maxlen=INBOX_STEPS)
        self.earliest_s: float | None = None

    def observe(self, step: StepView) -> None:
        """Take one step. Runs in the engine's thread."""
        if self.earliest_s is None or step.timestamp_s < self.earliest_s:
            self.earliest_s = step.timestamp_s
        if step.prediction is not None:
            self._inbox.append((step.timestamp_s, step.prediction.probabilities))
        for event in step.events:
            self.gesture.emit(event)

    def take(self) -> list[tuple[float, FloatArray]]:
        """Return the steps that came since the last call. Runs in the window's thread."""
        return [self._inbox.popleft() for _ in range(len(self._inbox))]


class Presenter(QObject):
    """Shows an engine in a window, and carries the window's wishes to it. Window's thread.

    ended: the engine has finished or failed, and its last snapshot has been shown.
    """

    ended = Signal()

    def __init__(self, engine: EngineView, window: MainWindow) -> None:
        super().__init__(window)
        self._engine = engine
        self._window = window
        self._order = FrameOrder(engine.recipe.fps_hz)
        self._history = History(len(engine.labels), engine.recipe.fps_hz)
        self._shown: Snapshot | None = None
        self._polls = 0
        self._stale_timeline = False
        self._health_due_s = 0.0
        self._ended = False
        self._passing: texts.Notice | None = None
        self._passing_until_s = 0.0
        self._bridge = EventBridge(self)
        self._bridge.gesture.connect(self._gesture, Qt.ConnectionType.QueuedConnection)
        engine.add_observer(self._bridge.observe)
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.poll)
        window.play_toggled.connect(self._toggle)
        window.step_requested.connect(self._step)
        window.seek_requested.connect(self._seek)
        window.speed_changed.connect(self._set_speed)
        window.closed.connect(self.stop)
        window.set_source(engine.info, engine.model_name, engine.provider)

    def start(self) -> None:
        """Start the engine and the polling."""
        self._engine.start()
        self._timer.start()

    def stop(self) -> None:
        """Stop the polling and the engine; may be called again."""
        if self._timer.isActive():
            self._timer.stop()
            self._engine.stop()

    def warn(self, text: str) -> None:
        """Say something for a while."""
        self._passing = texts.Notice("warning", "Please note", text)
        self._passing_until_s = time.monotonic() + LONG_NOTICE_S

    def poll(self) -> None:
        """Show what is new."""
        state = self._engine.state
        snapshot = self._engine.snapshot()
        if snapshot is not None and snapshot is not self._shown:
            self._show(snapshot)
        for timestamp_s, probabilities in self._bridge.take():
            self._history.add(timestamp_s, probabilities)
            self._stale_timeline = True
        if self._stale_timeline and self._polls % TIMELINE_EVERY == 0:
            self._window.watch.set_history(self._history, self._origin_s)
            self._stale_timeline = False
        self._polls += 1
        self._window.set_playing(state == "running")
        self._window.set_notice(self._notice(state))
        silent = self._engine.source_error is not None
        self._window.watch.set_stale(silent and state != "finished")
        self._tell_end(over=state in ("finished", "failed"))

    @property
    def _origin_s(self) -> float:
        """The moment that the window calls 0:00."""
        if self._bridge.earliest_s is not None:
            return self._bridge.earliest_s
        return 0.0 if self._shown is None else self._shown.frame.timestamp_s

    def _tell_end(self, over: bool) -> None:
        """Emit `ended`, once, when all that came before the end has been shown."""
        if not over:
            self._ended = False
        elif not self._ended and not self._stale_timeline:
            self._ended = True
            if self._shown is not None:
                self._window.set_health(self._shown.health)
            self.ended.emit()

    def _notice(self, state: EngineState) -> texts.Notice:
        if self._passing is not None and time.monotonic() < self._passing_until_s:
            return self._passing
        return texts.notice(state, self._engine.error, self._shown, self._engine.source_error)

    def _show(self, snapshot: Snapshot) -> None:
        timestamp_s = snapshot.frame.timestamp_s
        if not self._order.accepts(timestamp_s):
            return
        self._shown = snapshot
        self._window.set_snapshot(snapshot, timestamp_s - self._origin_s)
        now = time.monotonic()
        if now >= self._health_due_s:
            self._health_due_s = now + HEALTH_EVERY_S
            self._window.set_health(snapshot.health)
            self._window.watch.sensor_view.set_health(
                modality_health(snapshot.frame, snapshot.view)
            )

    def _gesture(self, event: GestureEvent) -> None:
        self._history.mark(event)
        self._stale_timeline = True
        self._window.watch.gestures.add(event, self._origin_s)

    def _toggle(self) -> None:
        if self._engine.state == "finished":
            self._seek(0.0)
        elif self._engine.state == "paused":
            self._engine.resume()
        elif not self._engine.info.live:
            self._engine.pause()

    def _step(self) -> None:
        if not self._engine.info.live:
            self._engine.step()

    def _seek(self, elapsed_s: float) -> None:
        if self._engine.info.live or self._bridge.earliest_s is None:
            return
        target_s = self._origin_s + elapsed_s
        try:
            self._engine.seek(target_s)
        except MotionRGBDError as error:
            self._passing = texts.Notice("warning", "Cannot move", str(error))
            self._passing_until_s = time.monotonic() + PASSING_NOTICE_S
            return
        self._order.seek(target_s)
        self._bridge.take()
        self._history.clear()
        self._stale_timeline = True

    def _set_speed(self, factor: float) -> None:
        if not self._engine.info.live:
            self._engine.set_speed(factor)
