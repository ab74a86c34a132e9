"""Rows of faces as text for people and scripts: CSV and JSON lines, rounded sensibly."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from ..arrays import Array, Float
from ..channels import ACTION_UNITS, ARKIT_52, EMOTIONS
from ..types import N_LANDMARKS
from .schema import COLUMNS, Column

__all__ = ["csv_header", "csv_rows", "json_rows"]

_DECIMALS = {"px": 2, "deg": 2, "0..1": 4, "px per head unit": 4, "s": 6, "": 6}

_NAMED = {"engine_shapes": ARKIT_52, "action_units": ACTION_UNITS, "emotion": EMOTIONS}
"""Lists that are objects in JSON, with the names of their elements."""


def _csv_columns(landmarks: bool) -> list[Column]:
    return [column for column in COLUMNS if landmarks or column.name != "landmarks"]


def _csv_names(landmarks: bool) -> list[str]:
    names: list[str] = []
    for column in _csv_columns(landmarks):
        names.extend(column.elements or (column.name,))
    return names


def csv_header(*, landmarks: bool = False) -> bytes:
    """The first line; with landmarks it has 1,434 columns more."""
    return (",".join(_csv_names(landmarks)) + "\n").encode()


def csv_rows(batch: pa.RecordBatch, *, landmarks: bool = False) -> bytes:
    """The rows of a batch; a missing value is an empty cell."""
    arrays: list[pa.Array] = []
    for column in _csv_columns(landmarks):
        array = batch.column(column.name)
        if column.elements:
            values = _rounded(_matrix(array, column), _DECIMALS[column.unit])
            # Arrow prints the shortest text of a float32, so rounding needs no formatting.
            arrays.extend(pa.array(np.ascontiguousarray(v), from_pandas=True) for v in values.T)
        elif pa.types.is_floating(array.type):
            values = _rounded(array.to_numpy(zero_copy_only=False), _DECIMALS[column.unit])
            arrays.append(pa.array(values, from_pandas=True))
        else:
            arrays.append(array)
    text = io.BytesIO()
    options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
    pa.csv.write_csv(pa.record_batch(arrays, names=_csv_names(landmarks)), text, options)
    return text.getvalue()


def json_rows(batch: pa.RecordBatch) -> bytes:
    """One object a line; null where no model produced a value."""
    plain = [c for c in COLUMNS if not c.elements and c.name not in _CHANNELS]
    points: list[str] = []
    fields: dict[str, Sequence[Any]] = {c.name: _values(batch.column(c.name), c) for c in plain}
    channels = np.stack([batch.column(n).to_numpy(zero_copy_only=False) for n in ARKIT_52], axis=1)
    fields["expression"] = _each(channels, 4, partial(_named, ARKIT_52))
    for column in COLUMNS:
        if not column.elements:
            continue
        matrix = _matrix(batch.column(column.name), column)
        decimals = _DECIMALS[column.unit]
        if column.name == "landmarks":
            points = _points_text(_rounded(matrix, decimals))
        elif column.name in _NAMED:
            make = partial(_named, _NAMED[column.name])
            fields[column.name] = _each(matrix, decimals, make)
        else:
            fields[column.name] = _each(matrix, decimals, _listed)
    lines: list[str] = []
    for row, text in zip(zip(*fields.values(), strict=True), points, strict=True):
        values = dict(zip(fields, row, strict=True))
        start = json.dumps(values, ensure_ascii=False, allow_nan=False)[:-1]
        lines.append(f'{start}, "landmarks": {text}}}\n')
    return "".join(lines).encode()


_CHANNELS = frozenset(ARKIT_52)


def _rounded(values: Array, decimals: int) -> Array:
    # Adding nothing turns -0.0 into 0.0: "-0" is no number that people expect.
    rounded: Array = np.round(values, decimals) + 0
    return rounded


def _matrix(array: pa.FixedSizeListArray, column: Column) -> Array:
    values: Array = array.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(-1, len(column.elements))


def _points_text(matrix: Float[Array, "n 1434"]) -> list[str]:
    """``[[x,y,z],...]`` for each row; Arrow formats the numbers, ten times as fast as Python."""
    numbers = pa.array(matrix.reshape(-1)).cast(pa.string())
    points = pc.binary_join(_lists(numbers, 3), ",")
    rows: list[str] = pc.binary_join(_lists(points, N_LANDMARKS), "],[").to_pylist()
    return [f"[[{row}]]" for row in rows]


def _lists(values: pa.Array, length: int) -> pa.ListArray:
    return pa.ListArray.from_arrays(np.arange(0, len(values) + 1, length, np.int32), values)


def _values(array: pa.Array, column: Column) -> list[Any]:
    if not pa.types.is_floating(array.type):
        return list(array.to_pylist())
    values = array.to_numpy(zero_copy_only=False).astype(np.float64)
    return [_number(v) for v in _rounded(values, _DECIMALS[column.unit]).tolist()]


def _each(matrix: Array, decimals: int, make: Callable[[list[float]], Any]) -> list[Any]:
    """Rounded rows through ``make``; None for a row in which every value is missing."""
    missing = np.isnan(matrix).all(axis=1).tolist()
    rows = _rounded(matrix.astype(np.float64), decimals).tolist()
    return [None if gone else make(row) for gone, row in zip(missing, rows, strict=True)]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _listed(row: list[float]) -> list[float | None]:
    return [_number(value) for value in row]


def _named(names: Sequence[str], row: list[float]) -> dict[str, float | None]:
    return dict(zip(names, map(_number, row), strict=True))
