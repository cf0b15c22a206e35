"""Every sink against a real peer that this test starts, ends and starts again."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from motionrgbd.core.actions import worker
from motionrgbd.core.actions.dispatcher import Dispatcher
from motionrgbd.core.actions.kinds import BUILT_IN
from motionrgbd.core.actions.log import ActionLog
from motionrgbd.core.actions.mapping import parse_mapping
from motionrgbd.core.errors import LibraryError, UsageError
from motionrgbd.core.results import GestureEvent

EVENT = GestureEvent("wave", 0.75, 0.5, 1.0, 1.0)


def until(true: Callable[[], Any]) -> Any:
    """Wait for peers; fails after fifteen seconds. Returns what came."""
    end_s = time.monotonic() + 15
    while not (came := true()):
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.01)
    return came


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Actions:
    """An armed dispatcher with one sink; `wave` makes each action of it happen, in turn."""

    def __init__(self, log: Path, sink: str, *actions: str) -> None:
        names = [f"g{n}" for n in range(len(actions))]
        often = "rate_per_s = 100\nburst = 100\n"
        text = f"deadline_s = 10\n[sinks.peer]\n{sink}\n{often}"
        for name, action in zip(names, actions, strict=True):
            text += f'[[action]]\ngesture = "{name}"\nsink = "peer"\n{action}\n{often}'
        text += f'[[action]]\ngesture = "undo"\nsink = "undo"\n{often}'
        self.log = log
        mapping = parse_mapping(text, [*names, "undo"])
        self.dispatcher = Dispatcher(mapping, ActionLog(log))
        self.dispatcher.arm()

    def do(self, label: str) -> None:
        """Have an action done, and wait for what becomes of it."""
        before = self._done()
        self.dispatcher.handle(GestureEvent(label, 0.75, 0.5, 1.0, 1.0))
        until(lambda: self._done() > before)

    def _done(self) -> int:
        return sum(self.dispatcher.status().outcomes.values())

    def outcomes(self) -> Mapping[Any, int]:
        return self.dispatcher.status().outcomes

    def wait(self, state: str) -> str:
        """Wait until the sink is `up` or `down`; return the reason."""
        until(lambda: self.dispatcher.status().sinks["peer"].state == state)
        return self.dispatcher.status().sinks["peer"].reason

    def details(self) -> list[str]:
        self.dispatcher.close()
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line.get("detail", "") for line in lines if "outcome" in line]


Make = Callable[..., Actions]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setattr(worker, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(worker, "LONGEST_PAUSE_S", 0.2)
    monkeypatch.setattr(worker, "_CHECK_S", 0.1)
    made: list[Actions] = []

    def make_one(*sink_and_actions: str) -> Actions:
        made.append(Actions(tmp_path / f"{len(made)}.jsonl", *sink_and_actions))
        return made[-1]

    yield make_one
    for actions in made:
        assert actions.dispatcher.close() == ()


def need(program: str, package: str) -> str:
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed (Debian: {package})")
    return found


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start programs; those that still run are ended with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def start_one(*command: str, **options: Any) -> subprocess.Popen[bytes]:
        options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **options}
        running.append(subprocess.Popen(command, **options))
        return running[-1]

    yield start_one
    for process in running:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


class Broker:
    """A mosquitto, and a client of it that hears everything."""

    def __init__(self, start: Start, folder: Path, more: str = "allow_anonymous true\n") -> None:
        self.port = free_port()
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\npersistence false\n{more}")
        self._start = lambda: start(need("mosquitto", "mosquitto"), "-c", str(config))
        self.heard: list[tuple[str, str, int, bool]] = []
        self.open()

    def open(self) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.process = self._start()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _u, m: self.heard.append(
            (m.topic, m.payload.decode(), m.qos, m.retain)
        )
        listening = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe("#", 2)
        self._client.on_subscribe = lambda *_: listening.set()
        until(self._connects)
        self._client.loop_start()
        assert listening.wait(15)

    def _connects(self) -> bool:
        try:
            self._client.connect("127.0.0.1", self.port)
        except OSError:
            return False
        return True

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def broker(start: Start, tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(start, tmp_path)
    yield broker
    broker.close()


def test_mqtt_tells_a_broker_and_goes_on_when_it_was_away(make: Make, broker: Broker) -> None:
    actions = make(
        f'kind = "mqtt"\nport = {broker.port}',
        'topic = "room/{label}"\npayload = "{score}"\nqos = 2\nretain = true',
        'topic = "room/light"\npayload = "on"\nundo = { topic = "room/light", payload = "off" }',
        'topic = "events"',
    )
    for label in ("g0", "g1", "undo", "g2"):
        actions.do(label)
    assert actions.outcomes() == {"sent": 4}
    until(lambda: len(broker.heard) == 4)
    assert ("room/g0", "0.75", 2, False) in broker.heard
    once = [one for one in broker.heard if one[2] == 1]  # quality 2 takes more steps
    assert once[:2] == [("room/light", "on", 1, False), ("room/light", "off", 1, False)]
    assert json.loads(once[2][1])["label"] == "g2"
    broker.close()
    assert actions.wait("down")
    broker.heard.clear()
    broker.open()
    actions.wait("up")
    actions.do("g1")
    until(lambda: broker.heard)
    time.sleep(0.2)  # for anything that would come late
    assert [(topic, text) for topic, text, *_ in broker.heard] == [("room/light", "on")]


@pytest.mark.parametrize("qos", [0, 1])
def test_mqtt_repeats_nothing_for_a_broker_that_stopped_answering(
    make: Make, broker: Broker, qos: int
) -> None:
    actions = make(
        f'kind = "mqtt"\nport = {broker.port}\ntimeout_s = 0.2',
        f'topic = "light"\npayload = "on"\nqos = {qos}',
    )
    actions.wait("up")
    broker.process.send_signal(signal.SIGSTOP)  # it is there, and takes what it can
    actions.do("g0")
    assert actions.outcomes() == ({"sent": 1} if qos == 0 else {"unsure": 1})
    broker.process.send_signal(signal.SIGCONT)
    until(lambda: broker.heard)
    actions.wait("up")
    time.sleep(0.2)
    assert len(broker.heard) == 1


def test_mqtt_shows_what_a_broker_refuses(
    make: Make, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords, rights = tmp_path / "passwords", tmp_path / "rights"
    passwords.touch(mode=0o600)
    tool = need("mosquitto_passwd", "mosquitto")
    subprocess.run([tool, "-b", str(passwords), "me", "secret"], check=True, capture_output=True)
    rights.write_text("topic read #\nuser me\ntopic write mine\n")
    rights.chmod(0o600)
    more = f"allow_anonymous true\npassword_file {passwords}\nacl_file {rights}\n"
    if os.geteuid() == 0:
        more += "user root\n"  # it would not read the test's files as its own user
    broker = Broker(start, tmp_path, more)
    monkeypatch.setenv("PASSWORD", "secret")
    monkeypatch.setenv("WRONG", "guess")
    sink = f'kind = "mqtt"\nport = {broker.port}\nusername = "me"\npassword_env = '
    actions = make(f'{sink}"PASSWORD"', 'topic = "mine"', 'topic = "yours"')
    actions.do("g0")
    actions.do("g1")
    assert actions.outcomes() == {"sent": 1, "rejected": 1}
    assert "Not authorized" in actions.details()[1]
    actions = make(f'{sink}"WRONG"', 'topic = "mine"')
    assert "refused the connection: Not authorized" in actions.wait("down")
    broker.close()


def test_mqtt_needs_its_password_before_anything_is_armed(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = BUILT_IN["mqtt"]
    monkeypatch.delenv("ABSENT", raising=False)
    with pytest.raises(UsageError, match="variable ABSENT, which is not set"):
        kind.check_here({"password_env": "ABSENT"})


def hearing_osc() -> tuple[Any, list[tuple[Any, ...]]]:
    from pythonosc.dispatcher import Dispatcher as Addresses
    from pythonosc.osc_server import ThreadingOSCUDPServer

    heard: list[tuple[Any, ...]] = []
    addresses = Addresses()
    addresses.set_default_handler(lambda address, *values: heard.append((address, *values)))
    return lambda port: ThreadingOSCUDPServer(("127.0.0.1", port), addresses), heard


def test_osc_tells_a_server_and_notices_when_nobody_listens(make: Make) -> None:
    serve, heard = hearing_osc()
    port = free_port(socket.SOCK_DGRAM)
    actions = make(
        f'kind = "osc"\nport = {port}',
        'address = "/light"\nvalues = [1, 0.5, "red", true, "{score}", "is {label}"]',
        'address = "/plain"',
    )
    for turn in (1, 2):
        with serve(port) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            actions.wait("up")
            actions.do("g0")
            actions.do("g1")
            until(lambda turn=turn: len(heard) == 2 * turn)
            server.shutdown()
            thread.join()
        actions.dispatcher.handle(GestureEvent("g1", 0.75, 0.5, 1.0, 1.0))  # waits for a server
        assert actions.wait("down") == f"nobody listens on 127.0.0.1, UDP port {port}"
        actions.dispatcher.disarm()
        actions.dispatcher.arm()
    assert heard[0] == ("/light", 1, 0.5, "red", True, 0.75, "is g0")
    assert [message[0] for message in heard] == ["/light", "/plain"] * 2
    until(lambda: actions.outcomes() == {"sent": 4, "not-allowed": 2})


def test_websocket_tells_all_clients_and_only_those_that_may_listen(make: Make) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    port = free_port()
    page = "http://localhost:8000"
    actions = make(
        f'kind = "websocket"\nport = {port}\norigins = ["{page}"]', 'message = "{label}"', ""
    )
    actions.wait("up")
    actions.do("g0")
    assert actions.outcomes() == {"rejected": 1}  # nobody there
    where = f"ws://127.0.0.1:{port}"
    with pytest.raises(InvalidStatus, match="403"):
        connect(where, origin="http://evil.example").close()
    with connect(where) as one, connect(where, origin=page) as other:
        one.send("clients may talk, nobody listens")
        actions.do("g0")
        actions.do("g1")
        for client in (one, other):
            assert client.recv(10) == "g0"
            assert json.loads(client.recv(10))["score"] == 0.75
    with connect(where) as again:  # a client that went and came back
        actions.do("g0")
        assert again.recv(10) == "g0"
    assert actions.details()[0] == f"nobody is connected to {where}"


def read_all(connection: socket.socket) -> int:
    """Return how many bytes come before the end of the connection."""
    size = 0
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(1 << 20):
            size += len(data)
    return size


def test_websocket_lets_a_client_go_that_takes_nothing(make: Make) -> None:
    from websockets.sync.client import connect

    port = free_port()
    actions = make(
        f'kind = "websocket"\nport = {port}',
        f'message = "{"x" * 500_000}"',
    )
    actions.wait("up")
    where = f"ws://127.0.0.1:{port}"
    # websockets reads ahead of its user: a client that takes nothing is one of plain TCP
    with socket.create_connection(("127.0.0.1", port), 10) as stalled, connect(where) as good:
        stalled.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert stalled.recv(12) == b"HTTP/1.1 101"
        heard = 0
        for _ in range(40):
            actions.do("g0")
            heard += len(good.recv(10)) == 500_000
        assert heard == 40
        assert read_all(stalled) < 20_000_000  # let go, with some of it unsent


def test_websocket_waits_for_its_port(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        actions = make(f'kind = "websocket"\nport = {port}', "")
        assert f"cannot listen on 127.0.0.1:{port}" in actions.wait("down")
    actions.wait("up")


PLAYER = """
import sys
from jeepney import DBusAddress, HeaderFields, MessageType, new_error, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import Proxy, open_dbus_connection

