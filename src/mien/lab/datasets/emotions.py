"""Pictures with the seven classes of emotion: FER-2013, CK+, and any folder for each class.

===================  =======================================================================
``fer2013-emotions``  FER-2013 as ``fer2013.csv`` or in Kaggle's folders. Training is the train
                      part, PublicTest the validation part, on which everything is chosen, and
                      PrivateTest, for those who have it, the test part.
``ckplus``            CK+ as ``CK+48/<class>/S###_*.png``; a person is in one part only.
``emotion-folders``   any zip file or folder with a folder for each class.
===================  =======================================================================

Every picture is a sample, whether or not a face was found in it: who needs landmarks takes the
samples of ``facemesh``, who looks at pixels all of them, and a score over all of them counts a
missed face as wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ...arrays import Array, RGBImage, UInt8
from ...channels import EMOTIONS
from ...errors import InputError
from ..strict import typed
from . import register, register_coverage, register_pictures
from .duplicates import Duplicates, copies, in_later_parts
from .fer_csv import USAGES, Table, table_in, votes_of
from .folders import Crops, Labelled, in_folders, layout, one_hot
from .found import Archive, find
from .greys import SIDE, Greys, greys
from .samples import MISSED, Samples, aligned_of

__all__ = ["CkOptions", "FerOptions", "FolderOptions", "is_of", "read_at", "taught"]

_log = logging.getLogger(__name__)

_FER_SIDE = 192  # pixels; as for the data set `fer2013`, which shares what is found
_CK = ("CK+48.zip", "CK+48", "CK+.zip", "CK+", "ckplus.zip", "ckplus")
_CK_PERSON = r"^S\d+"


@dataclass(frozen=True)
class CkOptions:
    """What a recipe can ask of ``ckplus``.

    Attributes:
        images: give the grey pictures, 48 x 48; those of another size or in colour are made so.
        landmarks: look for them. Nets on pictures can do without, and then no face counts as found.
        duplicates: ``drop`` leaves pictures of the train part out of which there is a copy in
            another part, by their pixels.
        workers: processes that look for landmarks; 0 for as many as there are processors.
    """

    images: bool = False
    landmarks: bool = True
    duplicates: Literal["keep", "drop"] = "keep"
    workers: int = 0

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise InputError(f"workers is 0 or more, got {self.workers}")


@dataclass(frozen=True)
class FerOptions(CkOptions):
    """What a recipe can ask of ``fer2013-emotions``.

    Attributes:
        votes: the truth is what ten people of FER+ voted, from ``fer2013new.csv`` beside
            ``fer2013.csv``: a share of each class, in all parts. It is another truth, and fewer
            pictures, so that scores do not stand beside those on FER-2013's own.
    """

    votes: bool = False


@dataclass(frozen=True)
class FolderOptions(CkOptions):
    """What a recipe can ask of ``emotion-folders``.

    Attributes:
        path: name of the zip file or folder among the data sets.
        names: names of its folders that are not known by themselves, each with one of our classes,
            or with an empty text for pictures to leave out.
        subjects: regular expression that finds the person in the name of a file, so that nobody is
            in two parts; without one every picture is a person of its own.
    """

    path: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    subjects: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.path or Path(self.path).name != self.path:
            raise InputError(
                f"path is the name of a zip file or folder among the data sets, got {self.path!r}"
            )


def read_at(
    place: Path, *, names: Mapping[str, str] | None = None, landmarks: bool = True
) -> tuple[Samples, dict[str, int]]:
    """Every picture of a set of folders that lies anywhere, with its grey pixels.

    Args:
        place: zip file or folder with a folder for each class; CK+'s is one.
        names: see :class:`FolderOptions`.
        landmarks: look for them.

    Returns:
        the samples, all of the test part, and how many pictures of which kind there are.

    Raises:
        InputError: see :func:`mien.lab.datasets.folders.in_folders`.
    """
    labelled = in_folders(place, names=names, whole=True)
    asked = CkOptions(images=True, landmarks=landmarks)
    return _samples(place.name, labelled, asked), _counts(labelled, asked)


def is_of(source: str, folder: Path, options: Mapping[str, Any], place: Path) -> bool:
    """Whether a zip file or folder is that of a data set; FER-2013 is known by its pictures' names.

    Args:
        source: name of the data set.
        folder: where data sets lie.
        options: as for the reader.
        place: zip file or folder.
    """
    if source not in _SETS:
        return False
    if source == "fer2013-emotions" and place.exists():
        files = [name.rpartition("/")[2] for name in layout(place).pictures]
        if files and all(map(_part_named, files)):
            return True
    try:
        return _look(source, folder, options)[0].archive.path.samefile(place)
    except (InputError, OSError):
        return False  # whatever that is, the data set is not there to be the same


def taught(source: str, folder: Path, options: Mapping[str, Any]) -> UInt8[Array, "n 48 48"]:
    """Grey pictures of a data set's train and validation parts; none of a set of another kind.

    Args:
        source: name of the data set.
        folder: where data sets lie.
        options: as for the reader.

    Raises:
        InputError: it is not there, or laid out otherwise.
    """
    if source not in _SETS:
        return np.zeros((0, SIDE, SIDE), np.uint8)
    labelled, asked = _look(source, folder, options)
    seen = greys(labelled.archive)
    part = np.array([name != "test" for name in labelled.split], bool)
    images: Array = seen.image[labelled.rows[_kept(labelled, seen, asked) & part]]
    return images


def _fer(folder: Path, asked: FerOptions) -> Labelled:
    """FER-2013, from its table or, where there is none, from folders."""
    if table := table_in(folder, _FER_SIDE):
        return _fer_rows(table, asked.votes)
    if asked.votes:
        raise InputError(
            f"votes need fer2013.csv, whose rows they are about, and there is none in {folder}"
        )
    expected = (
        "fer2013.csv (emotion, pixels, Usage), alone or in `fer2013.zip` or a folder `fer2013`; or "
        "one of these two with train/<class>/*.jpg and test/<class>/*.jpg (from the Kaggle "
        "challenge, after you have accepted its terms)"
    )
    place = _place(folder, "fer2013-emotions", ("fer2013.zip", "fer2013"), expected)
    labelled = in_folders(place, parts=_fer_parts, enlarge=_FER_SIDE)
    files = [member.rpartition("/")[2] for member in labelled.subjects]
    # Under their official names pictures are the same wherever they lie; others repeat a name.
    return replace(labelled, subjects=files) if _part_named(files[0]) else labelled


def _fer_rows(table: Table, votes: bool) -> Labelled:
    rows, kinds = table.rows(), list(USAGES.values())
    used, left = np.arange(len(rows.usage)), {}
    target = one_hot([EMOTIONS[i] for i in rows.emotion])
    if votes:
        said = votes_of(table)
        used = np.array([i for i, reason in enumerate(said.reason) if not reason], np.int64)
        left = {name: said.reason.count(name) for name in sorted(set(said.reason) - {""})}
        target = said.share[used]
        if not len(used):
            raise InputError(f"{table.path}: no row has votes for one of our classes")
    people = [table.members[i] for i in used]
    return Labelled(table, used, target, people, [kinds[rows.usage[i]] for i in used], left)


def _fer_parts(members: Sequence[str], named: Sequence[str]) -> list[str]:
    """Parts by the beginnings of file names; by folders where no name begins so."""
    told = [_part_named(member.rpartition("/")[2]) for member in members]
    if all(told):
        return told
    other = members[told.index("")]
    if any(told):
        raise InputError(
            f"{other}: the name begins with none of {', '.join(USAGES)}, and others do; expected "
            "all of them or none"
        )
    if not all(named):
        raise InputError(
            f"{other} is in no part: expected train/<class>/ and test/<class>/, or names that "
            f"begin with {', '.join(USAGES)}"
        )
    if "validation" in named:
        return list(named)
    _log.warning(
        "no file name tells PublicTest from PrivateTest: test/ is taken as the validation part, on "
        "which everything is chosen, so that no score on it is a last one"
    )
    return ["validation" if part == "test" else part for part in named]


def _part_named(file: str) -> str:
    return USAGES.get(file.partition("_")[0], "")


def _ck(folder: Path, _: CkOptions) -> Labelled:
    expected = "`CK+48.zip` or a folder `CK+48`, with <class>/S###_*.png"
    return in_folders(_place(folder, "ckplus", _CK, expected), subjects=_CK_PERSON)


def _any(folder: Path, asked: FolderOptions) -> Labelled:
    expected = f"`{asked.path}`, a zip file or folder with a folder for each class"
    place = _place(folder, "emotion-folders", (asked.path,), expected)
    return in_folders(place, names=asked.names, subjects=asked.subjects)


def _place(folder: Path, name: str, places: Sequence[str], expected: str) -> Path:
    for place in places:
        if (folder / place).exists():
            return folder / place
    raise InputError(
        f"the data set {name} is not in {folder}: expected {expected}. Data sets are not "
        "downloaded for you; put it there, or name another folder with --data"
    )


def _kept(labelled: Labelled, seen: Greys, asked: CkOptions) -> Array:
    """Which of the labelled pictures are samples: whole ones, and each in one part if so asked."""
    keep: Array = seen.there[labelled.rows].copy()
    if asked.duplicates == "drop":
        rows = np.flatnonzero(keep)
        split = [labelled.split[row] for row in rows]
        keep[rows] = ~in_later_parts(seen.digest[labelled.rows[rows]], split)
    return keep


def _samples(source: str, labelled: Labelled, asked: CkOptions) -> Samples:
    seen = greys(labelled.archive)
    keep = np.flatnonzero(_kept(labelled, seen, asked))
    _tell(source, labelled, seen, asked)
    rows = labelled.rows[keep]
    if not len(rows):
        raise InputError(f"{labelled.archive.path}: none of its {len(seen.there)} pictures decodes")
    count = len(rows)
    pixels, size = np.zeros((count, 478, 3), np.float32), np.zeros((count, 2), np.int32)
    there = np.zeros(count, bool)
    if asked.landmarks:
        found = find(labelled.archive, workers=asked.workers or None)
        pixels, size = found.facemesh[rows], found.size[rows]
        there = np.isfinite(pixels[:, 0, 0])
        pixels = np.where(there[:, None, None], pixels, np.float32(0))
    aligned, rotation = np.zeros(pixels.shape, np.float32), np.zeros((count, 3, 3), np.float32)
    aligned[there], rotation[there] = aligned_of(pixels[there])
    return Samples(
        names=[labelled.archive.members[row] for row in rows],
        subjects=[labelled.subjects[i] for i in keep],
        engine=["facemesh" if face else MISSED for face in there],
        source=[source] * count,
        aligned=aligned,
        rotation=rotation,
        pixels=pixels,
        size=size,
        target=labelled.target[keep],
        channels=EMOTIONS,
        split=[labelled.split[i] for i in keep],
        image=seen.image[rows] if asked.images else None,
    )


def _duplicates(labelled: Labelled, seen: Greys) -> Duplicates:
    whole = np.flatnonzero(seen.there[labelled.rows])
    split = [labelled.split[i] for i in whole]
    return copies(seen.digest[labelled.rows[whole]], split, labelled.target[whole].argmax(1))


def _counts(labelled: Labelled, asked: CkOptions) -> dict[str, int]:
    """See :func:`mien.lab.datasets.coverage`; and what was left out, and copies."""
    seen = greys(labelled.archive)
    counts = {"pictures": len(seen.there), "damaged": int((~seen.there).sum())}
    if asked.landmarks:
        counts = find(labelled.archive, workers=asked.workers or None).coverage()
    counts |= {f"left out: {name}": count for name, count in labelled.left_out.items()}
    return counts | _duplicates(labelled, seen).as_counts()


def _tell(source: str, labelled: Labelled, seen: Greys, asked: CkOptions) -> None:
    """Say what is wrong with a data set, once for every reading."""
    there = seen.there
    if damaged := int((~there).sum()):
        _log.warning("%s: %d of %d pictures are damaged and left out", source, damaged, len(there))
    for name, count in labelled.left_out.items():
        _log.warning("%s: %d pictures are left out: %s", source, count, name)
    whole = there[labelled.rows]
    training = whole & np.array([part == "train" for part in labelled.split], bool)
    for rows, where in ((whole, "there are"), (training, "the train part has")):
        taught = labelled.target[rows].any(0)
        absent = [name for name, some in zip(EMOTIONS, taught, strict=True) if not some]
        if absent and rows.any():
            _log.warning("%s: %s no pictures of %s", source, where, ", ".join(absent))
            break
    twice = _duplicates(labelled, seen)
    shared = {pair: count for pair, count in twice.across.items() if count}
    for (one, other), count in shared.items():
        dropped = one == "train" and asked.duplicates == "drop"
        _log.warning(
            "%s: %d pictures of the %s part are in the %s part too%s", source, count, one, other,
            " and are dropped" if dropped else "; duplicates = \"drop\" leaves those of train out"
        )  # fmt: skip
    if twice.contradictory:
        _log.warning(
            "%s: pictures that are there with two classes or more: %d", source, twice.contradictory
        )


_SETS: Mapping[str, tuple[type[Any], Callable[[Path, Any], Labelled]]] = {
    "fer2013-emotions": (FerOptions, _fer),
    "ckplus": (CkOptions, _ck),
    "emotion-folders": (FolderOptions, _any),
}


def _look(source: str, folder: Path, options: Mapping[str, Any]) -> tuple[Labelled, Any]:
    kind, find_them = _SETS[source]
    asked = typed(kind, options, f"options of {source}")
    return find_them(folder, asked), asked


def _read(source: str, folder: Path, options: Mapping[str, Any]) -> Samples:
    labelled, asked = _look(source, folder, options)
    samples = _samples(source, labelled, asked)
    if source != "emotion-folders":
        return samples
    # Several such sets can stand side by side: their path tells them apart.
    names = [f"{asked.path}/{name}" for name in samples.names]
    people = [f"{asked.path}/{name}" for name in samples.subjects]
    return replace(samples, names=names, subjects=people)


def _covered(source: str, folder: Path, options: Mapping[str, Any]) -> Mapping[str, int]:
    return _counts(*_look(source, folder, options))


def _picture(source: str, folder: Path, sample: str) -> RGBImage | None:
    if source == "emotion-folders":
        path, _, member = sample.partition("/")
        return Crops(folder / path, (member,)).read(member)
    return _archive(source, folder).read(sample)


@lru_cache(maxsize=4)
def _archive(source: str, folder: Path) -> Archive:
    return _look(source, folder, {})[0].archive


for _name in _SETS:
    register(_name)(partial(_read, _name))
    register_coverage(_name)(partial(_covered, _name))
    register_pictures(_name)(partial(_picture, _name))
