from __future__ import annotations

import errno
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mien.errors import InputError, OutputError
from mien.outputs import TableWriter, faces_schema, recover
from mien.outputs.files import PartFile
from mien.types import Face, Observation

Make = Callable[..., Face]
Observe = Callable[..., Observation]

_CAPTURE = """
import os, resource, signal, sys
import numpy as np
from mien.outputs import TableWriter
from mien.topology import CANONICAL
from mien.types import Face, Landmarks, Observation

folder, end, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
face = Face(1, 0.0, Landmarks(CANONICAL * 9 + 120, (320, 240)))
with TableWriter(folder, csv=True, jsonl=True, batch_rows=16) as table:
    for i in range(100):
        table.write(Observation(i, i / 30, (320, 240), (face,)), "clip")
        if i == 90 and end == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if i == 90 and end == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
"""


def capture(folder: Path, end: str, limit: int = 0) -> subprocess.CompletedProcess[str]:
    """A capture of 100 rows in a process of its own that ends in this way."""
    command = [sys.executable, "-c", _CAPTURE, str(folder), end, str(limit)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def unfinished(folder: Path, make_face: Make, observe: Observe, rows: int = 12) -> Path:
    """A folder as a kill leaves it: batches of four rows; returns the journal."""
    table = TableWriter(folder, csv=True, jsonl=True, batch_rows=4)
    for i in range(rows):
        table.write(observe(i, make_face()), "clip")
    table._keep()
    return folder / "faces.arrows.part"


def frames(folder: Path) -> list[int]:
    found: list[int] = pq.read_table(folder / "faces.parquet")["frame"].to_pylist()
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


ALL = ["faces.csv", "faces.jsonl", "faces.parquet"]
RECOVERED = [*ALL, "summary.json"]


def test_after_a_kill_everything_up_to_the_last_batch_comes_back(tmp_path: Path) -> None:
    assert capture(tmp_path, "kill").returncode == -signal.SIGKILL
    assert names(tmp_path) == ["faces.arrows.part", "faces.csv.part", "faces.jsonl.part"]
    result = recover(tmp_path)
    assert result.rows == 80
    assert result.dropped_bytes == 0
    assert sorted(path.name for path in result.files) == RECOVERED == names(tmp_path)
    assert frames(tmp_path) == list(range(80))
    assert pq.read_schema(tmp_path / "faces.parquet").equals(faces_schema())
    assert b"mien.formats" not in pq.read_schema(tmp_path / "faces.parquet").metadata
    assert pd.read_csv(tmp_path / "faces.csv")["frame"].tolist() == list(range(80))
    lines = (tmp_path / "faces.jsonl").read_text().splitlines()
    assert [json.loads(line)["frame"] for line in lines] == list(range(80))


def test_control_c_finishes_the_files(tmp_path: Path) -> None:
    done = capture(tmp_path, "interrupt")
    assert "KeyboardInterrupt" in done.stderr
    assert names(tmp_path) == ALL
    assert frames(tmp_path) == list(range(91))


def test_a_full_disk_loses_nothing_that_was_written(tmp_path: Path) -> None:
    done = capture(tmp_path, "go on", limit=400_000)
    assert done.returncode == 1
    message = done.stderr.splitlines()[-1]
    assert message.startswith("mien.errors.OutputError: cannot write")
    assert "rows are safe in" in message
    assert f"mien recover {tmp_path}" in message
    safe = int(re.search(r"(\d+) of \d+ rows are safe", message)[1])
    assert safe >= 16
    result = recover(tmp_path)
    assert safe <= result.rows < 100
    assert frames(tmp_path) == list(range(result.rows))
    assert names(tmp_path) == RECOVERED


@pytest.mark.parametrize("name", ["faces.parquet", "faces.csv"])
def test_a_disk_that_is_full_at_the_end_keeps_the_journal(
    tmp_path: Path, make_face: Make, observe: Observe, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    table = TableWriter(tmp_path, csv=True, batch_rows=4)
    for i in range(6):
        table.write(observe(i, make_face()), "clip")
    full = OSError(errno.ENOSPC, "No space left on device")

    def fail(*_: object, **__: object) -> None:
        raise full

    if name == "faces.parquet":
        monkeypatch.setattr("mien.outputs.table.pq.ParquetWriter.write_table", fail)
    else:
        monkeypatch.setattr(PartFile, "commit", fail)
    with pytest.raises(OutputError, match="disk is full") as caught:
        table.close()
    assert "6 of 6 rows are safe" in str(caught.value)
    assert "faces.arrows.part" in names(tmp_path)
    assert "faces.parquet.part" not in names(tmp_path)
    monkeypatch.undo()
    assert recover(tmp_path).rows == 6
    assert names(tmp_path) == ["faces.csv", "faces.parquet", "summary.json"]


def test_a_journal_may_break_off_anywhere(
    tmp_path: Path, make_face: Make, observe: Observe
) -> None:
    whole = unfinished(tmp_path / "whole", make_face, observe).read_bytes()
    with pa.ipc.open_stream(whole) as stream:
        schema = len(stream.schema.serialize())
    batch = (len(whole) - schema) // 3
    for cut in [*range(1, 30, 7), 500, batch - 8, batch - 1, batch, batch + 1, 2 * batch + 100]:
        folder = tmp_path / str(cut)
        shutil.copytree(tmp_path / "whole", folder)
        (folder / "faces.arrows.part").write_bytes(whole[:-cut])
        result = recover(folder)
        assert result.rows == 4 * ((3 * batch - cut) // batch)
        assert frames(folder) == list(range(result.rows))
        assert result.dropped_bytes == (-cut) % batch


def test_the_summary_has_what_the_rows_tell(
    tmp_path: Path, make_face: Make, observe: Observe
) -> None:
    settings = {
        "smoothing": '{"beta": 20.0}',
        "mouth_threshold": "0.12",
        "calibration": '{"name": "Ada"}',
    }
    heads = {"expression": "arkit52 1 sha256:0", "morphable": "morphable10 1 sha256:1"}
    table = TableWriter(tmp_path, engine="facemesh", heads=heads, settings=settings, batch_rows=4)
    for i in range(6):
        emotion = np.eye(7, dtype=np.float32)[3 if i < 3 else 4] if i else None
        table.write(observe(i, make_face(emotion=emotion)), "a" if i < 4 else "b")
    table.write(observe(6, make_face(), make_face()), "b")
    table.flush()
    table._keep()
    with (tmp_path / "faces.arrows.part").open("ab") as file:
        file.write(b"\x07" * 10)
    recover(tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["engine"], summary["recovered"], summary["faces"]) == ("facemesh", True, 8)
    assert (summary["smoothing"], summary["mouth_threshold"]) == ({"beta": 20.0}, 0.12)
    assert (summary["heads"], summary["calibration"]) == (heads, "Ada")
    assert summary["frames"] is summary["seconds"] is None
    assert [(s["name"], s["frames_with_faces"], s["faces"]) for s in summary["sources"]] == [
        ("a", 4, 4),
        ("b", 3, 4),
    ]
    assert [s["emotions_by_id"] for s in summary["sources"]] == [
        {"1": {"happy": 0.6667, "sad": 0.3333}},
        {"1": {"sad": 1.0}},
    ]
    assert "10 bytes" in summary["notes"][1]


def test_a_summary_that_is_there_is_not_replaced_unasked(
    tmp_path: Path, make_face: Make, observe: Observe
) -> None:
    unfinished(tmp_path, make_face, observe)
    (tmp_path / "summary.json").write_text("mine")
    assert sorted(path.name for path in recover(tmp_path).files) == ALL
    assert (tmp_path / "summary.json").read_text() == "mine"


def test_rubbish_at_the_end_is_dropped(tmp_path: Path, make_face: Make, observe: Observe) -> None:
    journal = unfinished(tmp_path, make_face, observe)
    with journal.open("ab") as file:
        file.write(b"\x07" * 1000)  # such as a power cut leaves on some file systems
    result = recover(tmp_path)
    assert (result.rows, result.dropped_bytes) == (12, 1000)


def test_a_capture_without_faces_comes_back_empty(
    tmp_path: Path, make_face: Make, observe: Observe
) -> None:
    unfinished(tmp_path, make_face, observe, rows=0)
    assert recover(tmp_path).rows == 0
    assert pq.read_table(tmp_path / "faces.parquet").num_rows == 0


@pytest.mark.parametrize("content", [b"", b"\xff\xff", b"not a journal at all, but some text"])
def test_a_journal_without_a_beginning(tmp_path: Path, content: bytes) -> None:
    journal = tmp_path / "faces.arrows.part"
    journal.write_bytes(content)
    with pytest.raises(InputError, match="nothing to recover"):
        recover(tmp_path)
    assert journal.read_bytes() == content


def test_nothing_to_recover(tmp_path: Path, make_face: Make, observe: Observe) -> None:
    with pytest.raises(InputError, match=r"missing: no such folder; name the folder"):
        recover(tmp_path / "missing")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file: is a file, expected a folder"):
        recover(tmp_path / "file")
    with TableWriter(tmp_path) as table:
        table.write(observe(0, make_face()), "a")
    with pytest.raises(InputError, match="nothing to recover"):
        recover(tmp_path)


def test_a_running_capture_is_left_alone(tmp_path: Path, make_face: Make, observe: Observe) -> None:
    with TableWriter(tmp_path) as table:
        table.write(observe(0, make_face()), "a")
        table.flush()
        with pytest.raises(OutputError, match="still being written"):
            recover(tmp_path)
    assert frames(tmp_path) == [0]


def test_an_older_result_is_not_replaced_unasked(
    tmp_path: Path, make_face: Make, observe: Observe
) -> None:
    with TableWriter(tmp_path) as table:
        table.write(observe(99, make_face()), "older")
    table = TableWriter(tmp_path, overwrite=True)
    table.write(observe(1, make_face()), "newer")
    table.flush()
    table._keep()
    with pytest.raises(OutputError, match="exists already"):
        recover(tmp_path)
    assert frames(tmp_path) == [99]
    assert recover(tmp_path, overwrite=True).rows == 1
    assert frames(tmp_path) == [1]


@pytest.mark.parametrize("left", ["faces.csv.part", None])
def test_killed_between_renaming_and_tidying_up(
    tmp_path: Path, make_face: Make, observe: Observe, left: str | None
) -> None:
    journal = unfinished(tmp_path, make_face, observe)
    kept = journal.read_bytes()
    recover(tmp_path)
    journal.write_bytes(kept)
    if left:
        (tmp_path / "faces.csv").rename(tmp_path / left)
    result = recover(tmp_path)
    assert result.rows == 12
    assert names(tmp_path) == RECOVERED
    assert len(pd.read_csv(tmp_path / "faces.csv")) == 12


def test_videos_get_their_names(tmp_path: Path) -> None:
    (tmp_path / "overlay").mkdir()
    (tmp_path / "overlay" / "clip.mp4.part").write_bytes(b"video")
    result = recover(tmp_path)
    assert result.files == (tmp_path / "overlay" / "clip.mp4",)
    assert (tmp_path / "overlay" / "clip.mp4").read_bytes() == b"video"
    (tmp_path / "overlay" / "clip.mp4.part").write_bytes(b"other")
    with pytest.raises(OutputError, match="exists already"):
        recover(tmp_path)
    assert recover(tmp_path, overwrite=True).rows == 0
    assert (tmp_path / "overlay" / "clip.mp4").read_bytes() == b"other"


def test_a_disk_that_is_full_while_recovering_keeps_the_journal(
    tmp_path: Path, make_face: Make, observe: Observe, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished(tmp_path, make_face, observe)
    before = names(tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("mien.outputs.table.pq.ParquetWriter.write_table", fail)
        with pytest.raises(OutputError, match=r"disk is full.*still safe in"):
            recover(tmp_path)
    assert names(tmp_path) == before
    with monkeypatch.context() as patch:
        patch.setattr("mien.outputs.table.TextFile.append", fail)
        with pytest.raises(OutputError, match=r"disk is full.*still safe in"):
            recover(tmp_path)
    assert recover(tmp_path).rows == 12
    assert names(tmp_path) == RECOVERED
