"""Arrays of a glTF file: typed views of its buffers, strided, normalised or sparse."""

from __future__ import annotations

import numpy as np

from ..arrays import Array, Float32, Int
from .document import COMPRESSIONS, Document, Item

__all__ = ["BUDGET", "Accessors"]

BUDGET = 1_500_000_000
"""Bytes that may be unpacked from one file: many accessors may share few bytes, and an accessor
without bytes may claim any number of zeros."""

_DTYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_UNSIGNED = (5121, 5123, 5125)
_COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_SCALE = {"i1": 127.0, "u1": 255.0, "i2": 32767.0, "u2": 65535.0}


class Accessors:
    """The arrays of a document by their index.

    Every method raises :class:`mien.errors.InputError` for an accessor that leads out of its
    buffer, is of another type than asked for, holds what is no finite number, or is too large.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        root = document.root
        self._accessors = root.items("accessors")
        self._views = root.items("bufferViews")
        self._buffers = len(root.items("buffers"))
        self._loaded: dict[int, bytes] = {}
        self._left = BUDGET

    def __len__(self) -> int:
        return len(self._accessors)

    def charge(self, size: int, where: str) -> None:
        """Take ``size`` bytes off the budget."""
        self._left -= size
        if self._left < 0:
            self._document.source.refuse(
                f"{where} makes it more than {BUDGET:,} bytes when unpacked",
                "reduce its meshes, targets or textures",
            )

    def has_bytes(self, index: int) -> bool:
        """Whether it holds anything itself; what is compressed does not."""
        return "bufferView" in self._accessors[index]

    def length(self, index: int) -> int:
        """Number of elements."""
        return self._accessors[index].size("count")

    def floats(self, index: int, kind: str) -> Float32[Array, "n c"]:
        """An accessor of ``kind``, such as VEC3, as float32; integers normalised if it says so.

        A matrix is a row of 16 numbers, column by column, as in the file.
        """
        accessor = self._of_kind(index, kind)
        values = self._convert(self._dense(accessor), accessor)
        if not np.isfinite(values).all():
            self._document.source.refuse(f"{accessor.where} holds NaN or infinity")
        return values

    def integers(self, index: int, kind: str) -> Int[Array, "n c"]:
        """An accessor of unsigned integers, as int32 (indices, joints)."""
        accessor = self._of_kind(index, kind)
        if accessor.value.get("componentType") not in _UNSIGNED:
            accessor.bad("componentType", "5121, 5123 or 5125 (unsigned integers)")
        values = self._dense(accessor)
        if values.dtype == np.uint32 and len(values) and values.max() > 0x7FFFFFFF:
            self._document.source.refuse(f"{accessor.where} holds {values.max()}, too large")
        return values.astype(np.int32)

    def moved(self, index: int) -> tuple[Int[Array, "k"], Float32[Array, "k 3"]]:
        """The rows of a VEC3 that are not zero, and where they are, ascending.

        A sparse accessor without a buffer view costs what it holds, not what it claims.
        """
        accessor = self._of_kind(index, "VEC3")
        if "bufferView" in accessor:
            values = self.floats(index, "VEC3")
            rows = np.flatnonzero(values.any(axis=1))
            return rows, values[rows]
        rows, raw = self._sparse(accessor)
        values = self._convert(raw, accessor)
        if not np.isfinite(values).all():
            self._document.source.refuse(f"{accessor.where} holds NaN or infinity")
        kept = values.any(axis=1)
        return rows[kept], values[kept]

    def view(self, index: int) -> bytes:
        """The bytes of a buffer view (an image)."""
        view = self._views[index]
        buffer, start, length = self._span(view)
        return buffer[start : start + length]

    def _of_kind(self, index: int, kind: str) -> Item:
        accessor = self._accessors[index]
        if accessor.text("type") != kind:
            accessor.bad("type", kind)
        return accessor

    def _dense(self, accessor: Item) -> Array:
        count, columns = accessor.size("count"), _COMPONENTS[accessor.text("type")]
        dtype = self._dtype(accessor)
        self.charge(count * columns * 4, accessor.where)
        if "bufferView" in accessor:
            view = accessor.index("bufferView", len(self._views))
            values = self._read(
                accessor, self._views[view], dtype, count, columns, accessor.size("byteOffset", 0)
            )
        else:
            values = np.zeros((count, columns), dtype)
        if "sparse" in accessor:
            rows, replaced = self._sparse(accessor)
            values = values.copy()
            values[rows] = replaced
        return values

    def _sparse(self, accessor: Item) -> tuple[Int[Array, "k"], Array]:
        columns = _COMPONENTS[accessor.text("type")]
        dtype = self._dtype(accessor)
        if "sparse" not in accessor:
            return np.zeros(0, np.int64), np.zeros((0, columns), dtype)
        sparse = accessor.item("sparse")
        count, length = sparse.size("count"), accessor.size("count")
        self.charge(count * (columns + 1) * 4, sparse.where)
        parts = []
        for name, kind, wide in (
            ("indices", None, 1),
            ("values", dtype, columns),
        ):
            part = sparse.item(name)
            if kind is None and part.value.get("componentType") not in _UNSIGNED:
                part.bad("componentType", "5121, 5123 or 5125 (unsigned integers)")
            view = part.index("bufferView", len(self._views))
            form = kind or self._dtype(part)
            offset = part.size("byteOffset", 0)
            parts.append(self._read(part, self._views[view], form, count, wide, offset))
        rows = parts[0][:, 0].astype(np.int64)
        if count and not (rows[-1] < length and (np.diff(rows) > 0).all()):
            self._document.source.refuse(
                f"{sparse.where}.indices do not ascend within the accessor's {length} elements"
            )
        return rows, parts[1]

    def _dtype(self, accessor: Item) -> np.dtype[np.generic]:
        kind = accessor.value.get("componentType")
        if type(kind) is not int or kind not in _DTYPES:
            accessor.bad("componentType", "one of 5120, 5121, 5122, 5123, 5125, 5126")
        return np.dtype(_DTYPES[kind])

    def _convert(self, values: Array, accessor: Item) -> Float32[Array, "n c"]:
        scale = _SCALE.get(values.dtype.str[1:])
        if values.dtype.kind == "f" or not accessor.flag("normalized") or scale is None:
            return np.ascontiguousarray(values, np.float32)
        return np.maximum(values.astype(np.float32) / np.float32(scale), np.float32(-1))

    def _span(self, view: Item) -> tuple[bytes, int, int]:
        if view.extension(*COMPRESSIONS) is not None:
            self._document.refuse_compressed("meshopt")
        index = view.index("buffer", self._buffers)
        if index not in self._loaded:
            self._loaded[index] = self._document.buffer(index)
        buffer = self._loaded[index]
        start, length = view.size("byteOffset", 0), view.size("byteLength")
        if start + length > len(buffer):
            self._document.source.refuse(
                f"{view.where} ends at byte {start + length} of a buffer of {len(buffer)}"
            )
        return buffer, start, length

    def _read(
        self,
        owner: Item,
        view: Item,
        dtype: np.dtype[np.generic],
        count: int,
        columns: int,
        offset: int,
    ) -> Array:
        """``count`` rows of ``columns`` numbers of a buffer view, as (count, columns)."""
        buffer, start, length = self._span(view)
        row = dtype.itemsize * columns
        stride = view.size("byteStride", 0) or row
        if stride < row:
            view.bad("byteStride", f"at least {row}")
        needed = offset + (stride * (count - 1) + row if count else 0)
        if needed > length:
            self._document.source.refuse(
                f"{owner.where} needs {needed} bytes of a view that has {length}"
            )
        return np.ndarray((count, columns), dtype, buffer, start + offset, (stride, dtype.itemsize))
