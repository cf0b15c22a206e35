"""Widgets as tests see them, and how they wait for what other threads do."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QPushButton,
    QStyle,
    QStyleOptionComboBox,
    QWidget,
)

from motionrgbd.app.gui.elided import ElidedCheck, ElidedCombo, ElidedLabel

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


def cut_texts(root: QWidget) -> list[str]:
    """Return what is shown in less room than its text takes, and has no ellipsis to say so."""
    cut = []
    for widget in root.findChildren(QWidget):
        if not widget.isVisible() or isinstance(widget, ElidedLabel | ElidedCombo | ElidedCheck):
            continue
        text, room_px = _text_and_room(widget)
        wide = widget.fontMetrics().horizontalAdvance(text.replace("&", ""))
        high = widget.fontMetrics().height()
        if isinstance(widget, QLabel) and widget.wordWrap():
            wide, high = 0, widget.heightForWidth(widget.width())
        if text and (wide > room_px or high > widget.height()):
            cut.append(f"{text!r} takes {wide}x{high}, has {room_px}x{widget.height()} px")
    return cut


def _text_and_room(widget: QWidget) -> tuple[str, int]:
    if isinstance(widget, QLabel):
        return widget.text(), widget.contentsRect().width()
    if isinstance(widget, QPushButton):
        return widget.text(), widget.width() - 8  # its frame
    if isinstance(widget, QAbstractButton):
        return widget.text(), widget.width()
    if isinstance(widget, QComboBox):
        option = QStyleOptionComboBox()
        widget.initStyleOption(option)
        control, field = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        return option.currentText, widget.style().subControlRect(control, option, field).width()
    if isinstance(widget, QAbstractSpinBox):
        return widget.text(), widget.lineEdit().width()
    return "", 0


def squeezed(root: QWidget) -> list[str]:
    """Return the window's own parts that are smaller than they may become."""
    found = []
    for widget in root.findChildren(QWidget):
        if not widget.isVisible() or not type(widget).__module__.startswith("motionrgbd"):
            continue
        least, size = widget.minimumSizeHint(), widget.size()
        if size.height() < least.height() or size.width() < least.width():
            found.append(f"{type(widget).__name__} {size.toTuple()} below {least.toTuple()}")
    return found
