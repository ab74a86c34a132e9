"""``mien pull``: a verified model in the cache, from its address or from a local copy."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import InputError, ModelMissing, OutputError
from . import cache
from .download import Progress, fetch
from .spec import ModelSpec, find

__all__ = ["path", "pull"]

_PATIENCE = 600.0  # seconds that another process may take over the same file


def path(name: str) -> Path:
    """The verified file of a model.

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

    An interrupted download goes on where it ended. The file appears under its name only when its
    SHA-256 is right. Several processes may pull the same model at once: one works, the others wait.

    Args:
        name: of ``SPECS``.
        source: a local copy of the file, or a folder that holds it; nothing is fetched.
        offline: fetch nothing.
        progress: called with the bytes that are there and the bytes expected.

    Returns:
        the file.

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
            raise ModelMissing(
                f"the model {name} {trouble}, and nothing may be fetched offline; bring the file "
                f"{model.url} (SHA-256 {model.sha256}) over from another machine and run "
                f"`mien pull {name} --from PATH`, or put it at {target}"
            )
    with _writing(model, target), _alone(target):
        part = target.with_name(f"{target.name}.{model.sha256[:8]}.part")
        if source is not None:
            _copy(model, Path(source), part)
        elif cache.problem(model) is None:
            return target  # another process was faster
        else:
            _download(model, part, progress)
        part.replace(target)
        cache.remember(model)
    return target


def _download(model: ModelSpec, part: Path, progress: Progress | None) -> None:
    for again in (True, False):
        missing = model.size - (part.stat().st_size if part.exists() else 0)
        if (free := shutil.disk_usage(part.parent).free) < missing:
            raise OSError(errno.ENOSPC, f"{free:,} are free")
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


def _copy(model: ModelSpec, source: Path, part: Path) -> None:
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
    try:
        shutil.copyfile(source, part)
    except OSError:
        part.unlink(missing_ok=True)
        raise


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
