"""Poses out to any number of programs, at a steady rate, on a thread of their own."""

from __future__ import annotations

import errno
import math
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import numpy as np

from ..errors import InputError, OutputError
from ..types import RigPose
from . import ifacialmocap, livelink, vmc
from .address import Address
from .take import Take
from .timeline import Between, Fade, Shown, Timeline

__all__ = ["RATES", "Sender", "Timing", "Traffic"]

RATES = (1.0, 240.0)
"""The slowest and the fastest rate, packets a second."""

_MEMORY = 2048  # sends from which timing is told
_AHEAD = 0.002  # seconds in which the packets of a moment are made
_AGAIN = 1.0  # seconds after which a socket that broke is opened anew


@dataclass(slots=True)
class Traffic:
    """What went to one destination.

    Attributes:
        address: of the destination.
        packets: handed to the net; whether they arrived nobody says.
        errors: packets that the system refused, or said that nobody took.
        trouble: the last of these in words, None as long as there was none.
    """

    address: Address
    packets: int = 0
    errors: int = 0
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """How steady the last sends were; seconds.

    Attributes:
        sends: how many this is about.
        jitter: 95th percentile of how far the step from one send to the next was off.
        lateness: 95th percentile of how long after its moment a send was done.
        skipped: moments that went by without a send since the beginning, as the thread did not
            get its turn.
        latency: median from the taking of the picture to the send of its pose, None where the
            times of the pictures are not known; ``latency_p95`` likewise.
    """

    sends: int = 0
    jitter: float = 0.0
    lateness: float = 0.0
    skipped: int = 0
    latency: float | None = None
    latency_p95: float | None = None


