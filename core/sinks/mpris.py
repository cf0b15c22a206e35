"""Media players of the desktop over D-Bus (MPRIS 2): Spotify, VLC, Firefox, mpv and others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from motionrgbd.core.actions.fields import Number, Text
from motionrgbd.core.actions.sink import (
    Options,
    Request,
    SinkDownError,
    SinkKind,
    SinkRejectedError,
    SinkUnsureError,
    require,
)

if TYPE_CHECKING:
    from jeepney.io.blocking import DBusConnection
    from jeepney.low_level import Message

_PREFIX = "org.mpris.MediaPlayer2."
_PATH, _INTERFACE = "/org/mpris/MediaPlayer2", "org.mpris.MediaPlayer2.Player"
_CALL_S = 1.0
_METHODS = {
    "play": "Play",
    "pause": "Pause",
    "play_pause": "PlayPause",
    "stop": "Stop",
    "next": "Next",
    "previous": "Previous",
}
# what a player must say that it can, before it is asked to
_ABILITIES = {
    "play": "CanPlay",
    "pause": "CanPause",
    "play_pause": "CanPause",
    "next": "CanGoNext",
    "previous": "CanGoPrevious",
    "seek": "CanSeek",
}


class MprisSink:
    """Commands one player, or the one that plays.

    Volume, seeking, playing and pausing can be undone, and so can `next`; `previous` and `stop`
    cannot: where a player goes back to is its own affair.
    """

    def __init__(self, options: Options) -> None:
        self._player, self._bus = options["player"], options["bus"]
        self._connection: DBusConnection | None = None

    def open(self) -> None:
        from jeepney.io.blocking import open_dbus_connection

        try:
            self._connection = open_dbus_connection(self._bus or _session_bus())
        except (OSError, RuntimeError, StopIteration) as error:
            raise SinkDownError(f"no D-Bus session: {error}") from error
        self.check()

    def check(self) -> None:
        if not self._players():
            raise SinkDownError(self._nobody())

    def send(self, request: Request) -> Request | None:
        name, now = self._chosen()
        what = request["do"]
        ability = _ABILITIES.get(what)
        if now.get("CanControl") is False or (ability and now.get(ability) is False):
            raise SinkRejectedError(f"{name} cannot do it now: {what}")
        if what == "volume":
            return self._set_volume(name, now, request)
        if what == "seek":
            self._command(name, _INTERFACE, "Seek", "x", (round(request["by"] * 1e6),))
            return {**request, "by": -request["by"]}
        self._command(name, _INTERFACE, _METHODS[what])
        return _undo(what, now)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _set_volume(self, name: str, now: Mapping[str, Any], request: Request) -> Request:
        old = now.get("Volume")
        if not isinstance(old, float):
            raise SinkRejectedError(f"{name} has no volume")
        new = request["to"] if request["to"] is not None else old + request["by"]
        value = ("d", min(1.0, max(0.0, new)))
        self._command(
            name, "org.freedesktop.DBus.Properties", "Set", "ssv", (_INTERFACE, "Volume", value)
        )
        return {"do": "volume", "to": old, "by": None}

    def _chosen(self) -> tuple[str, Mapping[str, Any]]:
        """Return the player that plays, or the first, and its properties. Changes nothing."""
        known = [(name, self._properties(name)) for name in self._players()]
        if not known:
            raise SinkRejectedError(self._nobody())
        return min(known, key=lambda one: one[1].get("PlaybackStatus") != "Playing")

    def _players(self) -> list[str]:
        bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
        (names,) = self._read(*bus, "ListNames").body
        wanted = _PREFIX + self._player if self._player else _PREFIX
        if self._player:  # a player may have several instances, named with a dot behind
            found = [n for n in names if n == wanted or n.startswith(f"{wanted}.")]
        else:
            found = [n for n in names if n.startswith(wanted)]
        return sorted(found)

    def _properties(self, name: str) -> dict[str, Any]:
        interface = "org.freedesktop.DBus.Properties"
        reply = self._read(name, _PATH, interface, "GetAll", "s", (_INTERFACE,))
        return {key: value for key, (_, value) in reply.body[0].items()}

    def _nobody(self) -> str:
        return f"the player {self._player} is not running" if self._player else "no player runs"

    def _read(self, *call: Any) -> Message:
        """Ask for something that changes nothing: a failure leaves nothing half done."""
        try:
            return self._call(*call)
        except OSError as error:
            raise SinkDownError(_trouble(error)) from error

    def _command(self, name: str, interface: str, *call: Any) -> None:
        try:
            self._call(name, _PATH, interface, *call)
        except OSError as error:
            raise SinkUnsureError(_trouble(error)) from error

    def _call(
        self,
        name: str,
        path: str,
        interface: str,
        method: str,
        signature: str | None = None,
        body: tuple[Any, ...] = (),
    ) -> Message:
        from jeepney import DBusAddress, MessageFlag, MessageType, new_method_call

        assert self._connection is not None
        address = DBusAddress(path, bus_name=name, interface=interface)
        message = new_method_call(address, method, signature, body)
        message.header.flags |= MessageFlag.no_auto_start  # a gesture starts no player
        reply = self._connection.send_and_get_reply(message, timeout=_CALL_S)
        if reply.header.message_type is MessageType.error:
            words = [str(word) for word in reply.body[:1]]
            raise SinkRejectedError(f"{name} rejected {method}: {''.join(words) or 'no reason'}")
        return reply


def _undo(what: str, before: Mapping[str, Any]) -> Request | None:
    back = None
    if what in ("play", "pause", "play_pause"):
        status = before.get("PlaybackStatus")
        back = {"Playing": "play", "Paused": "pause", "Stopped": "stop"}.get(str(status))
    elif what == "next":
        back = "previous"
    return None if back is None else {"do": back, "by": None, "to": None}


def _session_bus() -> str:
    given = os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    folder = os.environ.get("XDG_RUNTIME_DIR")
    if given or not folder:
        return given or "unix:path=/nonexistent"
    return f"unix:path={folder}/bus"


def _trouble(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "the player does not answer"
    return f"the connection to D-Bus is lost: {error.strerror or error}"


def _check_request(request: Request) -> None:
    what, by, to = request["do"], request["by"], request["to"]
    if what == "volume" and (by is None) == (to is None):
        raise ValueError("volume needs either by or to")
    if what == "volume" and by is not None and abs(by) > 1.0:
        raise ValueError(f"by of a volume must be from -1 to 1, got {by:g}")
    if what == "seek" and by is None:
        raise ValueError("by is missing: seconds to seek")
    if (what not in ("volume", "seek") and by is not None) or (what != "volume" and to is not None):
        raise ValueError(f"by and to say nothing to {what}")


KIND = SinkKind(
    name="mpris",
    help="media players of the desktop",
    options={
        "player": Text("its name, such as vlc or spotify (default: the one that plays)"),
        "bus": Text("address of a D-Bus (default: the session's)"),
    },
    arguments={
        "do": Text("what to do", required=True, choices=(*_METHODS, "volume", "seek")),
        "by": Number("change of volume, or seconds to seek", low=-3600.0, high=3600.0),
        "to": Number("volume, 1 is full", low=0.0, high=1.0),
    },
    make=MprisSink,
    check_request=_check_request,
    check_here=lambda _: require("jeepney", "jeepney", "mpris"),
)
