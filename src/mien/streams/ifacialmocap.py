"""iFacialMocap's packets (UDP, port 49983): text, ``name-value|...|=head#...|rightEye#...|``.

Values are whole numbers from 0 to 100, names are ARKit's with ``_L`` and ``_R``. Version 2 writes
``name&value``, so that a negative value can be told from a separator; both are read, and also the
names with ``Left`` and ``Right`` of Facemotion3D, which speaks the same.

``head#`` has three angles and a position, ``rightEye#`` and ``leftEye#`` three angles each: degrees
about x (positive down), y (positive to the subject's left) and z (positive to their right
shoulder), that is minus pitch, yaw and minus roll of :mod:`mien.geometry`. They turn in its order,
y x z, which is Unity's as well. The position is in metres, x to the right in an unmirrored picture,
y up, z towards the viewer.

A receiver asks a phone for its packets by sending it :data:`HANDSHAKE`; some receivers take packets
that nobody asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..arrays import Array, Float, Float32
from ..channels import ARKIT_52
from ..geometry import euler_from_matrix, matrix_from_euler
from ..types import RigPose
from .pose import MalformedError, arkit_weights, named

__all__ = ["HANDSHAKE", "PORT", "Reading", "Version", "decode", "encode", "pose_of"]

PORT = 49983
HANDSHAKE = b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719|sendDataVersion=v2"

Version = Literal[1, 2]

_NAMES = tuple(
    name[:-4] + "_L" if name.endswith("Left") and name not in ("jawLeft", "mouthLeft")
    else name[:-5] + "_R" if name.endswith("Right") and name not in ("jawRight", "mouthRight")
    else name
    for name in ARKIT_52
)  # fmt: skip
_MOST_BYTES = 16 * 1024
_MOST_PARTS = 256
_CENTIMETRES = 100.0  # in a metre; a head unit is about a centimetre


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One packet.

    Attributes:
        weights: float32 (52,) in the order of ``channels.ARKIT_52``, 1 for 100.
        head, left_eye, right_eye: degrees about x, y and z as in the packet; None where it has
            none.
        position: metres, None where it has none.
    """

    weights: Float32[Array, "52"]
    head: tuple[float, float, float] | None = None
    left_eye: tuple[float, float, float] | None = None
    right_eye: tuple[float, float, float] | None = None
    position: tuple[float, float, float] | None = None


def encode(pose: RigPose, version: Version = 2) -> bytes:
    """The bytes of a pose; weights are cut to 0..1 and rounded to hundredths."""
    sign = "-" if version == 1 else "&"
    weights = np.rint(100 * arkit_weights(pose).clip(0, 1)).astype(int).tolist()
    parts = [f"{name}{sign}{weight}" for name, weight in zip(_NAMES, weights, strict=True)]
    position = (0.0, 0.0, 0.0) if pose.position is None else pose.position / _CENTIMETRES
    parts.append(f"=head#{_numbers(*_degrees(pose.head), *position)}")
    parts.append(f"rightEye#{_numbers(*_degrees(pose.right_eye))}")
    parts.append(f"leftEye#{_numbers(*_degrees(pose.left_eye))}")
    return ("|".join(parts) + "|").encode("ascii")


def _numbers(*values: float) -> str:
    return ",".join(f"{value:.5f}" for value in values)


def _degrees(rotation: Float[Array, "3 3"]) -> tuple[float, float, float]:
    yaw, pitch, roll = euler_from_matrix(rotation)
    return -pitch, yaw, -roll


def decode(data: bytes) -> Reading:
    """Read a packet of either version; names that are none of ARKit's are passed over.

    Raises:
        MalformedError: no such text, numbers that are none, or neither a channel nor the head.
    """
    if len(data) > _MOST_BYTES:
        raise MalformedError(f"{len(data)} bytes")
    try:
        parts = data.decode("ascii").split("|")
    except UnicodeDecodeError as error:
        raise MalformedError("no plain text") from error
    if len(parts) > _MOST_PARTS:
        raise MalformedError(f"{len(parts)} parts")
    weights = np.zeros(len(ARKIT_52), np.float32)
    turns: dict[str, list[float]] = {}
    found = False
    for part in parts:
        name, hash_sign, numbers = part.strip().partition("#")
        if hash_sign:
            turns[name.lstrip("=")] = [_number(text) for text in numbers.split(",")]
            continue
        # The first separator ends the name: what follows may be negative, and then has a sign.
        name, sign, number = name.partition("&")
        if not sign:
            name, sign, number = name.partition("-")
        i = named(name) if sign else None
        if i is not None:
            weights[i] = _number(number) / 100
            found = True
    head = turns.get("head", [])
    if not (found or len(head) >= 3):
        raise MalformedError("neither a channel nor the head")
    return Reading(
        weights,
        _three(head),
        _three(turns.get("leftEye", [])),
        _three(turns.get("rightEye", [])),
        _three(head[3:]),
    )


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise MalformedError(f"{text[:20]!r} is no number") from error
    if not math.isfinite(value) or abs(value) > 1e6:
        raise MalformedError(f"a value of {value}")
    return value


def _three(values: list[float]) -> tuple[float, float, float] | None:
    return (values[0], values[1], values[2]) if len(values) >= 3 else None


def pose_of(
    reading: Reading, time: float, origin: tuple[float, float, float] | None = None
) -> RigPose:
    """The pose that a packet stands for.

    Args:
        reading: of the packet.
        time: of the pose, seconds.
        origin: where the head was when the source began, metres.
    """
    position = None
    if reading.position is not None:
        start = np.zeros(3) if origin is None else np.array(origin)
        position = (np.array(reading.position) - start) * _CENTIMETRES
    return RigPose(
        time,
        ARKIT_52,
        reading.weights,
        head=_matrix(reading.head),
        position=position,
        left_eye=_matrix(reading.left_eye),
        right_eye=_matrix(reading.right_eye),
    )


def _matrix(degrees: tuple[float, float, float] | None) -> Float[Array, "3 3"]:
    x, y, z = degrees or (0.0, 0.0, 0.0)
    return matrix_from_euler(yaw=y, pitch=-x, roll=-z)
