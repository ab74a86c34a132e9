"""FER-2013 with its seven classes: ``fer2013-emotions``.

Training is the train part, PublicTest the validation part, on which everything is chosen, and
PrivateTest, for those who have it, the test part. Every picture is a sample, whether or not a face
was found in it: who needs landmarks takes the samples of ``facemesh``, who looks at pixels all of
them, and a score over all of them counts a missed face as wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...arrays import Array
from ...channels import EMOTIONS
from ...errors import InputError
from ..strict import typed
from . import register, register_coverage, register_pictures
from .found import Archive, find
from .photos import fer2013_archive
from .samples import MISSED, Samples, aligned_of

__all__ = ["Options"]

_PARTS = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
_SIDE = 48


@dataclass(frozen=True)
class Options:
    """What a recipe can ask of the reader.

    Attributes:
        images: give the grey pictures, 48 x 48.
        workers: processes that look for landmarks; 0 for as many as there are processors.
    """

    images: bool = False
    workers: int = 0

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise InputError(f"workers is 0 or more, got {self.workers}")


@register("fer2013-emotions")
def _read(folder: Path, options: Mapping[str, Any]) -> Samples:
    asked = typed(Options, options, "options of fer2013-emotions")
    archive = fer2013_archive(folder)
    found = find(archive, workers=asked.workers or None)
    rows = np.flatnonzero(found.size[:, 0] > 0)
    members = [archive.members[row] for row in rows]
    pixels = found.facemesh[rows]
    seen = np.isfinite(pixels[:, 0, 0])
    pixels = np.where(seen[:, None, None], pixels, np.float32(0))
    aligned, rotation = np.zeros_like(pixels), np.zeros((len(rows), 3, 3), np.float32)
    aligned[seen], rotation[seen] = aligned_of(pixels[seen])
    target = np.zeros((len(rows), len(EMOTIONS)), np.float32)
    target[np.arange(len(rows)), [_class(member) for member in members]] = 1
    image = None
    if asked.images:
        image = np.stack([_grey(archive, member) for member in members])
    return Samples(
        names=members,
        subjects=[Path(member).name for member in members],
        engine=["facemesh" if there else MISSED for there in seen],
        source=["fer2013-emotions"] * len(rows),
        aligned=aligned,
        rotation=rotation,
        pixels=pixels,
        size=found.size[rows],
        target=target,
        channels=EMOTIONS,
        split=[_part(member) for member in members],
        image=image,
    )


def _grey(archive: Archive, member: str) -> Array:
    picture = archive.raw(member)
    if picture is None:
        raise InputError(f"{archive.path}: {member} has changed since its landmarks were found")
    grey: Array = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if grey.shape == (_SIDE, _SIDE):
        return grey
    return np.asarray(cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA))


def _class(member: str) -> int:
    name = member.split("/")[1]
    if name not in EMOTIONS:
        raise InputError(f"{member}: {name!r} is none of the classes {', '.join(EMOTIONS)}")
    return EMOTIONS.index(name)


def _part(member: str) -> str:
    kind = Path(member).name.partition("_")[0]
    if kind not in _PARTS:
        raise InputError(f"{member}: the name begins with none of {', '.join(_PARTS)}")
    return _PARTS[kind]


@register_coverage("fer2013-emotions")
def _covered(folder: Path) -> Mapping[str, int]:
    return find(fer2013_archive(folder)).coverage()


@register_pictures("fer2013-emotions")
def _picture(folder: Path, sample: str) -> Any:
    return fer2013_archive(folder).read(sample)
