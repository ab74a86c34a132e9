"""Opens what a user names (a path, ``-``, bytes, an open file) so that its kind can be told.

A pipe cannot be read twice: the first bytes, which tell a picture from a video, are kept and
given back before the rest.
"""

from __future__ import annotations

import difflib
import io
import os
import re
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

from ..errors import InputError

__all__ = ["HEAD", "Buffer", "Input", "Spec", "missing", "open_input", "refuse_address"]

Buffer: TypeAlias = bytes | bytearray | memoryview
Spec: TypeAlias = "str | os.PathLike[str] | Buffer | IO[bytes]"

HEAD = 64
"""Bytes that are looked at to tell what a file is."""

# A pipe that is a picture has to be held in memory.
_MOST_PIPED = 256 * 1024 * 1024

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|(v4l2|rtsp|rtmp|udp|tcp|http|https|data):", re.I)
_DEVICE = re.compile(r"/dev/video(\d+)$")


class _Piped:
    """A stream that cannot seek, with the bytes already taken from it put back in front.

    Not one of :mod:`io`'s classes: those close themselves, and standard input with it, when they
    are forgotten.
    """

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = head
        # read1 hands over what has arrived; read would wait for a full buffer and make a
        # live pipe lag.
        self._more: Callable[[int], bytes | None] = getattr(rest, "read1", rest.read)
        self._rest = rest
        self.failure: BaseException | None = None

    def close(self) -> None:
        self._rest.close()

    def read(self, size: int) -> bytes:
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head
        try:
            return self._more(size) or b""
        except (OSError, KeyboardInterrupt) as error:
            # PyAV calls this from C, where an exception may be printed and dropped. End the
            # stream instead; the reader asks for what happened.
            self.failure = error
            return b""


@dataclass(frozen=True, slots=True)
class Input:
    """Something readable, and what to call it.

    Attributes:
        file: at its first byte; seekable unless it is a pipe.
        label: for messages: the path as given, or what else it is.
        name: short, for files that are written about it.
        head: its first bytes, at most :data:`HEAD`.
        path: where it lies, when it is a regular file.
        owned: whether it was opened here, hence is to be closed here.
    """

    file: IO[bytes]
    label: str
    name: str
    head: bytes
    path: Path | None = None
    owned: bool = False

    @property
    def piped(self) -> bool:
        """Whether it can be read once only."""
        return isinstance(self.file, _Piped)

    @property
    def broken(self) -> str | None:
        """Why a pipe ended before its end, if it did.

        Raises:
            KeyboardInterrupt: that is why.
        """
        failure = self.file.failure if isinstance(self.file, _Piped) else None
        if isinstance(failure, KeyboardInterrupt):
            raise failure
        return None if failure is None else _reason(failure)

    def held(self) -> Input:
        """The same input read into memory: decoders of pictures seek, which a pipe cannot.

        Raises:
            InputError: more than 256 MiB through a pipe, or an error of the disk.
        """
        try:
            data = self._read_all()
        except OSError as error:
            raise _unreadable(self.label, error) from error
        self.close()
        return replace(self, file=io.BytesIO(data), path=None, owned=True)

    def _read_all(self) -> bytes:
        if not isinstance(self.file, _Piped):
            return self.file.read()
        parts, total = [], 0
        while part := self.file.read(1 << 20):
            parts.append(part)
            total += len(part)
            if total > _MOST_PIPED:
                raise InputError(
                    f"{self.label}: a picture of more than {_MOST_PIPED >> 20} MiB; "
                    "a video has to be piped as Matroska (ffmpeg ... -f matroska -)"
                )
        if self.broken:
            raise OSError(self.broken)
        return b"".join(parts)

    def close(self) -> None:
        """Close what was opened here; standard input and open files stay as they are."""
        if self.owned:
            self.file.close()


