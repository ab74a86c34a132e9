"""Cameras through OpenCV: RGB frames, timed by this machine's monotonic clock.

A camera that stops in the middle (unplugged, taken by the system) ends the iteration with a
note instead of an error, so that what was seen until then is kept.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl

from ..arrays import RGBImage
from ..errors import CameraError, InputError
from ..types import Frame
from .source import Source, Window

__all__ = ["Camera", "CameraSpec", "Device", "OpenCVDevice", "cameras", "open_device"]

_SPEC = re.compile(r"(?:camera|webcam)(?::(\d+))?(?:\?(.*))?$", re.IGNORECASE)
_EXAMPLE = "camera:0?size=1280x720&fps=30"

# A hiccup of the bus is shorter, a pulled plug longer.
_GRACE = 1.0
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """Which camera, and what is asked of it.

    Attributes:
        index: 0 is the first camera.
        size: (width, height) in pixels; None leaves it to the camera.
        fps: frames per second; None leaves it to the camera.

    Raises:
        InputError: an index below 0, a size or rate that no camera has.
    """

    index: int = 0
    size: tuple[int, int] | None = None
    fps: float | None = None

    def __post_init__(self) -> None:
        if self.index < 0:
            raise InputError(f"camera {self.index}: expected a number from 0, as in camera:0")
        if self.size is not None and not all(0 < side <= 16384 for side in self.size):
            raise InputError(f"camera size {self.size}: expected pixels, as in {_EXAMPLE}")
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise InputError(f"camera fps {self.fps}: expected frames per second, as in {_EXAMPLE}")

    @classmethod
    def from_text(cls, text: str) -> CameraSpec | None:
        """From ``camera``, ``camera:1`` or ``camera:0?size=1280x720&fps=30``; None for others.

        Raises:
            InputError: an option that does not exist or that has no such value.
        """
        found = _SPEC.match(text)
        if found is None:
            if text.lower().startswith("camera:"):
                raise InputError(f"{text}: expected {_EXAMPLE}")
            return None
        spec = cls(int(found[1] or 0))
        for key, value in parse_qsl(found[2] or "", keep_blank_values=True):
            if key == "size" and (sides := re.fullmatch(r"(\d{1,5})x(\d{1,5})", value)):
                spec = replace(spec, size=(int(sides[1]), int(sides[2])))
            elif key == "fps" and re.fullmatch(r"\d{1,4}(\.\d+)?", value):
                spec = replace(spec, fps=float(value))
            else:
                raise InputError(
                    f"{text}: {key}={value} is not an option; expected size=WIDTHxHEIGHT or "
                    f"fps=NUMBER, as in {_EXAMPLE}"
                )
        return spec


class Device(Protocol):
    """What :class:`Camera` needs of a camera that has been opened."""

    size: tuple[int, int]
    """(width, height) in pixels that it delivers."""

    fps: float | None
    """Frames per second as it says, None when it does not."""

    def read(self) -> RGBImage | None:
        """Wait for the next picture; None when none came. May raise OSError."""
        ...

    def release(self) -> None:
        """Let the camera go."""
        ...


class Camera(Source):
    """Frames of a camera until it is closed, stops, or the window ends."""

    def __init__(
        self,
        spec: CameraSpec,
        window: Window,
        *,
        timeout: float = 10.0,
        device: Callable[[CameraSpec], Device] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the camera and wait for its first frame.

        Args:
            spec: which camera.
            window: seconds from the first frame, and every how many frames.
            timeout: seconds to wait for the first frame.
            device: opens the camera; OpenCV when None.
            clock: seconds that only rise.

        Raises:
            CameraError: there is no such camera, it is busy or forbidden, or gives no frame.
        """
        self._clock = clock
        self._window = window
        self._label = f"camera {spec.index}"
        self._device = (device or open_device)(spec)
        try:
            first = self._next(timeout)
        except BaseException:
            self._device.release()
            raise
        if first is None:
            self._device.release()
            raise CameraError(
                f"{self._label}: no picture within {timeout:g} s; another program may be using "
                "it, or its shutter is closed. Close the other program, or plug it in again"
            )
        self._first: tuple[float, RGBImage] | None = first
        height, width = first[1].shape[:2]
        super().__init__(
            f"camera-{spec.index}", "camera", size=(width, height), fps=self._device.fps
        )
        if spec.size is not None and spec.size != self.size:
            asked = "x".join(map(str, spec.size))
            self.notes.append(f"{asked} was asked for, the camera gives {width}x{height}")
        if spec.fps is not None and self.fps is not None and abs(self.fps - spec.fps) > 0.5:
            self.notes.append(f"{spec.fps:g} frames/s were asked for, the camera says {self.fps:g}")

    def _read(self) -> Generator[Frame, None, None]:
        picture, self._first = self._first, None
        index, origin, last = 0, None, -1.0
        while picture is not None:
            now, image = picture
            origin = now if origin is None else origin
            # Two pictures in one tick of a coarse clock still follow each other.
            last = max(now - origin, last + 1e-6)
            if self._window.over(last):
                return
            if self._window.wants(index, last):
                yield Frame(image, last, index)
            index += 1
            picture = self._next(_GRACE)
        self.notes.append(
            f"{self._label} gave no more pictures after {last:.2f} s ({index} frames); "
            "it was unplugged or taken by another program"
        )

    def _next(self, patience: float) -> tuple[float, RGBImage] | None:
        until = self._clock() + patience
        while True:
            try:
                image = self._device.read()
            except OSError:
                image = None
            now = self._clock()
            if image is not None:
                return now, image
            if now >= until:
                return None
            time.sleep(_PAUSE)

    def _release(self) -> None:
        self._device.release()


