"""Open the teaching window, and close what it opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from motionrgbd.app.command import go_on_after
from motionrgbd.app.gui.application import Screenshot, application, show_until_closed
from motionrgbd.app.gui.teach_presenter import TeachPresenter
from motionrgbd.app.gui.teach_window import TeachWindow
from motionrgbd.app.gui.workshop import Workshop
from motionrgbd.app.teaching_session import Limits, TeachingSession


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
    application()
    window = TeachWindow()
    session = TeachingSession(workshop.bundle.labels, limits)
    presenter = TeachPresenter(workshop, session, window)
    used: list[Path] = []
    presenter.used.connect(used.append)
    picture = Screenshot(window, screenshot)
    window.closing.connect(picture.take)

    def start() -> None:
        presenter.start()
        for spec in sources:
            presenter.open(spec)

    code = show_until_closed(window, window.closed, start=start, stop=presenter.stop)
    picture.check()
    go_on_after(code)
    return used[-1] if used else None
