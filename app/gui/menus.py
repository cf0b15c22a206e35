"""The menus as a table, and the list of keys read from it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QPalette
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QWidget

from motionrgbd.app.gui.panels import scaled_font


@dataclass(frozen=True, slots=True)
class Item:
    """A menu entry: its words, its keys, and what it calls: a method of the window or its parts."""

    text: str
    keys: tuple[str, ...]
    method: str
    checked: bool | None = None  # not None: an entry that is on or off


Menus = tuple[tuple[str, tuple[Item, ...]], ...]

MENUS: Menus = (
    (
        "&File",
        (
            Item("&Open a camera, recording or model …", ("Ctrl+O",), "open_other"),
            Item("&Record, or end recording", ("Ctrl+R",), "toggle_recording"),
            Item("&Teach own gestures …", ("Ctrl+T",), "teach"),
            Item("&Quit", ("Ctrl+Q", "Ctrl+W"), "close"),
        ),
    ),
    (
        "&View",
        (
            Item("Next &guidance map", ("G",), "watch.next_heat"),
            Item("Guidance &stronger", ("+", "="), "watch.stronger_heat"),
            Item("Guidance &weaker", ("-",), "watch.weaker_heat"),
            Item("&Higher guidance threshold", (".",), "watch.raise_heat_threshold"),
            Item("&Lower guidance threshold", (",",), "watch.lower_heat_threshold"),
            Item("Next &choice of pictures", ("C",), "watch.next_pictures"),
            Item("As in a &mirror", ("M",), "show_mirrored", checked=False),
            Item("Re&gion of interest", ("B",), "watch.use_region", checked=False),
            Item("&Outline what the network sees", ("O",), "watch.show_outline", checked=True),
            Item("&Recognised gestures", ("R",), "watch.show_gestures"),
            Item("&Pipeline rates and latencies", ("P",), "watch.show_pipeline"),
            Item("S&ensor: holes, exposure, synchrony", ("E",), "watch.show_sensor"),
            Item("Timeline &back", ("Ctrl+Left",), "watch.timeline_back"),
            Item("Timeline &on", ("Ctrl+Right",), "watch.timeline_on"),
            Item("Timeline to no&w", ("End",), "watch.timeline_now"),
            Item("&Full screen", ("F11",), "show_full_screen", checked=False),
        ),
    ),
    (
        "&Playback",
        (
            Item("&Play or pause", ("Space",), "transport.toggle_play"),
            Item("&One frame on", ("Right",), "transport.step_once"),
            Item("One second &back", ("Left",), "transport.back_1_s"),
            Item("Five seconds b&ack", ("Shift+Left",), "transport.back_5_s"),
            Item("Five seconds for&ward", ("Shift+Right",), "transport.forward_5_s"),
            Item("To the &start", ("Home",), "transport.to_start"),
            Item("&Slower", ("[",), "transport.slower"),
            Item("&Faster", ("]",), "transport.faster"),
        ),
    ),
    (
        "&Decisions",
        (
            Item("&Decision designer", ("Ctrl+D",), "show_designer", checked=False),
            Item("&Start threshold up", ("Ctrl+Up",), "start_up"),
            Item("Start threshold d&own", ("Ctrl+Down",), "start_down"),
            Item("&End threshold up", ("Ctrl+Shift+Up",), "end_up"),
            Item("End threshold do&wn", ("Ctrl+Shift+Down",), "end_down"),
            Item("Zoom &in", ("Ctrl++", "Ctrl+="), "design_zoom_in"),
            Item("Zoom o&ut", ("Ctrl+-",), "design_zoom_out"),
            Item("Save as &my settings", ("Ctrl+S",), "save_decisions"),
        ),
    ),
    (
        "&Actions",
        (
            Item("&Show how actions are doing", ("A",), "show_actions", checked=False),
            Item("&Edit what gestures do …", ("Ctrl+E",), "edit_actions", checked=False),
            Item("&Arm: really send …", ("Ctrl+Shift+A",), "arm_actions"),
            Item("&Disarm at once", ("Esc",), "actions_panel.disarm"),
            Item("&Undo the last action", ("Ctrl+Z",), "actions_panel.undo"),
            Item("&Try the chosen action", ("Ctrl+Shift+T",), "actions_page.try_one"),
            Item("A&pply what is edited", ("Ctrl+Return",), "actions_page.apply"),
            Item("Sa&ve what is edited", ("Ctrl+Shift+S",), "actions_page.save"),
        ),
    ),
    ("&Help", (Item("&Keyboard shortcuts", ("F1", "?"), "show_shortcuts"),)),
)


_MOST_ROWS = 30  # of one column: more do not fit on a small screen


class ShortcutDialog(QDialog):
    """Every menu entry with its keys."""

    def __init__(self, parent: QWidget, menus: Menus = MENUS) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard shortcuts")
        columns = QHBoxLayout(self)
        columns.setContentsMargins(20, 16, 24, 20)
        columns.setSpacing(44)
        row = _MOST_ROWS
        for title, items in menus:
            if row + len(items) >= _MOST_ROWS:
                grid, row = QGridLayout(), 0
                grid.setHorizontalSpacing(28)
                grid.setVerticalSpacing(3)
                columns.addLayout(grid)
                columns.setAlignment(grid, Qt.AlignmentFlag.AlignTop)
            heading = QLabel(title.replace("&", ""))
            heading.setFont(scaled_font(heading, 1.0, bold=True))
            heading.setContentsMargins(0, 8 if row else 0, 0, 0)
            grid.addWidget(heading, row, 0, 1, 2)
            for item in items:
                row += 1
                keys = QLabel(", ".join(QKeySequence(k).toString() for k in item.keys))
                keys.setForegroundRole(QPalette.ColorRole.PlaceholderText)
                grid.addWidget(QLabel(item.text.replace("&", "")), row, 0)
                grid.addWidget(keys, row, 1)
            row += 1