class Sender:
    """Sends what it was last given, and poses in between, until it is closed.

    :meth:`put` only leaves a pose and returns. The thread wakes at fixed moments, so that a late
    one does not delay those after it. See :class:`~mien.streams.timeline.Timeline` for what is
    shown between poses and after a face is lost. Before the first pose nothing is sent; when nobody
    is there, Live Link gets packets without a face, and the others none.

    Args:
        destinations: to begin with.
        between, fade: make the poses between poses and after the last one.
        rate: packets a second to each of them, 1 to 240.
        subject: under which name Unreal lists the face.
        expressions: makes of a pose the weights that VMC's receivers get, as a pose with other
            names; without it they get those of the pose.
        rest: where VMC's bones are at rest, see :data:`mien.streams.vmc.REST`.
        broadcast: allow an address at which a whole network listens.
        say: is told once for each destination that something is wrong; called on the thread.

    Raises:
        InputError: a rate out of range, or a host that nobody knows.

    Use it as a context manager. All methods may be called from any thread.
    """

    def __init__(
        self,
        destinations: Iterable[Address] = (),
        *,
        between: Between,
        fade: Fade,
        rate: float = 60.0,
        subject: str = "mien",
        expressions: Callable[[RigPose], RigPose] | None = None,
        rest: Any = vmc.REST,
        broadcast: bool = True,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        if not (math.isfinite(rate) and RATES[0] <= rate <= RATES[1]):
            raise InputError(f"the rate is {RATES[0]:g} to {RATES[1]:g} a second, got {rate:g}")
        self.rate = rate
        self._exact = Fraction(rate).limit_denominator(1001)  # 29.97 is 30000/1001
        self.subject = subject
        self._broadcast = broadcast
        self._expressions = expressions
        self._vmc = vmc.Encoder(rest)
        self._take: Take | None = None
        self._say = say
        self._timeline = Timeline(between, fade)
        self._lock = threading.Lock()
        self._recording = threading.Lock()
        self._lines: tuple[_Line, ...] = ()
        self._sends: deque[tuple[float, float, float | None]] = deque(maxlen=_MEMORY)
        self._sent = -math.inf  # time of the last pose
        self._skipped = 0
        self._error: BaseException | None = None
        self._done = threading.Event()
        try:
            for address in destinations:
                self.add(address)
        except InputError:
            self._hang_up()
            raise
        self._thread = threading.Thread(target=self._run, name="mien-send", daemon=True)
        self._thread.start()

    def add(self, address: Address) -> None:
        """Send there too from now on; once is enough.

        Raises:
            InputError: nobody knows the host.
        """
        line = _Line(address, self._broadcast)
        with self._lock:
            if any(each.traffic.address == address for each in self._lines):
                line.close()
            else:
                self._lines = (*self._lines, line)

    def remove(self, address: Address) -> None:
        """Send there no more; nothing happens where nothing was sent."""
        with self._lock:
            gone = [each for each in self._lines if each.traffic.address == address]
            self._lines = tuple(each for each in self._lines if each not in gone)
        for each in gone:
            each.close()

    def put(self, pose: RigPose | None, taken: float | None = None) -> None:
        """Show this from now on; never waits for the net.

        Args:
            pose: its times rise, on the source's own clock; None when nobody is there.
            taken: when its picture was taken, on the clock of :func:`time.perf_counter`.

        Raises:
            Exception: what ended the thread.
        """
        if self._error is not None:
            raise self._error
        now = perf_counter()
        with self._lock:
            self._timeline.put(pose, now, taken)
            if self._take is not None:
                self._take.put(pose, now)

    def record(self, path: Path) -> None:
        """Write every pose that comes in, with its own time, until :meth:`stop_recording`.

        The file holds packets of Live Link, and does not depend on what is sent where, or how
        often.

        Raises:
            OutputError: the system refuses; or a recording runs already.
        """
        with self._recording:
            if self._take is not None:
                raise OutputError(f"{self._take.path} is being recorded; stop that first")
            self._take = Take(path, self.subject, self._exact)

    def stop_recording(self) -> int:
        """Give the recording its name; how many packets it holds, 0 without one.

        Raises:
            OutputError: it could not be written; what can be read of it is in ``NAME.part``.
        """
        with self._recording:
            with self._lock:
                take, self._take = self._take, None
            return 0 if take is None else take.close()

    def traffic(self) -> tuple[Traffic, ...]:
        """What went to each destination so far; after :meth:`close`, in all."""
        return tuple(replace(line.traffic) for line in self._lines)

    def settle(self, patience: float = 0.5) -> None:
        """Wait until the newest pose has been sent, as it is held back for a while.

        Args:
            patience: seconds to wait at most.
        """
        end = perf_counter() + patience
        while perf_counter() < end and self._thread.is_alive():
            with self._lock:
                newest = self._timeline.newest
                if newest is None or self._sent >= newest:
                    return
            sleep(1 / self.rate)

    def timing(self) -> Timing:
        """How steady the last sends were."""
        with self._lock:
            sends = list(self._sends)
        if len(sends) < 2:
            return Timing(len(sends), skipped=self._skipped)
        due, done = (np.array([each[i] for each in sends]) for i in (0, 1))
        ages = [each[1] - each[2] for each in sends if each[2] is not None]
        steps = np.diff(done) - np.diff(due)
        return Timing(
            len(sends),
            jitter=float(np.percentile(np.abs(steps), 95)),
            lateness=float(np.percentile(done - due, 95)),
            skipped=self._skipped,
            latency=float(np.median(ages)) if ages else None,
            latency_p95=float(np.percentile(ages, 95)) if ages else None,
        )

    def close(self) -> None:
        """Stop, and close the recording; closing twice is allowed.

        Raises:
            OutputError: the recording could not be written.
            Exception: what ended the thread.
        """
        self._done.set()
        self._thread.join()
        self._hang_up()
        self.stop_recording()
        if self._error is not None:
            raise self._error

    def _hang_up(self) -> None:
        for line in self._lines:
            line.close()

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            self._send_on()
        except BaseException as error:  # noqa: BLE001 - handed to who closes
            self._error = error

    def _send_on(self) -> None:
        begun, number = perf_counter(), 0
        while not self._done.is_set():
            due = begun + number / self.rate
            # At most a period, so there is no need to be woken; an event would be less exact. The
            # packets are made ahead, so that what that takes does not show in when they leave.
            _sleep_until(due - _AHEAD)
            behind = int((perf_counter() - due) * self.rate)
            if behind > 0:  # what is late by a whole period is left out, not sent in a burst
                self._skipped += behind
                number += behind
                due = begun + number / self.rate
            number += 1
            self._tick(due)

    def _tick(self, due: float) -> None:
        with self._lock:
            shown = self._timeline.at(due)
            lines = self._lines
        if shown is None:
            return
        packets = _Packets(self, shown)
        ready = [(line, packets.of(line.traffic.address.kind)) for line in lines]
        _sleep_until(due)
        now = perf_counter()
        told = [line.send(packet, now) for line, made in ready for packet in made]
        done = perf_counter()
        with self._recording:  # a lock of its own, as a disk may be slow
            if self._take is not None:
                self._take.write()
        with self._lock:
            self._sends.append((due, done, shown.taken))
            self._sent = shown.time
        for words in told:
            if words is not None:
                self._say(words)

    def encode(self, kind: str, shown: Shown) -> list[bytes]:
        """The packets of a moment in one format."""
        pose = shown.pose
        if kind == "livelink":
            values = None if pose is None else livelink.values_of(pose)
            time = max(shown.time, 0.0)
            packet = livelink.Packet.at(time, values, subject=self.subject, rate=self._exact)
            return [livelink.encode(packet)]
        if pose is None:
            return []
        if kind == "vmc":
            return self._vmc(pose if self._expressions is None else self._expressions(pose))
        return [ifacialmocap.encode(pose)]


def _sleep_until(moment: float) -> None:
    wait = moment - perf_counter()
    if wait > 0:
        sleep(wait)


class _Packets:
    """The packets of one moment, each kind made once however many destinations it goes to."""

    def __init__(self, sender: Sender, shown: Shown) -> None:
        self._sender, self._shown = sender, shown
        self._made: dict[str, list[bytes]] = {}

    def of(self, kind: str) -> list[bytes]:
        if kind not in self._made:
            self._made[kind] = self._sender.encode(kind, self._shown)
        return self._made[kind]


class _Line:
    """A socket to one destination. It never waits, and mends itself."""

    def __init__(self, address: Address, broadcast: bool) -> None:
        self.traffic = Traffic(address)
        self._broadcast = broadcast
        self._family, self._where = address.resolve()
        self._socket: socket.socket | None = None
        self._broken = -math.inf
        self._over = False
        self._turn = threading.Lock()  # who ends it may come in the middle of a moment

    def send(self, packet: bytes, now: float) -> str | None:
        """Send one packet; words for the first trouble, else None."""
        with self._turn:
            return None if self._over else self._send(packet, now)

    def _send(self, packet: bytes, now: float) -> str | None:
        try:
            if self._socket is None:
                if now - self._broken < _AGAIN:
                    self.traffic.errors += 1
                    return None
                self._socket = self._open()
            try:
                self._socket.send(packet)
            except ConnectionRefusedError as error:
                # The answer to an earlier packet: nobody listens there. This one is sent anyway,
                # as somebody may by now.
                told = self._failed(error)
                self._socket.send(packet)
                self.traffic.packets += 1
                return told
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ENOBUFS, errno.ECONNREFUSED):
                self._drop()
                self._broken = now
            return self._failed(error)
        self.traffic.packets += 1
        return None

    def _open(self) -> socket.socket:
        opened = socket.socket(self._family, socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, self._broadcast)
            opened.connect(self._where)
        except OSError:
            opened.close()
            raise
        return opened

    def _failed(self, error: OSError) -> str | None:
        first = self.traffic.trouble is None
        self.traffic.errors += 1
        if isinstance(error, ConnectionRefusedError):
            self.traffic.trouble = "nobody listens there"
        else:
            self.traffic.trouble = error.strerror or str(error)
        return f"{self.traffic.address}: {self.traffic.trouble}; going on" if first else None

    def close(self) -> None:
        """Send no more."""
        with self._turn:
            self._over = True
            self._drop()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
