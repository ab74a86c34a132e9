"""Files that a capture leaves behind: tables, videos, pictures, meshes.

Every writer is a context manager, writes to a temporary name and renames at the end, keeps what
was written when it is interrupted, and raises :class:`mien.errors.OutputError` when the system
refuses. The names load on first use: the table needs pyarrow, the video PyAV.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .files import write_json_atomic
    from .image import write_image
    from .mesh import write_mesh
    from .recovery import Recovered, recover
    from .schema import COLUMNS, faces_schema
    from .table import TableWriter
    from .video import VideoWriter

__all__ = [
    "COLUMNS",
    "Recovered",
    "TableWriter",
    "VideoWriter",
    "faces_schema",
    "recover",
    "write_image",
    "write_json_atomic",
    "write_mesh",
]

_HOME = {
    "COLUMNS": "schema",
    "Recovered": "recovery",
    "TableWriter": "table",
    "VideoWriter": "video",
    "faces_schema": "schema",
    "recover": "recovery",
    "write_image": "image",
    "write_json_atomic": "files",
    "write_mesh": "mesh",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module 'mien.outputs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
