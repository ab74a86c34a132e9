"""A place to draw without a window."""

from __future__ import annotations

import sys
from typing import Any

from ..errors import EngineError

__all__ = ["is_software", "open_context"]

_NEEDED = 330


def open_context() -> Any:
    """A moderngl context of its own: EGL where there is one, the system's default elsewhere.

    Raises:
        EngineError: there is nothing to draw with; the message says what to install.
    """
    import moderngl

    kinds: list[dict[str, Any]] = [{"backend": "egl"}, {}] if sys.platform == "linux" else [{}]
    reasons = []
    for options in kinds:
        try:
            gl: Any = moderngl.create_standalone_context(require=_NEEDED, **options)
        except Exception as error:  # noqa: BLE001 - moderngl raises bare ones
            reasons.append(str(error).strip() or type(error).__name__)
            continue
        gl.gc_mode = None  # everything is released by its owner
        return gl
    raise EngineError(
        f"there is no OpenGL 3.3 to draw with ({'; '.join(dict.fromkeys(reasons))}). On Debian "
        "and Ubuntu: apt install libegl1 libegl-mesa0 libgl1-mesa-dri, which also draws without "
        "a graphics card; elsewhere: install the driver of the graphics card"
    )


def is_software(gl: Any) -> bool:
    """Whether the processor draws, not a graphics card."""
    name = str(gl.info.get("GL_RENDERER", "")).lower()
    return any(word in name for word in ("llvmpipe", "softpipe", "swrast", "software", "warp"))
