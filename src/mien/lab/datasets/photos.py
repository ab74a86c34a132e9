"""Photographs with Google's shapes as the teacher: ``faces`` and ``fer2013``.

The targets are what another model says, so what a head reaches on them is **agreement** with that
model, not truth.
"""

from __future__ import annotations

import csv
import io
import logging
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays import Array, Bool, Float32, RGBImage
from ...channels import ARKIT_52, index_of
from ...errors import InputError
from ..strict import typed
from . import register, register_coverage, register_pictures
from .crops import crops
from .found import ENGINES, SUFFIXES, Archive, Found, find, walked
from .samples import Samples, aligned_of, split_of

__all__ = [
    "DEAD",
    "Photos",
    "calm",
    "faces_archive",
    "fer2013_archive",
    "samples_of",
    "subjects_of",
    "versions",
]

_log = logging.getLogger(__name__)
_FER_SIDE = 192  # pixels; four times its own

DEAD = (
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "jawForward", "jawRight", "mouthClose",
    "noseSneerLeft", "noseSneerRight",
)  # fmt: skip
"""Channels that the teacher leaves near 0 whatever the face does (their standard deviation over
36,000 photographs is below 0.02): it says nothing about them, so they are NaN."""


_DEAD = np.array([index_of(name) for name in DEAD])
# Most that a calm face shows, by the beginning of the channel's name.
_CALM = {
    "mouthSmile": 0.2, "jawOpen": 0.2, "mouthPucker": 0.4, "mouthFunnel": 0.4, "browDown": 0.4,
    "mouthUpperUp": 0.3, "mouthFrown": 0.3, "mouthShrug": 0.3, "mouthStretch": 0.3,
    "mouthPress": 0.3, "mouthRoll": 0.3,
}  # fmt: skip
_CALM_MOST = np.array(
    [next((most for stem, most in _CALM.items() if name.startswith(stem)), 1.0)
     for name in ARKIT_52], np.float32,
)  # fmt: skip


@dataclass(frozen=True)
class Photos:
    """What a recipe can ask of ``faces`` and ``fer2013``.

    Attributes:
        changes: changed versions of each picture of the train part, beside the picture itself.
        calm: in faces of the train part that the teacher calls calm, the channels that it leaves
            dead are 0: that a cheek is not puffed can be known without it. Made faces alone teach
            when it is, and look otherwise than people do when they are at rest.
        crop: give aligned grey crops as extra inputs, see :mod:`mien.lab.datasets.crops`. They
            take 50 KB each, so that they are cut for the first of the engines only, and the others
            are left out.
        workers: processes that look for landmarks; 0 for as many as there are processors.
    """

    changes: int = 0
    calm: bool = False
    crop: bool = False
    workers: int = 0

    def __post_init__(self) -> None:
        if self.changes < 0 or self.workers < 0:
            raise InputError(f"changes and workers are 0 or more, got {self}")


@register("faces")
def _faces(folder: Path, options: Mapping[str, Any]) -> Samples:
    asked = typed(Photos, options, "options of faces")
    archive = faces_archive(folder)
    people = subjects_of(archive)
    return _read("faces", archive, people, [split_of(name) for name in people], asked)


@register("fer2013")
def _fer2013(folder: Path, options: Mapping[str, Any]) -> Samples:
    asked = typed(Photos, options, "options of fer2013")
    archive = fer2013_archive(folder)
    people = [Path(member).name for member in archive.members]
    # Who is on which picture is not known; PublicTest is the test part, a tenth of Training is
    # for validation.
    split = [
        "test" if member.startswith("test/") else _tenth(name)
        for member, name in zip(archive.members, people, strict=True)
    ]
    return _read("fer2013", archive, people, split, asked)


def _tenth(name: str) -> str:
    return "train" if split_of(name) != "test" else "validation"


