from __future__ import annotations

import errno
import itertools
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from mien.errors import InputError, OutputError
from mien.outputs import VideoWriter, recover

_RUN = """
import os, resource, signal, sys
import numpy as np
from mien.outputs import VideoWriter

path, end, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
noise = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
with VideoWriter(path, (128, 96), fps=30) as video:
    for i in range(200):
        video.write(np.roll(noise, i, 1), i / 30)
    if end != "close":
        os.kill(os.getpid(), getattr(signal, end))
"""


def run(path: Path, end: str, limit: int = 0) -> subprocess.CompletedProcess[str]:
    """Write 200 frames in a process of its own that ends in this way."""
    command = [sys.executable, "-c", _RUN, str(path), end, str(limit)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def picture(width: int, height: int, shade: int = 0) -> np.ndarray:
    """A smooth picture that survives compression."""
    x, y = np.meshgrid(np.linspace(0, 200, width), np.linspace(0, 200, height))
    return np.stack([x, y, np.full_like(x, shade)], axis=2).astype(np.uint8)


def read(path: Path) -> tuple[list[float], list[np.ndarray]]:
    with av.open(str(path), format="mp4") as container:
        frames = list(container.decode(video=0))
    return [float(f.time) for f in frames], [f.to_ndarray(format="rgb24") for f in frames]


@pytest.mark.parametrize(
    "times",
    [
        [0.0],
        [i / 30 for i in range(70)],
        [i * 1001 / 30000 for i in range(40)],
        [i / 24 for i in range(30)],
        [0.5 + i / 25 for i in range(10)],
        [0.0, 0.04, 0.05, 0.2, 1.7, 1.71, 9.0],
    ],
    ids=["one", "30", "29.97", "24", "late start", "variable"],
)
def test_times_are_exact(tmp_path: Path, times: Sequence[float]) -> None:
    path = tmp_path / "new" / "a.mp4"
    with VideoWriter(path, (64, 48), fps=30) as video:
        for i, time in enumerate(times):
            video.write(picture(64, 48, i), time)
        assert (video.frames, video.adjusted) == (len(times), 0)
    found, _ = read(path)
    np.testing.assert_allclose(found, times, atol=0.5 / 90_000)
    assert [p.name for p in path.parent.iterdir()] == ["a.mp4"]


def test_times_that_do_not_rise_are_moved_on_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, (64, 48)) as video:
        for time in [0.0, 0.1, 0.1, 0.05, 0.2]:
            video.write(picture(64, 48), time)
    assert video.adjusted == 2
    found, _ = read(path)
    tick = 1 / 90_000
    np.testing.assert_allclose(found, [0.0, 0.1, 0.1 + tick, 0.1 + 2 * tick, 0.2], atol=tick / 4)


@pytest.mark.parametrize("size", [(64, 48), (65, 48), (64, 49), (33, 17), (2, 2), (1, 1)])
def test_odd_sizes_gain_a_copy_of_the_border(tmp_path: Path, size: tuple[int, int]) -> None:
    image = np.full((size[1], size[0], 3), (200, 120, 90), np.uint8)
    with VideoWriter(tmp_path / "a.mp4", size) as video:
        video.write(image, 0.0)
    _, (frame,) = read(tmp_path / "a.mp4")
    assert frame.shape[1::-1] == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert np.abs(frame.astype(int) - (200, 120, 90)).max() < 6


def test_colours_come_back(tmp_path: Path) -> None:
    image = np.zeros((64, 256, 3), np.uint8)
    for i, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (240, 180, 150)]):
        image[:, 64 * i : 64 * i + 64] = colour
    with VideoWriter(tmp_path / "a.mp4", (256, 64)) as video:
        video.write(image, 0.0)
    with av.open(str(tmp_path / "a.mp4")) as container:
        frame = next(container.decode(video=0))
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_range) == (1, 1, 1)
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        found = frame.to_ndarray(format="rgb24")
    for i in range(4):
        middle = found[16:48, 64 * i + 16 : 64 * i + 48].astype(int)
        assert np.abs(middle - image[20, 64 * i + 30]).max() < 12


