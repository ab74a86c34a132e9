"""Streams of a session: its face goes on to other programs, as with ``mien stream``.

A page makes the server send packets, so where to is limited: to one machine in the networks of
``MIEN_STREAMS``, and to ports above 1023, where no service of the system listens.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter

from ..errors import InputError
from ..retarget.pose import Driver, ease_to_rest, interpolate
from ..streaming import expressions_of
from ..streams.address import Address
from ..streams.sender import Sender, Traffic
from ..types import Face, Observation
from .messages import Stream, StreamingState, StreamState
from .settings import Network

__all__ = ["MOST_STREAMS", "Streaming"]

MOST_STREAMS = 8
"""Destinations of a session at a time."""

_LOWEST_PORT = 1024
_PATIENCE = 2.0  # seconds that looking up a name may take, while frames wait
_SILENT = 3.0  # seconds without a frame after which nobody is there any more
_WINDOW = 0.25  # seconds over which a rate is told at least
_log = logging.getLogger(__name__)


class Streaming:
    """What a session sends on, with one :class:`~mien.streams.sender.Sender` while it does.

    :meth:`see` and :meth:`forget` run in the tracker's thread and wait for nothing; the rest runs
    in the session's loop, one after the other, and touches nothing of theirs but by setting it.

    Args:
        networks: where to it may send.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks
        self._sender: Sender | None = None
        self._lines: list[_Line] = []
        self._drive = Driver()
        self._subject = "mien"
        self._mirrored = False
        self._face: int | None = None
        self._seen: float | None = None
        """When the last frame came that was sent on; None once its face has been let go."""

    @property
    def most(self) -> int:
        """Streams at a time."""
        return MOST_STREAMS if self._networks else 0

    def see(self, observation: Observation, arrived: float) -> None:
        """A frame that was looked at.

        Args:
            observation: what was seen.
            arrived: when the frame came in, on the clock of ``perf_counter``.
        """
        sender = self._sender
        if sender is None:
            return
        self._seen = arrived
        face = self._follow(observation.faces)
        try:
            sender.put(None if face is None else self._drive(face, observation.time), arrived)
        except Exception:  # noqa: BLE001 - the page shall go on, whatever becomes of the streams
            _log.exception("the streams of a session broke")
            self._sender = None

    def forget(self) -> None:
        """The next frame belongs to another source; until it comes, nobody is there."""
        self._drive = Driver(mirror=self._mirrored)
        self._seen = None
        if (sender := self._sender) is not None:
            with suppress(Exception):
                sender.put(None)

    async def obey(self, message: Stream) -> StreamingState:
        """Do what the page asks.

        Raises:
            InputError: it cannot be done; everything stays as it was.
        """
        if message.action == "on":
            await self._begin(message)
        elif message.action == "off":
            await self._end(message)
        self._set(message)
        if self._seen is not None and perf_counter() - self._seen > _SILENT:
            self.forget()  # or the face would stand still for ever
        return await asyncio.to_thread(self._state)

    def close(self) -> None:
        """End all streams."""
        sender, self._sender, self._lines = self._sender, None, []
        if sender is not None:
            # What ended its thread has been told.
            with suppress(Exception):
                sender.close()

    def _follow(self, faces: Sequence[Face]) -> Face | None:
        """Who is sent: who was asked for, or the largest, as on the page."""
        chosen = next((face for face in faces if face.id == self._face), None)
        return chosen or max(faces, key=_size, default=None)

    def _set(self, message: Stream) -> None:
        if message.subject is not None:
            self._subject = message.subject
        if message.face is not None:
            self._face = message.face
        if message.mirrored not in (None, self._mirrored):
            self._mirrored = message.mirrored
            self._drive = Driver(mirror=self._mirrored)
        if self._sender is not None:
            self._sender.subject = self._subject

    async def _begin(self, message: Stream) -> None:
        address = _asked(message)
        if address is None:
            raise InputError("`on` needs the format; send `kind`, such as vmc")
        if any(line.address == address for line in self._lines) and self._sender is not None:
            return
        if len(self._lines) >= MOST_STREAMS:
            raise InputError(
                f"{MOST_STREAMS} streams at a time are the most; switch one of them off first"
            )
        now, where = perf_counter(), await self._find(address)
        if self._sender is not None:
            self._sender.add(where)
            self._lines.append(_Line(address, where, now))
            return
        expressions = await asyncio.to_thread(expressions_of)
        # There may be some whose sender broke.
        before = [line for line in self._lines if line.address != address]
        self._lines = [_Line(line.address, line.where, now) for line in before]
        self._lines.append(_Line(address, where, now))
        self._sender = Sender(
            [line.where for line in self._lines],
            between=interpolate,
            fade=ease_to_rest,
            subject=self._subject,
            expressions=expressions,
            broadcast=False,
            say=_log.info,
        )

    async def _end(self, message: Stream) -> None:
        address = _asked(message) if message.address is not None else None
        gone = [
            line
            for line in self._lines
            if message.kind in (None, line.address.kind) and address in (None, line.address)
        ]
        self._lines = [line for line in self._lines if line not in gone]
        if not self._lines:
            await asyncio.to_thread(self.close)
        elif self._sender is not None:
            still = {line.where for line in self._lines}
            for line in gone:
                if line.where not in still:
                    self._sender.remove(line.where)

    async def _find(self, address: Address) -> Address:
        """The same in digits, so that what was checked is what is sent to.

        Raises:
            InputError: nobody knows the host, or nothing may be sent there.
        """
        if not self._networks:
            raise InputError(
                "this server sends no streams to other programs; its owner may allow them with "
                "MIEN_STREAMS, or run `mien stream` beside it"
            )
        if address.port < _LOWEST_PORT:
            raise InputError(
                f"{address}: ports below {_LOWEST_PORT} are for services of the system; take the "
                "port that the other program names"
            )
        try:
            family, where = await asyncio.wait_for(asyncio.to_thread(address.resolve), _PATIENCE)
        except asyncio.TimeoutError:
            raise InputError(
                f"{address}: looking the host up takes too long; give its address as digits"
            ) from None
        _check(address, where[0], self._networks)
        try:
            # Without leave to broadcast the system refuses those addresses, which depend on how
            # the network is set up.
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect(where)
        except PermissionError:
            raise InputError(
                f"{address} is not one machine but a whole network; give the address of one"
            ) from None
        except OSError as error:
            raise InputError(
                f"nothing can be sent to {address} ({error.strerror or error}); is this machine "
                "in the same network?"
            ) from error
        return Address(address.kind, where[0], address.port)

    def _state(self) -> StreamingState:
        sender = self._sender
        traffic = {} if sender is None else {each.address: each for each in sender.traffic()}
        now = perf_counter()
        return StreamingState(
            streams=[line.state(traffic.get(line.where), now) for line in self._lines],
            subject=self._subject,
            mirrored=self._mirrored,
            face=self._face,
            latency=None if sender is None else sender.timing().latency,
        )


