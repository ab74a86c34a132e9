"""Streams over the WebSocket: the session's own face, received by sockets of the test."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from mien.channels import index_of
from mien.errors import InputError
from mien.server import streaming
from mien.server.messages import Stream
from mien.server.settings import Settings
from mien.server.streaming import MOST_STREAMS, Streaming
from mien.streams import ifacialmocap, livelink, vmc
from mien.streams.address import Address
from mien.streams.sender import Sender

WS = "ws://127.0.0.1:8765/ws"
TOKEN = "a-token-of-some-length"  # noqa: S105
JAW = index_of("jawOpen")
SMILE_LEFT, SMILE_RIGHT = index_of("mouthSmileLeft"), index_of("mouthSmileRight")


class Program:
    """A program that listens; one that has gone after :meth:`close`."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(20)
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def next(self) -> bytes:
        return self.socket.recv(65_536)

    def drain(self) -> None:
        """Throw away what has come in."""
        self.socket.setblocking(False)
        try:
            while True:
                self.next()
        except BlockingIOError:
            self.socket.settimeout(20)

    def is_quiet(self, seconds: float = 0.2) -> bool:
        """Whether nothing comes for some twelve periods of a sender."""
        self.drain()
        self.socket.settimeout(seconds)
        try:
            self.next()
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(20)
        return False

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def program() -> Iterator[Callable[[], Program]]:
    opened: list[Program] = []

    def make() -> Program:
        opened.append(Program())
        return opened[-1]

    yield make
    for each in opened:
        each.close()


class Page:
    """A session that sends frames and streams."""

    def __init__(self, socket: Any, frame: Callable[[float], bytes]) -> None:
        self.socket = socket
        self.time = 0.0
        self._frame = frame
        self.ready = socket.receive_json()

    def show(self, count: int = 1) -> None:
        for _ in range(count):
            self.time += 1 / 30
            self.socket.send_bytes(self._frame(self.time))
            self.socket.receive_bytes()

    def ask(self, action: str, **more: object) -> dict[str, Any]:
        self.socket.send_json({"type": "stream", "action": action} | more)
        told: dict[str, Any] = self.socket.receive_json()
        return told


@pytest.fixture
def open_page(make_client, message, encode):
    @contextmanager
    def open_(**settings: object) -> Iterator[Page]:
        client = make_client(**settings)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with client.websocket_connect(WS, headers=headers) as socket:
            yield Page(socket, lambda time: message(encode(), time=time))

    return open_


@pytest.fixture
def page(open_page) -> Iterator[Page]:
    with open_page() as page:
        yield page


def senders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "mien-send"]


def faces(program: Program) -> Iterator[livelink.Packet]:
    """What comes in, without the packets of nobody."""
    while True:
        packet = livelink.decode(program.next())
        if packet.values is not None:
            yield packet


def test_a_frame_comes_out_as_packets(page, program):
    unreal = program()
    told = page.ask("on", kind="livelink", address=unreal.address, subject="Ada")
    assert told == {
        "type": "streaming", "subject": "Ada", "mirrored": False, "face": None, "latency": None,
        "streams": [
            {"kind": "livelink", "address": unreal.address, "packets": 0, "errors": 0,
             "rate": 0.0, "trouble": None}
        ],
    }  # fmt: skip
    page.show()
    packet = next(faces(unreal))
    assert packet.subject == "Ada"
    assert packet.values[[JAW, SMILE_LEFT, SMILE_RIGHT]].tolist() == [0.5, 0.25, 0]
    # Nobody before the camera.
    page.ask("look", subject="Eve")
    assert next(p for p in faces(unreal) if p.subject == "Eve")


def test_two_programs_at_once_and_one_switched_off(page, program):
    avatar, phone = program(), program()
    page.ask("on", kind="vmc", address=avatar.address)
    told = page.ask("on", kind="ifacialmocap", address=phone.address)
    assert [line["kind"] for line in told["streams"]] == ["vmc", "ifacialmocap"]
    assert len(senders()) == 1
    page.show()
    assembler = vmc.Assembler()
    while not (poses := assembler.feed(avatar.next(), 0.0)):
        pass
    assert poses[0].weights[JAW] == pytest.approx(0.5)
    assert ifacialmocap.decode(phone.next()).weights[JAW] == pytest.approx(0.5)
    told = page.ask("off", kind="vmc")
    assert [line["kind"] for line in told["streams"]] == ["ifacialmocap"]
    assert avatar.is_quiet()
    phone.drain()
    assert phone.next()
    assert page.ask("off")["streams"] == []
    assert phone.is_quiet()
    assert not senders()
    # And again.
    page.ask("on", kind="vmc", address=avatar.address)
    page.show()
    assert avatar.next()


def test_the_end_of_a_session_ends_its_streams(open_page, program):
    unreal = program()
    with open_page() as page:
        page.ask("on", kind="livelink", address=unreal.address)
        page.show()
        unreal.next()
    assert unreal.is_quiet()
    assert not senders()