name, bus = sys.argv[1:]
now = {"PlaybackStatus": ("s", "Playing"), "Volume": ("d", 0.5), "CanControl": ("b", True),
       "CanGoNext": ("b", True), "CanGoPrevious": ("b", True), "CanPlay": ("b", True),
       "CanPause": ("b", True), "CanSeek": ("b", False)}
connection = open_dbus_connection(bus)
Proxy(message_bus, connection).RequestName("org.mpris.MediaPlayer2." + name)
print("ready", flush=True)
while True:
    message = connection.receive()
    if message.header.message_type is not MessageType.method_call:
        continue
    method = message.header.fields[HeaderFields.member]
    signature, body = None, ()
    if method == "GetAll":
        signature, body = "a{sv}", (now,)
    elif method == "Set":
        now["Volume"] = message.body[2]
        print("Volume", message.body[2][1], flush=True)
    elif method == "Stop":
        connection.send(new_error(message, "org.test.No", "s", ("it never stops",)))
        continue
    else:
        print(method, flush=True)
        status = {"Pause": "Paused", "Play": "Playing"}.get(method)
        if status:
            now["PlaybackStatus"] = ("s", status)
    connection.send(new_method_return(message, signature, body))
"""


@pytest.fixture
def bus(start: Start, tmp_path: Path) -> str:
    """The address of a D-Bus of this test's own."""
    daemon = need("dbus-daemon", "dbus")
    address = f"unix:path={tmp_path / 'bus'}"
    command = [daemon, "--session", "--nofork", "--print-address", f"--address={address}"]
    process = start(*command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline()
    return address


Play = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def play(start: Start, bus: str) -> Play:
    """Start a player that prints what it is told."""

    def play_one(name: str) -> subprocess.Popen[bytes]:
        process = start(sys.executable, "-c", PLAYER, name, bus, stdout=subprocess.PIPE)
        assert said(process) == "ready"
        return process

    return play_one


def said(process: subprocess.Popen[bytes]) -> str:
    """Return the next line that a player prints."""
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], 15)[0], "it says nothing"
    return process.stdout.readline().decode().strip()


