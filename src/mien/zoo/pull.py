"""``mien pull``: a verified model in the cache, from its address or from a local copy."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import InputError, ModelMissing, OutputError
from . import cache
from .copies import contents
from .download import Progress, fetch
from .spec import ModelSpec, find

__all__ = ["path", "pull"]

_PATIENCE = 600.0  # seconds that another process may take over the same file


def path(name: str) -> Path:
    """The verified file of a model, or the folder with its verified files.

    Raises:
        InputError: an unknown name.
        ModelMissing: not pulled yet, or damaged; the message holds the line to run.
    """
    model = find(name)
    trouble = cache.problem(model)
    if trouble is not None:
        raise ModelMissing(
            f"the model {name} ({cache.file(model)}) {trouble}; run `mien pull {name}`"
        )
    return cache.file(model)


def pull(
    name: str,
    *,
    source: str | os.PathLike[str] | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Put a model into the cache, unless it is there already.

    An interrupted download goes on where it ended. A file appears under its name only when its
    SHA-256 is right. Several processes may pull the same model at once: one works, the others wait.

    Args:
        name: of ``SPECS``.
        source: a local copy of the file, or a folder that holds it; nothing is fetched. Of a model
            of several files the folder with them, or an archive.
        offline: fetch nothing.
        progress: called with the bytes that are there and the bytes expected, of all files.

    Returns:
        the file, or the folder of a model of several.

    Raises:
        InputError: an unknown name, or ``source`` is not this file.
        ModelMissing: it could not be fetched, or what came is not this file.
        OutputError: the cache cannot be written (no permission, read-only, disk full).
    """
    model = find(name)
    target = cache.file(model)
    if source is None:
        trouble = cache.problem(model)
        if trouble is None:
            return target
        if offline:
            raise ModelMissing(f"the model {name} {trouble}, {_offline(model, target)}")
    with _writing(model, target), _alone(target):
        if model.parts:
            target.mkdir(exist_ok=True)
        if source is not None:
            _copy(model, Path(source))
        elif cache.problem(model) is not None:  # else another process was faster
            _download_all(model, progress)
    return target


def _offline(model: ModelSpec, target: Path) -> str:
    what, there = f"the file {model.url} (SHA-256 {model.sha256})", f"put it at {target}"
    if model.parts:
        places = ", ".join(part.url.removeprefix(model.url) for part in model.parts[:3])
        what = f"the {len(model.parts)} files below {model.url} ({places}, ...)"
        there = f"put them into {target}"
    return (
        f"and nothing may be fetched offline; bring {what} over from another machine and run "
        f"`mien pull {model.name} --from PATH`, or {there}"
    )


def _part(piece: ModelSpec, path: Path) -> Path:
    return path.with_name(f"{path.name}.{piece.sha256[:8]}.part")


def _settle(piece: ModelSpec, path: Path) -> None:
    """Give a verified part its name."""
    _part(piece, path).replace(path)
    cache.remember(piece, path)


def _download_all(model: ModelSpec, progress: Progress | None) -> None:
    """What is not there yet; each file that came whole stays."""
    lacking = [pair for pair in cache.pieces(model) if cache.trouble(*pair) is not None]
    parts = [_part(*pair) for pair in lacking]
    done = model.size - sum(piece.size for piece, _ in lacking)
    missing = model.size - done - sum(p.stat().st_size for p in parts if p.exists())
    if (free := shutil.disk_usage(cache.folder()).free) < missing:
        raise OSError(errno.ENOSPC, f"{free:,} are free")
    for piece, path in lacking:
        before = done

        def all_told(here: int, _: int, before: int = before) -> None:
            assert progress is not None  # noqa: S101
            progress(before + here, model.size)

        _download(piece, _part(piece, path), None if progress is None else all_told)
        _settle(piece, path)
        done += piece.size


def _download(model: ModelSpec, part: Path, progress: Progress | None) -> None:
    for again in (True, False):
        resumed = fetch(model, part, progress)
        found = cache.digest(part)
        if found == model.sha256:
            return
        part.unlink()
        # Pieces that were joined may be of two different files: once more, from the start.
        if not (resumed and again):
            raise ModelMissing(
                f"{model.url} is not the expected file: SHA-256 {found}, expected {model.sha256}; "
                "nothing was kept. Did a proxy answer in its place? A local copy serves as well: "
                f"`mien pull {model.name} --from PATH`"
            )


def _copy(model: ModelSpec, source: Path) -> None:
    if model.parts:
        _copy_all(model, source)
        return
    if source.is_dir():
        source = source / model.file
    try:
        size = source.stat().st_size
        # Hashed before anything is written, so that a wrong file never fills the disk.
        found = cache.digest(source) if size == model.size else f"not looked at ({size:,} bytes)"
    except OSError as error:
        raise InputError(
            f"{source} cannot be read ({error.strerror}); --from needs {model.file}, "
            "or the folder that holds it"
        ) from error
    if found != model.sha256:
        raise InputError(
            f"{source} is not {model.file}: SHA-256 {found}, expected {model.sha256} "
            f"({model.size:,} bytes); its official address is {model.url}"
        )
    part = _part(model, cache.file(model))
    try:
        shutil.copyfile(source, part)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    _settle(model, cache.file(model))


def _copy_all(model: ModelSpec, source: Path) -> None:
    """Every file that the copy has; those that are right stay, even where others are not."""
    places = dict(cache.pieces(model))
    for piece, blocks in contents(model, source):
        path = places.pop(piece)
        part = _part(piece, path)
        sha = hashlib.sha256()
        try:
            with part.open("wb") as stream:
                for block in blocks:
                    sha.update(block)
                    stream.write(block)
            if sha.hexdigest() != piece.sha256:
                raise InputError(
                    f"{source}: {piece.file} is not the expected one: SHA-256 {sha.hexdigest()}, "
                    f"expected {piece.sha256}; its official address is {piece.url}"
                )
            _settle(piece, path)
        finally:
            part.unlink(missing_ok=True)
    if places:
        named = ", ".join([piece.url.removeprefix(model.url) for piece in places][:3])
        raise InputError(
            f"{source} lacks {len(places)} of the {len(model.parts)} files of {model.name}, or "
            f"has them in another size ({named}{', ...' if len(places) > 3 else ''}); expected a "
            f"folder or an archive (.tar.gz, .tar.xz, .zip) with the files of {model.url}"
        )


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = target.with_name(f"{target.name}.lock")
    try:
        with FileLock(lock, timeout=_PATIENCE):
            yield
    except Timeout:
        raise ModelMissing(
            f"another process has been pulling {target.name} for {_PATIENCE / 60:.0f} minutes; "
            f"end it, or remove {lock}"
        ) from None


@contextmanager
def _writing(model: ModelSpec, target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            why = f"the disk is full ({model.size:,} bytes are needed; {error.strerror})"
        else:
            why = error.strerror or str(error)
        raise OutputError(
            f"cannot write {target}: {why}; free or allow it, or name another folder in MIEN_HOME"
        ) from error
