"""Parts of the teaching window: rich text, the row that names spans, and what can be done next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from motionrgbd.app.gui.elided import ElidedLabel
from motionrgbd.app.gui.panels import Card, push_button
from motionrgbd.app.gui.theme import Theme, theme_of

_PROGRESS_STEPS = 1000


class RichText(QTextBrowser):
    """Text that wraps and scrolls, drawn anew in the colours of the theme."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys step through the recording
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(0)
        self._make: Callable[[Theme], str] | None = None
        self._shown = ""

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(150, 60)

    def set_maker(self, make: Callable[[Theme], str]) -> None:
        """Show what `make` returns for the present theme."""
        self._make = make
        self._draw()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()

    def _draw(self) -> None:
        html = "" if self._make is None else self._make(theme_of(self))
        if html != self._shown:
            self._shown = html
            at = self.verticalScrollBar().value()
            self.setHtml(html)
            self.verticalScrollBar().setValue(at)


class MarkRow(QWidget):
    """The buttons that mark a span, its name, and why the last wish was refused.

    named: a name was entered. The name's completion offers the labels used so far. forgotten: the
    mark, or the choice, is to go.
    """

    mark_in = Signal()
    mark_out = Signal()
    named = Signal(str)
    delete_wanted = Signal()
    undo_wanted = Signal()
    redo_wanted = Signal()  # by key only, like the next
    forgotten = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._in = _button("Start", "The gesture begins with the frame shown (I)", self.mark_in)
        self._out = _button("End", "The frame shown is the gesture's last (O)", self.mark_out)
        self._label = QComboBox()
        self._label.setEditable(True)
        self._label.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._label.setMinimumWidth(120)
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._label.setToolTip("The gesture's name (L); Enter gives it to the chosen span")
        completer = self._label.completer()
        if completer is not None:
            completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
        edit = self._label.lineEdit()
        assert edit is not None
        edit.setPlaceholderText("which gesture?")
        edit.returnPressed.connect(self._enter)
        self._label.activated.connect(lambda _index: self._enter())
        self._delete = _button("Delete", "Remove the chosen span (Del)", self.delete_wanted)
        self._undo = _button("Undo", "Take the last change back (Ctrl+Z)", self.undo_wanted)
        self._said = ElidedLabel("", role=QPalette.ColorRole.PlaceholderText, lines=2)
        row = QHBoxLayout()
        row.setSpacing(6)
        for widget in (self._in, self._out, QLabel("Gesture")):
            row.addWidget(widget)
        row.addWidget(self._label, 1)
        row.addWidget(self._delete)
        row.addWidget(self._undo)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self._said)

    def set_labels(self, labels: Sequence[str]) -> None:
        """Set the names that are offered; what is typed stays."""
        if [self._label.itemText(i) for i in range(self._label.count())] == list(labels):
            return
        typed = self.label()
        with QSignalBlocker(self._label):
            self._label.clear()
            self._label.addItems(list(labels))
        self.set_label(typed)

    def set_label(self, label: str) -> None:
        """Show a name; of a long one, its beginning."""
        self._label.setEditText(label)
        edit = self._label.lineEdit()
        if edit is not None:
            edit.setCursorPosition(0)

    def label(self) -> str:
        """Return the name that is typed."""
        return self._label.currentText()

    def ask_label(self) -> None:
        """Let the user type the name now."""
        self._label.setFocus(Qt.FocusReason.ShortcutFocusReason)
        edit = self._label.lineEdit()
        if edit is not None:
            edit.selectAll()

    def set_state(self, *, chosen: bool, can_undo: bool) -> None:
        """Show what can be done."""
        self._delete.setEnabled(chosen)
        self._undo.setEnabled(can_undo)

    def say(self, text: str, refused: bool = False) -> None:
        """Show a line below: facts about the chosen span, or why something was refused."""
        self._said.set_role(
            QPalette.ColorRole.BrightText if refused else QPalette.ColorRole.PlaceholderText
        )
        self._said.setText(text)

    def said(self) -> str:
        """Return the line below."""
        return self._said.text()

    def _enter(self) -> None:
        self.named.emit(self.label())
        self._label.clearFocus()


class LessonPanel(QWidget):
    """The gestures and the button that teaches them; while it teaches, how far it is."""

    teach_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.gestures = RichText()
        self._todo = _wrapped()
        self._teach = _button("Teach", "Learn the marked gestures (Ctrl+T)", self.teach_wanted)
        self._progress = QProgressBar()
        self._progress.setRange(0, _PROGRESS_STEPS)
        self._progress.setTextVisible(False)
        self._doing = ElidedLabel("", role=QPalette.ColorRole.PlaceholderText)
        self._pages = QStackedWidget()
        self._pages.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._pages.addWidget(_column(self._todo, self._teach))
        cancel = _button("Cancel", "Stop; nothing is changed", self.cancel_wanted)
        self._pages.addWidget(_column(self._doing, self._progress, cancel))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(Card("Gestures", self.gestures), 1)
        layout.addWidget(Card("Teach", self._pages))

    def set_todo(self, text: str, ready: bool) -> None:
        """Say what is still to be done, and whether teaching can begin."""
        self._todo.setText(text)
        self._teach.setEnabled(ready)

    def todo(self) -> str:
        """Return what is said to be done."""
        return self._todo.text()

    def ready(self) -> bool:
        """Return whether teaching can begin."""
        return self._teach.isEnabled()

    def teach(self) -> None:
        """Ask for teaching to begin."""
        if self.ready():
            self.teach_wanted.emit()

    def set_progress(self, share: float | None, text: str = "") -> None:
        """Show how far teaching is; None: it is not going on."""
        self._pages.setCurrentIndex(0 if share is None else 1)
        if share is not None:
            self._progress.setValue(round(share * _PROGRESS_STEPS))
            self._doing.setText(text)


class ReportPanel(QWidget):
    """What teaching found out, and what can be done with the taught model."""

    save_wanted = Signal()
    use_wanted = Signal()
    back_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.report = RichText()
        self._saved = _wrapped()
        self._save = _button("Save as …", "Write the taught model (Ctrl+S)", self.save_wanted)
        self._use = _button("Use now", "Recognise with the taught model", self.use_wanted)
        back = _button("Back", "Mark more examples", self.back_wanted)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button in (self._save, self._use, back):
            buttons.addWidget(button)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.report, 1)
        layout.addWidget(self._saved)
        layout.addLayout(buttons)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(Card("Taught", body))
        self.set_saved("not saved yet", False)

    def set_saved(self, text: str, usable: bool, savable: bool = True) -> None:
        """Say where the model is; one that was saved can be used; a refused one is not saved."""
        self._saved.setText(text)
        self._save.setEnabled(savable)
        self._use.setEnabled(usable)


def _button(text: str, tip: str, pressed: object) -> QPushButton:
    button = push_button(text, tip)
    button.setAutoDefault(False)
    button.clicked.connect(lambda _=False: pressed.emit())  # type: ignore[attr-defined]
    return button


def _wrapped() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


def _column(*widgets: QWidget) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(6)
    for widget in widgets:
        layout.addWidget(widget)
    return page
