"""Probability of every label, in the model's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from motionrgbd.app.gui.elided import elided_name
from motionrgbd.app.gui.history import LabelSlots
from motionrgbd.app.gui.theme import theme_of
from motionrgbd.core.results import FloatArray, Prediction
from motionrgbd.models.recipe import Modality

ROW_MIN_PX, ROW_MAX_PX = 17, 30
MOST_ROWS = 28  # as many as fit the smallest window; with more labels the leading ones are shown
WORTH_A_FIGURE = 0.05  # smaller ones are a wall of noise beside the bar that matters


class ProbabilityBars(QWidget):
    """One row per label, always in the same place; the likeliest is highlighted.

    Of more than MOST_ROWS labels, those that led lately have a row. Two small ticks on a bar are
    what colour alone (upper) and depth alone (lower) say.
    """

    def __init__(self, labels: Sequence[str] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._labels = tuple(labels)
        self._slots = LabelSlots(len(self._labels), MOST_ROWS)
        self._prediction: Prediction | None = None
        self._values: FloatArray | None = None
        self._by_modality: Mapping[Modality, FloatArray] = {}
        self._dots: tuple[int, ...] = ()
        self._widest = -1.0

    def set_prediction(self, prediction: Prediction | None) -> None:
        """Show the probabilities; None empties the bars."""
        if prediction is self._prediction:
            return
        values = None if prediction is None else prediction.probabilities
        if values is not None and len(values) != len(self._labels):
            raise ValueError(f"{len(values)} probabilities for {len(self._labels)} labels")
        self._prediction, self._values = prediction, values
        if values is not None and self._slots.update(values):
            self._widest = -1.0
        self._by_modality = {} if prediction is None else prediction.by_modality
        self.update()

    def set_dots(self, indices: Sequence[int]) -> None:
        """Mark the labels drawn in the timeline with their colour there."""
        dots = tuple(indices)
        if dots != self._dots:
            self._dots = dots
            self.update()

    def top(self) -> int | None:
        """Return the label highlighted, or None."""
        return None if self._values is None else int(np.argmax(self._values))

    def rows(self) -> tuple[str, ...]:
        """Return the labels that have a row, from the top."""
        return tuple(self._labels[k] for k in self._slots.rows)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(180, ROW_MIN_PX * len(self._slots.rows))

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(280, 22 * len(self._slots.rows))

    def row_height(self) -> float:
        """Return the height of a row in pixels."""
        rows = max(1, len(self._slots.rows))
        return min(ROW_MAX_PX, max(ROW_MIN_PX, self.height() / rows))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        if event.type() == QEvent.Type.FontChange:
            self._widest = -1.0
        super().changeEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = int(event.pos().y() / self.row_height())
            if 0 <= row < len(self._slots.rows):
                QToolTip.showText(event.globalPos(), self._tip(self._slots.rows[row]), self)
                return True
        return super().event(event)

    def _tip(self, k: int) -> str:
        lines = [self._labels[k]]
        if self._values is not None:
            lines.append(f"probability {self._values[k]:.3f}")
        for modality, values in self._by_modality.items():
            name = "colour" if modality == "color" else "depth"
            lines.append(f"{name} alone {values[k]:.3f}")
        return "\n".join(lines)

    def _label_width(self, metrics: QFontMetricsF) -> float:
        if self._widest < 0:
            self._widest = max((metrics.horizontalAdvance(t) for t in self.rows()), default=0.0)
        return min(self._widest + 2, 0.52 * self.width())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.palette().color(QPalette.ColorRole.Base))
        metrics = QFontMetricsF(self.font())
        theme, row_px = theme_of(self), self.row_height()
        name_px = self._label_width(metrics)
        value_px = metrics.horizontalAdvance("0.00") + 2
        left = 14 + name_px + 8
        lane = max(8.0, self.width() - left - value_px - 6)
        thick = min(10.0, row_px * 0.5)
        text, muted = QColor(theme.text), QColor(theme.muted)
        track = self.palette().color(QPalette.ColorRole.AlternateBase)
        top, vertical = self.top(), Qt.AlignmentFlag.AlignVCenter
        first = max(0, int(event.rect().top() / row_px))
        last = min(len(self._slots.rows), int(event.rect().bottom() / row_px) + 1)
        for row in range(first, last):
            k = self._slots.rows[row]
            y = row * row_px
            middle = y + row_px / 2
            chosen = k == top
            painter.setPen(text if chosen else muted)
            name = elided_name(metrics, self._labels[k], name_px)
            painter.drawText(QRectF(14, y, name_px, row_px), int(vertical), name)
            bar = QRectF(left, middle - thick / 2, lane, thick)
            painter.fillRect(bar, track)
            if k in self._dots:
                painter.fillRect(
                    QRectF(3, middle - 3, 6, 6), QColor(theme.series[k % len(theme.series)])
                )
            if self._values is None:
                continue
            p = float(self._values[k])
            bar.setWidth(lane * p)
            painter.fillRect(bar, QColor(theme.accent if chosen else theme.bar))
            self._paint_ticks(painter, k, left, lane, middle, thick, text)
            if p >= WORTH_A_FIGURE:
                place = QRectF(left + lane + 6, y, value_px, row_px)
                painter.drawText(place, int(vertical | Qt.AlignmentFlag.AlignRight), f"{p:.2f}")

    def _paint_ticks(
        self,
        painter: QPainter,
        k: int,
        left: float,
        lane: float,
        middle: float,
        thick: float,
        colour: QColor,
    ) -> None:
        for modality, values in self._by_modality.items():
            y = middle - thick / 2 - 1 if modality == "color" else middle
            if values[k] >= WORTH_A_FIGURE:
                painter.fillRect(
                    QRectF(left + lane * float(values[k]) - 1, y, 2, thick / 2 + 1), colour
                )
