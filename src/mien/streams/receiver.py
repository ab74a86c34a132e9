"""A program on the net as a source: VMC, Live Link Face or iFacialMocap in, poses out."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from ..errors import InputError
from ..types import RigPose
from . import ifacialmocap, livelink, vmc
from .address import Address
from .pose import MalformedError

__all__ = ["Received", "Receiver"]

_PATIENCE = 2.0  # seconds of silence after which somebody else may drive
_ASK_EVERY = 2.0  # seconds between requests to a phone that is silent
_WAIT = 0.1  # seconds after which a caller may want to stop
_LARGEST = 65536
_JUMP = 1.0  # seconds on the sender's clock that are no pause but another clock


@dataclass(slots=True)
class Received:
    """What came in so far.

    Attributes:
        packets: of the sender that is listened to.
        poses: that they held.
        garbage: packets that are none of the format, whoever sent them.
        foreign: packets of others, which are left out while one sender is listened to.
        sender: the last who was listened to: address, and for Live Link the name of the subject;
            None when nobody was yet.
    """

    packets: int = 0
    poses: int = 0
    garbage: int = 0
    foreign: int = 0
    sender: str | None = None


class Receiver:
    """Listens on a port.

    The first sender of a good packet is listened to, and of a Live Link sender the subject that it
    began with; packets of others are counted and left out, so that two phones do not fight over one
    face. Who was silent for two seconds has left, and the next one takes over.

    Times are the sender's where the format has them (Live Link, VMC), else those of arrival; they
    begin at 0 and rise, also when a sender begins anew.

    Args:
        address: where to listen; without a host on every network of this machine. For iFacialMocap
            the host may be that of the phone, which is then asked for its packets.
        clock: seconds that only rise.

    Raises:
        InputError: the port is in use or may not be used, or the host is not known.

    Use it as a context manager, in one thread; :meth:`close` may be called from another.
    """

    def __init__(self, address: Address, *, clock: Callable[[], float] = perf_counter) -> None:
        self.address = address
        self._clock = clock
        self._received = Received()
        self._vmc = vmc.Assembler()
        self._host: str | None = None
        self._subject: str | None = None
        self._origin: tuple[float, float, float] | None = None
        self._heard = float("-inf")
        self._asked = float("-inf")
        self._time = 0.0  # of the last pose
        self._theirs: float | None = None  # the same on the sender's clock
        self._began: float | None = None
        self._phone: Any = None
        self._socket, self.port = self._listen()

    def _listen(self) -> tuple[socket.socket, int]:
        family, where = self.address.resolve(passive=True)
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            try:
                opened.bind(where)
            except OSError as error:
                asks = self.address.kind == "ifacialmocap" and error.errno == errno.EADDRNOTAVAIL
                if not asks:
                    raise
                self._phone = where  # an address that is not ours is that of the phone
                anyone = "::" if family == socket.AF_INET6 else ""
                opened.bind((anyone, self.address.port))
        except OSError as error:
            opened.close()
            raise _refused(self.address, error) from error
        opened.settimeout(_WAIT)
        return opened, int(opened.getsockname()[1])

    @property
    def received(self) -> Received:
        """What came in so far."""
        return replace(self._received)

    def poses(self, over: Callable[[], bool] = lambda: False) -> Iterator[RigPose | None]:
        """Poses as they come, until the receiver is closed.

        None says that nobody is there: a packet without a face, or two seconds of silence.

        Args:
            over: ends it too; asked ten times a second at least.
        """
        there = False
        while not over():
            self._ask()
            try:
                data, sender = self._socket.recvfrom(_LARGEST)
            except TimeoutError:
                if there and self._clock() - self._heard > _PATIENCE:
                    there = False
                    yield None
                continue
            except ConnectionError:  # Windows tells so of packets that we sent
                continue
            except OSError:
                return  # closed
            for pose in self.take(data, str(sender[0])):
                there = pose is not None
                yield pose

    def _ask(self) -> None:
        """Ask a silent phone for its packets."""
        now = self._clock()
        if self._phone is None or now - max(self._heard, self._asked) < _ASK_EVERY:
            return
        self._asked = now
        try:
            self._socket.sendto(ifacialmocap.HANDSHAKE, self._phone)
        except OSError:
            return  # no network at the moment; asked again

    def take(self, data: bytes, host: str) -> list[RigPose | None]:
        """The poses of one packet; None stands for a packet without a face.

        Args:
            data: the packet.
            host: who sent it.
        """
        now = self._clock()
        if now - self._heard > _PATIENCE:
            self._forget()
        try:
            if self._host not in (None, host):
                self._check(data)
                self._received.foreign += 1
                return []
            subject, theirs, poses = self._read(data)
        except MalformedError:
            self._received.garbage += 1
            return []
        if self._host is None:
            self._host, self._subject = host, subject
            self._received.sender = f"{host} {subject}".strip()
        elif subject != self._subject:
            self._received.foreign += 1
            return []
        self._heard = now
        self._received.packets += 1
        if poses:
            time = self._advance(theirs, now)
            poses = [None if pose is None else replace(pose, time=time) for pose in poses[-1:]]
        self._received.poses += sum(pose is not None for pose in poses)
        return poses

    def _forget(self) -> None:
        """Anybody may drive from now on."""
        self._host = self._subject = self._theirs = self._origin = None
        self._vmc = vmc.Assembler()

    def _check(self, data: bytes) -> None:
        """Garbage counts as such, whoever sent it."""
        if self.address.kind == "vmc":
            vmc.Assembler().feed(data, 0.0)
        elif self.address.kind == "livelink":
            livelink.decode(data)
        else:
            ifacialmocap.decode(data)

    def _read(self, data: bytes) -> tuple[str, float | None, list[RigPose | None]]:
        """Which subject, at what time on the sender's clock, and the poses."""
        if self.address.kind == "vmc":
            poses: list[RigPose | None] = list(self._vmc.feed(data, 0.0))
            return "", self._vmc.time, poses
        if self.address.kind == "livelink":
            packet = livelink.decode(data)
            pose = None if packet.values is None else livelink.pose_of(packet.values, 0.0)
            return packet.subject, packet.time, [pose]
        reading = ifacialmocap.decode(data)
        self._origin = self._origin or reading.position
        return "", None, [ifacialmocap.pose_of(reading, 0.0, self._origin)]

    def _advance(self, theirs: float | None, now: float) -> float:
        """Our time of a pose: as far after the last one as the sender's clock says."""
        if self._began is None:
            self._began, self._theirs = now, theirs
            return 0.0
        step = None if theirs is None or self._theirs is None else theirs - self._theirs
        self._theirs = theirs
        # A clock that stands, runs backwards or leaps is no clock.
        if step is not None and 0 < step < _JUMP:
            self._time += step
        else:
            self._time = max(now - self._began, self._time + 1e-6)
        return self._time

    def close(self) -> None:
        """Stop listening; closing twice is allowed."""
        self._socket.close()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _refused(address: Address, error: OSError) -> InputError:
    if error.errno == errno.EADDRINUSE:
        why = "another program listens there already. Close it, or choose another port"
    elif error.errno in (errno.EACCES, errno.EPERM):
        why = "the system does not allow it. Choose a port from 1024 on"
    elif error.errno == errno.EADDRNOTAVAIL:
        why = f"this machine has no such address. Leave it out, as in {address.kind}://:PORT"
    else:
        why = error.strerror or str(error)
    return InputError(f"cannot listen on {address}: {why}")
