"""Take the README's picture of the decision designer: python scripts/designer_picture.py FILE.

The demo plays in its window; the designer is opened as a person opens it, and when it has read the
recording through, the threshold is moved until gestures are missed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from motionrgbd.app.gui.application import application
from motionrgbd.app.gui.window import MainWindow
from motionrgbd.app.live import main as run_live
from motionrgbd.core.synthetic.recording import demo_recording

POLL_MS = 50
RAISED = 4  # presses of the key that raises the threshold of all gestures
PAINTED_POLLS = 20


def steps(window: MainWindow) -> Iterator[None]:
    """Do what a person would; yields where the window needs time."""
    while not window.isActiveWindow():
        yield
    QTest.keyClick(window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    whole = f"/ {len(demo_recording().info.script)}"
    while not any(whole in text for row in window.designer.table.texts() for text in row):
        yield  # it reads the recording faster than the window plays it
    for _ in range(RAISED):
        QTest.keyClick(window, Qt.Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
    for _ in range(PAINTED_POLLS):
        yield
    window.close()


def main(picture: Path) -> int:
    """Drive the window from a timer, as the program itself runs it."""
    application()
    going: list[Iterator[None]] = []

    def poll() -> None:
        for window in QApplication.topLevelWidgets():
            if isinstance(window, MainWindow) and window.isVisible():
                if not going:
                    going.append(steps(window))
                next(going[0], None)

    timer = QTimer()
    timer.timeout.connect(poll)
    timer.start(POLL_MS)
    with tempfile.TemporaryDirectory() as folder:
        run = ["--demo", "--realtime", "--out", folder, "--screenshot", str(picture)]
        return run_live(run)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
