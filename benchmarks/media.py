"""Videos made on the spot from the sample portrait, so that everybody measures the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np

from mien.assets import sample_portrait
from mien.capture import read_image

RATE = 30


def moving_portrait(width: int, height: int, frames: int) -> Iterator[np.ndarray]:
    """The portrait sways, nods and comes nearer; uint8 RGB (height, width, 3)."""
    portrait = read_image(sample_portrait())
    fit = height / portrait.shape[0]
    for i in range(frames):
        t = i / RATE
        zoom = fit * (1.15 + 0.1 * math.sin(0.9 * t))
        matrix = cv2.getRotationMatrix2D((265, 190), 8 * math.sin(1.3 * t), zoom)
        matrix[:, 2] += (width / 2 - 265, height * 0.45 - 190)
        matrix[:, 2] += (width * 0.08 * math.sin(0.7 * t), height * 0.04 * math.cos(1.1 * t))
        yield cv2.warpAffine(portrait, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)


def make_video(path: Path, width: int, height: int, frames: int) -> Path:
    """An H.264 file of :func:`moving_portrait`, 30 frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for image in moving_portrait(width, height, frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path
