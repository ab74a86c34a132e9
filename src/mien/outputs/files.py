"""How every file of ours reaches the disk: written beside its final name, then renamed.

A file that has its final name is whole. What is still being written, or was interrupted, is
called ``<name>.part``.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Protocol, runtime_checkable

from ..errors import OutputError

if sys.platform != "win32":
    import fcntl

__all__ = [
    "PartFile",
    "is_locked",
    "must_be_new",
    "output_error",
    "part_path",
    "replacing",
    "writable",
    "write_json_atomic",
]

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def part_path(path: Path) -> Path:
    """Where a file lives until it is whole: ``faces.csv`` -> ``faces.csv.part``."""
    return path.with_name(path.name + ".part")


@runtime_checkable
class Refusal(Protocol):
    """What :class:`OSError` and PyAV's errors have in common."""

    errno: Any
    strerror: Any


def output_error(error: Refusal, path: Path, safe: str = "") -> OutputError:
    """The error for a file that could not be written.

    Args:
        error: what the system said, or a library on its behalf.
        path: the file.
        safe: a sentence about what is safe and how to get at it.
    """
    if error.errno in _FULL:
        try:
            free = f"{shutil.disk_usage(path.parent).free / 1e6:.0f} MB free"
        except OSError:
            free = "no room left"
        why = f"the disk is full ({free})"
        remedy = "Free some space, or choose a folder on another disk."
    elif error.errno == errno.EFBIG:
        why = "the file is larger than the file system or the limit of this process allows"
        remedy = "Choose a folder on another disk, or raise the limit (ulimit -f)."
    elif error.errno in _FORBIDDEN:
        why = "there is no permission to write there"
        remedy = "Choose a folder of your own."
    elif error.errno in (errno.ENOTDIR, errno.EEXIST):
        why = "its folder's name is taken by a file"
        remedy = "Choose another folder."
    else:
        why = error.strerror or str(error)
        remedy = "Check the disk, or choose another folder."
    return OutputError(" ".join(filter(None, (f"cannot write {path}: {why}.", safe, remedy))))


def must_be_new(path: Path, *, overwrite: bool) -> None:
    """Refuse to write where something is, unless it may be replaced.

    Raises:
        OutputError: it is there.
    """
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already; choose another name, or replace it with -f")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; rename it when the block ends, remove it on failure.

    The folder is made when it is missing; an existing file is replaced in one step.

    Raises:
        OutputError: when the system refuses.
    """
    part = part_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())  # or a power cut leaves an empty file under the final name
        part.replace(path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise output_error(error, path) from error
        raise


def writable(folder: Path) -> None:
    """Refuse a folder that nothing could be written into, before long work; it is not made yet.

    Raises:
        OutputError: when the system refuses.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    try:
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise output_error(error, folder) from error


def write_json_atomic(path: Path, data: Mapping[str, Any] | list[Any]) -> None:
    """Write strict JSON (no NaN), indented, UTF-8; a reader sees the old file or the new one.

    Raises:
        OutputError: when the system refuses.
        ValueError: NaN or infinity in the data.
    """
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    with replacing(path) as part:
        part.write_text(text + "\n", encoding="utf-8")


class PartFile:
    """A file that grows by whole records, under its ``.part`` name until :meth:`commit`.

    Each append reaches the system at once, so that a killed process leaves all but the record it
    was writing; one that the system refuses is taken back, so that no half record remains.

    Raises:
        OutputError: when the file cannot be opened; another writer has it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = part_path(path)
        self.size = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: a buffer that could not be flushed would be written again on close.
            # Opened to append first: the file of another writer must not be cut before the lock.
            self._file: IO[bytes] = self.part.open("ab", buffering=0)
        except OSError as error:
            raise output_error(error, path) from error
        if not _lock(self._file):
            self._file.close()
            raise OutputError(
                f"{self.part} is being written by another process. Wait until it has finished, "
                "or choose another folder."
            )
        self._file.truncate(0)

    def append(self, record: bytes | memoryview) -> None:
        """Write one record, whole or not at all.

        Raises:
            OSError: from the system; the file then ends with the record before.
        """
        view = memoryview(record).cast("B")
        try:
            done = 0
            while done < len(view):
                done += self._file.write(view[done:])
        except OSError:
            self._file.truncate(self.size)
            raise
        self.size += len(view)

    def rewind(self, size: int) -> None:
        """Take back everything after the first ``size`` bytes."""
        self._file.truncate(size)
        self.size = size

    def commit(self) -> None:
        """Close the file and give it its final name, replacing an older one."""
        os.fsync(self._file.fileno())
        self._file.close()
        self.part.replace(self.path)

    def keep(self) -> None:
        """Close the file under its temporary name."""
        self._file.close()

    def discard(self) -> None:
        """Close the file and remove it."""
        self._file.close()
        self.part.unlink(missing_ok=True)


def _lock(file: IO[bytes]) -> bool:
    if sys.platform == "win32":
        return True  # an open file cannot be renamed or removed there anyway
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: nothing can be said, hence nothing refused
        return True
    return True


def is_locked(path: Path) -> bool:
    """Whether another writer has this file open; False where the system cannot tell."""
    with path.open("rb") as file:
        return not _lock(file)
