"""Pictures of a glTF file as textures: decoded late, made smaller when they are gigantic."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
from PIL import Image

from ..arrays import Array, UInt8
from .accessors import Accessors
from .document import Document, Item

__all__ = ["LARGEST_TEXTURE", "MOST_PIXELS", "Images"]

LARGEST_TEXTURE = 2048
"""Pixels of the longer side that are kept; a head on a screen shows no more."""

MOST_PIXELS = 150_000_000
"""A larger picture is left out unread: it would take half a gigabyte."""

_FORMATS = ("PNG", "JPEG", "WEBP")

# What Pillow's decoders raise on damaged data.
_BROKEN = (
    OSError, ValueError, SyntaxError, EOFError, ArithmeticError, LookupError, TypeError,
    struct.error, zlib.error,
)  # fmt: skip


class Images:
    """The textures of a document, colours and data; each is decoded once.

    Attributes:
        notes: what was left out or changed, a sentence each.
    """

    def __init__(self, document: Document, accessors: Accessors, notes: list[str]) -> None:
        self._source, self._accessors, self._notes = document.source, accessors, notes
        self._textures = document.root.items("textures")
        self._images = document.root.items("images")
        self._views = len(document.root.items("bufferViews"))
        self._decoded: dict[int, UInt8[Array, "h w 4"] | None] = {}
        self._data: dict[int, UInt8[Array, "h w 3"]] = {}

    def texture(self, info: Item) -> UInt8[Array, "h w 4"] | None:
        """The picture of a textureInfo, uint8 RGBA; None, with a note, where it cannot be used.

        Raises:
            InputError: an index or an address that leads nowhere, or out of the folder.
        """
        source = self._source_of(info)
        if source is None:
            return None
        if source not in self._decoded:
            self._decoded[source] = self._decode(self._images[source])
        return self._decoded[source]

    def data(self, info: Item) -> UInt8[Array, "h w 3"] | None:
        """Likewise without alpha, of pictures that hold numbers: normals, roughness and metal."""
        picture, source = self.texture(info), self._source_of(info, quiet=True)
        if picture is None or source is None:
            return None
        if source not in self._data:
            self._data[source] = np.ascontiguousarray(picture[..., :3])
        return self._data[source]

    def _source_of(self, info: Item, *, quiet: bool = False) -> int | None:
        """The picture behind a textureInfo."""
        texture = self._textures[info.index("index", len(self._textures))]
        webp = texture.extension("EXT_texture_webp")
        source = texture.index("source", len(self._images), None)
        if source is None and webp is not None:
            source = webp.index("source", len(self._images))
        if source is None and not quiet:
            kinds = ", ".join(texture.item("extensions").value) or "no picture"
            self._notes.append(f"{texture.where} is left out: it has {kinds[:60]}")
        found: int | None = source
        return found

    def _decode(self, image: Item) -> UInt8[Array, "h w 4"] | None:
        if "bufferView" in image:
            data = self._accessors.view(image.index("bufferView", self._views))
        else:
            data = self._source.load(image.text("uri"), image.where)
        label = f"the texture {image.text('name') or image.where!r}"
        try:
            # A gigantic picture is a warning or an error to Pillow; here MOST_PIXELS decides.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                    return self._pixels(picture, label, image.where)
        except Image.DecompressionBombError:
            self._too_large(label, "gigantic")
        except _BROKEN as error:
            self._notes.append(f"{label} is left out: it cannot be decoded ({str(error)[:80]})")
        return None

    def _pixels(self, picture: Image.Image, label: str, where: str) -> UInt8[Array, "h w 4"] | None:
        width, height = picture.size
        if width * height > MOST_PIXELS:
            self._too_large(label, f"{width}x{height}")
            return None
        longer = max(width, height)
        if longer > LARGEST_TEXTURE:
            by = LARGEST_TEXTURE / longer
            size = max(1, round(width * by)), max(1, round(height * by))
            picture.draft("RGB", size)  # a JPEG is then decoded small
            shown = picture.convert("RGBA").resize(size, Image.Resampling.BOX)
            self._notes.append(
                f"{label} is {width}x{height} and was made {size[0]}x{size[1]}; "
                f"{LARGEST_TEXTURE} is the most that is kept"
            )
        else:
            shown = picture.convert("RGBA")
        self._accessors.charge(shown.width * shown.height * 4, where)
        return np.array(shown)

    def _too_large(self, label: str, size: str) -> None:
        self._notes.append(
            f"{label} is left out: it is {size}, and {MOST_PIXELS // 1_000_000} megapixels are the "
            "most that is read; make it smaller"
        )
