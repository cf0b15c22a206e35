"""Open Sound Control messages over UDP: lights, sound, shows."""

from __future__ import annotations

import socket
from typing import Any

from motionrgbd.core.actions.fields import Number, Text, Values
from motionrgbd.core.actions.sink import Options, Request, SinkDownError, SinkKind, require


class OscSink:
    """Sends one message per action. UDP has no answers: `sent` means that it left this machine.

    A peer of this machine that does not listen is noticed, one of another machine is not.
    """

    def __init__(self, options: Options) -> None:
        self._host, self._port = options["host"], options["port"]
        self._socket: socket.socket | None = None

    def open(self) -> None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
            family, kind, protocol, _, address = found[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.setblocking(False)
            self._socket.connect(address)
        except OSError as error:
            raise SinkDownError(f"{self._host}: {error.strerror or error}") from error

    def send(self, request: Request) -> None:
        from pythonosc.osc_message_builder import OscMessageBuilder

        message = OscMessageBuilder(request["address"])
        for value in request["values"]:
            message.add_arg(value)
        data = message.build().dgram
        assert self._socket is not None
        try:
            self._socket.send(data)
        except OSError as error:
            raise SinkDownError(self._trouble(error)) from error
        self.check()

    def check(self) -> None:
        """See whether this machine has refused what was sent."""
        assert self._socket is not None
        try:
            self._socket.recv(1)
        except BlockingIOError:  # nothing came: as it should be
            return
        except OSError as error:
            raise SinkDownError(self._trouble(error)) from error

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def _trouble(self, error: OSError) -> str:
        if isinstance(error, ConnectionRefusedError):
            return f"nobody listens on {self._host}, UDP port {self._port}"
        return f"{self._host}, UDP port {self._port}: {error.strerror or error}"


def _address(value: Any) -> None:
    if not value.startswith("/") or any(c in value for c in " #*,?[]{}"):
        raise ValueError("must be an OSC address such as /light/1/level")


KIND = SinkKind(
    name="osc",
    help="Open Sound Control over UDP",
    options={
        "host": Text("name or address of the peer", default="127.0.0.1"),
        "port": Number("its UDP port", required=True, low=1, high=65535, whole=True),
    },
    arguments={
        "address": Text("OSC address, such as /light/1", required=True, check=_address),
        "values": Values("arguments of the message", default=()),
    },
    make=OscSink,
    check_here=lambda _: require("pythonosc", "python-osc", "osc"),
)
