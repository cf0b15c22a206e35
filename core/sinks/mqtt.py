"""Messages to an MQTT broker: home and building automation, robots.

The library would keep messages through a lost connection and deliver them late, so a connection
that is lost is thrown away with what it holds, and a new one is made.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from motionrgbd.core.actions.fields import Number, Text, YesNo
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
    from paho.mqtt.client import Client

_KEEPALIVE_S = 10  # a broker that vanished without a word is noticed after 1.5 times this


class MqttSink:
    """Publishes one message per action.

    With quality of service 1 and 2 `sent` means that the broker has it, with 0 that it left.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._timeout_s: float = options["timeout_s"]
        self._client: Client | None = None
        self._answered = threading.Event()  # by the broker, whatever it said
        self._refused = self._lost = ""
        self._rejected: dict[int, str] = {}

    def open(self) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

        options, where = self._options, f"{self._options['host']}:{self._options['port']}"
        v5 = options["version"] == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        if options["username"] is not None:
            client.username_pw_set(options["username"], _password(options))
        if options["tls"]:
            client.tls_set()
        client.connect_timeout = self._timeout_s
        self._answered.clear()
        self._refused, self._lost, self._rejected = "", "", {}
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        self._client = client
        try:
            client.connect(options["host"], options["port"], keepalive=_KEEPALIVE_S)
        except (OSError, ValueError) as error:
            raise SinkDownError(f"no broker at {where}: {error}") from error
        client.loop_start()
        if not self._answered.wait(self._timeout_s):
            raise SinkDownError(f"the broker at {where} does not answer")
        if self._refused:
            raise SinkDownError(f"the broker at {where} refused the connection: {self._refused}")

    def send(self, request: Request) -> None:
        assert self._client is not None
        self.check()
        info = self._client.publish(
            request["topic"], request["payload"], qos=request["qos"], retain=request["retain"]
        )
        try:
            info.wait_for_publish(self._timeout_s)
            published = info.is_published()
        except (RuntimeError, ValueError) as error:
            raise SinkUnsureError(str(error)) from error
        if not published:
            raise SinkUnsureError(self._lost or "the broker did not confirm in time")
        if info.mid in self._rejected:
            raise SinkRejectedError(f"the broker rejected it: {self._rejected[info.mid]}")

    def check(self) -> None:
        if self._lost:
            raise SinkDownError(f"the connection to the broker is lost: {self._lost}")

    def close(self) -> None:
        if self._client is None:
            return
        self._client.disconnect()
        self._client.loop_stop()
        self._client = None

    # the library's thread

    def _on_connect(self, _c: Any, _u: Any, _flags: Any, reason: Any, _p: Any) -> None:
        self._refused = str(reason) if reason.is_failure else ""
        self._answered.set()

    def _on_disconnect(self, _c: Any, _u: Any, _flags: Any, reason: Any, _p: Any) -> None:
        self._lost = str(reason)
        self._refused = self._refused or self._lost
        self._answered.set()

    def _on_publish(self, _c: Any, _u: Any, mid: int, reason: Any, _p: Any) -> None:
        if reason.is_failure:
            self._rejected[mid] = str(reason)


def _password(options: Options) -> str | None:
    name = options["password_env"]
    return None if name is None else os.environ.get(name)


def _check_here(options: Options) -> None:
    require("paho", "paho-mqtt", "mqtt")
    name = options["password_env"]
    if name is not None and name not in os.environ:
        raise UsageError(f"the MQTT password is to be in the variable {name}, which is not set")


def _check_options(options: Options) -> None:
    if options["password_env"] is not None and options["username"] is None:
        raise ValueError("password_env needs a username")


def _topic(value: str) -> None:
    if any(c in value for c in "+#\0"):
        raise ValueError("must be a topic without + and #")


KIND = SinkKind(
    name="mqtt",
    help="messages to an MQTT broker",
    options={
        "host": Text("name or address of the broker", default="127.0.0.1"),
        "port": Number("its TCP port", default=1883, low=1, high=65535, whole=True),
        "username": Text("who we are to the broker"),
        "password_env": Text("name of the environment variable that holds the password"),
        "tls": YesNo("encrypt, and check the broker's certificate", default=False),
        "version": Text("of the protocol", default="5", choices=("5", "3.1.1")),
        "timeout_s": Number("for the broker's answers", default=1.0, low=0.1, high=10.0),
    },
    arguments={
        "topic": Text("topic of the message", required=True, check=_topic),
        "payload": Text("text of the message", default="{event}"),
        "qos": Number("quality of service", default=1, low=0, high=2, whole=True),
        "retain": YesNo("have the broker keep it for later subscribers", default=False),
    },
    make=MqttSink,
    check_options=_check_options,
    check_here=_check_here,
)
