"""The teaching window's menus as a table; each entry calls what the window or its parts can do."""

from __future__ import annotations

from motionrgbd.app.gui.menus import Item, Menus

WAYS_TO_ADD = (
    "sources.ask_file",
    "sources.ask_folder",
    "sources.ask_realsense",
    "sources.ask_webcam",
)
TEACH_MENUS: Menus = (
    (
        "&Recording",
        (
            Item("Open a &file …", ("Ctrl+O",), "sources.ask_file"),
            Item("Open a f&older of pictures …", ("Ctrl+Shift+O",), "sources.ask_folder"),
            Item("Show a Real&Sense camera", (), "sources.ask_realsense"),
            Item("Show a &webcam", (), "sources.ask_webcam"),
            Item("&Record, or end recording", ("R",), "sources.toggle_recording"),
            Item("&Leave this recording out", (), "sources.leave_out_wanted.emit"),
            Item("&Close", ("Ctrl+W", "Ctrl+Q"), "close"),
        ),
    ),
    (
        "&Playback",
        (
            Item("&Play or pause", ("Space",), "take.transport.toggle_play"),
            Item("One frame &back", ("Left",), "take.frame_back"),
            Item("One frame &on", ("Right",), "take.frame_on"),
            Item("One second b&ack", ("Shift+Left",), "take.second_back"),
            Item("One second o&n", ("Shift+Right",), "take.second_on"),
            Item("To the &start", ("Home",), "take.to_start"),
            Item("&Next example", ("Down",), "take.next_span"),
            Item("Pre&vious example", ("Up",), "take.previous_span"),
            Item("Zoom &in", ("+", "="), "take.timeline.zoom_in"),
            Item("Zoom o&ut", ("-",), "take.timeline.zoom_out"),
            Item("Show a&ll", ("0",), "take.timeline.zoom_all"),
        ),
    ),
    (
        "&Mark",
        (
            Item("&Start here", ("I",), "take.marks.mark_in.emit"),
            Item("&End here", ("O",), "take.marks.mark_out.emit"),
            Item("&Name", ("L", "F2"), "take.ask_label"),
            Item("&Delete", ("Del", "Backspace"), "take.marks.delete_wanted.emit"),
            Item("Forget the &mark", ("Esc",), "take.marks.forgotten.emit"),
            Item("&Undo", ("Ctrl+Z",), "take.marks.undo_wanted.emit"),
            Item("&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "take.marks.redo_wanted.emit"),
        ),
    ),
    (
        "&Teach",
        (
            Item("&Teach", ("Ctrl+T",), "lesson.teach"),
            Item("&Save the taught model …", ("Ctrl+S",), "ask_save"),
        ),
    ),
    ("&Help", (Item("&Keyboard shortcuts", ("F1", "?"), "show_shortcuts"),)),
)
