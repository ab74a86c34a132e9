"""Packets out: to whom, what, and what goes wrong. How steadily is measured by the benchmark."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import InputError, OutputError
from mien.retarget.pose import ease_to_rest, interpolate
from mien.streams import ifacialmocap, livelink
from mien.streams.address import KINDS, Address, Kind
from mien.streams.replay import open_replay
from mien.streams.sender import Sender
from mien.types import RigPose

Make = Callable[..., RigPose]
Reader = Callable[[bytes], Any]


@pytest.fixture
def sinks() -> Iterator[dict[Kind, socket.socket]]:
    opened: dict[Kind, socket.socket] = {}
    for kind in KINDS:
        opened[kind] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened[kind].bind(("127.0.0.1", 0))
        opened[kind].settimeout(10)
    yield opened
    for sink in opened.values():
        sink.close()


def to(kind: Kind, sink: socket.socket) -> Address:
    return Address(kind, "127.0.0.1", sink.getsockname()[1])


def sender(*destinations: Address, **options: Any) -> Sender:
    return Sender(destinations, between=interpolate, fade=ease_to_rest, **options)


def test_all_kinds_at_once(
    sinks: dict[Kind, socket.socket], posed: Make, osc_reader: Reader
) -> None:
    pose = posed(0.0, jawOpen=0.5)
    with sender(*(to(kind, sink) for kind, sink in sinks.items()), subject="Ada") as sending:
        sending.put(pose)
        packet = livelink.decode(sinks["livelink"].recv(4096))
        text = ifacialmocap.decode(sinks["ifacialmocap"].recv(4096))
        addresses: list[str] = []
        while "/VMC/Ext/Blend/Apply" not in addresses:
            addresses += [address for address, _ in osc_reader(sinks["vmc"].recv(4096))]
    assert (packet.subject, packet.rate) == ("Ada", (60, 1))
    np.testing.assert_array_equal(packet.values[:52], pose.weights)
    assert text.weights[17] == 0.5
    assert addresses[0] == "/VMC/Ext/OK"
    assert addresses[-1] == "/VMC/Ext/Blend/Apply"


def test_packets_go_on_at_the_rate_while_nothing_new_comes(
    sinks: dict[Kind, socket.socket], posed: Make
) -> None:
    with sender(to("livelink", sinks["livelink"]), rate=200) as sending:
        sending.put(posed(0.0))
        for _ in range(20):
            sinks["livelink"].recv(4096)
        timing = sending.timing()
        (line,) = sending.traffic()
    assert timing.sends >= 19
    assert timing.latency is None
    assert (line.packets >= 19, line.errors, line.trouble) == (True, 0, None)


def test_how_old_a_pose_is_can_be_told(sinks: dict[Kind, socket.socket], posed: Make) -> None:
    from time import perf_counter

    with sender(to("livelink", sinks["livelink"])) as sending:
        sending.put(posed(0.0), taken=perf_counter() - 0.5)
        for _ in range(3):
            sinks["livelink"].recv(4096)
        timing = sending.timing()
    assert timing.latency is not None
    assert timing.latency >= 0.5


def test_nobody_there_is_a_packet_without_a_face(
    sinks: dict[Kind, socket.socket], posed: Make
) -> None:
    sinks["vmc"].settimeout(0.05)
    with sender(to("livelink", sinks["livelink"]), to("vmc", sinks["vmc"])) as sending:
        sending.put(None)
        assert livelink.decode(sinks["livelink"].recv(4096)).values is None
        with pytest.raises(TimeoutError):
            sinks["vmc"].recv(4096)
        sending.put(posed(0.0))
        while livelink.decode(sinks["livelink"].recv(4096)).values is None:
            pass
        sinks["vmc"].settimeout(10)
        assert sinks["vmc"].recv(4096)


def test_destinations_come_and_go(sinks: dict[Kind, socket.socket], posed: Make) -> None:
    first, second = (to(kind, sinks[kind]) for kind in ("livelink", "ifacialmocap"))
    with sender(first) as sending:
        sending.put(posed(0.0))
        sinks["livelink"].recv(4096)
        sending.add(second)
        sending.add(second)
        sinks["ifacialmocap"].recv(4096)
        sending.remove(first)
        sending.remove(first)
        assert [line.address for line in sending.traffic()] == [second]


def test_vmc_gets_the_weights_that_are_made_for_it(
    sinks: dict[Kind, socket.socket], posed: Make, osc_reader: Reader
) -> None:
    def joy(pose: RigPose) -> RigPose:
        return RigPose(pose.time, ("Joy",), np.ones(1, np.float32))

    with sender(to("vmc", sinks["vmc"]), expressions=joy) as sending:
        sending.put(posed(0.0))
        messages = list(osc_reader(sinks["vmc"].recv(4096)))
    assert ("/VMC/Ext/Blend/Val", ["Joy", 1.0]) in messages


def test_who_does_not_listen_is_counted_and_told_once(
    sinks: dict[Kind, socket.socket], posed: Make
) -> None:
    closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    closed.bind(("127.0.0.1", 0))
    nobody = to("livelink", closed)
    closed.close()
    told: list[str] = []
    with sender(nobody, to("ifacialmocap", sinks["ifacialmocap"]), rate=200, say=told.append) as s:
        s.put(posed(0.0))
        for _ in range(20):
            sinks["ifacialmocap"].recv(4096)
        refused, fine = s.traffic()
    if refused.errors:  # not every system says so
        assert told == [f"{nobody}: nobody listens there; going on"]
        assert refused.trouble == "nobody listens there"
    assert fine.errors == 0
    assert fine.packets >= 19  # one may be received before it is counted


class Net(socket.socket):
    """Sockets that fail as told, one answer for each send. Nothing is opened."""

    def __init__(self, *answers: int) -> None:  # never that of a real one
        self.answers = list(answers)
        self.opened = self.sent = 0
        self.enough = threading.Event()

    def __call__(self, *_: object) -> Net:
        self.opened += 1
        return self

    def send(self, data: bytes, *_: object) -> int:  # type: ignore[override]
        number = self.answers.pop(0) if self.answers else 0
        if number:
            raise OSError(number, "as told")
        self.sent += 1
        if self.sent >= 5:
            self.enough.set()
        return len(data)

    def connect(self, where: object) -> None:
        if self.answers and self.answers[0] == errno.ENETUNREACH:
            raise OSError(self.answers.pop(0), "Network is unreachable")

    def setblocking(self, flag: bool) -> None: ...
    def setsockopt(self, *_: object) -> None: ...
    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("answers", "opened", "errors"),
    [
        ((errno.EAGAIN, errno.EAGAIN), 1, 2),
        ((errno.ECONNREFUSED,), 1, 1),
        ((errno.EHOSTUNREACH,), 2, 1),
        ((errno.ENETUNREACH,), 2, 1),
        ((errno.EBADF, errno.EBADF), 3, 2),
    ],
)
def test_a_socket_mends_itself(
    posed: Make, monkeypatch: pytest.MonkeyPatch, answers: tuple[int, ...], opened: int, errors: int
) -> None:
    net = Net(*answers)
    monkeypatch.setattr("mien.streams.sender.socket.socket", net)
    monkeypatch.setattr("mien.streams.sender._AGAIN", 0.0)
    told: list[str] = []
    with sender(Address("livelink", "127.0.0.1", 5), rate=240, say=told.append) as sending:
        sending.put(posed(0.0))
        assert net.enough.wait(10)
        (line,) = sending.traffic()
    assert (net.opened, line.errors, len(told)) == (opened, errors, 1)
    assert line.packets >= 5


@pytest.mark.parametrize("rate", [1, 200])
def test_a_recording_has_every_pose_at_its_own_time(
    tmp_path: Path, posed: Make, rate: float
) -> None:
    path = tmp_path / "take.gesichter"
    with sender(rate=rate) as sending:
        sending.record(path)
        with pytest.raises(OutputError, match="stop that first"):
            sending.record(tmp_path / "other.gesichter")
        for i in range(40):
            sending.put(posed(0.5 + i / 30, jawOpen=i / 40))
        assert sending.stop_recording() == 40
        assert sending.stop_recording() == 0
    replay = open_replay(path)
    assert replay.notes == ()
    told = [(time, pose.weights[17]) for time, pose in replay.moments if pose is not None]
    np.testing.assert_allclose(told, [(i / 30, i / 40) for i in range(40)], atol=1e-5)


@pytest.mark.parametrize("rate", [0, 0.5, 241, float("nan"), float("inf")])
def test_a_rate_that_makes_no_sense_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match="the rate is 1 to 240 a second"):
        sender(rate=rate)


def test_what_ends_the_thread_is_told_when_it_is_closed(posed: Make) -> None:
    seen = threading.Event()

    def broken(pose: RigPose) -> RigPose:
        seen.set()
        raise RuntimeError("no such avatar")

    sending = sender(Address("vmc", "127.0.0.1", 9), expressions=broken)
    sending.put(posed(0.0))
    assert seen.wait(10)
    sending._thread.join()
    with pytest.raises(RuntimeError, match="no such avatar"):
        sending.put(posed(1.0))
    with pytest.raises(RuntimeError, match="no such avatar"):
        sending.close()


def test_a_destination_that_is_removed_in_the_middle_of_a_moment_gets_nothing_more(
    sinks: dict[Kind, socket.socket], posed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = to("livelink", sinks["livelink"])
    made, removed = threading.Event(), threading.Event()

    def encode(*_: object) -> list[bytes]:
        made.set()
        assert removed.wait(10)
        return [b"packet"]

    with sender(where) as sending:
        monkeypatch.setattr(sending, "encode", encode)
        sending.put(posed(0.0))
        assert made.wait(10)
        sending.remove(where)
        removed.set()
        sending.settle()
    sinks["livelink"].setblocking(False)
    with pytest.raises(BlockingIOError):
        sinks["livelink"].recv(4096)


@pytest.mark.parametrize(("broadcast", "refused"), [(True, False), (False, True)])
def test_a_whole_network_is_only_sent_to_where_that_is_wanted(
    posed: Make, broadcast: bool, refused: bool
) -> None:
    address = Address("livelink", "127.255.255.255", 39_999)
    with sender(address, broadcast=broadcast) as sending:
        sending.put(posed(0.0))
        while not ((line := sending.traffic()[0]).packets or line.errors):
            pass
    assert (line.trouble == "Permission denied") == refused
