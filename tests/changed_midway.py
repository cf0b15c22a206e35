"""A run in which something is changed while it goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from motionrgbd.core.engine import Engine
from motionrgbd.core.recogniser import Step


def steps_with_change(engine: Engine, index: int, change: Callable[[], object]) -> list[Step]:
    """Play to the end; at this step another thread makes the change, done before the next step."""
    steps: list[Step] = []

    def follow(step: Step) -> None:
        steps.append(step)
        if step.index == index:
            other = threading.Thread(target=change)
            other.start()
            other.join()

    engine.add_observer(follow)
    engine.start()
    try:
        assert engine.wait(60)
    finally:
        engine.stop()
    return steps
