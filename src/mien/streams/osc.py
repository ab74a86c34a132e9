"""Reading Open Sound Control 1.0, strictly: what the net sends is believed only once it is checked.

python-osc, which writes our packets, is made for friendly senders: garbage makes it log, and raise
whatever happens to go wrong. This reader gives messages, or raises ``MalformedError``.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from .pose import MalformedError

__all__ = ["Argument", "Message", "read"]

Argument = str | float | bytes | bool | None

_BUNDLE = b"#bundle\0"
_DEEPEST = 4
_MOST = 4096  # messages in a packet
_PLAIN = {"T": True, "F": False, "N": None, "I": True}
_NUMBERS = {
    "i": struct.Struct(">i"),
    "f": struct.Struct(">f"),
    "h": struct.Struct(">q"),
    "d": struct.Struct(">d"),
    "t": struct.Struct(">Q"),
    "c": struct.Struct(">I"),
    "r": struct.Struct(">I"),
    "m": struct.Struct(">I"),
}
_SIZE = struct.Struct(">i")


class Message(NamedTuple):
    """An address such as ``/VMC/Ext/T``, and what stands behind it."""

    address: str
    arguments: tuple[Argument, ...]


def read(data: bytes) -> list[Message]:
    """The messages of a packet in order, those of bundles within bundles too.

    Raises:
        MalformedError: anything that is not as the specification has it.
    """
    found: list[Message] = []
    _read(data, found, 0)
    return found


def _read(data: bytes, found: list[Message], depth: int) -> None:
    if not data.startswith(_BUNDLE):
        if len(found) >= _MOST:
            raise MalformedError(f"more than {_MOST} messages")
        found.append(_message(data))
        return
    if depth >= _DEEPEST:
        raise MalformedError(f"bundles {depth} deep")
    at = len(_BUNDLE) + 8  # behind the time, which nobody in this trade uses
    if len(data) < at:
        raise MalformedError("a bundle that ends within its time")
    while at < len(data):
        if at + 4 > len(data):
            raise MalformedError("a bundle that ends within a size")
        (size,) = _SIZE.unpack_from(data, at)
        at += 4
        if size <= 0 or size % 4 or at + size > len(data):
            raise MalformedError(f"an element of {size} bytes")
        _read(data[at : at + size], found, depth + 1)
        at += size


def _message(data: bytes) -> Message:
    if not data.startswith(b"/"):
        raise MalformedError("neither a message nor a bundle")
    address, at = _text(data, 0)
    if at == len(data):
        return Message(address, ())  # some old senders leave the types out
    types, at = _text(data, at)
    if not types.startswith(","):
        raise MalformedError("a message without types")
    arguments: list[Argument] = []
    for kind in types[1:]:
        if kind in _PLAIN:
            arguments.append(_PLAIN[kind])
        elif kind in _NUMBERS:
            form = _NUMBERS[kind]
            if at + form.size > len(data):
                raise MalformedError("a message that ends within a number")
            arguments.append(form.unpack_from(data, at)[0])
            at += form.size
        elif kind in "sS":
            text, at = _text(data, at)
            arguments.append(text)
        elif kind == "b":
            blob, at = _blob(data, at)
            arguments.append(blob)
        elif kind not in "[]":
            raise MalformedError(f"an argument of type {kind!r}")
    return Message(address, tuple(arguments))


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    if end < 0:
        raise MalformedError("text without an end")
    try:
        # The specification says ASCII; VMC says UTF-8, which holds it.
        text = data[at:end].decode()
    except UnicodeDecodeError as error:
        raise MalformedError("text that is no UTF-8") from error
    return text, _padded(data, end + 1)


def _blob(data: bytes, at: int) -> tuple[bytes, int]:
    if at + 4 > len(data):
        raise MalformedError("a message that ends within a size")
    (size,) = _SIZE.unpack_from(data, at)
    if size < 0 or at + 4 + size > len(data):
        raise MalformedError(f"a blob of {size} bytes")
    return data[at + 4 : at + 4 + size], _padded(data, at + 4 + size)


def _padded(data: bytes, at: int) -> int:
    at = -(-at // 4) * 4
    if at > len(data):
        raise MalformedError("a message that ends within its padding")
    return at