def faces_archive(folder: Path) -> Archive:
    """Pictures of ``faces``: ``images/`` and ``legend.csv`` with image and subject.

    Raises:
        InputError: it is not there, or laid out otherwise.
    """
    return _archive(
        folder, "faces", "images/", 0,
        "`faces.zip` or a folder `faces`, with images/ and legend.csv (image, subject)",
    )  # fmt: skip


def fer2013_archive(folder: Path) -> Archive:
    """Pictures of ``fer2013`` in its Kaggle layout: ``train/<class>/`` and ``test/<class>/``.

    Raises:
        InputError: it is not there, or laid out otherwise.
    """
    return _archive(
        folder, "fer2013", ("train/", "test/"), _FER_SIDE,
        "`fer2013.zip` or a folder `fer2013`, with train/<class>/*.jpg and test/<class>/*.jpg "
        "(from the Kaggle challenge, after you have accepted its terms)",
    )  # fmt: skip


@cache
def _archive(
    folder: Path, name: str, inside: str | tuple[str, ...], enlarge: int, expected: str
) -> Archive:
    for path in (folder / f"{name}.zip", folder / name):
        if path.is_dir():
            members = [p.relative_to(path).as_posix() for p in walked(path)]
        elif path.is_file():
            try:
                with zipfile.ZipFile(path) as archive:
                    members = archive.namelist()
            except zipfile.BadZipFile as error:
                raise InputError(f"{path} is no whole zip file ({error}); fetch it again") from None
        else:
            continue
        inner = [m for m in members if m.startswith(inside)]
        members = sorted(m for m in inner if m.lower().endswith(SUFFIXES))
        if not members:
            raise InputError(f"{path} is laid out otherwise than expected: {expected}")
        return Archive(path, tuple(members), enlarge)
    raise InputError(
        f"the data set {name} is not in {folder}: expected {expected}. Data sets are not "
        "downloaded for you; put it there, or name another folder with --data"
    )


@cache
def subjects_of(archive: Archive) -> tuple[str, ...]:
    """Who is on each picture of ``faces``, row by row as in ``Archive.members``.

    Raises:
        InputError: legend.csv is missing or damaged, lacks a column, or leaves a picture out.
    """
    path = archive.path
    table = csv.DictReader(io.StringIO(_legend(path)))
    try:
        rows = list(table)
    except csv.Error as error:
        raise InputError(f"{path}: legend.csv is no table ({error})") from None
    if not {"image", "subject"} <= set(table.fieldnames or ()):
        found = ", ".join(table.fieldnames or ()) or "nothing"
        raise InputError(f"{path}: legend.csv needs the columns image and subject, has {found}")
    if not rows:
        raise InputError(
            f"{path}: legend.csv has titles alone; expected a row for each of the "
            f"{len(archive.members)} pictures: its file name, and a name for who is on it"
        )
    if nameless := [row["image"] for row in rows if not row["subject"]]:
        raise InputError(f"{path}: legend.csv has no subject for {nameless[0]}; name one")
    subjects = {row["image"]: row["subject"] for row in rows}
    if missing := [m for m in archive.members if Path(m).name not in subjects]:
        raise InputError(f"{path}: legend.csv does not say who is on {missing[0]}")
    return tuple(subjects[Path(member).name] for member in archive.members)


def _legend(path: Path) -> str:
    name = "legend.csv"
    try:
        if path.is_dir():
            return (path / name).read_text("utf-8")
        with zipfile.ZipFile(path) as opened:
            return opened.read(name).decode("utf-8")
    except (KeyError, FileNotFoundError):
        raise InputError(f"{path}: expected {name} beside images/; is it whole?") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: {name} is no UTF-8 ({error}); save it as UTF-8") from None
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InputError(f"{path}: {name} is damaged ({error}); fetch it again") from None


