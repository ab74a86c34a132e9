"""Pictures in folders that are named after their classes, in a zip file or a folder on disk.

Names of classes are taken leniently (``Anger``, ``angry``, ``0_angry``); folders around them may
name parts (``train``, ``val``, ``test``). What cannot be told apart is an error that says what was
found: a class that nobody knows would otherwise be a class less, and nobody would see it.
"""

from __future__ import annotations

import hashlib
import logging
import mimetypes
import re
import shlex
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np

from ...arrays import Array, Float32, Int, RGBImage
from ...channels import EMOTIONS
from ...errors import InputError
from .changes import bordered
from .found import SUFFIXES, Archive, walked
from .samples import SPLITS, split_of

__all__ = ["LEFT_OUT", "Crops", "Labelled", "Layout", "in_folders", "layout", "one_hot"]

_log = logging.getLogger(__name__)

LEFT_OUT = "contempt"
"""A class of several data sets that is none of ours: counted, not read."""

_KNOWN = {
    "angry": "angry anger", "disgust": "disgust disgusted", "fear": "fear fearful afraid",
    "happy": "happy happiness", "sad": "sad sadness", "surprise": "surprise surprised",
    "neutral": "neutral", LEFT_OUT: "contempt contemptuous",
}  # fmt: skip
_CLASSES = {word: name for name, words in _KNOWN.items() for word in words.split()}
_Around: TypeAlias = tuple[list[str], list[str]]
_PARTS = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation",
    "validation": "validation", "test": "test", "testing": "test",
    "publictest": "validation", "privatetest": "test",
}  # fmt: skip
_SIDE = 192  # pixels of the shorter side that the engines see, as of FER's pictures
_MOST = 4  # times that, at most, of the longer side
_SHOWN = 6  # examples in a message
_NOT = "not "  # before the name of what is left out, where a class would stand

Parts: TypeAlias = Callable[[Sequence[str], Sequence[str]], Sequence[str]]
"""From names of pictures, and the parts that folders name (``""`` for none), to their parts."""


