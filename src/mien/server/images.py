"""Pictures from outside: how large they will be is known before a pixel is decoded."""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from ..arrays import RGBImage
from .problems import RequestError
from .wire import Encoding, FrameMessage

__all__ = ["LIVE_FORMATS", "check_header", "check_size", "decode"]

LIVE_FORMATS = ("JPEG", "PNG", "WEBP")
"""What a frame of a WebSocket may be; the fewer decoders strangers reach, the better."""

# What Pillow's readers of headers let out, besides what it catches itself.
_DAMAGE = (OSError, ValueError, SyntaxError, KeyError, AttributeError, OverflowError, MemoryError)


def check_header(
    data: bytes | memoryview, max_pixels: int, formats: tuple[str, ...] | None = None
) -> None:
    """Refuse what is not an image, or would decode to more than ``max_pixels``.

    Only the header is read (20 microseconds), so a decompression bomb costs nothing.

    Raises:
        RequestError: ``unreadable_image`` or ``too_many_pixels``.
    """
    if size := _jpeg_size(data):
        check_size(*size, max_pixels)
        return
    try:
        with Image.open(io.BytesIO(data), formats=formats) as image:
            width, height = image.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many("the picture", max_pixels) from None
    except UnidentifiedImageError:
        kinds = " or ".join(formats) if formats else "a picture"
        start = bytes(data[:8])
        raise _unreadable(f"expected {kinds}, got {len(data)} bytes that start {start!r}") from None
    except _DAMAGE as error:
        raise _unreadable(f"the header of the picture is damaged ({error})") from None
    check_size(width, height, max_pixels)


def decode(message: FrameMessage, max_pixels: int) -> RGBImage:
    """The pixels of a frame, in the orientation that its EXIF data asks for.

    Raises:
        RequestError: ``unreadable_image`` or ``too_many_pixels``.
    """
    if message.encoding is Encoding.IMAGE:
        check_header(message.pixels, max_pixels, LIVE_FORMATS)
        try:
            image = cv2.imdecode(np.frombuffer(message.pixels, np.uint8), cv2.IMREAD_COLOR_RGB)
        except cv2.error as error:
            raise _unreadable(f"the picture does not decode ({error.err})") from None
        if image is None:
            raise _unreadable("the picture does not decode")
        return np.asarray(image)
    check_size(message.width, message.height, max_pixels)
    pixels = np.frombuffer(message.pixels, np.uint8).reshape(message.height, message.width, -1)
    if message.encoding is Encoding.RGBA:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB))
    return pixels


def _jpeg_size(data: bytes | memoryview) -> tuple[int, int] | None:
    """(width, height) of a JPEG whose segments follow each other as they should, else None.

    A live frame is a JPEG from a canvas. Pillow finds its size, too, but in a tenth of the time
    that decoding takes.
    """
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(data):
        mark, kind, length, _, height, width = _SEGMENT.unpack_from(data, at)
        if mark != 0xFF or kind not in _SIZED | _SKIPPED:
            return None
        if kind in _SIZED:
            return (width, height) if width and height else None
        at += 2 + length
    return None


# A segment of a JPEG (ISO/IEC 10918-1, annex B): marker, length, and what a frame header says.
_SEGMENT = struct.Struct(">BBHBHH")
_SIZED = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive
_SKIPPED = frozenset({0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)})  # tables, comment, applications


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse a picture of more than ``max_pixels``.

    Raises:
        RequestError: ``too_many_pixels``.
    """
    if width * height > max_pixels:
        raise _too_many(f"a picture of {width}x{height}", max_pixels)


def _too_many(what: str, max_pixels: int) -> RequestError:
    return RequestError(
        "too_many_pixels",
        f"{what} has more than {max_pixels:,} pixels",
        "send it smaller; a face 256 pixels wide is enough (MIEN_MAX_PIXELS sets the limit)",
    )


def _unreadable(message: str) -> RequestError:
    return RequestError("unreadable_image", message, "send a whole JPEG, PNG or WebP file")