def test_it_needs_no_contiguous_memory(tmp_path: Path) -> None:
    wide = picture(128, 48)
    with VideoWriter(tmp_path / "a.mp4", (64, 48)) as video:
        video.write(wide[:, ::2], 0.0)
    _, (frame,) = read(tmp_path / "a.mp4")
    assert np.abs(frame.astype(int) - wide[:, ::2]).mean() < 6


def test_without_a_frame_no_file_is_left(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", (64, 48)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_size(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", (64, 48)) as video:
        video.write(picture(64, 48), 0.0)
        with pytest.raises(InputError, match="64x48, got 48x64"):
            video.write(picture(48, 64), 0.1)
    assert len(read(tmp_path / "a.mp4")[0]) == 1


@pytest.mark.parametrize("name", ["a.avi", "a", "a.mp4.part"])
def test_other_suffixes(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"written as \.mp4"):
        VideoWriter(tmp_path / name, (64, 48))


def test_a_video_is_not_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")
    with pytest.raises(OutputError, match="exists already"):
        VideoWriter(path, (64, 48))
    with VideoWriter(path, (64, 48), overwrite=True) as video:
        video.write(picture(64, 48), 0.0)
        assert path.read_bytes() == b"old"
    assert len(read(path)[0]) == 1


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="taken by a file"):
        VideoWriter(tmp_path / "taken" / "a.mp4", (64, 48))


def test_a_closed_video_says_so(tmp_path: Path) -> None:
    video = VideoWriter(tmp_path / "a.mp4", (64, 48))
    video.write(picture(64, 48), 0.0)
    video.close()
    video.close()
    with pytest.raises(OutputError, match="closed"):
        video.write(picture(64, 48), 0.1)


def test_an_interrupt_finishes_the_file(tmp_path: Path) -> None:
    done = run(tmp_path / "a.mp4", "SIGINT")
    assert "KeyboardInterrupt" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    assert len(read(tmp_path / "a.mp4")[0]) == 200


def test_after_a_kill_the_file_plays_up_to_the_last_fragment(tmp_path: Path) -> None:
    assert run(tmp_path / "a.mp4", "SIGKILL").returncode == -signal.SIGKILL
    recover(tmp_path)
    times, _ = read(tmp_path / "a.mp4")
    assert 120 <= len(times) < 200
    np.testing.assert_allclose(times, np.arange(len(times)) / 30, atol=1e-5)


def test_a_full_disk_leaves_what_was_written(tmp_path: Path) -> None:
    assert run(tmp_path / "whole.mp4", "close").returncode == 0
    size = (tmp_path / "whole.mp4").stat().st_size
    done = run(tmp_path / "a.mp4", "close", limit=size * 3 // 4)
    message = done.stderr.splitlines()[-1]
    assert message.startswith("mien.errors.OutputError: cannot write")
    assert f"What was written is in {tmp_path / 'a.mp4.part'}" in message
    assert not (tmp_path / "a.mp4").exists()
    with av.open(str(tmp_path / "a.mp4.part"), format="mp4") as container:
        frames = container.decode(video=0)
        assert len(list(itertools.islice(frames, 110))) == 110
        with pytest.raises(av.error.InvalidDataError):  # the frame at which the disk was full
            list(frames)


def test_a_disk_that_is_full_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = VideoWriter(tmp_path / "a.mp4", (64, 48))
    video.write(picture(64, 48), 0.0)

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mien.outputs.video.os.fsync", fail)
    with pytest.raises(OutputError, match="disk is full"):
        video.close()
    assert len(read(tmp_path / "a.mp4.part")[0]) == 1


def test_without_an_encoder_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.outputs.video.av.codecs_available", {"vp9"})
    with pytest.raises(OutputError, match=r"libx264.*pip install"):
        VideoWriter(tmp_path / "a.mp4", (64, 48))
    assert list(tmp_path.iterdir()) == []
