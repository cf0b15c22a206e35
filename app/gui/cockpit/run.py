"""Open the cockpit on an engine, and close both properly."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from motionrgbd.app import overlay
from motionrgbd.app.actions import RunActions
from motionrgbd.app.cockpit.machine import Cockpit, Happening
from motionrgbd.app.gui.application import Screenshot, application, show_until_closed
from motionrgbd.app.gui.cockpit.window import CockpitWindow
from motionrgbd.app.gui.engine_view import EngineView
from motionrgbd.core.actions.dispatcher import Dispatcher
from motionrgbd.core.results import Prediction, Snapshot

_POLL_MS = 33
_ACTIONS_POLL_MS = 250  # words that change faster cannot be read
_CONFIRMED_S = 2.5  # long enough to read three words twice
_LAST_PAINT_MS = 1500  # the map has come to rest by then
_LEAST_SHARE = 0.2  # of what decides a gesture; less is not worth a name


class CockpitPresenter(QObject):
    """Shows an engine and the cockpit that observes it. Window's thread; both are only polled.

    on: the probability that starts each gesture. Gestures that are nothing (idle) have none.
    actions: what gestures do outside, if anything.
    """

    ended = Signal()

    def __init__(
        self,
        engine: EngineView,
        cockpit: Cockpit,
        window: CockpitWindow,
        on: Mapping[str, float],
        actions: RunActions | None = None,
    ) -> None:
        super().__init__(window)
        self._engine = engine
        self._cockpit = cockpit
        self._window = window
        self._on = on
        self._snapshot: Snapshot | None = None
        self._said: Happening | None = None
        self._said_until_s = 0.0
        self._last_s = time.monotonic()
        self._over = False
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self.poll)
        if actions is not None and actions.dispatcher is not None:
            self._follow(actions.dispatcher)

    def _follow(self, dispatcher: Dispatcher) -> None:
        """Show how actions are handled, and let them be disarmed."""

        def show() -> None:
            self._window.set_actions(dispatcher.status())

        timer = QTimer(self)
        timer.timeout.connect(show)
        timer.start(_ACTIONS_POLL_MS)
        self._window.disarm_wanted.connect(dispatcher.disarm)
        show()

    def start(self) -> None:
        """Start the engine and the polling."""
        self._engine.start()
        self._timer.start()

    def stop(self) -> None:
        """Stop the polling and the engine; may be called again."""
        self._timer.stop()
        self._engine.stop()

    def poll(self) -> None:
        """Show what is new, and move what moves."""
        now = time.monotonic()
        state = self._engine.state
        snapshot = self._engine.snapshot()
        if snapshot is not None and snapshot is not self._snapshot:
            self._snapshot = snapshot
            shown = "color" if snapshot.frame.color is not None else "depth"
            self._window.set_scene(overlay.scene(snapshot, shown, heat=None, opacity=0.0))  # type: ignore[arg-type]
            self._window.set_progress(*progress(snapshot.prediction, self._engine.labels, self._on))
        self._window.set_state(self._cockpit.state, self._trouble())
        self._confirm(now)
        self._window.tick(now - self._last_s)
        self._last_s = now
        if state in ("finished", "failed") and not self._over:
            self._over = True
            self.ended.emit()

    def _confirm(self, now_s: float) -> None:
        """Say what happened last, for a while; a call says for itself that it rings."""
        latest = self._cockpit.latest
        if latest is not None and latest is not self._said:
            self._said, self._said_until_s = latest, now_s + _CONFIRMED_S
            if latest.cause == "gesture" or not latest.after.ringing:
                done = latest.effect is not None
                self._window.set_confirmation(latest.gesture, latest.text, done=done)
        elif now_s > self._said_until_s and not self._over:  # at the end, the last word stays
            self._window.set_confirmation("", "", done=True)

    def _trouble(self) -> str:
        if self._engine.error is not None:
            return "Recognition has stopped"
        return "The camera is silent" if self._engine.source_error else ""


def progress(
    prediction: Prediction | None, labels: tuple[str, ...], on: Mapping[str, float]
) -> tuple[str, float]:
    """Return the likeliest gesture, or "", and its probability as a share of what starts it."""
    if prediction is None:
        return "", 0.0
    label = labels[int(prediction.probabilities.argmax())]
    if label not in on:
        return "", 0.0
    share = min(1.0, float(prediction.probabilities.max()) / max(on[label], 1e-6))
    return (label, share) if share >= _LEAST_SHARE else ("", 0.0)


def run_cockpit(
    engine: EngineView,
    cockpit: Cockpit,
    on: Mapping[str, float],
    *,
    screenshot: Path | None = None,
    close_when_finished: bool = False,
    on_poll: Callable[[], None] | None = None,
    right_hand_drive: bool = False,
    actions: RunActions | None = None,
) -> int:
    """Show the cockpit until its window is closed; return the exit code.

    cockpit: observes the engine already. on: as `CockpitPresenter` takes it. right_hand_drive: the
    driver sits on the right. actions: what gestures do outside. The rest is as in `run_window`. An
    engine that failed raises its error, after closing; OutputError where the
    screenshot cannot be written.
    """
    application()
    window = CockpitWindow(tuple(on))
    window.set_right_hand_drive(right_hand_drive)
    presenter = CockpitPresenter(engine, cockpit, window, on, actions)
    picture = Screenshot(window, screenshot)
    if close_when_finished:
        presenter.ended.connect(lambda: QTimer.singleShot(_LAST_PAINT_MS, window, window.close))
    window.closing.connect(picture.take)
    code = show_until_closed(
        window, window.closed, start=presenter.start, stop=presenter.stop, on_poll=on_poll
    )
    if engine.error is not None:
        raise engine.error
    picture.check()
    return code
