"""Landmarks of a data set are looked for in processes: stopped at once, and gone on with."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.lab.datasets import found
from mien.lab.datasets.found import Archive

# An engine that takes its time, in the processes; where models are not asked for.
SLOW = """
import time
from pathlib import Path
from mien.lab.datasets import found

look = found._look

class Eye:
    def reset(self): ...
    def detect(self, frame):
        time.sleep(0.05)
        return []

def slowly(*given):
    found._eyes = (Eye(), Eye())
    with open("asked.txt", "a") as file:
        print(given[1].start, file=file)
    return look(*given)
"""
FIND = """
from pathlib import Path
from types import SimpleNamespace
import slow
from mien.lab.datasets import found

if __name__ == "__main__":
    found._look, found._CHUNK = slow.slowly, 20
    found._cache = lambda *_: Path("kept/made-0-key.npz").absolute()
    found.zoo = SimpleNamespace(path=lambda _: None)
    found.engines = SimpleNamespace(available=lambda: {"facemesh": None})
    members = tuple(sorted(path.name for path in Path("set").iterdir())) * EACH
    answer = found.find(found.Archive(Path("set").absolute(), members), 0, 1)
    assert answer.size.tolist() == [[120, 120]] * len(members)
"""


def started(folder: Path, each: int) -> subprocess.Popen[bytes]:
    (folder / "find.py").write_text(FIND.replace("EACH", str(each)))
    command = [sys.executable, "find.py"]
    return subprocess.Popen(
        command, cwd=folder, stderr=subprocess.PIPE, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(folder)},
    )  # fmt: skip


def asked(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "asked.txt").read_text().split()]


def test_who_stops_it_does_not_wait_and_loses_little(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "set").mkdir()
    for i in range(20):
        cv2.imwrite(str(tmp_path / "set" / f"{i:02}.png"), np.full((40, 40, 3), i, np.uint8))
    pieces = tmp_path / "kept" / "made-0-key.parts"
    with started(tmp_path, 100) as all_of_them:  # takes 100 seconds
        try:
            while not list(pieces.glob("*.npz")):
                assert all_of_them.poll() is None, all_of_them.communicate()[1].decode()
                time.sleep(0.05)
            began = time.monotonic()
            os.killpg(all_of_them.pid, signal.SIGINT)  # as a terminal does
            told = all_of_them.communicate(timeout=30)[1].decode()
        finally:
            if all_of_them.poll() is None:
                os.killpg(all_of_them.pid, signal.SIGKILL)
    assert time.monotonic() - began < 30
    assert all_of_them.returncode == -signal.SIGINT
    assert "SpawnProcess" not in told
    done = {int(path.stem.partition("-")[0]) for path in pieces.glob("*.npz")}
    assert done
    assert not list(tmp_path.rglob("*.part"))

    (tmp_path / "asked.txt").unlink()
    with started(tmp_path, 4) as some_of_them:  # the first 80 of the same pictures
        assert some_of_them.wait(60) == 0, some_of_them.communicate()[1].decode()
    assert asked(tmp_path) == [start for start in (0, 20, 40, 60) if start not in done]
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["made-0-key.npz"]


def huge() -> bytes:
    """A PNG whose header says 60,000 by 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(bytes(60_001)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + rows + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["huge", "empty", "a folder", "not there"])
def test_what_cannot_be_read_is_damaged(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    if kind == "a folder":
        path.mkdir()
    elif kind != "not there":
        path.write_bytes(huge() if kind == "huge" else b"")
    archive = Archive(tmp_path, ("a.png",))
    assert archive.raw("a.png") is None
    assert archive.read("a.png") is None
    monkeypatch.setattr(found, "_eyes", ())  # nobody is asked
    assert found._look(archive, range(1), 0).damaged == 1
