"""The page that asks what to watch: setters for what it shows, signals for what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QPalette, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from motionrgbd.app.gui.elided import ElidedCombo
from motionrgbd.app.gui.panels import Card, scaled_font
from motionrgbd.app.start_page import Choice, Offer

BUILT_IN = "Built-in model"
DEVICES = (("auto", "Fastest there is"), ("cpu", "CPU"), ("cuda", "NVIDIA GPU"))
PRECISIONS = (("fp32", "32 bit"), ("int8", "8 bit, faster"))
DIRECTIONS = (
    (None, "As the recording says"),
    ("brighter", "8 bit, nearer is brighter"),
    ("darker", "8 bit, nearer is darker"),
)
_COMBO_WIDTH = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon  # not of its names
_RECORDINGS = "Recordings (*.bag *.db3 *.avi *.mp4 *.mkv *.mov);;All files (*)"


class StartWindow(QWidget):
    """Lists cameras and recordings, models and devices.

    start_wanted: what is chosen is to be opened. look_wanted: cameras are to be looked for again.
    """

    start_wanted = Signal()
    look_wanted = Signal()
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Open – motionrgbd-live")
        self.setMinimumSize(820, 520)
        self.resize(940, 600)
        self.list = QListWidget()
        self.note = QLabel("")
        self.error = QLabel("")
        self.model = ElidedCombo()
        self.model.setSizeAdjustPolicy(_COMBO_WIDTH)
        self.model.setMinimumContentsLength(14)
        self.device = _combo([name for _, name in DEVICES])
        self.precision = _combo([name for _, name in PRECISIONS])
        self.direction = _combo([name for _, name in DIRECTIONS])
        self.file_button = QPushButton("Open a &file …")
        self.folder_button = QPushButton("Open a f&older …")
        self.look_button = QPushButton("&Look again")
        self.model_button = QPushButton("Choose a &model …")
        self.start_button = QPushButton("Start")
        self._models: list[str] = [""]
        self.model.addItem(BUILT_IN)
        self._lay_out()
        self._join_signals()

    def _lay_out(self) -> None:
        heading = QLabel("What shall be watched?")
        heading.setFont(scaled_font(self, 1.6, bold=True))
        self.list.setFrameShape(QListWidget.Shape.NoFrame)
        self.list.setSpacing(4)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.start_button.setDefault(True)
        for label in (self.note, self.error):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.error.setForegroundRole(QPalette.ColorRole.BrightText)
        sources = QWidget()
        left = QVBoxLayout(sources)
        left.setContentsMargins(0, 0, 0, 0)
        left.addWidget(self.list, 1)
        left.addWidget(self.note)
        left.addLayout(_row(self.file_button, self.folder_button, self.look_button))
        how = QWidget()
        grid = QGridLayout(how)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(8)
        rows = (
            ("Model", self.model),
            ("", self.model_button),
            ("Computed on", self.device),
            ("Precision", self.precision),
            ("Depth", self.direction),
        )
        for number, (name, widget) in enumerate(rows):
            grid.addWidget(QLabel(name), number, 0)
            grid.addWidget(widget, number, 1)
        grid.setRowStretch(len(rows), 1)
        grid.setColumnStretch(1, 1)
        middle = QHBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(Card("Cameras and recordings", sources), 3)
        middle.addWidget(Card("How", how), 2)
        bottom = QHBoxLayout()
        bottom.addWidget(self.error, 1)
        bottom.addWidget(self.start_button, 0, Qt.AlignmentFlag.AlignBottom)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 14, 16, 14)
        whole.setSpacing(10)
        whole.addWidget(heading)
        whole.addLayout(middle, 1)
        whole.addLayout(bottom)

    def _join_signals(self) -> None:
        self.start_button.clicked.connect(self._start)
        self.list.itemActivated.connect(self._start)
        self.look_button.clicked.connect(self.look_wanted)
        self.file_button.clicked.connect(self.ask_file)
        self.folder_button.clicked.connect(self.ask_folder)
        self.model_button.clicked.connect(self.ask_model)
        for keys, called in (
            ("Return", self._start),
            ("F5", self.look_wanted),
            ("Ctrl+O", self.ask_file),
            ("Ctrl+W", self.close),
            ("Ctrl+Q", self.close),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.activated.connect(called)

    # ---- setters ----

    def set_offers(self, offers: Sequence[Offer], chosen: str) -> None:
        """List what can be watched, with one of it chosen (added where it is not listed)."""
        self.list.clear()
        for offer in offers:
            self._add(offer.spec, f"{offer.title}\n{offer.detail}")
        self.choose(chosen)

    def _add(self, spec: str, text: str) -> QListWidgetItem:
        item = QListWidgetItem(text)
        item.setData(Qt.ItemDataRole.UserRole, spec)
        item.setToolTip(spec)
        self.list.addItem(item)
        return item

    def choose(self, spec: str) -> None:
        """Choose what is to be watched."""
        items = [self.list.item(n) for n in range(self.list.count())]
        found = [item for item in items if item.data(Qt.ItemDataRole.UserRole) == spec]
        path = Path(spec.partition(",")[0])
        item = found[0] if found else self._add(spec, f"{path.name}\n{path.parent}")
        self.list.setCurrentItem(item)

    def set_note(self, text: str) -> None:
        """Say something about the cameras."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def set_error(self, text: str) -> None:
        """Say why nothing could be opened."""
        self.error.setText(text)

    def set_models(self, models: Sequence[str], chosen: str) -> None:
        """List models by their files; the built-in one is empty."""
        self._models = list(dict.fromkeys(("", *models, chosen)))
        self.model.clear()
        for model in self._models:
            self.model.addItem(Path(model).name if model else BUILT_IN)
            self.model.setItemData(self.model.count() - 1, model, Qt.ItemDataRole.ToolTipRole)
        self.model.setCurrentIndex(self._models.index(chosen))

    def set_choice(self, choice: Choice) -> None:
        """Show how things are to be opened; the source is shown by `set_offers`."""
        self.device.setCurrentIndex([x for x, _ in DEVICES].index(choice.device))
        self.precision.setCurrentIndex([x for x, _ in PRECISIONS].index(choice.precision))
        self.direction.setCurrentIndex([x for x, _ in DIRECTIONS].index(choice.direction))

    def set_busy(self, busy: bool) -> None:
        """Show that something is being opened."""
        self.start_button.setText("Opening …" if busy else "Start")
        for widget in (self.start_button, self.list, self.model, self.look_button):
            widget.setEnabled(not busy)

    def choice(self) -> Choice | None:
        """Return what is chosen; None without a source."""
        if self.list.currentRow() < 0:
            return None
        item = self.list.currentItem()
        return Choice(
            cast("str", item.data(Qt.ItemDataRole.UserRole)),
            self._models[self.model.currentIndex()],
            DEVICES[self.device.currentIndex()][0],  # type: ignore[arg-type]
            PRECISIONS[self.precision.currentIndex()][0],  # type: ignore[arg-type]
            DIRECTIONS[self.direction.currentIndex()][0],  # type: ignore[arg-type]
        )

    # ---- what is asked for ----

    def _start(self) -> None:
        if self.start_button.isEnabled() and self.choice() is not None:
            self.start_wanted.emit()

    def ask_file(self) -> None:
        """Ask for a recording's file."""
        path, _ = QFileDialog.getOpenFileName(self, "Open a recording", "", _RECORDINGS)
        if path:
            self.choose(path)

    def ask_folder(self) -> None:
        """Ask for a folder of pictures."""
        path = QFileDialog.getExistingDirectory(self, "Open a folder of pictures")
        if path:
            self.choose(path)

    def ask_model(self) -> None:
        """Ask for a model's file."""
        path, _ = QFileDialog.getOpenFileName(self, "Choose a model", "", "Models (*.mrgbd)")
        if path:
            self.set_models(self._models[1:], path)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.closed.emit()
        super().closeEvent(event)


def _combo(names: Sequence[str]) -> QComboBox:
    combo = QComboBox()
    combo.addItems(list(names))
    return combo


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return row
