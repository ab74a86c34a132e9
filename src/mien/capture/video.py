"""Video files and streams through FFmpeg (PyAV): every frame that decodes, at its own time.

Times are the presentation stamps of the file relative to its first frame, so that a variable
frame rate stays what it is. What is damaged is left out and counted; nothing that decodes is
lost to it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Generator, Iterator
from functools import partial
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ..errors import InputError
from ..types import Frame
from .clock import Clock
from .files import Input
from .pixels import Pixels
from .source import Source, Window

__all__ = ["VideoFile"]

# FFmpeg would also take playlists, which open other files and addresses, and plain text, which
# it draws as a terminal would. The sound formats are here so that the error can say what it is.
_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,asf,flv,ogg,mxf,nut,ivf,"
    "h264,hevc,vvc,av1,obu,m4v,h263,vc1,mjpeg,mpjpeg,yuv4mpegpipe,dv,gxf,wtv,rm,nsv,"
    "mp3,wav,flac,aac,aiff,amr,ac3"
)

# Bare streams have no duration; what FFmpeg gives for them is guessed from the bit rate.
_GUESSED = frozenset(
    ("h264", "hevc", "vvc", "mpeg", "mpegvideo", "m4v", "h263", "vc1", "obu", "av1", "mjpeg")
)

# Formats whose duration is the stamp at the end, so that a late start counts as well.
_ENDING = frozenset(("matroska,webm", "nut", "asf"))

# Demuxers that stumble are asked again, as one damaged cluster need not be the end.
_PATIENCE = 16


class VideoFile(Source):
    """The picture track of a video file or stream. Sound is ignored."""

    def __init__(
        self,
        given: Input,
        window: Window,
        *,
        max_pixels: int,
        threads: int = 0,
        trimmed: bool = False,
        container: str | None = None,
    ) -> None:
        """Open and decode up to the first frame, so that what cannot be used fails here.

        Args:
            given: the file; owned from here on.
            window: the part that is wanted.
            max_pixels: larger frames are refused.
            threads: decoder threads; 0 takes as many as FFmpeg thinks right.
            trimmed: also read what the file's edit list trims away.
            container: FFmpeg's name of the format, where looking at the content misleads.

        Raises:
            InputError: no video, no frame that decodes, or frames too large.
        """
        self._given = given
        self._window = window
        self._max_pixels = max_pixels
        self._trimmed = trimmed
        self._container = _open(given, trimmed, container)
        try:
            first = self._begin(threads)
        except BaseException:
            self._release()
            raise
        self._first: VideoFrame | None = first
        super().__init__(
            given.name,
            "video",
            size=self._pixels.size(first),
            frames=window.count(self._expected(), self._rate),
            fps=self._rate,
        )

    def _begin(self, threads: int) -> VideoFrame:
        """The first frame that decodes."""
        self._stream = _picture_track(self._container, self._given.label)
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = threads
        self._rate = _rate(self._stream)
        self._clock = Clock(self._rate)
        self._tally = _Tally()
        self._pixels = Pixels(float(self._stream.sample_aspect_ratio or 1))
        self._decoding = self._decode()
        self._check_size(self._stream.width, self._stream.height)
        first = next(self._decoding, None)
        if first is None:
            hint = _hint(self._given)
            raise InputError(
                f"{self._given.label}: no frame of the video decodes; it is damaged or cut "
                f"short, or encrypted; get a complete copy{hint}"
            )
        return first

    def _read(self) -> Generator[Frame, None, None]:
        tally, clock, window = self._tally, self._clock, self._window
        given, stopped, last, size = 0, False, 0.0, self.size
        for position, picture in enumerate(self._all()):
            stamp = self._seconds_of(picture)
            index = position + tally.skipped_before(stamp)
            time = clock.time(stamp)
            if window.over(time):
                stopped = True
                break
            last = time
            tally.decoded += 1
            tally.marred += bool(picture.is_corrupt)
            if not window.wants(index, time):
                continue
            self._check_size(picture.width, picture.height)
            image = self._pixels.rgb(picture)
            if image is None:
                continue
            frame = Frame(image, time, index)
            if frame.size != size:
                self.notes.append(
                    f"from {time:.2f} s on the frames are {frame.size[0]} x {frame.size[1]}"
                )
                size = frame.size
            given += 1
            yield frame
        if not stopped:
            self.notes += self._lost(last)
        self.notes += tally.notes(clock.origin)
        self.notes += clock.notes()
        self.notes += self._pixels.notes()
        if self._given.broken:
            self.notes.append(f"the stream broke off: {self._given.broken}")
        if not given:
            raise InputError(
                f"{self._given.label}: no frame between {window.start:g} s and "
                f"{'the end' if window.end is None else f'{window.end:g} s'}; "
                f"the video has {last:.2f} s"
            )

    def _all(self) -> Iterator[VideoFrame]:
        first, self._first = self._first, None
        if first is not None:
            yield first
        yield from self._decoding

    def _decode(self) -> Generator[VideoFrame, None, None]:
        for packet in self._packets():
            yield from self._pictures(packet)

    def _pictures(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            return self._stream.decode(packet)
        except av.FFmpegError:
            self._tally.damage(self._seconds_of(packet))
            return []

    def _packets(self) -> Iterator[Packet[VideoStream] | None]:
        """All packets but a last one that is cut off, then None, which empties the decoder.

        A decoder that works on several frames at once forgets the others when the last one it
        gets is damaged.
        """
        held: Packet[VideoStream] | None = None
        for packet in self._demux():
            if held is not None:
                yield held
            held = packet if packet.is_corrupt else None
            if held is None:
                yield packet
        if held is not None:
            self._tally.damage(self._seconds_of(held))
        yield None

    def _demux(self) -> Iterator[Packet[VideoStream]]:
        went_on = True
        for _ in range(_PATIENCE):
            try:
                for packet in self._container.demux(self._stream):
                    # PyAV marks the end by a packet without content.
                    if packet.size:
                        went_on = True
                        self._tally.trimmed += packet.is_discard
                        yield packet
            except (av.FFmpegError, OSError):  # noqa: PERF203
                if went_on:
                    self._tally.damage(None)
                went_on = False
            else:
                return

    def _seconds_of(self, item: VideoFrame | Packet[VideoStream] | None) -> float | None:
        """Presentation stamp in seconds."""
        # A frame's own time base is missing when it leaves the decoder after the last packet
        # (up to PyAV 18).
        base = self._stream.time_base
        if item is None or item.pts is None or not base:
            return None
        return item.pts * base.numerator / base.denominator

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self._max_pixels:
            raise InputError(
                f"{self._given.label}: frames of {width} x {height} pixels are more than the "
                f"limit of {self._max_pixels / 1e6:g} megapixels; scale the video down (or, in "
                "Python, give open_source a larger max_pixels)"
            )

    def _expected(self) -> int | None:
        """Frames of the whole track; None where the file does not tell."""
        seconds, fps = self._seconds(), self._rate
        declared = self._stream.frames or None
        if self._trimmed or not (seconds and fps):
            return declared
        # What an edit list trims away is counted by the file, but not part of its duration.
        lasting = max(1, round(seconds * fps))
        if declared is not None and declared <= lasting:
            return declared
        # At an uneven rate a duration does not tell how many there are.
        return lasting if self._stream.average_rate == self._stream.base_rate else None

    def _seconds(self) -> float | None:
        """How long the file says the pictures last."""
        base, kind = self._stream.time_base, self._container.format.name
        if self._stream.duration and base:
            seconds = self._stream.duration * base.numerator / base.denominator
        elif self._container.duration and kind not in _GUESSED:
            seconds = self._container.duration / 1_000_000
        else:
            return None
        if kind in _ENDING and self._stream.start_time and base:
            seconds -= self._stream.start_time * base.numerator / base.denominator
        return seconds if seconds > 0 else None

    def _lost(self, last: float) -> Iterator[str]:
        """What a file that has been read to its end did not give."""
        seconds = self._seconds()
        declared = self._stream.frames - self._tally.trimmed
        missing = declared - self._tally.decoded
        if self._stream.frames and missing > 0:
            of = f" of {seconds:.2f} s" if seconds else ""
            yield (
                f"{missing} of {declared} frames did not decode; "
                f"the pictures end at {last:.2f} s{of}"
            )
        elif not self._stream.frames and seconds and seconds - last > 0.5 + 2 * self._clock.step:
            yield f"the pictures end at {last:.2f} s although the file says {seconds:.2f} s"

    def _release(self) -> None:
        self._container.close()
        self._given.close()


class _Tally:
    """Counts what went wrong while decoding."""

    def __init__(self) -> None:
        self.decoded = 0
        self.trimmed = 0
        self.marred = 0
        self._stamps: list[float] = []
        self._unstamped = 0

    def damage(self, stamp: float | None) -> None:
        """A packet that gave no picture."""
        if stamp is None:
            self._unstamped += 1
        else:
            insort(self._stamps, stamp)

    def skipped_before(self, stamp: float | None) -> int:
        """Parts left out in front of a frame, in the order in which frames are shown."""
        stamped = len(self._stamps) if stamp is None else bisect_left(self._stamps, stamp)
        return self._unstamped + stamped

    def notes(self, origin: float) -> Iterator[str]:
        """What was left out or kept against odds."""
        if skipped := len(self._stamps) + self._unstamped:
            near = ""
            if self._stamps:
                near = f", the first near {max(0.0, self._stamps[0] - origin):.2f} s"
            yield f"damaged parts left out: {skipped}{near}"
        if self.marred:
            yield f"frames kept although part of their data is damaged: {self.marred}"
        if self.trimmed:
            yield (
                "frames trimmed away by the file's own edit list, as in every player: "
                f"{self.trimmed} (in Python, open_source with trimmed=True reads them too)"
            )


def _open(given: Input, trimmed: bool, name: str | None) -> InputContainer:
    # A path goes to FFmpeg itself, as a file whatever its name contains; else PyAV reads from
    # Python.
    file: Any = given.file if given.path is None else f"file:{given.path}"
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
    if trimmed:
        options["ignore_editlist"] = "1"
    begin = partial(av.open, file, "r", format=name, options=options, buffer_size=1 << 16)
    try:
        try:
            container: InputContainer = begin()
        except UnicodeError:
            # Titles in another encoding; up to PyAV 18 strictness is the default.
            if given.path is None:
                given.file.seek(0)
            container = begin(metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        hint = _hint(given)
        raise InputError(
            f"{given.label}: expected a picture or a video, got something that is neither, or "
            f"so damaged that it cannot be opened{hint}"
        ) from error
    return container


def _hint(given: Input) -> str:
    """What may be wrong with a pipe. Raises KeyboardInterrupt when that is what ended it."""
    if given.broken:
        return f". The stream broke off: {given.broken}"
    if given.piped and given.head[4:8] in (b"ftyp", b"mdat"):
        return ". An mp4 in a pipe needs its index in front: use -f matroska instead"
    return ""


def _picture_track(container: InputContainer, label: str) -> VideoStream:
    covers = 0
    for stream in container.streams.video:
        if stream.disposition & Disposition.attached_pic:
            covers += 1
        elif stream.codec_context is not None:
            return stream
    kinds = sorted({str(stream.type) for stream in container.streams} - {"video"})
    found = ", ".join([*kinds, *["cover picture"] * bool(covers)]) or "nothing"
    raise InputError(
        f"{label}: expected a video, but the file holds no pictures that this FFmpeg can decode "
        f"({found} found)"
    )


def _rate(stream: VideoStream) -> float | None:
    """Nominal frames per second."""
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0.01 <= rate <= 1000:
            return float(rate)
    return None
