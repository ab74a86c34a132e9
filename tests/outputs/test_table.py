from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import psutil
import pyarrow.parquet as pq
import pytest

from mien.channels import ACTION_UNITS, ARKIT_52
from mien.errors import OutputError
from mien.outputs import TableWriter, faces_schema
from mien.types import Face, Landmarks, Observation

Make = Callable[..., Face]
Observe = Callable[..., Observation]


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_without_a_face_the_table_is_empty_but_whole(tmp_path: Path, observe: Observe) -> None:
    with TableWriter(tmp_path, csv=True, jsonl=True) as table:
        table.write(observe(0), "nobody")
        table.write(observe(1), "nobody")
    assert written(tmp_path) == ["faces.csv", "faces.jsonl", "faces.parquet"]
    parquet = pq.read_table(tmp_path / "faces.parquet")
    assert parquet.num_rows == 0
    assert parquet.schema.equals(faces_schema())
    assert list(pd.read_parquet(tmp_path / "faces.parquet").columns) == parquet.column_names
    assert pl.read_parquet(tmp_path / "faces.parquet").height == 0
    assert duckdb.read_parquet(str(tmp_path / "faces.parquet")).fetchall() == []
    assert (tmp_path / "faces.csv").read_text().count("\n") == 1
    assert (tmp_path / "faces.jsonl").read_text() == ""


def test_nothing_written_at_all(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "new" / "folder"):
        pass
    assert pq.read_table(tmp_path / "new" / "folder" / "faces.parquet").num_rows == 0


