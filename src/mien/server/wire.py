"""The binary messages of ``WS /ws``; ``web/src/generated/wire.ts`` is generated from this module.

All numbers are little-endian. A frame goes up as ``FRAME_HEADER`` followed by its pixels; an
answer comes down as ``ANSWER_HEADER`` followed by one float32 block of equal length for each face.
Every offset is a multiple of four, so that a browser can lay typed arrays on the buffer without
copying. A value that no model produced is NaN.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ..arrays import Array
from ..channels import ACTION_UNITS, ARKIT_52, EMOTIONS
from ..errors import InputError
from ..types import N_LANDMARKS, N_MORPHABLE, Face, Observation

__all__ = [
    "ANSWER_HEADER",
    "FACE_BLOCK",
    "FRAME_HEADER",
    "MAGIC",
    "STAGES",
    "VERSION",
    "Encoding",
    "FrameMessage",
    "pack_answer",
    "unpack_frame",
]

MAGIC = 0x6E65696D
"""The letters "mien"."""

VERSION = 1


class Encoding(IntEnum):
    """How the pixels of a frame message are encoded."""

    IMAGE = 1
    """A JPEG, PNG or WebP file."""
    RGB = 2
    """Raw rows, 3 bytes a pixel."""
    RGBA = 3
    """Raw rows, 4 bytes a pixel, alpha ignored (what a canvas gives)."""


# name, struct code; every code is 4 or 8 bytes long.
FRAME_HEADER: tuple[tuple[str, str], ...] = (
    ("magic", "I"),
    ("version", "I"),
    ("encoding", "I"),
    ("sequence", "I"),
    ("time", "d"),  # seconds on the sender's clock
    ("width", "I"),  # raw pixels only, otherwise 0
    ("height", "I"),
)

STAGES = ("wait", "decode", "landmarks", "identity", "pose", "heads", "smooth", "total")
"""Stages timed for each answer, in seconds; ``wait`` is the time in the server's slot."""

ANSWER_HEADER: tuple[tuple[str, str], ...] = (
    ("magic", "I"),
    ("version", "I"),
    ("sequence", "I"),  # of the frame that is answered; older unanswered frames were dropped
    ("faces", "I"),
    ("time", "d"),  # as sent
    ("width", "I"),  # of the decoded frame
    ("height", "I"),
    ("dropped", "I"),  # frames dropped for a newer one since the session began
    ("block", "I"),  # floats per face
    *((f"seconds_{stage}", "f") for stage in STAGES),
)

FACE_BLOCK: tuple[tuple[str, int], ...] = (
    ("id", 1),
    ("presence", 1),
    ("inside", 1),  # share of the points within the picture
    ("mouth_open", 1),  # 0, 1 or NaN
    ("yaw", 1),  # degrees
    ("pitch", 1),
    ("roll", 1),
    ("scale", 1),  # pixels per head unit
    ("translation", 3),  # pixels
    ("rotation", 9),  # row by row, head frame -> camera axes
    ("points", N_LANDMARKS * 3),  # pixels of the frame as sent
    ("expression", len(ARKIT_52)),
    ("engine_shapes", len(ARKIT_52)),
    ("morphable", N_MORPHABLE),
    ("action_units", len(ACTION_UNITS)),
    ("emotion", len(EMOTIONS)),
)

_FRAME = struct.Struct("<" + "".join(code for _, code in FRAME_HEADER))
_ANSWER = struct.Struct("<" + "".join(code for _, code in ANSWER_HEADER))
_BLOCK = sum(length for _, length in FACE_BLOCK)


@dataclass(frozen=True, slots=True)
class FrameMessage:
    """A frame as it came in: the header, and a view of the pixels that is not decoded yet."""

    encoding: Encoding
    sequence: int
    time: float
    width: int
    height: int
    pixels: memoryview


def unpack_frame(message: bytes) -> FrameMessage:
    """Read a frame message.

    Raises:
        InputError: not a frame of this version, or raw pixels of the wrong length.
    """
    if len(message) < _FRAME.size:
        raise InputError(
            f"a frame starts with a header of {_FRAME.size} bytes, got a message of {len(message)}"
        )
    magic, version, code, sequence, time, width, height = _FRAME.unpack_from(message)
    if magic != MAGIC or version != VERSION:
        raise InputError(
            f"expected a frame of version {VERSION} (magic {MAGIC:#010x}), got version {version} "
            f"(magic {magic:#010x}); reload the page if mien was updated"
        )
    if code not in tuple(Encoding):
        raise InputError(f"encoding {code} is unknown; send one of {[*map(int, Encoding)]}")
    encoding = Encoding(code)
    pixels = memoryview(message)[_FRAME.size :]
    if encoding is not Encoding.IMAGE:
        expected = width * height * (3 if encoding is Encoding.RGB else 4)
        if not expected or len(pixels) != expected:
            raise InputError(
                f"raw {encoding.name} of {width}x{height} needs {expected} bytes (more than 0), "
                f"got {len(pixels)}"
            )
    if not np.isfinite(time):
        raise InputError(f"the time of a frame must be finite, got {time}")
    return FrameMessage(encoding, sequence, time, width, height, pixels)


def pack_answer(
    observation: Observation,
    *,
    sequence: int,
    time: float,
    dropped: int,
) -> bytes:
    """The answer to one frame."""
    timings = observation.timings
    header = _ANSWER.pack(
        MAGIC,
        VERSION,
        sequence,
        len(observation.faces),
        time,
        *observation.size,
        dropped,
        _BLOCK,
        *(timings.get(stage, 0.0) for stage in STAGES),
    )
    return header + b"".join(_pack_face(face) for face in observation.faces)


def _pack_face(face: Face) -> bytes:
    parts: list[Array] = []
    pose = face.pose
    values: dict[str, float | Array | None] = {
        "id": float(face.id),
        "presence": face.landmarks.presence,
        "inside": face.landmarks.inside,
        "mouth_open": face.mouth_open,
        "yaw": pose and pose.yaw,
        "pitch": pose and pose.pitch,
        "roll": pose and pose.roll,
        "scale": pose and pose.scale,
        "translation": pose and pose.translation,
        "rotation": pose and pose.rotation,
        "points": face.landmarks.points,
        "expression": face.expression,
        "engine_shapes": face.engine_shapes,
        "morphable": face.morphable,
        "action_units": face.action_units,
        "emotion": face.emotion,
    }
    for name, length in FACE_BLOCK:
        value = values[name]
        block = np.full(length, np.nan) if value is None else np.asarray(value).reshape(length)
        parts.append(block)
    return np.concatenate(parts).astype("<f4").tobytes()
