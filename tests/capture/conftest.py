"""Videos made on the spot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

MakeVideo = Callable[..., Path]


def _quadrants(index: int, size: tuple[int, int]) -> np.ndarray:
    """Red, green, blue and white quarters; a bar grows with the index."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2, 0] = 255
    image[: height // 2, width // 2 :, 1] = 255
    image[height // 2 :, : width // 2, 2] = 255
    image[height // 2 :, width // 2 :] = 255
    image[height // 2 - 4 : height // 2 + 4, : 1 + index % width] = 128
    return image


@pytest.fixture(scope="session")
def quadrants() -> Callable[[int, tuple[int, int]], np.ndarray]:
    return _quadrants


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """Writes a video and returns its path; ``stamps`` are milliseconds, one for each frame."""

    def make(
        name: str = "clip.mp4",
        frames: int = 12,
        *,
        codec: str = "mpeg4",
        rate: int = 25,
        size: tuple[int, int] = (64, 48),
        pix_fmt: str = "yuv420p",
        stamps: Sequence[int] | None = None,
        aspect: Fraction | None = None,
        noise: bool = False,
        sound: bool = False,
        title: str | None = None,
        colorspace: int | None = None,
    ) -> Path:
        path = tmp_path / name
        rng = np.random.default_rng(0)
        # The index in front, so that a file that is cut short still opens.
        options = {"movflags": "faststart"} if path.suffix in (".mp4", ".mov") else {}
        with av.open(str(path), "w", options=options) as container:
            if title is not None:
                container.metadata["title"] = title
            stream = container.add_stream(codec, rate=rate)
            stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
            if aspect is not None:
                stream.codec_context.sample_aspect_ratio = aspect
            if colorspace is not None:
                stream.codec_context.colorspace = colorspace
            if stamps is not None:
                stream.codec_context.time_base = Fraction(1, 1000)
                stream.codec_context.max_b_frames = 0
            if sound:
                tone = container.add_stream("aac", rate=44100)
            for index in range(frames if stamps is None else len(stamps)):
                image = _quadrants(index, size)
                if noise:
                    image[::2] = rng.integers(0, 256, image[::2].shape)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                if stamps is not None:
                    frame.pts, frame.time_base = stamps[index], Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
            if sound:
                silence = av.AudioFrame.from_ndarray(np.zeros((2, 44100), np.float32), "fltp")
                silence.sample_rate = 44100
                container.mux(tone.encode(silence))
                container.mux(tone.encode())
        return path

    return make
