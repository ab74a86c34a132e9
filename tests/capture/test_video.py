from __future__ import annotations

import io
import struct
import subprocess
import sys
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mien.capture import Source, open_source
from mien.errors import InputError

MakeVideo = Callable[..., Path]
IDENTITY = (1, 0, 0, 1)


def read(given: object, **options: object) -> tuple[list[int], list[float], Source]:
    with open_source(given, **options) as source:
        frames = [(f.index, f.time) for f in source]
    return [i for i, _ in frames], [t for _, t in frames], source


def with_matrix(path: Path, a: int, b: int, c: int, d: int) -> Path:
    """Writes a display matrix into the track header of an mp4."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    data[at : at + 36] = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def colours(image: np.ndarray) -> list[str]:
    """Names of the colours in the four corners: top left, top right, bottom left, bottom right."""
    names = {(1, 0, 0): "r", (0, 1, 0): "g", (0, 0, 1): "b", (1, 1, 1): "w"}
    spots = (image[3, 3], image[3, -4], image[-4, 3], image[-4, -4])
    return [names[tuple((spot > 128).astype(int).tolist())] for spot in spots]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("clip.mp4", "mpeg4"),
        ("clip.mp4", "libx264"),
        ("clip.mov", "libx264"),
        ("clip.mkv", "libx264"),
        ("clip.webm", "libvpx"),
        ("clip.avi", "mpeg4"),
        ("clip.ts", "libx264"),
        ("clip.nut", "ffv1"),
    ],
)
def test_containers_and_codecs(name: str, codec: str, make_video: MakeVideo):
    path = make_video(name, frames=30, codec=codec)
    with open_source(path) as source:
        assert (source.name, source.kind, source.size) == ("clip", "video", (64, 48))
        assert source.fps == pytest.approx(25, rel=0.01)
        frames = list(source)
    assert [f.index for f in frames] == list(range(30))
    # Matroska counts milliseconds.
    np.testing.assert_allclose([f.time for f in frames], np.arange(30) / 25, atol=1e-3)
    for frame in frames[:: 29 // 2]:
        assert frame.image.dtype == np.uint8
        assert frame.image.shape == (48, 64, 3)
        assert frame.image.flags.c_contiguous
        assert colours(frame.image) == ["r", "g", "b", "w"]
    assert source.notes == []
    assert source.frames in (None, *range(29, 32))


def test_the_end_of_the_file_decides_not_the_name(make_video: MakeVideo, tmp_path: Path):
    path = make_video("clip.mkv")
    other = tmp_path / "photo.jpg"
    other.write_bytes(path.read_bytes())
    assert len(read(other)[0]) == 12


def test_one_frame_is_enough(make_video: MakeVideo):
    assert read(make_video(frames=1))[:2] == ([0], [0.0])


def test_varying_rate_stays_what_it_is(make_video: MakeVideo):
    stamps = [0, 33, 67, 200, 201, 950, 1000, 4000]
    indices, times, source = read(make_video("vary.mkv", stamps=stamps))
    assert times == pytest.approx([ms / 1000 for ms in stamps], abs=1e-9)
    assert indices == list(range(8))
    assert source.notes == []


def test_times_count_from_the_first_frame(make_video: MakeVideo):
    _, times, _ = read(make_video("late.mkv", stamps=[5000, 5040, 5100]))
    assert times == pytest.approx([0, 0.04, 0.1], abs=1e-9)


def test_streams_without_stamps_are_counted_at_the_nominal_rate(make_video: MakeVideo):
    _, times, source = read(make_video("bare.h264", frames=8, codec="libx264"))
    assert np.all(np.diff(times) > 0)
    np.testing.assert_allclose(times, np.arange(8) / 25, atol=1e-9)
    assert source.size == (64, 48)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (IDENTITY, ["r", "g", "b", "w"]),
        ((-1, 0, 0, -1), ["w", "b", "g", "r"]),
        ((0, 1, -1, 0), ["b", "r", "w", "g"]),  # a phone held upright: a quarter to the right
        ((0, -1, 1, 0), ["g", "w", "r", "b"]),
        ((-1, 0, 0, 1), ["g", "r", "w", "b"]),
        ((1, 0, 0, -1), ["b", "w", "r", "g"]),
        ((0, 1, 1, 0), ["r", "b", "g", "w"]),
        ((0, -1, -1, 0), ["w", "g", "b", "r"]),
        ((0, 0, 0, 0), ["r", "g", "b", "w"]),  # no turn at all, as some writers leave it
    ],
)
def test_turned_and_mirrored_videos_come_upright(
    matrix: tuple[int, int, int, int], expected: list[str], make_video: MakeVideo
):
    path = with_matrix(make_video(frames=2), *matrix)
    size = (48, 64) if matrix[1] else (64, 48)
    with open_source(path) as source:
        assert source.size == size
        frames = list(source)
    assert len(frames) == 2
    for frame in frames:
        assert frame.size == size
        assert frame.image.flags.c_contiguous
        assert colours(frame.image) == expected


def test_turning_agrees_with_ffmpeg(make_video: MakeVideo):
    path = make_video(frames=1)
    for degrees in (90, 180, -90):
        turned = path.with_name("turned.mp4")
        source = av.open(str(path))
        with av.open(str(turned), "w") as target:
            stream = target.add_stream_from_template(source.streams.video[0])
            stream.set_display_rotation(degrees)
            for packet in source.demux(source.streams.video[0]):
                if packet.size:
                    packet.stream = stream
                    target.mux(packet)
        source.close()
        with open_source(path) as plain, open_source(turned) as other:
            # FFmpeg counts counter-clockwise, as numpy does.
            np.testing.assert_array_equal(
                np.rot90(next(iter(plain)).image, degrees // 90), next(iter(other)).image
            )


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        (Fraction(1), (64, 48)),
        (Fraction(2), (128, 48)),
        (Fraction(64, 45), (91, 48)),
        (Fraction(101, 100), (64, 48)),
    ],
)
def test_pixels_are_made_square(aspect: Fraction, size: tuple[int, int], make_video: MakeVideo):
    with open_source(make_video("wide.mp4", frames=2, aspect=aspect)) as source:
        assert source.size == size
        assert [f.size for f in source] == [size] * 2
    assert bool(source.notes) == (size != (64, 48))


def test_deep_and_full_range_colours(make_video: MakeVideo):
    for name, codec, pix_fmt in (
        ("deep.mkv", "ffv1", "yuv420p10le"),
        ("full.avi", "mjpeg", "yuvj420p"),
        ("grey.mkv", "ffv1", "gray"),
    ):
        with open_source(make_video(name, frames=1, codec=codec, pix_fmt=pix_fmt)) as source:
            image = next(iter(source)).image.astype(int)
        assert image[-4, -4].min() > 245
        if pix_fmt != "gray":
            assert np.abs(image[3, 3] - (255, 0, 0)).max() < 16


@pytest.mark.parametrize(
    ("space", "known"), [(1, True), (5, True), (9, True), (8, False), (10, False), (14, False)]
)
def test_colour_spaces_that_ffmpeg_cannot_convert_are_approximated(
    space: int, known: bool, make_video: MakeVideo
):
    # 8 is YCgCo, 10 BT.2020 with constant luminance, 14 ICtCp.
    path = make_video("odd.mkv", frames=3, codec="libx264", colorspace=space)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).colorspace == space
    with open_source(path) as source:
        frames = list(source)
    assert [f.index for f in frames] == [0, 1, 2]
    assert colours(frames[0].image) == ["r", "g", "b", "w"]
    approximate = "the colour space is one that FFmpeg cannot convert; colours are approximate"
    assert source.notes == ([] if known else [approximate])


def test_frames_that_cannot_be_converted_are_left_out(
    make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> None:
        raise av.error.OSError(95, "Operation not supported")

    monkeypatch.setattr(
        "mien.capture.pixels.VideoReformatter",
        lambda: type("Reformatter", (), {"reformat": staticmethod(fail)}),
    )
    with (
        open_source(make_video(frames=3)) as source,
        pytest.raises(InputError, match="no frame between 0 s and the end"),
    ):
        list(source)
    assert source.notes == ["frames left out because FFmpeg cannot convert them: 3"]


@pytest.mark.parametrize(
    ("options", "indices"),
    [
        ({"stride": 5}, [0, 5, 10]),
        ({"start": 0.2}, [5, 6, 7, 8, 9, 10, 11]),
        ({"end": 0.12}, [0, 1, 2]),
        ({"start": 0.08, "end": 0.3, "stride": 2}, [2, 4, 6]),
        ({"stride": 100}, [0]),
    ],
)
def test_part_of_a_video(options: dict[str, float], indices: list[int], make_video: MakeVideo):
    found, times, source = read(make_video(), **options)
    assert found == indices
    assert times == pytest.approx([i / 25 for i in indices])
    assert source.frames == len(indices)
    assert source.notes == []


def test_part_behind_the_end(make_video: MakeVideo):
    with pytest.raises(InputError, match=r"no frame between 9 s and the end; the video has 0\.44"):
        read(make_video(), start=9)


@pytest.mark.parametrize("threads", [0, 1, 3])
@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_cut_short_keeps_what_decodes_and_says_what_was_lost(
    codec: str, threads: int, make_video: MakeVideo
):
    path = make_video(frames=50, codec=codec, noise=True)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.7)])
    indices, times, source = read(path, threads=threads)
    assert 5 < len(indices) < 45
    # Positions and times agree, also around a frame whose picture is missing.
    assert indices == [round(time * 25) for time in times]
    assert source.frames == 50
    lost = 50 - len(indices)
    assert (
        f"{lost} of 50 frames did not decode; the pictures end at {times[-1]:.2f} s of 2.00 s"
        in (source.notes)
    )


def test_decoding_on_several_threads_loses_nothing_more(make_video: MakeVideo):
    path = make_video(frames=50, codec="libx264", noise=True)
    data = path.read_bytes()
    for part in (0.45, 0.5, 0.55, 0.6, 0.65):
        path.write_bytes(data[: int(len(data) * part)])
        # A single thread is handed the cut-off packet as well and may conceal it.
        assert len(read(path, threads=3)[0]) == len(read(path, threads=1)[0])


def test_cut_short_without_a_count(make_video: MakeVideo):
    path = make_video("cut.mkv", frames=50, codec="libx264", noise=True)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    _, times, source = read(path)
    assert source.notes == [f"the pictures end at {times[-1]:.2f} s although the file says 2.00 s"]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("late.mkv", "mpeg4"),
        ("late.mp4", "mpeg4"),
        ("late.ts", "mpeg2video"),
        ("late.flv", "flv"),
        ("late.nut", "mpeg4"),
        ("late.asf", "mpeg4"),
    ],
)
def test_a_video_that_starts_late_is_not_cut_short(tmp_path: Path, name: str, codec: str):
    path = late(tmp_path / name, codec)
    _, times, source = read(path)
    np.testing.assert_allclose(times, np.arange(50) / 25, atol=1.5e-3)
    assert source.notes == []
    assert source.frames in (None, *range(49, 52))


def test_a_video_that_starts_late_and_is_cut_short(tmp_path: Path):
    path = late(tmp_path / "late.mkv", "mpeg4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    _, times, source = read(path)
    assert 0.5 < times[-1] < 1.4
    assert source.notes[0] == (
        f"the pictures end at {times[-1]:.2f} s although the file says 2.00 s"
    )


def late(path: Path, codec: str) -> Path:
    """Two seconds of noise whose first stamp is 10 s."""
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(50):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, i, 1), format="rgb24")
            frame.pts, frame.time_base = 250 + i, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_damage_in_the_middle_is_skipped_and_counted(make_video: MakeVideo):
    path = make_video(frames=50, codec="libx264", noise=True)
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    for position, size in packets[20:22]:
        data[position : position + size] = b"\xff" * size
    path.write_bytes(data)
    indices, times, source = read(path, threads=1)
    assert len(indices) == 48
    # The gap shows in the positions and in the times.
    assert indices == [round(time * 25) for time in times]
    assert indices[-1] == 49
    assert source.notes[0].startswith("2 of 50 frames did not decode; the pictures end at 1.96 s")
    assert source.notes[1].startswith("damaged parts left out: 2, the first near 0.")


def test_damage_anywhere_is_an_input_error_or_frames(make_video: MakeVideo):
    for name, codec in (("a.mp4", "libx264"), ("a.mkv", "mpeg4"), ("a.avi", "mpeg4")):
        path = make_video(name, frames=8, codec=codec)
        good = path.read_bytes()
        rng = np.random.default_rng(5)
        for _ in range(15):
            data = bytearray(good)
            for position in rng.integers(0, len(data), 20):
                data[position] = rng.integers(0, 256)
            try:
                indices, times, _ = read(bytes(data), max_pixels=1_000_000)
            except InputError:
                continue
            assert len(indices) >= 1
            assert np.all(np.diff(times) > 0)


def test_the_broken_clip(shared: Path):
    path = shared / "media" / "videos" / "talking-1080-truncated.mp4"
    indices, times, source = read(path)
    assert indices == list(range(55))
    assert times[-1] == pytest.approx(2.16)
    assert source.frames == 55
    assert source.size == (1280, 720)
    assert source.notes == [
        "frames trimmed away by the file's own edit list, as in every player: 103 "
        "(in Python, open_source with trimmed=True reads them too)"
    ]
    indices, times, source = read(path, trimmed=True)
    assert indices == list(range(158))
    assert times[-1] == pytest.approx(6.28, abs=0.05)
    assert source.frames == 158
    assert source.notes == []


def test_an_uneven_rate_does_not_tell_how_many_frames_are_left_in(shared: Path):
    indices, _, source = read(shared / "media" / "videos" / "no-face.mp4")
    assert len(indices) == 95
    assert source.frames is None


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("expressive-d0.mp4", 78),
        ("neutral-to-smile.mp4", 72),
        ("face-then-none.mov", 169),
        ("no-face.mp4", 95),
    ],
)
def test_real_clips(name: str, frames: int, shared: Path):
    indices, times, _ = read(shared / "media" / "videos" / name, stride=4)
    assert indices == list(range(0, frames, 4))
    assert np.all(np.diff(times) > 0)


def sound_only(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 4000)


def test_sound_is_ignored(make_video: MakeVideo):
    indices, _, source = read(make_video("talk.mp4", sound=True))
    assert len(indices) == 12
    assert source.notes == []


def test_sound_alone_is_no_video(tmp_path: Path):
    sound_only(tmp_path / "voice.wav")
    with pytest.raises(InputError, match=r"holds no pictures .*\(audio found\)"):
        open_source(tmp_path / "voice.wav")


def test_cover_of_a_song_is_no_video(tmp_path: Path, portrait_path: Path):
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        tone = container.add_stream("aac", rate=44100)
        cover = container.add_stream("mjpeg")
        cover.width, cover.height, cover.pix_fmt = 512, 600, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        silence = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp")
        silence.sample_rate = 44100
        container.mux(tone.encode(silence))
        container.mux(tone.encode())
        packet = av.Packet(portrait_path.read_bytes())
        packet.stream = cover
        packet.pts = packet.dts = 0
        container.mux(packet)
    with pytest.raises(InputError, match=r"\(audio, cover picture found\)"):
        open_source(path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("text.mp4", b"I am no video\n" * 100),
        ("notes.txt", b"I am no video\n" * 100),
        ("list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nother.ts\n#EXT-X-ENDLIST\n"),
        ("list.ffconcat", b"ffconcat version 1.0\nfile 'other.mp4'\n"),
        ("random.mp4", np.random.default_rng(0).bytes(4096)),
        ("zeros.mkv", bytes(4096)),
        ("head.mp4", b"\0\0\0\x18ftypisom\0\0\2\0isomiso2"),
    ],
)
def test_no_video(name: str, data: bytes, tmp_path: Path):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=f"{name}: expected a picture or a video"):
        open_source(path)


def test_mp4_without_its_index(make_video: MakeVideo):
    path = make_video("plain.mov", frames=20)
    data = path.read_bytes()
    with pytest.raises(InputError, match="expected a picture or a video"):
        open_source(data[: data.index(b"moov") - 4])


def test_no_frame_that_decodes(make_video: MakeVideo):
    path = make_video("dead.mp4", codec="libx264")
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    data[start:] = b"\xff" * (len(data) - start)
    path.write_bytes(data)
    with pytest.raises(InputError, match="no frame of the video decodes"):
        open_source(path)


def test_frames_that_are_too_large(make_video: MakeVideo):
    with pytest.raises(InputError, match=r"frames of 64 x 48 pixels .* limit of 0\.001 megapixels"):
        open_source(make_video(), max_pixels=1000)


def test_size_that_changes_on_the_way(make_video: MakeVideo):
    small = make_video("small.h264", frames=5, codec="libx264")
    large = make_video("large.h264", frames=5, codec="libx264", size=(128, 96))
    with open_source(small.read_bytes() + large.read_bytes()) as source:
        sizes = [f.size for f in source]
    assert sizes == [(64, 48)] * 5 + [(128, 96)] * 5
    assert any(note.endswith("the frames are 128 x 96") for note in source.notes)


def test_title_in_another_encoding(make_video: MakeVideo):
    path = make_video("title.avi", title="Caf\u00e9 \u00fcber alles")
    data = path.read_bytes().replace("Caf\u00e9".encode(), b"Caf\xe9!")
    path.write_bytes(data)
    assert b"Caf\xe9!" in data
    assert len(read(path)[0]) == 12
    assert len(read(data)[0]) == 12


@pytest.mark.parametrize("name", ["12:30 talk.mp4", "concat:a|b.mp4", "50% größer.mp4", "-.mp4"])
def test_names_that_mean_something_to_ffmpeg(name: str, make_video: MakeVideo):
    assert len(read(make_video(name))[0]) == 12


@pytest.mark.parametrize("size", [(64, 48), (640, 480)])
def test_pictures_in_a_row_are_a_video(size: tuple[int, int]):
    # FFmpeg takes larger ones for a single picture when it is left to guess.
    rng = np.random.default_rng(0)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuvj420p"
        for _ in range(4):
            noise = rng.integers(0, 256, (*size[::-1], 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")))
        container.mux(stream.encode())
    for given in (buffer.getvalue(), Pipe(buffer.getvalue())):
        indices, times, source = read(given)
        assert source.kind == "video"
        assert indices == [0, 1, 2, 3]
        assert times == pytest.approx([0, 0.04, 0.08, 0.12])


class Pipe(io.RawIOBase):
    """Gives bytes in small pieces and cannot seek."""

    def __init__(self, data: bytes, error: type[BaseException] | None = None) -> None:
        self._data = data
        self._error = error

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self._data and self._error:
            raise self._error
        part = self._data[: min(size, 700)]
        self._data = self._data[len(part) :]
        return part


@pytest.mark.parametrize("name", ["clip.mkv", "clip.ts", "clip.nut", "clip.avi"])
def test_pipe(name: str, make_video: MakeVideo):
    codec = "libx264" if name.endswith("ts") else "mpeg4"
    indices, times, _ = read(Pipe(make_video(name, codec=codec).read_bytes()))
    assert indices == list(range(12))
    np.testing.assert_allclose(times, np.arange(12) / 25, atol=1e-3)


def test_pipe_of_an_mp4_with_its_index_behind(make_video: MakeVideo):
    path = make_video("tail.mp4", noise=True, frames=30)
    data = path.read_bytes()
    at = data.index(b"mdat") - 4
    behind = data[: data.index(b"moov") - 4] + data[at:] + data[data.index(b"moov") - 4 : at]
    with pytest.raises(InputError, match="needs its index in front"):
        open_source(Pipe(behind))


def test_ctrl_c_while_waiting_for_a_pipe(make_video: MakeVideo):
    data = make_video("clip.mkv", frames=40, noise=True).read_bytes()
    with open_source(Pipe(data[: len(data) // 2], KeyboardInterrupt)) as source:
        frames = iter(source)
        # What came before is given first, then the interrupt.
        assert next(frames).index == 0
        with pytest.raises(KeyboardInterrupt):
            list(frames)
    with pytest.raises(KeyboardInterrupt):
        open_source(Pipe(data[:100], KeyboardInterrupt))


def test_a_pipe_that_breaks_keeps_what_came(
    make_video: MakeVideo, capfd: pytest.CaptureFixture[str]
):
    data = make_video("clip.mkv", frames=40, noise=True).read_bytes()
    indices, _, source = read(Pipe(data[: len(data) // 2], ConnectionResetError))
    assert indices == list(range(len(indices)))
    assert len(indices) > 1
    assert source.notes[-1] == "the stream broke off: ConnectionResetError"
    with pytest.raises(InputError, match="The stream broke off: ConnectionResetError"):
        open_source(Pipe(data[:100], ConnectionResetError))
    assert capfd.readouterr().err == ""


def test_a_picture_through_a_pipe_that_breaks(portrait_path: Path):
    data = portrait_path.read_bytes()[:5000]
    with pytest.raises(InputError, match=r"cannot be read \(ConnectionResetError\)"):
        open_source(Pipe(data, ConnectionResetError))
    with pytest.raises(KeyboardInterrupt):
        open_source(Pipe(data, KeyboardInterrupt))


@pytest.mark.parametrize("kind", ["video", "picture"])
def test_standard_input(kind: str, make_video: MakeVideo, portrait_path: Path):
    path = make_video("clip.mkv") if kind == "video" else portrait_path
    script = (
        "from mien.capture import open_source\n"
        "with open_source('-') as s: print(s.name, s.kind, s.size, sum(1 for _ in s))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=path.read_bytes(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    expected = {
        "video": b"stdin video (64, 48) 12",
        "picture": b"stdin still (512, 600) 1",
    }
    assert done.stdout.strip() == expected[kind]
    assert done.stderr == b""


def test_memory_does_not_grow_with_the_length(make_video: MakeVideo):
    """Frames are made one at a time: nothing keeps those that were given."""
    import weakref

    with open_source(make_video(frames=20)) as source:
        alive = []
        for frame in source:
            alive.append(weakref.ref(frame.image))
            assert sum(ref() is not None for ref in alive) <= 2
    assert len(alive) == 20
