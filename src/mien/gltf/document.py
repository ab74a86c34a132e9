"""The container of a glTF file: JSON and buffers, read with suspicion.

What a file says is never trusted: every index, count and address is checked before it is used,
and what is wrong becomes an :class:`mien.errors.InputError` that says where. The container is read
by hand, as pygltflib takes damaged files for whole ones (a GLB that is cut off, chunks that
overlap), raises whatever comes on others, and follows addresses out of the file's folder.

Read: glTF 2.0 as JSON with buffers beside it or in data URIs, and GLB, which VRM files are too.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from ..errors import InputError

__all__ = ["LARGEST_FILE", "Document", "Item", "Source", "open_document"]

LARGEST_FILE = 1_000_000_000
"""Bytes of a file or of a buffer; larger ones are refused."""

DAMAGED = "the file is damaged; export it again, or ask a glTF validator what is wrong with it"

_UNPACK = (
    "write an uncompressed copy first: npx @gltf-transform/cli copy IN.glb OUT.glb "
    "(of a VRM that keeps no expressions: export it again without compression)"
)
COMPRESSIONS = {
    "KHR_draco_mesh_compression": "Draco",
    "EXT_meshopt_compression": "meshopt",
    "KHR_meshopt_compression": "meshopt",
}
"""Extensions that keep geometry where only their own decoders find it."""

_UNDERSTOOD = {
    "KHR_mesh_quantization",
    "KHR_texture_transform",
    "KHR_lights_punctual",  # an avatar's own lights are not used
    "EXT_texture_webp",
    "VRM",
    "VRMC_vrm",
    "VRMC_springBone",  # hair and cloth hang still
    "VRMC_node_constraint",
}
_LOOKS = ("KHR_materials_", "VRMC_materials_")  # how a surface looks never hides it

_MAGIC = {
    b"Kaydara": "an FBX file",
    b"PK\x03\x04": "a ZIP archive (unpack it; the avatar is inside)",
    b"\x1f\x8b": "a gzip archive (unpack it)",
    b"BLENDER": "a Blender file (export it as glTF 2.0 from Blender)",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"ply\n": "a PLY mesh",
    b"UnityFS": "a Unity bundle",
}
_EXPECTED = "expected a .glb, .gltf or .vrm file"
_RAISE: Any = object()


@dataclass(frozen=True, slots=True)
class Source:
    """Which file is read; knows how to complain about it.

    Attributes:
        path: of the file. Nothing outside of its folder is opened.
    """

    path: Path

    def refuse(self, what: str, remedy: str = DAMAGED) -> NoReturn:
        """Raise an :class:`InputError` about the file."""
        raise InputError(f"{self.path.name}: {what}; {remedy}")

    def load(self, uri: str, where: str) -> bytes:
        """Bytes behind a URI: data, or a file in the folder of the avatar or below it.

        Raises:
            InputError: an address in the net or outside of the folder, no such file, or data that
                cannot be decoded.
        """
        if uri.startswith("data:"):
            return self._data(uri, where)
        name = unquote_to_bytes(uri).decode("utf-8", "replace")
        folder = self.path.parent.resolve()
        if "://" in name or "\0" in name:
            self.refuse(f"{where} is at {uri[:80]!r}", "nothing is fetched; put the file beside it")
        target = (folder / name.replace("\\", "/")).resolve()
        if not target.is_relative_to(folder):
            self.refuse(
                f"{where} is at {uri[:80]!r}, outside of the file's folder",
                "put everything that belongs to the avatar into one folder",
            )
        try:
            if target.stat().st_size > LARGEST_FILE:
                self.refuse(f"{where} is larger than {LARGEST_FILE:,} bytes", "make it smaller")
            return target.read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self.refuse(
                f"{where}, {name[:80]!r}, cannot be read ({reason})",
                "put it beside the file, or export the avatar as .glb, which holds everything",
            )

    def _data(self, uri: str, where: str) -> bytes:
        head, comma, body = uri.partition(",")
        data = unquote_to_bytes(body)
        if not comma:
            self.refuse(f"{where} has a data URI without data")
        if not head.endswith(";base64"):
            return data
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error as error:
            self.refuse(f"{where} has a data URI that cannot be decoded ({error})")


class Item:
    """A JSON object with its place in the file, whose values are checked as they are taken.

    Every method raises :class:`InputError` when a value is of another kind or out of range.
    """

    __slots__ = ("source", "value", "where")

    def __init__(self, value: Mapping[str, Any], where: str, source: Source) -> None:
        self.value, self.where, self.source = value, where, source

    def __contains__(self, key: str) -> bool:
        return key in self.value

    def bad(self, key: str, expected: str) -> NoReturn:
        """Complain about a value."""
        given = repr(self.value.get(key))
        given = given if len(given) < 60 else given[:57] + "..."
        missing = key not in self.value
        place = f"{self.where}.{key}" if self.where else key
        said = "is missing" if missing else f"is {given}"
        self.source.refuse(f"{place} {said}, expected {expected}")

    def index(self, key: str, count: int, default: Any = _RAISE, what: str = "an index") -> Any:
        """An integer in ``range(count)``."""
        value = self.value.get(key, default)
        if value is default and default is not _RAISE:
            return default
        if type(value) is not int or not 0 <= value < count:
            self.bad(key, f"{what} below {count}")
        return value

    def size(self, key: str, default: Any = _RAISE) -> int:
        """A number of bytes or elements, at most 2^40."""
        size: int = self.index(key, 1 << 40, default, "a count")
        return size

    def number(self, key: str, default: float) -> float:
        """A finite float."""
        value = self.value.get(key, default)
        if not _is_number(value):
            self.bad(key, "a number")
        return float(value)

    def numbers(self, key: str, count: int, default: Any = None) -> Any:
        """``count`` finite floats as a tuple."""
        value = self.value.get(key)
        if value is None:
            return default
        if not isinstance(value, list) or len(value) != count or not all(map(_is_number, value)):
            self.bad(key, f"{count} numbers")
        return tuple(map(float, value))

    def text(self, key: str, default: str = "") -> str:
        """A string."""
        value: object = self.value.get(key, default)
        if not isinstance(value, str):
            self.bad(key, "a text")
        return value

    def flag(self, key: str) -> bool:
        """True or false; false where it is missing."""
        return self.value.get(key) is True

    def item(self, key: str) -> Item:
        """An object; an empty one where it is missing."""
        value = self.value.get(key, {})
        if not isinstance(value, dict):
            self.bad(key, "an object")
        return Item(value, f"{self.where}.{key}".lstrip("."), self.source)

    def items(self, key: str) -> list[Item]:
        """A list of objects; an empty one where it is missing."""
        value = self.value.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            self.bad(key, "a list of objects")
        place = f"{self.where}.{key}".lstrip(".")
        return [Item(v, f"{place}[{i}]", self.source) for i, v in enumerate(value)]

    def named(self, key: str) -> Iterator[tuple[str, Item]]:
        """The objects of an object, by name; what is no object is passed over."""
        group = self.item(key)
        for name, value in group.value.items():
            if isinstance(value, dict):
                yield name, Item(value, f"{group.where}.{name}", self.source)

    def indices(self, key: str, count: int, what: str) -> list[int]:
        """A list of integers in ``range(count)``; an empty one where it is missing."""
        value = self.value.get(key, [])
        if not isinstance(value, list) or not all(type(v) is int and 0 <= v < count for v in value):
            self.bad(key, f"a list of {what} below {count}")
        return value

    def extension(self, *names: str) -> Item | None:
        """The first of these extensions that is there."""
        extensions = self.item("extensions")
        return next((extensions.item(name) for name in names if name in extensions), None)


def _is_number(value: object) -> bool:
    # An integer of JSON has any number of digits.
    return (type(value) is float and math.isfinite(value)) or (
        type(value) is int and abs(value) < 1 << 63
    )


@dataclass(frozen=True, slots=True)
class Document:
    """A file whose container is whole.

    Attributes:
        source: the file.
        root: its JSON.
        blob: the binary chunk of a GLB, or None.
    """

    source: Source
    root: Item
    blob: bytes | None

    def buffer(self, index: int) -> bytes:
        """The bytes of a buffer.

        Raises:
            InputError: it is missing, too short, or compressed.
        """
        buffer = self.root.items("buffers")[index]
        length = buffer.size("byteLength")
        if "uri" in buffer:
            data = self.source.load(buffer.text("uri"), buffer.where)
        elif index == 0 and self.blob is not None:
            data = self.blob
        elif buffer.extension(*COMPRESSIONS) is not None:
            self.refuse_compressed("meshopt")
        else:
            self.source.refuse(f"{buffer.where} is in no file", "export it as .glb in one piece")
        if len(data) < length:
            self.source.refuse(f"{buffer.where} has {len(data)} bytes of {length}")
        return data[:length]

    def refuse_compressed(self, how: str) -> NoReturn:
        """Raise: the geometry is packed."""
        self.source.refuse(f"it is compressed with {how}, which is not unpacked here", _UNPACK)


def open_document(path: Path) -> Document:
    """Read the container of a .gltf, .glb or .vrm file; what it is decides its content.

    Raises:
        InputError: no such file, another format, a damaged container, or a file that needs an
            extension which is not understood.
    """
    source = Source(path)
    try:
        if path.stat().st_size > LARGEST_FILE:
            source.refuse(f"it is larger than {LARGEST_FILE:,} bytes", "make a smaller one")
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot read {path}: {reason}; name a .glb, .gltf or .vrm file") from None
    text, blob = _chunks(data, source) if data[:4] == b"glTF" else (data, None)
    root = _parse(text, source, binary=data[:4] == b"glTF")
    _check_version(root)
    document = Document(source, root, blob)
    _check_required(document)
    return document


def _chunks(data: bytes, source: Source) -> tuple[bytes, bytes | None]:
    """The JSON and binary chunks of a GLB."""
    if len(data) < 20:
        source.refuse(f"it is cut off after {len(data)} bytes", "copy or download it again")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        source.refuse(f"it is glTF {version}.0, expected 2.0", "export it as glTF 2.0")
    if length > len(data):
        source.refuse(
            f"it is cut off: it should have {length:,} bytes and has {len(data):,}",
            "copy or download it again",
        )
    found: list[tuple[int, bytes]] = []
    at = 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<II", data, at)
        if at + 8 + size > length:
            source.refuse("a chunk ends behind the end of the file")
        found.append((kind, data[at + 8 : at + 8 + size]))
        at += 8 + size
    if not found or found[0][0] != 0x4E4F534A:
        source.refuse("its first chunk is not JSON")
    binary = [chunk for kind, chunk in found[1:2] if kind == 0x004E4942]
    return found[0][1], binary[0] if binary else None


def _parse(text: bytes, source: Source, *, binary: bool) -> Item:
    def forbidden(name: str) -> NoReturn:
        raise ValueError(f"{name} is not a number of JSON")

    for magic, kind in _MAGIC.items():
        if text.startswith(magic):
            source.refuse(f"it is {kind}", _EXPECTED)
    try:
        value = json.loads(text.decode("utf-8-sig"), parse_constant=forbidden)
    except (ValueError, RecursionError) as error:
        if binary or text.lstrip()[:1] == b"{":
            source.refuse(f"its JSON cannot be read ({error})")
        source.refuse("it is not glTF", _EXPECTED)
    if not isinstance(value, dict) or "asset" not in value:
        source.refuse("it is JSON, but not glTF", _EXPECTED)
    return Item(value, "", source)


def _check_version(root: Item) -> None:
    version = root.item("asset").text("version")
    if version.split(".")[0] != "2":
        root.source.refuse(f"it is glTF {version!r}, expected 2.0", "export it as glTF 2.0")


def _check_required(document: Document) -> None:
    required = document.root.value.get("extensionsRequired", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        document.root.bad("extensionsRequired", "a list of names")
    for name in required:
        if name in COMPRESSIONS:
            document.refuse_compressed(COMPRESSIONS[name])
    unknown = [n for n in required if n not in _UNDERSTOOD and not n.startswith(_LOOKS)]
    if unknown:
        document.source.refuse(
            f"it needs {', '.join(unknown[:5])}, which is not understood here",
            "export it as plain glTF 2.0, without that extension",
        )
