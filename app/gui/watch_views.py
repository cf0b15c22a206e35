"""What the watching page tells in words: gestures, the sensor's pictures, the pipeline."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QStackedLayout,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from motionrgbd.app.gui import texts
from motionrgbd.app.gui.theme import theme_of
from motionrgbd.app.modality_health import ModalityHealth
from motionrgbd.core.results import GestureEvent, Health

_AIR_PX = 3  # between rows of figures
KEPT_GESTURES = 500  # rows; a table of thousands scrolls badly and nobody reads it


class GestureList(QWidget):
    """The recognised gestures, the newest on top."""

    COLUMNS = ("Time", "Gesture", "Score")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._table = QTableWidget(0, len(self.COLUMNS))
        self._table.setHorizontalHeaderLabels(self.COLUMNS)
        self._table.setFrameShape(QFrame.Shape.NoFrame)
        self._table.setShowGrid(False)
        self._table.setWordWrap(False)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self._table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._table.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # labels may begin alike
        self._table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._table.verticalHeader().hide()
        self._table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        header = self._table.horizontalHeader()
        header.setSectionsClickable(False)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.hide()
        self._empty = QLabel("no gesture yet")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._layers = QStackedLayout(self)
        self._layers.addWidget(self._empty)
        self._layers.addWidget(self._table)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(150, 80)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(260, 180)

    def add(self, event: GestureEvent, origin_s: float) -> None:
        """Put a gesture on top; origin_s is the source's time that reads 0:00."""
        cells = (texts.clock(event.decided_s - origin_s), event.label, f"{event.score:.2f}")
        self._table.insertRow(0)
        span = f"{event.start_s - origin_s:.2f} s to {event.end_s - origin_s:.2f} s"
        for column, text in enumerate(cells):
            item = QTableWidgetItem(text)
            item.setToolTip(f"{event.label}\n{span}, decided with score {event.score:.3f}")
            self._table.setItem(0, column, item)
        self._table.setRowCount(min(self._table.rowCount(), KEPT_GESTURES))
        self._layers.setCurrentWidget(self._table)

    def clear(self) -> None:
        """Forget every gesture."""
        self._table.setRowCount(0)
        self._layers.setCurrentWidget(self._empty)

    def rows(self) -> list[tuple[str, ...]]:
        """Return what is shown, from the top."""
        return [tuple(self._cell(r, c) for c in range(3)) for r in range(self._table.rowCount())]

    def _cell(self, row: int, column: int) -> str:
        item = self._table.item(row, column)
        return item.text() if item else ""


class SensorView(QWidget):
    """How good the sensor's pictures are; what is worth a look stands out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = texts.sensor_rows(ModalityHealth())

    def set_health(self, health: ModalityHealth) -> None:
        """Show a moment's figures."""
        rows = texts.sensor_rows(health)
        if rows != self._rows:
            self._rows = rows
            self.update()

    def rows(self) -> tuple[texts.Row, ...]:
        """Return what is shown."""
        return self._rows

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(150, round(len(self._rows) * (self.fontMetrics().height() + 4)))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        theme, row = theme_of(self), self.fontMetrics().height() + 4
        for number, (name, value, striking) in enumerate(self._rows):
            place = QRectF(0, number * row, self.width(), row)
            painter.setPen(QColor(theme.muted))
            painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), name)
            painter.setPen(QColor(theme.warning if striking else theme.text))
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(place, int(flags), value)


class HealthView(QWidget):
    """Rates, losses and latencies of the pipeline."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rates = texts.rates(Health())
        self._stages: tuple[tuple[str, str, str, str], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def set_health(self, health: Health) -> None:
        """Show how the pipeline is doing."""
        rates, stages = texts.rates(health), texts.stages(health)
        if (rates, stages) == (self._rates, self._stages):
            return
        grown = len(stages) != len(self._stages)
        self._rates, self._stages = rates, stages
        if grown:
            self.updateGeometry()
        self.update()

    def _row_count(self) -> int:
        return len(self._rates) + (1 + len(self._stages) if self._stages else 0)

    def _gap_px(self) -> int:
        return 8 if self._stages else 0

    def _row_px(self) -> float:
        """Return the height of a row: letters, and air as far as there is room."""
        least = self.fontMetrics().height()
        room = (self.height() - self._gap_px()) / self._row_count()
        return min(max(room, least), least + _AIR_PX)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(210, self._row_count() * self.fontMetrics().height() + self._gap_px())

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(240, self.minimumSizeHint().height() + _AIR_PX * self._row_count())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        theme, row = theme_of(self), self._row_px()
        text, muted = QColor(theme.text), QColor(theme.muted)
        half = self.width() / 2
        y = 0.0
        for left, left_value, right, right_value in self._rates:
            for x, name, value in ((0, left, left_value), (half + 6, right, right_value)):
                place = QRectF(x, y, half - 6, row)
                painter.setPen(muted)
                painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), name)
                painter.setPen(text)
                painter.drawText(
                    place, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), value
                )
            y += row
        if not self._stages:
            return
        y += 4
        painter.setPen(QColor(theme.line))
        painter.drawLine(0, round(y), self.width(), round(y))
        y += 4
        self._paint_row(painter, y, ("Milliseconds", "p50", "p95", "p99"), muted, muted)
        for stage in self._stages:
            y += row
            self._paint_row(painter, y, stage, muted, text)

    def _paint_row(
        self, painter: QPainter, y: float, cells: tuple[str, ...], first: QColor, rest: QColor
    ) -> None:
        cell = max(34.0, self.width() * 0.19)
        name = QRectF(0, y, self.width() - 3 * cell, self._row_px())
        painter.setPen(first)
        metrics = QFontMetricsF(self.font())
        shown = metrics.elidedText(cells[0], Qt.TextElideMode.ElideRight, name.width())
        painter.drawText(name, int(Qt.AlignmentFlag.AlignVCenter), shown)
        painter.setPen(rest)
        for number, value in enumerate(cells[1:]):
            place = QRectF(name.right() + number * cell, y, cell, name.height())
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(place, int(flags), value)
