"""Data sets by name. A reader turns a folder and options into :class:`Samples`.

A new one is a module in this package with a function under :func:`register`; recipes then name it
as a source.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from ...arrays import RGBImage
from ...errors import InputError
from .samples import Samples

__all__ = [
    "Samples",
    "coverage",
    "names",
    "picture",
    "read",
    "register",
    "register_coverage",
    "register_pictures",
]

Reader: TypeAlias = Callable[[Path, Mapping[str, Any]], Samples]
PictureReader: TypeAlias = Callable[[Path, str], "RGBImage | None"]
CoverageReader: TypeAlias = Callable[[Path, Mapping[str, Any]], Mapping[str, int]]
_AnyReader = TypeVar("_AnyReader", bound=Reader)
_AnyPictureReader = TypeVar("_AnyPictureReader", bound=PictureReader)
_AnyCoverageReader = TypeVar("_AnyCoverageReader", bound=CoverageReader)

_READERS: dict[str, Reader] = {}
_COVERAGE: dict[str, CoverageReader] = {}
_PICTURES: dict[str, PictureReader] = {}


def register(name: str) -> Callable[[_AnyReader], _AnyReader]:
    """Make a reader known: ``(data folder, options) -> Samples``.

    The reader raises :class:`InputError` where a file is missing, saying which one it expected
    where, and for options that it does not know (:func:`mien.lab.recipe.typed` does).
    """

    def add(reader: _AnyReader) -> _AnyReader:
        _READERS[name] = reader
        return reader

    return add


def register_pictures(source: str) -> Callable[[_AnyPictureReader], _AnyPictureReader]:
    """Make known how to see a sample again, for reports: ``(data folder, sample's name) -> RGB``.

    Args:
        source: as in :attr:`Samples.source`.
    """

    def add(reader: _AnyPictureReader) -> _AnyPictureReader:
        _PICTURES[source] = reader
        return reader

    return add


def register_coverage(source: str) -> Callable[[_AnyCoverageReader], _AnyCoverageReader]:
    """Make known in how many pictures a face was found; see :func:`coverage`."""

    def add(reader: _AnyCoverageReader) -> _AnyCoverageReader:
        _COVERAGE[source] = reader
        return reader

    return add


def names() -> tuple[str, ...]:
    """All data sets that a recipe can name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return tuple(sorted(_READERS))


def read(name: str, folder: Path, options: Mapping[str, Any]) -> Samples:
    """All samples of a data set, whatever part of the split they belong to.

    Args:
        name: one of :func:`names`.
        folder: where data sets lie, each under its own name.
        options: what the recipe says beyond the name.

    Raises:
        InputError: an unknown data set, or one that is not there.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(names())}"
        raise InputError(f"there is no data set {name!r}; {hint}")
    return _READERS[name](folder, options)


def picture(source: str, folder: Path, sample: str) -> RGBImage | None:
    """The picture that a sample was found in, or None where that cannot be shown."""
    names()
    reader = _PICTURES.get(source)
    return reader(folder, sample) if reader else None


def coverage(source: str, folder: Path, options: Mapping[str, Any]) -> Mapping[str, int]:
    """In how many pictures of a data set a face was found.

    Args:
        source: the data set.
        folder: where data sets lie.
        options: as for :func:`read`.

    Returns:
        ``pictures``, how many of them are ``damaged``, in how many ``facemesh`` finds a face, and
        in how many of the latter ``facelandmarker`` finds one too, which is not asked about others;
        what more a data set counts, for instance copies; empty for one without pictures.
    """
    names()
    reader = _COVERAGE.get(source)
    return reader(folder, options) if reader else {}
