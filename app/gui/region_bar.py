"""The region of interest in numbers: six fields, in metres."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QHBoxLayout, QLabel, QWidget

from motionrgbd.app.gui.elided import ElidedLabel
from motionrgbd.core.region import LEAST_M, MOST_M, RegionOfInterest

_STEP_M = 0.05
_AXES = (
    ("x", "left", "right", "to the right of the camera's axis"),
    ("y", "top", "bottom", "below the camera's axis"),
    ("z", "near", "far", "before the camera"),
)
_TOLD = "or drag a box"


class RegionBar(QWidget):
    """Six distances in metres, two on each axis. changed: by the user, to another region."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.fields: list[tuple[QDoubleSpinBox, QDoubleSpinBox]] = []
        self._said = ElidedLabel(_TOLD, role=QPalette.ColorRole.PlaceholderText)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 0, 2, 0)
        layout.setSpacing(5)
        layout.addWidget(QLabel("Region"))
        for axis, low, high, where in _AXES:
            layout.addSpacing(5)
            layout.addWidget(QLabel(axis))
            pair = (_field(f"{low}, metres {where}"), _field(f"{high}, metres {where}"))
            layout.addWidget(pair[0])
            layout.addWidget(QLabel("to"))
            layout.addWidget(pair[1])
            self.fields.append(pair)
        layout.addWidget(QLabel("m"))
        layout.addWidget(self._said, 1)
        for field in (field for pair in self.fields for field in pair):
            field.valueChanged.connect(self._tell)
        self._bound()

    def region(self) -> RegionOfInterest:
        """Return what the fields say."""
        x, y, z = ((low.value(), high.value()) for low, high in self.fields)
        return RegionOfInterest(x, y, z)

    def set_region(self, region: RegionOfInterest) -> None:
        """Show a region."""
        for (low, high), span in zip(
            self.fields, (region.x_m, region.y_m, region.z_m), strict=True
        ):
            for field, value in ((low, span[0]), (high, span[1])):
                with QSignalBlocker(field):
                    field.setRange(-MOST_M, MOST_M)
                    field.setValue(value)
        self._bound()
        self.set_said("")

    def set_said(self, text: str) -> None:
        """Say what was wrong with a drawn box; an empty text says what can be done."""
        self._said.setText(text or _TOLD)

    def said(self) -> str:
        """Return what is said."""
        return self._said.text()

    def _tell(self) -> None:
        self._bound()
        self.set_said("")
        self.changed.emit(self.region())

    def _bound(self) -> None:
        """Let no span become empty."""
        for axis, (low, high) in zip("xyz", self.fields, strict=True):
            least = LEAST_M if axis == "z" else -MOST_M
            low.setRange(least, high.value() - LEAST_M)
            high.setRange(low.value() + LEAST_M, MOST_M)


def _field(tip: str) -> QDoubleSpinBox:
    field = QDoubleSpinBox()
    field.setDecimals(3)
    field.setSingleStep(_STEP_M)
    field.setRange(-MOST_M, MOST_M)
    field.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)  # wheel and arrow keys step
    field.setKeyboardTracking(False)  # half a number is none
    field.setToolTip(f"{tip[0].upper()}{tip[1:]} (arrow keys step)")
    field.setAccessibleName(tip)
    field.setFixedWidth(field.fontMetrics().horizontalAdvance("-65.000") + 18)
    return field
