"""What can be operated: how the heat is drawn, and recording a camera."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QSlider, QWidget

from motionrgbd.app.gui import texts
from motionrgbd.app.gui.elided import ElidedLabel
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

_LEAST_SLIDER_PX = 50  # with large letters in a small window


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
        self._opacity.setMinimumWidth(_LEAST_SLIDER_PX)
        self._opacity.setMaximumWidth(110)
        self._opacity.setToolTip("Opacity of the guidance map (keys + and -)")
        self._percent = QLabel("70 %")
        self._percent.setMinimumWidth(self._percent.fontMetrics().horizontalAdvance("100 %"))
        self._threshold = QSlider(Qt.Orientation.Horizontal)
        self._threshold.setRange(0, 100)
        self._threshold.setMinimumWidth(_LEAST_SLIDER_PX)
        self._threshold.setMaximumWidth(80)
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
        layout.addWidget(QLabel("Guidance"))
        layout.addWidget(self._choice)
        layout.addWidget(self._opacity, 4)
        layout.addWidget(self._percent)
        layout.addWidget(self._threshold, 3)
        layout.addWidget(self._from)
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
        self._lost = ElidedLabel("")
        middle = Qt.TextElideMode.ElideMiddle  # a path's end says most
        self._said = ElidedLabel("", role=QPalette.ColorRole.PlaceholderText, lines=2, mode=middle)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        for widget in (self.button, self._counter, self._lost):
            layout.addWidget(widget)
        layout.addWidget(self._said, 1)
        self.button.clicked.connect(self.toggled)
        self.set_count(None)

    def set_count(self, count: RecordingCount | None) -> None:
        """Show how a recording is going; None: nothing is being recorded."""
        self.button.setText("Record" if count is None else "End recording")
        self._counter.setText("" if count is None else texts.recorded(count))
        self._lost.setText("" if count is None else texts.recording_lost(count))
        bad = count is not None and count.gone > 0
        role = QPalette.ColorRole.BrightText if bad else QPalette.ColorRole.PlaceholderText
        self._lost.set_role(role)
        for label in (self._counter, self._lost):
            label.setVisible(count is not None)
        self._said.set_lines(2 if count is None else 1)  # beside the counter there is little room

    def set_said(self, text: str, *, bad: bool = False) -> None:
        """Say where a recording is, or, in the colour of errors, why there is none."""
        self._said.setText(text)
        roles = QPalette.ColorRole
        self._said.set_role(roles.BrightText if bad else roles.PlaceholderText)

    def texts(self) -> tuple[str, str, str]:
        """Return the counter, the losses, and what is said beside."""
        return self._counter.text(), self._lost.text(), self._said.text()
