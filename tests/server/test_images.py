import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mien.server.images import LIVE_FORMATS, check_header, decode
from mien.server.problems import RequestError
from mien.server.wire import unpack_frame

MOST = 10_000


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels: what a decompression bomb starts with."""

    def chunk(body: bytes) -> bytes:
        return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR" + size) + chunk(b"IDAT") + chunk(b"IEND")


def code_of(call, *arguments) -> str:
    with pytest.raises(RequestError) as caught:
        call(*arguments)
    return caught.value.detail.code


@pytest.mark.parametrize("size", [(101, 100), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_by_its_header(size):
    assert code_of(check_header, png_header(*size), MOST) == "too_many_pixels"


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"comment": b"\xff\xc0" * 20}])
@pytest.mark.parametrize(("size", "fits"), [((100, 100), True), ((101, 100), False)])
def test_the_size_of_a_jpeg_is_read_without_pillow(encode, monkeypatch, options, size, fits):
    data = encode(size=size, **options)
    monkeypatch.delattr(Image, "open")
    if fits:
        check_header(data, MOST)
    else:
        assert code_of(check_header, data, MOST) == "too_many_pixels"


@pytest.mark.parametrize("stray", [b"\x00", b"\xff\x01", b"\xff\xff"])
def test_a_jpeg_with_strays_between_its_segments_is_left_to_pillow(encode, stray):
    data = encode(size=(101, 100))
    assert code_of(check_header, data[:2] + stray + data[2:], MOST) in (
        "too_many_pixels",
        "unreadable_image",
    )


def test_the_limit_itself_passes():
    check_header(png_header(100, 100), MOST)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"not an image at all",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0" * 9,
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
    ],
)
def test_what_is_no_image_is_refused(data):
    assert code_of(check_header, data, MOST) == "unreadable_image"


def test_only_few_formats_are_live(encode):
    gif = encode(kind="GIF")
    check_header(gif, MOST)
    assert code_of(check_header, gif, MOST, LIVE_FORMATS) == "unreadable_image"


@pytest.fixture
def stripes() -> np.ndarray:
    """Red left, blue right."""
    image = np.zeros((16, 32, 3), np.uint8)
    image[:, :16, 0] = image[:, 16:, 2] = 255
    return image


@pytest.mark.parametrize(
    ("kind", "options"), [("JPEG", {"quality": 95}), ("PNG", {}), ("WEBP", {})]
)
def test_image_files_become_rgb(stripes, encode, message, kind, options):
    image = decode(unpack_frame(message(encode(stripes, kind, **options))), MOST)
    assert image.dtype == np.uint8
    assert abs(image.astype(int) - stripes)[:, [4, 28]].max() < 16


@pytest.mark.parametrize(("encoding", "channels"), [(2, 3), (3, 4)])
def test_raw_pixels_become_rgb(stripes, message, encoding, channels):
    raw = np.full((16, 32, channels), 7, np.uint8)
    raw[..., :3] = stripes
    frame = unpack_frame(message(raw.tobytes(), encoding, size=(32, 16)))
    np.testing.assert_array_equal(decode(frame, MOST), stripes)


def test_a_camera_photo_is_turned_upright(stripes, encode, message):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    image = decode(unpack_frame(message(encode(stripes, exif=exif))), MOST)
    assert image.shape == (32, 16, 3)
    assert image[4, 8, 0] > 200  # left has become top


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16"])
def test_odd_pngs_become_rgb(encode, message, mode):
    image = decode(unpack_frame(message(encode(kind="PNG", mode=mode))), MOST)
    assert image.shape == (48, 64, 3)


def test_cmyk_becomes_rgb(encode, message):
    assert decode(unpack_frame(message(encode(mode="CMYK"))), MOST).shape == (48, 64, 3)


def test_a_frame_over_the_limit_is_refused(message, encode):
    raw = unpack_frame(message(bytes(101 * 100 * 3), 2, size=(101, 100)))
    assert code_of(decode, raw, MOST) == "too_many_pixels"
    file = unpack_frame(message(encode(size=(101, 100))))
    assert code_of(decode, file, MOST) == "too_many_pixels"


@pytest.mark.parametrize("pixels", [b"", b"garbage", png_header(10, 10)])
def test_a_frame_that_does_not_decode_is_refused(message, pixels):
    assert code_of(decode, unpack_frame(message(pixels)), MOST) == "unreadable_image"
