"""The transport of a recording: play, pause, step, seek and speed."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QMouseEvent, QPainter, QPalette, QPixmap, QPolygonF
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QToolButton,
    QWidget,
)

from motionrgbd.app.gui import texts

SPEEDS = (0.25, 0.5, 1.0, 2.0, 0.0)  # 0: as fast as possible
_SLIDER_STEPS = 10_000


class JumpSlider(QSlider):
    """A slider that goes where it is clicked."""

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        style, control = self.style(), QStyle.ComplexControl.CC_Slider
        handle = style.subControlRect(control, option, QStyle.SubControl.SC_SliderHandle, self)
        if event.button() == Qt.MouseButton.LeftButton and not handle.contains(
            event.position().toPoint()
        ):
            room = self.width() - handle.width()
            at = round(event.position().x() - handle.width() / 2)
            value = QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), at, room)
            self.setSliderPosition(value)
        super().mousePressEvent(event)


class TransportBar(QWidget):
    """Play, pause, step, seek and speed of a recording. Times are seconds from its start."""

    play_toggled = Signal()
    step_requested = Signal()
    seek_requested = Signal(float)
    speed_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._playing = True
        self._duration_s: float | None = None
        self._elapsed_s = 0.0
        self.play_button = _button("Play or pause (Space)")
        self.step_button = _button("One frame on (Right arrow)")
        self.slider = JumpSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _SLIDER_STEPS)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # arrow keys step and seek
        self.slider.sliderReleased.connect(self._released)
        self.slider.sliderMoved.connect(self._dragged)
        self._time = QLabel()
        self._time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._speed = QComboBox()
        for factor in SPEEDS:
            self._speed.addItem(texts.speed(factor))
        self._speed.setCurrentIndex(SPEEDS.index(1.0))
        self._speed.setToolTip("Speed of the replay")
        self.play_button.clicked.connect(self.play_toggled)
        self.step_button.clicked.connect(self.step_requested)
        self._speed.currentIndexChanged.connect(self._speed_chosen)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.play_button)
        layout.addWidget(self.step_button)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self._time)
        layout.addWidget(self._speed)
        self.set_duration(None)
        self._draw_icons()

    def _speed_chosen(self, index: int) -> None:
        self.speed_changed.emit(SPEEDS[index])

    def set_playing(self, playing: bool) -> None:
        """Show whether the recording runs."""
        if playing != self._playing:
            self._playing = playing
            self._draw_icons()

    def playing(self) -> bool:
        """Return whether the recording is shown as running."""
        return self._playing

    def set_duration(self, duration_s: float | None) -> None:
        """Set the recording's length; without one it cannot be sought."""
        self._duration_s = duration_s
        self.slider.setEnabled(duration_s is not None)
        widest = texts.clock(duration_s or 0.0)
        room = self._time.fontMetrics().horizontalAdvance(f"{widest} / {widest}") + 4
        self._time.setMinimumWidth(room)
        self._show_time(self._elapsed_s)

    def set_elapsed(self, elapsed_s: float) -> None:
        """Show where the recording is, unless the slider is being dragged."""
        self._elapsed_s = elapsed_s
        if self.slider.isSliderDown():
            return
        if self._duration_s:
            with QSignalBlocker(self.slider):
                self.slider.setValue(round(elapsed_s / self._duration_s * _SLIDER_STEPS))
        self._show_time(elapsed_s)

    def elapsed_s(self) -> float:
        """Return where the recording is."""
        return self._elapsed_s

    def set_speed(self, factor: float) -> None:
        """Choose a speed."""
        self._speed.setCurrentIndex(SPEEDS.index(factor))

    def change_speed(self, steps: int) -> None:
        """Choose the next faster (+1) or slower (-1) speed."""
        last = len(SPEEDS) - 1
        self._speed.setCurrentIndex(min(max(self._speed.currentIndex() + steps, 0), last))

    # ---- what menus and keys call ----

    def toggle_play(self) -> None:
        """Ask for play or pause."""
        self.play_toggled.emit()

    def step_once(self) -> None:
        """Ask for one frame."""
        self.step_requested.emit()

    def _seek_by(self, change_s: float) -> None:
        end = self._duration_s or float("inf")
        self.seek_requested.emit(min(max(0.0, self._elapsed_s + change_s), end))

    def back_1_s(self) -> None:
        """Ask for a second earlier."""
        self._seek_by(-1.0)

    def back_5_s(self) -> None:
        """Ask for five seconds earlier."""
        self._seek_by(-5.0)

    def forward_5_s(self) -> None:
        """Ask for five seconds later."""
        self._seek_by(5.0)

    def to_start(self) -> None:
        """Ask for the start of the recording."""
        self.seek_requested.emit(0.0)

    def slower(self) -> None:
        """Choose the next slower speed."""
        self.change_speed(-1)

    def faster(self) -> None:
        """Choose the next faster speed."""
        self.change_speed(1)

    def _show_time(self, elapsed_s: float) -> None:
        text = texts.clock(elapsed_s)
        if self._duration_s is not None:
            text += f" / {texts.clock(self._duration_s)}"
        self._time.setText(text)

    def _dragged(self, value: int) -> None:
        self._show_time(value / _SLIDER_STEPS * (self._duration_s or 0.0))

    def _released(self) -> None:
        if self._duration_s is not None:
            self.seek_requested.emit(self.slider.value() / _SLIDER_STEPS * self._duration_s)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() == QEvent.Type.PaletteChange:
            self._draw_icons()
        super().changeEvent(event)

    def _draw_icons(self) -> None:
        colour = self.palette().color(QPalette.ColorRole.WindowText)
        self.play_button.setIcon(_icon("pause" if self._playing else "play", colour))
        self.step_button.setIcon(_icon("step", colour))


def _button(tip: str) -> QToolButton:
    button = QToolButton()
    button.setToolTip(tip)
    button.setAutoRaise(True)
    button.setIconSize(QSize(18, 18))
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return button


def _icon(shape: Literal["play", "pause", "step"], colour: QColor) -> QIcon:
    """Draw an icon in the palette's colour, at twice its size for sharp screens."""
    pixmap = QPixmap(36, 36)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    if shape == "pause":
        painter.drawRoundedRect(QRectF(9, 7, 6, 22), 2, 2)
        painter.drawRoundedRect(QRectF(21, 7, 6, 22), 2, 2)
    else:
        right = 29 if shape == "play" else 23
        painter.drawPolygon(QPolygonF([QPointF(10, 6), QPointF(right, 18), QPointF(10, 30)]))
    if shape == "step":
        painter.drawRoundedRect(QRectF(24, 6, 5, 24), 2, 2)
    painter.end()
    return QIcon(pixmap)