@dataclass(eq=False)
class _Line:
    """One stream, and what was told of it last.

    Attributes:
        address: as it was asked for.
        where: the same in digits.
        since: when it was told.
    """

    address: Address
    where: Address
    since: float
    packets: int = 0
    errors: int = 0
    rate: float = 0.0
    trouble: str | None = None

    def state(self, traffic: Traffic | None, now: float) -> StreamState:
        if traffic is None:
            traffic = Traffic(self.where, self.packets, self.errors, "sending broke off")
            self.rate, self.trouble = 0.0, traffic.trouble
        elif now - self.since >= _WINDOW:
            self.rate = round((traffic.packets - self.packets) / (now - self.since), 1)
            self.trouble = traffic.trouble if traffic.errors > self.errors else None
            self.since, self.packets, self.errors = now, traffic.packets, traffic.errors
        return StreamState(
            kind=self.address.kind,
            address=str(self.address).partition(" ")[2],
            packets=traffic.packets,
            errors=traffic.errors,
            rate=self.rate,
            trouble=self.trouble,
        )


def _asked(message: Stream) -> Address | None:
    if message.kind is None:
        if message.address is not None:
            raise InputError("an address needs its format; send `kind`, such as vmc")
        return None
    address = Address.parse(message.kind, message.address or "")
    if not address.host.isprintable():
        raise InputError(f"{address.host!r} is no host; give its name or its address as digits")
    return address


def _check(address: Address, host: str, networks: Sequence[Network]) -> None:
    """Refuse what is not one machine in the networks.

    Args:
        address: as it was asked for.
        host: the same in digits.
        networks: that are allowed.

    Raises:
        InputError: it is not.
    """
    found = ipaddress.ip_address(host)
    found = getattr(found, "ipv4_mapped", None) or found
    if found.is_multicast or found.is_unspecified or host == "255.255.255.255":
        raise InputError(f"{address} is not one machine; give the address of one")
    if not any(found in network for network in networks):
        raise InputError(
            f"{address} is outside of the networks that this server streams to; choose a program "
            "in your own network, or have MIEN_STREAMS allow it"
        )


def _size(face: Face) -> float:
    return 0.0 if face.pose is None else face.pose.scale
