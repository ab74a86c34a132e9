"""What every command of the workshop asks first: its libraries, and where data sets lie."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from ..errors import MienError

__all__ = ["data_folder", "need_the_workshop"]

_NEEDED = ("torch", "onnx", "safetensors", *(() if sys.version_info >= (3, 11) else ("tomli",)))


def need_the_workshop() -> None:
    """Go on only where the workshop is installed.

    Raises:
        MienError: it is not; the message says what is missing.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MienError(
            f"this command needs the workshop, of which {', '.join(missing)} is missing: "
            "pip install 'mien[lab]'"
        )


def data_folder(named: Path | None) -> Path:
    """The folder that was named, or `data` in mien's cache."""
    from ..zoo import cache

    return named or cache.folder().parent / "data"
