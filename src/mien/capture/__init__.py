"""Camera, video or picture in, frames out.

:func:`open_source` opens one of them as a :class:`Source` of :class:`~mien.types.Frame`;
:func:`expand` turns what a user names (folders, patterns) into single sources;
:func:`read_image` reads one picture.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from ..errors import InputError
from .camera import Camera, CameraSpec, Device, cameras
from .files import Buffer, open_input
from .images import MAX_PIXELS, is_picture, is_sequence, open_picture, read_image
from .paths import PICTURES, VIDEOS, expand
from .source import Kind, Source, Window, safe_name
from .video import VideoFile

__all__ = [
    "MAX_PIXELS",
    "PICTURES",
    "VIDEOS",
    "CameraSpec",
    "Device",
    "Kind",
    "Source",
    "cameras",
    "expand",
    "open_source",
    "read_image",
    "safe_name",
]


def open_source(
    spec: str | os.PathLike[str] | int | Buffer | IO[bytes],
    *,
    start: float = 0.0,
    end: float | None = None,
    stride: int = 1,
    max_pixels: int = MAX_PIXELS,
    threads: int = 0,
    trimmed: bool = False,
    timeout: float = 10.0,
    device: Callable[[CameraSpec], Device] | None = None,
) -> Source:
    """Open one picture, video or camera.

    What a file is, its content decides, not its name. A video is decoded up to its first frame
    and a camera has delivered one, so that what cannot be used fails here and not later.

    Args:
        spec: a path; ``-`` for standard input; a camera as its number, ``camera:0`` or
            ``camera:0?size=1280x720&fps=30``; the bytes of a file; or a binary file.
        start: seconds; frames of a video or camera before it are left out.
        end: seconds; frames from here on are left out. None: to the end.
        stride: every how many frames of a video or camera are taken.
        max_pixels: larger pictures and frames are refused.
        threads: decoder threads of a video; 0 takes as many as there are cores.
        trimmed: also read frames that a video's edit list trims away (no player shows them).
        timeout: seconds to wait for a camera's first frame.
        device: opens a camera; OpenCV when None.

    Returns:
        A source to be used as a context manager; ``notes`` say what was lost or odd.

    Raises:
        InputError: missing, empty, damaged beyond use, too large, or of another kind.
        CameraError: no such camera, no permission, busy, or no picture in time.
    """
    window = Window(start, end, stride)
    camera = _camera(spec)
    if camera is not None:
        return Camera(camera, window, timeout=timeout, device=device)
    if isinstance(spec, int):
        raise InputError(f"{spec!r}: expected a camera number from 0, a path, or bytes")
    given = open_input(spec)
    container = None
    try:
        if is_picture(given.head):
            given = given.held()
            data = given.file.read()
            given.file.seek(0)
            if not is_sequence(data):
                return open_picture(given, window, max_pixels)
            container = "mjpeg"
        return VideoFile(
            given,
            window,
            max_pixels=max_pixels,
            threads=threads,
            trimmed=trimmed,
            container=container,
        )
    except BaseException:
        given.close()
        raise


def _camera(spec: object) -> CameraSpec | None:
    if isinstance(spec, int) and not isinstance(spec, bool):
        return CameraSpec(spec)
    if isinstance(spec, str):
        if spec.isdecimal() and not Path(spec).exists():
            return CameraSpec(int(spec))
        return CameraSpec.from_text(spec)
    return None