class OpenCVDevice:
    """A ``cv2.VideoCapture`` that has been opened, as a :class:`Device`."""

    def __init__(self, capture: Any) -> None:
        import cv2

        self._cv2 = cv2
        self._capture = capture
        fps = float(capture.get(cv2.CAP_PROP_FPS))
        self.fps = fps if 0 < fps <= 1000 else None
        self.size = (
            int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )

    def read(self) -> RGBImage | None:
        """The next picture, or None. OpenCV's own complaints are kept quiet."""
        with _silent(self._cv2):
            try:
                good, image = self._capture.read()
            except self._cv2.error:
                return None
        if not good or image is None or not image.size:
            return None
        code = self._cv2.COLOR_GRAY2RGB if image.ndim == 2 else self._cv2.COLOR_BGR2RGB
        rgb: RGBImage = self._cv2.cvtColor(image, code)
        return rgb

    def release(self) -> None:
        """Let the camera go."""
        self._capture.release()


def open_device(spec: CameraSpec, folder: Path = Path("/dev")) -> Device:
    """Open a camera with OpenCV.

    Args:
        spec: which camera.
        folder: where Linux lists its cameras.

    Raises:
        CameraError: there is no such camera, no permission, or it is busy.
    """
    label = f"camera {spec.index}"
    known = cameras(folder)
    if known is not None:
        # Linux says at once what OpenCV would only warn about.
        if spec.index not in known:
            have = ", ".join(f"camera:{index}" for index in known) or "no camera at all"
            raise CameraError(f"{label}: there is no such camera; found {have}. Plug it in")
        node = folder / f"video{spec.index}"
        if not os.access(node, os.R_OK | os.W_OK):
            raise CameraError(
                f"{label}: no permission for {node}; add yourself to its group "
                "(sudo usermod -aG video $USER) and log in again"
            )
    import cv2

    with _silent(cv2):
        capture = cv2.VideoCapture(spec.index)
        if not capture.isOpened():
            capture.release()
            raise CameraError(
                f"{label}: cannot be opened; it is missing, or another program is using it, or "
                "the system denies cameras to this program (see its privacy settings)"
            )
        if spec.size is not None:
            # Raw pictures of this size do not fit through USB 2 at a useful rate.
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, spec.size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, spec.size[1])
        if spec.fps is not None:
            capture.set(cv2.CAP_PROP_FPS, spec.fps)
        # Old pictures are of no use.
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return OpenCVDevice(capture)


def cameras(folder: Path = Path("/dev")) -> list[int] | None:
    """Indices of the cameras that Linux lists, or None on systems that do not list them."""
    if not sys.platform.startswith("linux"):
        return None
    found = (re.fullmatch(r"video(\d+)", node.name) for node in folder.glob("video*"))
    return sorted(int(match[1]) for match in found if match)


@contextmanager
def _silent(cv2: Any) -> Iterator[None]:
    """OpenCV writes to standard error what becomes an error or a note here."""
    # It moved in OpenCV 5; 0 is silent in both places.
    logging = cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging
    before = logging.getLogLevel()
    logging.setLogLevel(0)
    try:
        yield
    finally:
        logging.setLogLevel(before)
