from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from mien.capture import open_source, read_image
from mien.errors import InputError


def encoded(image: Image.Image, format_: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def corners(size: tuple[int, int] = (40, 20)) -> Image.Image:
    """Red top left, green top right, blue bottom left, white bottom right."""
    width, height = size
    image = Image.new("RGB", size, (255, 0, 0))
    image.paste((0, 255, 0), (width // 2, 0, width, height // 2))
    image.paste((0, 0, 255), (0, height // 2, width // 2, height))
    image.paste((255, 255, 255), (width // 2, height // 2, width, height))
    return image


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_photo_has_shape_type_and_owns_its_memory(portrait_path: Path, portrait: np.ndarray):
    image = read_image(portrait_path)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert image.flags.writeable
    np.testing.assert_array_equal(image, portrait)


@pytest.mark.parametrize("given", [str, Path, "bytes", bytearray, memoryview, "file"])
def test_what_may_be_given(given: object, portrait_path: Path, portrait: np.ndarray):
    data = portrait_path.read_bytes()
    if given == "bytes":
        image = read_image(data)
    elif given == "file":
        with portrait_path.open("rb") as file:
            image = read_image(file)
    elif given in (bytearray, memoryview):
        image = read_image(given(data))
    else:
        image = read_image(given(portrait_path))
    np.testing.assert_array_equal(image, portrait)


@pytest.mark.parametrize(
    ("format_", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("PPM", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 95, "subsampling": 0}, 12),
        ("JPEG2000", {}, 2),
        ("GIF", {}, 2),
        ("ICO", {"sizes": [(40, 20)]}, 2),
    ],
)
def test_formats(format_: str, options: dict[str, object], tolerance: int):
    image = read_image(encoded(corners(), format_, **options)).astype(int)
    expected = np.asarray(corners()).astype(int)
    inner = (slice(2, 8), slice(2, 18))
    assert np.abs(image[inner] - expected[inner]).max() <= tolerance
    assert image.shape == expected.shape


@pytest.mark.parametrize(
    ("mode", "fill", "format_", "expected"),
    [
        ("1", 1, "PNG", (255, 255, 255)),
        ("L", 77, "PNG", (77, 77, 77)),
        ("P", 0, "PNG", (0, 0, 0)),
        ("CMYK", (0, 255, 255, 0), "TIFF", (255, 0, 0)),
        ("YCbCr", (76, 85, 255), "JPEG", (254, 0, 0)),
        ("LA", (0, 0), "PNG", (255, 255, 255)),
        ("LA", (40, 255), "PNG", (40, 40, 40)),
        ("RGBA", (0, 0, 0, 0), "PNG", (255, 255, 255)),
        ("RGBA", (200, 0, 0, 255), "WEBP", (200, 0, 0)),
        ("RGBA", (0, 0, 0, 128), "PNG", (127, 127, 127)),
    ],
)
def test_modes(mode: str, fill: object, format_: str, expected: tuple[int, int, int]):
    options = {"lossless": True} if format_ == "WEBP" else {}
    image = read_image(encoded(Image.new(mode, (9, 7), fill), format_, **options))
    assert image.shape == (7, 9, 3)
    assert np.abs(image[3, 4].astype(int) - expected).max() <= 3


def test_cmyk_jpeg_is_not_inverted():
    data = encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    assert np.abs(read_image(data)[8, 8].astype(int) - (255, 0, 0)).max() <= 8


def test_transparency_of_a_palette_and_of_one_colour():
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.paste(1, (0, 0, 4, 8))
    image = read_image(encoded(palette, "PNG", transparency=0))
    assert image[4, 1].tolist() == [200, 100, 50]
    assert image[4, 6].tolist() == [255, 255, 255]
    keyed = Image.new("RGB", (4, 4), (1, 2, 3))
    image = read_image(encoded(keyed, "PNG", transparency=(1, 2, 3)))
    assert image[0, 0].tolist() == [255, 255, 255]


def test_background_can_be_chosen():
    data = encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 0)), "PNG")
    assert read_image(data, background=(1, 2, 3))[0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("values", "format_", "expected"),
    [
        (np.array([[0, 257, 32768, 65535]], np.uint16), "PNG", [0, 1, 128, 255]),
        (np.array([[0, 257, 32768, 65535]], np.uint16), "TIFF", [0, 1, 128, 255]),
        (np.array([[0, 131070, 65535]], np.int32), "TIFF", [0, 255, 128]),
        (np.array([[-5, 0, 65535]], np.int32), "TIFF", [0, 0, 255]),
        (np.array([[0.0, 0.5, 1.0]], np.float32), "TIFF", [0, 128, 255]),
        (np.array([[0.0, 100.0, 255.0]], np.float32), "TIFF", [0, 100, 255]),
        (np.array([[0.0, 500.0, 1000.0]], np.float32), "TIFF", [0, 128, 255]),
        (np.array([[np.nan, np.inf, 1.0]], np.float32), "TIFF", [0, 0, 255]),
    ],
)
def test_deep_greys_are_scaled_not_clipped(values: np.ndarray, format_: str, expected: list[int]):
    image = read_image(encoded(Image.fromarray(values), format_))
    for channel in range(3):
        assert image[0, :, channel].tolist() == expected


def test_sixteen_bit_colour():
    scale = np.linspace(0, 65535, 256).astype(">u2")
    rows = b"".join(
        b"\0" + np.repeat(row[:, None], 3, 1).tobytes() for row in np.tile(scale, (2, 1))
    )
    header = struct.pack(">IIBBBBB", 256, 2, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        data += (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )
    assert np.abs(read_image(data)[0, :, 1].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, None),
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_90),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_270),
    ],
)
def test_orientation(format_: str, orientation: int, turn: Image.Transpose | None):
    # As the sensor saw it: the upright picture turned the other way.
    stored = corners() if turn is None else corners().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if format_ == "JPEG" else {}
    image = read_image(encoded(stored, format_, exif=exif, **options))
    assert image.shape == (20, 40, 3)
    found = [image[y, x] > 128 for y, x in ((5, 10), (5, 30), (15, 10), (15, 30))]
    assert np.array(found).astype(int).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_orientation_that_does_not_exist_is_ignored(orientation: int):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert read_image(encoded(corners(), "JPEG", exif=exif)).shape == (20, 40, 3)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"]
)
def test_damaged_exif_costs_no_picture_and_no_warning(exif: bytes):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert read_image(encoded(corners(), "JPEG", exif=exif)).shape == (20, 40, 3)
    assert caught == []


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (20_000, 3), (3, 20_000)])
def test_extreme_sizes(size: tuple[int, int]):
    image = read_image(encoded(Image.new("RGB", size, (1, 2, 3)), "PNG"))
    assert image.shape == (size[1], size[0], 3)
    with open_source(encoded(Image.new("RGB", size, (1, 2, 3)), "PNG")) as source:
        (frame,) = source
    assert frame.size == size


