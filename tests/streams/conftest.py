"""Poses to send, and packets as others would make them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from mien.channels import ARKIT_52
from mien.geometry import matrix_from_euler
from mien.types import RigPose


def make_pose(time: float = 0.0, **weights: float) -> RigPose:
    values = np.zeros(len(ARKIT_52), np.float32)
    for name, value in weights.items():
        values[ARKIT_52.index(name)] = value
    return RigPose(
        time,
        ARKIT_52,
        values,
        head=matrix_from_euler(20, 10, 5),
        position=np.array([1.0, -2.0, 3.0]),
        jaw=matrix_from_euler(0, -12, 0),
        left_eye=matrix_from_euler(-8, 3, 0),
        right_eye=matrix_from_euler(-6, 3, 0),
    )


@pytest.fixture
def posed() -> Callable[..., RigPose]:
    """A pose at a time, with weights by name; head, jaw and eyes are turned."""
    return make_pose


def live_link_bytes(
    values: Any, frame: int = 7, subframe: float = 0.25, subject: str = "Ada", fps: int = 60
) -> bytes:
    """A packet put together by hand, field by field; without a face where values are None."""
    name = subject.encode()
    data = b"\x06" + struct.pack(">i", 4) + b"dev1" + struct.pack(">i", len(name))
    data += name + struct.pack(">ifii", frame, subframe, fps, 1)
    return data if values is None else data + struct.pack(">B61f", 61, *values)


@pytest.fixture
def live_link() -> Callable[..., bytes]:
    """A Live Link packet that no code of ours has made."""
    return live_link_bytes


def osc_messages(data: bytes) -> Iterator[tuple[str, list[Any]]]:
    """An OSC reader of its own, by the letter of the specification of OSC 1.0."""
    if data[:8] == b"#bundle\x00":
        rest = data[16:]
        while rest:
            (size,) = struct.unpack(">i", rest[:4])
            assert size % 4 == 0
            yield from osc_messages(rest[4 : 4 + size])
            rest = rest[4 + size :]
        return

    def text() -> str:
        nonlocal data
        end = data.index(0)
        found, length = data[:end].decode("ascii"), (end // 4 + 1) * 4
        assert not data[end:length].strip(b"\x00")
        data = data[length:]
        return found

    address, kinds, arguments = text(), text(), []
    assert kinds[0] == ","
    for kind in kinds[1:]:
        if kind == "s":
            arguments.append(text())
        else:
            arguments.append(struct.unpack({"f": ">f", "i": ">i"}[kind], data[:4])[0])
            data = data[4:]
    assert not data
    yield address, arguments


@pytest.fixture
def osc_reader() -> Callable[[bytes], Iterator[tuple[str, list[Any]]]]:
    """Addresses and arguments of a packet, read by other code than what is tested."""
    return osc_messages
