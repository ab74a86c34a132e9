"""Decoded video frames to pictures: RGB, square pixels, upright."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from ..arrays import RGBImage

__all__ = ["Pixels"]

# Pixels that are not square by more than this are made so; less is an encoder's rounding, and
# more than the second is a mistake.
_SQUARE = 0.02
_ABSURD = 5.0


class Pixels:
    """Turns the frames of one track into pictures.

    Args:
        aspect: width of a pixel over its height; made square by widening the picture.
    """

    def __init__(self, aspect: float) -> None:
        odd = abs(aspect - 1) > _SQUARE and 1 / _ABSURD < aspect < _ABSURD
        self._aspect = aspect if odd else 1.0
        # Kept, as setting up the conversion costs a tenth of decoding a frame.
        self._reformatter = VideoReformatter()

    def size(self, frame: VideoFrame) -> tuple[int, int]:
        """(width, height) of the picture."""
        a, b, c, d = _matrix(frame)
        width = self._width(frame)
        return (frame.height, width) if _lies(a, b, c, d) else (width, frame.height)

    def rgb(self, frame: VideoFrame) -> RGBImage:
        """The picture, turned and mirrored as the file says, to the next right angle."""
        plain = self._reformatter.reformat(frame, width=self._width(frame), format="rgb24")
        image: RGBImage = plain.to_ndarray()
        a, b, c, d = _matrix(frame)
        lies = _lies(a, b, c, d)
        across, down = (c, b) if lies else (a, d)
        if not lies and across >= 0 and down >= 0:
            return np.ascontiguousarray(image)
        # numpy takes ten times as long to copy in another order.
        import cv2

        if lies:
            image = cv2.transpose(image)
        if across < 0 or down < 0:
            image = cv2.flip(image, -1 if across < 0 and down < 0 else int(across < 0))
        return image

    def notes(self, frame: VideoFrame) -> Iterator[str]:
        """What was done to the pixels."""
        if (width := self._width(frame)) != frame.width:
            yield (
                f"pixels are not square: frames of {frame.width} x {frame.height} "
                f"are widened to {width}"
            )

    def _width(self, frame: VideoFrame) -> int:
        return max(1, round(frame.width * self._aspect))


def _matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """What turns and mirrors in the display matrix (FFmpeg's libavutil/display.h).

    These are a, b, c, d of x' = a x + c y, y' = b x + d y, up to a common factor.
    """
    side_data: Any = frame.side_data
    data = side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
    return a, b, c, d


def _lies(a: int, b: int, c: int, d: int) -> bool:
    """Whether rows become columns."""
    return abs(b) + abs(c) > abs(a) + abs(d)
