"""The columns of ``faces.parquet``: one row for each face in each frame.

``COLUMNS`` is the one place that names them; the Arrow schema, the text formats and
``docs/schema.md`` (written by ``python -m mien.outputs.schema``) all come from it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import pyarrow as pa

from ..channels import ACTION_UNITS, ARKIT_52, EMOTIONS, GROUPS
from ..types import N_LANDMARKS, N_MORPHABLE

__all__ = ["COLUMNS", "CONVENTIONS", "SCHEMA_VERSION", "Column", "document", "faces_schema"]

SCHEMA_VERSION = 1
"""Rises when a column changes its meaning or goes away; new columns do not raise it."""

CONVENTIONS = (
    ("axes", "Picture coordinates: pixels, x right, y down, z away from the camera, in the scale "
     "of x. Camera axes: x right in the picture, y up, z towards the viewer. Head frame: x to the "
     "subject's left, y up, z out of the face."),
    ("sides", "Left and right are the subject's own, never the viewer's."),
    ("angles", "Degrees. rotation = Ry(yaw) Rx(-pitch) Rz(-roll), head frame to camera axes. Yaw "
     "is positive when the subject turns to their left, pitch when they look up, roll when they "
     "tilt towards their left shoulder."),
    ("missing", "Null means that no model produced the value; it never stands for zero. A list "
     "that no model produced keeps its length and holds nulls."),
)  # fmt: skip
"""What the numbers mean, by topic; stored in the file's metadata."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: in the table.
        type: ``string``, ``int``, ``long``, ``double``, ``float``, ``bool`` or ``floats``.
        unit: physical unit or range.
        description: one sentence.
        nullable: whether a value (for ``floats`` each element) may be missing.
        elements: names of the elements of a ``floats`` column, in order.
    """

    name: str
    type: str
    unit: str
    description: str
    nullable: bool = False
    elements: tuple[str, ...] = ()

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type; the elements of a list carry the nulls, the list itself never does."""
        if self.type == "floats":
            # A null list of fixed size cannot be read back from Parquet by Arrow itself.
            return pa.list_(pa.field("element", pa.float32(), self.nullable), len(self.elements))
        return _ARROW[self.type]

    @property
    def field(self) -> pa.Field:
        """The Arrow field with unit and description in its metadata."""
        about = {"unit": self.unit, "description": self.description}
        if self.elements and self.name != "landmarks":
            about["elements"] = ",".join(self.elements)
        return pa.field(self.name, self.arrow, self.nullable and self.type != "floats", about)


_ARROW: Mapping[str, pa.DataType] = {
    "string": pa.dictionary(pa.int32(), pa.string()),
    "int": pa.int32(),
    "long": pa.int64(),
    "double": pa.float64(),
    "float": pa.float32(),
    "bool": pa.bool_(),
}


_RESERVED = "Reserved: null, as no head makes it yet."


def _columns() -> Iterator[Column]:
    yield Column(
        "source", "string", "",
        "Name of the photo, video or camera, made safe for file names, with a number behind it "
        "where it comes again; summary.json has with each name what was given (spec).",
    )  # fmt: skip
    yield Column("frame", "long", "", "Position of the frame in its source, from 0.")
    yield Column("time", "double", "s", "Seconds from the start of the source; 0 in a photo.")
    yield Column("face_id", "int", "", "The same person keeps the same number within a source.")
    yield Column("width", "int", "px", "Width of the frame.")
    yield Column("height", "int", "px", "Height of the frame.")
    yield Column("presence", "float", "0..1", "The landmark net's own score.", nullable=True)
    yield Column("inside", "float", "0..1", "Share of the landmarks that lie within the picture.")
    yield Column("yaw", "float", "deg", "Turn of the head, positive to the subject's left.", True)
    yield Column("pitch", "float", "deg", "Nod of the head, positive up.", True)
    yield Column("roll", "float", "deg", "Tilt, positive to the subject's left shoulder.", True)
    yield Column(
        "mouth_open", "bool", "", "The open/closed decision with threshold and hysteresis.", True
    )
    group = {name: part for part, names in GROUPS.items() for name in names}
    for name in ARKIT_52:
        yield Column(name, "float", "0..1", f"ARKit channel ({group[name]}).", nullable=True)
    yield Column(
        "scale", "float", "px per head unit", "Size; a head unit is about a centimetre.", True
    )
    yield Column(
        "translation", "floats", "px", "The head's origin in picture coordinates.", True,
        tuple(f"translation_{axis}" for axis in "xyz"),
    )  # fmt: skip
    yield Column(
        "rotation", "floats", "", "Rotation matrix, head frame to camera axes, row by row.", True,
        tuple(f"rotation_{row}{column}" for row in range(3) for column in range(3)),
    )  # fmt: skip
    yield Column(
        "engine_shapes", "floats", "0..1",
        "The landmark engine's own ARKit channels, in the order of the channel columns; kept apart "
        "because another model made them. MediaPipe has 51 of them, all but tongueOut.", True,
        tuple(f"engine_{name}" for name in ARKIT_52),
    )  # fmt: skip
    yield Column(
        "morphable", "floats", "",
        "Expression coefficients of the 3D morphable model (the ten modes of 3DDFA_V2's Basel "
        "face) that the head reads off the landmarks; without a fixed range.", True,
        tuple(f"morphable_{i}" for i in range(N_MORPHABLE)),
    )  # fmt: skip
    yield Column(
        "action_units", "floats", "0..1", f"FACS intensities. {_RESERVED}", True, ACTION_UNITS
    )
    yield Column(
        "emotion", "floats", "0..1",
        "What the face shows, as people would call it (not what anybody feels): probabilities of "
        "the seven classes, which sum to 1; in videos the mean of what was read of late.", True,
        tuple(f"emotion_{name}" for name in EMOTIONS),
    )  # fmt: skip
    yield Column(
        "landmarks", "floats", "px",
        f"The {N_LANDMARKS} points as x, y, z, x, y, z, ... in picture coordinates; 468-472 are "
        "the iris of the subject's right eye (centre first), 473-477 of the left.", False,
        tuple(f"landmark_{i}_{axis}" for i in range(N_LANDMARKS) for axis in "xyz"),
    )  # fmt: skip


