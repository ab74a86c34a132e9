"""Packets in: whose, in which order, and 100,000 of garbage."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable
from itertools import count

import numpy as np
import pytest

from mien.errors import InputError
from mien.streams import ifacialmocap, livelink, vmc
from mien.streams.address import KINDS, Address, Kind
from mien.streams.receiver import Receiver
from mien.types import RigPose

Make = Callable[..., RigPose]


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def packets_of(kind: Kind, pose: RigPose) -> list[bytes]:
    if kind == "vmc":
        return vmc.Encoder()(pose)
    if kind == "livelink":
        values = livelink.values_of(pose)
        return [livelink.encode(livelink.Packet.at(pose.time, values, subject="Ada"))]
    return [ifacialmocap.encode(pose)]


@pytest.fixture
def listen() -> Callable[[Kind, Clock], Receiver]:
    opened: list[Receiver] = []

    def opens(kind: Kind, clock: Clock) -> Receiver:
        opened.append(Receiver(Address(kind, "127.0.0.1", free_port()), clock=clock))
        return opened[-1]

    yield opens  # type: ignore[misc]
    for receiver in opened:
        receiver.close()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("kind", KINDS)
def test_poses_come_in_over_the_net(kind: Kind, posed: Make) -> None:
    sent = posed(5.0, jawOpen=0.5)
    with Receiver(Address(kind, "127.0.0.1", free_port())) as receiver:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for data in [b"garbage", *packets_of(kind, sent)]:
                sender.sendto(data, ("127.0.0.1", receiver.port))
        pose = next(receiver.poses())
        told = receiver.received
    assert pose is not None
    assert pose.time == 0
    np.testing.assert_allclose(pose.weights, sent.weights, atol=0.005)
    np.testing.assert_allclose(pose.head, sent.head, atol=1e-5)
    assert (told.poses, told.garbage, told.foreign) == (1, 1, 0)
    assert told.sender == ("127.0.0.1 Ada" if kind == "livelink" else "127.0.0.1")


def test_it_ends_when_it_is_closed_or_over() -> None:
    receiver = Receiver(Address("vmc", "127.0.0.1", free_port()))
    assert list(receiver.poses(lambda: True)) == []
    asked = count()
    assert list(receiver.poses(lambda: next(asked) > 1)) == []  # wakes up to ask again
    receiver.close()
    receiver.close()
    assert list(receiver.poses()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_sender_drives_until_it_is_silent(
    kind: Kind, posed: Make, listen: Callable[[Kind, Clock], Receiver]
) -> None:
    clock = Clock()
    receiver = listen(kind, clock)

    def take(host: str, jaw: float) -> list[float]:
        clock.now += 0.1
        found = []
        for data in packets_of(kind, posed(clock.now, jawOpen=jaw)):
            found += [float(p.weights[17]) for p in receiver.take(data, host) if p is not None]
        return found

    assert take("phone", 0.25) == [0.25]
    assert take("other", 0.75) == []
    assert take("phone", 0.5) == [0.5]
    each = len(packets_of(kind, posed()))
    assert receiver.received.foreign == each
    clock.now += 2.1
    assert take("other", 0.75) == [0.75]
    assert take("phone", 0.25) == []
    assert receiver.received.poses == 3


def test_one_subject_of_a_phone_drives(
    live_link: Callable[..., bytes], listen: Callable[[Kind, Clock], Receiver]
) -> None:
    receiver = listen("livelink", Clock())
    ada, bob = (live_link(np.zeros(61), subject=name) for name in ("Ada", "Bob"))
    assert len(receiver.take(ada, "phone")) == 1
    assert receiver.take(bob, "phone") == []
    assert receiver.received.foreign == 1


def test_a_packet_without_a_face_is_nobody(
    live_link: Callable[..., bytes], listen: Callable[[Kind, Clock], Receiver]
) -> None:
    receiver = listen("livelink", Clock())
    assert receiver.take(live_link(None), "phone") == [None]
    assert (receiver.received.packets, receiver.received.poses) == (1, 0)


def test_times_are_the_senders_and_rise_whatever_it_does(
    live_link: Callable[..., bytes], listen: Callable[[Kind, Clock], Receiver]
) -> None:
    clock = Clock()
    receiver = listen("livelink", clock)
    times = []
    # In order; one lost; the same again; the app begins anew; midnight.
    for frame, later in [(600, 0), (601, 0.03), (603, 0.02), (603, 0.02), (5, 0.5), (6, 0.02),
                         (90_000, 0.02), (90_001, 0.02)]:  # fmt: skip
        clock.now += later
        (pose,) = receiver.take(live_link(np.zeros(61), frame=frame), "phone")
        assert pose is not None
        times.append(pose.time)
    assert times[:3] == pytest.approx([0, 1 / 60, 3 / 60])
    assert np.diff(times)[[4, 6]] == pytest.approx(1 / 60)
    assert (np.diff(times) > 0).all()


def test_somebody_who_leaves_is_told_once(
    live_link: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.streams.receiver._WAIT", 0.001)
    clock = Clock()
    with Receiver(Address("livelink", "127.0.0.1", free_port()), clock=clock) as receiver:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(live_link(np.zeros(61)), ("127.0.0.1", receiver.port))
        asked = count()

        def over() -> bool:
            clock.now += 0.5
            return next(asked) > 20

        seen = [pose is not None for pose in receiver.poses(over)]
    assert seen == [True, False]


def test_a_silent_phone_is_asked(monkeypatch: pytest.MonkeyPatch, posed: Make) -> None:
    monkeypatch.setattr("mien.streams.receiver._WAIT", 0.001)
    clock = Clock()
    # No address of this machine (RFC 5737), hence that of a phone.
    with Receiver(Address("ifacialmocap", "192.0.2.7", free_port()), clock=clock) as receiver:
        asked: list[tuple[bytes, object]] = []

        class Deaf:
            def sendto(self, data: bytes, where: object) -> None:
                asked.append((data, where))

            def recvfrom(self, size: int) -> None:
                raise TimeoutError

            def close(self) -> None: ...

        receiver._socket.close()
        receiver._socket = Deaf()  # type: ignore[assignment]
        turns = count()

        def over() -> bool:
            clock.now += 0.5
            return next(turns) > 9

        list(receiver.poses(over))
    assert 2 <= len(asked) <= 4
    assert asked[0][0].startswith(b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719")
    assert asked[0][1] == ("192.0.2.7", receiver.address.port)


@pytest.mark.parametrize(
    ("kind", "host", "told"),
    [
        ("vmc", "192.0.2.7", "this machine has no such address. Leave it out, as in vmc://:PORT"),
        ("vmc", "127.0.0.1", "another program listens there already. Close it, or choose another"),
    ],
)
def test_where_it_cannot_listen_is_told(kind: Kind, host: str, told: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(InputError, match=f"cannot listen on vmc {host}.*: {told}"):
            Receiver(Address(kind, host, other.getsockname()[1]))


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Noise; or a good packet that is cut, has wrong bytes, or has some in its middle."""
    kind = rng.random()
    if kind < 0.3:
        return rng.randbytes(rng.randrange(400))
    if kind < 0.5:
        return data[: rng.randrange(len(data) + 1)]
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 8)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    if kind < 0.7:
        at = rng.randrange(len(changed))
        changed[at:at] = rng.randbytes(rng.randrange(1, 40))
    return bytes(changed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_thousand_packets_of_garbage(
    kind: Kind, posed: Make, listen: Callable[[Kind, Clock], Receiver]
) -> None:
    rng, clock = random.Random(f"fuzz {kind}"), Clock()
    receiver = listen(kind, clock)
    good = packets_of(kind, posed(1.0, jawOpen=0.5))
    total, poses = 33_400, 0
    for _ in range(total):
        clock.now += 0.01
        for pose in receiver.take(mutated(rng.choice(good), rng), rng.choice(("a", "b"))):
            assert pose is None or np.isfinite(pose.weights).all()
            poses += pose is not None
    told = receiver.received
    assert told.packets + told.garbage + told.foreign == total
    assert told.garbage > total / 2
    assert told.poses == poses
    # And it still hears who has something to say.
    clock.now += 5
    heard = [pose for data in good for pose in receiver.take(data, "c") if pose is not None]
    assert heard[-1].weights[17] == pytest.approx(0.5)
