"""Keys of the keyboard, media keys too, pressed on an X11 display through its XTEST extension."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from motionrgbd.core.actions.fields import Text
from motionrgbd.core.actions.sink import (
    Options,
    Request,
    SinkDownError,
    SinkKind,
    SinkRejectedError,
    SinkUnsureError,
    require,
)
from motionrgbd.core.errors import UsageError

if TYPE_CHECKING:
    from xcffib import Connection

_PRESS, _RELEASE = 2, 3  # event codes of the X protocol
_SHORT = {
    "ctrl": "Control_L",
    "shift": "Shift_L",
    "alt": "Alt_L",
    "super": "Super_L",
    "enter": "Return",
    "esc": "Escape",
    "space": "space",
    "tab": "Tab",
    "left": "Left",
    "right": "Right",
    "up": "Up",
    "down": "Down",
    "pageup": "Prior",
    "pagedown": "Next",
    "play": "XF86AudioPlay",
    "stop": "XF86AudioStop",
    "next": "XF86AudioNext",
    "previous": "XF86AudioPrev",
    "mute": "XF86AudioMute",
    "volume_up": "XF86AudioRaiseVolume",
    "volume_down": "XF86AudioLowerVolume",
}


class KeysSink:
    """Presses and releases a key, or keys held together; goes to whatever has the focus."""

    def __init__(self, options: Options) -> None:
        self._display: str | None = options["display"]
        self._connection: Connection | None = None
        self._codes: dict[int, tuple[int, bool]] = {}  # keysym -> keycode, whether with Shift

    def open(self) -> None:
        import xcffib
        import xcffib.xproto
        import xcffib.xtest

        where = self._display or os.environ.get("DISPLAY", "")
        try:
            connection = xcffib.connect(self._display)
        except xcffib.XcffibException as error:
            raise SinkDownError(f"no X11 display answers at {where!r}") from error
        self._connection = connection
        try:
            self._test = connection(xcffib.xtest.key)
            self._test.GetVersion(2, 2).reply()
            self._codes = _key_codes(connection)
        except xcffib.XcffibException as error:
            raise SinkDownError(f"the X11 display {where} has no XTEST: {error!r}") from error

    def send(self, request: Request) -> None:
        import xcffib

        codes = [code for name in request["keys"].split("+") for code in self._pressed(name)]
        self.check()
        try:
            for code in codes:
                self._fake(_PRESS, code)
            for code in reversed(codes):
                self._fake(_RELEASE, code)
        except xcffib.XcffibException as error:
            raise SinkUnsureError(f"the X11 display went away: {error!r}") from error

    def check(self) -> None:
        import xcffib

        assert self._connection is not None
        try:
            self._connection.core.GetInputFocus().reply()
        except xcffib.XcffibException as error:
            raise SinkDownError("the X11 display went away") from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None

    def _pressed(self, name: str) -> list[int]:
        """Return the key codes that make a key, Shift included where its sign needs it."""
        keysym = _keysym(name)
        if keysym not in self._codes:
            raise SinkRejectedError(f"the keyboard of this display has no key {name!r}")
        code, shifted = self._codes[keysym]
        return [self._codes[_keysym("shift")][0], code] if shifted else [code]

    def _fake(self, event: int, code: int) -> None:
        assert self._connection is not None
        self._test.FakeInputChecked(event, code, 0, 0, 0, 0, 0).check()


def _key_codes(connection: Connection) -> dict[int, tuple[int, bool]]:
    """Return where the signs of the first keyboard group are: without Shift where that is so."""
    setup = connection.get_setup()
    first, count = setup.min_keycode, setup.max_keycode - setup.min_keycode + 1
    reply = connection.core.GetKeyboardMapping(first, count).reply()
    width, signs = reply.keysyms_per_keycode, list(reply.keysyms)
    codes: dict[int, tuple[int, bool]] = {}
    for column in range(min(2, width)):
        for n in range(count):
            codes.setdefault(signs[n * width + column], (first + n, column == 1))
    return codes


def _keysym(name: str) -> int:
    """Return X11's number of a key's name. Raises ValueError for none."""
    from xcffib import keysymdef, xf86keysym

    name = _SHORT.get(name.lower(), name)
    if name.startswith("XF86"):
        found = getattr(xf86keysym, f"XF86XK_{name.removeprefix('XF86')}", None)
    else:
        found = getattr(keysymdef, f"XK_{name}", None)
    if not isinstance(found, int):
        raise ValueError(f"names the key {name!r}, which X11 does not have")
    return found


def _keys(value: Any) -> None:
    try:
        import xcffib  # noqa: F401
    except ImportError:  # nothing to look names up in: arming will say what is missing
        return
    for name in value.split("+"):
        _keysym(name)


def _check_here(options: Options) -> None:
    require("xcffib", "xcffib", "keys")
    if os.environ.get("WAYLAND_DISPLAY") or os.environ.get("XDG_SESSION_TYPE") == "wayland":
        raise UsageError(
            "keys cannot be pressed in a Wayland session: it lets no program press keys for "
            "another one — use mpris, or log in to an X11 session"
        )
    if not (options["display"] or os.environ.get("DISPLAY")):
        raise UsageError(
            "keys need an X11 display: neither DISPLAY nor the sink's display is set — "
            "run inside a desktop session"
        )


KIND = SinkKind(
    name="keys",
    help="keys of the keyboard and media keys, on X11",
    options={"display": Text("X11 display, such as :1 (default: DISPLAY)")},
    arguments={
        "keys": Text(
            "a key, or keys held together: play, F5, ctrl+Right", required=True, check=_keys
        )
    },
    make=KeysSink,
    check_here=_check_here,
)
