"""The vocabulary of feedback: a correction, and the wish to take one or all of them back.

All are frozen and validated when built, and go through JSON without loss. Whoever sends feedback is
known by the SHA-256 of a random token that stays in the browser, and by nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal, TypeAlias
from uuid import UUID

import numpy as np

from ..arrays import Array, UInt8
from ..channels import EMOTIONS
from ..errors import InputError, MienError
from ..types import N_LANDMARKS, Landmarks
from .consent import CONSENTS

__all__ = [
    "CROP_SIDE",
    "LABELS",
    "NONE",
    "Forget",
    "Model",
    "Record",
    "StoreError",
    "Submission",
    "Withdraw",
    "person_of",
    "record_of",
]

NONE = "none"
"""What the user says when none of the seven fits."""

LABELS = (*EMOTIONS, NONE)
"""What the user may say."""

CROP_SIDE = 48
"""Rows and columns of the grey picture."""

_FAR = 100_000.0  # pixels; no picture is that wide
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,128}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class StoreError(MienError):
    """The database cannot be used now; what was to be written has not been."""


def person_of(token: str) -> str:
    """What a deletion token is kept as: its SHA-256, in hexadecimal.

    Raises:
        InputError: not 22 to 128 letters of base64url; fewer could be guessed.
    """
    if not _TOKEN.fullmatch(token):
        raise InputError(
            "a deletion token has 22 to 128 letters, digits, - and _; copy it from the Session tab "
            "of the page that sent the feedback"
        )
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Model:
    """Which head spoke.

    Raises:
        InputError: a name, version or SHA-256 that no head has.
    """

    name: str
    version: str
    sha256: str

    def __post_init__(self) -> None:
        for what, value in (("name", self.name), ("version", self.version)):
            _require(_NAME.fullmatch(value), f"the model's {what} is like arkit52, got {value!r}")
        _require(
            _DIGEST.fullmatch(self.sha256),
            f"the model's sha256 has 64 hexadecimal digits, got {self.sha256[:80]!r}",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Submission:
    """One correction.

    Attributes:
        id: given by the client, so that what is sent twice is stored once.
        person: SHA-256 of the sender's token, see :func:`person_of`.
        consent: version of the text that was agreed to.
        model: that spoke.
        engine: landmark engine that found the points.
        said: float32 (7,), what the model said: probabilities in the order of
            ``channels.EMOTIONS``.
        label: what the user says, one of :data:`LABELS`.
        landmarks: in the picture that was judged.
        crop: uint8 (48, 48), the face in grey, when the user gave it too.
        time: when it was received, with a time zone.

    Raises:
        InputError: a value that cannot be used; the message names it.
    """

    id: UUID
    person: str
    consent: str
    model: Model
    engine: str
    said: Array
    label: str
    landmarks: Landmarks
    crop: UInt8[Array, "48 48"] | None = None
    time: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    def __post_init__(self) -> None:
        _require(_DIGEST.fullmatch(self.person), "person is the SHA-256 of a token")
        _require(
            self.consent in CONSENTS,
            f"consent is {self.consent[:80]!r}, the texts are {', '.join(CONSENTS)}; nothing is "
            "stored without it",
        )
        _require(_NAME.fullmatch(self.engine), f"engine is like facemesh, got {self.engine!r}")
        _require(
            self.label in LABELS,
            f"the label is one of {', '.join(LABELS)}, got {self.label[:80]!r}",
        )
        said = self.said
        good = said.shape == (len(EMOTIONS),) and said.dtype == np.float32
        good = good and bool((said >= 0).all()) and math.isclose(said.sum(), 1, abs_tol=0.01)
        _require(good, f"the model says {len(EMOTIONS)} probabilities with the sum 1, got {said}")
        extent = np.ptp(self.landmarks.points[:, :2], axis=0)
        _require(bool((extent > 1).all()), "the landmarks lie in one place; that is no face")
        crop = self.crop
        _require(
            crop is None or (crop.shape == (CROP_SIDE, CROP_SIDE) and crop.dtype == np.uint8),
            f"the picture is uint8 {CROP_SIDE}x{CROP_SIDE}",
        )
        _require(self.time.tzinfo is not None, "the time needs a time zone")

    @property
    def told(self) -> str:
        """The emotion that the model thought most likely."""
        return EMOTIONS[int(self.said.argmax())]

    def as_dict(self) -> dict[str, Any]:
        """As JSON; :func:`record_of` reads it again."""
        width, height = self.landmarks.size
        return {
            "do": "add",
            "id": str(self.id),
            "person": self.person,
            "consent": self.consent,
            "model": {
                "name": self.model.name,
                "version": self.model.version,
                "sha256": self.model.sha256,
            },
            "engine": self.engine,
            "said": [float(p) for p in self.said],
            "label": self.label,
            "size": [width, height],
            "landmarks": _encoded(self.landmarks.points.astype("<f4")),
            "crop": None if self.crop is None else _encoded(self.crop),
            "time": self.time.isoformat(),
        }

    @classmethod
    def from_values(
        cls,
        *,
        said: Sequence[float],
        size: Sequence[int],
        landmarks: str,
        crop: str | None,
        **others: Any,
    ) -> Submission:
        """From what JSON can hold.

        Args:
            said: probabilities.
            size: width and height of the picture, pixels.
            landmarks: base64 of 478 x 3 float32, little-endian.
            crop: base64 of 48 x 48 bytes, or None.
            others: the other fields, as they are.

        Raises:
            InputError: see :class:`Submission`.
        """
        data = _decoded("landmarks", landmarks, N_LANDMARKS * 3 * 4)
        points = np.frombuffer(data, "<f4").reshape(N_LANDMARKS, 3).astype(np.float32)
        # NaN and infinity are not below it either.
        _require((np.abs(points) < _FAR).all(), "the landmarks are points of a picture, in pixels")
        width, height = size
        _require(
            0 < width < _FAR and 0 < height < _FAR,
            f"the size is the picture's width and height in pixels, got {width} x {height}",
        )
        grey = None
        if crop is not None:
            grey = np.frombuffer(_decoded("crop", crop, CROP_SIDE**2), np.uint8)
            grey = grey.reshape(CROP_SIDE, CROP_SIDE)
        return cls(
            said=np.array(said, np.float32),
            landmarks=Landmarks(points, (int(width), int(height))),
            crop=grey,
            **others,
        )


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take one submission back."""

    id: UUID
    person: str

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"do": "withdraw", "id": str(self.id), "person": self.person}


@dataclass(frozen=True, slots=True)
class Forget:
    """Delete all that a person has sent."""

    person: str

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"do": "forget", "person": self.person}


Record: TypeAlias = Submission | Withdraw | Forget
_Do: TypeAlias = Literal["add", "withdraw", "forget"]


def record_of(table: Mapping[str, Any]) -> Record:
    """What ``as_dict`` gave.

    Raises:
        InputError: it is not that.
    """
    try:
        values = dict(table)
        do: _Do = values.pop("do")
        person = values.pop("person")
        _require(_DIGEST.fullmatch(person), "person is the SHA-256 of a token")
        if do == "forget":
            return Forget(person)
        number = UUID(values.pop("id"))
        if do == "withdraw":
            return Withdraw(number, person)
        model = Model(**values.pop("model"))
        time = datetime.fromisoformat(values.pop("time"))
        return Submission.from_values(id=number, person=person, model=model, time=time, **values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"this is no feedback: {error!r}") from None


def _require(good: object, message: str) -> None:
    if not good:
        raise InputError(message)


def _encoded(array: Array) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _decoded(what: str, text: str, length: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputError(f"{what} is no base64") from None
    if len(data) != length:
        raise InputError(f"{what} has {length} bytes in base64, got {len(data)}")
    return data