@pytest.mark.parametrize("side", [10_001, 20_000, 100_000])
def test_too_many_pixels_are_refused_before_decoding(side: int):
    # Nothing is there to be decoded: the size alone decides, and no warning of Pillow's leaks.
    with pytest.raises(InputError, match=rf"{side} x {side} pixels are more than .* 100 megapix"):
        read_image(png_header(side, side))


def test_limit_can_be_set_and_pillow_keeps_its_own():
    data = encoded(corners(), "PNG")
    with pytest.raises(InputError, match=r"0\.0004 megapixels"):
        read_image(data, max_pixels=400)
    assert read_image(data, max_pixels=800).shape == (20, 40, 3)
    assert Image.MAX_IMAGE_PIXELS == 1024 * 1024 * 1024 // 4 // 3
    with pytest.raises(InputError, match="damaged or cut short"):
        read_image(png_header(20_000, 20_000), max_pixels=10**9)


GOOD = {
    "JPEG": lambda: encoded(corners((200, 100)), "JPEG"),
    "PNG": lambda: encoded(Image.effect_noise((200, 100), 80), "PNG"),
    "GIF": lambda: encoded(Image.effect_noise((200, 100), 80), "GIF"),
    "WEBP": lambda: encoded(Image.effect_noise((200, 100), 80), "WEBP"),
    "BMP": lambda: encoded(corners((200, 100)), "BMP"),
    "TIFF": lambda: encoded(corners((200, 100)), "TIFF"),
    "JPEG2000": lambda: encoded(Image.effect_noise((200, 100), 80), "JPEG2000"),
}
if features.check("avif"):
    GOOD["AVIF"] = lambda: encoded(corners((200, 100)), "AVIF")


@pytest.mark.parametrize("format_", GOOD)
def test_cut_short(format_: str):
    data = GOOD[format_]()
    with pytest.raises(InputError, match=r"cut\.bin: .*damaged or cut short"):
        read_image(data[: len(data) // 2], label="cut.bin")


@pytest.mark.parametrize("format_", GOOD)
def test_damage_of_any_kind_is_an_input_error(format_: str):
    good = GOOD[format_]()
    rng = np.random.default_rng(3)
    for _ in range(60):
        data = bytearray(good)
        for position in rng.integers(0, min(len(data), 600), rng.integers(1, 12)):
            data[position] = rng.integers(0, 256)
        try:
            image = read_image(bytes(data), max_pixels=1_000_000)
        except InputError:
            continue
        assert image.dtype == np.uint8
        assert image.ndim == 3


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"\0", "expected a picture"),
        (b"hello, I am a text\n" * 20, "expected a picture .* whatever its name says"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "expected a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "expected a picture"),
        (b"\xff\xd8\xff", "damaged|expected a picture"),
        (b"\x89PNG\r\n\x1a\n", "damaged|expected a picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is a HEIC picture, .* convert it to JPEG"),
    ],
    ids=["empty", "one-byte", "text", "eps", "svg", "jpeg-mark", "png-mark", "heic"],
)
def test_no_picture(data: bytes, message: str, tmp_path: Path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        read_image(path)
    assert str(path) in str(caught.value)


def frames_of(image: bytes, **options: object) -> tuple[list[tuple[int, float, list[int]]], object]:
    with open_source(image, **options) as source:
        read = [(f.index, round(f.time, 4), f.image[2, 2].tolist()) for f in source]
    return read, source


COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def animation(format_: str, durations: list[int], **options: object) -> bytes:
    first, *rest = (Image.new("RGB", (12, 10), colour) for colour in COLOURS)
    return encoded(first, format_, save_all=True, append_images=rest, duration=durations, **options)


@pytest.mark.parametrize(
    ("format_", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})]
)
def test_animation_plays_as_a_video_at_its_own_times(format_: str, options: dict[str, object]):
    data = animation(format_, [100, 250, 40], **options)
    read, source = frames_of(data)
    assert read == [(0, 0.0, [255, 0, 0]), (1, 0.1, [0, 255, 0]), (2, 0.35, [0, 0, 255])]
    assert (source.kind, source.frames, source.size, source.notes) == ("video", 3, (12, 10), [])
    assert source.fps == pytest.approx(10)
    assert read_image(data)[0, 0].tolist() == [255, 0, 0]


