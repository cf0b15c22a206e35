"""Text where there may be too little room for it: cut with an ellipsis, never without one."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLabel,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

_LEAST_MIDDLE_PX = 55


def elided_name(metrics: QFontMetricsF, name: str, room_px: float) -> str:
    """Cut a name in its middle, for names may begin alike; at its end where little is left."""
    modes = Qt.TextElideMode
    mode = modes.ElideMiddle if room_px >= _LEAST_MIDDLE_PX else modes.ElideRight
    return metrics.elidedText(name, mode, room_px)


class ElidedLabel(QLabel):
    """Text that has an ellipsis where it does not fit; the whole is in its tooltip.

    lines: so many, where one is too short. mode: where the (last) line is cut.
    """

    def __init__(
        self,
        text: str = "",
        parent: QWidget | None = None,
        *,
        role: QPalette.ColorRole = QPalette.ColorRole.WindowText,
        lines: int = 1,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        super().__init__(text, parent)
        self._role, self._most_lines, self._mode = role, lines, mode
        self._lines = 1  # that it takes now
        self._cut = False
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def setText(self, text: str) -> None:  # noqa: N802
        if text != self.text():
            super().setText(text)
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Be as high as the lines need."""
        lines = len(self.shown_lines())
        if lines != self._lines:
            self._lines = lines
            self.updateGeometry()
        self._say_all()

    def set_lines(self, lines: int) -> None:
        """Change how many lines it may take."""
        if lines != self._most_lines:
            self._most_lines = lines
            self._fit()

    def set_role(self, role: QPalette.ColorRole) -> None:
        """Choose the palette's colour that the text has."""
        if role != self._role:
            self._role = role
            self.update()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        more = (self._lines - 1) * self.fontMetrics().lineSpacing()
        return QSize(24, super().minimumSizeHint().height() + more)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(super().sizeHint().width(), self.minimumSizeHint().height())

    def shown_lines(self) -> list[str]:
        """Return what is to be read, line by line."""
        room, metrics, text = self.contentsRect().width(), self.fontMetrics(), self.text()
        lines: list[str] = []
        while len(lines) + 1 < self._most_lines and metrics.horizontalAdvance(text) > room:
            head = _head(metrics, text, room)
            lines.append(head)
            text = text[len(head) :].lstrip()
        return [*lines, metrics.elidedText(text, self._mode, room)]

    def shown_text(self) -> str:
        """Return what is to be read."""
        return " ".join(self.shown_lines())

    def colour(self) -> QColor:
        """Return the colour of the text."""
        return self.palette().color(self._role)

    def _say_all(self) -> None:
        cut = self.shown_text() != self.text()
        if cut or self._cut:  # what stands there otherwise is somebody else's
            self.setToolTip(self.text() if cut else "")
        self._cut = cut

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setPen(self.colour())
        text = "\n".join(self.shown_lines())
        painter.drawText(self.contentsRect(), int(self.alignment()), text)
        self._say_all()


def _head(metrics: QFontMetrics, text: str, room_px: int) -> str:
    """Return as many whole words as fit; of a word that is too long, its letters, at least one."""
    fitting = 1
    while fitting < len(text) and metrics.horizontalAdvance(text[: fitting + 1]) <= room_px:
        fitting += 1
    gap = text.rfind(" ", 1, fitting + 1)
    return text[: gap if gap > 0 else fitting]


class ElidedCombo(QComboBox):
    """A choice whose text has an ellipsis where it does not fit; the whole is in its list."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        if self.currentIndex() < 0:
            option.currentText = self.placeholderText()
            muted = self.palette().placeholderText()
            option.palette.setBrush(QPalette.ColorRole.ButtonText, muted)
        control = QStyle.ComplexControl.CC_ComboBox
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(control, option, field, self).width() - 4
        option.currentText = self.fontMetrics().elidedText(
            option.currentText, Qt.TextElideMode.ElideMiddle, room
        )
        painter.drawComplexControl(control, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class ElidedCheck(QCheckBox):
    """A box to check whose name has an ellipsis where it does not fit."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter, option = QStylePainter(self), QStyleOptionButton()
        self.initStyleOption(option)
        text = QStyle.SubElement.SE_CheckBoxContents
        room = self.style().subElementRect(text, option, self).width()
        option.text = self.fontMetrics().elidedText(option.text, Qt.TextElideMode.ElideMiddle, room)
        painter.drawControl(QStyle.ControlElement.CE_CheckBox, option)
