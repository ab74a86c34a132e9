"""The binary messages of ``WS /ws``; ``web/src/generated/wire.ts`` is generated from this module.

All numbers are little-endian. A frame goes up as ``FRAME_HEADER`` followed by its pixels; an
answer comes down as ``ANSWER_HEADER`` followed by one float32 block of equal length for each face.
Every offset is a multiple of four (of eight for float64), so that a browser can lay typed arrays on
the buffer without copying. A value that no model produced is NaN.

In a private session a frame has no pixels: what follows its header are the landmarks of its faces.

A client keeps at most ``IN_FLIGHT`` frames unanswered. A frame is answered by an answer or by a
JSON error with its sequence number; an answer also settles all older frames, which were dropped
for a newer one.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, Float32
from ..channels import ACTION_UNITS, ARKIT_52, EMOTIONS
from ..errors import InputError
from ..types import N_LANDMARKS, N_MORPHABLE, Face, Observation

__all__ = [
    "ANSWER_HEADER",
    "FACE_BLOCK",
    "FRAME_BYTES",
    "FRAME_HEADER",
    "IN_FLIGHT",
    "MAGIC",
    "MOST_FACES",
    "STAGES",
    "SUBPROTOCOL",
    "TOKEN_PREFIX",
    "VERSION",
    "Close",
    "Encoding",
    "FrameMessage",
    "pack_answer",
    "unpack_frame",
    "unpack_landmarks",
]

MAGIC = 0x6E65696D
"""The letters "mien"."""

VERSION = 1

SUBPROTOCOL = "mien.v1"
"""WebSocket subprotocol that a client offers."""

TOKEN_PREFIX = "mien.token."  # noqa: S105
"""A client that cannot set headers may offer the token as one more subprotocol after this."""

IN_FLIGHT = 2
"""Frames that a client may have unanswered: one being looked at, one waiting."""


class Close(IntEnum):
    """Codes with which the server closes a WebSocket; a JSON error that says why goes before."""

    REFUSED = 1008
    """The token is wrong, or too many messages could not be used: coming back will not help."""
    TOO_BIG = 1009
    """A message over the limit."""
    FAILED = 1011
    """The server failed; coming back may help."""
    RESTART = 1012
    """The server is stopping; come back in a moment."""
    LATER = 1013
    """No room, no models, or the reader was too slow: come back later."""


class Encoding(IntEnum):
    """What a frame message brings: pixels in some form, or landmarks instead."""

    IMAGE = 1
    """A JPEG, PNG or WebP file."""
    RGB = 2
    """Raw rows, 3 bytes a pixel."""
    RGBA = 3
    """Raw rows, 4 bytes a pixel, alpha ignored (what a canvas gives)."""
    LANDMARKS = 4
    """No picture: float32 x, y, z of 478 points a face, in pixels, z in the scale of x."""


# name, struct code; every code is 4 or 8 bytes long.
FRAME_HEADER: tuple[tuple[str, str], ...] = (
    ("magic", "I"),
    ("version", "I"),
    ("encoding", "I"),
    ("sequence", "I"),
    ("time", "d"),  # seconds on the sender's clock
    ("width", "I"),  # of raw pixels, or of the picture that landmarks are of; otherwise 0
    ("height", "I"),
)

MOST_FACES = 64
"""Faces whose landmarks fit into one frame."""

STAGES = ("wait", "decode", "landmarks", "identity", "pose", "heads", "smooth", "total")
"""Stages timed for each answer, in seconds; ``wait`` is the time in the server's slot and ``total``
that from the arrival of the frame until its answer leaves."""

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
FRAME_BYTES = _FRAME.size
"""Length of the header of a frame."""

_POINTS_BYTES = 4 * 3 * N_LANDMARKS
_BLOCK = sum(length for _, length in FACE_BLOCK)


def _slices() -> dict[str, slice]:
    ends = np.cumsum([length for _, length in FACE_BLOCK]).tolist()
    return {
        name: slice(end - length, end) for (name, length), end in zip(FACE_BLOCK, ends, strict=True)
    }


_SLICES = _slices()


@dataclass(frozen=True, slots=True)
class FrameMessage:
    """A frame as it came in: the header, and a view of the rest that is not decoded yet."""

    encoding: Encoding
    sequence: int
    time: float
    width: int
    height: int
    pixels: memoryview


def unpack_frame(message: bytes) -> FrameMessage:
    """Read a frame message.

    Raises:
        InputError: not a frame of this version, or raw pixels or landmarks of the wrong length.
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
    try:
        encoding = Encoding(code)
    except ValueError:
        known = [*map(int, Encoding)]
        raise InputError(f"encoding {code} is unknown; send one of {known}") from None
    pixels = memoryview(message)[_FRAME.size :]
    if encoding is Encoding.LANDMARKS:
        if len(pixels) % _POINTS_BYTES or len(pixels) > MOST_FACES * _POINTS_BYTES:
            raise InputError(
                f"landmarks are {_POINTS_BYTES} bytes for each of 0 to {MOST_FACES} faces, "
                f"got {len(pixels)}"
            )
    elif encoding is not Encoding.IMAGE:
        expected = width * height * (3 if encoding is Encoding.RGB else 4)
        if not expected or len(pixels) != expected:
            raise InputError(
                f"raw {encoding.name} of {width}x{height} needs {expected} bytes (more than 0), "
                f"got {len(pixels)}"
            )
    if not math.isfinite(time):
        raise InputError(f"the time of a frame must be finite, got {time}")
    return FrameMessage(encoding, sequence, time, width, height, pixels)


def unpack_landmarks(message: FrameMessage) -> Float32[Array, "n 478 3"]:
    """The points of a frame that brings landmarks; what they are is not checked."""
    return np.frombuffer(message.pixels, "<f4").reshape(-1, N_LANDMARKS, 3).astype(np.float32)


def pack_answer(
    observation: Observation,
    *,
    sequence: int,
    time: float,
    dropped: int,
    timings: Mapping[str, float],
) -> bytes:
    """The answer to one frame.

    Args:
        observation: what was seen.
        sequence: of the frame.
        time: of the frame, as sent.
        dropped: frames dropped for a newer one since the session began.
        timings: seconds for each of ``STAGES``; a stage that is missing is 0.
    """
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
    blocks = np.full((len(observation.faces), _BLOCK), np.nan, "<f4")
    for block, face in zip(blocks, observation.faces, strict=True):
        for name, value in _values(face).items():
            if value is not None:
                block[_SLICES[name]] = value
    return header + blocks.tobytes()


def _values(face: Face) -> dict[str, ArrayLike | None]:
    landmarks, pose = face.landmarks, face.pose
    values: dict[str, ArrayLike | None] = {
        "id": face.id,
        "presence": landmarks.presence,
        "inside": landmarks.inside,
        "mouth_open": face.mouth_open,
        "points": landmarks.points.reshape(-1),
        "expression": face.expression,
        "engine_shapes": face.engine_shapes,
        "morphable": face.morphable,
        "action_units": face.action_units,
        "emotion": face.emotion,
    }
    if pose is not None:
        values |= {
            "yaw": pose.yaw,
            "pitch": pose.pitch,
            "roll": pose.roll,
            "scale": pose.scale,
            "translation": pose.translation,
            "rotation": pose.rotation.reshape(-1),
        }
    return values