def test_packets_are_counted_and_timed(page, program):
    unreal = program()
    page.ask("on", kind="livelink", address=unreal.address)
    page.show()
    for _ in range(40):  # longer than what a rate is told over
        unreal.next()
    # A packet may arrive before its sender has counted it.
    while (told := page.ask("look"))["streams"][0]["packets"] < 40:
        pass
    (line,) = told["streams"]
    assert (line["errors"], line["trouble"]) == (0, None)
    assert line["rate"] > 0
    assert told["latency"] > 0


def test_nobody_listening_is_told_until_somebody_does(page, program):
    gone = program()
    gone.close()
    page.ask("on", kind="livelink", address=gone.address)
    page.show()
    while (line := page.ask("look")["streams"][0])["trouble"] is None:
        pass
    assert line["trouble"] == "nobody listens there"
    assert line["errors"] > 0
    late = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with late:
        host, port = gone.address.split(":")
        late.bind((host, int(port)))
        while (line := page.ask("look")["streams"][0])["trouble"] is not None:
            pass
        assert line["rate"] > 0


def test_nobody_is_sent_as_nobody_and_another_source_begins_anew(page, program, cast):
    unreal = program()
    page.ask("on", kind="livelink", address=unreal.address)
    cast.sizes = []
    page.show()
    assert livelink.decode(unreal.next()).values is None
    cast.sizes = [8.0]
    page.show()
    next(faces(unreal))
    page.socket.send_json({"type": "reset"})
    assert page.socket.receive_json()["type"] == "configured"
    while livelink.decode(unreal.next()).values is not None:
        pass


def test_frames_that_stop_are_nobody(page, program, monkeypatch):
    """A camera that is unplugged says nothing; the page goes on asking how it stands."""
    unreal = program()
    page.ask("on", kind="livelink", address=unreal.address)
    page.show()
    next(faces(unreal))
    page.ask("look")
    unreal.drain()
    assert next(faces(unreal))
    monkeypatch.setattr(streaming, "_SILENT", 0.0)
    page.ask("look")
    while livelink.decode(unreal.next()).values is not None:
        pass


def test_left_and_right_can_be_exchanged(page, program):
    unreal = program()
    page.ask("on", kind="livelink", address=unreal.address, mirrored=True)
    page.show()
    packet = next(faces(unreal))
    assert packet.values[[SMILE_LEFT, SMILE_RIGHT]].tolist() == [0, 0.25]
    assert page.ask("look", mirrored=False)["mirrored"] is False
    page.show(2)
    assert next(p for p in faces(unreal) if p.values[SMILE_LEFT] == 0.25)


@pytest.mark.parametrize(("wanted", "sent"), [(None, 2), (1, 1), (2, 2), (9, 2)])
def test_who_is_sent(cast, wanted, sent, message, encode):
    """Who was asked for, and the largest where they are not there."""
    from mien.types import Face

    from .conftest import Cast, Frame, face_at

    assert isinstance(cast, Cast)
    frame = Frame(np.zeros((48, 64, 3), np.uint8), 0.0, 0)
    seen: list[Face] = [face_at(1, frame, 4.0, (0, 0, 0)), face_at(2, frame, 8.0, (0, 0, 0))]
    streams = Streaming(Settings().stream_networks)
    asyncio.run(streams.obey(Stream(type="stream", action="look", face=wanted)))
    assert streams._follow(seen).id == sent
    assert streams._follow([]) is None


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("127.0.0.1:80", "ports below 1024"),
        ("127.0.0.1:70000", "ports go from 1 to 65535"),
        ("127.0.0.1:vmc", "is no port"),
        ("http://127.0.0.1:39539/", "is no port"),
        ("127.0.0.1/vmc", "127.0.0.1/vmc"),
        ("8.8.8.8:39539", "outside of the networks"),
        ("[2001:4860:4860::8888]:39539", "outside of the networks"),
        ("[::ffff:8.8.8.8]:39539", "outside of the networks"),
        ("239.1.2.3:39539", "not one machine"),
        ("[ff02::1]:39539", "not one machine"),
        ("255.255.255.255:39539", "not one machine"),
        ("0.0.0.0:39539", "not one machine"),
        ("[::]:39539", "not one machine"),
        ("127.255.255.255:39539", "a whole network"),
        ("a\0b:39539", "is no host"),
    ],
)
def test_where_nothing_may_be_sent(page, program, address, told):
    unreal = program()
    page.ask("on", kind="livelink", address=unreal.address)
    answer = page.ask("on", kind="vmc", address=address)
    assert (answer["type"], answer["code"]) == ("error", "invalid_value")
    assert told in answer["message"]
    assert answer["hint"]
    assert [line["kind"] for line in page.ask("look")["streams"]] == ["livelink"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"action": "on"}, "needs the format"),
        ({"action": "off", "address": "127.0.0.1:39539"}, "needs its format"),
    ],
)
def test_an_address_needs_a_format(page, asked, told):
    answer = page.ask(**asked)
    assert told in answer["message"]


