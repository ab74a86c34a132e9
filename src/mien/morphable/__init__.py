"""Linear 3D face models: one class, and a reader for each model's own files."""

from __future__ import annotations

from .model import LinearFaceModel

__all__ = ["LinearFaceModel"]
