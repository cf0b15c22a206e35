"""The teaching window's menus as a table; each entry calls one of the window's methods."""

from __future__ import annotations

from motionrgbd.app.gui.menus import Item, Menus

TEACH_MENUS: Menus = (
    (
        "&Recording",
        (
            Item("Open a &file …", ("Ctrl+O",), "ask_file"),
            Item("Open a f&older of pictures …", ("Ctrl+Shift+O",), "ask_folder"),
            Item("Show a Real&Sense camera", (), "ask_realsense"),
            Item("Show a &webcam", (), "ask_webcam"),
            Item("&Record, or end recording", ("R",), "toggle_recording"),
            Item("&Leave this recording out", (), "leave_out"),
            Item("&Close", ("Ctrl+W", "Ctrl+Q"), "close"),
        ),
    ),
    (
        "&Playback",
        (
            Item("&Play or pause", ("Space",), "toggle_play"),
            Item("One frame &back", ("Left",), "frame_back"),
            Item("One frame &on", ("Right",), "frame_on"),
            Item("One second b&ack", ("Shift+Left",), "second_back"),
            Item("One second o&n", ("Shift+Right",), "second_on"),
            Item("To the &start", ("Home",), "to_start"),
            Item("&Next example", ("Down",), "next_span"),
            Item("Pre&vious example", ("Up",), "previous_span"),
            Item("Zoom &in", ("+", "="), "zoom_in"),
            Item("Zoom o&ut", ("-",), "zoom_out"),
            Item("Show a&ll", ("0",), "zoom_all"),
        ),
    ),
    (
        "&Mark",
        (
            Item("&Start here", ("I",), "mark_start"),
            Item("&End here", ("O",), "mark_end"),
            Item("&Name", ("L", "F2"), "ask_label"),
            Item("&Delete", ("Del", "Backspace"), "delete_span"),
            Item("Forget the &mark", ("Esc",), "forget_mark"),
            Item("&Undo", ("Ctrl+Z",), "undo"),
            Item("&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
        ),
    ),
    (
        "&Teach",
        (
            Item("&Teach", ("Ctrl+T",), "teach"),
            Item("&Save the taught model …", ("Ctrl+S",), "ask_save"),
        ),
    ),
    ("&Help", (Item("&Keyboard shortcuts", ("F1", "?"), "show_shortcuts"),)),
)
