"""Open the teaching window, and close what it opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QTimer

from motionrgbd.app.gui.run import application, closing_on_signals
from motionrgbd.app.gui.teach_presenter import TeachPresenter
from motionrgbd.app.gui.teach_window import TeachWindow
from motionrgbd.app.gui.workshop import Workshop
from motionrgbd.app.teaching_session import Limits, TeachingSession
from motionrgbd.core.errors import INTERRUPTED_EXIT_CODE, OutputError

_POLL_MS = 50


def run_teaching(
    workshop: Workshop, limits: Limits, sources: Sequence[str], *, screenshot: Path | None = None
) -> Path | None:
    """Teach until the window is closed; return the taught model that is to be used now, if any.

    limits: what an example must be for this model.
    sources: recordings or a camera to begin with; the last one is shown.
    screenshot: a PNG of the window, taken when it closes.
    Raises KeyboardInterrupt for Ctrl-C, SystemExit for a polite kill, and OutputError where the
    screenshot cannot be written.
    """
    app = application()
    window = TeachWindow()
    session = TeachingSession(workshop.bundle.labels, limits)
    presenter = TeachPresenter(workshop, session, window)
    used: list[Path] = []
    shots: list[bool] = []
    presenter.used.connect(used.append)
    if screenshot is not None:
        window.closing.connect(lambda: shots.append(window.grab().save(str(screenshot))))
    window.closed.connect(app.quit)
    timer = QTimer(window)  # lets Python run its signal handlers
    timer.timeout.connect(lambda: None)
    timer.start(_POLL_MS)
    signals: list[int] = []
    try:
        with closing_on_signals(window, signals):
            window.show()
            presenter.start()
            for spec in sources:
                presenter.open(spec)
            app.exec()
    finally:
        presenter.stop()
        window.deleteLater()
        app.sendPostedEvents(window)
    if screenshot is not None and not all(shots):
        raise OutputError(f"the screenshot cannot be written to {screenshot}: is the folder there?")
    if signals:
        code = 128 + signals[0]  # as shells report it
        raise KeyboardInterrupt if code == INTERRUPTED_EXIT_CODE else SystemExit(code)
    return used[-1] if used else None