@dataclass(frozen=True)
class Crops(Archive):
    """Tight crops of faces of any size; the engines see each with a shorter side of 192 pixels."""

    def read(self, member: str) -> RGBImage | None:
        """See :meth:`Archive.read`."""
        image = self.raw(member)
        if image is None:
            return None
        height, width = image.shape[:2]
        scale = min(_SIDE / min(height, width), _MOST * _SIDE / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        resized: RGBImage = cv2.resize(image, size, interpolation=how)
        return bordered(resized)

    def fingerprint(self) -> str:
        """SHA-256 of the pictures' bytes or times, their names, and the size they are shown at."""
        says = f"{_SIDE} {super().fingerprint()} {self.members}"
        return hashlib.sha256(says.encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Labelled:
    """Pictures with their classes, before a face is looked for in them.

    Attributes:
        archive: every picture that lies there.
        rows: int (n,), those of them that have one of our classes, rising.
        target: float32 (n, 7), share of each class.
        subjects: who is on each; the picture itself where that is not known.
        split: part of each.
        left_out: how many pictures were left out, by reason.
    """

    archive: Archive
    rows: Int[Array, "n"]
    target: Float32[Array, "n 7"]
    subjects: Sequence[str]
    split: Sequence[str]
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """What lies in a place: names relative to it, ``/`` between folders.

    Attributes:
        path: zip file or folder.
        pictures: sorted.
        folders: also empty ones, sorted.
        others: all further files, sorted.
    """

    path: Path
    pictures: tuple[str, ...]
    folders: tuple[str, ...]
    others: tuple[str, ...]

    def told(self) -> str:
        """A few of the names, for messages."""
        some = [*self.pictures[:3], *self.others[:3]] or [f"{name}/" for name in self.folders]
        return ", ".join(some[:_SHOWN]) or "nothing"


def layout(path: Path) -> Layout:
    """What lies in a zip file or a folder; hidden files and what macOS adds are left out.

    Raises:
        InputError: it is not there, no zip file, or locked by a password.
    """
    if path.is_dir():
        inside = [p.relative_to(path).as_posix() for p in walked(path)]
        files = [name for name in inside if (path / name).is_file()]
        folders = {name for name in inside if (path / name).is_dir()}
    elif path.is_file():
        files, folders = _zipped(path, path.stat().st_mtime_ns)
    else:
        raise InputError(f"there is no zip file or folder {path}")
    seen = sorted(name for name in files if not _hidden(name))
    pictures = tuple(name for name in seen if name.lower().endswith(SUFFIXES))
    others = tuple(name for name in seen if not name.lower().endswith(SUFFIXES))
    return Layout(path, pictures, tuple(sorted(f for f in folders if not _hidden(f))), others)


@lru_cache(maxsize=2)
def _zipped(path: Path, changed: int) -> tuple[list[str], set[str]]:  # noqa: ARG001 - of the cache
    try:
        with zipfile.ZipFile(path) as opened:
            entries = opened.infolist()
    except zipfile.BadZipFile as error:
        raise InputError(
            f"{path} is no whole zip file ({error}); fetch it again, or unpack an archive of "
            "another kind and name the folder"
        ) from None
    if any(entry.flag_bits & 1 for entry in entries):
        raise InputError(f"{path} is locked by a password; unpack it, and name the folder")
    files = [entry.filename for entry in entries if not entry.is_dir()]
    folders = {entry.filename.rstrip("/") for entry in entries if entry.is_dir()}
    for name in {name.rpartition("/")[0] for name in files}:
        folders.update(parent.as_posix() for parent in (Path(name), *Path(name).parents))
    return files, folders - {"."}


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def one_hot(classes: Sequence[str]) -> Float32[Array, "n 7"]:
    """1 in the column of each class, 0 in the others."""
    target = np.zeros((len(classes), len(EMOTIONS)), np.float32)
    target[np.arange(len(classes)), [EMOTIONS.index(name) for name in classes]] = 1
    return target


def in_folders(
    path: Path,
    *,
    names: Mapping[str, str] | None = None,
    subjects: str = "",
    parts: Parts | None = None,
    whole: bool = False,
    enlarge: int = 0,
) -> Labelled:
    """Read a set of folders that are named after their classes.

    A picture is of the class of the nearest folder above it whose name is known. Where folders name
    parts, these are the parts; a set with ``train`` and without ``validation`` gives up some of its
    train part for that. Where none do, and there, people are assigned by the hash of their names.

    Args:
        path: zip file or folder.
        names: further names of classes, to one of :data:`EMOTIONS` or, for pictures that are to be
            left out, to nothing.
        subjects: regular expression that finds the person in a picture's file name (its first
            group, or all that it matches); without one every picture is a person of its own.
        parts: another rule for the parts.
        whole: all of it is the test part, whatever its folders name.
        enlarge: side that all pictures have for the engines, whatever their shape; see
            :class:`Archive`. 0 for :class:`Crops`.

    Raises:
        InputError: another layout, a class that nobody knows, a part without pictures, or a
            picture whose name does not tell the person.
    """
    there = layout(path)
    if not there.pictures:
        kinds = ", ".join(SUFFIXES)
        raise InputError(f"{path}: there are no pictures ({kinds}) in it. {_expected(there)}")
    classes, around = _classes(there, names or {})
    rows = np.array([i for i, name in enumerate(classes) if not name.startswith(_NOT)], np.int64)
    if not len(rows):
        raise InputError(f"{path}: no picture has one of our classes. {_expected(there)}")
    members = [there.pictures[row] for row in rows]
    people = _people(path, members, subjects)
    named = ["test" if whole else _part_of(*around[row]) for row in rows]
    if not whole:
        _check_parts(there, members, named)
    split = parts(members, named) if parts else _parts(path, people, named)
    some = [classes[row] for row in rows]
    left = Counter(name.removeprefix(_NOT) for name in classes if name.startswith(_NOT))
    if unread := sum(_other_picture(name) for name in there.others):
        left["files of a kind that is not read"] = unread
    crops = Archive(path, there.pictures, enlarge) if enlarge else Crops(path, there.pictures)
    return Labelled(crops, rows, one_hot(some), people, split, dict(left))


def _other_picture(name: str) -> bool:
    return (mimetypes.guess_type(name)[0] or "").startswith("image/")


def _parts(path: Path, people: Sequence[str], named: Sequence[str]) -> list[str]:
    if "train" not in named or "validation" in named:
        return [part or split_of(who) for part, who in zip(named, people, strict=True)]
    _log.warning("%s names no validation part; a seventh of its train part is that", path.name)
    return [
        "validation" if part == "train" and split_of(who) == "validation" else part
        for part, who in zip(named, people, strict=True)
    ]


def _expected(there: Layout) -> str:
    return (
        f"Found: {there.told()}. Expected: a folder for each class ({', '.join(EMOTIONS)}, or "
        "anger, happiness and the like) with its pictures, and around these, if at all, train, "
        "validation and test"
    )


def _classes(there: Layout, names: Mapping[str, str]) -> tuple[list[str], list[_Around]]:
    """The class of each picture, and the folders above and below the one that names it.

    A class is one of ours, or, for what is left out, its name after ``_NOT``.
    """
    for word, name in names.items():
        if name and name not in EMOTIONS:
            raise InputError(
                f"names: {word!r} is to be {name!r}, which is none of {', '.join(EMOTIONS)}; name "
                f"none to leave such pictures out ({_as_option(word, '')})"
            )
    further = {word.lower(): name or _NOT + word for word, name in names.items()}
    classes: list[str] = []
    around: list[_Around] = []
    unknown: Counter[str] = Counter()
    for picture in there.pictures:
        parents = picture.split("/")[:-1]
        if not parents:
            raise InputError(
                f"{there.path}: {picture} lies beside the folders, in no class. {_expected(there)}"
            )
        level = next((i for i in reversed(range(len(parents))) if _known(parents[i], further)), -1)
        if level < 0:
            unknown[parents[-1]] += 1
        classes.append(_known(parents[level], further) or "")
        around.append((parents[:level], parents[level + 1 :]))
    if unknown:
        found = ", ".join(f"{name!r} ({count})" for name, count in unknown.most_common(_SHOWN))
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        first = next(iter(unknown))
        raise InputError(
            f"{there.path}: folders that name no class: {found}{more} (how many pictures). Classes "
            f"are {', '.join(EMOTIONS)}. Say what such a folder holds, for instance "
            f"{_as_option(first, 'happy')}, or leave it out: {_as_option(first, '')}"
        )
    return classes, around


def _as_option(word: str, name: str) -> str:
    """How a folder is named, by the command and in a recipe."""
    option = shlex.quote(f"{word}={name}")
    return f'--names {option}, in a recipe names = {{ "{word}" = "{name}" }}'


def _known(folder: str, further: Mapping[str, str]) -> str | None:
    """The class that a folder is named after."""
    if (lower := folder.lower()) in further:
        return further[lower]
    name = _CLASSES.get(re.sub(r"[^a-z]+", "", lower))
    return _NOT + name if name == LEFT_OUT else name


def _part_of(above: Sequence[str], below: Sequence[str]) -> str:
    """The part that one of these folders names; nothing where none does.

    The nearest above the class comes first. Below it are people's names, too, so that nothing but
    the plain name of a part counts there.
    """
    named = (*map(_part, reversed(above)), *(_PARTS.get(name.lower(), "") for name in below))
    return next(filter(None, named), "")


def _part(folder: str) -> str:
    """The part that a folder is named after: ``train``, ``Training Set``, ``FER2013Train``."""
    name = re.sub(r"[^a-z]+", "", folder.lower()).removeprefix("fer")
    return _PARTS.get(re.sub("(set|data|images)$", "", name), "")


def _check_parts(there: Layout, members: Sequence[str], named: Sequence[str]) -> None:
    """Every picture in a part, or none; and no part that is empty."""
    if any(named) and not all(named):
        one, other = named.index(""), next(i for i, part in enumerate(named) if part)
        raise InputError(
            f"{there.path}: {members[other]} is in a part and {members[one]} in none; expected "
            f"folders {', '.join(SPLITS)} with all classes in each, or none of them"
        )
    for folder in there.folders:
        part = _part(folder.split("/")[-1])
        if part and part not in named:
            raise InputError(
                f"{there.path}: the {part} part is empty, there are no pictures below {folder}/; "
                "put them there, or remove the folder"
            )


def _people(path: Path, members: Sequence[str], subjects: str) -> list[str]:
    if not subjects:
        return list(members)
    find = _pattern(subjects)
    people = []
    for member in members:
        told = find.search(Path(member).name)
        if told is None:
            raise InputError(
                f"{path}: the name of {member} does not tell who is on it: the pattern "
                f"{subjects!r} finds nothing in it"
            )
        people.append(told[1] if find.groups else told[0])
    return people


@cache
def _pattern(subjects: str) -> re.Pattern[str]:
    try:
        return re.compile(subjects)
    except re.error as error:
        raise InputError(f"subjects: {subjects!r} is no regular expression ({error})") from None
