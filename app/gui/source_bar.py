"""The teaching window's upper row: which recording is marked, and where another one comes from."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from motionrgbd.app.gui.elided import ElidedCombo

_FILES = "Recordings (*.bag *.db3 *.avi *.mp4 *.mkv *.mov *.webm);;All files (*)"


class SourceBar(QWidget):
    """Chooses among the recordings, asks for another one, and records a camera.

    source_wanted: a recording or camera, as `--replay` and `--camera` spell it.
    take_chosen: the number of one of the recordings that are there already. leave_out_wanted: the
    one that is shown is to go.
    """

    source_wanted = Signal(str)
    take_chosen = Signal(int)
    leave_out_wanted = Signal()  # by menu only
    record_toggled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._takes = ElidedCombo()
        self._takes.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._takes.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._takes.setMinimumContentsLength(12)
        self._takes.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._takes.setPlaceholderText("no recording yet")
        self._add = QPushButton("Add …")
        self._add.setToolTip("Open a recording, or show a camera to record one")
        self._record = QPushButton("Record")
        self._record.setToolTip("Record what the camera sees, or end it (R)")
        self._counted = QLabel("")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(QLabel("Recording"))
        for widget in (self._takes, self._add, self._record, self._counted):
            row.addWidget(widget, 1 if widget is self._takes else 0)
        self._takes.activated.connect(self.take_chosen)
        self._record.clicked.connect(lambda _=False: self.record_toggled.emit())
        self.set_camera(False, False, "")

    def set_ways(self, ways: Sequence[QAction]) -> None:
        """Set what can be added, from the menus."""
        menu = QMenu(self._add)
        menu.addActions(list(ways))
        self._add.setMenu(menu)

    def set_takes(self, names: Sequence[str], current: int) -> None:
        """Show which recordings there are, and which one is shown."""
        with QSignalBlocker(self._takes):
            self._takes.clear()
            self._takes.addItems(list(names))
            self._takes.setCurrentIndex(current)
        self._takes.setToolTip(names[current] if 0 <= current < len(names) else "")

    def set_camera(self, shown: bool, recording: bool, counted: str) -> None:
        """Show whether a camera is shown, and how its recording is going."""
        self._record.setVisible(shown)
        self._record.setText("End recording" if recording else "Record")
        self._counted.setText(counted)
        self._counted.setVisible(bool(counted))

    def set_busy(self, busy: bool) -> None:
        """Let recordings come and go, or not: they are being taught."""
        self._takes.setEnabled(not busy)
        self._add.setEnabled(not busy)

    def counted(self) -> str:
        """Return what is said of the recording that goes on."""
        return self._counted.text()

    # ---- what menus and keys call ----

    def ask_file(self) -> None:
        """Let the user choose a file."""
        name, _ = QFileDialog.getOpenFileName(self.window(), "Open a recording", "", _FILES)
        if name:
            self.source_wanted.emit(name)

    def ask_folder(self) -> None:
        """Let the user choose a folder of pictures."""
        name = QFileDialog.getExistingDirectory(self.window(), "Open a folder of pictures")
        if name:
            self.source_wanted.emit(name)

    def ask_realsense(self) -> None:
        """Ask for a RealSense camera."""
        self.source_wanted.emit("realsense")

    def ask_webcam(self) -> None:
        """Ask for a webcam."""
        self.source_wanted.emit("webcam")

    def toggle_recording(self) -> None:
        """Ask for recording to begin or end."""
        if self._record.isVisible() and self._record.isEnabled():
            self.record_toggled.emit()
