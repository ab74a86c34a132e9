"""The files of a model in a copy that lies on this machine: a folder or an archive.

Nothing of an archive names a place on the disk: what is wanted is looked for in it by name and
size, and read as bytes.
"""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from ..errors import InputError
from .spec import ModelSpec

__all__ = ["contents"]

_BLOCK = 1 << 20
_BROKEN = (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error)


def contents(model: ModelSpec, source: Path) -> Iterator[tuple[ModelSpec, Iterator[bytes]]]:
    """The files of a model of several that a copy has, in its order, each once.

    A folder may be the one above the model's files, the one that holds most of them, or a cache's;
    an archive (tar, packed or not, or zip) may have any folders above. The bytes of one have to be
    taken before the next; their hash is not looked at.

    Raises:
        InputError: the copy cannot be read.
    """
    with ExitStack() as stack:
        try:
            found = _in_folder(model, source) if source.is_dir() else _packed(model, source, stack)
            for piece, stream in found:
                yield piece, _blocks(stream, source)
        except _BROKEN as error:
            raise _unreadable(model, source, error) from error


def _in_folder(model: ModelSpec, source: Path) -> Iterator[tuple[ModelSpec, IO[bytes]]]:
    for piece in model.parts:
        place = piece.url.removeprefix(model.url)
        # The folder of most files may be named itself; what lies above is then beside it.
        for path in (source / place, source / piece.file, source.parent / place):
            if path.is_file() and path.stat().st_size == piece.size:
                with path.open("rb") as stream:
                    yield piece, stream
                break


def _packed(
    model: ModelSpec, source: Path, stack: ExitStack
) -> Iterator[tuple[ModelSpec, IO[bytes]]]:
    wanted = {piece.url.removeprefix(model.url): piece for piece in model.parts}

    def match(name: str, size: int) -> ModelSpec | None:
        parts = name.split("/")
        for i in range(len(parts)):
            piece = wanted.get("/".join(parts[i:]))
            if piece is not None and piece.size == size:
                return wanted.pop("/".join(parts[i:]))
        return None

    with source.open("rb"):  # which says more clearly what is wrong
        pass
    if zipfile.is_zipfile(source):
        folder = stack.enter_context(zipfile.ZipFile(source))
        for entry in folder.infolist():
            if piece := match(entry.filename, entry.file_size):
                with folder.open(entry) as stream:
                    yield piece, stream
        return
    archive = stack.enter_context(tarfile.open(source, "r:*"))  # noqa: SIM115
    for member in archive:
        if member.isfile() and (piece := match(member.name, member.size)):
            taken = archive.extractfile(member)
            assert taken is not None  # noqa: S101 - it is a file
            yield piece, taken


def _blocks(stream: IO[bytes], source: Path) -> Iterator[bytes]:
    try:
        while block := stream.read(_BLOCK):
            yield block
    except _BROKEN as error:
        raise InputError(f"{source} cannot be read to its end ({error}); is it whole?") from error


def _unreadable(model: ModelSpec, source: Path, error: BaseException) -> InputError:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(
        f"{source} cannot be read ({said or type(error).__name__}); --from needs a folder or an "
        f"archive (.tar.gz, .tar.xz, .zip) with the files of {model.name}"
    )
