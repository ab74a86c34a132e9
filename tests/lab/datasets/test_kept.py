"""What is kept on disk comes back whole, or is said to be damaged."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.lab.datasets import kept

POINTS = np.arange(3000, dtype=np.float32).reshape(3, 1000)
SIZE = np.ones((3, 2), np.int32)


@pytest.mark.parametrize("compressed", [False, True])
def test_what_was_written_comes_back(
    compressed: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "deep" / "x.npz"
    assert kept.read(path, ["points"], 3) is None  # nothing is there, which is no fault
    kept.write(path, {"points": POINTS, "size": SIZE}, compressed=compressed)
    found = kept.read(path, ["points", "size"], 3)
    assert found is not None
    np.testing.assert_array_equal(found["points"], POINTS)
    np.testing.assert_array_equal(found["size"], SIZE)
    assert [p.name for p in path.parent.iterdir()] == ["x.npz"]
    assert not caplog.records


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "harm",
    [lambda d: b"", lambda d: d[:-1], lambda d: d[:100], lambda d: b"no zip file", _flipped],
    ids=["empty", "a byte short", "cut off", "something else", "a bit flipped"],
)
def test_a_damaged_file_is_told_in_a_line(
    harm: Callable[[bytes], bytes],
    compressed: bool,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = tmp_path / "x.npz"
    kept.write(path, {"points": POINTS}, compressed=compressed)
    path.write_bytes(harm(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        assert kept.read(path, ["points"], 3) is None
    (record,) = caplog.records
    assert f"{path} is damaged (" in record.getMessage()
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize(
    ("names", "rows", "message"),
    [(["points", "shapes"], 3, "is damaged"), (["points"], 4, "holds 3 rows, not 4")],
)
def test_a_file_of_something_else_is_not_used(
    names: list[str], rows: int, message: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "x.npz"
    kept.write(path, {"points": POINTS})
    with caplog.at_level(logging.WARNING):
        assert kept.read(path, names, rows) is None
    assert message in caplog.text


def test_any_number_of_rows_that_all_arrays_have(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    kept.write(path, {"points": POINTS, "half": POINTS[:1]})
    found = kept.read(path, ["points"], None)
    assert found is not None
    assert len(found["points"]) == len(POINTS)
    assert kept.read(path, ["points", "half"], None) is None
