"""Arrays that took minutes to find, kept on disk: read whole, or found again."""

from __future__ import annotations

import logging
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ...arrays import Array
from ...outputs.files import replacing

__all__ = ["read", "write"]

_log = logging.getLogger(__name__)
# What the readers of zip files raise when bytes are not what they were, or not there.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)


def read(path: Path, names: Iterable[str], rows: int | None) -> dict[str, Array] | None:
    """What :func:`write` wrote; None where there is nothing, or nothing whole, which is told.

    Args:
        path: of the file.
        names: of the arrays.
        rows: how long each of them is; None for whatever they have in common.
    """
    if not path.is_file():
        return None
    try:
        # Opened here: numpy leaves a damaged file open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in names}
    except (*_DAMAGED, OSError, ValueError, KeyError) as error:
        _log.warning("%s is damaged (%s); what it held is found again", path, error)
        return None
    lengths = {len(array) for array in arrays.values()}
    if lengths != {min(lengths) if rows is None else rows}:
        _log.warning("%s holds %s rows, not %s; they are found again", path, min(lengths), rows)
        return None
    return arrays


def write(path: Path, arrays: Mapping[str, Array], *, compressed: bool = False) -> None:
    """Write arrays for the next time.

    Args:
        path: of the file.
        arrays: by name.
        compressed: slower, and smaller.

    Raises:
        OutputError: when the system refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part, part.open("wb") as file:
        (np.savez_compressed if compressed else np.savez)(file, **arrays)
