from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import OutputError
from mien.outputs import write_image

RED = np.zeros((40, 60, 3), np.uint8)
RED[10:20, 10:20, 0] = 255


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.png"])
def test_pictures_come_back(tmp_path: Path, name: str) -> None:
    write_image(tmp_path / "new" / name, RED)
    with Image.open(tmp_path / "new" / name) as image:
        found = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(found - RED).max() <= (0 if name == "a.png" else 40)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]


def test_an_old_picture_is_replaced(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", RED)
    write_image(tmp_path / "a.png", np.zeros((1, 1, 3), np.uint8))
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (1, 1)


@pytest.mark.parametrize("name", ["a.bmp", "a", "a.png.part"])
def test_other_suffixes(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"\.jpg, \.jpeg, \.png"):
        write_image(tmp_path / name, RED)


def test_too_large_for_jpeg(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Write a PNG"):
        write_image(tmp_path / "a.jpg", np.zeros((1, 65_501, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []
