"""A list of lines that is only read, or of which one is chosen; its tones follow the theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
)

from motionrgbd.app.gui.actions_texts import Line
from motionrgbd.app.gui.theme import theme_of


class QuietList(QTableWidget):
    """Lines of cells; what does not fit ends in an ellipsis, and is in the tooltip.

    chosen: a line, by keys or mouse; only where it is `choosable`. columns: their names, and how
    much of the width each has.
    """

    chosen = Signal(int)

    def __init__(
        self, columns: Mapping[str, float], *, choosable: bool = False, heads: bool = False
    ) -> None:
        super().__init__(0, len(columns))
        self._lines: tuple[Line, ...] = ()
        self._shares = tuple(columns.values())
        self.setHorizontalHeaderLabels(list(columns))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        mode = QAbstractItemView.SelectionMode
        self.setSelectionMode(mode.SingleSelection if choosable else mode.NoSelection)
        if not choosable:
            self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 5)
        header = self.horizontalHeader()
        header.setVisible(heads)
        header.setSectionsClickable(False)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setStretchLastSection(True)
        self.currentCellChanged.connect(self._choose)

    def _choose(self, row: int) -> None:
        if row >= 0:
            self.chosen.emit(row)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(120, 2 * self.verticalHeader().defaultSectionSize())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        whole = sum(self._shares)
        for column, share in enumerate(self._shares[:-1]):
            self.setColumnWidth(column, round(self.viewport().width() * share / whole))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_lines"):
            lines, self._lines = self._lines, ()
            self.set_lines(lines)

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Show these, where they differ from what is shown; what is chosen stays."""
        lines = tuple(lines)
        if lines == self._lines:
            return
        with QSignalBlocker(self):
            self.setRowCount(len(lines))
            for row, line in enumerate(lines):
                if line != (self._lines[row] if row < len(self._lines) else None):
                    self._set_row(row, line)
        self._lines = lines

    def _set_row(self, row: int, line: Line) -> None:
        theme = theme_of(self)
        colours = {"calm": theme.text, "muted": theme.muted}
        colours |= {"warning": theme.warning, "error": theme.error}
        for column, text in enumerate(line.cells):
            item = QTableWidgetItem(text)
            item.setForeground(QColor(colours[line.tone]))
            item.setToolTip(text)
            self.setItem(row, column, item)

    def choose(self, row: int) -> None:
        """Choose a line without telling it."""
        with QSignalBlocker(self):
            self.setCurrentCell(row, 0)

    def lines(self) -> tuple[Line, ...]:
        """Return what is shown."""
        return self._lines
