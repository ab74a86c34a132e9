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

__all__ = ["digest", "file", "folder", "problem", "remember"]

_VERIFIED = "verified.json"


def folder() -> Path:
    """Where pulled models lie: the user's cache folder, or ``MIEN_HOME/models``.

    It need not exist yet.
    """
    home = os.environ.get("MIEN_HOME")
    root = Path(home).expanduser() if home else platformdirs.user_cache_path("mien", False)
    return root.absolute() / "models"


def file(model: ModelSpec) -> Path:
    """Where the model's file lies, or would lie."""
    return folder() / model.file


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        sha = hashlib.sha256()
        while block := stream.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()


def problem(model: ModelSpec) -> str | None:
    """Why the cached file cannot be used ("is missing", "is damaged: ..."), or None when it can.

    The file is hashed when it is first seen, and again when its size or time of change differ from
    what was seen then, so that starting up costs one ``stat``.
    """
    path = file(model)
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if status.st_size != model.size:
        return f"is damaged: {status.st_size:,} bytes instead of {model.size:,}"
    if _read().get(model.file) == _mark(model, status):
        return None
    try:
        found = digest(path)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if found != model.sha256:
        return f"is damaged: SHA-256 {found[:12]}... instead of {model.sha256[:12]}..."
    # A cache that others fill may be read-only here; it is then hashed at every start.
    with suppress(OSError):
        remember(model)
    return None


def remember(model: ModelSpec) -> None:
    """Note that the cached file, as it is now, was verified."""
    marks = _read() | {model.file: _mark(model, file(model).stat())}
    path = folder() / _VERIFIED
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        temporary.write_text(json.dumps(marks, indent=1) + "\n", "utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _read() -> dict[str, Any]:
    try:
        marks = json.loads((folder() / _VERIFIED).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return marks if isinstance(marks, dict) else {}


def _mark(model: ModelSpec, status: os.stat_result) -> dict[str, Any]:
    return {"sha256": model.sha256, "size": status.st_size, "mtime_ns": status.st_mtime_ns}
