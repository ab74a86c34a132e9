"""Pictures of other sizes and colours become grey ones of 48 x 48; damaged ones are known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.arrays import Array
from mien.lab.datasets.folders import Crops
from mien.lab.datasets.greys import _greys, greys

HALF = np.zeros((96, 96), np.uint8)
HALF[:, 1::2] = 200  # finer than what stays: means of areas are flat


@pytest.mark.parametrize(
    ("picture", "level"),
    [
        (np.full((48, 48), 77, np.uint8), 77),
        (np.full((200, 200), 77, np.uint8), 77),
        (np.full((20, 31), 77, np.uint8), 77),
        (np.full((64, 64), 77 * 257, np.uint16), 77),
        (np.full((60, 60, 3), (255, 0, 0), np.uint8), 29),  # blue, as OpenCV writes it
        (np.full((60, 60, 4), (77, 77, 77, 10), np.uint8), 77),
        (HALF, 100),
    ],
    ids=["as it is", "larger", "smaller", "16 bits", "blue", "see-through", "stripes"],
)
def test_what_becomes_of_a_picture(picture: Array, level: int, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), picture)
    seen = greys(Crops(tmp_path, ("1.png",)))
    assert seen.image.shape == (1, 48, 48)
    assert abs(int(seen.image.min()) - level) <= 1
    assert abs(int(seen.image.max()) - level) <= 1
    assert seen.there.all()


def test_copies_are_equal_and_damage_is_known(tmp_path: Path, home: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (48, 48)).astype(np.uint8)
    other = picture.copy()
    other[5, 5] ^= 1
    large = cv2.resize(picture, (96, 96), interpolation=cv2.INTER_NEAREST)
    for name, shown in {"a": picture, "b": picture, "c": other, "e": large}.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), shown)
    (tmp_path / "d.png").write_bytes(b"no picture")
    archive = Crops(tmp_path, tuple(f"{n}.png" for n in "abcde"))
    seen = greys(archive)
    assert seen.there.tolist() == [True, True, True, False, True]
    first, copy, near, _, grown = (bytes(row) for row in seen.digest)
    assert first == copy
    assert len({first, near, grown}) == 3  # also where 48 x 48 pixels would be the same
    _greys.cache_clear()
    (kept,) = (home / "lab").glob("*-grey-*.npz")
    before = kept.stat().st_mtime_ns
    np.testing.assert_array_equal(greys(archive).image, seen.image)
    assert kept.stat().st_mtime_ns == before