def versions(
    archive: Archive, split: Sequence[str], changes: int, workers: int
) -> Iterator[tuple[int, Found, Bool[Array, "n"]]]:
    """Each version of the pictures, what was found in it, and which rows of it are samples.

    Changed pictures are for training only: what is scored is what a camera saw.

    Args:
        archive: the pictures.
        split: of each of them.
        changes: how many changed versions.
        workers: processes that look for landmarks; 0 for as many as there are processors.
    """
    training = np.array([part == "train" for part in split], bool)
    for variant in range(changes + 1):
        yield variant, find(archive, variant, workers or None), training | (variant == 0)


def _read(
    source: str, archive: Archive, people: Sequence[str], split: Sequence[str], asked: Photos
) -> Samples:
    parts = []
    for variant, found, keep in versions(archive, split, asked.changes, asked.workers):
        if variant == 0:
            _tell(source, found)
        parts += [
            samples_of(source, archive, people, split, found, engine, variant, keep)
            for engine in (ENGINES[:1] if asked.crop else ENGINES)
        ]
    samples = Samples.concat(parts)
    if asked.calm:
        training = np.array([part == "train" for part in samples.split], bool)
        rows = np.flatnonzero(training & calm(samples.target))
        samples.target[rows[:, None], _DEAD] = 0
    if asked.crop:
        cut = crops(source, samples.names, samples.pixels, lambda name: _picture(archive, name))
        samples = replace(samples, extra=cut)
    return samples


def samples_of(
    source: str,
    archive: Archive,
    people: Sequence[str],
    split: Sequence[str],
    found: Found,
    engine: str,
    variant: int,
    keep: Array,
) -> Samples:
    """The faces that an engine and the teacher found, among the rows where ``keep`` is true."""
    points = getattr(found, engine)
    there = keep & np.isfinite(points[:, 0, 0]) & np.isfinite(found.shapes[:, 0])
    rows = np.flatnonzero(there)
    pixels = points[rows]
    aligned, rotation = aligned_of(pixels)
    target = found.shapes[rows]
    target[:, [index_of(name) for name in DEAD]] = np.nan
    suffix = f"#{variant}" if variant else ""
    return Samples(
        names=[archive.members[row] + suffix for row in rows],
        subjects=[people[row] for row in rows],
        engine=[engine] * len(rows),
        source=[source] * len(rows),
        aligned=aligned,
        rotation=rotation,
        pixels=pixels,
        size=found.size[rows],
        target=target,
        channels=ARKIT_52,
        split=[split[row] for row in rows],
    )


def calm(shapes: Float32[Array, "n 52"]) -> Bool[Array, "n"]:
    """Whether a face is at rest, by what the teacher says of it."""
    at_rest: Array = (np.nan_to_num(shapes) <= _CALM_MOST).all(axis=1)
    return at_rest


def _tell(source: str, found: Found) -> None:
    total, missed = len(found.size), int(np.isnan(found.facemesh[:, 0, 0]).sum())
    if found.damaged:
        _log.warning("%s: %d of %d pictures are damaged and left out", source, found.damaged, total)
    _log.info("%s: a face was found in %d of %d pictures", source, total - missed, total)


@register_coverage("faces")
def _faces_covered(folder: Path, _: Mapping[str, Any]) -> Mapping[str, int]:
    return find(faces_archive(folder)).coverage()


@register_coverage("fer2013")
def _fer_covered(folder: Path, _: Mapping[str, Any]) -> Mapping[str, int]:
    return find(fer2013_archive(folder)).coverage()


@register_pictures("faces")
def _face_picture(folder: Path, sample: str) -> RGBImage | None:
    return _picture(faces_archive(folder), sample)


@register_pictures("fer2013")
def _fer_picture(folder: Path, sample: str) -> RGBImage | None:
    return _picture(fer2013_archive(folder), sample)


def _picture(archive: Archive, sample: str) -> RGBImage | None:
    member, _, variant = sample.partition("#")
    return archive.seen(member, int(variant or 0))
