"""Feedback as a Parquet table: one row for each submission."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..channels import EMOTIONS
from ..outputs.files import replacing
from ..types import N_LANDMARKS
from .submission import Submission

__all__ = ["SCHEMA", "write"]

_BATCH = 256

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), False),
        pa.field("person", pa.string(), False),  # SHA-256 of a random token
        pa.field("time", pa.timestamp("us", "UTC"), False),
        pa.field("consent", pa.string(), False),
        pa.field("model", pa.string(), False),
        pa.field("version", pa.string(), False),
        pa.field("sha256", pa.string(), False),
        pa.field("engine", pa.string(), False),
        *(pa.field(f"p_{name}", pa.float32(), False) for name in EMOTIONS),
        pa.field("told", pa.string(), False),  # the likeliest of them
        pa.field("label", pa.string(), False),  # what the user says
        pa.field("width", pa.int32(), False),
        pa.field("height", pa.int32(), False),
        # x, y, z of each point, pixels of the picture
        pa.field("landmarks", pa.list_(pa.float32(), N_LANDMARKS * 3), False),
        pa.field("crop", pa.binary()),  # 48 x 48 grey, row by row; null without one
    ]
)


def write(submissions: Iterable[Submission], path: Path) -> int:
    """Write the table; how many rows. A file that is there is replaced once the new one is whole.

    Raises:
        OutputError: it cannot be written.
    """
    rows, source = 0, iter(submissions)
    with replacing(path) as part, pq.ParquetWriter(part, SCHEMA, compression="zstd") as writer:
        while some := list(itertools.islice(source, _BATCH)):
            writer.write_table(_table(some))
            rows += len(some)
    return rows


def _table(some: list[Submission]) -> pa.Table:
    columns = [
        [str(s.id) for s in some],
        [s.person for s in some],
        [s.time for s in some],
        [s.consent for s in some],
        [s.model.name for s in some],
        [s.model.version for s in some],
        [s.model.sha256 for s in some],
        [s.engine for s in some],
        *([float(s.said[i]) for s in some] for i in range(len(EMOTIONS))),
        [s.told for s in some],
        [s.label for s in some],
        [s.landmarks.size[0] for s in some],
        [s.landmarks.size[1] for s in some],
        [s.landmarks.points.ravel() for s in some],
        [None if s.crop is None else s.crop.tobytes() for s in some],
    ]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)
