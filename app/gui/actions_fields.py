"""Fields of a mapping as they are filled in: one editor per kind of value, its error below it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from motionrgbd.app.gui.elided import ElidedCheck, ElidedCombo, ElidedLabel
from motionrgbd.app.my_settings import toml_text
from motionrgbd.core.actions.fields import Field, Number, Text, Texts, YesNo

Tell = Callable[[Any], None]
_CAPTION_PX = 92


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of a form. field: None takes any value of TOML. value: None where none is given.

    at_once: a text is told at every key, not only when it is whole.
    """

    key: str
    caption: str
    field: Field | None
    value: Any
    at_once: bool = True


def typed(field: Field | None, text: str) -> Any:
    """Return what a person means by a text; one that cannot be meant stays as it is, to be told."""
    text = text.strip() if not isinstance(field, Text) else text
    if not text:
        return None
    if isinstance(field, Text):
        return text
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def shown(field: Field | None, value: Any) -> str:
    """Return a value as it is typed."""
    if value is None:
        return ""
    if isinstance(value, str) and isinstance(field, Text | Number):
        return value
    if isinstance(value, Mapping):
        inner = ", ".join(f"{k} = {shown(None, v)}" for k, v in value.items())
        return f"{{ {inner} }}"
    return toml_text({"x": value}).removeprefix("x = ").strip()


def _default(field: Field | None) -> str:
    if field is None or field.default in (None, ()):
        return "" if field is None else field.help
    if isinstance(field.default, bool):
        return "yes" if field.default else "no"
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    return shown(field, default)


def make_editor(row: FieldRow, tell: Tell) -> QWidget:
    """Return what a field is filled in with. tell: gets every new value; None takes it away."""
    field = row.field
    if isinstance(field, Texts) and field.choices:
        return _Checks(field, row.value, tell)
    if isinstance(field, Text) and field.choices:
        return _choice(field, {name: name for name in field.choices}, row.value, tell)
    if isinstance(field, YesNo):
        return _choice(field, {"yes": True, "no": False}, row.value, tell)
    edit = QLineEdit(shown(field, row.value))
    edit.setCursorPosition(0)
    edit.setReadOnly("\n" in shown(field, row.value))  # of several lines: for the text only
    edit.setPlaceholderText(_default(field))
    if row.at_once:
        edit.textEdited.connect(lambda text: tell(typed(field, text)))
    else:
        edit.editingFinished.connect(lambda: _tell_whole(edit, field, tell))
    return edit


def _tell_whole(edit: QLineEdit, field: Field | None, tell: Tell) -> None:
    """Tell a text once: Enter and leaving may both be its end, and so is the form's."""
    if edit.isModified():
        edit.setModified(False)
        tell(typed(field, edit.text()))


def _choice(field: Field, values: Mapping[str, Any], value: Any, tell: Tell) -> QComboBox:
    combo = ElidedCombo()
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    if not field.required:
        default = _default(field) if field.default is not None else ""
        combo.addItem(f"({default})" if default else "", None)
    for name, each in values.items():
        combo.addItem(name, each)
    number = next((n for n in range(combo.count()) if combo.itemData(n) == value), -1)
    if number < 0 and value is not None:  # a wrong one is shown as it is
        combo.addItem(str(value), value)
        number = combo.count() - 1
    combo.setCurrentIndex(number)
    combo.activated.connect(lambda n: tell(combo.itemData(n)))
    return combo


class _Checks(QWidget):
    """Names of which some are chosen, two in a line; wrong ones of the file are among them."""

    def __init__(self, field: Texts, value: Any, tell: Tell) -> None:
        super().__init__()
        choices, value = field.choices, field.default if value is None else value
        given = list(value) if isinstance(value, list | tuple) else [value]
        given = [] if value is None else given
        self._has_default = bool(field.default)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        self.boxes = {
            name: ElidedCheck(name) for name in dict.fromkeys((*choices, *map(str, given)))
        }
        for number, (name, box) in enumerate(self.boxes.items()):
            box.setToolTip(name)
            box.setChecked(name in given)
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            box.toggled.connect(lambda _=False: tell(self._chosen()))
            grid.addWidget(box, number // 2, number % 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)

    def _chosen(self) -> list[str] | None:
        names = [name for name, box in self.boxes.items() if box.isChecked()]
        return names if names or self._has_default else None


class FieldForm(QWidget):
    """Fields below each other. edited: a key and its new value, None where it is taken away."""

    edited = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editors: dict[str, QWidget] = {}
        self._errors: dict[str, QLabel] = {}
        self._rows: tuple[FieldRow, ...] = ()
        self._body: QWidget | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)

    def set_rows(self, rows: Sequence[FieldRow]) -> None:
        """Show these fields anew."""
        if self._body is not None:
            self._layout.removeWidget(self._body)
            self._body.hide()
            self._body.deleteLater()
        self._rows, self.editors, self._errors = tuple(rows), {}, {}
        self._body = QWidget()
        lines = QVBoxLayout(self._body)
        lines.setContentsMargins(0, 0, 6, 0)
        lines.setSpacing(4)
        for row in rows:
            lines.addLayout(self._line(row))
            lines.addWidget(self._errors[row.key])
        lines.addStretch(1)
        self._layout.addWidget(self._body)

    def _line(self, row: FieldRow) -> QHBoxLayout:
        caption = ElidedLabel(row.caption, mode=Qt.TextElideMode.ElideMiddle)
        caption.setFixedWidth(_CAPTION_PX)
        caption.setToolTip(row.caption)
        caption.setContentsMargins(0, 3, 0, 0)  # as far down as the text beside it
        editor = make_editor(row, lambda value: self.edited.emit(row.key, value))
        if row.field is not None:
            for widget in (caption, editor):
                widget.setToolTip(row.field.help)
        caption.setBuddy(editor)
        error = QLabel()
        error.setWordWrap(True)
        error.setForegroundRole(QPalette.ColorRole.BrightText)
        error.setContentsMargins(_CAPTION_PX + 6, 0, 0, 2)
        error.hide()
        self.editors[row.key], self._errors[row.key] = editor, error
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(caption, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(editor, 1)
        return line

    def finish(self) -> None:
        """Take what is typed so far as whole."""
        for editor in tuple(self.editors.values()):
            if isinstance(editor, QLineEdit):
                editor.editingFinished.emit()

    def rows(self) -> tuple[FieldRow, ...]:
        """Return the fields as they were set."""
        return self._rows

    def set_problem(self, key: str | None, text: str) -> bool:
        """Say what is wrong beside its field, and nowhere else; False where there is no such."""
        for name, label in self._errors.items():
            label.setText(text if name == key else "")
            label.setVisible(name == key)
        return key in self._errors

    def problem(self, key: str) -> str:
        """Return what is said of a field."""
        return self._errors[key].text()
