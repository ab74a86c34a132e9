from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mien.capture import open_source, read_image
from mien.errors import InputError


@pytest.mark.parametrize("opener", [open_source, read_image], ids=["source", "image"])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.jpg", None, r"missing\.jpg: no such file or folder; .* has 1 others"),
        ("nearby.jpx", None, r"no such file or folder; did you mean nearby\.jpg\?"),
        ("no/folder/a.jpg", None, r"no such file, and no folder .*folder either"),
        ("zero.jpg", b"", r"zero\.jpg: is empty \(0 bytes\)"),
        ("zero.mp4", b"", r"zero\.mp4: is empty"),
        (".", None, r"is a folder, expected one picture or video"),
        ("nearby.jpg/below", None, r"no such file|cannot be read"),
    ],
)
def test_paths_that_cannot_be_opened(
    opener: object, name: str, content: bytes | None, message: str, tmp_path: Path
):
    (tmp_path / "nearby.jpg").write_bytes(b"x")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        opener(tmp_path / name)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (b"", r"the given bytes: is empty"),
        (io.BytesIO(b""), r"is empty"),
        (io.StringIO("text"), r"expected a file opened in binary mode"),
        ("http://example.org/a.jpg", r"addresses are not opened"),
        ("data:image/png;base64,AAAA", r"addresses are not opened"),
        ("rtmp://example.org/live", r"addresses are not opened"),
        ("/dev/video3", r"name it camera:3"),
        ("a\0b.jpg", r"cannot be read|no such file"),
        (True, r"True: expected a camera number"),
        (-1, r"camera -1: expected a number from 0"),
    ],
)
def test_what_is_no_source(spec: object, message: str):
    with pytest.raises(InputError, match=message):
        open_source(spec)


def test_a_file_without_permission(
    portrait_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def forbidden(self: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(InputError, match=r"cannot be read \(Permission denied\); check its perm"):
        read_image(portrait_path)


def test_a_disk_that_fails(tmp_path: Path):
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(InputError, match=r"cannot be read \(Input/output error\)"):
        read_image(Failing(b"x"))


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"", 2, "standard input: is empty"),
        (b"garbage, no picture and no video" * 9, 2, "standard input: expected a picture or a vid"),
    ],
)
def test_standard_input_that_cannot_be_used(content: bytes, status: int, message: str):
    script = (
        "import sys\n"
        "from mien.capture import open_source\n"
        "from mien.errors import MienError\n"
        "try: open_source('-')\n"
        "except MienError as error: print(error); sys.exit(error.exit_code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=content, capture_output=True, timeout=60
    )
    assert done.returncode == status
    assert message in done.stdout.decode()
    assert done.stderr == b""


@pytest.mark.parametrize("stdin", ["terminal", "none"])
def test_nothing_is_piped_in(stdin: str, monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        buffer = io.BytesIO()

    Terminal.buffer.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", Terminal() if stdin == "terminal" else None)
    with pytest.raises(InputError, match="nothing is piped in; for instance: ffmpeg"):
        open_source("-")


def test_a_picture_that_never_ends(monkeypatch: pytest.MonkeyPatch):
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return b"\xff\xd8\xff\0" * (size // 4)

    monkeypatch.setattr("mien.capture.files._MOST_PIPED", 1 << 22)
    with pytest.raises(InputError, match="a picture of more than 4 MiB; a video has to be piped"):
        open_source(Endless())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe(portrait_path: Path, tmp_path: Path):
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    writer = subprocess.Popen(["cp", str(portrait_path), str(fifo)])
    with open_source(fifo) as source:
        assert (source.name, source.size) == ("pipe", (512, 600))
    assert writer.wait(20) == 0


def test_importing_is_cheap_and_loads_no_runtime():
    script = (
        "import sys, mien.capture\n"
        "print([m for m in ('cv2', 'torch', 'mediapipe', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
