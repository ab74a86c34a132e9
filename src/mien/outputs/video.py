"""H.264 video of RGB frames with their own times."""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np

from ..arrays import RGBImage
from ..errors import InputError, OutputError
from .files import output_error, part_path

__all__ = ["VideoWriter"]

_CLOCK = 90_000
"""Ticks a second: the times of 24, 25, 29.97, 30, 50, 59.94 and 60 frames/s are whole numbers."""

_KEYFRAME_SECONDS = 2
_BT709 = 1
_LIMITED_RANGE = 1

# PyAV's error is the system's for some numbers only: which, differs from version to version.
_REFUSALS = (OSError, av.FFmpegError)

_CONTAINER = {
    # delay_moov: a first frame later than 0 keeps its time (sound from FFmpeg 8.1 on).
    "movflags": "hybrid_fragmented+frag_keyframe+delay_moov",
    # A whole fragment must not wait for the next one in a buffer of this process.
    "fflags": "+flush_packets",
}

_ENCODERS: tuple[tuple[str, dict[str, str]], ...] = (
    # No B-frames: every frame is then shown when it is decoded, so that its time is kept exactly.
    ("libx264", {"preset": "superfast", "bf": "0"}),
    ("libopenh264", {}),
    ("h264_videotoolbox", {"bf": "0"}),
    ("h264_mf", {"bf": "0"}),
)


class VideoWriter:
    """Writes ``.mp4``: H.264, 4:2:0, times as given (variable frame rates stay variable).

    While it is open the file is ``<name>.mp4.part``, made of fragments: after a kill it plays up
    to the last two seconds or so. Closing makes it an ordinary file under its own name.

    Args:
        path: must end in ``.mp4``.
        size: (width, height) of the frames in pixels; an odd side gains one pixel, a copy of its
            border, because 4:2:0 has colour for pairs of pixels only.
        fps: nominal frame rate; decides on the distance of keyframes and how long the last frame
            is shown.
        quality: constant rate factor of x264, 0 (lossless) to 51; 20 looks like the source.
        threads: threads of the encoder; 0 takes as many as FFmpeg thinks right.
        overwrite: replace an existing file instead of refusing.

    Raises:
        OutputError: the file exists, the folder is not writable, or no H.264 encoder is there.
    """

    def __init__(
        self,
        path: Path | str,
        size: tuple[int, int],
        *,
        fps: float | None = None,
        quality: int = 20,
        threads: int = 0,
        overwrite: bool = False,
    ) -> None:
        self.path = Path(path)
        self.size = size
        self.frames = 0
        """Frames written so far."""
        self.adjusted = 0
        """Frames whose time was not after the one before, and was moved behind it."""
        if self.path.suffix.lower() != ".mp4":
            raise OutputError(
                f"cannot write {path}: videos are written as .mp4; change the suffix."
            )
        if self.path.exists() and not overwrite:
            raise OutputError(
                f"{path} exists already. Choose another folder, or replace it with --overwrite."
            )
        self._fps = Fraction(fps or 30).limit_denominator(1001)
        self._part = part_path(self.path)
        self._last = -1
        even = (size[0] + size[0] % 2, size[1] + size[1] % 2)
        self._padding = (even[0] - size[0], even[1] - size[1])
        name, options = _encoder()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(
                str(self._part),
                "w",
                format="mp4",
                options=_CONTAINER,
            )
        except _REFUSALS as error:
            raise output_error(error, self.path) from error
        if name == "libx264":
            options = {**options, "crf": str(quality)}
        stream = cast(
            "av.VideoStream", self._container.add_stream(name, rate=self._fps, options=options)
        )
        context = stream.codec_context
        context.width, context.height = even
        context.pix_fmt = "yuv420p"
        context.thread_count = threads
        context.gop_size = max(1, round(_KEYFRAME_SECONDS * self._fps))
        context.time_base = stream.time_base = Fraction(1, _CLOCK)
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED_RANGE
        self._stream = stream
        self._open = True

    def convert(self, image: RGBImage) -> av.VideoFrame:
        """The picture as :meth:`write` encodes it, a copy.

        A fifth of the work of :meth:`write`, for those who want it done on another thread.

        Args:
            image: uint8 RGB of the size given at the start.

        Raises:
            InputError: a picture of another size.
        """
        if image.shape[1::-1] != self.size:
            raise InputError(
                f"{self.path.name} has frames of {self.size[0]}x{self.size[1]}, got "
                f"{image.shape[1]}x{image.shape[0]}; scale the frame or write another video"
            )
        right, bottom = self._padding
        if right or bottom:
            image = np.pad(image, ((0, bottom), (0, right), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(image), format="rgb24")
        return frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")

    def write(self, picture: RGBImage | av.VideoFrame, time: float) -> None:
        """Append a frame.

        Args:
            picture: uint8 RGB of the size given at the start, or what :meth:`convert` made of it.
            time: seconds; not after the frame before: shown 1/90,000 s after it.

        Raises:
            InputError: a frame of another size.
            OutputError: the system refuses; what was written before stays playable.
        """
        if not self._open:
            raise OutputError(f"{self.path} is closed already; open a new writer")
        frame = picture if isinstance(picture, av.VideoFrame) else self.convert(picture)
        ticks = round(time * _CLOCK)
        if ticks <= self._last:
            ticks = self._last + 1
            self.adjusted += 1
        frame.pts, frame.time_base = ticks, Fraction(1, _CLOCK)
        self._last = ticks
        self._encode(frame)
        self.frames += 1

    def close(self) -> None:
        """Finish the file and give it its name.

        Closing twice does nothing; without a frame no file is left.

        Raises:
            OutputError: the system refuses; the ``.part`` file stays, playable.
        """
        if not self._open:
            return
        if not self.frames:
            self._open = False
            with suppress(*_REFUSALS):  # a file without a frame is thrown away
                self._container.close()
            self._part.unlink(missing_ok=True)
            return
        self._encode(None)
        self._finish()

    def _encode(self, frame: av.VideoFrame | None) -> None:
        try:
            for packet in self._stream.encode(frame):
                packet.duration = round(_CLOCK / self._fps)
                self._container.mux(packet)
        except _REFUSALS as error:
            self._fail(error)

    def _finish(self) -> None:
        self._open = False
        try:
            self._container.close()
            with self._part.open("rb+") as file:
                os.fsync(file.fileno())
            self._part.replace(self.path)
        except _REFUSALS as error:
            self._fail(error)

    def _fail(self, error: OSError | av.FFmpegError) -> None:
        self._open = False
        with suppress(*_REFUSALS):  # or PyAV tries when it is forgotten, and prints a traceback
            self._container.close()
        safe = f"What was written is in {self._part} and plays."
        raise output_error(error, self.path, safe) from error

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _encoder() -> tuple[str, dict[str, str]]:
    for name, options in _ENCODERS:
        if name in av.codecs_available:
            return name, options
    raise OutputError(
        "this build of PyAV has no H.264 encoder (looked for "
        f"{', '.join(name for name, _ in _ENCODERS)}). Install the wheel from PyPI: "
        "pip install --force-reinstall --only-binary av av"
    )