def test_mpris_commands_a_player_and_takes_it_back(make: Make, bus: str, play: Play) -> None:
    sink = f'kind = "mpris"\nbus = "{bus}"\nplayer = "tape"'
    actions = make(
        sink,
        'do = "volume"\nby = 0.25',
        'do = "pause"',
        'do = "next"',
        'do = "seek"\nby = 10',
        'do = "stop"',
        'do = "volume"\nto = 1.0',
    )
    assert actions.wait("down") == "the player tape is not running"
    tape = play("tape")
    actions.wait("up")
    for label, *told in (
        ("g0", "Volume 0.75"),
        ("undo", "Volume 0.5"),
        ("g1", "Pause"),
        ("undo", "Play"),
        ("g2", "Next"),
        ("undo", "Previous"),
        ("g5", "Volume 1.0"),
    ):
        actions.do(label)
        assert [said(tape)] == told
    actions.do("g3")
    actions.do("g4")
    assert actions.outcomes() == {"sent": 7, "rejected": 2}
    tape.kill()
    actions.wait("down")
    tape = play("tape")
    actions.wait("up")
    actions.do("g2")
    assert said(tape) == "Next"
    details = actions.details()
    assert details[7] == "org.mpris.MediaPlayer2.tape cannot do it now: seek"
    assert details[8] == "org.mpris.MediaPlayer2.tape rejected Stop: it never stops"


