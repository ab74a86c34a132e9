"""glTF 2.0, GLB and VRM files <-> :class:`mien.model.Model`."""

from __future__ import annotations

from .read import AvatarFile, read
from .vrm import Bind, Expression, LookAt, Vrm
from .write import encode

__all__ = ["AvatarFile", "Bind", "Expression", "LookAt", "Vrm", "encode", "read"]
