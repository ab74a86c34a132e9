"""Captures played back: whose times, which columns, what is left of damaged ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mien.channels import ARKIT_52
from mien.errors import InputError
from mien.geometry import euler_from_matrix, matrix_from_euler
from mien.streams.gesichter import Recorder
from mien.streams.livelink import COLUMNS
from mien.streams.replay import open_replay

# The app writes some columns in another order than it sends them.
ORDER = list(COLUMNS)
for left, right in (("JawLeft", "JawRight"), ("MouthLeft", "MouthRight")):
    i, j = ORDER.index(left), ORDER.index(right)
    ORDER[i], ORDER[j] = ORDER[j], ORDER[i]


def csv_of(rows: list[tuple[str, dict[str, float] | None]]) -> str:
    lines = [",".join(["Timecode", "BlendShapeCount", *ORDER])]
    for code, values in rows:
        if values is None:
            lines.append(f"{code},0" + "," * len(ORDER))
        else:
            lines.append(",".join([code, "61", *(str(values.get(name, 0.0)) for name in ORDER)]))
    return "\n".join(lines) + "\n"


def test_a_real_capture_has_its_own_times(shared: Path) -> None:
    replay = open_replay(shared / "captures" / "arkit-live-180.gesichter")
    times = np.array([moment.time for moment in replay.moments])
    assert len(times) == 180
    assert (times[0], replay.turned, replay.notes) == (0, True, ())
    # At 60 a second, and one gap of eight frames in it.
    assert np.median(np.diff(times)) == pytest.approx(1.0006 / 60, rel=1e-3)
    assert np.diff(times).max() == pytest.approx(8 / 60, rel=1e-2)
    assert replay.seconds == pytest.approx(times[-1] + replay.step)


def test_recordings_with_odd_packets_in_them(
    tmp_path: Path, live_link: Callable[..., bytes]
) -> None:
    path = tmp_path / "take.gesichter"
    with Recorder(path) as recorder:
        for data in (
            live_link(np.ones(61), frame=100, subframe=0.5),
            b"garbage",
            live_link(None, frame=101, subframe=0.5),
            live_link(np.zeros(61), frame=90),
            live_link(np.zeros(61), frame=103, subframe=0.0),
        ):
            recorder.write(data)
    replay = open_replay(path)
    assert [moment.time for moment in replay.moments] == pytest.approx([0, 1 / 60, 2.5 / 60])
    assert [moment.pose is None for moment in replay.moments] == [False, True, False]
    assert replay.notes == (
        "1 packets are no Live Link packets and left out",
        "1 moments do not come after the one before and are left out",
    )


def test_a_take_of_live_link_face_is_read_by_names(tmp_path: Path) -> None:
    path = tmp_path / "take.csv"
    path.write_text(
        csv_of(
            [
                ("14:03:52:58.5", {"JawLeft": 0.25, "MouthRight": 0.5, "HeadYaw": 0.3}),
                ("14:03:52:59.5", None),
                ("14:03:53:00.5", {"JawRight": 1.0}),
            ]
        )
    )
    replay = open_replay(path)
    assert [moment.time for moment in replay.moments] == pytest.approx([0, 1 / 60, 2 / 60])
    first, none, last = (moment.pose for moment in replay.moments)
    assert first is not None
    assert last is not None
    assert none is None
    assert first.weights[ARKIT_52.index("jawLeft")] == 0.25
    assert first.weights[ARKIT_52.index("mouthRight")] == 0.5
    assert last.weights[ARKIT_52.index("jawRight")] == 1
    assert euler_from_matrix(first.head)[0] == pytest.approx(np.degrees(0.3))
    assert replay.turned


@pytest.mark.parametrize(("rate", "seconds"), [(30, 3.0), (60, 3.0), (24, 3.0)])
def test_the_rate_of_a_take_is_told_by_its_frames(
    tmp_path: Path, rate: int, seconds: float
) -> None:
    path = tmp_path / "take.csv"
    frames = range(int(rate * seconds) + 1)
    path.write_text(csv_of([(f"00:00:{f // rate:02d}:{f % rate:02d}.000", {}) for f in frames]))
    assert open_replay(path).moments[-1].time == pytest.approx(seconds)


def test_a_take_over_midnight(tmp_path: Path) -> None:
    path = tmp_path / "take.csv"
    path.write_text(csv_of([("23:59:59:30.0", {}), ("00:00:00:30.0", {})]))
    assert open_replay(path).moments[-1].time == pytest.approx(1)


def test_damaged_rows_of_a_take_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "take.csv"
    text = csv_of([("00:00:00:00.0", {}), ("nonsense", {}), ("00:00:00:02.0", {})])
    path.write_text(text[:-40])  # and the last is cut
    replay = open_replay(path)
    assert len(replay.moments) == 1
    assert replay.notes == ("2 rows are cut off or damaged and left out",)


def table_of(rows: list[tuple[str, int, float, float]]) -> dict[str, list[object]]:
    turn = matrix_from_euler(20, 0, 0).reshape(-1)
    columns: dict[str, list[object]] = {
        "source": [row[0] for row in rows],
        "face_id": [row[1] for row in rows],
        "time": [row[2] for row in rows],
        "jawOpen": [row[3] for row in rows],
        "tongueOut": [None for _ in rows],
        "rotation": [turn.tolist() for _ in rows],
    }
    return columns


ROWS = [("clip", 1, i / 10, i / 10) for i in range(10)] + [("clip", 2, 0.5, 1.0)]


def write_table(folder: Path, form: str, rows: list[tuple[str, int, float, float]]) -> Path:
    columns = table_of(rows)
    path = folder / f"faces.{form}"
    if form == "parquet":
        pq.write_table(pa.table(columns), path)
        return path
    flat: list[list[object]] = columns.pop("rotation")  # type: ignore[assignment]
    names = [*columns, *(f"rotation_{r}{c}" for r in range(3) for c in range(3))]
    lines = [",".join(names)]
    for i, turn in enumerate(flat):
        cells = [*(column[i] for column in columns.values()), *turn]
        lines.append(",".join("" if cell is None else str(cell) for cell in cells))
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_our_own_tables_play_the_face_that_is_seen_most(tmp_path: Path, form: str) -> None:
    replay = open_replay(write_table(tmp_path, form, ROWS))
    assert [moment.time for moment in replay.moments] == pytest.approx(np.arange(10) / 10)
    pose = replay.moments[5].pose
    assert pose is not None
    assert pose.weights[17] == pytest.approx(0.5)
    assert euler_from_matrix(pose.head) == pytest.approx((20, 0, 0), abs=0.01)
    assert not replay.turned
    assert "holds 2 faces; clip face 1" in replay.notes[0]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_take_of_the_page_has_angles_alone(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"take.{form}"
    columns = {"time": [0.0, 0.1], "face_id": [1, 1], "yaw": [12.5, None], "pitch": [-3.0, None],
               "roll": [4.0, None], "jawOpen": [0.25, None]}  # fmt: skip
    if form == "parquet":
        pq.write_table(pa.table(columns), path)
    else:
        rows = zip(*columns.values(), strict=True)
        lines = [",".join("" if c is None else str(c) for c in row) for row in rows]
        path.write_text("\n".join([",".join(columns), *lines]))
    first, second = (moment.pose for moment in open_replay(path).moments)
    assert first is not None
    assert second is not None
    assert euler_from_matrix(first.head) == pytest.approx((12.5, -3.0, 4.0), abs=1e-4)
    assert first.weights[17] == pytest.approx(0.25)
    np.testing.assert_allclose(second.head, np.eye(3))


def test_a_real_table_plays(tmp_path: Path, facemesh: str, portrait_path: Path) -> None:
    from mien.batch import CaptureOptions, capture_to_files

    options = CaptureOptions(tmp_path, engine=facemesh, csv=True)
    capture_to_files([str(portrait_path)], options)
    for name in ("faces.csv", "faces.parquet"):
        (moment,) = open_replay(tmp_path / name).moments
        assert moment.pose is not None
        assert moment.pose.weights.any()
        assert not np.array_equal(moment.pose.head, np.eye(3))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_where_a_table_has_no_rows_nobody_is_there(tmp_path: Path, form: str) -> None:
    rows = [("clip", 1, i / 10, 0.5) for i in (*range(20), *range(60, 70))]
    replay = open_replay(write_table(tmp_path, form, rows))
    nobody = [moment.time for moment in replay.moments if moment.pose is None]
    assert nobody == pytest.approx([2.0])
    assert replay.moments[-1].time == pytest.approx(6.9)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("no.gesichter", None, "is not there"),
        ("take.mov", b"", "expected a capture, one of .gesichter, .csv, .parquet"),
        ("a.gesichter", b"hello", "packed with gzip"),
        ("a.csv", b"", "columns are neither"),
        ("a.csv", b"a,b,c\n1,2,3\n", "columns are neither"),
        ("a.csv", b"\xff\xfe\x00\x01", "cannot be read as a table"),
        ("a.csv", b"Timecode,BlendShapeCount,JawOpen\n", "has 1 of the 61 columns"),
        ("a.csv", csv_of([]).encode(), "holds no face"),
        ("a.csv", csv_of([("00:00:00:00", None)]).encode(), "holds no face"),
        ("a.csv", b"time,face_id,jawOpen\n", "holds no face"),
        ("a.csv", b"time,face_id,jawOpen\nx,1,1\n", "holds no face .1 rows are cut off"),
        ("a.parquet", b"hello", "cannot be read as Parquet"),
    ],
)
def test_what_cannot_be_played_is_told(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=told):
        open_replay(path)


def test_another_table_is_told(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(InputError, match="no table of faces"):
        open_replay(path)
