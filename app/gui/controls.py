"""What can be operated: how the heat is drawn, and the transport of a recording."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QMouseEvent, QPainter, QPalette, QPixmap, QPolygonF
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QToolButton,
    QWidget,
)

from motionrgbd.app.gui import texts
from motionrgbd.app.gui.panels import ElidedLabel
from motionrgbd.app.tapped_source import RecordingCount
from motionrgbd.models.recipe import Modality

HeatChoice = Literal["own", "color", "depth", "off"]
HEAT_CHOICES: tuple[tuple[HeatChoice, str], ...] = (
    ("own", "Each its own"),
    ("color", "Colour's on both"),
    ("depth", "Depth's on both"),
    ("off", "Off"),
)
PictureChoice = Literal["both", "color", "depth"]
PICTURE_CHOICES: tuple[tuple[PictureChoice, str], ...] = (
    ("both", "Colour and depth"),
    ("color", "Colour"),
    ("depth", "Depth"),
)
SPEEDS = (0.25, 0.5, 1.0, 2.0, 0.0)  # 0: as fast as possible
_SLIDER_STEPS = 10_000


class HeatControls(QWidget):
    """Which pictures are shown, which guidance map lies over them, how strongly, from where on."""

    changed = Signal()
    pictures_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choice = QComboBox()
        for _, name in HEAT_CHOICES:
            self._choice.addItem(name)
        self._choice.setToolTip("Which guidance map is drawn over the pictures")
        self._opacity = QSlider(Qt.Orientation.Horizontal)
        self._opacity.setRange(0, 100)
        self._opacity.setValue(70)
        self._opacity.setFixedWidth(110)
        self._opacity.setToolTip("Opacity of the guidance map (keys + and -)")
        self._percent = QLabel("70 %")
        self._percent.setMinimumWidth(self._percent.fontMetrics().horizontalAdvance("100 %"))
        self._threshold = QSlider(Qt.Orientation.Horizontal)
        self._threshold.setRange(0, 100)
        self._threshold.setFixedWidth(80)
        self._threshold.setToolTip("Weaker guidance than this is not drawn (keys . and ,)")
        self._from = QLabel("from 0 %")
        self._from.setMinimumWidth(self._from.fontMetrics().horizontalAdvance("from 100 %"))
        self._pictures = QComboBox()
        for _, name in PICTURE_CHOICES:
            self._pictures.addItem(name)
        self._pictures.setToolTip("Which pictures are shown (key C)")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 0, 2, 0)
        layout.setSpacing(8)
        for widget in (QLabel("Guidance"), self._choice, self._opacity, self._percent):
            layout.addWidget(widget)
        for widget in (self._threshold, self._from):
            layout.addWidget(widget)
        layout.addStretch(1)
        layout.addWidget(self._pictures)
        self._choice.currentIndexChanged.connect(self._tell)
        self._opacity.valueChanged.connect(self._tell)
        self._threshold.valueChanged.connect(self._tell)
        self._pictures.currentIndexChanged.connect(self._tell_pictures)

    def _tell(self) -> None:
        self._percent.setText(f"{self._opacity.value()} %")
        self._from.setText(f"from {self._threshold.value()} %")
        for slider in (self._opacity, self._threshold):
            slider.setEnabled(self.choice() != "off")
        self.changed.emit()

    def _tell_pictures(self) -> None:
        self.pictures_changed.emit()

    def choice(self) -> HeatChoice:
        """Return which map is drawn."""
        return HEAT_CHOICES[self._choice.currentIndex()][0]

    def set_choice(self, choice: HeatChoice) -> None:
        """Choose the map."""
        self._choice.setCurrentIndex([name for name, _ in HEAT_CHOICES].index(choice))

    def next_choice(self) -> None:
        """Go on to the next choice."""
        self._choice.setCurrentIndex((self._choice.currentIndex() + 1) % len(HEAT_CHOICES))

    def heat_on(self, modality: Modality) -> Modality | None:
        """Return whose map lies over a picture."""
        choice = self.choice()
        if choice == "off":
            return None
        return modality if choice == "own" else choice

    def opacity(self) -> float:
        """Return 0 to 1."""
        return self._opacity.value() / 100

    def set_opacity(self, opacity: float) -> None:
        """Set 0 to 1."""
        self._opacity.setValue(round(100 * opacity))

    def threshold(self) -> float:
        """Return from which share of the largest guidance on it is drawn."""
        return self._threshold.value() / 100

    def set_threshold(self, threshold: float) -> None:
        """Set 0 to 1."""
        self._threshold.setValue(round(100 * threshold))

    def pictures(self) -> PictureChoice:
        """Return which pictures are shown."""
        return PICTURE_CHOICES[self._pictures.currentIndex()][0]

    def set_pictures(self, choice: PictureChoice) -> None:
        """Choose the pictures."""
        self._pictures.setCurrentIndex([name for name, _ in PICTURE_CHOICES].index(choice))

    def next_pictures(self) -> None:
        """Go on to the next choice of pictures."""
        self._pictures.setCurrentIndex((self._pictures.currentIndex() + 1) % len(PICTURE_CHOICES))

    def add_opacity(self, change: float) -> None:
        """Make the heat stronger or weaker."""
        self._opacity.setValue(self._opacity.value() + round(100 * change))


class RecordBar(QWidget):
    """Recording what a camera shows, with what is lost of it always in sight."""

    toggled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button = QPushButton("Record")
        self.button.setToolTip("Record the camera into a folder, or end recording (Ctrl+R)")
        self.button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._counter = QLabel("")
        self._lost = QLabel("")
        self._said = ElidedLabel("", role=QPalette.ColorRole.PlaceholderText)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        for widget in (self.button, self._counter, self._lost):
            layout.addWidget(widget)
        layout.addWidget(self._said, 1)
        self.button.clicked.connect(self.toggled)

    def set_count(self, count: RecordingCount | None) -> None:
        """Show how a recording is going; None: nothing is being recorded."""
        self.button.setText("Record" if count is None else "End recording")
        self._counter.setText("" if count is None else texts.recorded(count))
        self._lost.setText("" if count is None else texts.recording_lost(count))
        bad = count is not None and count.gone > 0
        role = QPalette.ColorRole.BrightText if bad else QPalette.ColorRole.PlaceholderText
        self._lost.setForegroundRole(role)

    def set_said(self, text: str) -> None:
        """Say where a recording is, or why there is none."""
        self._said.setText(text)

    def texts(self) -> tuple[str, str, str]:
        """Return the counter, the losses, and what is said beside."""
        return self._counter.text(), self._lost.text(), self._said.text()


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
