"""Recordings of packets: whole, cut, and something else."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest

from mien.errors import InputError, OutputError
from mien.streams.gesichter import Recorder, read

PACKETS = tuple(bytes([6, i]) * (i + 5) for i in range(100))


def write(path: Path, packets: tuple[bytes, ...] = PACKETS) -> bytes:
    with Recorder(path) as recorder:
        for packet in packets:
            recorder.write(packet)
    return gzip.decompress(path.read_bytes())


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "take.gesichter"
    raw = write(path)
    assert read(path).packets == PACKETS
    assert read(path).notes == ()
    assert raw[:5] == struct.pack(">BI", 6, 100)
    assert raw[5:9] == struct.pack(">I", len(PACKETS[0]))
    assert [p.name for p in path.parent.iterdir()] == ["take.gesichter"]


def test_real_captures_are_whole(shared: Path) -> None:
    contents = read(shared / "captures" / "arkit-live-180.gesichter")
    assert len(contents.packets) == 180
    assert contents.notes == ()


def test_nothing_has_the_name_before_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "take.gesichter"
    recorder = Recorder(path)
    for packet in PACKETS:
        recorder.write(packet)
    assert not path.exists()
    # As after a kill: what was flushed can be read.
    cut = tmp_path / "cut.gesichter"
    cut.write_bytes((tmp_path / "take.gesichter.part").read_bytes())
    contents = read(cut)
    assert contents.packets == PACKETS[: len(contents.packets)]
    assert len(contents.packets) >= 60
    assert "cut off" in contents.notes[0]
    recorder.close()
    recorder.close()
    assert read(path).packets == PACKETS


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_of_a_cut_file_what_is_whole_is_kept(tmp_path: Path, share: float) -> None:
    path = tmp_path / "take.gesichter"
    write(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    contents = read(path)
    assert contents.packets == PACKETS[: len(contents.packets)]
    assert "cut off or damaged" in contents.notes[0]


@pytest.mark.parametrize(
    ("raw", "count", "told"),
    [
        (struct.pack(">BI", 6, 2) + struct.pack(">I", 3) + b"abc", 1, "says it holds 2"),
        (struct.pack(">BI", 6, 1) + struct.pack(">I", 3) + b"ab", 0, "cut off after 0"),
        (struct.pack(">BI", 6, 1) + struct.pack(">I", 1 << 30), 0, "damaged after 0"),
        (struct.pack(">BI", 6, 1) + b"\0\0", 0, "damaged after 0"),
        (struct.pack(">BI", 6, 1) + bytes(4), 0, "damaged after 0"),
    ],
)
def test_what_does_not_add_up_is_told(tmp_path: Path, raw: bytes, count: int, told: str) -> None:
    path = tmp_path / "odd.gesichter"
    path.write_bytes(gzip.compress(raw))
    contents = read(path)
    assert len(contents.packets) == count
    assert told in contents.notes[0]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (None, "cannot be read"),
        (b"hello", "packed with gzip"),
        (b"", "holds no packets"),
        (gzip.compress(b"", mtime=0), "ends after 0 bytes"),
        (gzip.compress(b"\x09" + bytes(4), mtime=0), "has version 9"),
        (gzip.compress(bytes(100), mtime=0)[:12], "cut off or damaged before"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, data: bytes | None, told: str) -> None:
    path = tmp_path / "odd.gesichter"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match=told):
        read(path)


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Choose another"):
        Recorder(tmp_path / "file" / "take.gesichter")
