"""The grey pictures of a data set, 48 x 48, and what tells copies of a picture; kept on disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import lru_cache

import cv2
import numpy as np
from rich.console import Console

from ... import zoo
from ...arrays import Array, Bool, RGBImage, UInt8
from ...progress import steps_shown
from . import kept
from .found import Archive

__all__ = ["SIDE", "Greys", "grey_of", "greys"]

SIDE = 48
"""Width and height of a picture, pixels: FER-2013's own."""

_REVISION = 1  # of what is done to a picture; another number leaves older caches behind


@dataclass(frozen=True, eq=False)
class Greys:
    """Row by row as in ``Archive.members``.

    Attributes:
        image: uint8 (n, 48, 48); 0 where the picture is damaged.
        digest: uint8 (n, 16), of the decoded pixels at their own size: equal for copies alone.
        there: bool (n,), whether the picture could be decoded.
    """

    image: UInt8[Array, "n 48 48"]
    digest: UInt8[Array, "n 16"]
    there: Bool[Array, "n"]


def grey_of(picture: RGBImage) -> UInt8[Array, "48 48"]:
    """A picture of any size and shape as the nets on pixels see it; means of areas."""
    grey: Array = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if grey.shape == (SIDE, SIDE):
        return grey
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def greys(archive: Archive) -> Greys:
    """All pictures of an archive; from the cache where they are there."""
    return _greys(archive, archive.fingerprint())


@lru_cache(maxsize=2)
def _greys(archive: Archive, fingerprint: str) -> Greys:
    says = f"{_REVISION} {type(archive).__name__} {fingerprint} {cv2.__version__}"
    key = hashlib.sha256(says.encode()).hexdigest()[:16]
    path = zoo.folder().parent / "lab" / f"{archive.path.stem}-grey-{key}.npz"
    count = len(archive.members)
    if stored := kept.read(path, [f.name for f in fields(Greys)], count):
        return Greys(**stored)
    image = np.zeros((count, SIDE, SIDE), np.uint8)
    digest = np.zeros((count, 16), np.uint8)
    there = np.zeros(count, bool)
    with steps_shown(Console(stderr=True), f"pixels of {archive.path.stem}", "pictures") as show:
        for row, member in enumerate(archive.members):
            picture = archive.raw(member)
            if picture is not None:
                image[row], there[row] = grey_of(picture), True
                seen = hashlib.blake2b(f"{picture.shape}".encode(), digest_size=16)
                seen.update(np.ascontiguousarray(picture).data)
                digest[row] = np.frombuffer(seen.digest(), np.uint8)
            if row % 500 == 499:
                show(row + 1, count, "")
    kept.write(path, {"image": image, "digest": digest, "there": there})
    return Greys(image, digest, there)
