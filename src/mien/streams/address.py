"""Where packets go to and come from: ``HOST:PORT``, ``[IPV6]:PORT``, or a part of it."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..errors import InputError
from . import ifacialmocap, livelink, vmc

__all__ = ["KINDS", "PORTS", "Address", "Kind"]

Kind = Literal["vmc", "livelink", "ifacialmocap"]
"""The formats, as they are called in options and in sources such as ``vmc://:39539``."""

KINDS: tuple[Kind, ...] = get_args(Kind)
PORTS: dict[Kind, int] = {
    "vmc": vmc.PORT,
    "livelink": livelink.PORT,
    "ifacialmocap": ifacialmocap.PORT,
}
"""The usual port of each format."""

_SPEC = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^:\[\]/\s]*))(?::(?P<port>.*))?")


@dataclass(frozen=True, slots=True)
class Address:
    """One end of a stream.

    Attributes:
        kind: which format.
        host: name or address; empty is every network of this machine for a receiver.
        port: 1..65535.
    """

    kind: Kind
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind} {host}:{self.port}"

    @classmethod
    def parse(cls, kind: Kind, text: str, host: str = "127.0.0.1") -> Address:
        """From ``HOST:PORT``; a missing port is the usual one of the format.

        Args:
            kind: which format.
            text: as the user gave it.
            host: stands for a missing host.

        Raises:
            InputError: no such text, or a port out of range.
        """
        example = f"expected HOST:PORT, such as 192.168.1.20:{PORTS[kind]}"
        found = _SPEC.fullmatch(text.strip())
        if found is None:
            raise InputError(f"{kind} {text!r}: {example}")
        port = PORTS[kind]
        if (given := found["port"]) is not None:
            if not re.fullmatch(r"[0-9]{1,9}", given):
                raise InputError(f"{kind} {text!r}: {given!r} is no port; {example}")
            port = int(given)
            if not 1 <= port <= 65535:
                raise InputError(f"{kind} {text!r}: ports go from 1 to 65535, not {port}")
        return cls(kind, found["six"] or found["host"] or host, port)

    def resolve(self, *, passive: bool = False) -> tuple[socket.AddressFamily, Any]:
        """Family and socket address; asks the name service for a name.

        Args:
            passive: to listen there.

        Raises:
            InputError: nobody knows the name.
        """
        flags = socket.AI_PASSIVE if passive else 0
        try:
            found = socket.getaddrinfo(
                self.host or None, self.port, type=socket.SOCK_DGRAM, flags=flags
            )
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise InputError(
                f"{self}: the host is not known ({why}); give its name or its address as digits"
            ) from error
        # IPv4 first: most of these programs listen there alone.
        found.sort(key=lambda each: each[0] != socket.AF_INET)
        return found[0][0], found[0][4]
