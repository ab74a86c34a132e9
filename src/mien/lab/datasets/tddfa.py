"""Photographs with 3DDFA_V2 as the teacher, and the data set that is true: ``aflw2000``.

=====================  ======================================================  ================
data set               target                                                  what a score is
=====================  ======================================================  ================
``faces-tddfa``        the teacher's ten coefficients                          agreement
``faces-tddfa-mean``   their mean over nine crops, which is steadier           agreement
``aflw2000-tddfa``     the teacher's ten coefficients                          agreement
``aflw2000``           ten of the coefficients that were fitted by its makers  error
=====================  ======================================================  ================

A teacher that looks at a crop five per cent off answers otherwise by a fifteenth of the variance:
nobody can agree with one crop better than it does with the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ... import zoo
from ...arrays import Array, Bool, Float, Float32, RGBImage
from ...errors import InputError
from ...progress import steps_shown
from ...topology import IBUG_68
from ..strict import typed
from . import kept, register, register_pictures
from .found import ENGINES, Archive, Found, find
from .photos import faces_archive, subjects_of, versions
from .samples import CHANNELS_OF, Samples, aligned_of, split_of

__all__ = ["Taught", "aflw2000_archive", "nine_boxes", "taught"]

_REVISION = 1  # of how the teacher is asked; another number leaves older caches behind
_CHUNK = 32  # pictures at a time
_CHANNELS = CHANNELS_OF["morphable"]
_FOLDER = "3ddfa_v2"


@dataclass(frozen=True)
class Taught:
    """What a recipe can ask of the data sets with this teacher.

    Attributes:
        changes: changed versions of each picture of the train part, beside the picture itself; the
            teacher looks at the changed picture.
        extra: give the teacher's own pose and shape, 52 numbers in units of their standard
            deviation, as further inputs. Nobody has these without the teacher: for ablations.
        workers: processes that look for landmarks; 0 for as many as there are processors.
    """

    changes: int = 0
    extra: bool = False
    workers: int = 0

    def __post_init__(self) -> None:
        if self.changes < 0 or self.workers < 0:
            raise InputError(f"changes and workers are 0 or more, got {self}")


@register("faces-tddfa")
def _faces(folder: Path, options: Mapping[str, Any]) -> Samples:
    return _read_faces("faces-tddfa", folder, options, nine=False)


@register("faces-tddfa-mean")
def _faces_mean(folder: Path, options: Mapping[str, Any]) -> Samples:
    return _read_faces("faces-tddfa-mean", folder, options, nine=True)


def _read_faces(source: str, folder: Path, options: Mapping[str, Any], *, nine: bool) -> Samples:
    asked = typed(Taught, options, f"options of {source}")
    archive = faces_archive(folder)
    people = subjects_of(archive)
    split = [split_of(name) for name in people]
    parts = []
    for variant, found, keep in versions(archive, split, asked.changes, asked.workers):
        parameters = taught(archive, found, _teacher_in(folder), variant, nine=nine)
        parts.append(_samples(source, archive, people, found, parameters, variant, keep, asked))
    return Samples.concat(parts)


@register("aflw2000-tddfa")
def _aflw2000_taught(folder: Path, options: Mapping[str, Any]) -> Samples:
    asked = typed(Taught, options, "options of aflw2000-tddfa")
    if asked.changes:
        raise InputError("aflw2000-tddfa: changes are for training; these pictures are for tests")
    archive = aflw2000_archive(folder)
    found = find(archive, 0, asked.workers or None)
    parameters = taught(archive, found, _teacher_in(folder), 0, nine=False)
    return _for_tests("aflw2000-tddfa", archive, found, parameters, asked)


@register("aflw2000")
def _aflw2000(folder: Path, options: Mapping[str, Any]) -> Samples:
    asked = typed(Taught, options, "options of aflw2000")
    if asked.changes or asked.extra:
        raise InputError("aflw2000 has no teacher: leave out changes and extra")
    archive = aflw2000_archive(folder)
    found = find(archive, 0, asked.workers or None)
    parameters = np.full((len(archive.members), 62), np.nan, np.float32)
    for row, member in enumerate(archive.members):
        parameters[row, 52:] = _fitted(archive.path / member)
    return _for_tests("aflw2000", archive, found, parameters, asked)


def _for_tests(
    source: str, archive: Archive, found: Found, parameters: Array, asked: Taught
) -> Samples:
    people = [Path(member).stem for member in archive.members]
    keep = np.ones(len(people), bool)
    samples = _samples(source, archive, people, found, parameters, 0, keep, asked)
    samples.split[:] = ["test"] * len(samples)
    return samples


@register_pictures("faces-tddfa")
@register_pictures("faces-tddfa-mean")
def _face_picture(folder: Path, sample: str) -> RGBImage | None:
    member, _, variant = sample.partition("#")
    return faces_archive(folder).seen(member, int(variant or 0))


@register_pictures("aflw2000")
@register_pictures("aflw2000-tddfa")
def _aflw2000_picture(folder: Path, sample: str) -> RGBImage | None:
    return aflw2000_archive(folder).read(sample)


@cache
def aflw2000_archive(folder: Path) -> Archive:
    """Pictures of ``aflw2000``: ``image*.jpg`` or ``.JPG``, each with its ``.mat``.

    Raises:
        InputError: it is not there, or a picture has no ``.mat``.
    """
    for name in ("aflw2000", "AFLW2000"):
        path = folder / name
        members = sorted(p.name for p in path.glob("image*") if p.suffix.lower() == ".jpg")
        for member in members:
            if not (path / member).with_suffix(".mat").is_file():
                raise InputError(f"{path / member} has no .mat beside it; get AFLW2000-3D whole")
        if members:
            return Archive(path, tuple(members))
    raise InputError(
        f"the data set aflw2000 is not in {folder}: expected a folder `aflw2000` with image*.jpg "
        "and a .mat for each (AFLW2000-3D, from the 3DDFA project's page). Data sets are not "
        "downloaded for you; put it there, or name another folder with --data"
    )


def _fitted(picture: Path) -> Float[Array, "10"]:
    """The first ten of the 29 coefficients of expression that AFLW2000-3D's makers fitted.

    They are those of 3DDFA_V2's basis: cut to 40 and 10, shape and expression reproduce the data
    set's own 68 points with an NME of 0.14-1.27 %.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    path = picture.with_suffix(".mat")
    try:
        values = np.asarray(loadmat(path)["Exp_Para"], np.float64).ravel()
    except (MatReadError, KeyError, ValueError, OSError) as error:
        raise InputError(f"{path} is no .mat of AFLW2000-3D: {error}") from None
    if len(values) < 10:
        raise InputError(f"{path}: Exp_Para has {len(values)} values, expected 29")
    return values[:10]


