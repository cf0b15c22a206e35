"""The watching page's own states."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from motionrgbd.app.gui.application import application
from motionrgbd.app.gui.window import MainWindow
from motionrgbd.core.frames import RGBDFrame
from motionrgbd.core.results import Box, Health, Snapshot


def notes(window: MainWindow) -> list[str]:
    """Return the words beside the titles of the cards."""
    texts = [label.text() for label in window.watch.findChildren(QLabel)]
    return [text for text in texts if "mirror" in text or text.endswith(" m")]


def test_a_mirror_is_said_beside_both_pictures_and_left_is_where_right_was() -> None:
    application()
    window = MainWindow(("a", "b"))
    depth = np.full((48, 64), 1500, np.uint16)
    frame = RGBDFrame(np.zeros((48, 64, 3), np.uint8), depth, 0, 0.0)
    window.set_snapshot(Snapshot(frame, Box(8, 0, 56, 48), {}, None, False, Health(), ()), 0.0)
    window.show()
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window, 5000)
    near = window.watch.depth_view.widget_point(0, 0)
    shown = notes(window)
    assert not any("mirror" in text for text in shown)
    QTest.keyClick(window, Qt.Key.Key_M)
    assert notes(window) == ["in a mirror", f"in a mirror   {shown[0]}"]
    assert window.watch.depth_view.widget_point(0, 0).x() > near.x() + 100
    QTest.keyClick(window, Qt.Key.Key_M)
    assert notes(window) == shown
    window.close()
    window.deleteLater()
