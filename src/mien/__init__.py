"""mien: camera, photo or video in; live 3D face out.

The names below are the public interface; they load on first use, so that importing the package
costs little and never loads a model runtime.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .capture import open_source, read_image
    from .channels import ARKIT_52
    from .errors import MienError
    from .tracker import Tracker
    from .types import Face, Frame, Landmarks, Observation, Pose

__all__ = [
    "ARKIT_52",
    "Face",
    "Frame",
    "Landmarks",
    "MienError",
    "Observation",
    "Pose",
    "Tracker",
    "__version__",
    "open_source",
    "read_image",
]

__version__ = metadata.version("mien")

_HOME = {
    "ARKIT_52": "channels",
    "Face": "types",
    "Frame": "types",
    "Landmarks": "types",
    "MienError": "errors",
    "Observation": "types",
    "Pose": "types",
    "Tracker": "tracker",
    "open_source": "capture",
    "read_image": "capture",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module 'mien' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
