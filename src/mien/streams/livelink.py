"""Live Link Face packets (UDP, port 11111), as the app for Apple's phones sends them to Unreal.

Version 6, big-endian: ``u8 6 | i32 length, device | i32 length, subject | i32 frame, f32 subframe,
i32 rate numerator, i32 denominator | u8 61 | 61 x f32``; a packet without a face ends before the
count. The 61 are the 52 ARKit channels in the order of ``channels.ARKIT_52``, then yaw, pitch and
roll of head, left eye and right eye.

The angles are radians. Compared with :mod:`mien.geometry` (yaw left, pitch up, roll to the left
shoulder):

===========  =====  ========  =====
of           yaw    pitch     roll
===========  =====  ========  =====
the head     left   up        right
the eyes     right  **down**  right
===========  =====  ========  =====

The signs of the eyes were read off a real capture, where they go with the channels eyeLookIn,
eyeLookOut and eyeLookDown at correlations of 0.8 to 1. Those of the head go with them as eyes do
that stay on a camera while the head turns, and are what receivers of the app count on.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..arrays import Array, Float, Float32
from ..channels import ARKIT_52
from ..geometry import euler_from_matrix, matrix_from_euler
from ..types import RigPose
from .pose import MalformedError, arkit_weights

__all__ = ["COLUMNS", "PORT", "Packet", "decode", "encode", "pose_of", "values_of"]

PORT = 11111
_VERSION = 6
_ANGLES = tuple(
    f"{part}{angle}"
    for part in ("Head", "LeftEye", "RightEye")
    for angle in ("Yaw", "Pitch", "Roll")
)
COLUMNS: tuple[str, ...] = (*(name[0].upper() + name[1:] for name in ARKIT_52), *_ANGLES)
"""Names of the 61 values, as the app spells them in its CSV files."""

_COUNT = len(COLUMNS)
_TIME = struct.Struct(">ifii")
_LENGTH = struct.Struct(">i")
_LONGEST = 1024  # of a name in bytes
_FLOATS = np.dtype(">f4")
# Radians of the format for degrees of ours: yaw, pitch, roll.
_HEAD = np.array([1.0, 1.0, -1.0]) * (math.pi / 180)
_EYE = np.array([-1.0, -1.0, -1.0]) * (math.pi / 180)


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """One packet, as it stands in the bytes.

    Attributes:
        device: identifies the phone; any text.
        subject: under which name Unreal lists the face.
        frame, subframe: time in frames; the subframe is a fraction, yet real captures go beyond 1.
        rate: frames per second as (numerator, denominator).
        values: float32 (61,), see :data:`COLUMNS`; None where the packet is without a face.
    """

    device: str
    subject: str
    frame: int
    subframe: float
    rate: tuple[int, int] = (60, 1)
    values: Float32[Array, "61"] | None = None

    @property
    def time(self) -> float:
        """Seconds since frame 0 of the sender's clock."""
        numerator, denominator = self.rate
        return (self.frame + self.subframe) * denominator / numerator

    @classmethod
    def at(
        cls,
        time: float,
        values: Float32[Array, "61"] | None,
        *,
        subject: str,
        device: str = "mien",
        rate: Fraction = Fraction(60),
    ) -> Packet:
        """The packet of a moment: seconds become frames and a fraction at the given rate."""
        frames = time * rate.numerator / rate.denominator
        whole = math.floor(frames)
        fraction = float(np.float32(frames - whole))
        if fraction >= 1:  # rounded up to the next frame
            whole, fraction = whole + 1, 0.0
        # The counter has 32 bits; after a year at 60 a second it begins again.
        whole %= 1 << 31
        return cls(device, subject, whole, fraction, (rate.numerator, rate.denominator), values)


def encode(packet: Packet) -> bytes:
    """The bytes of a packet; :func:`decode` is the inverse, bit by bit."""
    device, subject = packet.device.encode(), packet.subject.encode()
    parts = [
        bytes((_VERSION,)),
        _LENGTH.pack(len(device)),
        device,
        _LENGTH.pack(len(subject)),
        subject,
        _TIME.pack(packet.frame, packet.subframe, *packet.rate),
    ]
    if packet.values is not None:
        parts += (bytes((_COUNT,)), packet.values.astype(_FLOATS).tobytes())
    return b"".join(parts)


def decode(data: bytes) -> Packet:
    """Read a packet.

    Raises:
        MalformedError: another version, lengths that do not add up, text that is none, values
            that are not finite.
    """
    if not data or data[0] != _VERSION:
        raise MalformedError(f"version {data[0]}" if data else "an empty packet")
    device, at = _text(data, 1)
    subject, at = _text(data, at)
    if len(data) < at + _TIME.size:
        raise MalformedError("it ends within the time")
    frame, subframe, numerator, denominator = _TIME.unpack_from(data, at)
    if numerator <= 0 or denominator <= 0 or not math.isfinite(subframe):
        raise MalformedError(f"a frame rate of {numerator}/{denominator}, subframe {subframe}")
    at += _TIME.size
    rate = (numerator, denominator)
    if len(data) == at:
        return Packet(device, subject, frame, subframe, rate)
    if data[at] != _COUNT or len(data) != at + 1 + 4 * _COUNT:
        raise MalformedError(f"{data[at]} values in {len(data) - at - 1} bytes, expected {_COUNT}")
    values = np.frombuffer(data, _FLOATS, _COUNT, at + 1).astype(np.float32)
    if not np.isfinite(values).all():
        raise MalformedError("values that are not finite")
    return Packet(device, subject, frame, subframe, rate, values)


def _text(data: bytes, at: int) -> tuple[str, int]:
    if len(data) < at + 4:
        raise MalformedError("it ends within a length")
    (length,) = _LENGTH.unpack_from(data, at)
    at += 4
    if not 0 <= length <= _LONGEST or at + length > len(data):
        raise MalformedError(f"a name of {length} bytes in {len(data)}")
    try:
        return data[at : at + length].decode(), at + length
    except UnicodeDecodeError as error:
        raise MalformedError("a name that is no UTF-8") from error


def values_of(pose: RigPose) -> Float32[Array, "61"]:
    """The 61 values of a pose. Live Link knows no position and no turn of the jaw."""
    values = np.empty(_COUNT, np.float32)
    values[:52] = arkit_weights(pose)
    values[52:55] = _HEAD * euler_from_matrix(pose.head)
    values[55:58] = _EYE * euler_from_matrix(pose.left_eye)
    values[58:61] = _EYE * euler_from_matrix(pose.right_eye)
    return values


def pose_of(values: Float32[Array, "61"], time: float) -> RigPose:
    """The pose that 61 values stand for; inverse of :func:`values_of`.

    Args:
        values: see :data:`COLUMNS`.
        time: of the pose, seconds.
    """
    return RigPose(
        time,
        ARKIT_52,
        values[:52].astype(np.float32),
        head=_matrix(values[52:55], _HEAD),
        left_eye=_matrix(values[55:58], _EYE),
        right_eye=_matrix(values[58:61], _EYE),
    )


def _matrix(radians: Float32[Array, "3"], factors: Float[Array, "3"]) -> Float[Array, "3 3"]:
    yaw, pitch, roll = (radians / factors).tolist()
    return matrix_from_euler(yaw, pitch, roll)