@pytest.mark.parametrize("batch_rows", [1, 3, 64])
def test_every_value_comes_back(
    tmp_path: Path, full_face: Make, observe: Observe, batch_rows: int
) -> None:
    faces = [full_face(who, i / 30, seed=10 * i + who) for i in range(5) for who in (1, 2)]
    with TableWriter(tmp_path, batch_rows=batch_rows) as table:
        for i in range(5):
            table.write(observe(i, *faces[2 * i : 2 * i + 2]), f"clip {i % 2}")
        assert table.rows == 10
    rows = pq.read_table(tmp_path / "faces.parquet").to_pylist()
    assert len(rows) == 10
    for number, (row, face) in enumerate(zip(rows, faces, strict=True)):
        assert row["source"] == f"clip {number // 2 % 2}"
        assert (row["frame"], row["face_id"]) == (number // 2, face.id)
        assert row["time"] == face.time
        assert (row["width"], row["height"]) == (320, 240)
        assert row["presence"] == pytest.approx(0.9)
        assert row["inside"] == pytest.approx(face.landmarks.inside)
        assert row["mouth_open"] is face.mouth_open
        np.testing.assert_array_equal(
            np.float32(row["landmarks"]).reshape(478, 3), face.landmarks.points
        )
        pose = face.pose
        assert pose is not None
        assert row["yaw"] == pytest.approx(pose.yaw, abs=1e-5)
        assert row["pitch"] == pytest.approx(pose.pitch, abs=1e-5)
        assert row["roll"] == pytest.approx(pose.roll, abs=1e-5)
        assert row["scale"] == pose.scale
        np.testing.assert_allclose(row["translation"], pose.translation)
        np.testing.assert_allclose(np.reshape(row["rotation"], (3, 3)), pose.rotation, atol=1e-7)
        for name in ARKIT_52:
            assert row[name] == face.channel(name)
        for name in ("engine_shapes", "morphable", "action_units", "emotion"):
            np.testing.assert_array_equal(np.float32(row[name]), getattr(face, name))


def test_what_no_model_produced_is_null_and_never_zero(
    tmp_path: Path, make_face: Make, observe: Observe
) -> None:
    shapes = np.full(52, np.nan, np.float32)
    shapes[3] = 0.0
    with TableWriter(tmp_path) as table:
        table.write(observe(0, make_face()), "bare")
        table.write(observe(1, make_face(expression=shapes, engine_shapes=shapes)), "bare")
    bare, some = pq.read_table(tmp_path / "faces.parquet").to_pylist()
    for name in ("yaw", "pitch", "roll", "scale", "mouth_open", *ARKIT_52):
        assert bare[name] is None, name
    lengths = {"translation": 3, "rotation": 9, "engine_shapes": 52, "morphable": 10,
               "action_units": 27, "emotion": 7}  # fmt: skip
    for name, length in lengths.items():
        assert bare[name] == [None] * length, name
    assert [some[name] for name in ARKIT_52] == [None] * 3 + [0.0] + [None] * 48
    assert some["engine_shapes"] == [None] * 3 + [0.0] + [None] * 48


def test_pandas_polars_and_duckdb_agree(tmp_path: Path, full_face: Make, observe: Observe) -> None:
    faces = [full_face(1, i / 30, seed=i) for i in range(7)]
    with TableWriter(tmp_path, batch_rows=4) as table:
        for i, face in enumerate(faces):
            table.write(observe(i, face), "clip")
    path = tmp_path / "faces.parquet"
    jaw = [face.channel("jawOpen") for face in faces]
    points = np.stack([face.landmarks.points for face in faces])

    frame = pd.read_parquet(path)
    assert frame["jawOpen"].tolist() == jaw
    assert frame["source"].dtype == "category"
    np.testing.assert_array_equal(np.stack(frame["landmarks"]).reshape(-1, 478, 3), points)

    polars = pl.read_parquet(path)
    assert polars["jawOpen"].to_list() == jaw
    assert polars["landmarks"].dtype == pl.Array(pl.Float32, 1434)
    np.testing.assert_array_equal(polars["landmarks"].to_numpy().reshape(-1, 478, 3), points)
    assert polars["eyeBlinkRight"].null_count() == 7

    query = "select jawOpen, landmarks[1], eyeBlinkRight from read_parquet(?) order by frame"
    found = duckdb.execute(query, [str(path)]).fetchall()
    assert found == [(j, float(p[0, 0]), None) for j, p in zip(jaw, points, strict=True)]


def test_csv(tmp_path: Path, full_face: Make, make_face: Make, observe: Observe) -> None:
    with TableWriter(tmp_path, csv=True) as table:
        table.write(observe(0, full_face(1), make_face(2)), 'a, "b"')
    with (tmp_path / "faces.csv").open(newline="") as file:
        full, bare = csv.DictReader(file)
    assert full["source"] == 'a, "b"'
    assert full["yaw"] == "12.5"
    assert full["rotation_00"].startswith("0.9")
    assert full["emotion_sad"] == "0.1429"
    assert full["AU12"] != ""
    assert len(full["engine_jawOpen"]) <= 6
    assert full["eyeBlinkRight"] == ""
    assert full["mouth_open"] == "false"
    assert full["translation_z"] == "4"
    assert not any(value.startswith("-0") and "." not in value for value in full.values())
    assert bare["yaw"] == bare["jawOpen"] == bare["translation_x"] == bare["mouth_open"] == ""
    assert not any("landmark" in name for name in full)
    assert len(pd.read_csv(tmp_path / "faces.csv").columns) == len(full)


def test_csv_with_landmarks(tmp_path: Path, make_face: Make, observe: Observe) -> None:
    face = make_face()
    with TableWriter(tmp_path, csv_landmarks=True) as table:
        table.write(observe(0, face), "a")
    frame = pd.read_csv(tmp_path / "faces.csv")
    points = frame.filter(regex=r"^landmark_\d+_[xyz]$").to_numpy().reshape(478, 3)
    np.testing.assert_allclose(points, face.landmarks.points, atol=0.0051)


def test_text_is_short(tmp_path: Path, make_face: Make, observe: Observe) -> None:
    points = np.full((478, 3), 123.456789, np.float32)
    points[0] = [-0.001, 0.126, 20000.125]
    face = make_face(landmarks=Landmarks(points, (320, 240)))
    with TableWriter(tmp_path, csv_landmarks=True, jsonl=True) as table:
        table.write(observe(1, face), "a")
    cells = (tmp_path / "faces.csv").read_text().splitlines()[1].split(",")
    assert cells[2] == "0.033333"
    assert cells[-1434:-1430] == ["0", "0.13", "20000.12", "123.46"]
    text = (tmp_path / "faces.jsonl").read_text()
    assert '"time": 0.033333,' in text
    assert '"landmarks": [[0,0.13,20000.12],[123.46,123.46,123.46],' in text


def test_jsonl(tmp_path: Path, full_face: Make, make_face: Make, observe: Observe) -> None:
    face = full_face(1)
    with TableWriter(tmp_path, jsonl=True, batch_rows=2) as table:
        table.write(observe(0, face, make_face(2)), "façade")
        table.write(observe(1, full_face(1)), "façade")
    lines = (tmp_path / "faces.jsonl").read_text(encoding="utf-8").splitlines()
    full, bare, last = map(json.loads, lines)
    assert full["source"] == "façade"
    assert full["expression"]["eyeBlinkRight"] is None
    assert full["expression"]["jawOpen"] == pytest.approx(face.channel("jawOpen"), abs=5e-5)
    assert list(full["action_units"]) == list(ACTION_UNITS)
    assert sum(full["emotion"].values()) == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(full["landmarks"], face.landmarks.points, atol=0.0051)
    for name in ("yaw", "translation", "rotation", "expression", "engine_shapes", "mouth_open"):
        assert bare[name] is None, name
    assert last["frame"] == 1
    assert set(full) == set(bare)


def test_metadata_survives(tmp_path: Path, observe: Observe) -> None:
    with TableWriter(tmp_path, engine="facemesh", heads={"expression": "geometric"}) as table:
        table.write(observe(0), "a")
    schema = pq.read_schema(tmp_path / "faces.parquet")
    assert schema.metadata[b"mien.engine"] == b"facemesh"
    assert schema.field("yaw").metadata[b"unit"] == b"deg"
    query = "select decode(value) from parquet_kv_metadata(?) where decode(key) = 'mien.heads'"
    found = duckdb.execute(query, [str(tmp_path / "faces.parquet")]).fetchall()
    assert found == [("expression=geometric",)]


@pytest.mark.parametrize("options", [{}, {"csv": True}, {"jsonl": True}])
def test_results_are_never_replaced_unasked(
    tmp_path: Path, make_face: Make, observe: Observe, options: dict[str, bool]
) -> None:
    with TableWriter(tmp_path, **options) as table:
        table.write(observe(0, make_face()), "first")
    if options:
        (tmp_path / "faces.parquet").unlink()
    before = written(tmp_path)
    with pytest.raises(OutputError, match="exists already"):
        TableWriter(tmp_path, **options)
    assert written(tmp_path) == before
    with TableWriter(tmp_path, overwrite=True, **options) as table:
        assert written(tmp_path)[0].startswith("faces.")
    assert pq.read_table(tmp_path / "faces.parquet").num_rows == 0


def test_the_old_table_stays_until_the_new_one_is_whole(
    tmp_path: Path, make_face: Make, observe: Observe
) -> None:
    with TableWriter(tmp_path) as table:
        table.write(observe(0, make_face()), "old")
    with TableWriter(tmp_path, overwrite=True) as table:
        assert pq.read_table(tmp_path / "faces.parquet").num_rows == 1
        table.flush()


def test_two_writers_do_not_share_a_folder(
    tmp_path: Path, make_face: Make, observe: Observe
) -> None:
    with TableWriter(tmp_path) as table:
        table.write(observe(0, make_face()), "a")
        table.flush()
        with pytest.raises(OutputError, match="unfinished"):
            TableWriter(tmp_path)
        with pytest.raises(OutputError, match="another process"):
            TableWriter(tmp_path, overwrite=True)
    assert pq.read_table(tmp_path / "faces.parquet").num_rows == 1


def test_rows_are_on_disk_after_a_while_even_if_few(
    tmp_path: Path, make_face: Make, observe: Observe, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("mien.outputs.table.time.monotonic", lambda: now)
    with TableWriter(tmp_path) as table:
        table.write(observe(0, make_face()), "a")
        assert table.saved == 0
        now += 2.0
        table.write(observe(1), "a")  # no face any more, yet the one before must be saved
        assert table.saved == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_exception_leaves_finished_files(
    tmp_path: Path, make_face: Make, observe: Observe, error: type[BaseException]
) -> None:
    def work() -> None:
        with TableWriter(tmp_path, csv=True) as table:
            table.write(observe(0, make_face()), "a")
            raise error

    with pytest.raises(error):
        work()
    assert written(tmp_path) == ["faces.csv", "faces.parquet"]
    assert pq.read_table(tmp_path / "faces.parquet").num_rows == 1


@pytest.mark.parametrize("step", ["before the files", "between them", "after them"])
def test_an_interrupt_in_the_middle_of_a_flush_neither_loses_nor_doubles_rows(
    tmp_path: Path, make_face: Make, observe: Observe, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    table = TableWriter(tmp_path, csv=True, batch_rows=4)

    def interrupt(*_: object) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    def work() -> None:
        with table:
            for i in range(3):
                table.write(observe(i, make_face()), "a")
            if step == "before the files":
                monkeypatch.setattr(table._journal, "append", interrupt)
            elif step == "between them":
                monkeypatch.setattr(table._texts[0], "append", interrupt)
            else:
                monkeypatch.setattr(table._buffer, "clear", interrupt)
            table.flush()

    with pytest.raises(KeyboardInterrupt):
        work()
    assert pq.read_table(tmp_path / "faces.parquet")["frame"].to_pylist() == [0, 1, 2]
    assert pd.read_csv(tmp_path / "faces.csv")["frame"].tolist() == [0, 1, 2]


def test_a_closed_writer_says_so(tmp_path: Path, observe: Observe) -> None:
    table = TableWriter(tmp_path)
    table.close()
    table.close()
    with pytest.raises(OutputError, match="closed"):
        table.write(observe(0), "a")


@pytest.mark.parametrize("rows", [63, 64, 65, 1024, 1025])
def test_batches_and_row_groups_meet_without_a_seam(
    tmp_path: Path, make_face: Make, observe: Observe, rows: int
) -> None:
    face = make_face()
    with TableWriter(tmp_path) as table:
        for i in range(rows):
            table.write(observe(i, face), "a" if i % 2 else "b")
    found = pq.read_table(tmp_path / "faces.parquet")
    assert found["frame"].to_pylist() == list(range(rows))
    assert found["source"].to_pylist() == ["a" if i % 2 else "b" for i in range(rows)]
    assert pq.read_metadata(tmp_path / "faces.parquet").num_row_groups == math.ceil(rows / 1024)


def test_memory_does_not_grow_with_the_rows(
    tmp_path: Path, make_face: Make, observe: Observe
) -> None:
    face, process = make_face(), psutil.Process()
    with TableWriter(tmp_path) as table:
        for i in range(500):
            table.write(observe(i, face), "a")
        before, size = process.memory_info().rss, table._journal.size
        for i in range(500, 6000):
            table.write(observe(i, face), "a")
        assert table._journal.size - size > 30e6
        assert process.memory_info().rss - before < 10e6


def test_pandas_is_not_loaded(tmp_path: Path) -> None:
    """It would stop the first flush for a tenth of a second and take 40 MB."""
    program = f"""
import sys
from mien.outputs import TableWriter
from mien.topology import CANONICAL
from mien.types import Face, Landmarks, Observation
face = Face(1, 0.0, Landmarks(CANONICAL, (32, 24)))
with TableWriter({str(tmp_path)!r}) as table:
    table.write(Observation(0, 0.0, (32, 24), (face,)), "a")
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert pq.read_table(tmp_path / "faces.parquet").num_rows == 1
