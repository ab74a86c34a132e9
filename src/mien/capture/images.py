"""Pictures through Pillow: upright, 8 bit, RGB, whatever they were.

Sixteen-bit and floating-point greys are scaled, not clipped; transparency is laid over white,
as a page or a viewer shows it; the first picture stands for a file that holds several, unless
they are the frames of an animation.
"""

from __future__ import annotations

import struct
import threading
import warnings
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..arrays import Array, RGBImage, UInt8
from ..errors import InputError
from ..types import Frame
from .files import Input, Spec, open_input
from .source import Source, Window

__all__ = [
    "MAX_PIXELS",
    "Animation",
    "Still",
    "is_picture",
    "is_sequence",
    "open_picture",
    "read_image",
]

MAX_PIXELS = 100_000_000
"""Pixels of a picture or frame that are decoded unless the caller allows more."""

# Only these are tried: Pillow also knows formats that run other programs (EPS) or that
# recognise nearly anything.
_FORMATS = (
    "JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "AVIF", "HEIF",
    "ICO", "MPO",
)  # fmt: skip
_ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")

# What Pillow's decoders raise on damaged files, found by damaging files.
_DAMAGE = (
    OSError, SyntaxError, ValueError, IndexError, KeyError, TypeError, AttributeError,
    RuntimeError, ArithmeticError, AssertionError, MemoryError, EOFError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip

# The EXIF orientations that are not upright, and what makes them so.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112

_MAGIC = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0",
    b"MM\0+", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"\0\0\1\0",
)  # fmt: skip
_BRANDS = frozenset(
    (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
)

_limit = threading.Lock()


def is_picture(head: bytes) -> bool:
    """Whether a file that begins with these bytes is Pillow's to read."""
    return (
        head.startswith(_MAGIC)
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[:1] == b"P" and head[1:2] in b"123456f" and head[2:3].isspace())
        or (head[4:8] == b"ftyp" and head[8:12] in _BRANDS)
    )


def is_sequence(data: bytes) -> bool:
    """Whether these are JPEG pictures one after the other, as ``ffmpeg -f mjpeg`` writes them.

    Within a picture the four bytes cannot follow each other; a photo with further views behind
    it (a depth or gain map) says so in an MPF segment.
    """
    return (
        data.startswith(b"\xff\xd8\xff")
        and b"\xff\xd9\xff\xd8" in data
        and b"MPF\0" not in data[: 1 << 16]
    )


def read_image(
    source: Spec,
    *,
    max_pixels: int = MAX_PIXELS,
    background: tuple[int, int, int] = (255, 255, 255),
    label: str | None = None,
) -> RGBImage:
    """Read one picture.

    Args:
        source: a path, ``-``, the bytes of a picture file, or a binary file.
        max_pixels: a larger picture is refused before it is decoded.
        background: RGB under transparent pixels.
        label: what messages call it; the path when not given.

    Returns:
        uint8 (height, width, 3), RGB, contiguous, turned upright by its EXIF orientation.
        Greys of 16 bits are scaled from 0..65535; integer greys beyond that and floating-point
        greys beyond 255 from their own maximum; floating-point greys up to 1 from 0..1.

    Raises:
        InputError: missing, empty, no picture, damaged or cut short, or too large.
    """
    given = open_input(source, label)
    try:
        given = given.held()
        with _quiet(), _opened(given, max_pixels) as image:
            return _decoded(image, given.label, background)
    finally:
        given.close()


def open_picture(given: Input, window: Window, max_pixels: int = MAX_PIXELS) -> Source:
    """A still, or an animation as a video. ``given`` is held in memory and owned from here on.

    Raises:
        InputError: as :func:`read_image`.
    """
    with _quiet():
        image = _opened(given, max_pixels)
        try:
            frames = getattr(image, "n_frames", 1)
            if frames > 1 and image.format in _ANIMATED:
                return Animation(image, given, window, frames)
            still = Still(_decoded(image, given.label), given.name)
        except _DAMAGE as error:
            raise _damaged(given.label, error) from error
        if frames > 1 and image.format == "TIFF":
            still.notes.append(f"the first of {frames} pages is read")
        image.close()
    given.close()
    return still


class Still(Source):
    """One picture."""

    def __init__(self, image: RGBImage, name: str) -> None:
        super().__init__(name, "still", size=(image.shape[1], image.shape[0]), frames=1)
        self._image = image

    def _read(self) -> Generator[Frame, None, None]:
        yield Frame(self._image)

    def _release(self) -> None:
        pass