COLUMNS: tuple[Column, ...] = tuple(_columns())
"""All columns in the order of the file."""


@lru_cache(maxsize=1)
def _fields() -> tuple[pa.Field, ...]:
    return tuple(column.field for column in COLUMNS)


def faces_schema(
    *,
    engine: str | None = None,
    heads: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    created: str | None = None,
) -> pa.Schema:
    """The Arrow schema of a table of faces.

    Args:
        engine: name of the landmark engine.
        heads: which model produced what, such as ``{"expression": "arkit52 1 sha256:..."}``.
        settings: what else decides on the numbers, by name.
        created: when the capture began, ISO 8601.
    """
    about = {"mien.schema": str(SCHEMA_VERSION), "mien.version": metadata.version("mien")}
    about.update({f"mien.{topic}": text for topic, text in CONVENTIONS})
    if engine is not None:
        about["mien.engine"] = engine
    if heads is not None:
        about["mien.heads"] = ",".join(f"{what}={model}" for what, model in heads.items())
    about.update({f"mien.{name}": value for name, value in (settings or {}).items()})
    if created is not None:
        about["mien.created"] = created
    return pa.schema(_fields(), metadata=about)


_INTRODUCTION = """\
# Tables of faces

`mien capture SOURCE -o out` writes `out/faces.parquet`: one row for each face in each frame. A
frame without a face has no row; a capture without any face is a table without rows.

This page is written by `python -m mien.outputs.schema`. Schema version {version}.

## Conventions

{conventions}

The same texts and what made the numbers are in the metadata of the file: `mien.version`,
`mien.engine` and `mien.engine_model` (its file with SHA-256, or the package that brings it),
`mien.heads` (which head made what, with version and SHA-256), `mien.calibration` (what was known
of the person, as JSON; `null` for nothing), `mien.smoothing` (the parameters as JSON, `null` for
none; photos are never smoothed), `mien.mouth_threshold`, `mien.created`. Unit and description of
each column are in the metadata of its field.

## Columns

| column | type | unit | null | meaning |
| --- | --- | --- | --- | --- |
{rows}

## Reading it

```python
import numpy as np
import pandas as pd

faces = pd.read_parquet("out/faces.parquet")
points = np.stack(faces["landmarks"]).reshape(-1, 478, 3)  # pixels
open_mouth = faces[faces["jawOpen"] > 0.3]
```

```python
import polars as pl

faces = pl.scan_parquet("out/faces.parquet").select("time", "face_id", "yaw", "jawOpen").collect()
```

```sql
-- DuckDB; lists count from 1
select source, avg(mouthSmileLeft), avg(landmarks[1]) from 'out/faces.parquet' group by source;
```

## CSV and JSON lines

`--csv` writes `faces.csv`: the same rows without the landmarks (`--csv-landmarks` adds their
1,434 columns). Lists become one column for each element: `translation_x`, `rotation_00`,
`engine_jawOpen`, `morphable_0`, `AU01`, `emotion_happy`, `landmark_0_x`. A missing value is an
empty cell.

`--jsonl` writes `faces.jsonl`: one object a line with everything in it, `null` where no model
produced a value. `expression`, `engine_shapes`, `action_units` and `emotion` are objects by
channel name, `landmarks` is a list of 478 `[x, y, z]`.

Both are rounded: pixels and degrees to 0.01, channels to 0.0001, times to a microsecond. The
Parquet file is not rounded.

## After an interruption

While a capture runs, its rows are in `faces.arrows.part`, an Arrow stream that is brought up to
date at least every two seconds while frames arrive. Ctrl-C finishes the files. After a crash, a
kill or a full disk, `mien recover DIR` makes `faces.parquet` (and the CSV and JSONL files that
were asked for) from it; at most the rows of the last two seconds are missing. Its `summary.json`
says `"recovered": true` and has what the rows tell; the rest, such as frames without a face, is
`null`.
"""


def document() -> str:
    """The text of ``docs/schema.md``."""
    conventions = "\n".join(f"- **{topic}**: {text}" for topic, text in CONVENTIONS)
    rows = "\n".join(
        f"| `{c.name}` | `{_type_name(c)}` | {c.unit} | {_null(c)} | {c.description} |"
        for c in COLUMNS
    )
    return _INTRODUCTION.format(version=SCHEMA_VERSION, conventions=conventions, rows=rows)


def _type_name(column: Column) -> str:
    if column.type == "floats":
        return f"fixed_size_list<float32>[{len(column.elements)}]"
    kinds = {"string": "dictionary<string>", "float": "float32", "double": "float64"}
    return kinds.get(column.type, str(column.arrow))


def _null(column: Column) -> str:
    if not column.nullable:
        return ""
    return "elements" if column.type == "floats" else "yes"


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/schema.md")
    target.write_text(document(), encoding="utf-8")
