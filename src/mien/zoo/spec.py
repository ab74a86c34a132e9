"""What a third-party model is, and the list of those that mien knows."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from .. import assets
from ..errors import InputError

__all__ = ["SPECS", "ModelSpec", "find", "several", "trusted"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def trusted(url: str) -> bool:
    """Whether bytes may travel over this address: https, or plain http within this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What its makers publish and ``mien pull`` fetches: one file, or several in one folder.

    Attributes:
        name: what the user types.
        file: file name in the cache; no folders. With parts it is the folder they lie in.
        url: official address; with parts what the addresses of all of them begin with.
        sha256: of the whole file, 64 hexadecimal digits in lower case; with parts that of their
            list, as ``sha256sum`` prints it.
        size: bytes, of all parts together.
        licence: SPDX expression.
        summary: what it is, in one line.
        parts: the files of a model that is more than one; each is a spec under the model's name.
    """

    name: str
    file: str
    url: str
    sha256: str
    size: int
    licence: str
    summary: str
    parts: tuple[ModelSpec, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", self.name):
            raise ValueError(f"a model is named in lower case, digits, - and _, got {self.name!r}")
        if not re.fullmatch(r"[\w-][\w.-]*", self.file):
            raise ValueError(f"{self.name}: file must be a plain file name, got {self.file!r}")
        if not trusted(self.url):
            raise ValueError(f"{self.name}: the address must start with https://, got {self.url}")
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ValueError(f"{self.name}: sha256 needs 64 hex digits, got {self.sha256!r}")
        if self.size <= 0:
            raise ValueError(f"{self.name}: size is a positive number of bytes, got {self.size}")
        if self.parts:
            self._check_parts()

    def _check_parts(self) -> None:
        if len({part.file for part in self.parts}) < len(self.parts):
            raise ValueError(f"{self.name}: two parts share a file name")
        if self.size != sum(part.size for part in self.parts):
            raise ValueError(f"{self.name}: size is that of all parts together, got {self.size}")
        if self.sha256 != _digest(self.parts):
            raise ValueError(f"{self.name}: sha256 is that of the list of its parts")
        for part in self.parts:
            if part.parts or part.name != self.name or not part.url.startswith(self.url):
                raise ValueError(
                    f"{self.name}: {part.file} is no part of it; expected one file below "
                    f"{self.url} under the same name"
                )


def _digest(parts: tuple[ModelSpec, ...]) -> str:
    lines = "".join(f"{part.sha256}  {part.file}\n" for part in parts)
    return hashlib.sha256(lines.encode()).hexdigest()


def several(name: str, table: Mapping[str, Any], summary: str) -> ModelSpec:
    """A model of several files.

    Args:
        name: what the user types, and the folder in the cache.
        table: ``url``, ``licence``, and ``files``: size and SHA-256 by path below the address;
            what :mod:`mien.zoo.listing` writes.
        summary: what it is, in one line.
    """
    licence = str(table["licence"])
    parts = tuple(
        ModelSpec(name, place.rpartition("/")[2], table["url"] + place, sha256, size, licence, "")
        for place, (size, sha256) in table["files"].items()
    )
    total = sum(part.size for part in parts)
    return ModelSpec(name, name, table["url"], _digest(parts), total, licence, summary, parts)


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
            several(
                "ict-facekit",
                assets.load("ict_facekit"),
                "ICT-FaceKit: a realistic head with 53 expressions, for `mien avatar ict`",
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
