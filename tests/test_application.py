"""A window that is shown until it is closed: how that ends, and what is done then."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QWidget

from motionrgbd.app.command import go_on_after
from motionrgbd.app.gui.application import Screenshot, show_until_closed
from motionrgbd.core.errors import OutputError

pytestmark = pytest.mark.usefixtures("app")


class Window(QWidget):
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        done = self.done
        self.destroyed.connect(lambda _gone: done.append("deleted"))

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        super().closeEvent(event)
        self.done.append("closed")
        self.closed.emit()


def shown(
    window: Window,
    then: Callable[[], object],
    on_poll: Callable[[], None] | None = None,
) -> int:
    done = window.done

    def start() -> None:
        done.append("shown" if window.isVisible() else "hidden")
        QTimer.singleShot(0, window, then)

    return show_until_closed(
        window, window.closed, start=start, stop=lambda: done.append("stopped"), on_poll=on_poll
    )


def test_a_closed_window_is_stopped_and_then_deleted() -> None:
    window = Window()
    done = window.done
    assert shown(window, window.close) == 0
    assert done == ["shown", "closed", "stopped", "deleted"]
    go_on_after(0)


@pytest.mark.parametrize(
    ("number", "code", "raised"),
    [(signal.SIGINT, 130, KeyboardInterrupt), (signal.SIGTERM, 143, SystemExit)],
    ids=["ctrl-c", "polite kill"],
)
def test_a_signal_closes_it_and_is_raised_again(
    number: int, code: int, raised: type[BaseException]
) -> None:
    before = signal.getsignal(number)
    window = Window()
    done = window.done
    assert shown(window, lambda: os.kill(os.getpid(), number)) == code
    assert done == ["shown", "closed", "stopped", "deleted"]
    assert signal.getsignal(number) is before
    with pytest.raises(raised):
        go_on_after(code)


def test_what_cannot_start_is_stopped_and_deleted_too() -> None:
    window = Window()
    done = window.done

    def start() -> None:
        raise OutputError("no room")

    with pytest.raises(OutputError, match="no room"):
        show_until_closed(window, window.closed, start=start, stop=lambda: done.append("stopped"))
    assert done == ["stopped", "deleted"]


def test_a_terminal_that_is_gone_ends_nothing() -> None:
    window = Window()
    told: list[int] = []

    def tell() -> None:
        told.append(1)
        if len(told) == 3:
            window.close()
        raise BrokenPipeError

    assert shown(window, lambda: None, tell) == 0
    assert len(told) == 3


def test_a_picture_is_taken_once_and_told_where_it_cannot_be(tmp_path: Path) -> None:
    window = Window()
    path = tmp_path / "window.png"
    picture = Screenshot(window, path)
    with pytest.raises(OutputError, match="cannot be written"):
        picture.check()
    picture.take()
    picture.check()
    path.unlink()
    picture.take()
    assert not path.exists()
    lost = Screenshot(window, tmp_path / "nowhere" / "window.png")
    lost.take()
    with pytest.raises(OutputError, match="nowhere"):
        lost.check()
    none = Screenshot(window, None)
    none.take()
    none.check()
    window.deleteLater()
