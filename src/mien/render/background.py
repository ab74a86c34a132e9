"""What stands behind the actors: a colour, a gradient, a picture, a blurred frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from ..arrays import Array, RGBImage, UInt8
from ..errors import InputError

__all__ = [
    "DUSK",
    "PLAIN",
    "Background",
    "Colour",
    "Gradient",
    "Picture",
    "blurred",
    "kept",
    "painted",
    "parse",
]

RGB: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Colour:
    """One colour, sRGB 0..255."""

    rgb: RGB


@dataclass(frozen=True, slots=True)
class Gradient:
    """From ``top`` to ``bottom``, sRGB 0..255; a little lighter behind the middle."""

    top: RGB
    bottom: RGB


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture that covers everything; what does not fit is cut off evenly.

    Attributes:
        image: uint8 sRGB (h, w, 3).
    """

    image: UInt8[Array, "h w 3"]


Background: TypeAlias = Colour | Gradient | Picture

PLAIN = Colour((38, 40, 46))
"""Of a scene that was told nothing else."""

DUSK = Gradient((74, 82, 98), (28, 30, 36))
"""The default of ``mien render``."""

_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_BLURRED_ROWS = 96


def parse(text: str) -> Background | None:
    """What a user names.

    Args:
        text: ``none`` (transparent), ``gradient``, ``#rrggbb`` or ``#rgb``, two of them with
            ``..`` between for top and bottom, or the path of a picture.

    Raises:
        InputError: none of these, or a picture that cannot be read.
    """
    if text in ("none", "transparent"):
        return None
    if text == "gradient":
        return DUSK
    if text.startswith("#"):
        ends = [_colour(part, text) for part in text.split("..")]
        if len(ends) == 1:
            return Colour(ends[0])
        if len(ends) == 2:
            return Gradient(ends[0], ends[1])
    path = Path(text)
    if not path.is_file():
        raise InputError(
            f"background {text!r}: expected none, gradient, blur, a colour such as #334455, two "
            "such as #334455..#111111, or the path of a picture"
        )
    try:
        with Image.open(path) as picture:
            return Picture(np.array(picture.convert("RGB")))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InputError(f"the background {path} cannot be read as a picture: {error}") from error


def painted(background: Background, width: int, height: int) -> RGBImage:
    """The background as a picture of this size, uint8 sRGB (height, width, 3)."""
    if isinstance(background, Colour):
        return np.full((height, width, 3), background.rgb, np.uint8)
    if isinstance(background, Picture):
        return _covering(background.image, width, height)
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height
    x = (np.arange(width, dtype=np.float32)[None] + 0.5) / width
    glow = np.maximum(1 - 3 * ((x - 0.5) ** 2 + (0.9 * (y - 0.45)) ** 2), 0) ** 2
    ends = np.array([background.top, background.bottom], np.float32)
    colour = ends[0] + (ends[1] - ends[0]) * y[..., None]
    colour = colour * (1 + 0.18 * glow[..., None])
    # Half a step of noise, or wide gradients show their bands; always the same.
    grain = np.random.default_rng(0).random((height, width, 1), np.float32)
    gradient: RGBImage = np.clip(colour + grain, 0, 255).astype(np.uint8)
    return gradient


def kept(columns: int, rows: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Which part of a picture is seen where it covers a place of another shape.

    Args:
        columns: width of the picture.
        rows: its height.
        width: of the place.
        height: likewise.

    Returns:
        left, top, width and height of the part, in pixels of the picture.
    """
    scale = max(width / columns, height / rows)
    wide, high = min(width / scale, columns), min(height / scale, rows)
    left, top = int((columns - wide) / 2), int((rows - high) / 2)
    return left, top, max(1, round(wide)), max(1, round(high))


def _covering(image: RGBImage, width: int, height: int) -> RGBImage:
    left, top, wide, high = kept(image.shape[1], image.shape[0], width, height)
    part = image[top : top + high, left : left + wide]
    how = cv2.INTER_AREA if width < wide else cv2.INTER_LINEAR
    if part.shape[:2] == (height, width):
        return np.ascontiguousarray(part)
    return np.asarray(cv2.resize(part, (width, height), interpolation=how), np.uint8)


def _colour(part: str, text: str) -> RGB:
    if not _HEX.fullmatch(part):
        raise InputError(f"background {text!r}: {part!r} is no colour; expected #rgb or #rrggbb")
    digits = part[1:] if len(part) == 7 else "".join(2 * d for d in part[1:])
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def blurred(image: RGBImage) -> Picture:
    """A frame so far out of focus that it only gives the mood: small, soft, darker."""
    height, width = image.shape[:2]
    rows = min(_BLURRED_ROWS, height)
    size = (max(1, round(width * rows / height)), rows)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), rows / 16)
    return Picture((small * np.float32(0.75)).astype(np.uint8))