def test_mpris_takes_the_player_that_plays(make: Make, bus: str, play: Play) -> None:
    alpha, beta = play("alpha"), play("beta")
    one = make(f'kind = "mpris"\nbus = "{bus}"', 'do = "pause"')
    one.do("g0")
    assert said(alpha) == "Pause"
    one.do("g0")
    assert said(beta) == "Pause"


def test_mpris_does_not_wait_for_a_player_that_hangs(
    make: Make, bus: str, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motionrgbd.core.sinks.mpris._CALL_S", 0.2)
    tape = play("tape")
    actions = make(f'kind = "mpris"\nbus = "{bus}"\nplayer = "tape"', 'do = "next"')
    actions.wait("up")
    tape.send_signal(signal.SIGSTOP)
    actions.dispatcher.handle(GestureEvent("g0", 0.75, 0.5, 1.0, 1.0))
    assert actions.wait("down") == "the player does not answer"
    tape.send_signal(signal.SIGCONT)  # it was only asked how it is: the action was not begun
    until(lambda: actions.outcomes() == {"sent": 1})
    assert said(tape) == "Next"


def test_mpris_finds_no_bus(make: Make, tmp_path: Path) -> None:
    actions = make(f'kind = "mpris"\nbus = "unix:path={tmp_path / "none"}"', 'do = "next"')
    assert "no D-Bus session" in actions.wait("down")


@pytest.fixture
def display(start: Start, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Start an X server, again and again on the same display."""
    program = need("Xvfb", "xvfb")
    number: list[str] = []
    servers: list[subprocess.Popen[bytes]] = []

    def start_one() -> str:
        for server in servers:
            server.kill()
            server.wait()
        reading, writing = os.pipe()
        name = [f":{number[0]}"] if number else []
        size = ["-screen", "0", "64x48x8", "-nolisten", "tcp"]
        told = ["-displayfd", str(writing)]
        servers.append(start(program, *name, *size, *told, pass_fds=[writing]))
        os.close(writing)
        with os.fdopen(reading) as pipe:
            number[:] = [pipe.readline().strip()]
        assert number[0]
        return f":{number[0]}"

    yield start_one
    for server in servers:
        server.terminate()  # it takes its socket and lock file away
        server.wait()


class Keyboard:
    """A window of the display that hears every key."""

    def __init__(self, display: str) -> None:
        import xcffib
        import xcffib.xproto

        self._events = xcffib.xproto
        self.connection = connection = xcffib.connect(display)
        setup = connection.get_setup()
        screen, window = setup.roots[0], connection.generate_id()
        keys = xcffib.xproto.EventMask.KeyPress | xcffib.xproto.EventMask.KeyRelease
        connection.core.CreateWindowChecked(
            screen.root_depth,
            window,
            screen.root,
            0,
            0,
            9,
            9,
            0,
            1,
            screen.root_visual,
            2048,
            [keys],
        ).check()
        connection.core.MapWindowChecked(window).check()
        connection.core.SetInputFocusChecked(0, window, 0).check()
        reply = connection.core.GetKeyboardMapping(
            setup.min_keycode, setup.max_keycode - setup.min_keycode + 1
        ).reply()
        width, signs = reply.keysyms_per_keycode, list(reply.keysyms)
        self._signs = {setup.min_keycode + n: signs[n * width] for n in range(len(signs) // width)}

    def heard(self, count: int) -> list[tuple[str, int]]:
        """Wait for events; return whether down or up, and the key's plain sign."""
        heard: list[tuple[str, int]] = []

        def enough() -> bool:
            while (event := self.connection.poll_for_event()) is not None:
                if isinstance(event, self._events.KeyPressEvent):
                    heard.append(("down", self._signs[event.detail]))
                elif isinstance(event, self._events.KeyReleaseEvent):
                    heard.append(("up", self._signs[event.detail]))
            return len(heard) >= count

        until(enough)
        return heard


def test_keys_are_pressed_and_released_on_a_display_that_may_go_and_return(
    make: Make, display: Callable[[], str]
) -> None:
    name = display()
    actions = make(
        f'kind = "keys"\ndisplay = "{name}"',
        'keys = "ctrl+shift+Right"',
        'keys = "volume_up"',
        'keys = "question"',
        'keys = "Hangul"',
    )
    actions.wait("up")
    keyboard = Keyboard(name)
    for label in ("g0", "g1", "g2"):
        actions.do(label)
    ctrl, shift, right, louder, slash = 0xFFE3, 0xFFE1, 0xFF53, 0x1008FF13, 0x2F
    assert keyboard.heard(12) == [
        *(("down", key) for key in (ctrl, shift, right)),
        *(("up", key) for key in (right, shift, ctrl)),
        ("down", louder),
        ("up", louder),
        *(("down", key) for key in (shift, slash)),
        *(("up", key) for key in (slash, shift)),
    ]
    keyboard.connection.disconnect()
    display()  # the old one is gone, and with it the connection
    until(lambda: "peer down" in actions.log.read_text())
    actions.wait("up")
    keyboard = Keyboard(name)
    actions.do("g1")
    assert keyboard.heard(2) == [("down", louder), ("up", louder)]
    keyboard.connection.disconnect()
    actions.do("undo")
    assert actions.outcomes() == {"sent": 4, "nothing-to-undo": 1}


def test_keys_are_refused_on_wayland_and_without_a_display(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_here = BUILT_IN["keys"].check_here
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="keys need an X11 display"):
        check_here({"display": None})
    monkeypatch.setenv("DISPLAY", ":5")
    check_here({"display": None})
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    with pytest.raises(UsageError, match="keys cannot be pressed in a Wayland session"):
        check_here({"display": ":5"})


def test_a_command_runs_without_a_shell_and_is_not_waited_for_for_ever(
    make: Make, tmp_path: Path
) -> None:
    code = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
    told = tmp_path / "told"
    python = sys.executable

    def command(*words: str) -> str:
        return f"command = {json.dumps(words)}"

    slow = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    late = tmp_path / "late"
    grandchild = f"import time, pathlib; time.sleep(1.5); pathlib.Path({str(late)!r}).touch()"
    actions = make(
        'kind = "command"\ntimeout_s = 0.7',
        command(python, "-c", code, str(told), "$HOME; {label} `id` {score}"),
        command(python, "-c", "import sys; sys.exit('no such lamp')"),
        command("no-such-program-here"),
        command(python, "-c", slow, grandchild),
    )
    actions.do("g1")
    actions.do("g2")
    actions.do("g3")
    ended_s = time.monotonic()
    assert actions.outcomes() == {"rejected": 2, "unsure": 1}
    until(lambda: told.exists() or not actions.do("g0"))
    assert told.read_text() == "$HOME; g0 `id` 0.75"
    failed, absent, slow_one, *_ = actions.details()
    assert failed.endswith("ended with code 1: no such lamp")
    assert absent.startswith("no-such-program-here does not start: ")
    assert slow_one.endswith("took longer than 0.7 s and was ended")
    time.sleep(max(0.0, ended_s + 1.0 - time.monotonic()))
    assert not late.exists()  # what it had started was ended too


@pytest.mark.parametrize(
    ("kind", "module"),
    [
        ("keys", "xcffib"),
        ("mpris", "jeepney"),
        ("mqtt", "paho"),
        ("osc", "pythonosc"),
        ("websocket", "websockets"),
    ],
)
def test_a_missing_library_is_named_and_only_when_it_is_to_be_used(kind: str, module: str) -> None:
    arguments = {
        "keys": "keys = 'a'",
        "mpris": "do = 'next'",
        "mqtt": "topic = 'a'",
        "osc": "address = '/a'",
        "websocket": "",
    }
    text = f"[sinks.x]\nkind = '{kind}'\n" + ("port = 1\n" if kind == "osc" else "")
    text += f"[[action]]\ngesture = 'a'\nsink = 'x'\n{arguments[kind]}"
    code = f"""
import sys
from motionrgbd.core.actions.mapping import parse_mapping
from motionrgbd.core.errors import LibraryError
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {module!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
spec = parse_mapping({text!r}, ["a"]).sinks["x"]
spec.kind.make(spec.options)
try:
    spec.kind.check_here(spec.options)
except LibraryError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith(f"actions of kind {kind!r} need ")
    assert "pip install 'motionrgbd-live[actions]'" in done.stdout
    assert LibraryError.exit_code == 8
