"""The window over a recording, its own thread's CPU time second by second."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer

from motionrgbd.app.bench_window import RATE_HZ, Slice
from motionrgbd.app.gui.application import application
from motionrgbd.app.gui.presenter import Presenter
from motionrgbd.app.gui.window import MainWindow
from motionrgbd.app.live import open_session
from motionrgbd.app.settings import Settings

_SLICE_S = 1.0  # what `bench_window` says of them
_FIRST_SLICES = 2  # layout, fonts and the first paint are no steady cost


def measure(settings: Settings, seconds: float) -> tuple[list[Slice], str, str]:
    """Return the slices, Qt's platform and the window's size in pixels.

    Time runs so fast that the model's own rate becomes RATE_HZ, in the engine and in the window.
    """
    app = application()
    session = open_session(settings, window=True)
    window = MainWindow(session.engine.labels)
    presenter = Presenter(session.engine, window)
    session.engine.set_speed(RATE_HZ / session.engine.recipe.fps_hz)
    slices: list[Slice] = []
    before = [time.perf_counter(), time.thread_time(), 0]

    def end_slice() -> None:
        now, cpu, shown = time.perf_counter(), time.thread_time(), window.shown_moments
        slices.append(Slice(now - before[0], cpu - before[1], int(shown - before[2])))
        before[:] = now, cpu, shown
        if len(slices) >= seconds + _FIRST_SLICES or session.engine.state == "finished":
            app.quit()

    timer = QTimer(window)
    timer.timeout.connect(end_slice)
    window.closed.connect(app.quit)
    try:
        window.show()
        presenter.start()
        timer.start(round(1000 * _SLICE_S))
        app.exec()
    finally:
        presenter.stop()
        session.engine.stop()
        size = f"{window.width()}x{window.height()}"
        window.close()
        window.deleteLater()
        app.sendPostedEvents(window)
    if session.engine.error is not None:
        raise session.engine.error
    return slices[_FIRST_SLICES:] or slices[-1:], app.platformName(), size