class Animation(Source):
    """The frames of an animated GIF, WebP, PNG or AVIF, each shown for its own time, once."""

    def __init__(self, image: Image.Image, given: Input, window: Window, frames: int) -> None:
        # An animated PNG may hold a picture for readers that cannot animate, in front.
        self._first = int(bool(getattr(image, "default_image", False)))
        image.seek(self._first)
        first = _decoded(image, given.label)
        seconds = _duration(image)
        total = frames - self._first
        super().__init__(
            given.name,
            "video",
            size=(first.shape[1], first.shape[0]),
            frames=window.count(total, 1 / seconds),
            fps=1 / seconds,
        )
        self._image = image
        self._given = given
        self._window = window
        self._total = total

    def _read(self) -> Generator[Frame, None, None]:
        time, given = 0.0, 0
        for index in range(self._total):
            if self._window.over(time):
                break
            try:
                with _quiet():
                    self._image.seek(self._first + index)
                    picture = _decoded(self._image, self._given.label)
                    seconds = _duration(self._image)
            except (InputError, *_DAMAGE):
                self.notes.append(
                    f"{self._total - index} of {self._total} frames did not decode; "
                    f"the pictures end at {time:.2f} s"
                )
                break
            if self._window.wants(index, time):
                given += 1
                yield Frame(picture, time, index)
            time += seconds
        if not given:
            raise InputError(f"{self._given.label}: no frame in the wanted part, {time:.2f} s long")

    def _release(self) -> None:
        self._image.close()
        self._given.close()


def _duration(image: Image.Image) -> float:
    """Seconds that the current frame is shown. Up to 10 ms means 100 ms, as in browsers."""
    milliseconds = float(image.info.get("duration") or 0.0)
    return milliseconds / 1000 if milliseconds > 10 else 0.1


def _opened(given: Input, max_pixels: int) -> Image.Image:
    Image.init()
    formats = [name for name in _FORMATS if name in Image.OPEN]
    try:
        with _own_limit():
            image = Image.open(given.file, formats=formats)
    except UnidentifiedImageError as error:
        raise _unknown(given) from error
    except _DAMAGE as error:
        raise _damaged(given.label, error) from error
    width, height = image.size
    if width * height > max_pixels:
        image.close()
        raise InputError(
            f"{given.label}: {width} x {height} pixels are more than the limit of "
            f"{max_pixels / 1e6:g} megapixels; make the picture smaller "
            "(or, in Python, give a larger max_pixels)"
        )
    return image


def _unknown(given: Input) -> InputError:
    brand = given.head[8:12] if given.head[4:8] == b"ftyp" else b""
    if brand in _BRANDS:
        plugin = "AVIF" if brand.startswith(b"avi") else "HEIF"
        if plugin in Image.OPEN:
            return _damaged(given.label, "its parts do not fit together")
        return InputError(
            f"{given.label}: is a {'HEIC' if plugin == 'HEIF' else plugin} picture, which the "
            "Pillow installed here cannot read; convert it to JPEG or PNG"
        )
    return InputError(
        f"{given.label}: expected a picture (JPEG, PNG, WebP, GIF, TIFF, BMP and others), got "
        "something that is none, whatever its name says; convert it to JPEG or PNG"
    )


def _damaged(label: str, error: BaseException | str) -> InputError:
    return InputError(
        f"{label}: the picture is damaged or cut short ({error}); get a complete copy"
    )


def _decoded(
    image: Image.Image, label: str, background: tuple[int, int, int] = (255, 255, 255)
) -> RGBImage:
    try:
        image.load()
        upright = _upright(image)
        mode = upright.mode
        if mode.startswith("I") or mode == "F":
            return np.repeat(_eight_bits(np.asarray(upright))[..., None], 3, axis=2)
        if upright.has_transparency_data:
            # alpha_composite keeps what lies under; paste with a mask would lose greys with
            # a transparent colour.
            canvas = Image.new("RGBA", upright.size, (*background, 255))
            canvas.alpha_composite(upright.convert("RGBA"))
            upright = canvas
        # A copy: Pillow's buffer is read-only.
        return np.array(upright.convert("RGB"))
    except _DAMAGE as error:
        raise _damaged(label, error) from error


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except _DAMAGE:
        # The picture is whole, only what was written about it is not.
        return image
    # An unhashable or odd value means nothing.
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _eight_bits(grey: Array) -> UInt8[Array, "height width"]:
    """Greys of any number type to 0..255, by the rules of :func:`read_image`."""
    values = np.nan_to_num(grey.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    most = float(values.max())
    if grey.dtype.kind == "f":
        top = 1.0 if most <= 1.0 else max(255.0, most)
    else:
        top = max(65535.0, most)
    eight: UInt8[Array, "height width"]
    eight = np.rint(np.clip(values / top, 0.0, 1.0) * 255.0).astype(np.uint8)
    return eight


@contextmanager
def _own_limit() -> Iterator[None]:
    """Our limit in the place of Pillow's, which warns at one size and raises at another.

    It is a module variable there; opening only reads a header, so the change is short, and
    the lock keeps our own threads from restoring each other's value.
    """
    with _limit:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


@contextmanager
def _quiet() -> Iterator[None]:
    """Pillow's warnings (damaged EXIF, large pictures) say nothing that a user can act on."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield
