"""`motionrgbd-live --cockpit`: the cockpit of a run, in its window or only in its log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from motionrgbd.app.cockpit.log import CockpitLog
from motionrgbd.app.cockpit.machine import Cockpit
from motionrgbd.core.decision import IDLE_LABEL
from motionrgbd.core.engine import Engine
from motionrgbd.core.errors import UsageError
from motionrgbd.core.synthetic.gestures import GESTURES


class RunCockpit:
    """The cockpit observing an engine, and its log. Made, shown and closed by the main thread.

    folder: of the log; None keeps none. Raises UsageError where the model knows no gesture that
    does something, and where nothing would be seen of it; OutputError as the log does.
    """

    def __init__(self, engine: Engine, folder: Path | None, *, window: bool) -> None:
        self._on = {
            label: engine.decision.of(label)[0] for label in engine.labels if label != IDLE_LABEL
        }
        if not set(self._on) & set(GESTURES):
            raise UsageError(
                f"the cockpit needs a model that knows some of {', '.join(GESTURES)}; "
                f"{engine.model_name!r} knows {', '.join(self._on)} — leave --model out"
            )
        if folder is None and not window:
            raise UsageError(
                "--cockpit without a window shows nothing but its log — name a folder with --out"
            )
        self._engine = engine
        self._log = None if folder is None else CockpitLog(folder)
        self.cockpit = Cockpit(tell=None if self._log is None else self._log.add)
        engine.add_observer(self.cockpit.observe)

    def show(
        self,
        on_poll: Callable[[], None],
        *,
        screenshot: Path | None = None,
        close_when_finished: bool = False,
        right_hand_drive: bool = False,
    ) -> int:
        """Show it in a window until that is closed; return the exit code."""
        from motionrgbd.app.gui.cockpit.run import run_cockpit

        return run_cockpit(
            self._engine,
            self.cockpit,
            self._on,
            screenshot=screenshot,
            close_when_finished=close_when_finished,
            on_poll=on_poll,
            right_hand_drive=right_hand_drive,
        )

    def close(self) -> None:
        """Finish the log; may be called again."""
        if self._log is not None:
            self._log.close()
