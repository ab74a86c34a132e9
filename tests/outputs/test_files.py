from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path

import pytest

from mien.errors import OutputError
from mien.outputs import write_json_atomic
from mien.outputs.files import PartFile, output_error, replacing, writable


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, ["disk is full", "MB free", "another disk"]),
        (errno.EDQUOT, ["disk is full"]),
        (errno.EFBIG, ["larger than", "ulimit"]),
        (errno.EACCES, ["no permission", "folder of your own"]),
        (errno.EROFS, ["no permission"]),
        (errno.ENOTDIR, ["taken by a file"]),
        (errno.EIO, [os.strerror(errno.EIO), "Check the disk"]),
    ],
)
def test_errors_say_why_and_what_to_do(tmp_path: Path, number: int, words: list[str]) -> None:
    error = output_error(OSError(number, os.strerror(number)), tmp_path / "x", "7 rows are safe.")
    assert isinstance(error, OutputError)
    for word in [str(tmp_path / "x"), "7 rows are safe.", *words]:
        assert word in str(error)


def test_a_vanished_folder_still_gets_an_error(tmp_path: Path) -> None:
    error = output_error(OSError(errno.ENOSPC, ""), tmp_path / "gone" / "x")
    assert "disk is full" in str(error)


def test_records_are_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = PartFile(tmp_path / "a" / "b.txt")
    file.append(b"one,")
    inner = file._file
    room = 2

    class Narrow:
        """A disk that takes two more bytes."""

        def write(self, data: memoryview) -> int:
            nonlocal room
            if not room:
                raise OSError(errno.ENOSPC, "full")
            taken = inner.write(data[:room])
            room -= taken
            return taken

        def __getattr__(self, name: str) -> object:
            return getattr(inner, name)

    monkeypatch.setattr(file, "_file", Narrow())
    with pytest.raises(OSError, match="full"):
        file.append(b"two,")
    assert file.part.read_bytes() == b"one,"
    room = 100
    file.append(b"three")
    file.commit()
    assert file.path.read_bytes() == b"one,three"
    assert not file.part.exists()


def test_keep_and_discard(tmp_path: Path) -> None:
    kept, gone = PartFile(tmp_path / "kept"), PartFile(tmp_path / "gone")
    for file in (kept, gone):
        file.append(b"x")
    kept.keep()
    gone.discard()
    assert [path.name for path in tmp_path.iterdir()] == ["kept.part"]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="taken by a file"):
        PartFile(tmp_path / "taken" / "x")
    with pytest.raises(OutputError, match="taken by a file"):
        write_json_atomic(tmp_path / "taken" / "x", {})


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="no permission"):
        PartFile(tmp_path / "x")


@pytest.mark.parametrize("data", [{}, [], {"ä": [1, 2.5, None]}])
def test_json(tmp_path: Path, data: dict[str, object] | list[object]) -> None:
    path = tmp_path / "new" / "summary.json"
    write_json_atomic(path, data)
    assert json.loads(path.read_text(encoding="utf-8")) == data
    assert len(list(path.parent.iterdir())) == 1


def test_json_without_numbers_that_json_lacks(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    write_json_atomic(path, {"old": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json_atomic(path, {"new": math.nan})
    assert json.loads(path.read_text()) == {"old": 1}


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "x"
    path.write_text("old")

    def work() -> None:
        with replacing(path) as part:
            part.write_text("half")
            raise error

    with pytest.raises(OutputError if isinstance(error, OSError) else KeyboardInterrupt):
        work()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_folder_is_tried_before_long_work_and_not_made(tmp_path: Path) -> None:
    writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    for taken in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="its folder's name is taken by a file"):
            writable(taken)