def test_animated_png_without_its_cover_picture():
    cover = Image.new("RGB", (12, 10), (9, 9, 9))
    frames = [Image.new("RGB", (12, 10), colour) for colour in COLOURS]
    data = encoded(
        cover, "PNG", save_all=True, append_images=frames, default_image=True, duration=200
    )
    read, _ = frames_of(data)
    assert [colour for _, _, colour in read] == [list(colour) for colour in COLOURS]
    assert [time for _, time, _ in read] == [0.0, 0.2, 0.4]


@pytest.mark.parametrize("milliseconds", [0, 10])
def test_animation_without_durations_runs_as_in_browsers(milliseconds: int):
    read, _ = frames_of(animation("GIF", [milliseconds] * 3))
    assert [time for _, time, _ in read] == [0.0, 0.1, 0.2]


@pytest.mark.parametrize(
    ("options", "indices"),
    [({"start": 0.1}, [1, 2]), ({"end": 0.1}, [0]), ({"stride": 2}, [0, 2])],
)
def test_part_of_an_animation(options: dict[str, float], indices: list[int]):
    read, _ = frames_of(animation("GIF", [100, 100, 100]), **options)
    assert [index for index, _, _ in read] == indices


def test_animation_that_is_cut_short_anywhere_keeps_what_decodes():
    rng = np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 255, (50, 60), np.uint8)) for _ in range(5)]
    data = encoded(noise[0], "GIF", save_all=True, append_images=noise[1:], duration=100)
    counts = []
    # Every length of a stretch of the file: Pillow fails in another way at each of its fields.
    for length in (*range(len(data) // 2, len(data) // 2 + 900), int(len(data) * 0.7)):
        with open_source(data[:length]) as source:
            counts.append(sum(1 for _ in source))
    assert set(counts[:-1]) <= {2, 3}
    assert 2 <= counts[-1] <= 4


def test_pages_of_a_tiff_are_not_an_animation():
    pages = [Image.new("RGB", (5, 5), colour) for colour in COLOURS]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    read, source = frames_of(data)
    assert read == [(0, 0.0, [255, 0, 0])]
    assert source.kind == "still"
    assert source.notes == ["the first of 3 pages is read"]


def test_further_views_of_a_photo_are_not_a_video():
    views = [Image.new("RGB", (32, 32), colour) for colour in COLOURS]
    data = encoded(views[0], "MPO", save_all=True, append_images=views[1:])
    read, source = frames_of(data)
    assert len(read) == 1
    assert source.kind == "still"


def test_still_as_a_source(portrait_path: Path, portrait: np.ndarray):
    with open_source(portrait_path) as source:
        (frame,) = source
        assert list(source) == []
    assert (source.name, source.kind, source.frames, source.fps) == (
        "grace_hopper", "still", 1, None,
    )  # fmt: skip
    assert source.size == (512, 600)
    assert (frame.index, frame.time) == (0, 0.0)
    np.testing.assert_array_equal(frame.image, portrait)


def test_every_named_still_is_read(shared: Path):
    stills = sorted((shared / "media" / "stills").glob("*.jpg"))
    assert stills
    for path in stills:
        with Image.open(path) as image:
            size = image.size
        with open_source(path) as source:
            assert source.size == size
            assert source.notes == []


def test_reading_pictures_leaves_the_file_open_and_closes_its_own(
    portrait_path: Path, monkeypatch: pytest.MonkeyPatch
):
    opened: list[io.IOBase] = []
    original: Callable[..., io.IOBase] = Path.open

    def record(self: Path, *args: object) -> io.IOBase:
        opened.append(original(self, *args))
        return opened[-1]

    monkeypatch.setattr(Path, "open", record)
    read_image(portrait_path)
    assert [file.closed for file in opened] == [True]
    with portrait_path.open("rb") as file:
        read_image(file)
        assert not file.closed
