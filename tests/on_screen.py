"""Widgets as tests see them, and how they wait for what other threads do."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QWidget

PATIENCE_S = 60.0  # of a machine that has much else to do


def wait_for(condition: Callable[[], object], what: str = "it") -> None:
    """Let the window live until the condition holds."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        QApplication.processEvents()
        time.sleep(0.01)  # polling holds the lock that the threads waited for need


def pixels(widget: QWidget, part: QRect | None = None) -> np.ndarray:
    """Return uint8 (H, W, 3) of what a widget paints."""
    grabbed = widget.grab() if part is None else widget.grab(part)
    image = grabbed.toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def shows(widget: QWidget, colour: str) -> bool:
    """Tell whether a widget paints a pixel of exactly this colour."""
    c = QColor(colour)
    return bool((pixels(widget) == (c.red(), c.green(), c.blue())).all(axis=2).any())
