"""The decision designer: thresholds, what they decide, and how right that is."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from motionrgbd.app import overlay
from motionrgbd.app.decision_design import Counts
from motionrgbd.app.gui.class_table import ClassTable
from motionrgbd.app.gui.design_timeline import DesignTimeline
from motionrgbd.app.gui.elided import ElidedLabel
from motionrgbd.app.gui.panels import Card, scaled_font
from motionrgbd.app.gui.picture import PictureView
from motionrgbd.core.results import Snapshot
from motionrgbd.models.recipe import Modality

ALL_CLASSES = "All gestures"
TIMES = (
    ("hold_s", "Held for", "How long a gesture must stay above its threshold"),
    ("smoothing_s", "Smoothed over", "Time constant of what smooths the probabilities"),
    ("refractory_s", "Pause after", "After an event no other one for this long"),
)
_TABLE_PX = 330


class Figure(QWidget):
    """One number with its caption below."""

    def __init__(self, caption: str, tip: str) -> None:
        super().__init__()
        self._value = QLabel("–")
        self._value.setFont(scaled_font(self, 1.6, bold=True))
        name = QLabel(caption)
        name.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 18, 0)
        layout.setSpacing(0)
        layout.addWidget(self._value)
        layout.addWidget(name)
        self.setToolTip(tip)

    def set_value(self, text: str, bad: bool = False) -> None:
        """Show a number; a bad one in the colour of errors (BrightText is that in both themes)."""
        self._value.setText(text)
        role = QPalette.ColorRole.BrightText if bad else QPalette.ColorRole.WindowText
        self._value.setForegroundRole(role)

    def text(self) -> str:
        """Return what is shown."""
        return self._value.text()


class FigureRow(QWidget):
    """How the events compare with what was gestured."""

    def __init__(self) -> None:
        super().__init__()
        self.right = Figure("recognised", "Gestures with a right event in time, of all so far")
        self.missed = Figure("missed", "Gestures without a right event")
        self.false = Figure("false alarms", "Events where nothing was gestured")
        self.wrong = Figure("wrong", "Events with another label during a gesture")
        self.again = Figure("repeated", "Further events of a gesture")
        self._truth = ElidedLabel("", role=QPalette.ColorRole.PlaceholderText, lines=3)
        self._truth.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for figure in (self.right, self.missed, self.false, self.wrong, self.again):
            layout.addWidget(figure)
        layout.addWidget(self._truth, 1)

    def set_counts(self, counts: Counts | None, events: int, truth: str) -> None:
        """Show counts; None where nobody knows what was gestured. truth: where that is from."""
        self._truth.setText(truth)
        if counts is None:
            self.right.set_value(f"{events} events")
            for figure in (self.missed, self.false, self.wrong, self.again):
                figure.set_value("–")
            return
        self.right.set_value(f"{counts.hits} of {counts.gestures}")
        for figure, number in (
            (self.missed, counts.missed),
            (self.false, counts.false),
            (self.wrong, counts.wrong),
            (self.again, counts.repeated),
        ):
            figure.set_value(str(number), bad=number > 0)

    def truth(self) -> str:
        """Return where the truth is from."""
        return self._truth.text()


class DesignerPage(QWidget):
    """Setters for what it shows, signals for what is asked.

    threshold_moved: `on` or `off` of the chosen class, to this probability. time_set: one of TIMES
    to these seconds. class_chosen: the row of the table (0: all). sought: seconds from the start.
    """

    threshold_moved = Signal(str, float)
    time_set = Signal(str, float)
    class_chosen = Signal(int)
    sought = Signal(float)
    class_reset = Signal()
    all_reset = Signal()
    save_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.figures = FigureRow()
        self.picture = PictureView("waiting for a picture")
        self.table = ClassTable()
        self.timeline = DesignTimeline()
        self.spins: dict[str, QDoubleSpinBox] = {}
        self.reset_class_button = QPushButton("As all gestures")
        self.reset_button = QPushButton("As the model has it")
        self.save_button = QPushButton("Save as my settings")
        self._state = ElidedLabel("", role=QPalette.ColorRole.PlaceholderText, lines=2)
        self.below = QVBoxLayout()
        self._depth_range = overlay.DepthRange()
        self._lay_out()
        self._join_signals()

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(8)
        self.picture.setMinimumHeight(120)
        picture = Card("Picture", self.picture)
        picture.setFixedHeight(215)
        table = Card("Thresholds", self.table)
        for card in (picture, table):
            card.setFixedWidth(_TABLE_PX)
        left.addWidget(picture)
        left.addWidget(table, 1)
        right = self.below  # what belongs below the timeline is added to it
        right.setSpacing(8)
        right.addWidget(Card("Events against what was gestured", self.figures))
        self._plot_card = Card(ALL_CLASSES, self.timeline)
        right.addWidget(self._plot_card, 1)
        right.addLayout(self._times_row())
        right.addLayout(self._buttons_row())
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addLayout(left)
        whole.addLayout(right, 1)

    def _times_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        for name, caption, tip in TIMES:
            spin = QDoubleSpinBox()
            spin.setRange(0.0, 5.0)
            spin.setSingleStep(0.01)
            spin.setDecimals(2)
            spin.setSuffix(" s")
            spin.setToolTip(tip)
            spin.setKeyboardTracking(False)
            label = QLabel(caption)
            label.setBuddy(spin)
            self.spins[name] = spin
            row.addWidget(label)
            row.addWidget(spin)
            row.addSpacing(10)
        row.addStretch(1)
        return row

    def _buttons_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._state, 1)
        for button in (self.reset_class_button, self.reset_button, self.save_button):
            row.addWidget(button)
        return row

    def _join_signals(self) -> None:
        self.timeline.threshold_moved.connect(self.threshold_moved)
        self.timeline.sought.connect(self.sought)
        self.table.chosen.connect(self.class_chosen)
        self.reset_class_button.clicked.connect(self.class_reset)
        self.reset_button.clicked.connect(self.all_reset)
        self.save_button.clicked.connect(self.save_wanted)
        for name, spin in self.spins.items():
            spin.valueChanged.connect(lambda value, name=name: self.time_set.emit(name, value))

    # ---- setters ----

    def set_snapshot(self, snapshot: Snapshot) -> None:
        """Show a moment's picture: colour, or depth where there is no colour."""
        range_mm = overlay.DEFAULT_RANGE_MM
        if snapshot.frame.depth is not None:
            range_mm = self._depth_range.update(snapshot.frame.depth)
        modality: Modality = "color" if snapshot.frame.color is not None else "depth"
        scene = overlay.scene(snapshot, modality, heat=None, opacity=0.0, range_mm=range_mm)
        self.picture.set_scene(scene)

    def set_class(self, name: str, own: bool, whole: bool) -> None:
        """Name the chosen class. own: it has own thresholds; whole: it is all of them."""
        self._plot_card.set_title(name)
        self.reset_class_button.setEnabled(own)
        for key in ("smoothing_s", "refractory_s"):
            self.spins[key].setEnabled(whole)

    def set_times(self, **seconds: float) -> None:
        """Show the times of the chosen class."""
        for name, value in seconds.items():
            with QSignalBlocker(self.spins[name]):
                self.spins[name].setValue(value)

    def set_state(self, text: str, *, changed: bool, bad: bool = False) -> None:
        """Say how the parameters stand; changed: something could be saved; bad: it failed."""
        self._state.setText(text)
        roles = QPalette.ColorRole
        self._state.set_role(roles.BrightText if bad else roles.PlaceholderText)
        self.save_button.setEnabled(changed)

    def set_resettable(self, possible: bool) -> None:
        """Say whether the parameters differ from the model's."""
        self.reset_button.setEnabled(possible)

    def state(self) -> str:
        """Return how the parameters stand."""
        return self._state.text()
