"""What every source of frames has in common: one pass, a name, notes, and a safe end."""

from __future__ import annotations

import math
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..errors import InputError
from ..types import Frame

__all__ = ["Kind", "Source", "Window", "safe_name"]

Kind: TypeAlias = Literal["still", "video", "camera"]
"""``still``: pictures that stand alone. ``video``: a finite sequence. ``camera``: endless."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a source that is wanted.

    Attributes:
        start: seconds from the first frame; earlier frames are left out.
        end: seconds from the first frame; this frame and later ones are left out. None: all.
        stride: 1 takes every frame, 2 every second one, and so on.

    Raises:
        InputError: a start below 0, an end that is not behind the start, a stride below 1.
    """

    start: float = 0.0
    end: float | None = None
    stride: int = 1

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and self.start >= 0):
            raise InputError(f"start: expected seconds from 0, got {self.start}")
        if self.end is not None and not self.end > self.start:
            raise InputError(f"end: expected seconds behind start {self.start}, got {self.end}")
        if self.stride < 1:
            raise InputError(f"stride: expected 1 (every frame) or more, got {self.stride}")

    def wants(self, index: int, time: float) -> bool:
        """Whether the frame at this position and time is part of the window."""
        return time >= self.start and index % self.stride == 0 and not self.over(time)

    def over(self, time: float) -> bool:
        """Whether nothing from this time on is wanted."""
        return self.end is not None and time >= self.end

    def count(self, frames: int | None, fps: float | None) -> int | None:
        """About how many of ``frames`` are wanted; None when that cannot be said."""
        if self.end is not None and fps:
            last = math.ceil(self.end * fps)
            frames = last if frames is None else min(frames, last)
        if frames is None or (self.start and not fps):
            return None
        first = math.ceil(self.start * (fps or 0.0))
        return max(0, math.ceil((frames - first) / self.stride))


class Source(ABC):
    """Frames of one picture, video or camera.

    A context manager and an iterable of :class:`~mien.types.Frame` (uint8 RGB, contiguous,
    upright, times strictly rising from the first frame of the source). It is read once: a
    second ``for`` goes on where the first one stopped. Frames may be read in one thread and
    the source closed from another; closing waits for the frame that is being read.

    Attributes:
        name: short, safe as a file name; not unique.
        kind: ``still``, ``video`` or ``camera``.
        frames: how many frames are expected, an estimate; None when nobody knows.
        fps: nominal frames per second, or None.
        size: (width, height) of the first frame in pixels, upright.
        notes: what was lost or odd, in words; complete when the last frame has been read.
    """

    def __init__(
        self,
        name: str,
        kind: Kind,
        *,
        size: tuple[int, int],
        frames: int | None = None,
        fps: float | None = None,
    ) -> None:
        self.name = safe_name(name)
        self.kind = kind
        self.frames = frames
        self.fps = fps
        self.size = size
        self.notes: list[str] = []
        self._lock = threading.Lock()
        self._closed = False
        self._pending: Generator[Frame, None, None] | None = None

    @abstractmethod
    def _read(self) -> Generator[Frame, None, None]:
        """The frames, in one pass."""

    @abstractmethod
    def _release(self) -> None:
        """Free what was opened. Called once, never while :meth:`_read` is running."""

    def __iter__(self) -> Iterator[Frame]:
        while True:
            # The lock is held for one frame, never while the caller works on it.
            with self._lock:
                if self._closed:
                    return
                if self._pending is None:
                    self._pending = self._read()
                frame = next(self._pending, None)
            if frame is None:
                return
            yield frame

    def close(self) -> None:
        """Free file or device. Reading ends; calling it again does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._pending is not None:
                self._pending.close()
            self._release()

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.kind} {self.size}>"


# Names that Windows keeps for devices, whatever their extension.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def safe_name(text: str) -> str:
    """``text`` as a file name that every system takes: letters, digits, ``-``, ``_`` and dots.

    Letters of any script stay. At most 80 characters and 160 bytes, not empty, never hidden.
    """
    name = re.sub(r"[^\w.]+", "-", text).strip("-.")[:80]
    name = name.encode("utf-8", "replace")[:160].decode("utf-8", "ignore").rstrip("-.")
    if not name:
        return "source"
    return f"_{name}" if _RESERVED.match(name) else name
