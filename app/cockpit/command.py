"""`motionrgbd-live --cockpit`: the cockpit of a run, in its window or only in its log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from motionrgbd.app.actions import RunActions
from motionrgbd.app.cockpit.log import CockpitLog
from motionrgbd.app.cockpit.machine import Cockpit, Happening
from motionrgbd.app.cockpit.offers import ALLOWED
from motionrgbd.core.actions.dispatcher import Dispatcher
from motionrgbd.core.decision import IDLE_LABEL
from motionrgbd.core.engine import Engine
from motionrgbd.core.errors import UsageError
from motionrgbd.core.synthetic.gestures import GESTURES


class RunCockpit:
    """The cockpit observing an engine, and its log. Made, shown and closed by the main thread.

    folder: of the log; None keeps none. actions: what gestures do outside; where their mapping has
    the states parked and driving, the car says which one holds. state: the one that was asked for.
    Raises UsageError where the model knows no gesture that does something, where nothing would be
    seen of it, and where the states do not fit; OutputError as the log does.
    """

    def __init__(
        self,
        engine: Engine,
        folder: Path | None,
        *,
        window: bool,
        actions: RunActions | None = None,
        state: str | None = None,
    ) -> None:
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
        self._engine, self._actions = engine, actions
        self._dispatcher = None if actions is None else _following(actions.dispatcher, state)
        self._log = None if folder is None else CockpitLog(folder)
        self.cockpit = Cockpit(tell=self._tell)
        if self._dispatcher is not None:
            self._dispatcher.enter_state(self.cockpit.state.name)
        engine.add_observer(self.cockpit.observe)

    def _tell(self, happening: Happening) -> None:
        """Take a happening in, before the actions see the event. Runs in the engine's thread."""
        name = happening.after.name
        if self._dispatcher is not None and name != happening.before.name:
            self._dispatcher.enter_state(name)
        if self._log is not None:
            self._log.add(happening)

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
            actions=self._actions,
        )

    def close(self) -> None:
        """Finish the log; may be called again."""
        if self._log is not None:
            self._log.close()


def _following(dispatcher: Dispatcher | None, state: str | None) -> Dispatcher | None:
    """Return the actions whose state is the car's; None where their mapping knows nothing of it."""
    if dispatcher is None:
        return None
    mapping = dispatcher.mapping
    has = [name for name in ALLOWED.states if name in mapping.states]
    lacks = [name for name in ALLOWED.states if name not in has]
    if has and lacks:
        raise UsageError(
            f"{mapping.file} has the state {' and '.join(has)}, but not {' and '.join(lacks)}: the "
            "cockpit's car enters both — write both, or neither"
        )
    if has and state is not None:
        raise UsageError(
            f"the cockpit's car says whether it is {' or '.join(has)} — leave --state out"
        )
    return dispatcher if has else None
