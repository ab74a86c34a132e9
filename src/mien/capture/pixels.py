"""Decoded video frames to pictures: RGB, square pixels, upright."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter

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
        self._guessed: Colorspace | None = None
        self._widened: tuple[int, int] | None = None
        self._failed = 0

    def size(self, frame: VideoFrame) -> tuple[int, int]:
        """(width, height) of the picture."""
        a, b, c, d = _matrix(frame)
        width = self._width(frame)
        return (frame.height, width) if _lies(a, b, c, d) else (width, frame.height)

    def rgb(self, frame: VideoFrame) -> RGBImage | None:
        """The picture, turned and mirrored as the file says, to the next right angle.

        None when FFmpeg cannot convert it.
        """
        image = self._converted(frame)
        if image is None:
            self._failed += 1
            return None
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

    def notes(self) -> Iterator[str]:
        """What was done to the pixels."""
        if self._widened:
            before, after = self._widened
            yield f"pixels are not square: frames are widened from {before} to {after} pixels"
        if self._guessed is not None:
            yield "the colour space is one that FFmpeg cannot convert; colours are approximate"
        if self._failed:
            yield f"frames left out because FFmpeg cannot convert them: {self._failed}"

    def _converted(self, frame: VideoFrame) -> RGBImage | None:
        width = self._width(frame)
        if width != frame.width:
            self._widened = self._widened or (frame.width, width)
        # A face is found as well in colours that are a little off.
        for space in (self._guessed, Colorspace.ITU709):
            try:
                plain = self._reformatter.reformat(
                    frame, width=width, format="rgb24", src_colorspace=space
                )
            except av.FFmpegError:
                continue
            self._guessed = space
            image: RGBImage = plain.to_ndarray()
            return image
        return None

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
