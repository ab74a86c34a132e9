"""Aligned crops: a face lies in one place, however it lay in the picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.errors import InputError
from mien.lab.datasets.crops import SIDE, crop, crops
from mien.topology import CANONICAL


def drawn(scale: float, degrees: float, at: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """A picture with a white dot on the tip of the nose, and the face's points."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    flat = CANONICAL[:, :2] * [1, -1] * scale
    points = np.zeros((478, 3), np.float32)
    points[:, :2] = flat @ turn.T + at
    image = np.zeros((400, 500, 3), np.uint8)
    cv2.circle(image, tuple(int(v) for v in points[1, :2].round()), 6, (255, 255, 255), -1)
    return image, points


@pytest.mark.parametrize(
    ("scale", "degrees", "at"), [(10, 0, (250, 200)), (15, 30, (220, 180)), (8, -90, (300, 210))]
)
def test_a_face_is_upright_and_of_one_size(
    scale: float, degrees: float, at: tuple[float, float]
) -> None:
    cut = crop(*drawn(scale, degrees, at))
    assert cut.shape == (SIDE, SIDE)
    assert cut.dtype == np.uint8
    rows, columns = np.nonzero(cut > 128)
    assert (rows.mean(), columns.mean()) == pytest.approx(NOSE, abs=1)


NOSE = tuple(float(v.mean()) for v in np.nonzero(crop(*drawn(12, 0, (250, 200))) > 128))


def test_left_stays_left() -> None:
    image, points = drawn(12, 0, (250, 200))
    image[:, 251:] = 255
    cut = crop(image, points)
    assert cut[:, SIDE * 3 // 4 :].min() == 255
    assert cut[: SIDE // 4, : SIDE // 4].max() == 0


def test_rows_for_a_net() -> None:
    image, points = drawn(12, 0, (250, 200))
    rows = crops("made", ["a", "b"], np.stack([points, points]), {"a": image, "b": image}.get)
    assert rows.shape == (2, SIDE * SIDE)
    assert rows.dtype == np.float32
    assert (rows.min(), rows.max()) == (0, 1)
    with pytest.raises(InputError, match=r"gone\.jpg cannot be read any more"):
        crops("made", ["gone.jpg"], points[None], lambda _: None)
