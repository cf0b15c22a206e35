"""The quiet parts of windows: cards, buttons, tabs, the notice."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from motionrgbd.app.gui import texts
from motionrgbd.app.gui.elided import ElidedLabel
from motionrgbd.app.gui.theme import theme_of

_NOTICE_LINES = 2


def scaled_font(widget: QWidget, factor: float, bold: bool = False) -> QFont:
    """Return the widget's font in another size."""
    font = QFont(widget.font())
    font.setPointSizeF(font.pointSizeF() * factor)
    font.setBold(bold)
    return font


def push_button(text: str, tip: str) -> QPushButton:
    """Return a button that a click does not give the focus: keys stay the window's."""
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def short_button(text: str, tip: str) -> QPushButton:
    """Return the same, hardly wider than its text."""
    button = push_button(text, tip)
    button.setFixedWidth(button.fontMetrics().horizontalAdvance(text) + 26)
    return button


class Outlined(QFrame):
    """An area with a thin rounded outline."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Mid), 1))
        painter.setBrush(self.palette().color(QPalette.ColorRole.Base))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)


class Card(Outlined):
    """An outlined area with a title, or a row of tabs."""

    def __init__(self, title: str | QWidget, body: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title: ElidedLabel | None = None
        if isinstance(title, str):
            self._title = ElidedLabel(title)
            self._title.setFont(scaled_font(self, 1.0, bold=True))
            heading: QWidget = self._title
        else:
            heading = title
        self._note = ElidedLabel("", role=QPalette.ColorRole.PlaceholderText)
        self._note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._note.hide()
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(heading)
        top.addWidget(self._note, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 10)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addWidget(body, 1)

    def set_title(self, text: str) -> None:
        """Change the title, where it is a text."""
        if self._title is not None:
            self._title.setText(text)

    def set_note(self, text: str) -> None:
        """Set the muted words beside the title."""
        self._note.setText(text)
        self._note.setVisible(bool(text))


class Tabs(QWidget):
    """Words side by side, one of them chosen; the others are muted."""

    chosen = Signal(int)

    def __init__(self, names: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons = QButtonGroup(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(14)
        for number, name in enumerate(names):
            button = TabButton(name)
            self._buttons.addButton(button, number)
            layout.addWidget(button)
        layout.addStretch(1)
        self._buttons.idClicked.connect(self.chosen)
        self.choose(0)

    def choose(self, number: int) -> None:
        """Choose a word."""
        self._buttons.button(number).setChecked(True)
        self.chosen.emit(number)


class TabButton(QAbstractButton):
    """A word that can be chosen."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setText(text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFont(scaled_font(self, 1.0, bold=True))

    def sizeHint(self) -> QSize:  # noqa: N802
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + 1, metrics.height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        role = QPalette.ColorRole
        lit = self.isChecked() or self.underMouse() or self.hasFocus()
        painter.setPen(self.palette().color(role.WindowText if lit else role.PlaceholderText))
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignVCenter), self.text())


class NoticeBar(QFrame):
    """How things stand, in one line that is always there, so that nothing jumps.

    Only a long sentence takes two: what to do stands at its end.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._notice = texts.Notice("calm", "Starting")
        self._headline = QLabel(self._notice.headline)
        self._headline.setFont(scaled_font(self, 1.05, bold=True))
        self._detail = ElidedLabel("", lines=_NOTICE_LINES)
        self._badges = ElidedLabel("", role=QPalette.ColorRole.PlaceholderText)
        self._badges.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(30, 6, 12, 6)
        layout.setSpacing(10)
        layout.addWidget(self._headline)
        layout.addWidget(self._detail, 1)
        layout.addWidget(self._badges)

    def set_notice(self, notice: texts.Notice) -> None:
        """Show how things stand."""
        if notice == self._notice:
            return
        self._notice = notice
        self._headline.setText(notice.headline)
        self._detail.setText(notice.detail)
        self.update()

    def notice(self) -> texts.Notice:
        """Return what is shown."""
        return self._notice

    def set_badges(self, badges: Sequence[str]) -> None:
        """Show what a viewer must know about the source all the time."""
        self._badges.setText("   ·   ".join(badges))
        self._badges.setVisible(bool(badges))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme = theme_of(self)
        tones = {
            "calm": theme.accent,
            "notice": theme.notice,
            "warning": theme.warning,
            "error": theme.error,
        }
        colour = QColor(tones[self._notice.tone])
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if self._notice.tone != "calm":
            tint = QColor(colour)
            tint.setAlpha(30)
            painter.setBrush(tint)
            painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        painter.setBrush(colour)
        painter.drawEllipse(QRectF(12, self.height() / 2 - 4, 8, 8))
