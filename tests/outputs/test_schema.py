from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from mien.channels import ARKIT_52
from mien.outputs import COLUMNS, faces_schema
from mien.outputs.schema import document

DOCS = Path(__file__).resolve().parents[2] / "docs" / "schema.md"


def test_the_committed_page_is_the_generated_one() -> None:
    assert DOCS.read_text(encoding="utf-8") == document(), (
        "docs/schema.md is old: run python -m mien.outputs.schema"
    )


def test_the_module_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "schema.md"
    monkeypatch.setattr(sys, "argv", ["schema", str(target)])
    monkeypatch.delitem(sys.modules, "mien.outputs.schema")
    runpy.run_module("mien.outputs.schema", run_name="__main__")
    assert target.read_text(encoding="utf-8") == document()


def test_every_column_says_what_it_is() -> None:
    for field in faces_schema():
        about = {key.decode(): value.decode() for key, value in field.metadata.items()}
        assert about["description"].endswith("."), field.name
        assert "unit" in about, field.name


def test_names_are_unique_and_every_channel_is_a_column() -> None:
    names = [column.name for column in COLUMNS]
    elements = [e for column in COLUMNS for e in column.elements or (column.name,)]
    assert len(set(names)) == len(names)
    assert len(set(elements)) == len(elements)
    assert set(ARKIT_52) <= set(names)


@pytest.mark.parametrize(
    ("name", "expected", "nullable"),
    [
        ("source", pa.dictionary(pa.int32(), pa.string()), False),
        ("frame", pa.int64(), False),
        ("time", pa.float64(), False),
        ("face_id", pa.int32(), False),
        ("presence", pa.float32(), True),
        ("jawOpen", pa.float32(), True),
        ("mouth_open", pa.bool_(), True),
        ("landmarks", pa.list_(pa.field("element", pa.float32(), False), 1434), False),
        ("rotation", pa.list_(pa.field("element", pa.float32(), True), 9), False),
        ("emotion", pa.list_(pa.field("element", pa.float32(), True), 7), False),
    ],
)
def test_types(name: str, expected: pa.DataType, nullable: bool) -> None:
    field = faces_schema().field(name)
    assert field.type == expected
    assert field.nullable is nullable


def test_metadata_names_what_made_the_numbers() -> None:
    heads = {"expression": "geometric", "emotion": "net 2"}
    settings = {"mouth_threshold": "0.12"}
    about = faces_schema(
        engine="facemesh", heads=heads, settings=settings, created="2026-01-01"
    ).metadata
    assert about[b"mien.mouth_threshold"] == b"0.12"
    assert about[b"mien.engine"] == b"facemesh"
    assert about[b"mien.heads"] == b"expression=geometric,emotion=net 2"
    assert about[b"mien.created"] == b"2026-01-01"
    assert b"subject's own" in about[b"mien.sides"]
    assert b"mien.engine" not in faces_schema().metadata
