"""The folder of pulled models, and whether what lies there is what it should be."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs

from .spec import ModelSpec

__all__ = ["digest", "file", "folder", "pieces", "problem", "remember", "trouble"]

_VERIFIED = "verified.json"


def folder() -> Path:
    """Where pulled models lie: the user's cache folder, or ``MIEN_HOME/models``.

    It need not exist yet.
    """
    home = os.environ.get("MIEN_HOME")
    root = Path(home).expanduser() if home else platformdirs.user_cache_path("mien", False)
    return root.absolute() / "models"


def file(model: ModelSpec) -> Path:
    """Where the model's file lies, or would lie; the folder of a model of several files."""
    return folder() / model.file


def pieces(model: ModelSpec) -> tuple[tuple[ModelSpec, Path], ...]:
    """The files of a model, each with its place in the cache."""
    whole = file(model)
    return tuple((p, whole / p.file) for p in model.parts) if model.parts else ((model, whole),)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        sha = hashlib.sha256()
        while block := stream.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()


def problem(model: ModelSpec) -> str | None:
    """Why the model cannot be used ("is missing", "is damaged: ..."), or None when it can.

    A model of several files can be used when all of them can.
    """
    troubles = {path.name: trouble(piece, path) for piece, path in pieces(model)}
    bad = {name: said for name, said in troubles.items() if said is not None}
    if not model.parts:
        return troubles[model.file]
    missing = [name for name, said in bad.items() if said == "is missing"]
    if len(missing) == len(troubles):
        return "is missing"
    if missing:
        named = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        return f"is not whole: {len(missing)} of {len(troubles)} files are missing ({named})"
    return next((f"has {name}, which {said}" for name, said in bad.items()), None)


def trouble(piece: ModelSpec, path: Path) -> str | None:
    """Why one file cannot be used, or None when it can.

    The file is hashed when it is first seen, and again when its size or time of change differ from
    what was seen then, so that starting up costs one ``stat``.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if status.st_size != piece.size:
        return f"is damaged: {status.st_size:,} bytes instead of {piece.size:,}"
    if _read().get(_key(path)) == _mark(piece, status):
        return None
    try:
        found = digest(path)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if found != piece.sha256:
        return f"is damaged: SHA-256 {found[:12]}... instead of {piece.sha256[:12]}..."
    # A cache that others fill may be read-only here; it is then hashed at every start.
    with suppress(OSError):
        remember(piece, path)
    return None


def remember(piece: ModelSpec, path: Path) -> None:
    """Note that a cached file, as it is now, was verified."""
    marks = _read() | {_key(path): _mark(piece, path.stat())}
    memory = folder() / _VERIFIED
    temporary = memory.with_name(f"{memory.name}.{os.getpid()}.part")
    try:
        temporary.write_text(json.dumps(marks, indent=1) + "\n", "utf-8")
        temporary.replace(memory)
    finally:
        temporary.unlink(missing_ok=True)


def _key(path: Path) -> str:
    return path.relative_to(folder()).as_posix()


def _read() -> dict[str, Any]:
    try:
        marks = json.loads((folder() / _VERIFIED).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return marks if isinstance(marks, dict) else {}


def _mark(piece: ModelSpec, status: os.stat_result) -> dict[str, Any]:
    return {"sha256": piece.sha256, "size": status.st_size, "mtime_ns": status.st_mtime_ns}
