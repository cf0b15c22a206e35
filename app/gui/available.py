"""Can a window be opened here? Asked without Qt, which would abort the whole process.

The real try happens in a child process: libraries that are missing and displays that refuse are
then a line of text instead of a core dump.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Mapping

# Shared library -> Debian package, for every library that PySide6 and its xcb plugin load.
DEBIAN_PACKAGES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
ALL_PACKAGES = (
    "libgl1 libegl1 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 libxcb-cursor0 libxcb-icccm4 "
    "libxcb-keysyms1 libxcb-image0 libxcb-render-util0 libxcb-shape0 libxcb-xkb1 libxcb-randr0"
)
_PROBE = "from PySide6.QtWidgets import QApplication; QApplication(['probe']); print('opened')"
_TIMEOUT_S = 30.0  # a cold start from a slow disk took 6 s; a display that hangs is the only excuse
_MISSING = re.compile(r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object file")


def why_no_window(environment: Mapping[str, str] | None = None) -> str | None:
    """Return why no window can be opened here, with one remedy; None if it can be."""
    environment = os.environ if environment is None else environment
    if importlib.util.find_spec("PySide6") is None:
        return "PySide6 is not installed: pip install '.[gui]' in the checkout, or use --headless"
    if no_display(environment, sys.platform):
        return (
            "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set): "
            "run inside a desktop session, or use --headless"
        )
    try:
        probe = subprocess.run(
            [sys.executable, "-c", _PROBE],
            env={**environment, "QT_DEBUG_PLUGINS": "1"},  # names the library a plugin misses
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the display did not answer within {_TIMEOUT_S:.0f} s: use --headless"
    if probe.returncode == 0 and "opened" in probe.stdout:
        return None
    return explain(probe.stderr)


def no_display(environment: Mapping[str, str], platform: str) -> bool:
    """Say whether Qt would have nothing to draw on (only Linux and its kin need to be told)."""
    if platform in ("win32", "darwin"):
        return False
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return not any(environment.get(name) for name in names)


def explain(stderr: str) -> str:
    """Turn what Qt printed when it gave up into one reason and one remedy."""
    missing = list(dict.fromkeys(_MISSING.findall(stderr)))
    if missing:
        known = [DEBIAN_PACKAGES[name] for name in missing if name in DEBIAN_PACKAGES]
        verb = "is" if len(missing) == 1 else "are"
        packages = " ".join(dict.fromkeys(known)) or ALL_PACKAGES
        return f"{', '.join(missing)} {verb} missing: apt install {packages}"
    if "could not connect to display" in stderr or "Failed to create wl_display" in stderr:
        return "the display refuses the connection: check DISPLAY, or use --headless"
    if "Could not find the Qt platform plugin" in stderr:
        name = re.search(r'Could not find the Qt platform plugin "([^"]*)"', stderr)
        shown = name.group(1) if name else ""
        return f"Qt has no platform called {shown!r}: unset QT_QPA_PLATFORM, or use --headless"
    if "no Qt platform plugin could be initialized" in stderr:
        return f"Qt's display plugin does not load: apt install {ALL_PACKAGES}"
    last = [line.strip() for line in stderr.splitlines() if line.strip()]
    return f"Qt does not start ({last[-1] if last else 'no message'}): use --headless"