def taught(
    archive: Archive, found: Found, folder: Path, variant: int = 0, *, nine: bool = False
) -> Float32[Array, "n 62"]:
    """What the teacher says of a version of every picture; from the cache where it is there.

    Args:
        archive: the pictures.
        found: the landmarks in this version; the crop begins with them.
        folder: of the teacher's files.
        variant: see :meth:`Archive.seen`.
        nine: the mean of its answers to :func:`nine_boxes` instead of one answer.

    Returns:
        62 parameters by picture; NaN where no face was found.

    Raises:
        InputError: a file of the teacher is missing.
    """
    from ..teachers.tddfa import FILES, Teacher

    seen = np.where(np.isfinite(found.facemesh[:, :1, :1]), found.facemesh, found.facelandmarker)
    start = seen[:, IBUG_68, :2]
    path = _cache(archive, start, folder / FILES["net"], variant, nine)
    if stored := kept.read(path, ["parameters"], len(archive.members)):
        return stored["parameters"]
    teacher = Teacher(folder)
    rows = np.flatnonzero(np.isfinite(start[:, 0, 0]))
    parameters = np.full((len(start), 62), np.nan, np.float32)
    label = f"3DDFA_V2 on {archive.path.stem}" + (f", change {variant}" if variant else "")
    with steps_shown(Console(stderr=True), label, "pictures") as show:
        for first in range(0, len(rows), _CHUNK):
            some = rows[first : first + _CHUNK]
            images = [_picture(archive, archive.members[row], variant) for row in some]
            answer = teacher(images, start[some])
            parameters[some] = answer.parameters
            if nine:
                boxes = nine_boxes(answer.boxes)
                said = teacher.look([i for i in images for _ in range(9)], boxes.reshape(-1, 4))
                parameters[some] = said.parameters.reshape(-1, 9, 62).mean(axis=1)
            show(first + len(some), len(rows), "")
    kept.write(path, {"parameters": parameters})
    return parameters


