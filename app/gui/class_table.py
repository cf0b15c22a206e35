"""The decision designer's table: every class with its thresholds, and how it fares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableWidget, QTableWidgetItem

from motionrgbd.app.decision_design import Counts
from motionrgbd.app.gui.theme import theme_of

_COLUMNS = ("Gesture", "Starts", "Ends", "Right", "Alarms")


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One row of the table: a class (or all), its thresholds, and how it fares.

    own: whether it has thresholds of its own.
    """

    name: str
    on: float
    off: float
    own: bool
    counts: Counts


class ClassTable(QTableWidget):
    """Every class with its thresholds and counts; the chosen one is what is dragged."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__(0, len(_COLUMNS))
        self.setHorizontalHeaderLabels(_COLUMNS)
        for column in range(len(_COLUMNS)):  # as their cells are
            side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            head = self.horizontalHeaderItem(column)
            if head is not None:
                head.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names may begin alike
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 7)
        header = self.horizontalHeader()
        header.setSectionsClickable(False)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.currentCellChanged.connect(lambda row, *_: self.chosen.emit(max(row, 0)))
        self._rows: tuple[ClassRow, ...] = ()
        self._truth = False

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_truth"):
            rows, self._rows = self._rows, ()
            self.set_rows(rows, self._truth)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(200, 90)

    def set_rows(self, rows: Sequence[ClassRow], truth: bool) -> None:
        """Show the classes; truth: whether it is known what was gestured."""
        rows = tuple(rows)
        if (rows, truth) == (self._rows, self._truth):
            return
        self._rows = self._rows if truth == self._truth else ()
        self._truth = truth
        with QSignalBlocker(self):
            self.setRowCount(len(rows))
            for number, row in enumerate(rows):
                if number >= len(self._rows) or row != self._rows[number]:
                    self._set_row(number, row)
            if self.currentRow() < 0:
                self.setCurrentCell(0, 0)
        self._rows = rows

    def _set_row(self, number: int, row: ClassRow) -> None:
        c, truth = row.counts, self._truth
        right = f"{c.hits} / {c.gestures}" if truth else ""
        cells = (row.name, f"{row.on:.2f}", f"{row.off:.2f}", right, str(c.alarms) if truth else "")
        theme = theme_of(self)
        for column, text in enumerate(cells):
            item = self.item(number, column)
            if item is None:
                item = QTableWidgetItem()
                self.setItem(number, column, item)
            item.setText(text)
            item.setToolTip(row.name if column == 0 else "")
            muted = column in (1, 2) and not row.own
            bad = (column == 3 and c.missed > 0) or (column == 4 and c.alarms > 0)
            colour = theme.error if bad and truth else theme.muted if muted else theme.text
            item.setForeground(QColor(colour))
            if column:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def texts(self) -> list[tuple[str, ...]]:
        """Return what is shown, from the top."""
        return [tuple(self._text(r, c) for c in range(5)) for r in range(self.rowCount())]

    def _text(self, row: int, column: int) -> str:
        item = self.item(row, column)
        return item.text() if item else ""