def open_input(spec: Spec, label: str | None = None) -> Input:
    """Open ``spec``: a path, ``-`` (standard input), bytes, or an open binary file.

    Raises:
        InputError: missing, a folder, unreadable, empty, an address, or a terminal.
    """
    if isinstance(spec, (bytes, bytearray, memoryview)):
        return _checked(io.BytesIO(spec), label or "the given bytes", "bytes")
    if isinstance(spec, (str, os.PathLike)):
        if spec == "-":
            stdin = getattr(sys.stdin, "buffer", None)
            if stdin is None or stdin.isatty():
                raise InputError(
                    "standard input: nothing is piped in; "
                    "for instance: ffmpeg -i talk.mp4 -f matroska - | mien capture -"
                )
            return _checked(stdin, label or "standard input", "stdin")
        path = Path(spec)
        file = _open_path(path)
        try:
            return _checked(file, label or str(path), path.stem, path)
        except InputError:
            file.close()
            raise
    name = getattr(spec, "name", None)
    text = name if isinstance(name, str) else "file"
    return _checked(spec, label or text, Path(text).stem)


def _open_path(path: Path) -> IO[bytes]:
    refuse_address(str(path))
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise missing(path) from None
    except IsADirectoryError:
        raise _folder(path) from None
    except (OSError, ValueError) as error:
        # Windows says "permission denied" of a folder.
        if path.is_dir():
            raise _folder(path) from None
        raise _unreadable(str(path), error) from error
    return file


def _folder(path: Path) -> InputError:
    return InputError(
        f"{path}: is a folder, expected one picture or video "
        "(in Python, mien.capture.expand lists what lies in it)"
    )


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _unreadable(label: str, error: Exception) -> InputError:
    return InputError(
        f"{label}: cannot be read ({_reason(error)}); check its permissions and where it comes from"
    )


def _checked(file: IO[Any], label: str, name: str, path: Path | None = None) -> Input:
    """Take the head of a file, and put it back."""
    try:
        head = file.read(HEAD)
        while head and len(head) < HEAD and (more := file.read(HEAD - len(head))):
            head += more
    except OSError as error:
        raise _unreadable(label, error) from error
    if not isinstance(head, bytes):
        raise InputError(f"{label}: expected a file opened in binary mode, got text")
    if not head:
        raise InputError(f"{label}: is empty (0 bytes), expected a picture or a video")
    owned = path is not None
    seekable = getattr(file, "seekable", None)
    if seekable is None or not seekable():
        return Input(cast("IO[bytes]", _Piped(head, file)), label, name, head, owned=owned)
    file.seek(-len(head), io.SEEK_CUR)
    if path is not None and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        path = None
    return Input(file, label, name, head, path, owned)


def missing(path: Path) -> InputError:
    """The error for a path that leads nowhere, with the names that come near."""
    if path.is_symlink():
        return InputError(
            f"{path}: is a link to {path.readlink()}, which does not exist; mend the link, or name "
            "the file itself"
        )
    parent = path.parent
    if not parent.is_dir():
        return InputError(f"{path}: no such file, and no folder {parent} either; check the path")
    try:
        names = [entry.name for entry in parent.iterdir()]
    except OSError:
        names = []
    near = difflib.get_close_matches(path.name, names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"{parent} has {len(names)} others"
    return InputError(f"{path}: no such file or folder; {hint}")


def refuse_address(text: str) -> None:
    """Say what to do instead of naming a network address or a video device.

    Raises:
        InputError: ``text`` is an address or a device.
    """
    if device := _DEVICE.match(text):
        raise InputError(f"{text}: is a camera; name it camera:{device[1]}")
    # A drive letter ("C:\\...") has one letter, hence is no match; an existing file is a file.
    if _ADDRESS.match(text) and not Path(text).exists():
        raise InputError(
            f"{text}: addresses are not opened, expected a file, a folder, - or camera:0; "
            "download it first, or pipe it: ffmpeg -i ADDRESS -f matroska - | mien capture -"
        )
