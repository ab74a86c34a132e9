"""Rows of faces on their way into Arrow: filled in place, handed out as record batches."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ..arrays import Array, Bool
from ..channels import ARKIT_52
from ..types import Face, Observation
from .schema import COLUMNS

__all__ = ["RowBuffer"]

_DTYPES = {"int": np.int32, "long": np.int64, "double": np.float64, "float": np.float32}
_VECTORS = ("engine_shapes", "morphable", "action_units", "emotion")


_ITEM = {"int": pa.int32(), "long": pa.int64(), "double": pa.float64()}
_UNKNOWN = -1


def _arrow(values: Array, kind: pa.DataType, known: Bool[Array, "n"] | None) -> pa.Array:
    """An Arrow array over the memory of a numpy array; what is not ``known`` is null.

    ``pa.array`` would do, but imports pandas where that is installed, which takes longer than
    writing a thousand rows.
    """
    count = len(values) if known is None else len(known)
    valid = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(kind, count, [valid, pa.py_buffer(values)])


def _strings(texts: Sequence[str]) -> pa.Array:
    encoded = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


class RowBuffer:
    """A fixed number of rows in numpy arrays, one for each column.

    Building Python lists of 1,434 numbers costs more than the whole row does here.

    Attributes:
        begin, end: numbers of the first row in memory and of the row to come; they only grow. Each
            changes in one step, so that an interrupt (Ctrl-C) finds either the old state or the
            new one.
    """

    def __init__(self, capacity: int, schema: pa.Schema) -> None:
        self.capacity = capacity
        self.begin = self.end = 0
        # In memory and in the journal sources are plain text: a dictionary would have to be
        # written again whenever a name is added.
        self.schema = schema.set(0, schema.field(0).with_type(pa.string()))
        self._sources = [""] * capacity
        self._mouth = np.empty(capacity, np.int8)
        self._expression = np.empty((len(ARKIT_52), capacity), np.float32)
        self._columns: dict[str, Array] = dict(zip(ARKIT_52, self._expression, strict=True))
        for column in COLUMNS:
            if column.type == "floats":
                self._columns[column.name] = np.empty((capacity, len(column.elements)), np.float32)
            elif column.type in _DTYPES and column.name not in self._columns:
                self._columns[column.name] = np.empty(capacity, _DTYPES[column.type])

    @property
    def full(self) -> bool:
        """Whether there is no room for another row."""
        return self.end - self.begin == self.capacity

    def add(self, observation: Observation, face: Face, source: str) -> None:
        """Append one row.

        Raises:
            IndexError: when the buffer is full.
        """
        i, c, pose = self.end - self.begin, self._columns, face.pose
        c["frame"][i] = observation.index
        c["time"][i] = observation.time
        c["face_id"][i] = face.id
        c["width"][i], c["height"][i] = face.landmarks.size
        presence = face.landmarks.presence
        c["presence"][i] = math.nan if presence is None else presence
        c["inside"][i] = face.landmarks.inside
        c["landmarks"][i] = face.landmarks.points.reshape(-1)
        if pose is None:
            for name in ("yaw", "pitch", "roll", "scale", "translation", "rotation"):
                c[name][i] = math.nan
        else:
            c["yaw"][i], c["pitch"][i], c["roll"][i] = pose.yaw, pose.pitch, pose.roll
            c["scale"][i] = pose.scale
            c["translation"][i] = pose.translation
            c["rotation"][i] = pose.rotation.reshape(-1)
        self._expression[:, i] = math.nan if face.expression is None else face.expression
        for name in _VECTORS:
            value = getattr(face, name)
            c[name][i] = math.nan if value is None else value
        self._sources[i] = source
        self._mouth[i] = _UNKNOWN if face.mouth_open is None else face.mouth_open
        self.end += 1

    def view(self, start: int) -> pa.RecordBatch:
        """The rows from number ``start`` on, NaN as null.

        The batch shares memory with this buffer and is valid until the next :meth:`add`.
        """
        rows = slice(start - self.begin, self.end - self.begin)
        arrays = []
        for column in COLUMNS:
            if column.type == "string":
                array = _strings(self._sources[rows])
            elif column.type == "bool":
                mouth = self._mouth[rows]
                array = _arrow(np.packbits(mouth == 1, bitorder="little"), pa.bool_(), mouth >= 0)
            else:
                values = self._columns[column.name][rows].reshape(-1)
                known = ~np.isnan(values) if column.nullable else None
                array = _arrow(values, _ITEM.get(column.type, pa.float32()), known)
                if column.type == "floats":
                    array = pa.FixedSizeListArray.from_arrays(array, type=column.arrow)
            arrays.append(array)
        return pa.record_batch(arrays, schema=self.schema)

    def clear(self) -> None:
        """Forget the rows in memory."""
        self.begin = self.end
