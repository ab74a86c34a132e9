"""Calibrations that are kept: one small file for each person, in the cache folder.

``people/ada.json`` beside the pulled models; ``MIEN_HOME`` moves both.
"""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

from . import zoo
from .capture.source import safe_name
from .errors import InputError
from .outputs.files import output_error, write_json_atomic
from .retarget.calibrate import Calibration

__all__ = ["clean_name", "delete", "file", "find", "folder", "load", "names", "read", "save"]

_LONGEST = 64
_MOST = 200
"""People that are kept; nobody has so many, a client gone wild may."""


def folder() -> Path:
    """Where calibrations lie; it need not exist yet."""
    return zoo.folder().parent / "people"


def clean_name(name: str) -> str:
    """A person's name as the name of a file; letters of any script stay.

    Raises:
        InputError: it has no letters or digits, or more than 64.
    """
    text = unicodedata.normalize("NFC", name)
    if not re.search(r"[^\W_]", text):
        raise InputError(f"a person's name needs letters or digits, got {name[:80]!r}")
    if len(text) > _LONGEST:
        raise InputError(
            f"a person's name has at most {_LONGEST} letters, got {len(text)}; choose a shorter one"
        )
    return safe_name(text)


def file(name: str) -> Path:
    """The file of a person, whether it is there or not.

    Raises:
        InputError: see :func:`clean_name`.
    """
    return folder() / f"{clean_name(name)}.json"


def names() -> list[str]:
    """Everybody whose calibration is kept, in order."""
    try:
        return sorted((path.stem for path in folder().glob("*.json")), key=str.casefold)
    except OSError:
        return []


def save(calibration: Calibration) -> Path:
    """Keep a calibration; an earlier one of the same person is replaced in one step.

    Raises:
        InputError: see :func:`clean_name`; or 200 others are kept already.
        OutputError: the folder cannot be written.
    """
    path = file(calibration.name)
    if not path.exists() and len(names()) >= _MOST:
        raise InputError(f"{_MOST} people are kept already in {folder()}; delete some")
    write_json_atomic(path, calibration.as_dict())
    return path


def load(name: str) -> Calibration:
    """The calibration of a person.

    Raises:
        InputError: there is none, or its file cannot be used; the message says what to do.
    """
    path = file(name)
    if not path.is_file():
        raise InputError(
            f"there is no calibration of {name!r} (there is: {_known()}); "
            f"make one with `mien calibrate --name {path.stem!r}`"
        )
    return read(path)


def read(path: Path) -> Calibration:
    """The calibration in a file.

    Raises:
        InputError: there is no such file, or it is not a calibration.
    """
    try:
        table = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"there is no calibration {path}; check the path") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check it") from error
    except ValueError as error:
        raise InputError(f"{path} is no calibration ({error}); calibrate again") from None
    if not isinstance(table, dict):
        raise InputError(f"{path} is no calibration; calibrate again")
    try:
        return Calibration.from_dict(table)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def find(text: str) -> Calibration:
    """What a user names: a person, or a file (``.json``, or with a folder before it).

    Raises:
        InputError: see :func:`load` and :func:`read`.
    """
    path = Path(text)
    return read(path) if path.suffix == ".json" or len(path.parts) > 1 else load(text)


def delete(name: str) -> None:
    """Forget a person.

    Raises:
        InputError: there is no calibration of that name.
        OutputError: the file cannot be removed.
    """
    path = file(name)
    try:
        path.unlink()
    except FileNotFoundError:
        raise InputError(f"there is no calibration of {name!r} (there is: {_known()})") from None
    except OSError as error:
        raise output_error(error, path) from error


def _known() -> str:
    return ", ".join(names()) or "nobody yet"