@pytest.mark.parametrize(
    "more", [{"kind": "osc"}, {"subject": ""}, {"subject": "x" * 65}, {"action": "send"}]
)
def test_what_is_no_message_is_told(page, more):
    answer = page.ask(**{"action": "on", "kind": "vmc"} | more)
    assert (answer["type"], answer["code"]) == ("error", "bad_message")


def resolving(monkeypatch, found: str, gate: threading.Event | None = None) -> None:
    """Every name means the same address, once the gate is open."""

    def resolve(self: Address, *, passive: bool = False) -> tuple[socket.AddressFamily, Any]:
        if gate is not None and not self.host[0].isdigit():
            gate.wait(20)
        return socket.AF_INET, (found, self.port)

    monkeypatch.setattr(Address, "resolve", resolve)


def test_a_name_is_judged_by_what_it_means(page, monkeypatch):
    resolving(monkeypatch, "93.184.216.34")
    answer = page.ask("on", kind="vmc", address="studio.example")
    assert "vmc studio.example:39539 is outside of the networks" in answer["message"]


def test_a_name_is_looked_up_once(page, program, monkeypatch):
    unreal = program()
    resolving(monkeypatch, "127.0.0.1")
    port = unreal.address.split(":")[1]
    told = page.ask("on", kind="livelink", address=f"studio.example:{port}")
    assert told["streams"][0]["address"] == f"studio.example:{port}"
    # Whoever has the name point somewhere else meanwhile gets nothing.
    resolving(monkeypatch, "93.184.216.34")
    page.ask("look")
    page.show()
    assert next(faces(unreal))
    assert page.ask("off", kind="livelink", address=f"studio.example:{port}")["streams"] == []


def test_a_name_that_takes_too_long(page, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(streaming, "_PATIENCE", 0.01)
    resolving(monkeypatch, "127.0.0.1", gate)
    answer = page.ask("on", kind="vmc", address="studio.example")
    gate.set()
    assert "takes too long" in answer["message"]


def test_more_than_enough_streams(page, program):
    for number in range(MOST_STREAMS):
        page.ask("on", kind="vmc", address=f"127.0.0.1:{40_000 + number}")
    assert "switch one of them off" in page.ask("on", kind="vmc", address=":41000")["hint"]
    # One of them once more is no more.
    assert page.ask("on", kind="vmc", address=":40000")["type"] == "streaming"


@pytest.mark.parametrize(
    "settings",
    [
        {"streams": "off"},
        {"allowed_hosts": "studio.example", "token": TOKEN},
        {"host": "0.0.0.0", "token": TOKEN},  # noqa: S104
    ],
)
def test_a_server_for_others_streams_nowhere_unless_it_is_told(open_page, settings):
    with open_page(**settings) as page:
        assert page.ready["limits"]["streams"] == 0
        answer = page.ask("on", kind="vmc")
        assert "sends no streams" in answer["message"]
        assert "MIEN_STREAMS" in answer["hint"]
    if "token" in settings:
        with open_page(**settings, streams="lan") as page:
            assert page.ready["limits"]["streams"] == MOST_STREAMS
            assert page.ask("on", kind="vmc")["type"] == "streaming"


def test_streams_that_break_do_not_end_the_session(page, program, monkeypatch):
    unreal = program()
    page.ask("on", kind="livelink", address=unreal.address)

    def fail(*_: object) -> None:
        raise RuntimeError("the thread has ended")

    with monkeypatch.context() as patched:
        patched.setattr(Sender, "put", fail)
        page.show()
    (line,) = page.ask("look")["streams"]
    assert (line["trouble"], line["rate"]) == ("sending broke off", 0)
    page.show()
    (line,) = page.ask("on", kind="livelink", address=unreal.address)["streams"]
    assert line["trouble"] is None
    page.show()
    assert next(faces(unreal))


NETWORKS = [
    ({}, ["127.0.0.1", "192.168.1.20", "10.1.2.3", "fe80::1", "fd00::1"], ["8.8.8.8"]),
    ({"streams": "loopback"}, ["127.0.0.1", "::1"], ["192.168.1.20"]),
    ({"streams": "off"}, [], ["127.0.0.1"]),
    ({"streams": "192.168.1.20, 10.0.0.0/30"}, ["192.168.1.20", "10.0.0.1"], ["127.0.0.1"]),
    ({"streams": "LAN,203.0.113.5"}, ["127.0.0.1", "203.0.113.5"], ["203.0.113.6"]),
]


@pytest.mark.parametrize(("settings", "inside", "outside"), NETWORKS)
def test_which_networks_are_meant(settings, inside, outside):
    networks = Settings(**settings).stream_networks
    for host in inside:
        streaming._check(Address("vmc", host, 39539), host, networks)
    for host in outside:
        with pytest.raises(InputError, match="outside of the networks"):
            streaming._check(Address("vmc", host, 39539), host, networks)


@pytest.mark.parametrize("word", ["everywhere", "studio.example", "192.168.1.20/8"])
def test_a_network_that_is_none(word):
    with pytest.raises(InputError, match="MIEN_STREAMS"):
        Settings(streams=word)
