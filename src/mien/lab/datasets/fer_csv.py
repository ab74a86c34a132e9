"""FER-2013 as its makers gave it out, ``fer2013.csv``, and the votes of FER+ on its rows.

The table has a row for each picture: ``emotion`` 0..6, ``pixels`` (2,304 grey values), ``Usage``.
FER+ (Barsoum et al., "Training deep networks for facial expression recognition with crowd-sourced
label distribution", ICMI 2016) has ten people vote on each row, in ``fer2013new.csv``.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from rich.console import Console

from ... import zoo
from ...arrays import Array, Bool, Float32, Int, RGBImage, UInt8
from ...channels import EMOTIONS
from ...errors import InputError
from ...progress import steps_shown
from . import kept
from .folders import layout
from .found import Archive

__all__ = ["USAGES", "Rows", "Table", "Votes", "table_in", "votes_of"]

USAGES = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
"""What FER-2013 calls its parts."""

# The challenge gives the same table out under two names.
_TABLES = ("fer2013.csv", "icml_face_data.csv")
_VOTES = "fer2013new.csv"
_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")  # 0..6
_COLUMNS = ("emotion", "pixels", "Usage")
# FER+'s columns: those of the classes above in their order, then what is none of them.
_OURS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
_OTHERS = ("contempt", "unknown", "NF")
_FEWEST = 2  # votes below which a class is somebody's slip, as FER+'s own code has it
_SIDE = 48
_REVISION = 1  # of how the table is read; another number leaves older caches behind
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError, csv.Error, OSError)


@dataclass(frozen=True, eq=False)
class Rows:
    """What the table holds.

    Attributes:
        image: uint8 (n, 48, 48); 0 where the row holds something else.
        there: bool (n,), whether the row holds a picture.
        emotion: int64 (n,), index into :data:`EMOTIONS`.
        usage: int64 (n,), index into :data:`USAGES`.
    """

    image: UInt8[Array, "n 48 48"]
    there: Bool[Array, "n"]
    emotion: Int[Array, "n"]
    usage: Int[Array, "n"]


@dataclass(frozen=True)
class Table(Archive):
    """The rows of the table as pictures; ``members`` are named after part and row.

    Attributes:
        inside: name of the table in the zip file, or nothing.
    """

    inside: str = ""

    def raw(self, member: str) -> RGBImage | None:
        """See :meth:`Archive.raw`."""
        rows, row = self.rows(), int(member.rpartition("_")[2])
        if not rows.there[row]:
            return None
        return np.repeat(rows.image[row][:, :, None], 3, 2)

    def rows(self) -> Rows:
        """What it holds."""
        return _rows(self.path, self.inside, self.path.stat().st_mtime_ns)

    def fingerprint(self) -> str:
        """SHA-256 of the file and of the name in it."""
        return _fingerprint(self.path, self.inside, self.path.stat().st_mtime_ns)


@dataclass(frozen=True, eq=False)
class Votes:
    """What FER+ says of the rows of the table.

    Attributes:
        share: float32 (n, 7), of the votes for our classes; 0 for rows that are left out.
        reason: why a row is left out; nothing for the others.
    """

    share: Float32[Array, "n 7"]
    reason: tuple[str, ...]


def table_in(folder: Path, side: int) -> Table | None:
    """The table among data sets: as it is, in a folder ``fer2013``, or in ``fer2013.zip``.

    Args:
        folder: where data sets lie.
        side: to which pictures are enlarged for the engines.

    Raises:
        InputError: a table that is none.
    """
    for place in (folder, folder / "fer2013"):
        for name in _TABLES:
            if (place / name).is_file():
                return _table(place / name, "", side)
    packed = folder / "fer2013.zip"
    inside = [name for name in _others(packed) if name.rpartition("/")[2] in _TABLES]
    return _table(packed, inside[0], side) if inside else None


def _others(packed: Path) -> tuple[str, ...]:
    """What a zip file holds beside pictures; nothing for what is no file."""
    return layout(packed).others if packed.is_file() and packed.suffix == ".zip" else ()


def _table(path: Path, inside: str, side: int) -> Table:
    rows = Table(path, (), side, inside).rows()
    kinds = tuple(USAGES)
    members = tuple(f"{kinds[usage]}_{row:05d}" for row, usage in enumerate(rows.usage))
    return Table(path, members, side, inside)


@lru_cache(maxsize=2)
def _fingerprint(path: Path, inside: str, changed: int) -> str:  # noqa: ARG001 - of the cache
    return hashlib.sha256(f"{zoo.digest(path)} {inside}".encode()).hexdigest()


@lru_cache(maxsize=1)
def _rows(path: Path, inside: str, changed: int) -> Rows:
    """The table as arrays; text of 300 MB is read once."""
    says = f"{_REVISION} {_fingerprint(path, inside, changed)}"
    key = hashlib.sha256(says.encode()).hexdigest()[:16]
    cache = zoo.folder().parent / "lab" / f"{path.stem}-rows-{key}.npz"
    names = list(Rows.__dataclass_fields__)
    if stored := kept.read(cache, names, None):
        return Rows(**stored)
    rows = _read(path, inside)
    kept.write(cache, {name: getattr(rows, name) for name in names})
    return rows


def _read(path: Path, inside: str) -> Rows:
    where = f"{path}/{inside}" if inside else str(path)
    kinds = list(USAGES)
    images, there, emotions, usages = [], [], [], []
    with (
        _opened(path, inside, _COLUMNS) as lines,
        steps_shown(Console(stderr=True), f"rows of {path.stem}", "rows") as show,
    ):
        for row, line in enumerate(lines):
            usage, emotion = line.get("Usage", ""), line.get("emotion", "")
            if usage not in kinds:
                raise InputError(f"{where}, row {row}: Usage is one of {kinds}; got {usage!r}")
            if emotion not in tuple("0123456"):
                raise InputError(
                    f"{where}, row {row}: emotion is 0 to 6 ({', '.join(_CLASSES)}); "
                    f"got {emotion!r}"
                )
            image = _picture(line.get("pixels", ""))
            images.append(np.zeros((_SIDE, _SIDE), np.uint8) if image is None else image)
            there.append(image is not None)
            emotions.append(EMOTIONS.index(_CLASSES[int(emotion)]))
            usages.append(kinds.index(usage))
            if row % 500 == 499:
                show(row + 1, 35887, "")
    if not images:
        raise InputError(f"{where} has titles alone; expected a row for each of 35,887 pictures")
    return Rows(
        np.stack(images), np.array(there), np.array(emotions, np.int64), np.array(usages, np.int64)
    )


def _picture(text: str) -> UInt8[Array, "48 48"] | None:
    """Grey values as a picture; None for anything else."""
    try:
        values = np.array(text.split(), np.int64)
    except (ValueError, OverflowError):
        return None
    if len(values) != _SIDE * _SIDE or values.min() < 0 or values.max() > 255:
        return None
    return values.astype(np.uint8).reshape(_SIDE, _SIDE)


@contextmanager
def _opened(
    path: Path, inside: str, columns: tuple[str, ...]
) -> Iterator[Iterator[dict[str, str]]]:
    """The rows of a table, by the names of its columns.

    Raises:
        InputError: no table, one that ends early, or one that lacks a column.
    """
    where = f"{path}/{inside}" if inside else str(path)

    def rows(table: csv.DictReader[str]) -> Iterator[dict[str, str]]:
        for line in table:
            yield {(k or "").strip(): v.strip() for k, v in line.items() if isinstance(v, str)}

    try:
        if inside:
            with zipfile.ZipFile(path) as opened:
                stream: io.IOBase = io.BytesIO(opened.read(inside))
        else:
            stream = path.open("rb")
        with io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:  # type: ignore[type-var]
            table = csv.DictReader(text)
            titles = [(title or "").strip() for title in table.fieldnames or ()]
            if missing := [name for name in columns if name not in titles]:
                raise InputError(
                    f"{where} lacks the column {missing[0]}: expected {', '.join(columns)}; "
                    f"found {', '.join(titles[:12]) or 'nothing'}"
                )
            yield rows(table)
    except _DAMAGED as error:
        raise InputError(f"{where} cannot be read to its end ({error}); fetch it again") from None


def votes_of(table: Table) -> Votes:
    """The votes of FER+, from ``fer2013new.csv`` beside the table or in its zip file.

    A class with a single vote does not count. Left out are rows that FER+ has no picture for or in
    which most see no face (``NF``), rows that most call contempt, and those that most call unknown
    or on which no two agree.

    Raises:
        InputError: there are none, or they are about another table.
    """
    beside = table.path.parent / _VOTES
    inside = next((n for n in _others(table.path) if n.rpartition("/")[2] == _VOTES), "")
    if not inside and not beside.is_file():
        raise InputError(
            f"votes: expected {_VOTES} (from FER+, https://github.com/microsoft/FERPlus) beside "
            f"{table.path}; put it there, or leave out votes"
        )
    path = table.path if inside else beside
    rows, kinds = table.rows(), list(USAGES)
    shares, reasons = [], []
    with _opened(path, inside, ("Usage", "Image name", *_OURS, *_OTHERS)) as lines:
        for row, line in enumerate(lines):
            if row >= len(rows.usage) or line.get("Usage") != kinds[rows.usage[row]]:
                here = kinds[rows.usage[row]] if row < len(rows.usage) else "nothing"
                raise InputError(
                    f"{path}, row {row}: the votes are about {line.get('Usage')!r}, the table "
                    f"{table.path} has {here} there; expected the same rows in the same order"
                )
            try:
                votes = np.array([int(line[name] or 0) for name in (*_OURS, *_OTHERS)])
            except (KeyError, ValueError) as error:
                raise InputError(f"{path}, row {row}: votes are numbers ({error})") from None
            share, reason = _share(votes, bool(line.get("Image name")))
            shares.append(share)
            reasons.append(reason)
    if len(shares) != len(rows.usage):
        raise InputError(
            f"{path} has votes on {len(shares)} rows, the table {table.path} {len(rows.usage)}; "
            "expected the same rows in the same order"
        )
    return Votes(np.stack(shares), tuple(reasons))


def _share(votes: Int[Array, "10"], named: bool) -> tuple[Float32[Array, "7"], str]:
    """What each of our classes got of the votes, or why the row is left out."""
    none = np.zeros(len(_OURS), np.float32)
    ours, (contempt, unknown, faceless) = votes[: len(_OURS)], votes[len(_OURS) :]
    most = int(ours.max())
    if not named or faceless > max(most, contempt, unknown):
        return none, "no face"
    if contempt > max(most, unknown):
        return none, "contempt"
    counted = np.where(ours < _FEWEST, 0, ours)
    if unknown > most or not counted.any():
        return none, "unknown"
    share = none.copy()
    for name, votes_for in zip(_CLASSES, counted, strict=True):
        share[EMOTIONS.index(name)] = votes_for / counted.sum()
    return share, ""
