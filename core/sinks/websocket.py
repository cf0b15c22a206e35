"""A WebSocket server that tells its clients: web pages, game engines, own programs."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import threading
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar, cast

from motionrgbd.core.actions.fields import Number, Text, Texts, YesNo
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
    from websockets.asyncio.server import Server, ServerConnection
    from websockets.typing import Origin

T = TypeVar("T")
_CALL_S = 1.0  # for anything that the server's thread is asked for
_STALLED_BYTES = 64 * 1024  # unsent: a client that takes nothing is let go
_HEARD_BYTES = 1024  # of a message from a client; nothing is done with it
# a stranger's broken handshake is no traceback in our user's terminal
_SILENT = logging.Logger("websocket", logging.CRITICAL + 1)


class WebSocketSink:
    """Sends every action's message to all clients. The event loop runs in a thread of its own.

    A client that does not read is let go, and the others do not wait for it.
    """

    def __init__(self, options: Options) -> None:
        self._host, self._port = options["host"], options["port"]
        # Browsers name the page that connects: any page of the web may try, on loopback too.
        self._origins = [None, *options["origins"]]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: Server | None = None

    def open(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="actions-websocket")
        self._thread.start()
        try:
            self._server = self._ask(self._serve())
        except OSError as error:
            raise SinkDownError(f"cannot listen on {self._host}:{self._port}: {error}") from error

    def send(self, request: Request) -> None:
        try:
            told = self._ask(self._broadcast(request["message"]))
        except TimeoutError as error:
            raise SinkUnsureError("the server did not finish in time") from error
        if not told:
            raise SinkRejectedError(f"nobody is connected to ws://{self._host}:{self._port}")

    def check(self) -> None:
        if self._server is None or not self._server.is_serving():
            raise SinkDownError("the server has stopped")

    def close(self) -> None:
        loop, self._loop = self._loop, None
        if loop is None:
            return
        asyncio.run_coroutine_threadsafe(self._end(), loop)
        self._thread.join()
        loop.close()

    def _ask(self, what: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(_CALL_S)

    # the event loop's thread

    async def _serve(self) -> Server:
        from websockets.asyncio.server import serve

        return await serve(
            self._listen,
            self._host,
            self._port,
            origins=cast("list[Origin | None]", self._origins),
            max_size=_HEARD_BYTES,
            compression=None,
            close_timeout=0.2,
            logger=_SILENT,
        )

    async def _listen(self, client: ServerConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        with contextlib.suppress(ConnectionClosed):
            async for _ in client:  # kept open; what it says is not used
                pass

    async def _broadcast(self, message: str) -> int:
        from websockets.asyncio.server import broadcast

        assert self._server is not None
        clients = []
        for client in self._server.connections:
            if client.transport.get_write_buffer_size() > _STALLED_BYTES:
                client.transport.abort()
            else:
                clients.append(client)
        broadcast(clients, message)
        return len(clients)

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
        asyncio.get_running_loop().stop()


def _check_options(options: Options) -> None:
    if not options["exposed"] and not _is_loopback(options["host"]):
        raise ValueError(
            f"{options['host']!r} lets other machines listen, without a password: "
            "write exposed = true if that is meant"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


KIND = SinkKind(
    name="websocket",
    help="a WebSocket server that tells its clients",
    options={
        "host": Text("address to listen on", default="127.0.0.1"),
        "port": Number("TCP port to listen on", default=8765, low=1, high=65535, whole=True),
        "exposed": YesNo("another address than loopback is meant", default=False),
        "origins": Texts("web pages that may connect, such as http://localhost:8000", default=()),
    },
    arguments={"message": Text("text to send", default="{event}")},
    make=WebSocketSink,
    check_options=_check_options,
    check_here=lambda _: require("websockets", "websockets", "websocket"),
)
