"""Actions of a run: what `--actions` and the options beside it ask for, told in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from motionrgbd.core.actions.dispatcher import Dispatcher
from motionrgbd.core.actions.log import ActionLog
from motionrgbd.core.actions.mapping import read_mapping
from motionrgbd.core.decision import IDLE_LABEL

if TYPE_CHECKING:
    from motionrgbd.app.settings import Settings
    from motionrgbd.core.actions.entry import Entry
    from motionrgbd.core.recogniser import Step

LOG = "actions.jsonl"


class RunActions:
    """The actions of one run; `add` is the engine's observer, all else the main thread's."""

    def __init__(self, dispatcher: Dispatcher, log: Path, *, arm: bool) -> None:
        self.dispatcher = dispatcher
        self._log, self._arm = log, arm

    def start(self, tell: Callable[[str], None]) -> None:
        """Arm them, if they are to be. tell: takes lines for the terminal, in any thread."""
        self.dispatcher.add_listener(lambda entry: _tell_entry(entry, tell))
        if self._arm:
            self.dispatcher.arm()
        else:
            tell("actions are a dry run: nothing is sent (--arm sends)")

    def add(self, step: Step) -> None:
        """Take one step in."""
        for event in step.events:
            self.dispatcher.handle(event)

    def close(self) -> None:
        """End the actions and say what became of them."""
        late = self.dispatcher.close()
        status = self.dispatcher.status()
        counts = [f"{n} {outcome}" for outcome, n in sorted(status.outcomes.items())]
        print(f"actions: {', '.join(counts) or 'none'}; the log is {self._log}", flush=True)
        if status.log_lost:
            print(f"{status.log_lost} lines of the log are lost: {status.log_error}", flush=True)
        for name in late:
            print(f"the sink {name} does not answer and was left behind", flush=True)


def open_actions(
    settings: Settings, folder: Path | None, labels: Sequence[str]
) -> RunActions | None:
    """Return the actions that the settings ask for, or None; nothing is sent before `start`.

    folder: of the run's results. Raises UsageError, OutputError or LibraryError.
    """
    if settings.actions is None:
        return None
    gestures = [label for label in labels if label != IDLE_LABEL]
    mapping = read_mapping(settings.actions, gestures)
    path = settings.actions_log or (folder or Path()) / LOG
    log = ActionLog(path)
    try:
        dispatcher = Dispatcher(mapping, log, state=settings.actions_state)
    except BaseException:
        log.close()
        raise
    try:
        if settings.arm:
            dispatcher.check_here()
    except BaseException:
        dispatcher.close()
        raise
    return RunActions(dispatcher, path, arm=settings.arm)


def _tell_entry(entry: Entry, tell: Callable[[str], None]) -> None:
    if entry.outcome != "unmapped":  # the event itself is printed
        tell(f"             -> {entry.to_text()}")
