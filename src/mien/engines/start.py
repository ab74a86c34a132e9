"""Start the native runtimes: silently, and warm."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image

from ..arrays import RGBImage
from ..assets import sample_portrait
from ..errors import InputError

__all__ = ["BLANK", "quiet_start", "warm_up_images"]


@contextmanager
def quiet_start() -> Iterator[None]:
    """Send file descriptor 2 to the null device for the length of the block.

    MediaPipe and TFLite greet with a dozen lines on stderr that no setting turns off. Errors
    still arrive as exceptions. Meant for start-up only: it holds for the whole process.
    """
    try:
        sys.stderr.flush()
        saved = os.dup(2)
    except (OSError, AttributeError):  # no stderr at all, as under pythonw
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


def warm_up_images() -> tuple[RGBImage, RGBImage]:
    """A picture with a face, and an empty one.

    The first makes the landmark nets run once before the first real frame, and draws out the last
    of the greetings. The second makes a tracking graph let go of that face.
    """
    try:
        with Image.open(sample_portrait()) as image:
            face: RGBImage = np.asarray(image.convert("RGB"))
    except (InputError, OSError):
        face = BLANK
    return face, BLANK


BLANK: RGBImage = np.zeros((64, 64, 3), np.uint8)
"""A picture without a face. A graph that tracks forgets its faces on it."""
