"""Colours, light and dark, after the system's choice. Widgets read them from the palette."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QWidget


@dataclass(frozen=True, slots=True)
class Theme:
    """One set of colours. series: for labels in the timeline, told apart by hue and lightness."""

    window: str
    card: str
    line: str
    text: str
    muted: str
    bar: str
    accent: str
    on_accent: str
    notice: str
    warning: str
    error: str
    series: tuple[str, ...]


LIGHT = Theme(
    window="#eef0f3",
    card="#fbfcfd",
    line="#d5d9e0",
    text="#1d232e",
    muted="#5f6878",
    bar="#aeb6c3",
    accent="#2f6db5",
    on_accent="#ffffff",
    notice="#4b6a94",
    warning="#a3660b",
    error="#b3362f",
    series=(
        "#2f6db5", "#c2622d", "#2f8f6b", "#8b55a8", "#b5892a",
        "#c04a76", "#3a8fa8", "#6d7f2b", "#7a5c46", "#5566c9",
    ),
)  # fmt: skip
DARK = Theme(
    window="#15171b",
    card="#1e2126",
    line="#343942",
    text="#e4e7ec",
    muted="#9aa3b2",
    bar="#5a6270",
    accent="#78a9e8",
    on_accent="#10141a",
    notice="#9db7da",
    warning="#e0a950",
    error="#ee8078",
    series=(
        "#78a9e8", "#ea9a68", "#6cc7a2", "#bf92da", "#dcbc66",
        "#ea8db0", "#74c5da", "#b0c16a", "#c7a68c", "#9aa6f2",
    ),
)  # fmt: skip


def theme_of(widget: QWidget) -> Theme:
    """Return the colours a widget is painted in."""
    return DARK if widget.palette().color(QPalette.ColorRole.Base).lightness() < 128 else LIGHT


def palette(theme: Theme) -> QPalette:
    """Return Qt's palette of a theme."""
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    colours = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.card,
        role.AlternateBase: theme.window,
        role.Text: theme.text,
        role.Button: theme.card,
        role.ButtonText: theme.text,
        role.BrightText: theme.error,
        role.PlaceholderText: theme.muted,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Link: theme.accent,
        role.ToolTipBase: theme.card,
        role.ToolTipText: theme.text,
        role.Mid: theme.line,
        role.Midlight: theme.line,
        role.Light: theme.card,
    }
    result = QPalette(QColor(theme.card), QColor(theme.window))
    for key, colour in colours.items():
        result.setColor(key, QColor(colour))
    for key in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(group.Disabled, key, QColor(theme.muted))
    return result


def apply(app: QApplication, dark: bool) -> None:
    """Dress the application: Fusion, with the colours of one theme."""
    if app.style().name() != "fusion":
        app.setStyle("Fusion")
    app.setPalette(palette(DARK if dark else LIGHT))


def follow_system(app: QApplication) -> None:
    """Dress the application as the system asks, now and whenever that changes."""
    hints = app.styleHints()

    def changed(scheme: Qt.ColorScheme) -> None:
        apply(app, scheme == Qt.ColorScheme.Dark)

    hints.colorSchemeChanged.connect(changed)
    changed(hints.colorScheme())
