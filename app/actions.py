"""Actions of a run: what `--actions` and the options beside it ask for, told in the terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from motionrgbd.core.actions.dispatcher import Dispatcher
from motionrgbd.core.actions.log import ActionLog
from motionrgbd.core.actions.mapping import ActionMap, read_mapping
from motionrgbd.core.decision import IDLE_LABEL

if TYPE_CHECKING:
    from motionrgbd.app.settings import Settings
    from motionrgbd.core.actions.entry import Entry
    from motionrgbd.core.recogniser import Step

LOG = "actions.jsonl"
_RECENT = 200  # entries that a window shows of


class RunActions:
    """The actions of one run; `add` is the engine's observer, all else the main thread's.

    dispatcher: None until there is a mapping; a window may bring one later. file: of the mapping.
    gestures: of the model.
    """

    def __init__(
        self,
        gestures: Sequence[str],
        log: Path,
        *,
        dispatcher: Dispatcher | None = None,
        file: Path | None = None,
        arm: bool = False,
    ) -> None:
        self.dispatcher, self.gestures, self.file = dispatcher, tuple(gestures), file
        self._log, self._arm = log, arm
        self._tell: Callable[[str], None] | None = None
        self._recent: deque[Entry] = deque(maxlen=_RECENT)
        if dispatcher is not None:
            self._listen(dispatcher)

    def _listen(self, dispatcher: Dispatcher) -> None:
        dispatcher.add_listener(self._recent.append)
        if self._tell is not None:
            tell = self._tell
            dispatcher.add_listener(lambda entry: _tell_entry(entry, tell))

    def start(self, tell: Callable[[str], None]) -> None:
        """Arm them, if they are to be. tell: takes lines for the terminal, in any thread."""
        self._tell = tell
        if self.dispatcher is None:
            return
        self.dispatcher.add_listener(lambda entry: _tell_entry(entry, tell))
        if self._arm:
            self.dispatcher.arm()
        else:
            tell("actions are a dry run: nothing is sent (--arm sends)")

    def add(self, step: Step) -> None:
        """Take one step in."""
        dispatcher = self.dispatcher
        if dispatcher is not None:
            for event in step.events:
                dispatcher.handle(event)

    def apply(self, mapping: ActionMap) -> None:
        """Go by this mapping from now on, as a dry run. Raises OutputError for the log."""
        if self.dispatcher is not None:
            self.dispatcher.change(mapping)
            return
        dispatcher = Dispatcher(mapping, ActionLog(self._log))
        self._listen(dispatcher)
        self.dispatcher = dispatcher

    def recent(self) -> tuple[Entry, ...]:
        """Return the last entries of the log, oldest first."""
        return tuple(self._recent.copy())

    def close(self) -> None:
        """End the actions and say what became of them."""
        if self.dispatcher is None:
            return
        late = self.dispatcher.close()
        status = self.dispatcher.status()
        counts = [f"{n} {outcome}" for outcome, n in sorted(status.outcomes.items())]
        print(f"actions: {', '.join(counts) or 'none'}; the log is {self._log}", flush=True)
        if status.log_lost:
            print(f"{status.log_lost} lines of the log are lost: {status.log_error}", flush=True)
        for name in late:
            print(f"the sink {name} does not answer and was left behind", flush=True)


def open_actions(
    settings: Settings, folder: Path | None, labels: Sequence[str], *, window: bool = False
) -> RunActions | None:
    """Return the actions that the settings ask for; nothing is sent before `start`.

    folder: of the run's results. window: whether one is there, where a mapping may be opened
    later; without it, and without a mapping, there is nothing. Raises UsageError, OutputError or
    LibraryError.
    """
    gestures = [label for label in labels if label != IDLE_LABEL]
    path = settings.actions_log or (folder or Path()) / LOG
    if settings.actions is None:
        return RunActions(gestures, path) if window else None
    mapping = read_mapping(settings.actions, gestures)
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
    return RunActions(
        gestures, path, dispatcher=dispatcher, file=settings.actions, arm=settings.arm
    )


def _tell_entry(entry: Entry, tell: Callable[[str], None]) -> None:
    if entry.outcome != "unmapped":  # the event itself is printed
        tell(f"             -> {entry.to_text()}")
