"""What a third-party model is, and the list of those that mien knows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from ..errors import InputError

__all__ = ["SPECS", "ModelSpec", "find", "trusted"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def trusted(url: str) -> bool:
    """Whether bytes may travel over this address: https, or plain http within this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One file that its makers publish and ``mien pull`` fetches.

    Attributes:
        name: what the user types.
        file: file name in the cache; no folders.
        url: official address.
        sha256: of the whole file, 64 hexadecimal digits in lower case.
        size: bytes.
        licence: SPDX expression.
        summary: what it is, in one line.
    """

    name: str
    file: str
    url: str
    sha256: str
    size: int
    licence: str
    summary: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9_]+", self.name):
            raise ValueError(f"a model is named in lower case, digits and _, got {self.name!r}")
        if not re.fullmatch(r"[\w-][\w.-]*", self.file):
            raise ValueError(f"{self.name}: file must be a plain file name, got {self.file!r}")
        if not trusted(self.url):
            raise ValueError(f"{self.name}: the address must start with https://, got {self.url}")
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ValueError(f"{self.name}: sha256 needs 64 hex digits, got {self.sha256!r}")
        if self.size <= 0:
            raise ValueError(f"{self.name}: size is a positive number of bytes, got {self.size}")


SPECS: Mapping[str, ModelSpec] = MappingProxyType(
    {
        model.name: model
        for model in (
            ModelSpec(
                name="face_landmarker",
                file="face_landmarker.task",
                url="https://storage.googleapis.com/mediapipe-models/face_landmarker/"
                "face_landmarker/float16/1/face_landmarker.task",
                sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
                size=3_758_596,
                licence="Apache-2.0",
                summary="MediaPipe Face Landmarker: detector, 478 points, 51 ARKit shapes",
            ),
        )
    }
)
"""Every model that ``mien pull`` knows, by name."""


def find(name: str) -> ModelSpec:
    """The model of this name.

    Raises:
        InputError: an unknown name; the near ones are listed.
    """
    try:
        return SPECS[name]
    except KeyError:
        near = difflib.get_close_matches(name, SPECS, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(SPECS)}"
        raise InputError(f"there is no model named {name!r}; {hint}") from None