def nine_boxes(boxes: Float[Array, "n 4"]) -> Float[Array, "n 9 4"]:
    """Each box, and eight others that another detector might have cut out.

    They lie 4 % of its side off in both directions, and are 4 % smaller or larger.
    """
    centre, side = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2] - boxes[:, 0]
    ways = [(0.0, 0.0, 1.0)]
    ways += [(x, y, s) for x in (-0.04, 0.04) for y in (-0.04, 0.04) for s in (0.96, 1.04)]
    way = np.array(ways)
    middle = centre[:, None] + way[:, :2] * side[:, None, None]
    half = side[:, None, None] * way[:, 2:] / 2
    return np.concatenate([middle - half, middle + half], axis=2)


def _picture(archive: Archive, member: str, variant: int) -> RGBImage:
    image = archive.seen(member, variant)
    if image is None:  # a face was found in it before
        raise InputError(f"{archive.path}: {member} changed while it was read; start again")
    return image


def _samples(
    source: str,
    archive: Archive,
    people: Sequence[str],
    found: Found,
    parameters: Float32[Array, "n 62"],
    variant: int,
    keep: Bool[Array, "n"],
    asked: Taught,
) -> Samples:
    """The faces that an engine and the teacher found, among the rows where ``keep`` is true."""
    parts = []
    suffix = f"#{variant}" if variant else ""
    for engine in ENGINES:
        points = getattr(found, engine)
        there = np.isfinite(points[:, 0, 0]) & np.isfinite(parameters[:, 52]) & keep
        rows = np.flatnonzero(there)
        aligned, rotation = aligned_of(points[rows])
        parts.append(
            Samples(
                names=[archive.members[row] + suffix for row in rows],
                subjects=[people[row] for row in rows],
                engine=[engine] * len(rows),
                source=[source] * len(rows),
                aligned=aligned,
                rotation=rotation,
                pixels=points[rows],
                size=found.size[rows],
                target=parameters[rows, 52:],
                channels=_CHANNELS,
                extra=parameters[rows, :52] if asked.extra else None,
            )
        )
    return Samples.concat(parts)


def _teacher_in(folder: Path) -> Path:
    """Where the teacher's files are: in the data folder, or beside it, or among pulled models."""
    places = (folder / _FOLDER, folder.parent / "models" / _FOLDER, zoo.folder() / _FOLDER)
    for place in places:
        if place.is_dir():
            return place
    from ..teachers.tddfa import FILES

    raise InputError(
        f"the teacher 3DDFA_V2 is missing: expected {', '.join(FILES.values())} in {places[0]} "
        "(from https://github.com/cleardusk/3DDFA_V2: weights/, configs/)"
    )


def _cache(
    archive: Archive, start: Float32[Array, "n 68 2"], net: Path, variant: int, nine: bool
) -> Path:
    """Where the answer lies, by everything that it depends on."""
    model = zoo.digest(net) if net.is_file() else ""
    begins = hashlib.sha256(np.ascontiguousarray(start).tobytes()).hexdigest()
    says = f"{_REVISION} {archive.fingerprint()} {begins} {variant} {nine} {model}"
    key = hashlib.sha256(says.encode()).hexdigest()[:16]
    return zoo.folder().parent / "lab" / f"{archive.path.stem}-tddfa-{variant}-{key}.npz"
